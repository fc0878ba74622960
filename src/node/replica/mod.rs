//! One machine's part of a replicated log: the Raft core with its disk, sockets and threads.
//!
//! # Model
//! ```text
//! host: submit --> stage: entries collect --.
//! host: append --> core <-------------------'
//!                  core <-- messages (a thread of the transport for each peer)
//!                  | ^  <-- timers   ("duo-log-time")
//!            Write | | Written
//!                  v |
//!          "duo-log-write": all writes that wait, one sync      Commit --> "duo-log-apply" --> host's Apply
//! ```
//! There is no thread between these: whoever has an input takes the core's lock, steps it, and carries out its
//! effects. On the way of an entry to its commit, a thread has to wake up twice: the follower's writer and the
//! host's caller.
//!
//! # Invariants
//! I1 an append that answered `Ok` is durable on a majority and applied once, in order, on every node that
//! gets there; an entry with an origin or an id, also when it is appended again. I2 after a failed write nothing
//! is done any more: the node has to be opened again. I3 effects of one step are carried out before those of the
//! next. I4 entries of one lane stand in the log in the order in which they were submitted. I5 whoever waits is
//! answered: at the latest when the replica ends.
//!
//! # Limits
//! Memory: what `raft::Config`, `net::Limits`, `DedupLimits`, `BatchLimits` and [`SnapshotOptions`] allow; while a polled
//! host's state is written, what `DedupLimits` allows once more. Disk: the log back to the older of two snapshots, and
//! these two; of a host that keeps none, all of the log. A host that is slow to apply holds back who submits entries with
//! origins or ids, as `Busy`; nobody else: what it has not applied yet is on disk, and takes no memory.
//!
//! # Caller contract
//! [`Apply`] runs on a thread of the replica and must not wait for it; a callback of [`Pending`] neither, but it may
//! submit. [`Replica::close`] ends all threads, and waits for them within `ReplicaConfig::close_within`; dropping closes;
//! [`Replica::shutdown`] ends in order. In the child
//! of a fork requests answer `Closed` and closing leaves the parent alone; what shows figures (`status`, `stats`, `json`,
//! `members`, `net_peers`, `staged_bytes`) must not be called there.

mod applier;
mod asking;
mod batching;
mod config;
mod core;
#[cfg(test)]
mod cut_test;
mod error;
mod fetcher;
mod giving;
mod inspection;
mod kept;
mod lifecycle;
mod mending;
mod metrics;
mod peers;
mod pending;
mod pieces;
mod polled;
mod reading;
mod recovery;
mod report;
mod snapshots;
mod stage;
mod submitting;
mod timekeeper;
mod waiting;
mod watching;
mod writer;

pub use applier::{Applied, Apply};
pub use asking::Asked;
pub use batching::{BatchLimits, ENTRY_COST_BYTES};
pub use config::ReplicaConfig;
pub use error::{LeaderAt, ReplicaError};
pub use giving::{Giving, PolledState, STATE_BYTES_MAX, copy_of};
pub use inspection::{Inspection, inspect};
pub use metrics::{Counts, ReplicaStats, STEPS_US, Spans};
pub use pending::Pending;
pub use pieces::StateWriter;
pub use polled::{Committed, Identities, PolledBatch, PolledReplica};
pub use snapshots::SnapshotOptions;
pub use stage::Lane;
pub use submitting::SubmitOptions;
pub use waiting::{Receipt, WaitFor};
pub use watching::Situation;

use crate::dedup::Dedup;
use crate::env::{Clock, panic};
use crate::frame::{Body, Entry, FrameLimits};
use crate::net::{NetStats, PeerNet, TcpTransport};
use crate::raft::wire::{RaftProtocol, WireLimits};
use crate::raft::{Input, Raft, Status};
use crate::storage::frames::{FrameLog, FrameLogOptions};
use crate::storage::snapshots::SnapshotShelf;
use crate::storage::votes::{FileVotes, VoteStore};
use crate::storage::{DirLock, check_format};
use crate::types::{Index, NodeId};
use applier::Applier;
use core::Shared;
use parking_lot::Mutex;
use recovery::Standing;
use snapshots::{Due, Snapshots};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

type ThreadBody = Box<dyn FnOnce(&Arc<Shared>) + Send>;

/// One machine's part of a replicated log. Any thread may call it.
#[derive(Debug)]
pub struct Replica {
    node: NodeId,
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Replica {
    /// Opens the log, listens, and takes part. A log that is damaged in its middle is mended first, with what peers prove
    /// to be the same: then this takes up to `repair_within`.
    ///
    /// # Errors
    /// `Config` for settings that do not fit together, files of TLS that peers would refuse, a directory of another
    /// cluster or with a log of the other kind, or an `applied` that is not in the log; `Unsupported` for TLS or a log in
    /// RocksDB in a build without it; `Storage`, among them
    /// `Corrupt` for damage that was not mended, with file, offset and entries, and what each peer said; `Net` when it
    /// cannot listen there.
    pub fn open(config: ReplicaConfig, apply: Box<dyn Apply>) -> Result<Self, ReplicaError> {
        let settings =
            config.raft.clone().build().map_err(|misfit| ReplicaError::Config(misfit.to_string()))?;
        config.snapshots.check()?;
        config.check_members()?;
        kept::check(config.log_backend)?;
        config
            .dedup
            .check()
            .and_then(|()| config.batch.check())
            .map_err(|rule| ReplicaError::Config(rule.to_owned()))?;
        // Before anything is made or read: a log may be long.
        config.tls.as_ref().map_or(Ok(()), |files| files.check(config.cluster, config.raft.id))?;
        let limits =
            FrameLimits { body_bytes_max: settings.frame_bytes_max, entries_max: settings.frame_entries_max };
        let log_options = FrameLogOptions { limits, ..config.log };
        std::fs::create_dir_all(&config.dir).map_err(ReplicaError::from)?;
        let lock = DirLock::acquire(&config.dir)?;
        check_format(&config.dir)?;
        let votes = FileVotes::open(&config.dir)?;
        let wire = WireLimits {
            message_bytes_max: config.raft.append_bytes_max + config.raft.frame_bytes_max + (64 << 10),
            // An append is bounded by its bytes, however small its frames are.
            frames_max: u32::MAX,
            frame: limits,
        };
        config.check_outbox(&wire)?;
        let mut log = kept::open(&config, &log_options, wire, votes.load())?;
        let found = SnapshotShelf::open(&config.dir.join("snapshots"))?;
        let Standing { recovered, last, newest, shelf } =
            recovery::recover(&config, &votes, &mut *log, found)?;
        let reader = log.reader();
        let stage = submitting::stage_for(config.batch, &settings);
        let raft = Raft::new(settings, recovered);
        let snapshots = Snapshots::new(config.snapshots, shelf, newest.clone());
        let shared = Arc::new(Shared::new(&config, raft, stage, Arc::clone(&reader), snapshots));
        shared.core.lock().restore = newest.map(|(file, _)| file);
        let inbox = Arc::new(peers::RaftInbox(Arc::downgrade(&shared)));
        let identity = (config.cluster, config.raft.id);
        let protocol = RaftProtocol { limits: wire };
        let net =
            TcpTransport::listen(config.listen, identity, config.net, config.tls.as_ref(), protocol, inbox)?;
        // Before anybody is let in, whose messages are inputs too.
        shared.step(Input::Started);
        shared.start(net)?;
        let dedup = Dedup::new(config.dedup);
        let (applied, due) = (config.applied.min(last), Due::default());
        let applier = Applier { apply, reader, applied, dedup, due };
        let replica = Self { node: config.raft.id, threads: Mutex::new(Vec::new()), shared };
        replica.spawn(lock, log, Box::new(votes), applier)?;
        Ok(replica)
    }

    fn spawn(
        &self,
        lock: DirLock,
        log: Box<dyn FrameLog>,
        votes: Box<dyn VoteStore>,
        applier: Applier,
    ) -> Result<(), ReplicaError> {
        let mut threads = self.threads.lock();
        // The directory is given back by the last thread that may write to it: a closed replica only reads.
        let lock = Arc::new(lock);
        let mut start = |name: &str, body: ThreadBody| {
            let (shared, lock) = (Arc::clone(&self.shared), Arc::clone(&lock));
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
                let _lock = lock;
                let _quiet = panic::Quiet::enter();
                shared.own_thread();
                // Whatever ends a thread ends the node: half of it would only look alive.
                let _fatal = core::Fatal(&shared);
                body(&shared);
            });
            thread.map(|thread| threads.push(thread)).map_err(ReplicaError::from)
        };
        start("duo-log-write", Box::new(move |shared| writer::run(shared, log, votes)))?;
        start("duo-log-apply", Box::new(move |shared| applier.run(shared)))?;
        for (name, body) in snapshots::THREADS {
            start(name, Box::new(move |shared| body(shared)))?;
        }
        start("duo-log-lay", Box::new(|shared| writer::lay_out(shared)))?;
        start("duo-log-read", Box::new(|shared| fetcher::run(shared)))?;
        start("duo-log-time", Box::new(|shared| timekeeper::run(shared)))
    }

    /// Puts a batch into the log and waits until it is committed. Its entries have the indexes up to that of
    /// the answer, which also says how many of them were there before and are not applied again. A batch whose
    /// entries have an origin or an id can so be appended again when the answer got lost.
    ///
    /// # Errors
    /// `NotLeader` naming who leads, `Busy`, `Refused`: nothing is in the log. `Superseded`: it was, and a
    /// new leader has put something else there. `Timeout`, `Closed`, `Failed`: nobody knows; it may still commit.
    pub fn append(&self, batch: Body, timeout: Duration) -> Result<Receipt, ReplicaError> {
        if !self.shared.is_of_parent() && self.shared.stage.lock().is_closing {
            return Err(self.shared.why_not());
        }
        let time = self.shared.clock.unix();
        let entries = (batch.count(), batch.header().has_identities());
        self.shared.ask_for(entries, timeout, |ticket| Input::Proposed { ticket, time, body: batch })
    }

    /// Puts entries into the log together with those of others: one or a few, which stay together and in order. They
    /// are copied; on an error nothing was taken, and the caller still has them. Entries of one lane are in the log
    /// in the order of these calls; critical ones overtake normal ones that have no place yet.
    ///
    /// The answer comes by [`Pending`]: at the level that `options.wait` names, `Ok` or one of the errors of
    /// [`Self::append`], or `NotEverywhere`.
    ///
    /// # Errors
    /// `NotLeader` naming who leads, and where; `Busy` when too much waits already; `Refused` with `Invalid`: no
    /// entry, more than `entries_max`, more than a frame holds (52 bytes for each entry and 24 for all counted in), a
    /// number without a session; `Refused` with `Transferring`: it is closing. `Closed`, `Failed`.
    pub fn submit(&self, entries: &[Entry<'_>], options: SubmitOptions) -> Result<Pending, ReplicaError> {
        self.shared.submit(entries, options)
    }

    /// Waits until this node may answer a read: everything that was acknowledged anywhere before the call is
    /// at or before the index that comes back, and applied here.
    ///
    /// # Errors
    /// `NotLeader`, `Busy`, `Timeout`, `Closed`, `Failed`.
    pub fn read_index(&self, timeout: Duration) -> Result<Index, ReplicaError> {
        self.ask_read()?.wait(timeout).map(|id| id.index)
    }

    /// Hands leadership over, to `to` or to whoever is furthest; returns once that is on its way.
    ///
    /// # Errors
    /// `NotLeader`, `Refused`, `Timeout`, `Closed`, `Failed`.
    pub fn transfer(&self, to: Option<NodeId>, timeout: Duration) -> Result<(), ReplicaError> {
        self.shared.ask(timeout, |ticket| Input::Transferred { ticket, to }).map(drop)
    }

    /// What it looks like now.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Everything up to here has been applied.
    pub fn applied(&self) -> Index {
        Index::new(self.shared.applied.load(Ordering::Acquire))
    }

    /// Bytes of submitted entries that wait for a place in the log, as [`BatchLimits::staged_bytes_max`] counts them.
    pub fn staged_bytes(&self) -> usize {
        self.shared.stage.lock().staged_cost()
    }

    /// What the transport has done.
    pub fn net_stats(&self) -> NetStats {
        self.shared.net().map(TcpTransport::stats).unwrap_or_default()
    }

    /// The way to each peer.
    pub fn net_peers(&self) -> Vec<PeerNet> {
        self.shared.net().map(TcpTransport::peers).unwrap_or_default()
    }

    /// Reads certificate, key and authority again, for the connections to come; those that are there live on. Does
    /// nothing without TLS.
    ///
    /// # Errors
    /// `Config` for files that peers would refuse: what was loaded before stays. `Closed`, `Failed`.
    pub fn reload_tls(&self) -> Result<(), ReplicaError> {
        self.shared.check_open()?;
        Ok(self.shared.net().map_or(Ok(()), TcpTransport::reload_tls)?)
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.shared.net().map(TcpTransport::address)
    }
}
