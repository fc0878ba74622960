//! What a host asks a replica for: frames by position, and who is in.

use super::{Replica, ReplicaError};
use crate::frame::Frame;
use crate::raft::{Change, Membership};
use crate::storage;
use crate::types::{Index, LogId, NodeId};
use std::time::Duration;

impl Replica {
    /// Committed frames in order, from the one that holds `from` on: as many as fit into `bytes_max`, at
    /// least one. Empty when `from` is not committed here yet, or before [`Self::first`]. Frames of the cluster
    /// itself are among them. A closed replica shows what it had, but for a log in RocksDB, which is given back.
    ///
    /// # Errors
    /// `Storage`; `Closed` in the child of a fork; `Closed` and `Failed` of a log in RocksDB.
    pub fn read(&self, from: Index, bytes_max: usize) -> Result<Vec<Frame>, ReplicaError> {
        if self.shared.is_of_parent() {
            return Err(ReplicaError::Closed);
        }
        let committed = self.shared.core.lock().committed;
        if from > committed {
            return Ok(Vec::new());
        }
        let outcome = self.shared.reader.0.read(from, bytes_max);
        if matches!(outcome, Err(storage::Error::Closed)) {
            self.shared.check_open()?;
        }
        let mut frames = outcome?;
        let known = frames.iter().take_while(|frame| frame.last().index <= committed).count();
        frames.truncate(known);
        Ok(frames)
    }

    /// The oldest entry that this node still has.
    pub fn first(&self) -> Index {
        self.shared.reader.0.first()
    }

    /// The last entry that the host's state in this node's newest snapshot stands for; the origin where there is none.
    pub fn snapshot_index(&self) -> Index {
        self.shared.snapshots.position()
    }

    /// This node.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Who is in the cluster, as far as this node's log says.
    pub fn members(&self) -> Membership {
        self.shared.core.lock().membership().clone()
    }

    /// Changes who is in the cluster; returns once the change is committed, of voters once the joint membership
    /// (Raft §6) is over and the new one is committed. A new node is opened, added as a learner, and promoted when it
    /// has the log. Answers where the change stands in the log.
    ///
    /// # Errors
    /// `NotLeader`, `Refused` (`Changing`: another one is under way; `NotReady`: ask again; `Invalid`): nothing was
    /// done. `Superseded`; `Timeout`, `Closed`, `Failed`: nobody knows.
    pub fn change(&self, change: Change, timeout: Duration) -> Result<LogId, ReplicaError> {
        self.ask_change(change)?.wait(timeout)
    }
}
