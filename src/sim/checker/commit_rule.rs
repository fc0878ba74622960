//! Who is first to commit is a leader, and the entry is of its own term (Raft §5.4.2, figure 8).

use super::{Checker, Name, Seen};
use crate::raft::Role;
use crate::types::Index;

/// The furthest decision of all.
#[derive(Debug, Default)]
pub(super) struct CommitRule(Index);

impl Checker for CommitRule {
    fn name(&self) -> &'static str {
        "commit rule"
    }

    fn is_rule(&self) -> bool {
        true
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Decided { seat, role, term, id, .. } = seen else { return Ok(()) };
        if id.index <= self.0 {
            return Ok(());
        }
        self.0 = id.index;
        if *role == Role::Leader && id.term != *term {
            return Err(format!("{} commits {id} in term {term} by counting", Name(*seat)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;
    use crate::types::Term;

    #[test]
    fn an_entry_of_an_earlier_term_that_is_counted_is_noticed() {
        let decided = |role, id| Seen::Decided { seat: 0, role, term: Term::new(3), id, chain: None };
        let mut checker = CommitRule::default();
        assert!(checker.see(&decided(Role::Leader, at(3, 5))).is_ok());
        assert!(checker.see(&decided(Role::Leader, at(2, 4))).is_ok(), "known before");
        assert!(checker.see(&decided(Role::Leader, at(2, 6))).is_err());
    }
}
