package io.duochain;

import java.time.Duration;

/**
 * A buffer that is checked out.
 *
 * @param buffer its number
 * @param length bytes that were asked for
 * @param age time since it was acquired
 * @param site who acquired it: class, method, file and line
 */
public record HeldBuffer(long buffer, long length, Duration age, String site) {
}
