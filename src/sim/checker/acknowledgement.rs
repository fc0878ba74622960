//! What is acknowledged is durable on a majority at that moment: in the log of a majority, and synced.

use super::{Checker, Name, Seen};
use crate::raft::Membership;
use crate::sim::node::{Seat, seat_of};
use crate::types::{Index, LogId, Term, majority};
use std::collections::BTreeMap;

/// Which seats ever had each frame on disk, as bits.
#[derive(Debug, Default)]
pub(super) struct Acknowledgement(BTreeMap<(Index, Term), u32>);

impl Acknowledgement {
    /// Whether a majority of the voters, of one side at least while they change, had the frame on disk. The
    /// members may have changed between the commit and the acknowledgement, so one side has to do.
    fn is_safe(&self, id: LogId, membership: &Membership) -> bool {
        let bits = self.0.get(&(id.index, id.term)).copied().unwrap_or(0);
        let had = |seat: Seat| bits >> seat & 1 == 1;
        let sides = [&membership.voters, &membership.outgoing];
        sides
            .into_iter()
            .any(|side| side.iter().filter(|node| had(seat_of(**node))).count() >= majority(side.len()))
    }
}

impl Checker for Acknowledgement {
    fn name(&self) -> &'static str {
        "acknowledgement"
    }

    fn is_rule(&self) -> bool {
        true
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Durable { seat, id } => *self.0.entry((id.index, id.term)).or_default() |= 1 << seat,
            Seen::Acknowledged { seat, id, membership } if !self.is_safe(*id, membership) => {
                return Err(format!("{} acknowledges {id}, which is not durable on a majority", Name(*seat)));
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
    use crate::sim::node::id_of;

    #[test]
    fn an_acknowledgement_before_a_majority_is_noticed() {
        let membership = Membership::of((0..3).map(|seat| (id_of(seat), String::new())));
        let mut checker = Acknowledgement::default();
        let acknowledged = Seen::Acknowledged { seat: 0, id: at(1, 5), membership: &membership };
        checker.see(&Seen::Durable { seat: 0, id: at(1, 5) }).unwrap();
        assert!(checker.see(&acknowledged).is_err());
        checker.see(&Seen::Durable { seat: 2, id: at(1, 5) }).unwrap();
        assert!(checker.see(&acknowledged).is_ok());
    }
}
