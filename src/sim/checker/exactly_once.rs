//! Each process applies each index once and in order, and no value comes into the list twice.

use super::{Checker, End, Name, Seen};
use crate::types::Index;
use std::collections::{BTreeMap, BTreeSet};

/// What each seat applies next.
#[derive(Debug, Default)]
pub(super) struct ExactlyOnce(BTreeMap<usize, Index>);

impl Checker for ExactlyOnce {
    fn name(&self) -> &'static str {
        "exactly-once apply"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Started { seat, applied } => {
                self.0.insert(*seat, applied.index.next());
                Ok(())
            }
            Seen::Applied { seat, applied } => {
                let next = self.0.entry(*seat).or_default();
                if *next != applied.id.index {
                    return Err(format!("{} applies {} where {next} is next", Name(*seat), applied.id));
                }
                *next = next.next();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Result<(), String> {
        let mut known = BTreeSet::new();
        match end.values.iter().find(|value| !known.insert(**value)) {
            Some(twice) => Err(format!("the value {twice:#x} is in the list twice")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;
    use crate::sim::machine::{Applied, List, Outcome};

    #[test]
    fn an_index_that_is_left_out_or_repeated_is_noticed() {
        let see = |indexes: &[u64]| {
            let mut checker = ExactlyOnce::default();
            checker.see(&Seen::Started { seat: 0, applied: at(1, 3) }).unwrap();
            indexes.iter().try_for_each(|index| {
                let (id, list) = (at(1, *index), List::default());
                let judged = (None, [0; 32]);
                let applied = Applied { id, entry: None, outcome: Outcome::Nothing, list, window: 0, judged };
                checker.see(&Seen::Applied { seat: 0, applied: &applied })
            })
        };
        assert!(see(&[4, 5]).is_ok());
        assert!(see(&[4, 4]).is_err());
        assert!(see(&[5]).is_err());
    }

    #[test]
    fn a_value_that_is_there_twice_is_noticed() {
        let end = |values| End { history: &[], values, lists: &[] };
        assert!(ExactlyOnce::default().finish(&end(&[1, 2, 3])).is_ok());
        assert!(ExactlyOnce::default().finish(&end(&[1, 2, 1])).is_err());
    }
}
