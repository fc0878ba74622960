//! The example of docs/operations.md: how a host adds a node.
#![allow(unreachable_pub, reason = "it stands in the documentation as it is")]

use duochain::node::replica::{Replica, ReplicaError};
use duochain::raft::{Change, Role};
use duochain::types::NodeId;
use std::time::Duration;

pub fn add(leader: &Replica, node: NodeId, address: &str) -> Result<(), ReplicaError> {
    let (patience, pause) = (Duration::from_secs(30), Duration::from_millis(100));
    let members = leader.members();
    if members.is_voter(node) && !members.is_joint() {
        return Ok(());
    }
    // Whoever led before may have added it.
    if !members.addresses.contains_key(&node) {
        let add = [(node, address.to_owned())].into();
        leader.change(Change { add, ..Change::default() }, patience)?;
    }
    for _ in 0..600 {
        if lag(leader, node)? < 1_000 {
            let promote = [node].into();
            return leader.change(Change { promote, ..Change::default() }, patience).map(drop);
        }
        std::thread::sleep(pause);
    }
    // It is a learner now; look why it does not follow.
    Err(ReplicaError::Timeout)
}

fn lag(leader: &Replica, node: NodeId) -> Result<u64, ReplicaError> {
    let status = leader.status();
    if status.role != Role::Leader {
        // Whoever leads now goes on with this, and promotes.
        return Err(ReplicaError::NotLeader(None));
    }
    let known = status.peers.iter().find(|peer| peer.node == node);
    Ok(known.map_or(u64::MAX, |peer| status.last.index.get() - peer.matched.get()))
}
