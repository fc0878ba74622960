//! A transaction taken from the queue.

use crate::pool::{Lease, Meta};
use crate::types::LaneId;
use std::ops::Deref;

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

    /// Its position among all that this lane ever accepted, from 0, without gaps.
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
