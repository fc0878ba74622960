//! One machine: its disk and clocks, which stay, and its process, which comes and goes.

use super::agenda::{Event, Nanos, SECOND};
use super::client::Request;
use super::clock::Clock;
use super::disk::{Disk, Image};
use super::machine::Machine;
use super::options::Options;
use crate::raft::{Config, Membership, Raft, Role, Settings, Snapshot};
use crate::types::{Index, LogId, NodeId, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Where a machine stands: its number less one.
pub(super) type Seat = usize;

/// Machines of one run, replacements included.
pub(super) const SEATS_MAX: usize = 24;

/// The machine's number.
pub(super) fn id_of(seat: Seat) -> NodeId {
    NodeId::new(seat as u64 + 1).expect("not 0")
}

/// The machine with this number.
pub(super) const fn seat_of(node: NodeId) -> Seat {
    node.get() as usize - 1
}

/// What a machine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Its process runs, or is paused.
    Up,
    /// It will be started again.
    Down,
    /// Its log is refused; the operator mends or replaces it.
    Damaged,
    /// It never comes back.
    Gone,
}

/// Requests that wait for a batch to be applied.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) term: Term,
    pub(super) requests: Vec<Request>,
}

/// What is lost with the process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) raft: Raft,
    pub(super) machine: Machine,
    /// How often each timer was armed.
    pub(super) armings: [u64; 2],
    pub(super) commit: LogId,
    pub(super) is_applying: bool,
    pub(super) is_snapshotting: bool,
    /// What came from clients since the last batch.
    pub(super) inbox: Vec<Request>,
    /// Batches by ticket, until the core answers.
    pub(super) proposals: BTreeMap<u64, Vec<Request>>,
    /// Batches by the index of their last entry, until it is applied.
    pub(super) waiting: BTreeMap<Index, Waiting>,
    /// Reads by ticket, until the core answers.
    pub(super) reads: BTreeMap<u64, Request>,
    /// Reads that wait until their index is applied.
    pub(super) ready: Vec<(Index, Request)>,
    /// A snapshot that came from a peer.
    pub(super) incoming: Option<Arc<Image>>,
    /// For whom frames are being read from disk.
    pub(super) fetching: BTreeSet<NodeId>,
}

/// A machine.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) life: Life,
    pub(super) process: Option<Process>,
    /// How often its process was started.
    pub(super) run: u32,
    pub(super) clock: Clock,
    pub(super) disk: Disk,
    /// Nothing happens in its process before.
    pub(super) paused_until: Nanos,
    /// What happened to its process meanwhile.
    pub(super) backlog: Vec<Event>,
    /// It dies after so many effects.
    pub(super) dies_in: Option<u64>,
    /// Its log has damage that may not have been found yet.
    pub(super) is_tainted: bool,
    /// It was seen among the members.
    pub(super) was_member: bool,
}

impl Node {
    /// A machine whose disk holds these members and nothing else, `machine` being a state to which nothing was applied.
    pub(super) fn new(membership: Membership, clock: Clock, machine: Machine) -> Self {
        let was_member = !membership.voters.is_empty();
        let snapshot = Snapshot { membership, ..Snapshot::default() };
        Self {
            life: Life::Down,
            process: None,
            run: 0,
            clock,
            disk: Disk::new(Image { snapshot, chain: 0, machine }),
            paused_until: 0,
            backlog: Vec::new(),
            dies_in: None,
            is_tainted: false,
            was_member,
        }
    }

    /// Starts a process on what the disk holds.
    pub(super) fn start(&mut self, raft: Raft) {
        let machine = self.disk.image().machine.clone();
        self.life = Life::Up;
        self.process = Some(Process {
            raft,
            commit: machine.applied,
            machine,
            armings: [0; 2],
            is_applying: false,
            is_snapshotting: false,
            inbox: Vec::new(),
            proposals: BTreeMap::new(),
            waiting: BTreeMap::new(),
            reads: BTreeMap::new(),
            ready: Vec::new(),
            incoming: None,
            fetching: BTreeSet::new(),
        });
    }

    /// The core of its process, if there is one.
    pub(super) fn raft(&self) -> Option<&Raft> {
        self.process.as_ref().map(|process| &process.raft)
    }

    /// What the core is, if it runs.
    pub(super) fn role(&self) -> Option<Role> {
        self.raft().map(Raft::role)
    }
}

/// The settings of the core on a seat.
pub(super) fn settings(options: &Options, seat: Seat, run: u32) -> Settings {
    let mut config = Config::new(id_of(seat));
    let raft = &options.raft;
    config.seed = options.seed ^ ((seat as u64 + 1) << 32) ^ u64::from(run);
    config.disk_stall_max = Duration::from_nanos(raft.disk_stall_max.min(60 * SECOND));
    config.append_bytes_max = raft.append_bytes_max;
    config.inflight_appends_max = raft.inflight_appends_max;
    config.inflight_bytes_max = raft.append_bytes_max.max(64 << 10);
    config.window_bytes_max = raft.window_bytes_max;
    config.uncommitted_bytes_max = (raft.window_bytes_max / 2).max(16 << 10);
    config.frame_bytes_max = 16 << 10;
    config.frame_entries_max = 64;
    config.reads_max = 16;
    config.build().expect("the options fit together")
}
