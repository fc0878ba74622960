//! A cluster in one thread for tests of the core: messages in order unless a test says otherwise, disks that
//! answer at once unless it says otherwise. The simulator has the faults.

use super::{Config, Effect, Input, Membership, Message, Raft, Recovered, Snapshot, Ticket, Timer, Write};
use crate::frame::{Entry, FrameBuilder, FrameLimits};
use crate::types::{Index, LaneId, LogId, NodeId, Tick, UnixNanos};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

pub(super) fn n(number: u64) -> NodeId {
    NodeId::new(number).expect("not 0")
}

pub(super) fn voters(count: u64) -> Membership {
    Membership::of((1..=count).map(|number| (n(number), format!("n{number}"))))
}

/// A node and what its effects have led to.
pub(super) struct Host {
    pub(super) raft: Raft,
    timers: BTreeMap<Timer, Tick>,
    /// Writes that wait; `None` answers at once.
    pub(super) waiting: Option<VecDeque<Write>>,
    pub(super) committed: Vec<LogId>,
    /// Everything else, in order, until a test takes it.
    pub(super) told: Vec<Effect>,
}

pub(super) struct Cluster {
    pub(super) now: Tick,
    pub(super) nodes: BTreeMap<NodeId, Host>,
    pub(super) wire: VecDeque<(NodeId, NodeId, Message)>,
    /// Nothing comes from or goes to these.
    pub(super) cut_off: BTreeSet<NodeId>,
}

impl Cluster {
    /// Nodes 1 to `count` with an empty log, all voters, started.
    pub(super) fn new(count: u64) -> Self {
        let recovered = Recovered {
            snapshot: Snapshot { membership: voters(count), ..Snapshot::default() },
            ..Recovered::default()
        };
        let mut cluster = Self {
            now: Tick::from_nanos(1),
            nodes: BTreeMap::new(),
            wire: VecDeque::new(),
            cut_off: BTreeSet::new(),
        };
        for number in 1..=count {
            cluster.add(Config::new(n(number)), recovered.clone());
        }
        cluster
    }

    pub(super) fn add(&mut self, config: Config, recovered: Recovered) {
        let id = config.id;
        let raft = Raft::new(config.build().expect("they fit together"), recovered);
        let (committed, told) = (Vec::new(), Vec::new());
        self.nodes.insert(id, Host { raft, timers: BTreeMap::new(), waiting: None, committed, told });
        self.step(id, Input::Started);
    }

    pub(super) fn raft(&self, node: NodeId) -> &Raft {
        &self.nodes[&node].raft
    }

    /// One input, and its effects.
    pub(super) fn step(&mut self, id: NodeId, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let host = self.nodes.get_mut(&id).expect("a node");
            let mut effects = Vec::new();
            host.raft.step(self.now, input, &mut effects);
            for effect in effects {
                match effect {
                    Effect::Send { to, message } => self.wire.push_back((id, to, message)),
                    Effect::SetTimer { timer, at } => drop(host.timers.insert(timer, at)),
                    Effect::Write(write) => match &mut host.waiting {
                        Some(waiting) => waiting.push_back(write),
                        None => inputs.push_back(Input::Written(write.id)),
                    },
                    Effect::Commit(id) => host.committed.push(id),
                    Effect::Install(snapshot) => inputs.push_back(Input::Installed(snapshot.last)),
                    other => host.told.push(other),
                }
            }
        }
    }

    /// Delivers what is on the wire, and what that leads to.
    pub(super) fn deliver(&mut self) {
        while let Some((from, to, message)) = self.wire.pop_front() {
            let is_cut = self.cut_off.contains(&from) || self.cut_off.contains(&to);
            if !is_cut && self.nodes.contains_key(&to) {
                self.step(to, Input::Received { from, message });
            }
        }
    }

    /// Lets time pass until `until` holds; panics after a virtual minute.
    pub(super) fn run_until(&mut self, what: &str, mut until: impl FnMut(&Self) -> bool) {
        let end = self.now.after(Duration::from_secs(60));
        self.deliver();
        while !until(self) {
            assert!(self.now < end, "no {what} within a minute");
            self.pass(Duration::from_millis(1));
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now.after(span);
        self.deliver();
        loop {
            let due = self
                .nodes
                .iter()
                .flat_map(|(id, host)| host.timers.iter().map(move |(timer, at)| (*at, *id, *timer)));
            match due.min().filter(|(at, ..)| *at <= end) {
                Some((at, id, timer)) => {
                    self.now = self.now.max(at);
                    self.nodes.get_mut(&id).expect("a node").timers.remove(&timer);
                    self.step(id, Input::Expired(timer));
                    self.deliver();
                }
                None => break,
            }
        }
        self.now = end;
    }

    /// The leader of the latest term.
    pub(super) fn leader(&self) -> Option<NodeId> {
        let leaders = self.nodes.iter().filter(|(_, host)| host.raft.is_leader());
        leaders.max_by_key(|(_, host)| host.raft.term()).map(|(id, _)| *id)
    }

    pub(super) fn elect(&mut self) -> NodeId {
        self.run_until("leader", |cluster| {
            let leader = cluster.leader().filter(|leader| !cluster.cut_off.contains(leader));
            leader.is_some_and(|leader| cluster.raft(leader).commit() == cluster.raft(leader).last().index)
        });
        self.leader().expect("just elected")
    }

    pub(super) fn propose(&mut self, to: NodeId, ticket: u64, count: u32) {
        let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
        for _ in 0..count {
            builder.push(Entry::default()).expect("it is small");
        }
        let body = builder.finish().expect("it is not empty");
        let time = UnixNanos::new(self.now.as_nanos());
        self.step(to, Input::Proposed { ticket: Ticket(ticket), time, body });
    }

    pub(super) fn commit(&self, node: u64) -> Index {
        self.raft(n(node)).commit()
    }

    /// What the host of a node was told since the last time.
    pub(super) fn told(&mut self, node: NodeId) -> Vec<Effect> {
        std::mem::take(&mut self.nodes.get_mut(&node).expect("a node").told)
    }
}
