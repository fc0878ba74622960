package io.duochain;

/**
 * What a pool did and holds.
 *
 * @param inUse buffers checked out now
 * @param inUseHigh most buffers ever checked out at once; up to 64 more for each thread, which are at hand there
 * @param free buffers ready to be handed out without allocating
 * @param reservedBytes memory reserved for classes
 * @param acquired buffers handed out so far
 * @param released buffers given back so far
 * @param exhausted requests refused for want of a buffer
 * @param staleRefused releases refused because the buffer was not checked out
 * @param resident buffers with memory behind them
 * @param slabs pieces that this memory comes in
 * @param evictions slabs given back to the system so far
 * @param hugePages whether the system took the advice to use huge pages for all slabs
 * @param unmapsRefused slabs given back of which the system took the memory and refused the addresses, because the
 *     process has as many mappings as it may; later slabs use these addresses
 */
public record PoolStats(
        long inUse,
        long inUseHigh,
        long free,
        long reservedBytes,
        long acquired,
        long released,
        long exhausted,
        long staleRefused,
        long resident,
        long slabs,
        long evictions,
        boolean hugePages,
        long unmapsRefused) {
}
