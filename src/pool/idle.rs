//! Which slabs were not used for longest, learnt without a mark on the way of a buffer.
//!
//! # Model
//! A buffer's header counts how often it was given back. So the sum of the counts over a slab says whether
//! any of its buffers was used since the sum was last looked at. Each look is an epoch; a slab whose sum
//! changed was used in this one. Taking and giving a buffer pays nothing for it; a look reads one cache line
//! of each buffer.
//!
//! # Limits
//! The order is as fine as the looks: slabs used between the same two are equal. Among equals the one with
//! the higher numbers counts as older, because the pool fills from below.

use std::cmp::Reverse;

/// What was learnt of one slab.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    sum: u64,
    epoch: u64,
}

/// What was learnt of the slabs of a class.
#[derive(Debug, Default)]
pub(super) struct Idle {
    uses: Vec<Use>,
    epoch: u64,
}

impl Idle {
    /// Looks at slabs in order of position, from 0: `sums` gives each one's sum.
    pub(super) fn look(&mut self, sums: impl Iterator<Item = u64>) {
        self.epoch += 1;
        for (position, sum) in sums.enumerate() {
            if position == self.uses.len() {
                self.uses.push(Use { sum: 0, epoch: 0 });
            }
            let known = &mut self.uses[position];
            if known.sum != sum {
                *known = Use { sum, epoch: self.epoch };
            }
        }
    }

    /// Sorts positions, least recently used first.
    pub(super) fn sort(&self, positions: &mut [usize]) {
        positions.sort_by_key(|position| {
            (self.uses.get(*position).map_or(0, |known| known.epoch), Reverse(*position))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(idle: &Idle, slabs: usize) -> Vec<usize> {
        let mut positions: Vec<usize> = (0..slabs).collect();
        idle.sort(&mut positions);
        positions
    }

    #[test]
    fn the_slab_whose_sum_changed_longest_ago_comes_first() {
        let mut idle = Idle::default();
        idle.look([5, 5, 5, 5].into_iter());
        idle.look([5, 6, 5, 5].into_iter());
        idle.look([5, 6, 5, 9].into_iter());
        idle.look([7, 6, 5, 9].into_iter());
        assert_eq!(order(&idle, 4), [2, 1, 3, 0]);
    }

    #[test]
    fn among_equals_the_higher_numbers_go_first_and_unseen_slabs_before_all() {
        let mut idle = Idle::default();
        assert_eq!(order(&idle, 3), [2, 1, 0]);
        idle.look([1, 1].into_iter());
        assert_eq!(order(&idle, 4), [3, 2, 1, 0]);
        idle.look([1, 2, 0].into_iter());
        assert_eq!(order(&idle, 3), [2, 0, 1]);
    }
}
