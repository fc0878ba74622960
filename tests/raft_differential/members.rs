//! Who is in a cluster, in the words of neither side.

use duochain::raft::{Change, Membership};
use duochain::types::NodeId;
use raft::eraftpb::ConfState;
use std::collections::BTreeSet;

/// The members at one place of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) voters: BTreeSet<u64>,
    /// Voters before a change that is not over; empty otherwise.
    pub(crate) outgoing: BTreeSet<u64>,
    pub(crate) learners: BTreeSet<u64>,
    /// Voters that are learners when the change is over.
    pub(crate) demoted: BTreeSet<u64>,
}

fn numbers(nodes: &BTreeSet<NodeId>) -> BTreeSet<u64> {
    nodes.iter().map(|node| node.get()).collect()
}

impl From<&Membership> for Members {
    fn from(membership: &Membership) -> Self {
        Self {
            voters: numbers(&membership.voters),
            outgoing: numbers(&membership.outgoing),
            learners: numbers(&membership.learners),
            demoted: numbers(&membership.demoted),
        }
    }
}

impl From<&ConfState> for Members {
    fn from(state: &ConfState) -> Self {
        Self {
            voters: state.voters.iter().copied().collect(),
            outgoing: state.voters_outgoing.iter().copied().collect(),
            learners: state.learners.iter().copied().collect(),
            demoted: state.learners_next.iter().copied().collect(),
        }
    }
}

impl Members {
    pub(crate) fn all(&self) -> BTreeSet<u64> {
        self.voters.iter().chain(&self.outgoing).chain(&self.learners).copied().collect()
    }

    pub(crate) fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether these are a majority; in a joint state, of both groups.
    pub(crate) fn is_majority(&self, is_in: impl Fn(u64) -> bool) -> bool {
        let most =
            |group: &BTreeSet<u64>| group.iter().filter(|node| is_in(**node)).count() > group.len() / 2;
        most(&self.voters) && (self.outgoing.is_empty() || most(&self.outgoing))
    }

    /// The joint state that `change` of voters leads to.
    pub(crate) fn joint(&self, change: &Change) -> Self {
        let (demoted, removed) = (numbers(&change.demote), numbers(&change.remove));
        let stays = |node: &u64| !demoted.contains(node) && !removed.contains(node);
        let promoted = numbers(&change.promote);
        Self {
            voters: self.voters.iter().copied().filter(stays).chain(promoted.iter().copied()).collect(),
            outgoing: self.voters.clone(),
            learners: self.learners.difference(&promoted).copied().filter(stays).collect(),
            demoted,
        }
    }
}

#[test]
fn a_joint_state_needs_a_majority_of_both_groups() {
    let of = |numbers: &[u64]| numbers.iter().copied().collect::<BTreeSet<u64>>();
    let three = Members { voters: of(&[1, 2, 3]), learners: of(&[4]), ..Members::default() };
    let node = |number: u64| NodeId::new(number).expect("not 0");
    let change = Change {
        promote: [node(4)].into(),
        demote: [node(2)].into(),
        remove: [node(3)].into(),
        ..Change::default()
    };
    let joint = three.joint(&change);
    let expected = Members {
        voters: of(&[1, 4]),
        outgoing: of(&[1, 2, 3]),
        learners: BTreeSet::new(),
        demoted: of(&[2]),
    };
    assert_eq!(joint, expected);
    assert!(joint.is_majority(|node| [1, 2, 4].contains(&node)));
    assert!(!joint.is_majority(|node| [1, 2, 3].contains(&node)));
    assert!(!joint.is_majority(|node| [1, 4].contains(&node)));
}
