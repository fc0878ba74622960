//! One priority: a ring and its refusals.

use super::ring::Ring;
use super::stats::LaneStats;
use crate::sync::atomic::{AtomicU64, Ordering};
use crossbeam::utils::CachePadded;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ring: Ring,
    /// Key of this ring in `hint`.
    pub(super) number: u64,
    refused: CachePadded<AtomicU64>,
}

impl Lane {
    pub(super) fn new(cells: usize, number: u64) -> Self {
        Self { ring: Ring::new(cells), number, refused: CachePadded::new(AtomicU64::new(0)) }
    }

    /// Counts a refusal, off the path of those who are accepted.
    #[cold]
    pub(super) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> LaneStats {
        LaneStats {
            accepted: self.ring.accepted(),
            refused: self.refused.load(Ordering::Relaxed),
            dequeued: self.ring.consumed(),
            depth: self.ring.len(),
            depth_high: self.ring.depth_high(),
        }
    }
}

/// Picks a lane out of a non-empty set of bits.
#[derive(Debug)]
pub(super) struct Picker {
    ageing: u32,
    picks: u32,
}

impl Picker {
    pub(super) fn new(ageing: u32) -> Self {
        Self { ageing, picks: 0 }
    }

    /// Counts one pick; true when it belongs to the least urgent lane.
    #[inline]
    pub(super) fn next_is_aged(&mut self) -> bool {
        if self.ageing == 0 {
            return false;
        }
        self.picks += 1;
        let aged = self.picks >= self.ageing;
        if aged {
            self.picks = 0;
        }
        aged
    }
}

/// The most urgent lane of a non-empty set, or the least urgent one.
#[inline]
pub(super) fn select(lanes: u64, aged: bool) -> usize {
    debug_assert_ne!(lanes, 0);
    (if aged { lanes.ilog2() } else { lanes.trailing_zeros() }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_every_k_picks_is_for_the_least_urgent_lane() {
        let mut picker = Picker::new(4);
        let lanes: Vec<_> = (0..8).map(|_| select(0b1011, picker.next_is_aged())).collect();
        assert_eq!(lanes, [0, 0, 0, 3, 0, 0, 0, 3]);
    }

    #[test]
    fn without_ageing_priority_is_strict() {
        let mut picker = Picker::new(0);
        assert!((0..100).all(|_| select(0b1010, picker.next_is_aged()) == 1));
    }
}
