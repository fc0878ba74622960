//! What is counted while effects are carried out, under the core's lock.

use super::histogram::Histogram;
use crate::raft::{Effect, Message, Refusal, Role};
use crate::types::Tick;
use crate::types::{Index, LogId, NodeId, Term};
use std::collections::{BTreeMap, VecDeque};

/// Counts of one replica since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Frames that got a place in the log on this node, as leader.
    pub accepted: u64,
    /// Those of them that were committed.
    pub acknowledged: u64,
    /// Those of them in whose place something else was committed, or whose fate this node cannot know any more.
    pub superseded: u64,
    /// Requests refused because another node leads.
    pub not_leader: u64,
    /// Requests refused because too much waits.
    pub busy: u64,
    /// Requests refused for another reason.
    pub refused: u64,
    /// Frames sent to followers.
    pub frames_sent: u64,
    /// Those of them that had been sent to the same follower before: lost, or their answers were.
    pub frames_again: u64,
    /// Times this node asked whether it would be elected.
    pub pre_elections: u64,
    /// Times it asked for votes.
    pub elections: u64,
    /// Times it was elected.
    pub terms_led: u64,
    /// Times it learnt of another leader, or of none.
    pub leader_changes: u64,
    /// Peers that broke the protocol, by message.
    pub faults: u64,
}

/// Counts, and what they are made from.
#[derive(Debug, Default)]
pub(in crate::node::replica) struct Meters {
    pub(super) counts: Counts,
    /// From a place in the log to the commit.
    pub(super) commit: Histogram,
    /// Frames that this node gave a place: where each ends, and when it got it. As many as are uncommitted.
    open: VecDeque<(LogId, Tick)>,
    /// The last entry that was sent to each follower in this term.
    sent_to: BTreeMap<NodeId, Index>,
    leader: Option<NodeId>,
}

impl Meters {
    /// `term_at`: of an entry in this node's log.
    pub(in crate::node::replica) fn note(
        &mut self,
        effect: &Effect,
        now: impl FnOnce() -> Tick,
        term_at: impl Fn(Index) -> Option<Term>,
    ) {
        match effect {
            Effect::Send { to, message: Message::Append { frames, .. } } => {
                let sent_to = self.sent_to.entry(*to).or_default();
                self.counts.frames_sent += frames.len() as u64;
                let again = frames.iter().filter(|frame| frame.last().index <= *sent_to).count();
                self.counts.frames_again += again as u64;
                *sent_to = frames.last().map_or(*sent_to, |frame| frame.last().index.max(*sent_to));
            }
            Effect::Accepted { id, .. } => {
                // Cut out of this log by another leader, before this node led again.
                while self.open.back().is_some_and(|(open, _)| open.index >= id.index) {
                    self.open.pop_back();
                    self.counts.superseded += 1;
                }
                self.counts.accepted += 1;
                self.open.push_back((*id, now()));
            }
            Effect::Commit(upto) => self.committed(upto.index, now(), term_at),
            Effect::Refused { why, .. } => {
                let count = match why {
                    Refusal::NotLeader(_) => &mut self.counts.not_leader,
                    Refusal::Busy => &mut self.counts.busy,
                    _ => &mut self.counts.refused,
                };
                *count += 1;
            }
            Effect::Became { role, leader, .. } => self.became(*role, *leader),
            Effect::Report { .. } => self.counts.faults += 1,
            _ => {}
        }
    }

    fn committed(&mut self, upto: Index, now: Tick, term_at: impl Fn(Index) -> Option<Term>) {
        while let Some((id, since)) = self.open.front().copied().filter(|(id, _)| id.index <= upto) {
            self.open.pop_front();
            if term_at(id.index) == Some(id.term) {
                self.counts.acknowledged += 1;
                self.commit.add(now.since(since));
            } else {
                self.counts.superseded += 1;
            }
        }
    }

    fn became(&mut self, role: Role, leader: Option<NodeId>) {
        let count = match role {
            Role::PreCandidate => Some(&mut self.counts.pre_elections),
            Role::Candidate => Some(&mut self.counts.elections),
            Role::Leader => Some(&mut self.counts.terms_led),
            Role::Follower => None,
        };
        if let Some(count) = count {
            *count += 1;
        }
        if self.leader != leader {
            self.leader = leader;
            self.counts.leader_changes += 1;
        }
        // What another leader leaves of them is known when it commits there; sending begins anew.
        self.sent_to.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::Ticket;
    use std::time::Duration;

    fn id(term: u64, index: u64) -> LogId {
        LogId::new(Term::new(term), Index::new(index))
    }

    fn at(micros: u64) -> Tick {
        Tick::ZERO.after(Duration::from_micros(micros))
    }

    #[test]
    fn a_frame_is_acknowledged_when_its_own_term_is_committed_there_and_superseded_otherwise() {
        let mut meters = Meters::default();
        for index in [3, 6, 9] {
            let effect = Effect::Accepted { ticket: Ticket(index), id: id(2, index) };
            meters.note(&effect, || at(0), |_| None);
        }
        let term_at = |index: Index| Some(Term::new(if index <= Index::new(3) { 2 } else { 4 }));
        meters.note(&Effect::Commit(id(4, 7)), || at(80), term_at);
        assert_eq!((meters.counts.accepted, meters.counts.acknowledged, meters.counts.superseded), (3, 1, 1));
        assert_eq!(meters.commit.spans().at_most(1_000), Some(Duration::from_micros(100)));
        assert_eq!(meters.open.len(), 1, "nobody knows yet");
        // This node leads again, over a log in which the last one is no more.
        meters.note(&Effect::Accepted { ticket: Ticket(9), id: id(6, 8) }, || at(100), |_| None);
        assert_eq!((meters.counts.superseded, meters.open.len()), (2, 1));
    }

    #[test]
    fn roles_and_leaders_are_counted_as_they_change() {
        let mut meters = Meters::default();
        let me = NodeId::new(1);
        for (role, leader) in [
            (Role::Follower, NodeId::new(2)),
            (Role::PreCandidate, None),
            (Role::Candidate, None),
            (Role::Leader, me),
        ] {
            meters.note(&Effect::Became { role, term: Term::new(1), leader }, || at(0), |_| None);
        }
        let counts = meters.counts;
        assert_eq!((counts.pre_elections, counts.elections, counts.terms_led), (1, 1, 1));
        assert_eq!(counts.leader_changes, 3);
    }
}
