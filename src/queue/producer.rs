//! The enqueuing side, with hints of its own.

use super::{Claim, Error, TxQueue};
use crate::pool::Meta;
use crate::types::{LANES_MAX, LaneId};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Enqueues from one thread at a time, a little faster than [`TxQueue`] itself: it remembers where it
/// last succeeded instead of asking the thread's memory. Both kinds may be used side by side.
pub struct Producer {
    queue: Arc<TxQueue>,
    hints: [u64; LANES_MAX],
}

impl Producer {
    pub(super) fn new(queue: Arc<TxQueue>) -> Self {
        Self { queue, hints: [0; LANES_MAX] }
    }

    /// As [`TxQueue::enqueue`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn enqueue(&mut self, lane: LaneId, bytes: &[u8], meta: Meta) -> Result<(), Error> {
        let target = self.queue.lane(lane)?;
        self.queue.submit(target, &mut self.hints[lane.index()], lane, bytes, meta)
    }

    /// As [`TxQueue::enqueue_wait`].
    ///
    /// # Errors
    /// As there.
    pub fn enqueue_wait(
        &mut self,
        lane: LaneId,
        bytes: &[u8],
        meta: Meta,
        timeout: Duration,
    ) -> Result<(), Error> {
        let target = self.queue.lane(lane)?;
        self.queue.submit_wait(target, &mut self.hints[lane.index()], lane, bytes, meta, timeout)
    }

    /// As [`TxQueue::enqueue_batch`].
    pub fn enqueue_batch(
        &mut self,
        lane: LaneId,
        items: &[&[u8]],
        metas: impl FnMut(usize) -> Meta,
    ) -> (usize, Option<Error>) {
        match self.queue.lane(lane) {
            Ok(target) => self.queue.submit_batch(target, &mut self.hints[lane.index()], lane, items, metas),
            Err(error) => (0, Some(error)),
        }
    }

    /// As [`TxQueue::claim`].
    ///
    /// # Errors
    /// As there.
    pub fn claim(&mut self, len: usize, lane: LaneId) -> Result<Claim, Error> {
        self.queue.claim(len, lane)
    }

    /// The queue it feeds.
    pub fn queue(&self) -> &Arc<TxQueue> {
        &self.queue
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("queue", &self.queue).finish_non_exhaustive()
    }
}
