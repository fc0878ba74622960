//! A cluster in one thread: messages in order unless a test says otherwise, disks that answer at once unless it
//! says otherwise. The simulator has the faults.

use super::{Disk, batch, n, voters};
use duochain::raft::{Config, Effect, Input, Message, Raft, Recovered, Snapshot, Ticket, Timer, Write};
use duochain::types::{Index, LogId, NodeId, Tick, UnixNanos};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// A node and what its effects have led to.
pub(crate) struct Host {
    pub(crate) raft: Raft,
    pub(crate) timers: BTreeMap<Timer, Tick>,
    pub(crate) disk: Disk,
    /// Writes that wait; `None` answers at once.
    pub(crate) waiting: Option<VecDeque<Write>>,
    pub(crate) committed: Vec<LogId>,
    /// Everything else, in order, until a test takes it.
    pub(crate) told: Vec<Effect>,
}

pub(crate) struct Cluster {
    pub(crate) now: Tick,
    pub(crate) nodes: BTreeMap<NodeId, Host>,
    pub(crate) wire: VecDeque<(NodeId, NodeId, Message)>,
    /// Nothing comes from or goes to these.
    pub(crate) cut_off: BTreeSet<NodeId>,
}

impl Cluster {
    /// Nodes 1 to `count` with an empty log, all voters, started.
    pub(crate) fn new(count: u64) -> Self {
        let snapshot = Snapshot { membership: voters(count), ..Snapshot::default() };
        let disk = Disk { snapshot, ..Disk::default() };
        let mut cluster = Self::empty();
        for number in 1..=count {
            cluster.add_with(Config::new(n(number)), disk.clone());
        }
        cluster
    }

    pub(crate) fn empty() -> Self {
        Self {
            now: Tick::from_nanos(1),
            nodes: BTreeMap::new(),
            wire: VecDeque::new(),
            cut_off: BTreeSet::new(),
        }
    }

    /// A node with an empty disk that is to be added later.
    pub(crate) fn add(&mut self, config: Config) {
        self.add_with(config, Disk::default());
    }

    pub(crate) fn add_with(&mut self, config: Config, disk: Disk) {
        let id = config.id;
        let raft = Raft::new(config.build().expect("they fit together"), disk.recovered());
        let (committed, told) = (Vec::new(), Vec::new());
        self.nodes.insert(id, Host { raft, timers: BTreeMap::new(), disk, waiting: None, committed, told });
        self.step(id, Input::Started);
    }

    /// The process of a node ends and starts again: it has what is on its disk.
    pub(crate) fn restart(&mut self, config: Config) {
        let host = self.nodes.remove(&config.id).expect("a node");
        self.add_with(config, host.disk);
    }

    pub(crate) fn raft(&self, node: NodeId) -> &Raft {
        &self.nodes[&node].raft
    }

    pub(crate) fn host(&mut self, node: NodeId) -> &mut Host {
        self.nodes.get_mut(&node).expect("a node")
    }

    /// One input, and its effects.
    pub(crate) fn step(&mut self, id: NodeId, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now = self.now;
            let host = self.nodes.get_mut(&id).expect("a node");
            let mut effects = Vec::new();
            host.raft.step(now, input, &mut effects);
            assert_eq!(host.raft.check(), Ok(()));
            for effect in effects {
                match effect {
                    Effect::Send { to, message } => self.wire.push_back((id, to, message)),
                    Effect::SetTimer { timer, at } => drop(host.timers.insert(timer, at)),
                    Effect::Write(write) => match &mut host.waiting {
                        Some(waiting) => waiting.push_back(write),
                        None => {
                            host.disk.write(&write);
                            inputs.push_back(Input::Written(write.id));
                        }
                    },
                    Effect::Commit(id) => host.committed.push(id),
                    Effect::Fetch { to, from, bytes_max } => {
                        let frames = host.disk.read(from, bytes_max);
                        inputs.push_back(Input::Fetched { to, frames });
                    }
                    Effect::Install(snapshot) => {
                        let last = snapshot.last;
                        host.disk.install(snapshot);
                        inputs.push_back(Input::Installed(last));
                    }
                    other => host.told.push(other),
                }
            }
        }
    }

    /// The disk of a node answers what it was asked, and goes on answering at once.
    pub(crate) fn write(&mut self, node: NodeId) {
        for write in self.host(node).waiting.take().into_iter().flatten() {
            self.host(node).disk.write(&write);
            self.step(node, Input::Written(write.id));
        }
    }

    /// Delivers what is on the wire, and what that leads to.
    pub(crate) fn deliver(&mut self) {
        while self.deliver_one() {}
    }

    /// Delivers the oldest message; `false` when there is none.
    pub(crate) fn deliver_one(&mut self) -> bool {
        let Some((from, to, message)) = self.wire.pop_front() else { return false };
        let is_cut = self.cut_off.contains(&from) || self.cut_off.contains(&to);
        if !is_cut && self.nodes.contains_key(&to) {
            self.step(to, Input::Received { from, message });
        }
        true
    }

    /// Lets time pass until `until` holds; panics after a virtual minute.
    pub(crate) fn run_until(&mut self, what: &str, mut until: impl FnMut(&Self) -> bool) {
        let end = self.now.after(Duration::from_secs(60));
        self.deliver();
        while !until(self) {
            assert!(self.now < end, "no {what} within a minute");
            self.pass(Duration::from_millis(1));
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, span: Duration) {
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
                    self.host(id).timers.remove(&timer);
                    self.step(id, Input::Expired(timer));
                    self.deliver();
                }
                None => break,
            }
        }
        self.now = end;
    }

    /// The leader of the latest term.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        let leaders = self.nodes.iter().filter(|(_, host)| host.raft.role() == duochain::raft::Role::Leader);
        leaders.max_by_key(|(_, host)| host.raft.term()).map(|(id, _)| *id)
    }

    /// Whether a node leads.
    pub(crate) fn leads(&self, node: NodeId) -> bool {
        self.raft(node).role() == duochain::raft::Role::Leader
    }

    pub(crate) fn elect(&mut self) -> NodeId {
        self.run_until("leader", |cluster| {
            let leader = cluster.leader().filter(|leader| !cluster.cut_off.contains(leader));
            leader.is_some_and(|leader| cluster.raft(leader).commit() == cluster.raft(leader).last().index)
        });
        self.leader().expect("just elected")
    }

    pub(crate) fn propose(&mut self, to: NodeId, ticket: u64, count: u32) {
        let time = UnixNanos::new(self.now.as_nanos());
        self.step(to, Input::Proposed { ticket: Ticket(ticket), time, body: batch(count) });
    }

    /// The host of a node makes a snapshot of all that it was told is committed.
    pub(crate) fn compact(&mut self, node: NodeId) -> Snapshot {
        let host = self.host(node);
        let last = *host.committed.last().expect("something is committed");
        let membership = host.raft.membership_at(last.index).clone();
        let snapshot = Snapshot { last, time: UnixNanos::new(0), membership };
        host.disk.compact(snapshot.clone());
        self.step(node, Input::Compacted(snapshot.clone()));
        snapshot
    }

    /// A stream of the snapshot of `from` comes to `to`, whole.
    pub(crate) fn stream(&mut self, from: NodeId, to: NodeId) {
        let snapshot = self.nodes[&from].disk.snapshot.clone();
        let (arrived, term) = (Some(snapshot.last), self.host(from).raft.term());
        self.step(to, Input::SnapshotReceived { from, term, snapshot });
        self.step(from, Input::SnapshotSent { to, arrived });
    }

    pub(crate) fn commit(&self, node: u64) -> Index {
        self.raft(n(node)).commit()
    }

    /// What the host of a node was told since the last time.
    pub(crate) fn told(&mut self, node: NodeId) -> Vec<Effect> {
        std::mem::take(&mut self.host(node).told)
    }
}
