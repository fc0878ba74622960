//! What both implementations are asked to do, and what is seen of them.

use std::collections::BTreeSet;

/// Links that carry nothing, each in one direction.
pub(crate) type Down = BTreeSet<(u64, u64)>;

/// A node at a quiet point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) leads: bool,
    pub(crate) term: u64,
    /// Whom it voted for in that term, as its disk has it; 0: nobody.
    pub(crate) vote: u64,
    /// Whom it follows; 0: nobody.
    pub(crate) leader: u64,
    /// Term and payload of each entry; 0 is the empty payload of a new leader's first entry.
    pub(crate) log: Vec<(u64, u64)>,
    pub(crate) commit: u64,
}

/// A cluster of one implementation. Nodes are numbered from 1.
pub(crate) trait Side {
    /// This node has not heard a leader for as long as it waits at most.
    fn campaign(&mut self, node: u64);

    /// A host hands this node `count` entries.
    fn propose(&mut self, node: u64, count: u32, payload: u64);

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
    /// when nothing was.
    fn deliver(&mut self, down: &Down) -> bool;

    fn see(&self, node: u64) -> State;
}
