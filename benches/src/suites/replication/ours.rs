//! Replicas with a directory, sockets and threads of their own each, as a host opens them.

use super::Side;
use super::apart::Apart;
use crate::AnyError;
use crate::scratch::Scratch;
use duochain::env::{Clock, SystemClock};
use duochain::frame::Entry;
use duochain::node::replica::{Applied, Apply, Pending, Replica, ReplicaConfig, ReplicaError, SubmitOptions};
use duochain::raft::{Membership, Role};
use duochain::types::{ClusterId, Index, NodeId};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

const CLUSTER: ClusterId = ClusterId(*b"duobench cluster");
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at how far followers are.
const LOOK: Duration = Duration::from_millis(5);

/// Nodes, as most clusters have.
pub(super) const THREE: usize = 3;

/// Entries after which there is a snapshot, and entries before it that stay.
const SNAPSHOT_EVERY: u64 = 100_000;

/// A host that applies nothing, whose snapshots are as small.
pub(crate) struct Nothing;

impl Apply for Nothing {
    fn apply(&mut self, _: &Applied<'_>) {}

    fn snapshot(&mut self) -> Option<Box<dyn Read + Send>> {
        Some(Box::new(io::empty()))
    }

    /// Of a follower for which the log was too fast.
    fn restore(&mut self, state: &mut dyn Read) -> io::Result<()> {
        io::copy(state, &mut io::sink()).map(drop)
    }
}

/// Node `number`, counted from 1, of those at `addresses`.
pub(crate) fn config(number: usize, dir: PathBuf, addresses: &[String]) -> Result<ReplicaConfig, AnyError> {
    let node = |number: usize| NodeId::new(number as u64).ok_or("nodes count from 1");
    let members = (1..).zip(addresses).map(|(number, address)| Ok((node(number)?, address.clone())));
    let members = Membership::of(members.collect::<Result<Vec<_>, &str>>()?);
    let listen = addresses.get(number - 1).ok_or("a node without an address")?.parse()?;
    let mut config = ReplicaConfig::new(node(number)?, dir, CLUSTER, listen, members);
    config.snapshots.every_entries = SNAPSHOT_EVERY;
    config.snapshots.tail_entries = SNAPSHOT_EVERY;
    Ok(config)
}

pub(super) struct Ours {
    leader: Replica,
    _followers: Vec<Replica>,
    _apart: Option<Apart>,
    submitted: u64,
    waiting: VecDeque<Pending>,
}

impl Ours {
    /// All in this process.
    pub(super) fn start(scratch: &Scratch, nodes: usize) -> Result<Self, AnyError> {
        Self::led(scratch, nodes, &addresses(nodes)?)
    }

    /// The third is a process of its own, and each flush of its log takes `delay` longer. It follows when this returns.
    pub(super) fn with_one_apart(scratch: &Scratch, delay: Duration) -> Result<Self, AnyError> {
        let addresses = addresses(THREE)?;
        // It is there when one of the others leads.
        let mut ours = Self::led(scratch, 2, &addresses)?;
        ours._apart = Some(Apart::start(scratch, THREE, &addresses, delay)?);
        ours.settle()?;
        Ok(ours)
    }

    /// The first `count` of them, one of which leads.
    fn led(scratch: &Scratch, count: usize, addresses: &[String]) -> Result<Self, AnyError> {
        let mut replicas = Vec::new();
        for number in 1..=count {
            let dir = scratch.path().join(format!("duochain-{number}"));
            replicas.push(Replica::open(config(number, dir, addresses)?, Box::new(Nothing))?);
        }
        // A leader's first entry.
        replicas[0].wait_committed(Index::ORIGIN, PATIENCE)?;
        let leads = |replica: &Replica| replica.status().role == Role::Leader;
        let leader = replicas.iter().position(leads).ok_or("no replica leads")?;
        let leader = replicas.swap_remove(leader);
        Ok(Self { leader, _followers: replicas, _apart: None, submitted: 0, waiting: VecDeque::new() })
    }

    /// How far everything is committed: places are in the order of one lane.
    fn committed(&self) -> u64 {
        self.submitted - self.waiting.len() as u64
    }
}

/// As many bytes as the settings of a leader of three let it hold.
pub(super) fn held_max() -> Result<usize, AnyError> {
    let addresses = addresses(THREE)?;
    let ReplicaConfig { raft, net, batch, .. } = config(1, PathBuf::new(), &addresses)?;
    let peers = addresses.len() - 1;
    Ok(raft.window_bytes_max + raft.frame_bytes_max + batch.staged_bytes_max + peers * net.outbox_bytes_max)
}

/// Ports that were free a moment ago.
pub(crate) fn addresses(nodes: usize) -> Result<Vec<String>, AnyError> {
    let listeners: Vec<TcpListener> =
        (0..nodes).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let address = |listener: &TcpListener| listener.local_addr().map(|address| address.to_string());
    Ok(listeners.iter().map(address).collect::<Result<_, _>>()?)
}

impl Side for Ours {
    fn submit(&mut self, entries: &[&[u8]]) -> Result<u64, AnyError> {
        let entries: Vec<Entry<'_>> =
            entries.iter().map(|bytes| Entry { bytes, ..Entry::default() }).collect();
        loop {
            match self.leader.submit(&entries, SubmitOptions::default()) {
                Ok(pending) => {
                    self.waiting.push_back(pending);
                    self.submitted += 1;
                    return Ok(self.submitted);
                }
                Err(ReplicaError::Busy) => drop(self.wait(self.committed())?),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn wait(&mut self, after: u64) -> Result<u64, AnyError> {
        while let Some(oldest) = self.waiting.front() {
            if self.committed() <= after {
                oldest.wait(PATIENCE)?;
            } else {
                match oldest.try_wait() {
                    Some(outcome) => drop(outcome?),
                    None => break,
                }
            }
            self.waiting.pop_front();
        }
        Ok(self.committed())
    }

    fn settle(&mut self) -> Result<(), AnyError> {
        let clock = SystemClock::new();
        let begun = clock.now();
        loop {
            let status = self.leader.status();
            if status.peers.iter().all(|peer| peer.matched >= status.last.index) {
                return Ok(());
            }
            if clock.now().since(begun) > PATIENCE {
                return Err(format!("a follower is not there: {:?}", status.peers).into());
            }
            thread::sleep(LOOK);
        }
    }

    /// Of a leader that has a follower which may be behind; the others are not slowed down by being asked.
    fn held(&self) -> usize {
        if self._apart.is_none() {
            return 0;
        }
        let stats = self.leader.stats();
        let outboxes: usize = stats.peers.iter().map(|peer| peer.outbox_bytes).sum();
        stats.status.window_bytes + stats.staged_bytes + outboxes
    }
}
