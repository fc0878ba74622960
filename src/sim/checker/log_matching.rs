//! If two logs have an entry with the same term and index, they are the same up to it (Raft §5.3).
//!
//! Each frame is seen with the hash of the whole log that it ends, so equal hashes say it all.

use super::{Checker, Name, Seen};
use crate::sim::node::Seat;
use crate::types::{Index, Term};
use std::collections::BTreeMap;

/// The hash of the log up to each position, and who had it first.
#[derive(Debug, Default)]
pub(super) struct LogMatching(BTreeMap<(Index, Term), (u64, Seat)>);

impl Checker for LogMatching {
    fn name(&self) -> &'static str {
        "log matching"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Logged { seat, id, chain } = seen else { return Ok(()) };
        let (known, first) = self.0.entry((id.index, id.term)).or_insert((*chain, *seat));
        if known == chain {
            return Ok(());
        }
        Err(format!("the logs of {} and {} differ up to {id}", Name(*first), Name(*seat)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;

    #[test]
    fn logs_that_differ_before_one_position_are_noticed() {
        let mut checker = LogMatching::default();
        assert!(checker.see(&Seen::Logged { seat: 0, id: at(1, 5), chain: 7 }).is_ok());
        assert!(checker.see(&Seen::Logged { seat: 1, id: at(2, 5), chain: 8 }).is_ok());
        assert!(checker.see(&Seen::Logged { seat: 1, id: at(1, 5), chain: 7 }).is_ok());
        assert!(checker.see(&Seen::Logged { seat: 2, id: at(1, 5), chain: 9 }).is_err());
    }
}
