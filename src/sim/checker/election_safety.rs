//! At most one leader is elected in a term (Raft §5.2).

use super::{Checker, Name, Seen};
use crate::raft::Role;
use crate::sim::node::Seat;
use crate::types::Term;
use std::collections::BTreeMap;

/// Who led each term.
#[derive(Debug, Default)]
pub(super) struct ElectionSafety(BTreeMap<Term, Seat>);

impl Checker for ElectionSafety {
    fn name(&self) -> &'static str {
        "election safety"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Became { seat, role: Role::Leader, term, .. } = seen else { return Ok(()) };
        match self.0.insert(*term, *seat).filter(|before| before != seat) {
            Some(before) => Err(format!("{} and {} both lead term {term}", Name(before), Name(*seat))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::Membership;
    use crate::sim::log::Log;

    #[test]
    fn two_leaders_of_one_term_are_noticed_and_of_two_terms_are_not() {
        let (log, membership) = (Log::default(), Membership::default());
        let became = |seat, term| Seen::Became {
            seat,
            role: Role::Leader,
            term: Term::new(term),
            log: &log,
            membership: &membership,
        };
        let mut checker = ElectionSafety::default();
        assert!(checker.see(&became(0, 1)).is_ok());
        assert!(checker.see(&became(1, 2)).is_ok());
        assert!(checker.see(&became(1, 2)).is_ok());
        assert!(checker.see(&became(2, 2)).is_err());
    }
}
