package io.duochain;

/**
 * What happened on shared lanes.
 *
 * @param accepted transactions taken out so far
 * @param bytes their bytes
 * @param corrupt words that made no sense, passed over or written again
 * @param gaps places in a lane passed over because later ones were filled
 * @param tails times that a tail was corrected
 * @param seats seats for producers
 * @param seatsTaken seats that are taken
 * @param seatsRecovered seats taken over from processes that had ended
 */
public record SharedStats(
        long accepted,
        long bytes,
        long corrupt,
        long gaps,
        long tails,
        long seats,
        long seatsTaken,
        long seatsRecovered) {
}
