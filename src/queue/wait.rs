//! How long to wait, and how.

use crate::env::{Clock, SystemClock};
use crate::sync::spin_hint;
use crate::types::Tick;
use std::time::Duration;

/// End of a waiting call. The clock is read only when a call really waits.
#[derive(Debug)]
pub(super) struct Deadline {
    clock: SystemClock,
    end: Tick,
}

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        let clock = SystemClock::new();
        Self { clock, end: clock.now().after(timeout) }
    }

    /// What is left; `None` when it is over.
    pub(super) fn left(&self) -> Option<Duration> {
        let left = self.end.since(self.clock.now());
        (!left.is_zero()).then_some(left)
    }
}

/// Most pauses of one idle look: about a microsecond on current x86. In a model every pause is a switch.
const PAUSES_MAX: u32 = if cfg!(modelled) { 1 } else { 32 };
/// Items in a row after which the pauses are halved.
const RUN_LONG: u32 = 64;

/// Adaptive pause of a consumer that found nothing. It grows while the queue keeps running dry, so that
/// producers get ahead and the consumer stays off the cache line being written; it shrinks in long runs.
#[derive(Debug, Default)]
pub(super) struct Idle {
    pauses: u32,
    run: u32,
}

impl Idle {
    #[inline]
    pub(super) fn found(&mut self) {
        self.run += 1;
        if self.run == RUN_LONG {
            self.run = 0;
            self.pauses /= 2;
        }
    }

    pub(super) fn pause(&mut self) {
        self.run = 0;
        self.pauses = (self.pauses * 2).clamp(1, PAUSES_MAX);
        for _ in 0..self.pauses {
            spin_hint();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_dry_and_shrink_in_long_runs() {
        let mut idle = Idle::default();
        for _ in 0..10 {
            idle.pause();
        }
        assert_eq!(idle.pauses, PAUSES_MAX);
        for _ in 0..RUN_LONG * 3 {
            idle.found();
        }
        assert_eq!(idle.pauses, PAUSES_MAX / 8);
    }

    #[test]
    fn a_deadline_without_time_is_over_and_an_endless_one_is_not() {
        assert_eq!(Deadline::after(Duration::ZERO).left(), None);
        assert!(Deadline::after(Duration::MAX).left().is_some());
    }
}
