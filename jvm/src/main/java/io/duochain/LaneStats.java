package io.duochain;

/**
 * What one lane of a queue did and holds.
 *
 * @param accepted transactions accepted
 * @param refused transactions refused because the lane was full
 * @param dequeued transactions taken out
 * @param depth transactions in it now
 * @param depthHigh most transactions ever seen in it
 */
public record LaneStats(long accepted, long refused, long dequeued, long depth, long depthHigh) {
}
