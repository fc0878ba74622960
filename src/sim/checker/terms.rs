//! Terms do not run away: nobody begins one that a majority has not said it would vote in (thesis §9.6), and
//! once everything is healed there are few more.

use super::{Checker, Name, Seen};
use crate::raft::{Membership, Message, Role};
use crate::sim::node::{Seat, id_of};
use crate::types::{NodeId, Tally, Term};
use std::collections::{BTreeMap, BTreeSet};

/// Terms after healing: elections that collide, machines that come back.
const HEALED_MAX: u64 = 30;

/// Who said what to whom since it last campaigned.
#[derive(Debug, Default)]
pub(super) struct Terms {
    would_vote: BTreeMap<Seat, BTreeSet<(Term, NodeId)>>,
    /// A leader asked it to campaign.
    asked: BTreeSet<Seat>,
    latest: Term,
    healed: Option<Term>,
    converged: Option<Term>,
}

impl Terms {
    fn campaign(&mut self, seat: Seat, term: Term, membership: &Membership) -> Result<(), String> {
        let granted = self.would_vote.remove(&seat).unwrap_or_default();
        let was_asked = self.asked.remove(&seat);
        let answer = |node: NodeId| (node == id_of(seat) || granted.contains(&(term, node))).then_some(true);
        if was_asked || membership.tally(answer) == Tally::Won {
            return Ok(());
        }
        Err(format!("{} begins term {term} although no majority would vote for it", Name(seat)))
    }

    fn grow(&mut self, term: Term) -> Result<(), String> {
        self.latest = self.latest.max(term);
        if self.healed.is_some_and(|healed| self.latest.get() > healed.get() + HEALED_MAX) {
            return Err(format!("term {term} is reached, and nothing breaks any more"));
        }
        if self.converged.is_some_and(|converged| self.latest > converged) {
            return Err(format!("term {term} begins where one leader led all"));
        }
        Ok(())
    }
}

impl Checker for Terms {
    fn name(&self) -> &'static str {
        "terms"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Started { seat, .. } => {
                self.would_vote.remove(seat);
                self.asked.remove(seat);
            }
            Seen::Received { seat, from, message: Message::VoteReply { term, granted: true, pre: true } } => {
                self.would_vote.entry(*seat).or_default().insert((*term, *from));
            }
            Seen::Received { seat, message: Message::TimeoutNow { .. }, .. } => {
                self.asked.insert(*seat);
            }
            Seen::Became { seat, role, term, membership, .. } => {
                self.grow(*term)?;
                if *role == Role::Candidate {
                    return self.campaign(*seat, *term, membership);
                }
            }
            Seen::Healed => self.healed = Some(self.latest),
            Seen::Converged { term } => self.converged = Some(*term),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::log::Log;

    fn campaign(granted_by: &[usize], term: u64) -> Result<(), String> {
        let membership = Membership::of((0..5).map(|seat| (id_of(seat), String::new())));
        let mut checker = Terms::default();
        for from in granted_by {
            let message = Message::VoteReply { term: Term::new(7), granted: true, pre: true };
            checker.see(&Seen::Received { seat: 0, from: id_of(*from), message: &message })?;
        }
        let (term, log) = (Term::new(term), Log::default());
        checker.see(&Seen::Became {
            seat: 0,
            role: Role::Candidate,
            term,
            log: &log,
            membership: &membership,
        })
    }

    #[test]
    fn a_campaign_without_a_majority_that_would_vote_is_noticed() {
        assert!(campaign(&[1, 2], 7).is_ok());
        assert!(campaign(&[1, 1], 7).is_err());
        assert!(campaign(&[1, 2], 8).is_err(), "they spoke of another term");
        assert!(campaign(&[], 7).is_err());
    }

    #[test]
    fn terms_that_go_on_where_all_is_well_are_noticed() {
        let mut checker = Terms::default();
        checker.grow(Term::new(50)).unwrap();
        checker.see(&Seen::Healed).unwrap();
        assert!(checker.grow(Term::new(50 + HEALED_MAX)).is_ok());
        assert!(checker.grow(Term::new(51 + HEALED_MAX)).is_err());
        let mut checker = Terms::default();
        checker.see(&Seen::Converged { term: Term::new(4) }).unwrap();
        assert!(checker.grow(Term::new(4)).is_ok());
        assert!(checker.grow(Term::new(5)).is_err());
    }
}
