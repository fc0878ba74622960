//! A transaction taken from the queue.

use super::TxQueue;
use crate::pool::{Lease, Meta, Slot};
use crate::types::LaneId;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A transaction and where it came from. Its buffer goes back to the pool when this is dropped.
#[derive(Debug)]
pub struct Item {
    lease: Lease,
    lane: LaneId,
    sequence: u64,
}

impl Item {
    pub(super) fn new(lease: Lease, lane: LaneId, sequence: u64) -> Self {
        Self { lease, lane, sequence }
    }

    /// The lane it waited in.
    pub const fn lane(&self) -> LaneId {
        self.lane
    }

    /// Its position among all that this lane ever accepted, from 0, without gaps. What came through shared
    /// lanes is counted for each segment on its own.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The words that were submitted with it.
    pub fn meta(&self) -> Meta {
        self.lease.meta()
    }

    /// Its buffer.
    pub fn into_lease(self) -> Lease {
        self.lease
    }
}

impl Deref for Item {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.lease
    }
}

/// A transaction just taken, within the call that took it: reading it costs no reference to the pool. Its
/// buffer goes back when this is dropped, unless it is kept by [`into_item`](Self::into_item).
pub struct ItemRef<'a> {
    queue: &'a Arc<TxQueue>,
    /// Always there until dropped.
    slot: Option<Slot>,
    lane: LaneId,
    sequence: u64,
}

impl<'a> ItemRef<'a> {
    #[inline]
    pub(super) fn new(queue: &'a Arc<TxQueue>, slot: Slot, lane: LaneId, sequence: u64) -> Self {
        Self { queue, slot: Some(slot), lane, sequence }
    }

    /// The lane it waited in.
    pub const fn lane(&self) -> LaneId {
        self.lane
    }

    /// Its position among all that this lane ever accepted, from 0, without gaps. What came through shared
    /// lanes is counted for each segment on its own.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The words that were submitted with it.
    #[inline]
    pub fn meta(&self) -> Meta {
        self.slot.as_ref().map_or_else(Meta::default, |slot| self.queue.pool().meta_of(slot))
    }

    /// To keep it beyond the call.
    pub fn into_item(mut self) -> Item {
        let slot = self.slot.take().expect("taken only here and by drop");
        Item::new(self.queue.pool().lease(slot), self.lane, self.sequence)
    }
}

impl Drop for ItemRef<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.queue.pool().give(slot);
        }
    }
}

impl Deref for ItemRef<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.slot.as_ref().map_or(&[], |slot| self.queue.pool().bytes_of(slot))
    }
}

impl fmt::Debug for ItemRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemRef")
            .field("lane", &self.lane)
            .field("sequence", &self.sequence)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
