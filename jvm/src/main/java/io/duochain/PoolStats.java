package io.duochain;

/**
 * What a pool did and holds.
 *
 * @param inUse buffers checked out now
 * @param inUseHigh most buffers ever checked out at once
 * @param free buffers ready to be handed out without allocating
 * @param reservedBytes memory reserved for classes
 * @param acquired buffers handed out so far
 * @param released buffers given back so far
 * @param exhausted requests refused for want of a buffer
 * @param staleRefused releases refused because the buffer was not checked out
 */
public record PoolStats(
        long inUse,
        long inUseHigh,
        long free,
        long reservedBytes,
        long acquired,
        long released,
        long exhausted,
        long staleRefused) {
}
