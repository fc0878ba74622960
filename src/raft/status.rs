//! What a node looks like from outside, for people and metrics.

use super::progress::Stage;
use super::{Membership, Raft, Role, State};
use crate::types::{Index, LogId, NodeId, Term, Tick};
use std::sync::Arc;
use std::time::Duration;

/// A node at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// What it is.
    pub role: Role,
    /// Its term.
    pub term: Term,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// The last entry that its log has forgotten.
    pub snapshot: LogId,
    /// The end of its log.
    pub last: LogId,
    /// Everything up to here is durable.
    pub durable: Index,
    /// Everything up to here is committed.
    pub commit: Index,
    /// Bytes that wait to be committed; of a leader.
    pub uncommitted_bytes: usize,
    /// Bytes of frames in memory.
    pub window_bytes: usize,
    /// What a leader knows of each other member, in their order.
    pub peers: Vec<PeerStatus>,
}

/// What a leader knows of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerStatus {
    /// Which.
    pub node: NodeId,
    /// Everything up to here is durable there.
    pub matched: Index,
    /// What is sent next.
    pub next: Index,
    /// Bytes on their way.
    pub inflight_bytes: usize,
    /// Time since it answered.
    pub silent: Duration,
    /// It takes a snapshot.
    pub is_in_snapshot: bool,
}

impl Raft {
    /// As [`Raft::membership`], to be kept. One that came by another entry of the log is another one, be it equal.
    pub fn shared_membership(&self) -> &Arc<Membership> {
        self.log.membership()
    }

    /// A change of members is under way: the next one has to wait.
    pub fn is_changing(&self) -> bool {
        self.log.membership().is_joint() || self.log.membership_index() > self.commit
    }

    /// Everything up to here is durable on every voter, those that leave included, as far as this leader knows; `None`
    /// for any other node.
    pub fn held_by_all(&self) -> Option<Index> {
        let State::Leader(leader) = &self.state else { return None };
        let matched = |node: &NodeId| match leader.peers.get(node) {
            _ if *node == self.settings.id => self.log.durable(),
            Some(peer) => peer.matched,
            None => Index::ORIGIN,
        };
        let membership = self.log.membership();
        membership.voters.iter().chain(&membership.outgoing).map(matched).min()
    }

    /// This node at `now`.
    pub fn status(&self, now: Tick) -> Status {
        let leader = match &self.state {
            State::Leader(leader) => Some(leader),
            _ => None,
        };
        let peers = leader.iter().flat_map(|leader| &leader.peers).map(|(node, peer)| PeerStatus {
            node: *node,
            matched: peer.matched,
            next: peer.next,
            inflight_bytes: peer.inflights.bytes(),
            silent: now.since(peer.heard),
            is_in_snapshot: peer.stage == Stage::Snapshot,
        });
        Status {
            role: self.role(),
            term: self.term(),
            leader: self.leader,
            snapshot: self.log.snapshot(),
            last: self.log.last(),
            durable: self.log.durable(),
            commit: self.commit,
            uncommitted_bytes: leader.map_or(0, |leader| leader.uncommitted_bytes()),
            window_bytes: self.log.window_bytes(),
            peers: peers.collect(),
        }
    }
}
