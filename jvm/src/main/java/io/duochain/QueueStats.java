package io.duochain;

import java.util.List;

/**
 * What a queue did and holds.
 *
 * @param lanes by lane
 * @param pool its buffers
 */
public record QueueStats(List<LaneStats> lanes, PoolStats pool) {
}
