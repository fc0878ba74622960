//! More than half, once: every count of a majority in the library is made here.
//!
//! # Invariants
//! I1 any two groups of [`majority`] members share a member.
//! I2 what [`reached`] answers was reached by a majority, and no greater value was.

/// Fewest members of a group of `members` that any other such number of them shares one with.
///
/// The majority of nobody is one: nobody cannot decide.
pub const fn majority(members: usize) -> usize {
    members / 2 + 1
}

/// How a vote among equals stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// A majority granted.
    Won,
    /// So many refused that a majority can no longer grant.
    Lost,
    /// Neither yet.
    Open,
}

/// Counts a vote of which `granted` and `refused` are known.
pub const fn tally(members: usize, granted: usize, refused: usize) -> Tally {
    if granted >= majority(members) {
        Tally::Won
    } else if members < majority(members) + refused {
        Tally::Lost
    } else {
        Tally::Open
    }
}

/// The greatest value that a majority has reached; `values` has one for each member and is reordered.
/// `None` for a group without members.
pub fn reached<T: Copy + Ord>(values: &mut [T]) -> Option<T> {
    values.sort_unstable_by(|a, b| b.cmp(a));
    values.get(majority(values.len()) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majorities_of_groups_of_up_to_seven() {
        let table = [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)];
        for (members, expected) in table {
            assert_eq!(majority(members), expected, "of {members}");
            // I1: two disjoint majorities would need more members than there are.
            assert!(2 * majority(members) > members);
        }
    }

    #[test]
    fn votes_are_won_lost_or_open() {
        // members, granted, refused
        let table = [
            ((0, 0, 0), Tally::Lost),
            ((1, 0, 0), Tally::Open),
            ((1, 1, 0), Tally::Won),
            ((3, 1, 1), Tally::Open),
            ((3, 2, 0), Tally::Won),
            ((3, 1, 2), Tally::Lost),
            ((4, 2, 1), Tally::Open),
            ((4, 2, 2), Tally::Lost),
            ((4, 3, 1), Tally::Won),
            ((5, 2, 2), Tally::Open),
            ((5, 2, 3), Tally::Lost),
            ((5, 3, 2), Tally::Won),
        ];
        for ((members, granted, refused), expected) in table {
            assert_eq!(tally(members, granted, refused), expected, "{granted}+{refused} of {members}");
        }
    }

    #[test]
    fn a_value_is_reached_when_a_majority_is_there() {
        let table: [(&[u64], Option<u64>); 8] = [
            (&[], None),
            (&[7], Some(7)),
            (&[7, 9], Some(7)),
            (&[1, 9, 5], Some(5)),
            (&[9, 9, 0], Some(9)),
            (&[1, 2, 3, 4], Some(2)),
            (&[5, 4, 3, 2, 1], Some(3)),
            (&[0, 0, 0, 9, 9], Some(0)),
        ];
        for (values, expected) in table {
            assert_eq!(reached(&mut values.to_vec()), expected, "{values:?}");
        }
    }
}
