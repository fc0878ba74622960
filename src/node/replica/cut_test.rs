//! A node whose entries are cut, or come back, or are slow to be applied: the real core, stage and callers, with a disk
//! and peers that do what is written here.

use super::core::Job;
use super::*;
use crate::dedup::Admission;
use crate::frame::{Frame, FrameBuilder, Origin, Seal};
use crate::raft::{Membership, Message, Outcome, Recovered, Role, Snapshot};
use crate::storage::frames::{FrameLog, FrameReader, MemoryFrameLog};
use crate::types::{ClusterId, LaneId, LogId, Term, UnixNanos};
use std::path::{Path, PathBuf};

struct Node {
    shared: Shared,
    dir: PathBuf,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub(super) const fn at(term: u64, index: u64) -> LogId {
    LogId::new(Term::new(term), Index::new(index))
}

pub(super) fn n(number: u64) -> NodeId {
    NodeId::new(number).unwrap()
}

/// One entry that `id` is the place of.
pub(super) fn frame(id: LogId, body: Body) -> Frame {
    Frame::new(Seal { term: id.term, base: id.index, time: UnixNanos::new(1) }, body)
}

pub(super) fn body(entry: Entry<'_>) -> Body {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    builder.push(entry).unwrap();
    builder.finish().unwrap()
}

const TEXT: [u8; 1_000] = [b'x'; 1_000];

fn plain() -> Entry<'static> {
    Entry { bytes: &TEXT, ..Entry::default() }
}

fn numbered(sequence: u64) -> Entry<'static> {
    Entry { origin: Origin { session: 1, sequence }, ..plain() }
}

/// Number 1 of five, who lets about eight of these entries be under way, and as many wait behind them.
pub(super) fn shared_of(dir: &Path, reader: Arc<dyn FrameReader>) -> Shared {
    let members = Membership::of((1..=5).map(|number| (n(number), format!("10.0.0.{number}:1"))));
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = ReplicaConfig::new(n(1), dir, ClusterId([9; 16]), listen, members.clone());
    config.raft.disk_stall_max = Duration::from_secs(600);
    (config.raft.frame_bytes_max, config.raft.frame_entries_max) = (16 << 10, 10);
    config.batch = BatchLimits {
        latency_entries: 1,
        entries: 1,
        bytes: 4 << 10,
        entries_max: 10,
        staged_bytes_max: 0,
        in_flight_bytes_max: 8 << 10,
        ..config.batch
    };
    let settings = config.raft.clone().build().unwrap();
    let stage = submitting::stage_for(config.batch, &settings);
    let snapshot = Snapshot { membership: members, ..Snapshot::default() };
    let raft = Raft::new(settings, Recovered { snapshot, ..Recovered::default() });
    let (shelf, _) = SnapshotShelf::open(&dir.join("snapshots")).unwrap();
    let snapshots = Snapshots::new(config.snapshots, shelf, None);
    Shared::new(&config, raft, stage, reader, snapshots)
}

impl Node {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("duochain-{name}-{}", std::process::id()));
        let reader = MemoryFrameLog::new(FrameLimits::default()).reader();
        let node = Self { shared: shared_of(&dir, reader), dir };
        node.shared.step(Input::Started);
        node
    }

    fn hear(&self, from: u64, message: Message) {
        self.shared.step(Input::Received { from: n(from), message });
    }

    /// The disk does what waits for it.
    fn sync(&self) {
        loop {
            let jobs = std::mem::take(&mut self.shared.core.lock().jobs);
            let written = jobs.iter().filter_map(|job| match job {
                Job::Write(write) => Some(write.id),
                _ => None,
            });
            let Some(last) = written.max() else { return };
            self.shared.step(Input::Written(last));
        }
    }

    /// Its leader hands over, and it is elected by three of five.
    fn lead(&self, term: u64) {
        self.hear(2, Message::TimeoutNow { term: Term::new(term - 1) });
        self.sync();
        for voter in [3, 4] {
            self.hear(voter, Message::VoteReply { term: Term::new(term), granted: true, pre: false });
        }
        let status = self.shared.status();
        assert_eq!((status.role, status.term), (Role::Leader, Term::new(term)));
        self.sync();
    }

    /// Two peers have everything up to there.
    fn held(&self, upto: LogId) {
        let outcome = Outcome::Matched { durable: upto.index, received: upto.index };
        for peer in [3, 4] {
            self.hear(peer, Message::AppendReply { term: upto.term, outcome, round: 0 });
        }
    }

    /// A leader sends frames that follow `prev`.
    fn follow(&self, (leader, term): (u64, u64), prev: LogId, frames: Vec<Frame>) {
        let commit = self.shared.core.lock().committed;
        self.hear(leader, Message::Append { term: Term::new(term), prev, commit, frames });
    }

    /// A leader says what is committed.
    fn learn(&self, (leader, term): (u64, u64), prev: LogId) {
        let (term, commit) = (Term::new(term), prev.index);
        self.hear(leader, Message::Heartbeat { term, prev, commit, round: 1 });
    }

    fn submit(&self, entry: Entry<'_>, wait: WaitFor) -> Result<Pending, ReplicaError> {
        self.shared.submit(&[entry], SubmitOptions { wait, ..SubmitOptions::default() })
    }

    fn is_settled(&self) -> bool {
        self.shared.core.lock().waiting.is_settled()
    }
}

#[test]
fn a_leader_whose_entries_were_cut_says_so_and_takes_more_when_it_leads_again() {
    let node = Node::new("cut");
    node.lead(3);
    node.held(at(3, 1));
    let mut lost = Vec::new();
    while node.shared.stage.lock().is_empty() {
        lost.push(node.submit(plain(), WaitFor::Quorum).unwrap());
        node.sync();
        assert!(lost.len() < 100, "no more goes than may be under way");
    }
    let staged = lost.pop().unwrap();
    node.follow((2, 4), at(3, 1), vec![frame(at(4, 2), Body::blank())]);
    node.sync();
    assert!(matches!(staged.try_wait(), Some(Err(ReplicaError::NotLeader(_)))));
    assert!(lost.iter().all(|pending| pending.try_wait().is_none()), "they may come back");
    node.learn((2, 4), at(4, 2));
    // The log is shorter than most of their places.
    let is_lost = |pending: &Pending| matches!(pending.try_wait(), Some(Err(ReplicaError::Superseded)));
    assert!(lost.iter().all(is_lost), "{lost:?}");
    assert!(node.is_settled());
    node.lead(5);
    node.held(at(5, 3));
    for index in 4..40 {
        let next = node.submit(plain(), WaitFor::Quorum).unwrap();
        node.sync();
        node.held(at(5, index));
        assert_eq!(next.try_wait().unwrap().unwrap().id, at(5, index));
    }
}

#[test]
fn a_leader_that_is_never_told_of_a_cut_takes_more_once_its_own_term_commits() {
    let node = Node::new("alone");
    node.lead(3);
    let lost = node.submit(plain(), WaitFor::Local).unwrap();
    node.follow((2, 4), at(0, 0), vec![frame(at(4, 1), Body::blank())]);
    node.sync();
    assert!(lost.try_wait().is_none());
    node.lead(5);
    node.held(at(5, 2));
    assert!(matches!(lost.try_wait(), Some(Err(ReplicaError::Superseded))));
    assert!(node.is_settled());
}

#[test]
fn an_entry_that_is_cut_here_and_comes_back_is_not_said_to_be_superseded() {
    let node = Node::new("back");
    node.lead(3);
    node.held(at(3, 1));
    // Another node has it before this one's disk does.
    let pending = node.submit(plain(), WaitFor::Local).unwrap();
    node.follow((2, 4), at(3, 1), vec![frame(at(4, 2), Body::blank())]);
    node.sync();
    assert!(pending.try_wait().is_none(), "nobody knows: {pending:?}");
    let back = [frame(at(3, 2), body(plain())), frame(at(5, 3), Body::blank())];
    node.follow((5, 5), at(3, 1), back.into());
    node.sync();
    node.learn((5, 5), at(5, 3));
    assert_eq!(pending.try_wait().unwrap().unwrap().id, at(3, 2));
    assert!(node.is_settled());
}

#[test]
fn entries_with_identities_are_under_way_until_they_are_judged_and_more_is_refused() {
    let node = Node::new("slow");
    node.lead(3);
    node.held(at(3, 1));
    let mut taken = Vec::new();
    let refused = loop {
        match node.submit(numbered(taken.len() as u64), WaitFor::Quorum) {
            Ok(pending) => taken.push(pending),
            Err(error) => break error,
        }
        node.sync();
        node.held(node.shared.status().last);
        assert!(taken.len() < 100, "the host applies nothing");
    };
    assert!(matches!(refused, ReplicaError::Busy), "{refused}");
    assert_eq!(node.shared.status().commit, node.shared.status().last.index);
    let is_told = |pending: &&Pending| pending.try_wait().is_some();
    assert_eq!(taken.iter().filter(is_told).count(), 0);
    for index in 2..2 + taken.len() as u64 {
        node.shared.judged(&[frame(at(3, index), body(numbered(index)))], &[Admission::default()]);
        node.sync();
        node.held(node.shared.status().last);
    }
    assert_eq!(taken.iter().filter(is_told).count(), taken.len());
    assert_eq!(node.shared.stage.lock().staged_cost(), 0);
    assert!(node.submit(numbered(1_000), WaitFor::Quorum).is_ok());
}
