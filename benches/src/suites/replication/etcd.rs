//! etcd as a replicated log: a put for a batch of one, a transaction of puts for a larger one, by its own interface.

use super::Side;
use crate::AnyError;
use crate::suites::etcd::{Connection, Members, put, transaction};
use std::collections::VecDeque;

/// Calls go over these in turn, so that it need not read them from one.
const CONNECTIONS: usize = 4;
/// As it is by default, in milliseconds.
const HEARTBEAT: u64 = 100;
const ELECTION: u64 = 1_000;

pub(super) struct Etcd {
    connections: Vec<Connection>,
    /// Connection and number of what is under way.
    calls: VecDeque<(usize, u32)>,
    submitted: u64,
    keys: u64,
    _members: Members,
}

impl Etcd {
    pub(super) fn start() -> Result<Self, AnyError> {
        let members = Members::start("replication", HEARTBEAT, ELECTION)?;
        let port = members.port(members.find_leader()?);
        let connections = (0..CONNECTIONS).map(|_| Connection::open(port)).collect::<Result<_, _>>()?;
        Ok(Self { connections, calls: VecDeque::new(), submitted: 0, keys: 0, _members: members })
    }

    fn committed(&self) -> u64 {
        self.submitted - self.calls.len() as u64
    }
}

impl Side for Etcd {
    fn submit(&mut self, entries: &[&[u8]]) -> Result<u64, AnyError> {
        let keys: Vec<[u8; 8]> = (self.keys..).take(entries.len()).map(u64::to_be_bytes).collect();
        self.keys += entries.len() as u64;
        let (path, message) = match entries {
            [entry] => put(&keys[0], entry),
            _ => transaction(keys.iter().map(|key| &key[..]).zip(entries.iter().copied())),
        };
        let at = self.submitted as usize % CONNECTIONS;
        self.calls.push_back((at, self.connections[at].call(path, &message)?));
        self.submitted += 1;
        Ok(self.submitted)
    }

    /// It commits in order.
    fn wait(&mut self, after: u64) -> Result<u64, AnyError> {
        while let Some((at, number)) = self.calls.front().copied() {
            let connection = &mut self.connections[at];
            if self.submitted - self.calls.len() as u64 <= after {
                connection.wait(number)?;
            } else if connection.is_under_way(number) {
                break;
            }
            self.calls.pop_front();
        }
        Ok(self.committed())
    }
}
