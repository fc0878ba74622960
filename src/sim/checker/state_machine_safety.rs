//! No two nodes apply different entries at one index (Raft, figure 3), and their states are the same there.

use super::{Checker, Name, Seen};
use crate::sim::machine::{Entry, List};
use crate::types::{Index, LogId};
use std::collections::BTreeMap;

/// What was applied at each index by whoever was first, and how the list stood then.
#[derive(Debug, Default)]
pub(super) struct StateMachineSafety {
    applied: BTreeMap<Index, (LogId, Option<Entry>, List)>,
    committed: BTreeMap<Index, LogId>,
}

impl Checker for StateMachineSafety {
    fn name(&self) -> &'static str {
        "state-machine safety"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Committed { seat, id } => {
                let known = self.committed.entry(id.index).or_insert(*id);
                if known == id {
                    return Ok(());
                }
                Err(format!("{} commits {id}, another node {known}", Name(*seat)))
            }
            Seen::Applied { seat, applied } => {
                let this = (applied.id, applied.entry, applied.list);
                let known = self.applied.entry(applied.id.index).or_insert(this);
                if *known == this {
                    return Ok(());
                }
                Err(format!("{} applies {this:?}, another node {known:?}", Name(*seat)))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;
    use crate::sim::machine::{Applied, Outcome};

    #[test]
    fn another_entry_at_one_index_is_noticed() {
        let mut checker = StateMachineSafety::default();
        let mut see = |seat, id, client| {
            let entry = Some(Entry::Open { client });
            let applied = Applied {
                id,
                entry,
                outcome: Outcome::Opened(5),
                list: List::default(),
                window: 0,
                judged: (None, [0; 32]),
            };
            checker.see(&Seen::Applied { seat, applied: &applied })
        };
        assert!(see(0, at(1, 5), 1).is_ok());
        assert!(see(1, at(1, 5), 1).is_ok());
        assert!(see(2, at(1, 5), 2).is_err());
        assert!(see(2, at(2, 5), 1).is_err());
    }
}
