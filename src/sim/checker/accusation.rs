//! Nobody is accused of breaking the protocol: all nodes run the same, correct core.

use super::{Checker, Name, Seen};

/// The check has no state.
#[derive(Debug)]
pub(super) struct Accusation;

impl Checker for Accusation {
    fn name(&self) -> &'static str {
        "no false accusation"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Accused { seat, peer, fault } => Err(format!("{} accuses {peer}: {fault:?}", Name(*seat))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::Fault;
    use crate::sim::node::id_of;

    #[test]
    fn an_accusation_is_noticed() {
        let accused = Seen::Accused { seat: 0, peer: id_of(1), fault: Fault::TwoLeaders };
        assert!(Accusation.see(&accused).is_err());
    }
}
