package io.duochain;

/**
 * What one size of a pool did and holds.
 *
 * @param bufferBytes size of a buffer
 * @param countMax most buffers
 * @param initial buffers whose memory {@link Pool#maintain()} never gives back
 * @param inUse buffers checked out now
 * @param inUseHigh most buffers ever checked out at once; up to 64 more for each thread, which are at hand there
 * @param free buffers that were used before and can be used again
 * @param resident buffers with memory behind them
 * @param slabs pieces that this memory comes in
 * @param reservedBytes their memory
 * @param acquired buffers handed out so far
 * @param released buffers given back so far
 * @param evictions slabs given back to the system so far
 */
public record PoolClassStats(
        long bufferBytes,
        long countMax,
        long initial,
        long inUse,
        long inUseHigh,
        long free,
        long resident,
        long slabs,
        long reservedBytes,
        long acquired,
        long released,
        long evictions) {
}
