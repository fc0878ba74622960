//! Once everything is healed, all members follow one leader, hold the same state, and serve clients.

use super::Name;
use crate::sim::machine::List;
use crate::sim::node::Seat;
use crate::types::{Index, LogId, Term};

/// A member at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct State {
    pub(in crate::sim) term: Term,
    pub(in crate::sim) leader: Option<Seat>,
    pub(in crate::sim) last: LogId,
    pub(in crate::sim) commit: Index,
    pub(in crate::sim) applied: LogId,
    pub(in crate::sim) list: List,
    pub(in crate::sim) window: u64,
}

/// The cluster at one moment.
#[derive(Debug)]
pub(in crate::sim) struct Standing {
    /// Who leads the latest term.
    pub(in crate::sim) leader: Option<Seat>,
    pub(in crate::sim) term: Term,
    /// A change of members is not over.
    pub(in crate::sim) is_joint: bool,
    /// The members that the leader knows; `None` for those that do not run.
    pub(in crate::sim) states: Vec<(Seat, Option<State>)>,
    /// Clients whose operations are not answered.
    pub(in crate::sim) busy_clients: usize,
    /// No machine waits to be mended or replaced.
    pub(in crate::sim) is_tidy: bool,
}

impl Standing {
    /// What is missing, in words; `None` if nothing is.
    pub(in crate::sim) fn lacking(&self) -> Option<String> {
        let Some(leader) = self.leader else { return Some("nobody leads".into()) };
        if self.is_joint {
            return Some("a change of members is not over".into());
        }
        let leading = self.states.iter().find(|(seat, _)| *seat == leader).and_then(|(_, state)| *state);
        let Some(leading) = leading else { return Some(format!("{} leads and is no member", Name(leader))) };
        for (seat, state) in &self.states {
            let Some(state) = state else { return Some(format!("{} does not run", Name(*seat))) };
            if state.leader != Some(leader) {
                return Some(format!("{} does not follow {}", Name(*seat), Name(leader)));
            }
            if *state != leading || state.commit != state.last.index || state.applied != state.last {
                return Some(format!("{} has {state:?}, the leader {leading:?}", Name(*seat)));
            }
        }
        if self.busy_clients > 0 {
            return Some(format!("{} clients wait", self.busy_clients));
        }
        (!self.is_tidy).then(|| "a machine waits to be mended or replaced".into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::at;
    use super::*;

    fn standing() -> Standing {
        let state = State {
            term: Term::new(3),
            leader: Some(1),
            last: at(3, 9),
            commit: Index::new(9),
            applied: at(3, 9),
            list: List::default(),
            window: 0,
        };
        let states = (0..3).map(|seat| (seat, Some(state))).collect();
        Standing {
            leader: Some(1),
            term: Term::new(3),
            is_joint: false,
            states,
            busy_clients: 0,
            is_tidy: true,
        }
    }

    #[test]
    fn one_leader_with_equal_members_lacks_nothing() {
        assert_eq!(standing().lacking(), None);
    }

    #[test]
    fn whatever_is_missing_is_said() {
        let broken: [fn(&mut Standing); 8] = [
            |standing| standing.leader = None,
            |standing| standing.is_joint = true,
            |standing| standing.states[2].1 = None,
            |standing| standing.states[2].1.as_mut().unwrap().leader = None,
            |standing| standing.states[2].1.as_mut().unwrap().window = 1,
            |standing| {
                standing
                    .states
                    .iter_mut()
                    .for_each(|(_, state)| state.as_mut().unwrap().commit = Index::new(8))
            },
            |standing| standing.busy_clients = 1,
            |standing| standing.is_tidy = false,
        ];
        for breaks in broken {
            let mut standing = standing();
            breaks(&mut standing);
            assert!(standing.lacking().is_some(), "{standing:?}");
        }
    }
}
