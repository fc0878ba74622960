//! The Raft core behind its lock, and the carrying out of its effects.

use super::metrics::{Counts, Disk, Meters, Spans};
use super::snapshots::{Post, Received, Snapshots};
use super::stage::Stage;
use super::waiting::{Group, Waiting};
use super::watching::Changes;
use super::{LeaderAt, ReplicaConfig, ReplicaError};
use crate::dedup::{Admission, DedupLimits};
use crate::env::log::{self, Level};
use crate::env::{Clock, SystemClock, fork};
use crate::frame::Frame;
use crate::net::TcpTransport;
use crate::raft::wire::{Letter, RaftProtocol, RepairRequest};
use crate::raft::{Effect, Input, Membership, Raft, Refusal, Status, Timer, Write};
use crate::storage::frames::{FrameReader, Preparation};
use crate::storage::snapshots::SnapshotFile;
use crate::types::{ClusterId, Index, LogId, NodeId, Tick};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A range of the log that a follower needs from disk.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) to: NodeId,
    pub(super) from: Index,
    pub(super) bytes_max: usize,
}

/// What the writer does, in this order.
#[derive(Debug)]
pub(super) enum Job {
    Write(Write),
    /// A snapshot of a peer takes the log's place.
    Install(Box<Received>),
    /// The log may forget what is before.
    Cut(Index),
}

#[derive(Debug)]
pub(super) struct Core {
    pub(super) raft: Raft,
    effects: Vec<Effect>,
    /// For the log, whose sink is the host's and must not run under the lock.
    records: Vec<(Level, String)>,
    pub(super) waiting: Waiting,
    /// Entries of the batcher for which the core had no room, in this step.
    pub(super) bounced: Option<Group>,
    /// When frames have to go at the latest.
    pub(super) flush_at: Option<Tick>,
    pub(super) meters: Meters,
    /// Of role, term, leader and members.
    pub(super) changes: Changes,
    pub(super) timers: BTreeMap<Timer, Tick>,
    pub(super) fetches: VecDeque<Fetch>,
    /// Of peers whose logs are damaged.
    pub(super) repairs: BTreeMap<NodeId, RepairRequest>,
    pub(super) jobs: VecDeque<Job>,
    pub(super) committed: Index,
    /// A snapshot that the core is asked about in this step.
    pub(super) received: Option<Received>,
    /// A snapshot is about to take the log's place: nothing of the log is applied any more.
    pub(super) is_installing: bool,
    /// What the host has to begin with, before anything else is applied.
    pub(super) restore: Option<SnapshotFile>,
    pub(super) members: BTreeMap<NodeId, String>,
    /// The transport does not know them yet.
    pub(super) has_new_members: bool,
    /// Why it has ended.
    pub(super) ended: Option<ReplicaError>,
}

/// What the threads of a replica share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) cluster: ClusterId,
    pub(super) dedup: DedupLimits,
    pub(super) clock: SystemClock,
    pub(super) core: Mutex<Core>,
    /// Entries that have no frame yet. Locked after the core, or alone.
    pub(super) stage: Mutex<Stage>,
    pub(super) election_max: Duration,
    pub(super) close_within: Duration,
    /// Of frames that go to a damaged log at a time.
    pub(super) repair_bytes_max: usize,
    /// Where the log ended when it was opened.
    pub(super) opened_at: Index,
    /// A write waits, or the end has come.
    pub(super) write: Condvar,
    /// An earlier timer, other members, or the end.
    pub(super) time: Condvar,
    /// A fetch, or the end.
    pub(super) fetch: Condvar,
    /// Something was committed, applied or cut, another leads or is in, or the end.
    pub(super) progress: Condvar,
    pub(super) applied: AtomicU64,
    /// Everything up to here was in the snapshot that the host's state here began with.
    pub(super) restored: AtomicU64,
    pub(super) reader: SharedReader,
    pub(super) disk: Disk,
    pub(super) snapshots: Snapshots,
    /// The next file of the log, to be laid out.
    pub(super) preparations: Post<Preparation>,
    /// Who is talked to beside the members.
    pub(super) contacts: BTreeMap<NodeId, String>,
    pub(super) net: OnceLock<TcpTransport<RaftProtocol>>,
    /// Counted when it was opened: its threads do not exist under another count.
    forks: u32,
}

/// A reader, for `Debug`.
#[derive(Clone)]
pub(super) struct SharedReader(pub(super) Arc<dyn FrameReader>);

impl std::fmt::Debug for SharedReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrameReader({}..={})", self.0.first(), self.0.last())
    }
}

impl Core {
    pub(super) fn membership(&self) -> &Membership {
        self.raft.membership()
    }

    /// Who waits for what is durable here, or on every voter, is to be told.
    pub(super) fn note_levels(&mut self) {
        let Self { waiting, raft, .. } = self;
        waiting.durable(raft.durable(), |index| raft.term_at(index));
        if waiting.is_for_all() {
            waiting.held_by_all(raft.held_by_all());
        }
    }
}

impl Shared {
    pub(super) fn new(
        config: &ReplicaConfig,
        raft: Raft,
        stage: Stage,
        reader: Arc<dyn FrameReader>,
        snapshots: Snapshots,
    ) -> Self {
        fork::watch();
        let clock = SystemClock::new();
        let opened_at = raft.last().index;
        let core = Core {
            committed: raft.commit(),
            members: BTreeMap::new(),
            has_new_members: false,
            changes: Changes::new(&raft),
            raft,
            effects: Vec::new(),
            waiting: Waiting::new(clock.unix().get()),
            bounced: None,
            flush_at: None,
            records: Vec::new(),
            meters: Meters::default(),
            timers: BTreeMap::new(),
            fetches: VecDeque::new(),
            repairs: BTreeMap::new(),
            jobs: VecDeque::new(),
            received: None,
            is_installing: false,
            restore: None,
            ended: None,
        };
        Self {
            cluster: config.cluster,
            dedup: config.dedup,
            clock,
            core: Mutex::new(core),
            stage: Mutex::new(stage),
            election_max: config.raft.election_max,
            close_within: config.close_within,
            repair_bytes_max: config.raft.append_bytes_max,
            opened_at,
            write: Condvar::new(),
            time: Condvar::new(),
            fetch: Condvar::new(),
            progress: Condvar::new(),
            applied: AtomicU64::new(0),
            restored: AtomicU64::new(0),
            reader: SharedReader(reader),
            disk: Disk::default(),
            snapshots,
            preparations: Post::new(1),
            contacts: config.contacts(),
            net: OnceLock::new(),
            forks: fork::generation(),
        }
    }

    /// True in the child of a fork.
    pub(super) fn is_of_parent(&self) -> bool {
        self.forks != fork::generation()
    }

    pub(super) fn status(&self) -> Status {
        self.core.lock().raft.status(self.clock.now())
    }

    /// What is known under the core's lock, for the metrics.
    pub(super) fn figures(&self) -> (Status, Counts, Spans, usize) {
        let core = self.core.lock();
        let (counts, commit) = core.meters.figures();
        (core.raft.status(self.clock.now()), counts, commit, core.jobs.len())
    }

    /// One input and its effects (I3).
    pub(super) fn step(&self, input: Input) {
        let mut core = self.core.lock();
        self.step_locked(&mut core, input);
        self.settle(&mut core);
        tell(core);
    }

    /// One input and its effects (I3); [`Self::settle`] and [`tell`] have to follow.
    pub(super) fn step_locked(&self, core: &mut Core, input: Input) {
        if core.ended.is_some() {
            return;
        }
        // A panic on the way leaves a core that is half a step further than its host: nothing may follow it.
        let half = ReplicaError::Failed("a step was not carried out".into());
        core.ended = Some(half);
        let mut effects = std::mem::take(&mut core.effects);
        core.raft.step(self.clock.now(), input, &mut effects);
        effects.drain(..).for_each(|effect| self.carry_out(core, effect));
        core.effects = effects;
        self.follow_members(core);
        self.note_changes(core);
        core.ended = None;
    }

    fn carry_out(&self, core: &mut Core, effect: Effect) {
        let Core { meters, raft, .. } = &mut *core;
        meters.note(&effect, || self.clock.now(), |index| raft.term_at(index));
        match effect {
            Effect::Send { to, message } => self.send(to, &Letter::Message(message)),
            Effect::Write(write) => {
                // A change of members that somebody waits for may be among what is cut.
                if write.keep_to.is_some() {
                    self.progress.notify_all();
                }
                self.queue(core, Job::Write(write));
            }
            Effect::SetTimer { timer, at } => {
                let is_earlier = core.timers.values().all(|armed| at < *armed);
                core.timers.insert(timer, at);
                if is_earlier {
                    self.time.notify_one();
                }
            }
            Effect::Commit(id) => {
                core.committed = id.index;
                let Core { waiting, raft, .. } = &mut *core;
                waiting.committed(id.index, |index| raft.term_at(index));
                self.progress.notify_all();
            }
            Effect::Fetch { to, from, bytes_max } => {
                core.fetches.push_back(Fetch { to, from, bytes_max });
                self.fetch.notify_one();
            }
            Effect::Accepted { ticket, id } => core.waiting.accepted(ticket.0, id),
            Effect::Refused { ticket, why } => {
                if why == Refusal::Busy {
                    core.bounced = core.waiting.take_batched(ticket.0);
                }
                let why = refusal(why, &core.members);
                core.waiting.answer(ticket.0, Err(why));
            }
            Effect::ReadReady { ticket, index } => {
                core.waiting.answer(ticket.0, Ok(LogId::new(core.raft.term(), index)));
            }
            Effect::Transferring { ticket, .. } => core.waiting.answer(ticket.0, Ok(core.raft.last())),
            Effect::Became { role, term, leader } => {
                let leader = leader.map_or("nobody".to_owned(), |leader| leader.to_string());
                core.records.push((Level::Info, format!("{role:?} in term {term}, led by {leader}")));
            }
            Effect::Report { peer, fault } => {
                core.records.push((Level::Warn, format!("{peer} broke the protocol: {fault:?}")));
            }
            Effect::SendSnapshot { to, term } => self.snapshots.send(to, term),
            Effect::Install(_) => self.install(core),
            // Whoever handed it over drops it.
            Effect::Discard(_) => {}
        }
    }

    /// The transport has to know who is in. Not here: its locks are held while threads start.
    fn follow_members(&self, core: &mut Core) {
        let (settled, active) = (core.raft.membership_at(core.raft.commit()), core.raft.membership());
        // The usual case, and it is met by every step.
        if std::ptr::eq(settled, active) && core.members == active.addresses {
            return;
        }
        let members = super::peers::linked(&core.raft);
        if core.members != members {
            core.members = members;
            core.has_new_members = true;
            self.time.notify_one();
        }
    }

    /// Waits until this node has applied `index`.
    pub(super) fn wait_applied(&self, index: Index, timeout: Duration) -> Result<(), ReplicaError> {
        let until = self.clock.now().after(timeout);
        // Acquire, with the applier's Release: what was applied can be seen.
        self.wait_until(until, |_| self.applied.load(Ordering::Acquire) >= index.get())
    }

    /// It is known which entries of these committed frames are repetitions.
    pub(super) fn judged(&self, frames: &[Frame], admissions: &[Admission]) {
        let is_asked = |frame: &Frame| frame.body().header().has_identities();
        if !frames.iter().any(is_asked) {
            return;
        }
        let mut core = self.core.lock();
        for (frame, admission) in frames.iter().zip(admissions).filter(|(frame, _)| is_asked(frame)) {
            core.waiting.judged(frame.last().index, admission);
        }
        self.settle(&mut core);
        tell(core);
    }

    /// Nothing is done from here on.
    pub(super) fn end(&self, error: ReplicaError) {
        let mut core = self.core.lock();
        core.waiting.end(&error);
        self.clear_stage(&mut core, &error);
        core.ended.get_or_insert(error);
        // A draft among them goes with them, while the directory is locked still.
        let left = (std::mem::take(&mut core.jobs), core.received.take());
        self.write.notify_all();
        self.time.notify_all();
        self.fetch.notify_all();
        self.progress.notify_all();
        let unwritten = self.snapshots.close();
        self.preparations.close();
        tell(core);
        drop((left, unwritten));
    }
}

/// Why the core refused, as callers are told: who leads, and where that is.
pub(super) fn refusal(why: Refusal, members: &BTreeMap<NodeId, String>) -> ReplicaError {
    match why {
        Refusal::NotLeader(leader) => ReplicaError::NotLeader(
            leader
                .map(|node| LeaderAt { node, address: members.get(&node).map_or("", String::as_str).into() }),
        ),
        Refusal::Busy => ReplicaError::Busy,
        why => ReplicaError::Refused(why),
    }
}

/// Gives the lock back, then tells callers what they wait for (W2), and the log what was to be logged.
pub(super) fn tell(mut core: MutexGuard<'_, Core>) {
    let records = std::mem::take(&mut core.records);
    let told = std::mem::take(&mut core.waiting.told);
    drop(core);
    for (waiter, outcome) in told {
        waiter.tell(outcome);
    }
    for (level, record) in records {
        log::emit(level, "log", format_args!("{record}"));
    }
}

/// Ends the replica when a thread of it ends, panic or not.
pub(super) struct Fatal<'a>(pub(super) &'a Shared);

impl Drop for Fatal<'_> {
    fn drop(&mut self) {
        self.0.end(ReplicaError::Failed("one of its threads has ended".into()));
    }
}
