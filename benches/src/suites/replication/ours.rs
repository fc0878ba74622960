//! Three replicas in one process, with a directory, sockets and threads of their own each, as a host opens them.

use super::Side;
use crate::AnyError;
use crate::scratch::Scratch;
use duochain::frame::Entry;
use duochain::node::replica::{Applied, Apply, Pending, Replica, ReplicaConfig, ReplicaError, SubmitOptions};
use duochain::raft::{Membership, Role};
use duochain::types::{ClusterId, Index, NodeId};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::TcpListener;
use std::time::Duration;

const CLUSTER: ClusterId = ClusterId(*b"duobench cluster");
const PATIENCE: Duration = Duration::from_secs(10);

/// Entries after which there is a snapshot, and entries before it that stay.
const SNAPSHOT_EVERY: u64 = 100_000;

/// A host that applies nothing, whose snapshots are as small.
struct Nothing;

impl Apply for Nothing {
    fn apply(&mut self, _: &Applied<'_>) {}

    fn snapshot(&mut self) -> Option<Box<dyn Read + Send>> {
        Some(Box::new(io::empty()))
    }
}

pub(super) struct Ours {
    leader: Replica,
    _followers: Vec<Replica>,
    submitted: u64,
    waiting: VecDeque<Pending>,
}

impl Ours {
    pub(super) fn start(scratch: &Scratch) -> Result<Self, AnyError> {
        let nodes: Vec<NodeId> = (1..4).filter_map(NodeId::new).collect();
        // Ports that were free a moment ago.
        let listeners: Vec<TcpListener> =
            nodes.iter().map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        let addresses: Vec<_> = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;
        drop(listeners);
        let members = nodes.iter().zip(&addresses).map(|(node, address)| (*node, address.to_string()));
        let members = Membership::of(members);
        let open = |(node, address): (&NodeId, &std::net::SocketAddr)| {
            let dir = scratch.path().join(format!("duochain-{node}"));
            let mut config = ReplicaConfig::new(*node, dir, CLUSTER, *address, members.clone());
            config.snapshots.every_entries = SNAPSHOT_EVERY;
            config.snapshots.tail_entries = SNAPSHOT_EVERY;
            Replica::open(config, Box::new(Nothing))
        };
        let mut replicas: Vec<Replica> =
            nodes.iter().zip(&addresses).map(open).collect::<Result<_, ReplicaError>>()?;
        // A leader's first entry.
        replicas[0].wait_committed(Index::ORIGIN, PATIENCE)?;
        let leads = |replica: &Replica| replica.status().role == Role::Leader;
        let leader = replicas.iter().position(leads).ok_or("no replica leads")?;
        let leader = replicas.swap_remove(leader);
        Ok(Self { leader, _followers: replicas, submitted: 0, waiting: VecDeque::new() })
    }

    /// How far everything is committed: places are in the order of one lane.
    fn committed(&self) -> u64 {
        self.submitted - self.waiting.len() as u64
    }
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
}
