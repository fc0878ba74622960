//! What became of submissions: bounded credits on the way in, completions on the way out.
//!
//! # Invariants
//! I1 issued - settled <= completions.max + threads that submit at this instant, on each chain. A chain
//! that makes no progress uses up its own credits only.
//! I2 an operation number is 2 n + the chain's index, n from 1: numbers of a chain ascend in the order of
//! submission by one thread, no two submissions of a node share one, and none is 0.

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
    /// `Ok`: final. `Duplicate`: the same bytes were submitted before and are final. `Cancelled`: the node
    /// closed first.
    pub status: Status,
    /// Id of the transaction; zero when it was cancelled.
    pub tx: TxId,
    /// Height of the block that holds these bytes; 0 when none does.
    pub height: Height,
    /// Position in that block.
    pub index: u32,
    /// When it was accepted, on the node's clock.
    pub submitted: Tick,
    /// When its outcome was known, on the node's clock.
    pub finalized: Tick,
}

/// Counts submissions to one chain whose completion was not polled yet.
#[derive(Debug)]
pub(super) struct Credits {
    chain: ChainId,
    max: u64,
    issued: AtomicU64,
    settled: AtomicU64,
    /// Notified when credits come back.
    pub(super) returned: Signal,
}

impl Credits {
    pub(super) fn new(chain: ChainId, max: u64) -> Self {
        Self {
            chain,
            max,
            issued: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            returned: Signal::default(),
        }
    }

    /// Takes up to `wanted` credits; `None` at the bound.
    pub(super) fn take(&self, wanted: u64) -> Option<Taken> {
        // Relaxed: a counter, no data hangs on it; I1 allows for the race.
        let outstanding =
            self.issued.load(Ordering::Relaxed).saturating_sub(self.settled.load(Ordering::Relaxed));
        let count = wanted.min(self.max.saturating_sub(outstanding));
        if count == 0 {
            return None;
        }
        let first = self.issued.fetch_add(count, Ordering::Relaxed) + 1;
        Some(Taken { chain: self.chain, first, count })
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

/// Credits for consecutive submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    chain: ChainId,
    first: u64,
    pub(super) count: u64,
}

impl Taken {
    /// The operation number of the submission at `index` (I2).
    pub(super) fn op(self, index: u64) -> OpId {
        OpId::new((self.first + index) * ChainId::ALL.len() as u64 + self.chain.index() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_run_out_and_come_back() {
        let credits = Credits::new(ChainId::Delta, 3);
        let counts = |wanted| credits.take(wanted).map(|taken| (taken.op(0).get(), taken.count));
        assert_eq!(counts(2), Some((3, 2)));
        assert_eq!(counts(5), Some((7, 1)));
        assert_eq!(counts(1), None);
        credits.settle(2);
        assert_eq!(counts(5), Some((9, 2)));
        assert_eq!(credits.outstanding(), 3);
    }

    #[test]
    fn chains_never_share_an_operation_number() {
        let numbers = ChainId::ALL.map(|chain| {
            let taken = Credits::new(chain, 10).take(10).expect("free");
            (0..10).map(|index| taken.op(index).get()).collect::<Vec<_>>()
        });
        assert!(numbers[0].iter().all(|number| *number != 0 && !numbers[1].contains(number)));
    }
}
