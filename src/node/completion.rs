//! What became of submissions: bounded credits on the way in, completions on the way out.
//!
//! # Invariants
//! I1 issued - settled <= completions.max + threads that submit at this instant.

use super::signal::Signal;
use crate::types::{ChainId, Height, OpId, Status, Tick, TxId};
use std::sync::atomic::{AtomicU64, Ordering};

/// The end of one submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The submission.
    pub op: OpId,
    /// Its chain.
    pub chain: ChainId,
    /// `Ok`: final. `Duplicate`: the same bytes are in an earlier block. `Cancelled`: the node closed first.
    pub status: Status,
    /// Id of the transaction; zero when it was cancelled.
    pub tx: TxId,
    /// Height of its block; 0 when it is in none.
    pub height: Height,
    /// Position in that block.
    pub index: u32,
    /// When it was accepted, on the node's clock.
    pub submitted: Tick,
    /// When its outcome was known, on the node's clock.
    pub finalized: Tick,
}

/// Counts submissions whose completion was not polled yet.
#[derive(Debug)]
pub(super) struct Credits {
    max: u64,
    issued: AtomicU64,
    settled: AtomicU64,
    /// Notified when credits come back.
    pub(super) returned: Signal,
}

impl Credits {
    pub(super) fn new(max: u64) -> Self {
        Self { max, issued: AtomicU64::new(0), settled: AtomicU64::new(0), returned: Signal::default() }
    }

    /// Takes up to `wanted` credits; the first of the operation numbers and how many. `None` at the bound.
    pub(super) fn take(&self, wanted: u64) -> Option<(u64, u64)> {
        // Relaxed: a counter, no data hangs on it; I1 allows for the race.
        let outstanding =
            self.issued.load(Ordering::Relaxed).saturating_sub(self.settled.load(Ordering::Relaxed));
        let count = wanted.min(self.max.saturating_sub(outstanding));
        if count == 0 {
            return None;
        }
        Some((self.issued.fetch_add(count, Ordering::Relaxed) + 1, count))
    }

    /// Gives back `count` credits.
    pub(super) fn settle(&self, count: u64) {
        if count > 0 {
            self.settled.fetch_add(count, Ordering::Relaxed);
            self.returned.notify();
        }
    }

    /// Submissions that were not polled yet.
    pub(super) fn outstanding(&self) -> u64 {
        let settled = self.settled.load(Ordering::Relaxed);
        self.issued.load(Ordering::Relaxed).saturating_sub(settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_run_out_and_come_back() {
        let credits = Credits::new(3);
        assert_eq!(credits.take(2), Some((1, 2)));
        assert_eq!(credits.take(5), Some((3, 1)));
        assert_eq!(credits.take(1), None);
        credits.settle(2);
        assert_eq!(credits.take(5), Some((4, 2)));
        assert_eq!(credits.outstanding(), 3);
    }
}
