//! What one chain needs to know.

use crate::types::ChainId;
use std::time::Duration;

/// Delta blocks per Alpha block.
pub const ALPHA_DELTA_RATIO: u32 = 5;

/// Timing, finality and health of one chain; checked by the configuration.
#[derive(Clone, Debug)]
pub struct ChainSettings {
    /// Which chain.
    pub chain: ChainId,
    /// Target time between blocks, already scaled.
    pub interval: Duration,
    /// Blocks on top that make a block final; at least 1.
    pub finality_depth: u64,
    /// How far a header's time may lie ahead of the clock.
    pub skew: Duration,
    /// Late by more than this many intervals: degraded.
    pub degraded_intervals: u64,
    /// Late by more than this many intervals: stalled.
    pub stalled_intervals: u64,
    /// On-time final blocks until a recovering chain is healthy.
    pub recovery_blocks: u64,
}
