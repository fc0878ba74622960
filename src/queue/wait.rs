//! How long to wait, and how.

use crate::env::{Clock, SystemClock};
use crate::sync::spin_hint;
use crate::types::Tick;
use std::ops::RangeInclusive;
use std::time::Duration;

/// End of a waiting call. The clock is read only when a call really waits.
#[derive(Debug)]
pub(crate) struct Deadline {
    clock: SystemClock,
    end: Tick,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        let clock = SystemClock::new();
        Self { clock, end: clock.now().after(timeout) }
    }

    /// What is left; `None` when it is over.
    pub(super) fn left(&self) -> Option<Duration> {
        let left = self.end.since(self.clock.now());
        (!left.is_zero()).then_some(left)
    }
}

/// Pauses of one idle look: from some 0.3 to 17 us on current Intel processors. In a model each is a switch.
const PAUSES: RangeInclusive<u32> = if cfg!(modelled) { 1..=1 } else { 4..=256 };
/// A consumer that finds fewer after a pause has slow producers, who would gain nothing from a longer one.
const FOUND_FEW: usize = 16;
/// A consumer that finds as many has paused long enough.
const FOUND_MANY: usize = 512;

/// Adaptive pause of a consumer that found nothing.
///
/// A consumer is faster than its producers. One that looks again at once sits on the cache line that is being
/// written, and every swap has to fetch that line back. So it stays away for longer while that lets producers
/// get further ahead, and for a moment only when little comes anyway. The pause ends before a ring has filled.
#[derive(Debug)]
pub(super) struct Idle {
    pauses: u32,
    /// Found since the last pause.
    found: usize,
    enough: usize,
}

impl Idle {
    /// For a ring with so many cells.
    pub(super) fn new(cells: usize) -> Self {
        Self { pauses: *PAUSES.start(), found: 0, enough: FOUND_MANY.min(cells / 2) }
    }

    #[inline]
    pub(super) fn found(&mut self, count: usize) {
        self.found += count;
    }

    pub(super) fn pause(&mut self) {
        self.pauses = self.next_pauses();
        self.found = 0;
        for _ in 0..self.pauses {
            spin_hint();
        }
    }

    fn next_pauses(&self) -> u32 {
        let next = match self.found {
            found if found >= self.enough => self.pauses - self.pauses / 4,
            0..FOUND_FEW => self.pauses / 2,
            _ => self.pauses * 2,
        };
        next.clamp(*PAUSES.start(), *PAUSES.end())
    }
}

/// Most pauses after a lost race for a cell: about a quarter of a microsecond on current x86.
const RACE_PAUSES_MAX: u32 = if cfg!(modelled) { 1 } else { 4 };

/// Pause of a producer that lost the race for a cell. Meanwhile the winner fills the cells after it, whose
/// cache line it has; without the pause the line would go back and forth for every item.
#[derive(Debug, Default)]
pub(super) struct Contention {
    pauses: u32,
}

impl Contention {
    pub(super) fn pause(&mut self) {
        self.pauses = (self.pauses * 2).clamp(1, RACE_PAUSES_MAX);
        for _ in 0..self.pauses {
            spin_hint();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pauses after looks that each found so many.
    #[cfg(not(modelled))]
    fn pauses_after(cells: usize, finds: &[usize]) -> u32 {
        let mut idle = Idle::new(cells);
        for count in finds {
            idle.found(*count);
            idle.pause();
        }
        idle.pauses
    }

    #[cfg(not(modelled))]
    #[test]
    fn pauses_grow_while_that_lets_producers_get_ahead() {
        let (least, most) = (*PAUSES.start(), *PAUSES.end());
        assert_eq!(pauses_after(4096, &[100; 3]), least * 8);
        assert_eq!(pauses_after(4096, &[100; 50]), most);
        assert_eq!(pauses_after(4096, &[0; 50]), least);
        assert_eq!(pauses_after(4096, &[100, 100, 100, 0, 1]), least * 2);
    }

    #[cfg(not(modelled))]
    #[test]
    fn pauses_shrink_when_enough_has_come_or_the_ring_is_half_full() {
        let most = *PAUSES.end();
        let grown = [100; 50];
        assert_eq!(pauses_after(4096, &[&grown[..], &[FOUND_MANY]].concat()), most - most / 4);
        assert_eq!(pauses_after(64, &[32; 50]), *PAUSES.start(), "half of the ring each time");
    }

    #[test]
    fn a_deadline_without_time_is_over_and_an_endless_one_is_not() {
        assert_eq!(Deadline::after(Duration::ZERO).left(), None);
        assert!(Deadline::after(Duration::MAX).left().is_some());
    }
}
