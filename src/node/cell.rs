//! What one chain's thread and the host's threads share.

use super::carry::Carry;
use super::completion::{Completion, Credits};
use super::disk::Views;
use super::finals::Finals;
use super::signal::Signal;
use super::view::Head;
use crate::dual::{ChainSettings, HealthState};
use crate::env::SystemClock;
use crate::queue::TxQueue;
use crate::types::{ChainId, OpId, Sequence, Status, Tick};
use parking_lot::{Mutex, RwLock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters that only grow. Relaxed throughout: they are read for reports only.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) blocks: AtomicU64,
    pub(super) block_bytes: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) restarts: AtomicU64,
    pub(super) reanchors: AtomicU64,
    pub(super) finality_nanos: AtomicU64,
    pub(super) finality_count: AtomicU64,
}

/// What the chain's thread last said about itself.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) health: HealthState,
    pub(super) reason: String,
    /// When the last block was committed, or the node was opened. A restart of the thread is no progress:
    /// a chain that fails again and again before its next block must be seen to stand still.
    pub(super) progress: Tick,
}

/// Shared by both chains.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) clock: SystemClock,
    pub(super) closing: AtomicBool,
    /// Notified when completions are there.
    pub(super) completed: Signal,
    /// Notified when events are there.
    pub(super) announced: Signal,
}

/// One chain's shared part.
#[derive(Debug)]
pub(super) struct ChainCell {
    pub(super) settings: ChainSettings,
    pub(super) block_transactions_max: usize,
    pub(super) block_bytes_max: usize,
    pub(super) events_retained: u64,
    pub(super) queue: Arc<TxQueue>,
    pub(super) carry: Mutex<Carry>,
    pub(super) credits: Credits,
    pub(super) completions: Mutex<VecDeque<Completion>>,
    pub(super) head: RwLock<Head>,
    pub(super) views: RwLock<Option<Views>>,
    pub(super) condition: Mutex<Condition>,
    pub(super) last_event: AtomicU64,
    pub(super) finals: Finals,
    pub(super) counters: Counters,
    /// Notified to make the thread look up from its sleep.
    pub(super) wake: Signal,
    pub(super) stopped: AtomicBool,
    #[cfg(feature = "faults")]
    pub(super) panic_next: AtomicBool,
}

impl ChainCell {
    pub(super) const fn chain(&self) -> ChainId {
        self.settings.chain
    }

    /// Number of the last event that subscribers may read.
    pub(super) fn last_event(&self) -> Sequence {
        // Acquire: pairs with `publish_event`; the record is in the log before its number is here.
        Sequence::new(self.last_event.load(Ordering::Acquire))
    }

    /// Makes events up to `sequence` visible.
    pub(super) fn publish_event(&self, sequence: Sequence) {
        // Release: pairs with `last_event`.
        self.last_event.store(sequence.get(), Ordering::Release);
    }

    /// Hands completions to the host.
    pub(super) fn complete(&self, common: &Common, completions: Vec<Completion>) {
        if completions.is_empty() {
            return;
        }
        for completion in completions.iter().filter(|completion| completion.status == Status::Ok) {
            let nanos = completion.finalized.since(completion.submitted).as_nanos();
            self.counters
                .finality_nanos
                .fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
            self.counters.finality_count.fetch_add(1, Ordering::Relaxed);
        }
        let repeated = completions.iter().filter(|completion| completion.status == Status::Duplicate).count();
        self.counters.duplicates.fetch_add(repeated as u64, Ordering::Relaxed);
        debug_assert!(completions.iter().all(|completion| completion.op != OpId::ORIGIN));
        self.completions.lock().extend(completions);
        common.completed.notify();
    }

    pub(super) fn set_condition(&self, health: HealthState, reason: &str) {
        let mut condition = self.condition.lock();
        condition.health = health;
        reason.clone_into(&mut condition.reason);
    }
}
