//! The node as a host holds it.

use super::completion::Completion;
use super::disk::read_block;
use super::shared::Shared;
use super::view::{Head, TxProof, TxState, TxStatus};
use super::{Error, Health, Metric, Settings, SubscribeOptions, Subscription, health, metrics, recovery};
use crate::env::Clock;
use crate::merkle;
use crate::pool::Meta;
use crate::queue::TxQueue;
use crate::types::{Block, ChainId, Height, LaneId, OpId, Status, Tick, TxId};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a dropped node waits for its threads; `close` takes the host's own bound.
const DROP_TIMEOUT: Duration = Duration::from_secs(30);

/// A running node: both chains over one data directory.
///
/// All methods may be called from any thread at the same time. Dropping the node closes it.
///
/// ```
/// use duochain::node::{Config, Node};
/// use duochain::types::{ChainId, LaneId};
/// use std::time::Duration;
///
/// let mut config = Config::new();
/// config.load_toml("storage.backend = 'memory'\ntime.scale = 1000")?;
/// let node = Node::open(config.build()?)?;
/// let op = node.submit(ChainId::Delta, LaneId::new(0), b"pay 5 to bob")?;
/// let mut done = Vec::new();
/// while done.is_empty() {
///     node.poll_completions(&mut done, 16, Duration::from_secs(1))?;
/// }
/// assert_eq!(done[0].op, op);
/// node.close(Duration::from_secs(10))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Node {
    pub(super) shared: Arc<Shared>,
}

impl Node {
    /// Accepts a transaction into `lane` of `chain`'s queue; its outcome comes as a [`Completion`].
    ///
    /// # Errors
    /// `Again` when the lane is full or too many completions wait, `InvalidTx` when empty, `TooLarge`,
    /// `NoMemory`, `InvalidArgument` for a lane that is not there, `Closed`, `Forked`. Nothing is accepted then.
    pub fn submit(&self, chain: ChainId, lane: LaneId, bytes: &[u8]) -> Result<OpId, Error> {
        let op = self.shared.take_credit(chain)?;
        match self.shared.cell(chain).queue.enqueue(lane, bytes, self.shared.meta(op)) {
            Ok(()) => Ok(op),
            Err(error) => Err(self.refund(chain, error.into())),
        }
    }

    /// Accepts a transaction whose outcome nobody wants to be told.
    ///
    /// # Errors
    /// As [`Node::submit`].
    pub fn submit_detached(&self, chain: ChainId, lane: LaneId, bytes: &[u8]) -> Result<(), Error> {
        self.shared.here()?;
        let meta = self.shared.meta(OpId::ORIGIN);
        Ok(self.shared.cell(chain).queue.enqueue(lane, bytes, meta)?)
    }

    /// As [`Node::submit`], waiting for room up to `timeout`.
    ///
    /// # Errors
    /// As `submit`, with `Timeout` in the place of `Again`.
    pub fn submit_wait(
        &self,
        chain: ChainId,
        lane: LaneId,
        bytes: &[u8],
        timeout: Duration,
    ) -> Result<OpId, Error> {
        let deadline = self.shared.common.clock.now().after(timeout);
        let op = self.wait_credit(chain, deadline)?;
        let left = deadline.since(self.shared.common.clock.now());
        match self.shared.cell(chain).queue.enqueue_wait(lane, bytes, self.shared.meta(op), left) {
            Ok(()) => Ok(op),
            Err(error) => Err(self.refund(chain, error.into())),
        }
    }

    /// Accepts a prefix of `items` in order and appends their operation numbers to `ops`.
    ///
    /// # Errors
    /// As [`Node::submit`], when not even the first item was accepted.
    pub fn submit_batch(
        &self,
        chain: ChainId,
        lane: LaneId,
        items: &[&[u8]],
        ops: &mut Vec<OpId>,
    ) -> Result<usize, Error> {
        if items.is_empty() {
            return Ok(0);
        }
        let taken = self.shared.take_credits(chain, items.len() as u64)?;
        let stamp = self.shared.common.clock.now().as_nanos();
        let metas = |index: usize| Meta { tag: taken.op(index as u64).get(), stamp };
        let offered = usize::try_from(taken.count).expect("at most items.len()");
        let (accepted, error) = self.shared.cell(chain).queue.enqueue_batch(lane, &items[..offered], metas);
        self.shared.cell(chain).credits.settle(taken.count - accepted as u64);
        ops.extend((0..accepted as u64).map(|index| taken.op(index)));
        match error {
            Some(error) if accepted == 0 => Err(error.into()),
            _ => Ok(accepted),
        }
    }

    /// Moves up to `max` completions to the end of `out`, waiting up to `timeout` for the first.
    ///
    /// # Errors
    /// `Timeout` when none came, `End` when the node is closed and all were handed out, `Forked`.
    pub fn poll_completions(
        &self,
        out: &mut Vec<Completion>,
        max: usize,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.shared.here()?;
        let common = &self.shared.common;
        let deadline = common.clock.now().after(timeout);
        loop {
            common.completed.clear_fd();
            let seen = common.completed.epoch();
            // Read before looking: a thread that has stopped by now completes nothing more.
            let stopped = self.shared.cells.iter().all(|cell| cell.stopped.load(Ordering::Acquire));
            let taken = self.take_completions(out, max);
            if taken > 0 || max == 0 {
                return Ok(());
            }
            if stopped {
                return Err(Error::new(
                    Status::End,
                    "the node is closed and every completion was handed out",
                ));
            }
            let now = common.clock.now();
            if now >= deadline {
                return Err(Error::new(Status::Timeout, format!("no completion within {timeout:?}")));
            }
            common.completed.wait_past(seen, deadline.since(now));
        }
    }

    fn take_completions(&self, out: &mut Vec<Completion>, max: usize) -> usize {
        let mut taken = 0;
        let mut left = 0;
        // By turns, so that a busy chain does not hide the other from a host that polls few at a time.
        let first = self.shared.turn.fetch_add(1, Ordering::Relaxed);
        for position in 0..self.shared.cells.len() {
            let cell = &self.shared.cells[(first + position) % self.shared.cells.len()];
            let mut waiting = cell.completions.lock();
            let count = waiting.len().min(max - taken);
            out.extend(waiting.drain(..count));
            taken += count;
            left += waiting.len();
            drop(waiting);
            cell.credits.settle(count as u64);
        }
        if left > 0 && taken > 0 {
            // The descriptor was cleared: say again that there is more.
            self.shared.common.completed.notify();
        }
        taken
    }

    /// A descriptor that is readable while completions may be there; for `poll` and `epoll`. Owned by
    /// the node.
    ///
    /// # Errors
    /// `Io` when the system has no descriptor left.
    pub fn completion_fd(&self) -> Result<RawFd, Error> {
        let fd = self.shared.common.completed.fd();
        fd.map_err(|error| Error::new(Status::Io, format!("cannot make an event descriptor: {error}")))
    }

    /// How far a transaction got.
    ///
    /// # Errors
    /// `Closed`; `Busy` while the chain is restarted; `Io` and `Corruption` from the store.
    pub fn tx_status(&self, chain: ChainId, id: &TxId) -> Result<TxStatus, Error> {
        let views = self.shared.views(chain)?;
        let final_height = self.head(chain).final_height;
        Ok(match recovery::find_transaction(views.store.as_ref(), id)? {
            None => TxStatus { state: TxState::Unknown, height: Height::ORIGIN, index: 0 },
            Some((height, index)) => {
                let state = if height <= final_height { TxState::Final } else { TxState::Included };
                TxStatus { state, height, index }
            }
        })
    }

    /// Where a chain stands. Works on a closed node too: as it was.
    pub fn head(&self, chain: ChainId) -> Head {
        *self.shared.cell(chain).head.read()
    }

    /// A block.
    ///
    /// # Errors
    /// `NotFound` above the head and for height 0; else as [`Node::tx_status`].
    pub fn block(&self, chain: ChainId, height: Height) -> Result<Block, Error> {
        let views = self.shared.views(chain)?;
        let found = if height > self.head(chain).height {
            None
        } else {
            read_block(views.blocks.as_ref(), height.get())?
        };
        found.ok_or_else(|| Error::new(Status::NotFound, format!("{chain} has no block {height}")))
    }

    /// Proof that a transaction is in its block.
    ///
    /// # Errors
    /// `NotFound` when it is in none; else as [`Node::tx_status`].
    pub fn proof(&self, chain: ChainId, id: &TxId) -> Result<TxProof, Error> {
        let place = self.tx_status(chain, id)?;
        if place.state == TxState::Unknown {
            return Err(Error::new(Status::NotFound, format!("transaction {id} is in no block of {chain}")));
        }
        let block = self.block(chain, place.height)?;
        let proof = merkle::prove(&recovery::ids(&block), place.index);
        let proof =
            proof.ok_or_else(|| Error::corrupt(format!("block {} lacks transaction {id}", place.height)))?;
        Ok(TxProof { header: block.header, proof })
    }

    /// Follows events.
    ///
    /// # Errors
    /// `InvalidArgument` for a bad cursor name; else as [`Node::tx_status`].
    pub fn subscribe(&self, options: SubscribeOptions) -> Result<Subscription, Error> {
        Subscription::new(Arc::clone(&self.shared), options)
    }

    /// How well both chains do.
    pub fn health(&self) -> Health {
        health::report(&self.shared)
    }

    /// A snapshot of all metrics.
    pub fn metrics(&self) -> Vec<Metric> {
        metrics::collect(&self.shared)
    }

    /// The same as OpenMetrics text.
    pub fn metrics_text(&self) -> String {
        metrics::text(&self.metrics())
    }

    /// A chain's queue, for statistics. Its consumer is the chain.
    pub fn queue(&self, chain: ChainId) -> &Arc<TxQueue> {
        &self.shared.cell(chain).queue
    }

    /// The configuration the node was opened with.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Stops accepting, wakes everybody who waits, stops both chains and releases the directory.
    /// Submissions in no final block end as `Cancelled`. May be repeated.
    ///
    /// # Errors
    /// `Timeout` when a chain is still busy; call again. `Forked` in a child process.
    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.shared.close(timeout)
    }

    /// True once `close` was called.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Makes the chain's thread panic while it builds its next block.
    #[cfg(feature = "faults")]
    pub fn inject_panic(&self, chain: ChainId) {
        self.shared.cell(chain).panic_next.store(true, Ordering::SeqCst);
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn wait_credit(&self, chain: ChainId, deadline: Tick) -> Result<OpId, Error> {
        self.shared.here()?;
        let (common, credits) = (&self.shared.common, &self.shared.cell(chain).credits);
        loop {
            let seen = credits.returned.epoch();
            if self.shared.is_closed() {
                return Err(Error::closed());
            }
            if let Ok(op) = self.shared.take_credit(chain) {
                return Ok(op);
            }
            let now = common.clock.now();
            if now >= deadline {
                let what = format!("no room for a completion of {chain} in time (completions.max)");
                return Err(Error::new(Status::Timeout, what));
            }
            credits.returned.wait_past(seen, deadline.since(now));
        }
    }

    fn refund(&self, chain: ChainId, error: Error) -> Error {
        self.shared.cell(chain).credits.settle(1);
        error
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A fault here was either reported before or cannot be told to anybody.
        let _ = self.shared.close(DROP_TIMEOUT);
    }
}
