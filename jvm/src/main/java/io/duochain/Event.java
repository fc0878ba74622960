package io.duochain;

import java.util.Optional;

/**
 * One entry of a chain's event stream.
 *
 * @param chain the chain whose stream it is in
 * @param sequence its number in that stream, from 1 without gaps
 * @param kind what happened
 * @param height the block concerned; for health, the highest final one
 * @param hash hash of that block
 * @param timeUnixNanos for a final block its header's time, otherwise the time of the transition
 * @param txCount transactions in the block; 0 for other kinds
 * @param health the chain's health after a transition; empty for other kinds
 * @param detail a short text for people; empty for final blocks
 */
public record Event(
        Chain chain,
        long sequence,
        EventKind kind,
        long height,
        Hash hash,
        long timeUnixNanos,
        int txCount,
        Optional<HealthState> health,
        String detail) {
}
