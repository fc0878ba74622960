package io.duochain;

/**
 * What one {@link Pool#maintain()} did.
 *
 * @param grownBuffers buffers that got memory ahead of demand
 * @param evictedSlabs slabs given back to the system
 * @param evictedBytes their memory
 */
public record PoolMaintenance(long grownBuffers, long evictedSlabs, long evictedBytes) {
}
