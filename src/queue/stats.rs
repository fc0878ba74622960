//! What a queue has done so far.

use crate::pool::PoolStats;

/// Counters of one lane. Each is exact while nobody else uses the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneStats {
    /// Transactions accepted so far.
    pub accepted: u64,
    /// Transactions refused because the lane was full or the pool had no buffer.
    pub refused: u64,
    /// Transactions handed out so far.
    pub dequeued: u64,
    /// Transactions waiting now.
    pub depth: u64,
    /// Most that were seen waiting: exact once the lane was full, otherwise up to 64 below or 31 above the truth.
    pub depth_high: u64,
}

/// Counters of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// One entry a lane, most urgent first.
    pub lanes: Vec<LaneStats>,
    /// The buffers behind it.
    pub pool: PoolStats,
    /// True once the queue was closed.
    pub closed: bool,
}
