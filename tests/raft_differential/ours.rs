//! This project's core, in the cluster that its other tests use.

use crate::side::{Down, Side, State};
use crate::support::{Cluster, Disk, batch_of, n, voters};
use duochain::frame::FrameKind;
use duochain::raft::{Config, Input, Mutant, Role, Snapshot, Ticket, Timer};
use duochain::types::{Tick, UnixNanos};
use std::collections::VecDeque;
use std::time::Duration;

/// No leader is heard for so long: the longest time that a follower waits.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);
const BEAT: Duration = Duration::from_millis(50);

pub(crate) struct Ours {
    cluster: Cluster,
    mutant: Option<Mutant>,
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
    pub(crate) fn new(count: u64, mutant: Option<Mutant>) -> Self {
        let mut ours = Self { cluster: Cluster::empty(), mutant };
        for node in 1..=count {
            let snapshot = Snapshot { membership: voters(count), ..Snapshot::default() };
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
        let mut round: Vec<_> = self.cluster.wire.drain(..).collect();
        round.sort_by_key(|(from, to, _)| (*to, *from));
        let is_any = !round.is_empty();
        for (from, to, message) in round {
            if !down.contains(&(from.get(), to.get())) {
                self.cluster.step(to, Input::Received { from, message });
            }
        }
        is_any
    }

    fn see(&self, node: u64) -> State {
        let host = &self.cluster.nodes[&n(node)];
        let mut disk = host.disk.clone();
        host.waiting.iter().flatten().for_each(|write| disk.write(write));
        let mut log = Vec::new();
        for frame in &disk.frames {
            let payload = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
            assert!(matches!(frame.kind(), FrameKind::Entries | FrameKind::Blank));
            log.extend(frame.entries().map(|entry| (frame.term().get(), payload(entry.bytes))));
        }
        let raft = &host.raft;
        State {
            leads: raft.role() == Role::Leader,
            term: raft.term().get(),
            vote: host.disk.vote.candidate.map_or(0, |node| node.get()),
            leader: raft.leader().map_or(0, |node| node.get()),
            log,
            commit: raft.commit().get(),
        }
    }
}
