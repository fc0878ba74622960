//! A replica's figures: throughput, rates of success and of repetition, lag, latencies, queues.
//!
//! # Model
//! ```text
//! core's effects -- Meters, under its lock --.
//! writer's syncs -- Histogram, atomics -------+--> ReplicaStats --> JSON, Prometheus
//! Status, NetStats, PeerNet, applied --------'
//! ```
//! Counters begin at 0 and only grow while the replica is open; rates are the reader's division. Positions in the
//! log are gauges: opening begins with what is known then. A figure that is about frames
//! this node led says so: it stands still on followers.
//!
//! # Limits
//! Text: below 6 KiB of JSON and 16 KiB of Prometheus, and 1 KiB and 3 KiB more for each other member.
//!
//! # Source
//! docs/operations.md lists every metric with its unit, and what to watch.

mod histogram;
mod meters;
mod text;

use histogram::Histogram;
pub use histogram::{STEPS_US, Spans};
pub use meters::Counts;
pub(super) use meters::Meters;

/// The examples of the documentation, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/operations.md")]
struct Examples;

use super::Replica;
use crate::net::{NetStats, PeerNet};
use crate::raft::Status;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::types::{Index, NodeId};
use std::time::Duration;

/// A replica's figures at one moment; each is right, together they are not one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicaStats {
    /// This node.
    pub node: NodeId,
    /// Role, term, leader, positions, and what a leader knows of each follower.
    pub status: Status,
    /// Everything up to here is applied.
    pub applied: Index,
    /// The oldest entry that it still has.
    pub first: Index,
    /// The last entry that the host's state in its newest snapshot stands for; the origin where there is none.
    pub snapshot: Index,
    /// Where its log ended when it was opened: what is counted of commits and applies begins behind it.
    pub opened_at: Index,
    /// What was counted since it was opened.
    pub counts: Counts,
    /// From a place in the log to the commit, of frames that this node led.
    pub commit: Spans,
    /// Of writing and syncing what waited, votes included.
    pub sync: Spans,
    /// Bytes of frames that were written to the log.
    pub written_bytes: u64,
    /// Writes that wait for the disk.
    pub writes_waiting: usize,
    /// Bytes of entries that were submitted and are in no frame yet.
    pub staged_bytes: usize,
    /// The transport.
    pub net: NetStats,
    /// The way to each peer.
    pub peers: Vec<PeerNet>,
}

impl Replica {
    /// Its figures. Takes the core's lock for a moment; once a second is nothing.
    pub fn stats(&self) -> ReplicaStats {
        let (status, counts, commit, writes_waiting) = self.shared.figures();
        let disk = &self.shared.disk;
        ReplicaStats {
            node: self.node,
            status,
            applied: self.applied(),
            first: self.first(),
            snapshot: self.snapshot_index(),
            opened_at: self.shared.opened_at,
            counts,
            commit,
            sync: disk.sync.spans(),
            written_bytes: disk.written(),
            writes_waiting,
            staged_bytes: self.staged_bytes(),
            net: self.net_stats(),
            peers: self.net_peers(),
        }
    }
}

impl Meters {
    pub(super) fn figures(&self) -> (Counts, Spans) {
        (self.counts, self.commit.spans())
    }
}

/// What the writer measures. Statistics: orders nothing.
#[derive(Debug, Default)]
pub(super) struct Disk {
    sync: Histogram,
    written_bytes: AtomicU64,
}

impl Disk {
    /// So many bytes of frames, and what else waited, are durable after this time.
    pub(super) fn wrote(&self, bytes: u64, span: Duration) {
        self.written_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.sync.add(span);
    }

    fn written(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }
}
