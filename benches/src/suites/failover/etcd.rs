//! Three processes of etcd, and clients of its HTTP gateway in this process.

use super::Cluster;
use super::node::{CLIENTS, ENTRIES, ENTRY_BYTES, PAUSE};
use crate::AnyError;
use crate::suites::etcd::{LOOK, Members, PATIENCE, post, status};
use duochain::env::{Clock, SystemClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

/// After which a client asks again: a follower passes a write on to a leader that is dead, and says so after 5 s only.
const ANSWER: Duration = Duration::from_millis(50);

pub(super) struct Etcd {
    members: Members,
    /// Whom the clients write to.
    leader: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    clock: SystemClock,
}

impl Etcd {
    /// Heartbeat and election timeout in milliseconds.
    pub(super) fn start(heartbeat: u64, election: u64) -> Result<Self, AnyError> {
        let members = Members::start("failover", heartbeat, election)?;
        let cluster =
            Self { members, leader: Arc::default(), is_over: Arc::default(), clock: SystemClock::new() };
        cluster.find_leader()?;
        for _ in 0..CLIENTS {
            let ports: Vec<u16> = Members::nodes().map(|node| cluster.members.port(node)).collect();
            let (leader, is_over) = (Arc::clone(&cluster.leader), Arc::clone(&cluster.is_over));
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = put(ports[leader.load(Ordering::Relaxed)], PATIENCE);
                    thread::sleep(PAUSE);
                }
            });
        }
        Ok(cluster)
    }

    /// Waits until somebody says that it leads, and has the clients write to that one.
    fn find_leader(&self) -> Result<usize, AnyError> {
        let leader = self.members.find_leader()?;
        self.leader.store(leader, Ordering::Relaxed);
        Ok(leader)
    }
}

impl Cluster for Etcd {
    fn kill_leader(&mut self) -> Result<f64, AnyError> {
        let dead = self.find_leader()?;
        let begun = self.clock.now();
        self.members.kill(dead)?;
        let (acknowledged, first) = sync_channel(Members::nodes().len());
        for (_, port) in self.members.up() {
            let (acknowledged, clock, is_over) =
                (acknowledged.clone(), self.clock, Arc::clone(&self.is_over));
            thread::spawn(move || {
                while put(port, ANSWER).is_err() && !is_over.load(Ordering::Relaxed) {
                    thread::sleep(LOOK);
                }
                let _ = acknowledged.send(clock.now());
            });
        }
        let at = first.recv_timeout(PATIENCE).map_err(|_| "nobody takes a write any more")?;
        self.find_leader()?;
        Ok(at.since(begun).as_secs_f64() * 1e3)
    }

    fn restart(&mut self) -> Result<(), AnyError> {
        let begun = self.clock.now();
        let leader = self.members.port(self.find_leader()?);
        let up: Vec<usize> = self.members.up().map(|(node, _)| node).collect();
        for node in Members::nodes().filter(|node| !up.contains(node)) {
            self.members.spawn(node)?;
            let target = status(leader)?.applied;
            let port = self.members.port(node);
            while !status(port).is_ok_and(|status| status.applied >= target) {
                if self.clock.now().since(begun) > PATIENCE {
                    return Err("a node that was started again does not catch up".into());
                }
                thread::sleep(LOOK);
            }
        }
        Ok(())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Writes as many bytes as a client of ours does at once.
fn put(port: u16, patience: Duration) -> Result<(), AnyError> {
    // Base64, of a key and of zeros.
    let value = "A".repeat(ENTRIES * ENTRY_BYTES * 4 / 3 / 4 * 4);
    post(port, "/v3/kv/put", &format!(r#"{{"key":"a2V5","value":"{value}"}}"#), patience).map(drop)
}
