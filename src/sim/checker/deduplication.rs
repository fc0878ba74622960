//! All nodes decide alike what is a repetition, and remember the same after each entry; and the deduplication, which
//! knows numbers only, decides as the machine does, which knows its sessions.

use super::{Checker, Name, Seen};
use crate::dedup::Why;
use crate::sim::machine::Outcome;
use crate::types::Index;
use std::collections::BTreeMap;

/// What was decided at an index, and the digests of what was remembered then: of the machine, of the deduplication.
type Decided = ((Outcome, u64), (Option<Why>, [u8; 32]));

/// What was decided at each index.
#[derive(Debug, Default)]
pub(super) struct Deduplication(BTreeMap<Index, Decided>);

impl Checker for Deduplication {
    fn name(&self) -> &'static str {
        "deduplication"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Applied { seat, applied } = seen else { return Ok(()) };
        let this = ((applied.outcome, applied.window), applied.judged);
        let known = self.0.entry(applied.id.index).or_insert(this);
        let (seat, id, (outcome, why)) = (Name(*seat), applied.id, (this.0.0, this.1.0));
        if *known != this {
            let other = (known.0.0, known.1.0);
            return Err(format!(
                "at {id} {seat} answers {outcome:?}, {why:?}, another node {other:?}, or they remember other sessions"
            ));
        }
        match (outcome, why) {
            (Outcome::Appended(_), Some(_)) | (Outcome::Repeated(_), None) => {
                Err(format!("at {id} the machine of {seat} answers {outcome:?}, the deduplication {why:?}"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;
    use crate::sim::machine::{Applied, List};

    #[test]
    fn another_answer_and_another_memory_are_noticed() {
        let mut checker = Deduplication::default();
        let mut see = |index, outcome, window, judged| {
            let (id, list) = (at(1, index), List::default());
            let applied = Applied { id, entry: None, outcome, list, window, judged };
            checker.see(&Seen::Applied { seat: 0, applied: &applied })
        };
        let repeated = (Some(Why::Repeated), [1; 32]);
        assert!(see(5, Outcome::Repeated(3), 9, repeated).is_ok());
        assert!(see(5, Outcome::Repeated(3), 9, repeated).is_ok());
        assert!(see(5, Outcome::Expired, 9, repeated).is_err());
        assert!(see(5, Outcome::Repeated(3), 8, repeated).is_err());
        assert!(see(5, Outcome::Repeated(3), 9, (Some(Why::Stale), [1; 32])).is_err());
        assert!(see(5, Outcome::Repeated(3), 9, (Some(Why::Repeated), [2; 32])).is_err());
        assert!(see(6, Outcome::Appended(4), 9, repeated).is_err(), "the machine does not think so");
        assert!(see(7, Outcome::Repeated(3), 9, (None, [1; 32])).is_err(), "nor here");
        assert!(see(8, Outcome::Appended(5), 9, (None, [1; 32])).is_ok());
    }
}
