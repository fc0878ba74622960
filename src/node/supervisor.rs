//! A chain's thread: runs the chain, and starts it again from its log when it fails.
//!
//! # Model
//! ```text
//! open + restore --ok--> run --closing--> cancel what is left, stop
//!       ^                 | panic or failed write: Stalled, reason kept
//!       `---- back-off ---'
//! ```
//! The other chain is not involved: it has its own thread running this same code.

use super::Error;
use super::cell::{ChainCell, Common};
use super::config::StorageSettings;
use super::disk::Disk;
use super::driver::{self, Run};
use super::recovery;
use crate::dual::{ChainState, HealthState, Restored};
use crate::env::log::{self, Level};
use crate::env::{Clock, panic};
use crate::queue::Consumer;
use crate::resilience::Backoff;
use crate::storage::{Backend, DirLock};
use crate::types::PeerReference;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A run that committed at least so many blocks counts as a success: the next failure is a first one.
const BLOCKS_TO_FORGET_FAILURES: u64 = 16;

/// What a chain's thread owns.
pub(super) struct Supervisor {
    pub(super) cell: Arc<ChainCell>,
    pub(super) peer: Arc<ChainCell>,
    pub(super) common: Arc<Common>,
    pub(super) storage: StorageSettings,
    pub(super) dir: PathBuf,
    pub(super) restart: Backoff,
    pub(super) cores: Vec<usize>,
    /// Held until the thread ends: nobody else may open the directory while it may still write.
    pub(super) lock: Option<Arc<DirLock>>,
}

impl Supervisor {
    /// The thread's body. `disk` and `restored` come from the caller of `Node::open`, who was told of any fault.
    pub(super) fn run(self, disk: Disk, restored: Restored) {
        let _quiet = panic::Quiet::enter();
        self.pin();
        let mut consumer = self.cell.queue.consumer().expect("the chain's thread is the only consumer");
        let mut disk = Some(disk);
        let mut restored = Some(restored);
        let mut failure = None;
        let mut failures = 0;
        loop {
            let blocks_before = self.cell.counters.blocks.load(Ordering::Relaxed);
            let outcome = self.attempt(&mut disk, restored.take(), failure.take(), &mut consumer);
            let Err(reason) = outcome else { break };
            let blocks = self.cell.counters.blocks.load(Ordering::Relaxed) - blocks_before;
            failures = if blocks >= BLOCKS_TO_FORGET_FAILURES { 1 } else { failures + 1 };
            self.report(&reason);
            failure = Some(reason);
            if self.storage.backend != Backend::Memory {
                // A failed write poisons its handle: only what is on the disk counts from here on.
                *self.cell.views.write() = None;
                disk = None;
            }
            if !self.pause(failures) {
                break;
            }
            self.cell.counters.restarts.fetch_add(1, Ordering::Relaxed);
        }
        self.stop(&mut consumer);
        drop(self.lock);
    }

    /// One run, from the disk to the close or a failure.
    fn attempt(
        &self,
        disk: &mut Option<Disk>,
        restored: Option<Restored>,
        failure: Option<String>,
        consumer: &mut Consumer,
    ) -> Result<(), String> {
        let body = || -> Result<(), Error> {
            let disk = match disk {
                Some(disk) => disk,
                None => disk.insert(Disk::open(&self.storage, &self.dir)?),
            };
            let restored = match restored {
                Some(restored) => restored,
                None => recovery::restore(disk, &self.cell.settings, failure)?,
            };
            publish(&self.cell, disk, &restored);
            // Events that subscribers could not read while the chain was down are there again.
            self.common.announced.notify();
            let (cell, common, peer) = (&*self.cell, &*self.common, &self.peer.finals);
            driver::run(Run { cell, common, peer, disk, consumer }, restored)
        };
        match std::panic::catch_unwind(AssertUnwindSafe(body)) {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(payload) => Err(format!("panic: {}", panic::message(payload.as_ref()))),
        }
    }

    fn report(&self, reason: &str) {
        log::emit(Level::Error, "node", format_args!("{} stopped: {reason}", self.cell.chain()));
        self.cell.set_condition(HealthState::Stalled, reason);
        self.common.announced.notify();
    }

    /// Waits before the next attempt; false when the node closes meanwhile.
    fn pause(&self, failures: u32) -> bool {
        let until = self.common.clock.now().after(self.restart.delay(failures));
        loop {
            let seen = self.cell.wake.epoch();
            let now = self.common.clock.now();
            // Acquire: pairs with the Release in `Node::close`.
            if self.common.closing.load(Ordering::Acquire) {
                return false;
            }
            if now >= until {
                return true;
            }
            self.cell.wake.wait_past(seen, until.since(now));
        }
    }

    /// The node closes: what is in no durable block ends as cancelled.
    fn stop(&self, consumer: &mut Consumer) {
        let mut completions = Vec::new();
        let mut carry = self.cell.carry.lock();
        // An empty queue is not the end: a thread that was admitted before the close may still put its
        // transaction in. The end seals the lanes, and who comes later is refused.
        loop {
            while let Some(item) = consumer.dequeue() {
                carry.backlog.push_back(item);
            }
            if consumer.is_ended() {
                break;
            }
            std::thread::yield_now();
        }
        carry.cancel(self.cell.chain(), self.common.clock.now(), &mut completions);
        drop(carry);
        self.cell.complete(&self.common, completions);
        *self.cell.views.write() = None;
    }

    fn pin(&self) {
        if self.cores.is_empty() {
            return;
        }
        let mut set = rustix::thread::CpuSet::new();
        self.cores.iter().for_each(|core| set.set(*core));
        if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
            let chain = self.cell.chain();
            log::emit(
                Level::Warn,
                "node",
                format_args!("{chain} cannot run on cores {:?}: {error}", self.cores),
            );
        }
    }
}

/// Makes the stores and the recovered head visible to the host's threads.
pub(super) fn publish(cell: &ChainCell, disk: &Disk, restored: &Restored) {
    *cell.views.write() = Some(disk.views());
    cell.publish_event(restored.last_sequence);
    let (final_height, final_transactions) = driver::restored_head(restored);
    let reference = PeerReference { height: final_height, hash: restored.final_hash };
    let mut head = cell.head.write();
    // All of it: a host may read blocks before the thread has made its first one.
    head.height = restored.tip.height;
    head.hash = restored.tip.hash;
    head.time = restored.tip.time;
    head.slot = restored.tip.slot;
    head.state_root = restored.state.root();
    head.transactions = restored.state.transactions();
    head.final_height = reference.height;
    head.final_hash = reference.hash;
    head.final_transactions = final_transactions;
    if final_height.get() > 0 {
        cell.finals.push(reference.height, reference.hash);
    }
}
