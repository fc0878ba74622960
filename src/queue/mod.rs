//! The transaction queue: bounded lanes of different priority, many producers, one or many consumers.
//!
//! # Model
//! ```text
//! enqueue(bytes) -> copy once into a pooled buffer -+
//! claim(len) -> write in place -> commit -----------+-> lane 0  [ring of cells]  \
//!                                                   +-> lane 1  [ring of cells]   > Consumer -> Item
//!                                                   +-> ...                      /
//! ```
//! A lane is a `ring` whose cells carry buffer indexes, each of one buffer or of a run of buffers tied
//! together; `signal` tells the consumer which lanes to look
//! at and wakes sleepers. The bytes never move again: the [`Item`] owns the buffer that was filled.
//! [`HandleQueue`] is one such ring for hosts that keep their own buffers.
//!
//! # Invariants
//! I1 what an enqueue accepted is dequeued exactly once, in order within its lane across all producers.
//! I2 full is exact: a lane refuses only while all its cells are filled, each by one transaction or by a run.
//! I3 an enqueue that returned Ok is handed out even after [`TxQueue::close`]. Closing raises a flag that
//!    later enqueues see. Whether the queue has ended is decided by the consumer alone: it marks the first
//!    unfilled ticket of each lane as closed, with the same compare-and-swap that a late enqueue needs for
//!    that ticket. Either the enqueue wins and the consumer goes on, or the mark wins and the enqueue
//!    answers Closed. So [`Error::Ended`] is given only when nothing accepted can still appear.
//! I4 a producer stopped at any instruction blocks nobody; at worst its buffer stays checked out.
//!
//! # Limits
//! 1 to 16 lanes of up to 2^23 cells. A full lane or an exhausted pool refuses; the waiting forms sleep.
//! Enqueue and dequeue are lock-free apart from the allocator when the pool grows or overflows, and
//! from the wake-up of a sleeper.
//!
//! # Caller contract
//! Hints of the shared form are kept per thread; a [`Producer`] owns its own and belongs to one thread at
//! a time. An [`Item`] may be kept as long as the pool can spare its buffer.
#![expect(unsafe_code, reason = "a cell owns a pooled buffer by its index")]

mod ahead;
mod cell;
mod chain;
mod claim;
mod consumer;
mod error;
mod gate;
mod handles;
#[cfg(all(test, not(modelled)))]
mod handles_test;
mod hint;
mod item;
mod lane;
#[cfg(all(test, loom))]
mod models;
mod producer;
mod ring;
#[cfg(all(test, not(modelled)))]
mod runs_test;
#[cfg(all(test, shuttle))]
mod schedules;
mod settings;
#[cfg_attr(modelled, allow(dead_code, unused_imports, reason = "mappings and processes are not the models'"))]
mod shared;
mod signal;
mod stage;
mod stats;
mod submit;
#[cfg(all(test, not(modelled)))]
mod tests;
#[cfg(all(test, not(modelled)))]
mod threads_test;
mod wait;

pub use crate::pool::RUN_MAX;
pub use claim::Claim;
pub use consumer::Consumer;
pub use error::Error;
pub use handles::{HandleConsumer, HandleProducer, HandleQueue};
#[cfg(feature = "capi")]
pub(crate) use hint::Hints;
pub use item::{Item, ItemRef};
pub use producer::Producer;
pub use settings::{Consumers, HandleSettings, QueueSettings};
#[cfg(all(feature = "capi", not(modelled)))]
pub(crate) use shared::SharedWriting;
pub use shared::{
    SHARED_LANE_CELLS_MAX, SHARED_SEATS_MAX, SHARED_SEGMENT_BYTES_MAX, SharedError, SharedStats,
};
#[cfg(not(modelled))]
pub use shared::{
    SHARED_NAP, SHARED_SEGMENTS_MAX, SharedClaim, SharedLanes, SharedPause, SharedPlace, SharedProducer,
    SharedSettings,
};
pub use stage::{Stage, StageSettings};
pub use stats::{LaneStats, QueueStats};
#[cfg(feature = "capi")]
pub(crate) use wait::Deadline;

use crate::pool::{BufferPool, Meta, Slot, Upkeep};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::types::LaneId;
use hint::with_hint;
use lane::Lane;
use ring::Taken;
use shared::Inlets;
use signal::Signals;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A queue of transactions. Shared by reference; every method takes `&self`.
pub struct TxQueue {
    lanes: Box<[Lane]>,
    pool: Arc<BufferPool>,
    transaction_bytes_max: usize,
    consumers: Consumers,
    ageing: u32,
    run_max: usize,
    /// True while the one consumer exists.
    seated: AtomicBool,
    signals: Signals,
    inlets: Inlets,
}

impl TxQueue {
    /// An empty queue with a pool of its own.
    ///
    /// # Errors
    /// [`Error::Config`] when the settings contradict themselves, [`Error::NoMemory`].
    pub fn new(settings: QueueSettings) -> Result<Arc<Self>, Error> {
        Self::with_upkeep(settings, &Upkeep::default())
    }

    /// As [`new`](Self::new), with a pool that is kept as `upkeep` says.
    ///
    /// # Errors
    /// As `new`; [`Error::Unsupported`] for huge pages that are required and not there.
    pub fn with_upkeep(settings: QueueSettings, upkeep: &Upkeep) -> Result<Arc<Self>, Error> {
        settings.check()?;
        let first = hint::ring_numbers(settings.lane_cells.len());
        let lanes = settings.lane_cells.iter().zip(first..).map(|(cells, number)| Lane::new(*cells, number));
        Ok(Arc::new(Self {
            lanes: lanes.collect(),
            pool: BufferPool::with_upkeep(settings.pool, upkeep)?,
            transaction_bytes_max: settings.transaction_bytes_max,
            consumers: settings.consumers,
            ageing: settings.ageing,
            run_max: settings.run_max,
            seated: AtomicBool::new(false),
            signals: Signals::new(),
            inlets: Inlets::default(),
        }))
    }

    /// Copies a transaction into the lane.
    ///
    /// # Errors
    /// [`Error::NoSuchLane`], [`Error::Empty`], [`Error::TooLarge`], [`Error::Closed`], [`Error::Full`],
    /// [`Error::NoMemory`]; looked for in this order.
    #[inline]
    pub fn enqueue(&self, lane: LaneId, bytes: &[u8], meta: Meta) -> Result<(), Error> {
        let target = self.lane(lane)?;
        with_hint(target.number, |hint| self.submit(target, hint, lane, bytes, meta))
    }

    /// As [`enqueue`](Self::enqueue), with the hints of a caller who has the thread's memory in hand: in a shared
    /// library each look at it is a call.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "capi")]
    #[inline]
    pub(crate) fn enqueue_hinted(
        &self,
        hints: &Hints,
        lane: LaneId,
        bytes: &[u8],
        meta: Meta,
    ) -> Result<(), Error> {
        let target = self.lane(lane)?;
        hints.with(target.number, |hint| self.submit(target, hint, lane, bytes, meta))
    }

    /// As [`enqueue`](Self::enqueue), but waits up to `timeout` while the lane is full or the pool empty.
    ///
    /// # Errors
    /// As there, with [`Error::Timeout`] in place of [`Error::Full`]; [`Error::NoMemory`] when it was the
    /// pool that had no room until the end.
    pub fn enqueue_wait(
        &self,
        lane: LaneId,
        bytes: &[u8],
        meta: Meta,
        timeout: Duration,
    ) -> Result<(), Error> {
        let target = self.lane(lane)?;
        with_hint(target.number, |hint| self.submit_wait(target, hint, lane, bytes, meta, timeout))
    }

    /// Copies transactions into the lane in order, up to the first that is refused. Answers how many were
    /// accepted and why the next one was not. Up to [`QueueSettings::run_max`] share a cell; between such
    /// runs others may enqueue.
    pub fn enqueue_batch(
        &self,
        lane: LaneId,
        items: &[&[u8]],
        metas: impl FnMut(usize) -> Meta,
    ) -> (usize, Option<Error>) {
        match self.lane(lane) {
            Ok(target) => {
                with_hint(target.number, |hint| self.submit_batch(target, hint, lane, items, metas))
            }
            Err(error) => (0, Some(error)),
        }
    }

    /// As [`enqueue_batch`](Self::enqueue_batch), with hints as [`enqueue_hinted`](Self::enqueue_hinted).
    #[cfg(feature = "capi")]
    pub(crate) fn enqueue_batch_hinted(
        &self,
        hints: &Hints,
        lane: LaneId,
        items: &[&[u8]],
        metas: impl FnMut(usize) -> Meta,
    ) -> (usize, Option<Error>) {
        match self.lane(lane) {
            Ok(target) => {
                hints.with(target.number, |hint| self.submit_batch(target, hint, lane, items, metas))
            }
            Err(error) => (0, Some(error)),
        }
    }

    /// A buffer to write a transaction of up to `len` bytes into.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue), without [`Error::Full`], which only the commit can tell.
    #[track_caller]
    pub fn claim(self: &Arc<Self>, len: usize, lane: LaneId) -> Result<Claim, Error> {
        let target = self.lane(lane)?;
        self.admit(len)?;
        let lease = self.pool.acquire(len).inspect_err(|_| target.note_refused())?;
        Ok(Claim::new(Arc::clone(self), lease, lane))
    }

    /// A producer with hints of its own.
    pub fn producer(self: &Arc<Self>) -> Producer {
        Producer::new(Arc::clone(self))
    }

    /// A producer that collects transactions of a lane and publishes them in runs.
    ///
    /// # Errors
    /// [`Error::NoSuchLane`]; [`Error::Config`] for a count beyond the queue's run.
    pub fn stage(self: &Arc<Self>, lane: LaneId, settings: StageSettings) -> Result<Stage, Error> {
        Stage::new(Arc::clone(self), lane, settings)
    }

    /// A consumer. Dropping it frees the seat for another, which goes on where it stopped.
    ///
    /// # Errors
    /// [`Error::ConsumerTaken`] when the queue is for one and has it.
    pub fn consumer(self: &Arc<Self>) -> Result<Consumer, Error> {
        // Acquire: pairs with the Release in `leave_seat`, so this consumer starts where the last stopped.
        if self.consumers == Consumers::One && self.seated.swap(true, Ordering::Acquire) {
            return Err(Error::ConsumerTaken);
        }
        Ok(Consumer::new(Arc::clone(self)))
    }

    /// Refuses further transactions and wakes everybody who waits. What was accepted can still be taken.
    pub fn close(&self) {
        self.signals.close();
        self.inlets.close();
    }

    /// True when a consumer sleeps, or is about to.
    #[cfg(all(test, not(modelled)))]
    pub(crate) fn has_sleeper(&self) -> bool {
        self.signals.has_sleeper()
    }

    /// Has consumers that sleep look again, for something that is not in the lanes.
    #[cfg(feature = "capi")]
    pub(crate) fn nudge(&self) {
        self.signals.nudge();
    }

    /// True once closed.
    pub fn is_closed(&self) -> bool {
        self.signals.is_closed()
    }

    /// Transactions waiting in all lanes; each lane is counted at its own instant. Without those in shared
    /// lanes, of which only the segment knows.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.len() as usize).sum()
    }

    /// True when no lane has a transaction waiting; as [`len`](Self::len).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Transactions waiting in one lane; 0 for a lane that does not exist.
    pub fn lane_len(&self, lane: LaneId) -> usize {
        self.lanes.get(lane.index()).map_or(0, |lane| lane.len() as usize)
    }

    /// Number of lanes.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Cells of all lanes together. As many transactions fit, or more where batches share cells.
    pub fn capacity(&self) -> usize {
        self.lanes.iter().map(|lane| lane.ring.capacity()).sum()
    }

    /// Most transactions of a batch that share a cell.
    pub fn run_max(&self) -> usize {
        self.run_max
    }

    /// Largest transaction in bytes.
    pub fn transaction_bytes_max(&self) -> usize {
        self.transaction_bytes_max
    }

    /// What happened so far.
    pub fn stats(&self) -> QueueStats {
        QueueStats {
            lanes: self.lanes.iter().map(Lane::stats).collect(),
            pool: self.pool.stats(),
            closed: self.is_closed(),
        }
    }

    /// Where the bytes live.
    pub fn pool(&self) -> &Arc<BufferPool> {
        &self.pool
    }

    fn all_lanes(&self) -> &[Lane] {
        &self.lanes
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }

    fn inlets(&self) -> &Inlets {
        &self.inlets
    }

    fn consumers(&self) -> Consumers {
        self.consumers
    }

    fn ageing(&self) -> u32 {
        self.ageing
    }

    fn leave_seat(&self) {
        // Release: pairs with the Acquire in `consumer`.
        self.seated.store(false, Ordering::Release);
    }

    /// What a cell held: a buffer, and those tied to it.
    #[inline]
    fn held(&self, index: u32) -> Slot {
        // SAFETY: the index came out of a cell, which owned the buffer; exactly one taker gets it (ring,
        // I2), and it is of this queue's one pool.
        unsafe { Slot::from_index(index) }
    }
}

impl Drop for TxQueue {
    fn drop(&mut self) {
        self.inlets.close();
        self.inlets.abandon(&self.pool);
        for lane in &self.lanes {
            let mut head = lane.ring.consumed();
            self.pool.give_rest(lane.take_over_rest());
            while let Taken::Buffer { index, .. } = lane.ring.take_alone(&mut head) {
                self.pool.give_tied(self.held(index));
            }
        }
    }
}

impl fmt::Debug for TxQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxQueue")
            .field("lanes", &self.lanes())
            .field("len", &self.len())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
