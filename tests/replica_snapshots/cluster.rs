//! Replicas of a host that keeps snapshots, with real sockets and files.

use crate::replicas::{PATIENCE, Scratch, eventually, own_places, unless_it_went};
use duochain::dedup::DedupLimits;
use duochain::frame::{Body, Entry, FrameBuilder, FrameLimits, Origin};
use duochain::node::replica::{
    Applied, Apply, Receipt, Replica, ReplicaConfig, ReplicaError, SnapshotOptions,
};
use duochain::raft::{Config, Membership, Role};
use duochain::storage::frames::{FrameLogOptions, LogBackend};
use duochain::types::{ClusterId, Index, LaneId, NodeId, Term};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Entries by index: all that were ever applied, so that two hosts are equal only if they applied the same.
pub(crate) type State = BTreeMap<u64, Vec<u8>>;

/// What a host has, and what happened to it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) state: State,
    pub(crate) restored: u32,
    pub(crate) taken: u32,
    /// What `apply` was given in this process.
    pub(crate) applied: Vec<u64>,
}

pub(crate) type Shared = Arc<Mutex<Ledger>>;

pub(crate) struct Host(pub(crate) Shared);

impl Apply for Host {
    fn apply(&mut self, batch: &Applied<'_>) {
        let mut ledger = self.0.lock().unwrap();
        for (index, entry) in batch.entries() {
            ledger.applied.push(index.get());
            ledger.state.insert(index.get(), entry.bytes.to_vec());
        }
    }

    fn snapshot(&mut self) -> Option<Box<dyn Read + Send>> {
        let mut ledger = self.0.lock().unwrap();
        ledger.taken += 1;
        let mut bytes = Vec::new();
        for (index, entry) in &ledger.state {
            bytes.extend_from_slice(&index.to_le_bytes());
            bytes.extend_from_slice(&(entry.len() as u64).to_le_bytes());
            bytes.extend_from_slice(entry);
        }
        Some(Box::new(Cursor::new(bytes)))
    }

    fn restore(&mut self, state: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        state.read_to_end(&mut bytes)?;
        let (mut rest, mut restored) = (&bytes[..], State::new());
        while let Some((head, more)) = rest.split_first_chunk::<16>() {
            let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
            let (entry, behind) = more.split_at(number(8) as usize);
            restored.insert(number(0), entry.to_vec());
            rest = behind;
        }
        let mut ledger = self.0.lock().unwrap();
        ledger.state = restored;
        ledger.restored += 1;
        Ok(())
    }
}

pub(crate) fn n(number: usize) -> NodeId {
    NodeId::new(number as u64).unwrap()
}

/// Small enough that a few hundred entries are a long log.
pub(crate) const SMALL: SnapshotOptions = SnapshotOptions {
    every_entries: 200,
    every_bytes: u64::MAX,
    tail_entries: 0,
    chunk_bytes: 4 << 10,
    chunks_inflight_max: 4,
    resend_after: Duration::from_millis(100),
    bytes_max: 1 << 30,
};

pub(crate) struct Cluster {
    scratch: Scratch,
    pub(crate) listens: Vec<SocketAddr>,
    pub(crate) members: Membership,
    pub(crate) options: SnapshotOptions,
    pub(crate) dedup: DedupLimits,
    pub(crate) backend: LogBackend,
    replicas: Vec<Option<(Replica, Shared)>>,
}

impl Cluster {
    /// So many members, none of them open.
    pub(crate) fn closed(name: &str, count: usize) -> Self {
        let listens = own_places(count);
        let members = Membership::of((1..).map(n).zip(listens.iter().map(SocketAddr::to_string)));
        let (scratch, dedup) = (Scratch::new(name), DedupLimits::default());
        let replicas = (0..count).map(|_| None).collect();
        Self { scratch, listens, members, options: SMALL, dedup, backend: LogBackend::default(), replicas }
    }

    pub(crate) fn dir(&self, number: usize) -> PathBuf {
        self.scratch.path().join(format!("n{number}"))
    }

    pub(crate) fn config(&self, number: usize) -> ReplicaConfig {
        let mut raft = Config::new(n(number));
        // A machine under load must not look like one that is down.
        (raft.election_min, raft.election_max) = (Duration::from_millis(500), Duration::from_secs(1));
        raft.disk_stall_max = PATIENCE;
        raft.frame_bytes_max = 128 << 10;
        let log = FrameLogOptions { segment_bytes: 1 << 20, ..FrameLogOptions::default() };
        let (listen, members) = (self.listens[number - 1], self.members.clone());
        let usual = ReplicaConfig::new(n(number), self.dir(number), ClusterId([9; 16]), listen, members);
        ReplicaConfig {
            raft,
            log,
            log_backend: self.backend,
            snapshots: self.options,
            dedup: self.dedup,
            ..usual
        }
    }

    pub(crate) fn open(&mut self, number: usize) {
        self.open_with(number, State::new(), Index::ORIGIN);
    }

    /// Opens one whose host has `state` already, up to `applied`.
    pub(crate) fn open_with(&mut self, number: usize, state: State, applied: Index) {
        let ledger = Arc::new(Mutex::new(Ledger { state, ..Ledger::default() }));
        let config = ReplicaConfig { applied, ..self.config(number) };
        let replica = Replica::open(config, Box::new(Host(Arc::clone(&ledger)))).unwrap();
        self.replicas[number - 1] = Some((replica, ledger));
    }

    pub(crate) fn try_open(&self, number: usize) -> Result<Replica, ReplicaError> {
        Replica::open(self.config(number), Box::new(Host(Shared::default())))
    }

    pub(crate) fn close(&mut self, number: usize) {
        drop(self.replicas[number - 1].take());
    }

    pub(crate) fn replica(&self, number: usize) -> &Replica {
        &self.replicas[number - 1].as_ref().expect("it is open").0
    }

    pub(crate) fn ledger<T>(&self, number: usize, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.replicas[number - 1].as_ref().expect("it is open").1.lock().unwrap())
    }

    fn alive(&self) -> impl Iterator<Item = &Replica> {
        self.replicas.iter().flatten().map(|(replica, _)| replica)
    }

    /// Asks everyone until somebody takes it, as a client would: leaders come and go.
    pub(crate) fn append(&self, entries: &[(Option<Origin>, &[u8])]) -> Receipt {
        let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
        for (origin, bytes) in entries {
            let origin = origin.unwrap_or_default();
            builder.push(Entry { bytes, origin, ..Entry::default() }).unwrap();
        }
        self.append_batch(&builder.finish().unwrap())
    }

    pub(crate) fn append_batch(&self, batch: &Body) -> Receipt {
        // What a deposed leader took is answered by nobody where its log was cut for another one's snapshot.
        let is_named = batch.header().has_identities();
        let patience = if is_named { PATIENCE } else { PATIENCE / 6 };
        eventually("an answer of a leader", || {
            self.alive().find_map(|replica| match replica.append(batch.clone(), patience) {
                Err(ReplicaError::Timeout) if !is_named => None,
                outcome => unless_it_went(outcome),
            })
        })
    }

    /// Entries of a kibibyte, ten in a batch.
    pub(crate) fn fill(&self, count: usize) -> Index {
        let bytes = vec![7; 1024];
        let batch = vec![(None, &bytes[..]); 10];
        (0..count / 10).map(|_| self.append(&batch).id.index).max().unwrap()
    }

    /// Who leads the term in which it has just committed something.
    pub(crate) fn leader(&self) -> usize {
        eventually("a leader that stays", || {
            let term = self.append(&[(None, b"who leads?")]).id.term;
            let leads = |number: &usize| {
                let status = self.replicas[number - 1].as_ref().map(|(replica, _)| replica.status());
                status.is_some_and(|status| (status.role, status.term) == (Role::Leader, term))
            };
            (1..=self.replicas.len()).find(leads)
        })
    }

    /// The last term that those who are open know of. As long as it stays, nobody else leads.
    pub(crate) fn term(&self) -> Term {
        self.alive().map(|replica| replica.status().term).max().expect("somebody is open")
    }

    pub(crate) fn leads_in(&self, number: usize, term: Term) -> bool {
        let status = self.replica(number).status();
        (status.role, status.term) == (Role::Leader, term)
    }

    /// Waits until `is_so`.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..PATIENCE.as_millis() {
            if is_so(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let statuses: Vec<_> = self.alive().map(Replica::status).collect();
        panic!("{what}: {statuses:#?}");
    }

    /// Waits until the front of every log has gone, for a snapshot that is written beside it.
    pub(crate) fn wait_for_a_cut(&self) {
        self.wait("the front is cut", |cluster| {
            cluster.alive().all(|replica| replica.status().snapshot.index > Index::ORIGIN)
        });
    }

    /// Waits until a node has applied `index`, and returns what it has.
    pub(crate) fn state(&self, number: usize, index: Index) -> State {
        self.wait("applied", |cluster| cluster.replica(number).applied() >= index);
        self.ledger(number, |ledger| ledger.state.clone())
    }

    /// Names of the snapshots of a node, ascending.
    pub(crate) fn snapshots(&self, number: usize) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.dir(number).join("snapshots")) else { return Vec::new() };
        let paths = entries.flatten().map(|entry| entry.path());
        let mut paths: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|extension| extension == "snapshot")).collect();
        paths.sort();
        paths
    }

    /// First index of each file of a node's log, ascending.
    pub(crate) fn log_files(&self, number: usize) -> Vec<u64> {
        let entries = std::fs::read_dir(self.dir(number).join("log")).unwrap().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut firsts: Vec<u64> =
            names.filter_map(|name| name.strip_suffix(".frames")?.parse().ok()).collect();
        firsts.sort_unstable();
        firsts
    }
}
