//! All nodes decide alike what is a repetition, and remember the same sessions after each entry.

use super::{Checker, Name, Seen};
use crate::sim::machine::Outcome;
use crate::types::Index;
use std::collections::BTreeMap;

/// What was decided at each index, and the digest of what was remembered then.
#[derive(Debug, Default)]
pub(super) struct Deduplication(BTreeMap<Index, (Outcome, u64)>);

impl Checker for Deduplication {
    fn name(&self) -> &'static str {
        "deduplication"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Applied { seat, applied } = seen else { return Ok(()) };
        let this = (applied.outcome, applied.window);
        let known = self.0.entry(applied.id.index).or_insert(this);
        if *known == this {
            return Ok(());
        }
        let (seat, id) = (Name(*seat), applied.id);
        Err(format!(
            "at {id} {seat} answers {:?}, another node {:?}, or they remember other sessions",
            this.0, known.0
        ))
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
        let mut see = |outcome, window| {
            let applied = Applied { id: at(1, 5), entry: None, outcome, list: List::default(), window };
            checker.see(&Seen::Applied { seat: 0, applied: &applied })
        };
        assert!(see(Outcome::Repeated(3), 9).is_ok());
        assert!(see(Outcome::Repeated(3), 9).is_ok());
        assert!(see(Outcome::Expired, 9).is_err());
        assert!(see(Outcome::Repeated(3), 8).is_err());
    }
}
