//! This project's core, in the cluster that its other tests use.

use crate::members::Members;
use crate::side::{CHANGE, Down, Log, Side, State};
use crate::support::{Cluster, Disk, at, batch_of, n, voters};
use duochain::frame::FrameKind;
use duochain::raft::{Change, Config, Effect, Input, Mutant, Snapshot, Ticket, Timer};
use duochain::types::{NodeId, Term, Tick, UnixNanos};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// No leader is heard for so long: the longest time that a follower waits.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);
const BEAT: Duration = Duration::from_millis(50);
/// Names a change of members until it is answered.
const CHANGING: Ticket = Ticket(u64::MAX);

pub(crate) struct Ours {
    cluster: Cluster,
    mutant: Option<Mutant>,
    /// Snapshots under way: from, to, and the term that was led.
    streams: Vec<(NodeId, NodeId, Term)>,
    answers: BTreeSet<(u64, u64, u64)>,
    /// How many snapshots came where they were needed.
    pub(crate) installed: u64,
}

fn config(node: u64) -> Config {
    Config {
        heartbeat: BEAT,
        election_min: SILENCE / 2,
        election_max: SILENCE,
        // Stalls are part of the schedule, and the other side has no such rule.
        disk_stall_max: Duration::from_secs(1_000_000),
        ..Config::new(n(node))
    }
}

impl Ours {
    /// Voters from 1 to `count`, and behind them nodes that may be added later.
    pub(crate) fn new(count: u64, spares: u64, mutant: Option<Mutant>) -> Self {
        let mut ours = Self {
            cluster: Cluster::empty(),
            mutant,
            streams: Vec::new(),
            answers: BTreeSet::new(),
            installed: 0,
        };
        for node in 1..=count + spares {
            // A node that is to be added later knows nobody.
            let membership = if node <= count { voters(count) } else { Default::default() };
            let snapshot = Snapshot { membership, ..Snapshot::default() };
            ours.cluster.add_with(config(node), Disk { snapshot, ..Disk::default() });
            ours.break_it(node);
        }
        ours
    }

    fn break_it(&mut self, node: u64) {
        if let Some(mutant) = self.mutant {
            self.cluster.host(n(node)).raft.mutate(mutant);
        }
    }

    pub(crate) const fn now(&self) -> Tick {
        self.cluster.now
    }

    pub(crate) fn leads(&self, node: u64) -> bool {
        self.cluster.leads(n(node))
    }

    /// A change of members in its log may not be committed, as far as it knows.
    pub(crate) fn is_changing(&self, node: u64) -> bool {
        self.cluster.raft(n(node)).is_changing()
    }

    /// The members from `index` on, and each that a later entry of its log makes of them.
    pub(crate) fn members_from(&self, node: u64, index: u64) -> Vec<Members> {
        let raft = self.cluster.raft(n(node));
        let mut members: Vec<_> =
            (index..=raft.last().index.get()).map(|index| raft.membership_at(at(index)).into()).collect();
        members.dedup();
        members
    }

    /// Where a snapshot of this node could end: after each frame that its host was told is committed.
    pub(crate) fn ends(&self, node: u64) -> Vec<u64> {
        let host = &self.cluster.nodes[&n(node)];
        let start = host.raft.snapshot().index;
        host.committed
            .iter()
            .map(|id| id.index)
            .filter(|index| *index > start)
            .map(|index| index.get())
            .collect()
    }

    /// Takes what hosts were told. Whether a change was accepted, if that is among it.
    fn collect(&mut self) -> bool {
        let mut is_accepted = false;
        for (node, host) in &mut self.cluster.nodes {
            for effect in std::mem::take(&mut host.told) {
                match effect {
                    Effect::SendSnapshot { to, term } => self.streams.push((*node, to, term)),
                    Effect::ReadReady { ticket, index } => {
                        self.answers.insert((node.get(), ticket.0, index.get()));
                    }
                    Effect::Accepted { ticket: CHANGING, .. } => is_accepted = true,
                    _ => {}
                }
            }
        }
        is_accepted
    }

    /// A snapshot comes, or its stream ends before.
    fn stream(&mut self, (from, to, term): (NodeId, NodeId, Term), down: &Down) {
        let is_up = |from: NodeId, to: NodeId| !down.contains(&(from.get(), to.get()));
        let snapshot = self.cluster.nodes[&from].disk.snapshot.clone();
        let (last, before) = (snapshot.last, self.cluster.raft(to).snapshot());
        let comes = is_up(from, to) && self.cluster.nodes[&to].waiting.is_none();
        if comes {
            self.cluster.step(to, Input::SnapshotReceived { from, term, snapshot });
            self.installed += u64::from(self.cluster.raft(to).snapshot() > before);
        }
        let arrived = (comes && is_up(to, from)).then_some(last);
        self.cluster.step(from, Input::SnapshotSent { to, arrived });
    }
}

impl Side for Ours {
    fn campaign(&mut self, node: u64) {
        self.cluster.now = self.cluster.now.after(SILENCE);
        self.cluster.step(n(node), Input::Expired(Timer::Election));
    }

    fn propose(&mut self, node: u64, count: u32, payload: u64) {
        let (ticket, time) = (Ticket(payload), UnixNanos::new(0));
        let body = batch_of(count, &payload.to_le_bytes());
        self.cluster.step(n(node), Input::Proposed { ticket, time, body });
    }

    fn read(&mut self, node: u64, number: u64) {
        self.cluster.step(n(node), Input::Read(Ticket(number)));
    }

    fn answers(&mut self) -> BTreeSet<(u64, u64, u64)> {
        self.collect();
        std::mem::take(&mut self.answers)
    }

    fn change(&mut self, node: u64, change: &Change) -> bool {
        self.collect();
        let (time, change) = (UnixNanos::new(0), change.clone());
        self.cluster.step(n(node), Input::Changed { ticket: CHANGING, time, change });
        self.collect()
    }

    fn compact(&mut self, node: u64, index: u64) {
        let host = self.cluster.host(n(node));
        let last = *host.committed.iter().find(|id| id.index == at(index)).expect("one of its ends");
        let membership = host.raft.membership_at(at(index)).clone();
        let snapshot = Snapshot { last, time: UnixNanos::new(0), membership };
        host.disk.compact(snapshot.clone());
        self.cluster.step(n(node), Input::Compacted(snapshot));
    }

    fn beat(&mut self, node: u64) {
        self.cluster.now = self.cluster.now.after(BEAT);
        self.cluster.step(n(node), Input::Expired(Timer::Heartbeat));
    }

    fn transfer(&mut self, from: u64, to: u64) {
        self.cluster.step(n(from), Input::Transferred { ticket: Ticket(0), to: Some(n(to)) });
    }

    /// Its own clock does that, at a heartbeat.
    fn give_up_transfer(&mut self, _: u64) {}

    fn restart(&mut self, node: u64) {
        self.cluster.restart(config(node));
        self.break_it(node);
    }

    fn stall(&mut self, node: u64) {
        self.cluster.host(n(node)).waiting.get_or_insert_with(VecDeque::new);
    }

    fn recover(&mut self, node: u64) {
        self.cluster.write(n(node));
    }

    /// Its own clock does that, at a heartbeat.
    fn step_down(&mut self, _: u64) {}

    fn deliver(&mut self, down: &Down) -> bool {
        self.collect();
        let mut round: Vec<_> = self.cluster.wire.drain(..).collect();
        let streams = std::mem::take(&mut self.streams);
        round.sort_by_key(|(from, to, _)| (*to, *from));
        let is_any = !round.is_empty() || !streams.is_empty();
        for (from, to, message) in round {
            if !down.contains(&(from.get(), to.get())) {
                self.cluster.step(to, Input::Received { from, message });
            }
        }
        for stream in streams {
            self.stream(stream, down);
        }
        is_any
    }

    fn see(&self, node: u64) -> State {
        let host = &self.cluster.nodes[&n(node)];
        let raft = &host.raft;
        let mut disk = host.disk.clone();
        host.waiting.iter().flatten().for_each(|write| disk.write(write));
        let mut entries = Vec::new();
        for frame in &disk.frames {
            let payload = |bytes: &[u8]| match frame.kind() {
                FrameKind::Membership => CHANGE,
                FrameKind::Entries | FrameKind::Blank => bytes.try_into().map_or(0, u64::from_le_bytes),
            };
            entries.extend(frame.entries().map(|entry| (frame.term().get(), payload(entry.bytes))));
        }
        let start = disk.snapshot.last.index.get();
        let term = entries.last().map_or(disk.snapshot.last.term.get(), |(term, _)| *term);
        State {
            leads: self.leads(node),
            term: raft.term().get(),
            vote: host.disk.vote.candidate.map_or(0, |node| node.get()),
            leader: raft.leader().map_or(0, |node| node.get()),
            log: Log { start, entries, term },
            commit: raft.commit().get(),
            members: raft.membership_at(raft.commit()).into(),
        }
    }
}
