//! The unit of the log: a batch of entries that is written, sent and committed as one.

use super::Membership;
use crate::types::{Index, LogId, Term, UnixNanos};
use std::sync::Arc;

/// What a frame says, behind its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// One entry that says nothing: the first of every leader (Raft §8).
    Blank,
    /// One entry: who is in the cluster from here on (Raft §6).
    Membership(Arc<Membership>),
    /// Entries of the host. The core never looks inside.
    Entries(Arc<[u8]>),
}

/// A run of entries of one term with the same fate.
///
/// # Invariants
/// A leader makes a frame once and never changes it: of two frames with the same term and base, one is a
/// copy of the other. So whether a frame is already there is decided by the term of its last entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Term of the leader that made it.
    pub term: Term,
    /// Index of its first entry.
    pub base: Index,
    /// Number of its entries, at least 1.
    pub count: u32,
    /// Log time: the leader's wall clock, but never less than that of the frame before.
    pub time: UnixNanos,
    /// What it says.
    pub payload: Payload,
}

impl Frame {
    /// What a frame counts for beside its payload, in all limits in bytes.
    pub const HEADER_BYTES: usize = 72;

    /// Index of its last entry.
    pub const fn last(&self) -> Index {
        Index::new(self.base.get() + self.count as u64 - 1)
    }

    /// Position of its last entry.
    pub const fn id(&self) -> LogId {
        LogId::new(self.term, self.last())
    }

    /// Its size for limits, in bytes.
    pub fn bytes(&self) -> usize {
        let payload = match &self.payload {
            Payload::Blank => 0,
            Payload::Membership(membership) => membership.bytes(),
            Payload::Entries(body) => body.len(),
        };
        Self::HEADER_BYTES + payload
    }

    /// Whether it can stand after `before`: dense, of a term that is not older, of at least one entry.
    pub fn follows(&self, before: LogId) -> bool {
        let end = self.base.get().checked_add(u64::from(self.count));
        self.base.get().checked_sub(1) == Some(before.index.get())
            && self.term >= before.term
            && self.count > 0
            && end.is_some()
    }
}
