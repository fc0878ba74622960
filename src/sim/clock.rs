//! A machine's two clocks: one that only goes forward, at its own speed, and one that says the date and
//! jumps.

use super::agenda::Nanos;
use crate::types::{Tick, UnixNanos};

/// The date at which runs begin: 2030-01-01.
const BEGIN: u64 = 1_893_456_000_000_000_000;
const BILLION: u128 = 1_000_000_000;

/// The clocks of one machine.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// How many nanoseconds it counts in a second.
    speed: u128,
    /// When this process began to count.
    started: Nanos,
    /// How far the date is off, from jumps.
    shift: i64,
}

impl Clock {
    /// A clock that is fast by `drift` millionths, or slow.
    pub(super) fn new(drift: i64) -> Self {
        let speed = 1_000_000_000 + drift.clamp(-500_000, 500_000) * 1_000;
        Self { speed: speed.unsigned_abs().into(), started: 0, shift: 0 }
    }

    /// A new process counts from zero.
    pub(super) const fn start(&mut self, now: Nanos) {
        self.started = now;
    }

    /// The monotonic time of this process.
    pub(super) fn tick(&self, now: Nanos) -> Tick {
        let elapsed = u128::from(now.saturating_sub(self.started));
        Tick::from_nanos(u64::try_from(elapsed * self.speed / BILLION).unwrap_or(u64::MAX))
    }

    /// The first instant at which [`Self::tick`] is not before `tick`.
    pub(super) fn instant(&self, tick: Tick) -> Nanos {
        let elapsed = (u128::from(tick.as_nanos()) * BILLION).div_ceil(self.speed);
        self.started.saturating_add(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    /// The date.
    pub(super) fn date(&self, now: Nanos) -> UnixNanos {
        let elapsed = u128::from(now) * self.speed / BILLION;
        let date = BEGIN.saturating_add(u64::try_from(elapsed).unwrap_or(u64::MAX));
        UnixNanos::new(date.saturating_add_signed(self.shift))
    }

    /// How long runs have gone on by the date; nothing while that is before their beginning.
    pub(super) fn age(&self, now: Nanos) -> Nanos {
        self.date(now).get().saturating_sub(BEGIN)
    }

    /// Moves the date, in either direction.
    pub(super) const fn jump(&mut self, by: i64) {
        self.shift = self.shift.saturating_add(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_never_early_at_any_speed() {
        for drift in [-400_000, -1, 0, 3, 250_000] {
            let mut clock = Clock::new(drift);
            clock.start(12_345);
            for nanos in [0, 1, 7, 150_000_000, 299_999_999] {
                let tick = Tick::from_nanos(nanos);
                let instant = clock.instant(tick);
                assert!(clock.tick(instant) >= tick, "drift {drift}, {nanos} ns");
            }
        }
    }

    #[test]
    fn a_jump_moves_the_date_and_not_the_monotonic_time() {
        let mut clock = Clock::new(0);
        let before = (clock.tick(500), clock.date(500));
        clock.jump(-400);
        assert_eq!(clock.tick(500), before.0);
        assert_eq!(clock.date(500).get(), before.1.get() - 400);
    }
}
