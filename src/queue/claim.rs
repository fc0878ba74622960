//! Writing a transaction in place.

use super::hint::with_hint;
use super::{Error, TxQueue};
use crate::pool::{Handle, Lease, Meta};
use crate::types::LaneId;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A buffer of the queue's pool to write a transaction into. Dropping it gives the buffer back.
///
/// A claim takes no place in the lane: whoever commits first is first, and a claim that is never
/// committed holds up nobody.
pub struct Claim {
    queue: Arc<TxQueue>,
    lease: Lease,
    lane: LaneId,
}

impl Claim {
    pub(super) fn new(queue: Arc<TxQueue>, mut lease: Lease, lane: LaneId) -> Self {
        lease.set_lane(lane.get());
        Self { queue, lease, lane }
    }

    /// Appends the transaction to its lane.
    ///
    /// # Errors
    /// Hands the claim back, bytes and all, with [`Error::Full`], [`Error::Closed`] or, when its length
    /// was set to zero, [`Error::Empty`].
    pub fn commit(mut self, meta: Meta) -> Result<(), (Self, Error)> {
        if let Err(error) = self.queue.admit(self.lease.len()) {
            return Err((self, error));
        }
        self.lease.set_meta(meta);
        let Self { queue, lease, lane } = self;
        let target = queue.lane(lane).expect("the lane was checked when the claim was made");
        let (pool, slot) = lease.into_parts();
        with_hint(target.number, |hint| queue.append(target, hint, lane, slot)).map_err(|(slot, error)| {
            if error == Error::Full {
                target.note_refused();
            }
            let lease = pool.lease(slot);
            (Self { queue: Arc::clone(&queue), lease, lane }, error)
        })
    }

    /// Changes the transaction's length within the buffer's capacity.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above the capacity or the configured maximum.
    pub fn set_len(&mut self, len: usize) -> Result<(), Error> {
        let max = self.lease.capacity().min(self.queue.transaction_bytes_max());
        if len > max {
            return Err(Error::TooLarge { len, max });
        }
        self.lease.set_len(len);
        Ok(())
    }

    /// The lane it will be committed to.
    pub const fn lane(&self) -> LaneId {
        self.lane
    }

    /// Lets go without committing or aborting: the handle can be adopted once, or released through the
    /// queue's pool. The lane is kept with the buffer.
    #[must_use = "a lost handle keeps its buffer checked out until the pool is dropped"]
    pub fn into_handle(self) -> Handle {
        self.lease.into_handle()
    }

    /// Takes a claim back by its handle, for `lane`.
    ///
    /// # Errors
    /// [`Error::NoSuchLane`] and [`Error::TooLarge`] leave the handle valid; [`Error::StaleHandle`] when it
    /// was adopted or released before, or never given out.
    pub fn adopt(queue: &Arc<TxQueue>, handle: Handle, lane: LaneId) -> Result<Self, Error> {
        queue.lane(lane)?;
        let lease = queue.pool().adopt(handle)?;
        Self::within_limits(queue, lease, lane)
    }

    /// Takes a claim back by its handle, for the lane that it was made for.
    ///
    /// # Errors
    /// As [`adopt`](Self::adopt).
    pub fn adopt_as_claimed(queue: &Arc<TxQueue>, handle: Handle) -> Result<Self, Error> {
        let lease = queue.pool().adopt(handle)?;
        let lane = LaneId::new(lease.lane());
        if let Err(error) = queue.lane(lane) {
            // The same generation again, so the caller's handle stays valid.
            let _ = lease.into_handle();
            return Err(error);
        }
        Self::within_limits(queue, lease, lane)
    }

    fn within_limits(queue: &Arc<TxQueue>, lease: Lease, lane: LaneId) -> Result<Self, Error> {
        let (len, max) = (lease.len(), queue.transaction_bytes_max());
        if len > max {
            let _ = lease.into_handle();
            return Err(Error::TooLarge { len, max });
        }
        Ok(Self::new(Arc::clone(queue), lease, lane))
    }
}

impl Deref for Claim {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.lease
    }
}

impl DerefMut for Claim {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.lease
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("lane", &self.lane).field("lease", &self.lease).finish_non_exhaustive()
    }
}
