//! Clusters of hosts that are polled and give snapshots, with real sockets and files.

use crate::replicas::{PATIENCE, Scratch, eventually, own_places, unless_it_went};
use duochain::frame::Origin;
use duochain::node::replica::{
    PolledReplica, PolledState, Receipt, ReplicaConfig, ReplicaError, SnapshotOptions, SubmitOptions,
};
use duochain::raft::{Config, Membership};
use duochain::storage::frames::FrameLogOptions;
use duochain::types::{ClusterId, Index, NodeId};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Entries by index: all that were ever shown, so that two hosts are equal only if they were shown the same.
pub(crate) type State = BTreeMap<u64, Vec<u8>>;

pub(crate) fn encode(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, entry) in state {
        bytes.extend_from_slice(&index.to_le_bytes());
        bytes.extend_from_slice(&(entry.len() as u64).to_le_bytes());
        bytes.extend_from_slice(entry);
    }
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> State {
    let (mut rest, mut state) = (bytes, State::new());
    while let Some((head, more)) = rest.split_first_chunk::<16>() {
        let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
        let (entry, behind) = more.split_at(number(8) as usize);
        state.insert(number(0), entry.to_vec());
        rest = behind;
    }
    state
}

/// All of a state, in pieces that fit nothing.
pub(crate) fn read_whole(opened: &mut PolledState) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 1_013];
    loop {
        let count = opened.read_at(bytes.len() as u64, &mut piece).unwrap();
        if count == 0 {
            assert_eq!(bytes.len() as u64, opened.bytes());
            return bytes;
        }
        bytes.extend_from_slice(&piece[..count]);
    }
}

/// A host, and what happened to it.
pub(crate) struct Host {
    pub(crate) replica: PolledReplica,
    pub(crate) state: State,
    /// The last entry that it dealt with.
    pub(crate) done: Index,
    /// Snapshots that it took.
    pub(crate) taken: u32,
}

impl Host {
    pub(crate) fn new(config: ReplicaConfig) -> Self {
        let replica = PolledReplica::open(config).unwrap();
        Self { replica, state: State::new(), done: Index::ORIGIN, taken: 0 }
    }

    /// Deals with what comes, until it is at `upto` or behind it.
    pub(crate) fn follow(&mut self, upto: Index) {
        while self.done < upto {
            self.step(usize::MAX);
        }
    }

    /// Deals with a few entries, or takes the snapshot that stands for them.
    pub(crate) fn step(&mut self, entries_max: usize) {
        match self.replica.poll(self.done.next(), 64 << 10, PATIENCE) {
            Ok(batch) => {
                for committed in batch.entries().take(entries_max) {
                    assert!(committed.index > self.done, "each once, and in order");
                    self.done = committed.index;
                    self.state.insert(self.done.get(), committed.entry.bytes.to_vec());
                }
            }
            Err(ReplicaError::Gone(_)) => {
                let mut opened = self.replica.open_snapshot().unwrap().expect("it has what has gone");
                assert!(opened.index() > self.done, "{} is no news", opened.index());
                self.state = decode(&read_whole(&mut opened));
                self.done = opened.index();
                self.taken += 1;
            }
            Err(error) => panic!("behind {}: {error}, {:?}", self.done, self.replica.status()),
        }
    }

    /// Gives its state; returns what the newest snapshot is of then.
    pub(crate) fn give(&self) -> Index {
        let state = Box::new(Cursor::new(encode(&self.state)));
        self.replica.give_snapshot(self.done, state).unwrap().wait(PATIENCE).unwrap()
    }
}

pub(crate) fn n(number: usize) -> NodeId {
    NodeId::new(number as u64).unwrap()
}

/// Small enough that a few hundred entries are a long log.
pub(crate) const SMALL: SnapshotOptions = SnapshotOptions {
    every_entries: 10_000_000,
    every_bytes: 1 << 40,
    tail_entries: 0,
    chunk_bytes: 4 << 10,
    chunks_inflight_max: 4,
    resend_after: Duration::from_millis(100),
    bytes_max: 1 << 30,
};

pub(crate) struct Cluster {
    scratch: Scratch,
    members: Membership,
    hosts: Vec<Option<Host>>,
}

impl Cluster {
    /// So many members, none of them open.
    pub(crate) fn closed(name: &str, count: usize) -> Self {
        let members = Membership::of((1..).map(n).zip(own_places(count).iter().map(SocketAddr::to_string)));
        Self { scratch: Scratch::new(name), members, hosts: (0..count).map(|_| None).collect() }
    }

    pub(crate) fn open_all(name: &str, count: usize) -> Self {
        let mut cluster = Self::closed(name, count);
        (1..=count).for_each(|number| cluster.open(number));
        cluster
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
        let listen = self.members.addresses[&n(number)].parse().unwrap();
        let members = self.members.clone();
        let usual = ReplicaConfig::new(n(number), self.dir(number), ClusterId([9; 16]), listen, members);
        ReplicaConfig { raft, log, snapshots: SMALL, ..usual }
    }

    /// Opens one whose host has nothing.
    pub(crate) fn open(&mut self, number: usize) {
        self.hosts[number - 1] = Some(Host::new(self.config(number)));
    }

    pub(crate) fn close(&mut self, number: usize) {
        drop(self.hosts[number - 1].take());
    }

    /// Opens one again whose host has kept its own state.
    pub(crate) fn reopen(&mut self, number: usize) {
        let Host { state, done, .. } = self.hosts[number - 1].take().expect("it is open");
        self.hosts[number - 1] = Some(Host { state, done, ..Host::new(self.config(number)) });
    }

    pub(crate) fn host(&mut self, number: usize) -> &mut Host {
        self.hosts[number - 1].as_mut().expect("it is open")
    }

    fn alive(&self) -> impl Iterator<Item = &PolledReplica> {
        self.hosts.iter().flatten().map(|host| &host.replica)
    }

    /// Asks everyone until somebody takes it, as a client would: leaders come and go.
    pub(crate) fn append(&self, items: &[&[u8]], first: Origin) -> Receipt {
        // What a deposed leader took is answered by nobody where its log was cut for another one's snapshot.
        let is_named = first.session != 0;
        let patience = if is_named { PATIENCE } else { PATIENCE / 6 };
        eventually("an answer of a leader", || {
            self.alive().find_map(|replica| {
                let pending = replica.submit_all(items, first, SubmitOptions::default());
                match pending.and_then(|pending| pending.wait(patience)) {
                    Err(ReplicaError::Timeout) if !is_named => None,
                    outcome => unless_it_went(outcome),
                }
            })
        })
    }

    /// Index of the last one of entries that nobody numbers.
    pub(crate) fn put(&self, items: &[&[u8]]) -> Index {
        self.append(items, Origin::default()).id.index
    }

    /// Entries of a kibibyte, ten in a batch.
    pub(crate) fn fill(&self, count: usize) -> Index {
        let bytes = vec![7; 1024];
        let batch = [&bytes[..]; 10];
        (0..count / 10).map(|_| self.put(&batch)).max().unwrap()
    }

    /// Has these hosts read all that is there and give their states, so often that the log before it goes.
    pub(crate) fn cut(&mut self, numbers: &[usize]) {
        let reached = |host: &mut Host| host.replica.status().snapshot.index;
        let before: Vec<Index> = numbers.iter().map(|number| reached(self.host(*number))).collect();
        for _ in 0..2 {
            let last = self.fill(10);
            for number in numbers {
                self.host(*number).follow(last);
                assert_eq!(self.host(*number).give(), self.host(*number).done);
            }
        }
        for (number, before) in numbers.iter().zip(before) {
            eventually("its front is cut", || (reached(self.host(*number)) > before).then_some(()));
        }
    }

    /// The same state everywhere, with an entry that shows it.
    pub(crate) fn assert_equal_states(&mut self, numbers: &[usize]) {
        let last = self.put(&[b"end"]);
        numbers.iter().for_each(|number| self.host(*number).follow(last));
        let first = self.host(numbers[0]).state.clone();
        for number in &numbers[1..] {
            assert!(self.host(*number).state == first, "node {number} has another state");
        }
    }

    /// Names of the snapshots of a node, ascending.
    pub(crate) fn snapshots(&self, number: usize) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir(number).join("snapshots")).unwrap().flatten();
        let paths = entries.map(|entry| entry.path());
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
