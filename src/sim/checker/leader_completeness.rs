//! What was committed in a term is in the log of the leader of every later one (Raft §5.4), and no log
//! forgets it.

use super::{Checker, Name, Seen};
use crate::raft::Role;
use crate::types::{LogId, Term};
use std::collections::BTreeMap;

/// The furthest decision of each term, with the hash of the log up to it.
#[derive(Debug, Default)]
pub(super) struct LeaderCompleteness {
    decided: BTreeMap<Term, (LogId, u64)>,
}

impl Checker for LeaderCompleteness {
    fn name(&self) -> &'static str {
        "leader completeness"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Decided { role: Role::Leader, term, id, chain: Some(chain), .. } => {
                let furthest = self.decided.entry(*term).or_insert((*id, *chain));
                if furthest.0.index < id.index {
                    *furthest = (*id, *chain);
                }
            }
            Seen::Cut { seat, keep_to, commit } if commit > keep_to => {
                return Err(format!(
                    "{} forgets what it knows to be committed, after {keep_to}",
                    Name(*seat)
                ));
            }
            Seen::Became { seat, role: Role::Leader, term, log, .. } => {
                let before = self.decided.range(..*term).map(|(_, furthest)| furthest);
                let Some((id, chain)) = before.max_by_key(|(id, _)| id.index) else { return Ok(()) };
                let is_covered = log.base().index > id.index || log.chain_at(id.index) == Some(*chain);
                if !is_covered {
                    return Err(format!(
                        "{} leads term {term} without {id}, which is committed",
                        Name(*seat)
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;
    use crate::raft::Membership;
    use crate::sim::log::Log;
    use crate::types::Index;

    #[test]
    fn a_leader_without_a_committed_entry_is_noticed() {
        let (with, without, members) =
            (Log::after(at(1, 5), 7), Log::after(at(1, 4), 6), Membership::default());
        let mut checker = LeaderCompleteness::default();
        let decided =
            Seen::Decided { seat: 0, role: Role::Leader, term: Term::new(2), id: at(2, 5), chain: Some(7) };
        checker.see(&decided).unwrap();
        let mut became = |term, log| {
            let term = Term::new(term);
            checker.see(&Seen::Became { seat: 1, role: Role::Leader, term, log, membership: &members })
        };
        assert!(became(3, &with).is_ok());
        assert!(became(2, &without).is_ok(), "it was elected before");
        assert!(became(3, &without).is_err());
    }

    #[test]
    fn a_cut_of_what_is_committed_is_noticed() {
        let mut checker = LeaderCompleteness::default();
        let mut cut = |keep_to| {
            checker.see(&Seen::Cut { seat: 0, keep_to: Index::new(keep_to), commit: Index::new(5) })
        };
        assert!(cut(5).is_ok());
        assert!(cut(4).is_err());
    }
}
