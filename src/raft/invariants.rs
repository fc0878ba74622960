//! Safety predicates. Pure; used by the steps, and checked as a whole after each of them in tests.
//!
//! "Whether": may this happen?  [`safe_to_vote`], [`safe_to_commit`], [`safe_to_cut`]
//! "What": is this state sound? [`check`]

use super::{Raft, State, Vote};
use crate::types::{Index, LogId, NodeId, Term};

/// Raft §5.2, §5.4.1: one vote in a term, and only for a log that is at least as up to date.
pub fn safe_to_vote(vote: Vote, candidate: NodeId, candidates_last: LogId, last: LogId) -> bool {
    vote.candidate.is_none_or(|voted| voted == candidate) && candidates_last >= last
}

/// Raft §5.4.2: only entries of the leader's own term commit by counting.
pub fn safe_to_commit(entry: Term, leader: Term) -> bool {
    entry == leader
}

/// Leader completeness (Raft §5.4): no leader's log lacks a committed entry, so none asks to drop one.
pub fn safe_to_cut(keep_to: Index, commit: Index) -> bool {
    keep_to >= commit
}

/// A broken invariant: its number in the head of the module, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub &'static str);

/// What holds after each step.
pub(super) fn check(raft: &Raft) -> Result<(), Violation> {
    let log = &raft.log;
    let own = raft.settings.id;
    let rules = [
        (log.last().term > raft.vote.term, "no entry is of a later term than the node (I4)"),
        (raft.commit > log.last().index, "what is committed is in the log (I5)"),
        (raft.commit < log.snapshot().index, "what is in a snapshot is committed (I5)"),
        (
            raft.told > raft.commit || raft.told > log.durable(),
            "what is applied is committed and durable (I5)",
        ),
        (raft.is_leader() != (raft.leader == Some(own)), "a leader knows that it leads (I6)"),
        (raft.is_leader() && raft.vote.candidate != Some(own), "a leader voted for itself (I6)"),
        (raft.is_leader() && raft.installing.is_some(), "no leader takes a snapshot (I6)"),
        (raft.writes.held() > super::writes::HELD_MAX, "messages that wait are bounded"),
    ];
    let broken = rules.into_iter().find(|(broken, _)| *broken).map(|(_, rule)| rule);
    match broken.or_else(|| log.fault()).or_else(|| check_leader(raft)) {
        Some(rule) => Err(Violation(rule)),
        None => Ok(()),
    }
}

fn check_leader(raft: &Raft) -> Option<&'static str> {
    let State::Leader(leader) = &raft.state else { return None };
    let (last, settings) = (raft.log.last().index, &raft.settings);
    // A single append may be larger than its bound, so that any frame can travel.
    let is_forgotten = leader.first <= raft.log.snapshot().index;
    let first = if is_forgotten { Some(raft.vote.term) } else { raft.log.term_at(leader.first) };
    let bytes_max = settings.inflight_bytes_max + settings.append_bytes_max.max(settings.frame_bytes_max);
    let rules = [
        (first != Some(raft.vote.term), "a leader's first entry is of its term (I6)"),
        (leader.uncommitted_bytes() > settings.uncommitted_bytes_max + bytes_max, "uncommitted is bounded"),
        (leader.reads.len() > settings.reads_max, "reads are bounded"),
    ];
    let of_peers = leader.peers.values().find_map(|peer| {
        let is_bounded =
            peer.inflights.bytes() <= bytes_max && peer.matched <= last && peer.next <= last.next();
        peer.fault().or((!is_bounded).then_some("what is on its way is bounded and in the log (P2)"))
    });
    rules.into_iter().find(|(broken, _)| *broken).map(|(_, rule)| rule).or(of_peers)
}
