//! What both implementations are asked to do, and what is seen of them.

use crate::members::Members;
use duochain::raft::Change;
use std::collections::BTreeSet;

/// Links that carry nothing, each in one direction.
pub(crate) type Down = BTreeSet<(u64, u64)>;

/// What stands for the payload of an entry that changes members: what that is, is compared by itself.
pub(crate) const CHANGE: u64 = u64::MAX;

/// A node at a quiet point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) leads: bool,
    pub(crate) term: u64,
    /// Whom it voted for in that term, as its disk has it; 0: nobody.
    pub(crate) vote: u64,
    /// Whom it follows; 0: nobody.
    pub(crate) leader: u64,
    pub(crate) log: Log,
    pub(crate) commit: u64,
    /// The members as of the commit index.
    pub(crate) members: Members,
}

/// What a node has of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// The index up to which it has a snapshot instead.
    pub(crate) start: u64,
    /// Term and payload of each entry after that; 0 is the empty payload of a new leader's first entry.
    pub(crate) entries: Vec<(u64, u64)>,
    /// The term of the last entry, which may be the snapshot's.
    pub(crate) term: u64,
}

impl Log {
    pub(crate) const fn last(&self) -> u64 {
        self.start + self.entries.len() as u64
    }

    /// The same log without what is before `start`.
    pub(crate) fn after(&self, start: u64) -> Self {
        let known = start.saturating_sub(self.start).min(self.entries.len() as u64);
        let entries = self.entries[usize::try_from(known).expect("it is short")..].to_vec();
        Self { start: self.start + known, entries, term: self.term }
    }
}

/// A cluster of one implementation. Nodes are numbered from 1.
pub(crate) trait Side {
    /// This node has not heard a leader for as long as it waits at most.
    fn campaign(&mut self, node: u64);

    /// A host hands this node `count` entries.
    fn propose(&mut self, node: u64, count: u32, payload: u64);

    /// A host wants to read, and names that by a number.
    fn read(&mut self, node: u64, number: u64);

    /// The reads that were answered since the last time: node, number, and from which index.
    fn answers(&mut self) -> BTreeSet<(u64, u64, u64)>;

    /// A host wants other members. `false` when it is refused.
    fn change(&mut self, node: u64, change: &Change) -> bool;

    /// The host of this node has a snapshot that ends there, and the log may forget what it covers.
    fn compact(&mut self, node: u64, index: u64);

    /// A leader's heartbeat is due.
    fn beat(&mut self, node: u64);

    fn transfer(&mut self, from: u64, to: u64);

    /// A transfer that has not happened is not waited for any longer.
    fn give_up_transfer(&mut self, node: u64);

    /// The process ends, and starts with what its disk has.
    fn restart(&mut self, node: u64);

    /// Its disk takes writes and does not say that they are durable.
    fn stall(&mut self, node: u64);

    /// Its disk has written everything, and works again.
    fn recover(&mut self, node: u64);

    /// A leader finds that it has not heard a majority for too long.
    fn step_down(&mut self, node: u64);

    /// Delivers what is under way now, in the order of receivers and senders, but not what that leads to. `false`
    /// when nothing was. A snapshot does not come to a node whose disk is slow.
    fn deliver(&mut self, down: &Down) -> bool;

    fn see(&self, node: u64) -> State;
}
