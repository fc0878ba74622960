//! Clusters of replicas with real sockets and real files, for tests.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

#[path = "addresses.rs"]
mod addresses;
#[path = "mod.rs"]
mod support;

pub use addresses::own_places;

use duochain::frame::{Body, Entry, FrameBuilder, FrameLimits, Origin};
use duochain::node::replica::{
    self, Apply, Pending, Receipt, Replica, ReplicaConfig, ReplicaError, SubmitOptions, WaitFor,
};
use duochain::raft::{Config, Membership, Refusal, Role, Status};
use duochain::storage::frames::FrameLogOptions;
use duochain::types::{ClusterId, Index, LaneId, LogId, NodeId};
use std::sync::{Arc, Mutex};
use std::time::Duration;
pub use support::{PATIENCE, Scratch, eventually};

pub type Applied = Arc<Mutex<Vec<(Index, Vec<u8>)>>>;

pub struct Keep(pub Applied);

impl Apply for Keep {
    fn apply(&mut self, batch: &replica::Applied<'_>) {
        let entries = batch.entries().map(|(index, entry)| (index, entry.bytes.to_vec()));
        self.0.lock().unwrap().extend(entries);
    }
}

pub struct Cluster {
    pub scratch: Scratch,
    pub members: Membership,
    pub replicas: Vec<Option<(Replica, Applied)>>,
    /// What the nodes have instead of the usual settings.
    pub tune: fn(&mut ReplicaConfig),
}

pub fn n(number: usize) -> NodeId {
    NodeId::new(number as u64).unwrap()
}

impl Cluster {
    pub fn new(name: &str, count: usize) -> Self {
        Self::tuned(name, count, |_| {})
    }

    pub fn tuned(name: &str, count: usize, tune: fn(&mut ReplicaConfig)) -> Self {
        let places = own_places(count).into_iter().map(|place| place.to_string());
        let members = Membership::of((1..).map(n).zip(places));
        let scratch = Scratch::new(name);
        let mut cluster = Self { scratch, members, replicas: (0..count).map(|_| None).collect(), tune };
        (1..=count).for_each(|number| cluster.open(number));
        cluster
    }

    pub fn config(&self, number: usize) -> ReplicaConfig {
        let mut raft = Config::new(n(number));
        // A machine under load must not look like one that is down.
        (raft.election_min, raft.election_max) = (Duration::from_millis(500), Duration::from_secs(1));
        raft.disk_stall_max = PATIENCE;
        let dir = self.scratch.path().join(format!("n{number}"));
        let listen = self.members.addresses[&n(number)].parse().unwrap();
        let log = FrameLogOptions { segment_bytes: 16 << 20, ..FrameLogOptions::default() };
        let members = self.members.clone();
        let usual = ReplicaConfig::new(n(number), dir, ClusterId([9; 16]), listen, members);
        let mut config = ReplicaConfig { raft, log, ..usual };
        (self.tune)(&mut config);
        config
    }

    pub fn open(&mut self, number: usize) {
        let applied = Applied::default();
        let replica = Replica::open(self.config(number), Box::new(Keep(Arc::clone(&applied)))).unwrap();
        self.replicas[number - 1] = Some((replica, applied));
    }

    pub fn close(&mut self, number: usize) {
        drop(self.replicas[number - 1].take());
    }

    pub fn replica(&self, number: usize) -> &Replica {
        &self.replicas[number - 1].as_ref().expect("it is open").0
    }

    pub fn alive(&self) -> impl Iterator<Item = (usize, &Replica)> {
        let open =
            |(at, replica): (usize, &'_ Option<(Replica, Applied)>)| replica.is_some().then_some(at + 1);
        self.replicas.iter().enumerate().filter_map(open).map(|number| (number, self.replica(number)))
    }

    /// Asks everyone until somebody does it, as a client would: leaders come and go.
    pub fn ask<T>(&self, request: impl Fn(&Replica) -> Result<T, ReplicaError>) -> T {
        eventually("an answer of a leader", || {
            self.alive().find_map(|(_, replica)| unless_it_went(request(replica)))
        })
    }

    pub fn append(&self, text: &str) -> LogId {
        self.append_batch(&batch(text)).id
    }

    pub fn append_batch(&self, batch: &Body) -> Receipt {
        self.ask(|replica| replica.append(batch.clone(), PATIENCE))
    }

    /// Who leads the term in which it has just committed something.
    pub fn leader(&self) -> usize {
        eventually("a leader that stays", || {
            let term = self.append("who leads?").term;
            let leads = |status: Status| (status.role, status.term) == (Role::Leader, term);
            self.alive().find_map(|(number, replica)| leads(replica.status()).then_some(number))
        })
    }

    /// The same, with the replica itself.
    pub fn leading(&self) -> (usize, &Replica) {
        let number = self.leader();
        (number, self.replica(number))
    }

    /// Has `next` lead. The request, or a vote, gets lost where a connection is in the making, so it is repeated.
    pub fn hand_over(&self, next: usize) {
        until("leader by request", || {
            self.alive().for_each(|(_, replica)| drop(replica.transfer(Some(n(next)), PATIENCE)));
            self.replica(next).status().role == Role::Leader
        });
    }

    /// What a node has applied, once it is as far as `index`.
    pub fn applied(&self, number: usize, index: Index) -> Vec<(Index, Vec<u8>)> {
        for _ in 0..PATIENCE.as_millis() {
            if self.replica(number).applied() >= index {
                return self.replicas[number - 1].as_ref().unwrap().1.lock().unwrap().clone();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("{number} is at {:?}", self.replica(number).status());
    }
}

pub fn entry(text: &str) -> Entry<'_> {
    Entry { bytes: text.as_bytes(), ..Entry::default() }
}

/// Hands one entry over, to wait for it.
pub fn submit(replica: &Replica, text: &str, wait: WaitFor) -> Result<Pending, ReplicaError> {
    replica.submit(&[entry(text)], SubmitOptions { wait, ..SubmitOptions::default() })
}

pub fn batch(text: &str) -> Body {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    for word in text.split(' ') {
        builder.push(Entry { bytes: word.as_bytes(), ..Entry::default() }).unwrap();
    }
    builder.finish().unwrap()
}

/// A batch of a producer's session, from this number on.
pub fn numbered(text: &str, session: u64, sequence: u64) -> Body {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    for (at, word) in (0..).zip(text.split(' ')) {
        let origin = Origin { session, sequence: sequence + at };
        builder.push(Entry { bytes: word.as_bytes(), origin, id: None }).unwrap();
    }
    builder.finish().unwrap()
}

pub fn texts(applied: &[(Index, Vec<u8>)]) -> Vec<String> {
    applied.iter().map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap()).collect()
}

/// `None` where the leader that was asked leads no longer, or not yet, and nothing was done.
pub fn unless_it_went<T>(outcome: Result<T, ReplicaError>) -> Option<T> {
    match outcome {
        Ok(answer) => Some(answer),
        Err(error @ ReplicaError::Refused(Refusal::Invalid)) => panic!("{error}"),
        Err(
            ReplicaError::NotLeader(_)
            | ReplicaError::Busy
            | ReplicaError::Refused(_)
            | ReplicaError::Superseded,
        ) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Tries on a new cluster where `body` gives `None`: a machine stood still for so long that its leader went.
pub fn while_one_leads(body: impl Fn() -> Option<()>) {
    assert!((0..5).any(|_| body().is_some()), "no leader stayed until it was done");
}

/// Waits until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    eventually(what, || is_so().then_some(()));
}
