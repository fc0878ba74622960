//! Who leads, and who is in: as it is, and when it becomes something else.
//!
//! # Model
//! ```text
//! step of the core --> role, term, leader or members are others? --> one more change --> whoever waits looks
//! wait_status(seen): returns at once where the count is not `seen`, and else when it moves
//! ```
//! Whoever waits says which count it has seen, so it misses none between two calls. Changes that come close together may
//! be seen as one: what is told is how it stands now, not what happened.
//!
//! # Limits
//! Nothing is kept for those who wait, however many; none of them is waited for. There is no thread for it.

use super::core::{Core, Shared};
use super::{Replica, ReplicaError};
use crate::env::Clock;
use crate::raft::{Membership, Raft, Role, Status};
use crate::types::{NodeId, Term};
use std::sync::Arc;
use std::time::Duration;

/// Where a node stands, and who is in, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Situation {
    /// Counts changes of role, term, leader and members, from 1 when the replica was opened. Positions in the log do not
    /// count.
    pub changes: u64,
    /// As [`Replica::status`].
    pub status: Status,
    /// As [`Replica::members`].
    pub members: Arc<Membership>,
}

impl Situation {
    /// Where the node is found that leads, as far as this one knows.
    pub fn leader_address(&self) -> Option<&str> {
        let leader = self.status.leader?;
        self.members.addresses.get(&leader).map(String::as_str)
    }
}

/// What is looked at.
#[derive(Debug)]
struct Seen {
    role: Role,
    term: Term,
    leader: Option<NodeId>,
    /// Kept, so that no other one comes to lie at its place.
    members: Arc<Membership>,
}

impl Seen {
    fn of(raft: &Raft) -> Self {
        let (role, term, leader) = (raft.role(), raft.term(), raft.leader());
        Self { role, term, leader, members: Arc::clone(raft.shared_membership()) }
    }

    fn is_of(&self, raft: &Raft) -> bool {
        let members = raft.shared_membership();
        // Compared by place first: this is looked at after each step.
        let is_same = Arc::ptr_eq(&self.members, members) || self.members == *members;
        is_same && (self.role, self.term, self.leader) == (raft.role(), raft.term(), raft.leader())
    }
}

/// Counts changes.
#[derive(Debug)]
pub(super) struct Changes {
    count: u64,
    seen: Seen,
}

impl Changes {
    pub(super) fn new(raft: &Raft) -> Self {
        Self { count: 1, seen: Seen::of(raft) }
    }

    /// Whether something is another than when it was asked last.
    fn note(&mut self, raft: &Raft) -> bool {
        if self.seen.is_of(raft) {
            return false;
        }
        self.seen = Seen::of(raft);
        self.count += 1;
        true
    }
}

impl Shared {
    /// After each step.
    pub(super) fn note_changes(&self, core: &mut Core) {
        if core.changes.note(&core.raft) {
            self.progress.notify_all();
        }
    }

    fn situation(&self) -> Situation {
        let core = self.core.lock();
        let members = Arc::clone(core.raft.shared_membership());
        Situation { changes: core.changes.count, status: core.raft.status(self.clock.now()), members }
    }
}

impl Replica {
    /// What it looks like now, with who is in, and how often that has changed.
    pub fn situation(&self) -> Situation {
        self.shared.situation()
    }

    /// Waits until [`Situation::changes`] is another than `seen`, and says how it stands then; with a `seen` of 0 at once.
    /// For hosts that do something of their own where they lead, or follow who is in.
    ///
    /// It is about what this node knows: one that was cut off leads in its own eyes until it steps down, while another one
    /// does already. What must be done by one node alone goes through the log.
    ///
    /// # Errors
    /// `Timeout` while nothing has changed; `Closed`, `Failed`.
    pub fn wait_status(&self, seen: u64, timeout: Duration) -> Result<Situation, ReplicaError> {
        let until = self.shared.clock.now().after(timeout);
        self.shared.wait_until(until, |core| core.changes.count != seen)?;
        Ok(self.shared.situation())
    }
}
