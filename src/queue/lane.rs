//! One priority: a ring, its refusals, and the run that is being handed out.

use super::ring::Ring;
use super::stats::LaneStats;
use crate::pool::{INDEX_BITS, Rest};
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crossbeam::utils::CachePadded;

/// The depth is looked at each time so many more followers were accepted.
const DEPTH_LOOK: u64 = 512;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ring: Ring,
    /// Key of this ring in `hint`.
    pub(super) number: u64,
    refused: CachePadded<AtomicU64>,
    followers: CachePadded<Followers>,
    /// Written by the consumer alone.
    opened: CachePadded<Opened>,
}

/// Transactions that share the cell of another one: what producers know of them.
#[derive(Debug)]
struct Followers {
    accepted: AtomicU64,
    depth_high: AtomicU64,
}

/// The run that the one consumer is handing out.
#[derive(Debug)]
struct Opened {
    /// Followers handed out so far, of all runs.
    followers: AtomicU64,
    /// [`Rest::word`].
    rest: AtomicU32,
}

impl Lane {
    pub(super) fn new(cells: usize, number: u64) -> Self {
        let followers = Followers { accepted: AtomicU64::new(0), depth_high: AtomicU64::new(0) };
        let opened = Opened { followers: AtomicU64::new(0), rest: AtomicU32::new(0) };
        Self {
            ring: Ring::new(cells),
            number,
            refused: CachePadded::new(AtomicU64::new(0)),
            followers: CachePadded::new(followers),
            opened: CachePadded::new(opened),
        }
    }

    /// Producer, after it appended a run: counts those that follow its first. A producer that is stopped
    /// before it does leaves them out of the count, never out of the queue.
    pub(super) fn note_followers(&self, count: u64) {
        // Relaxed: statistics.
        let before = self.followers.accepted.fetch_add(count, Ordering::Relaxed);
        if before / DEPTH_LOOK != (before + count) / DEPTH_LOOK {
            self.note_depth();
        }
    }

    /// Keeps the depth, if it is the highest so far.
    pub(super) fn note_depth(&self) -> u64 {
        let depth = self.len();
        self.followers.depth_high.fetch_max(depth, Ordering::Relaxed).max(depth)
    }

    /// Transactions waiting, at an instant during the call.
    pub(super) fn len(&self) -> u64 {
        let handed_out = self.opened.followers.load(Ordering::Relaxed);
        let waiting = self.followers.accepted.load(Ordering::Relaxed).saturating_sub(handed_out);
        let left = u64::from(self.opened.rest.load(Ordering::Relaxed) >> INDEX_BITS);
        self.ring.len() + waiting.max(left)
    }

    /// Followers handed out so far. The caller has the seat.
    pub(super) fn followers_out(&self) -> u64 {
        // Relaxed: the seat's Acquire and Release order the consumers.
        self.opened.followers.load(Ordering::Relaxed)
    }

    /// What the last consumer left of a run, the caller's from now on: it has the seat or the queue to
    /// itself, asks once, and notes what it leaves in its turn.
    pub(super) fn take_over_rest(&self) -> Rest {
        // SAFETY: the last consumer noted what it owned, and does not exist any more.
        unsafe { Rest::from_word(self.opened.rest.load(Ordering::Relaxed)) }
    }

    /// Consumer: notes where it stands, for statistics and for the next one.
    #[inline]
    pub(super) fn note_opened(&self, rest: &Rest, followers: u64) {
        self.opened.rest.store(rest.word(), Ordering::Relaxed);
        self.opened.followers.store(followers, Ordering::Relaxed);
    }

    /// Counts a refusal, off the path of those who are accepted.
    #[cold]
    pub(super) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that the lane was seen full.
    #[cold]
    pub(super) fn note_full(&self) {
        self.ring.note_full();
        if self.followers.accepted.load(Ordering::Relaxed) > 0 {
            self.note_depth();
        }
    }

    pub(super) fn stats(&self) -> LaneStats {
        let dequeued = self.ring.consumed() + self.opened.followers.load(Ordering::Relaxed);
        let accepted = self.ring.accepted() + self.followers.accepted.load(Ordering::Relaxed);
        LaneStats {
            accepted: accepted.max(dequeued),
            refused: self.refused.load(Ordering::Relaxed),
            dequeued,
            depth: self.len(),
            depth_high: self.note_depth().max(self.ring.depth_high()),
        }
    }
}

/// Picks a lane out of a non-empty set of bits.
#[derive(Debug)]
pub(super) struct Picker {
    ageing: u32,
    /// Since the last one for the least urgent lane, which is then 0.
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

    /// How many more transactions, up to `max`, may come from the lane just picked before the next pick belongs
    /// to the least urgent one.
    #[inline]
    pub(super) fn stretch(&self, max: usize) -> usize {
        match (self.ageing, self.picks) {
            (0, _) => max,
            // The pick was for the least urgent lane, and for one transaction of it.
            (_, 0) => 0,
            (ageing, picks) => max.min((ageing - 1 - picks) as usize),
        }
    }

    /// Counts transactions that came in a stretch after a pick.
    #[inline]
    pub(super) fn count(&mut self, transactions: usize) {
        if self.ageing != 0 {
            self.picks += transactions as u32;
        }
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
    fn a_stretch_ends_before_the_pick_of_the_least_urgent_lane() {
        let mut picker = Picker::new(4);
        assert!(!picker.next_is_aged());
        assert_eq!((picker.stretch(32), picker.stretch(1)), (2, 1));
        picker.count(2);
        assert_eq!(picker.stretch(32), 0);
        assert!(picker.next_is_aged());
        assert_eq!(picker.stretch(32), 0);
        assert_eq!(Picker::new(0).stretch(32), 32);
    }

    #[test]
    fn without_ageing_priority_is_strict() {
        let mut picker = Picker::new(0);
        assert!((0..100).all(|_| select(0b1010, picker.next_is_aged()) == 1));
    }
}
