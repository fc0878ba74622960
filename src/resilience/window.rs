//! Successes and failures of the last while, in buckets of time.
//!
//! # Model
//! Time is cut into [`BUCKETS`] buckets per window. A bucket is one word, so that its counts and the lap
//! they belong to change together:
//! ```text
//!  63          32 31        16 15         0
//! |     lap      |  failures  |   total    |
//! ```
//! Whoever comes first in a new lap starts the bucket again; what it held moves to the lifetime counts.
//!
//! # Invariants
//! I1 failures never exceed the total, in any bucket.
//! I2 of two threads that each count a failure and then sum, at least one sums both (a fence on each side).
//!
//! # Limits
//! A bucket that has seen [`FULL`] calls is halved: it keeps its rate and gives up half of its weight. Up to
//! 16,383 threads may be in the middle of a count at a time. A count that is late by a lap goes to the
//! bucket's present one. A bucket that nobody used for 2^31 windows would be taken for a later one.

use super::scale::Scale;
use crate::sync::atomic::{AtomicU64, Ordering, fence};
use crate::sync::{Mutant, has_mutant};
use crate::types::Tick;
use std::time::Duration;

/// Buckets of a window.
pub(super) const BUCKETS: usize = 16;
const BUCKET_BITS: u32 = BUCKETS.ilog2();
const _: () = assert!(BUCKETS.is_power_of_two());
/// Calls that a bucket counts before it is halved.
const FULL: u64 = 49_152;
/// So many calls are there in every window that has seen as many or more: halving leaves them.
pub(super) const CERTAIN: u32 = (FULL / 2) as u32;

const COUNT: u64 = 0xffff;
const FAILURE: u64 = 1 << 16;
const LAP_SHIFT: u32 = 32;

/// Counts of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) total: u64,
    pub(super) failures: u64,
}

const fn counts(word: u64) -> Counts {
    Counts { total: word & COUNT, failures: word >> 16 & COUNT }
}

/// The counts of one window, and of all time.
#[derive(Debug)]
pub(super) struct Window {
    buckets: [AtomicU64; BUCKETS],
    scale: Scale,
    past_total: AtomicU64,
    past_failures: AtomicU64,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        Self {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            scale: Scale::new(BUCKETS as u64, length.as_nanos() as u64),
            past_total: AtomicU64::new(0),
            past_failures: AtomicU64::new(0),
        }
    }

    /// Lap and bucket of a time.
    #[inline(always)]
    fn place(&self, now: Tick) -> (u32, usize) {
        let number = self.scale.units(now.as_nanos());
        ((number >> BUCKET_BITS) as u32, number as usize % BUCKETS)
    }

    /// Counts one call.
    #[inline]
    pub(super) fn count(&self, now: Tick, failed: bool) {
        let (lap, index) = self.place(now);
        let bucket = &self.buckets[index];
        let one = 1 + if failed { FAILURE } else { 0 };
        // Relaxed: counts publish nothing.
        let word = bucket.load(Ordering::Relaxed);
        if !is_before(word, lap) && word & COUNT < FULL {
            bucket.fetch_add(one, Ordering::Relaxed);
        } else {
            self.count_anew(bucket, lap, one);
        }
    }

    /// Counts one call in a bucket of an earlier lap, or in a full one.
    #[cold]
    fn count_anew(&self, bucket: &AtomicU64, lap: u32, one: u64) {
        let mut word = bucket.load(Ordering::Relaxed);
        loop {
            let Counts { total, failures } = counts(word);
            let kept = if is_before(word, lap) {
                u64::from(lap) << LAP_SHIFT
            } else if total >= FULL {
                (word >> LAP_SHIFT << LAP_SHIFT) | (failures / 2 * FAILURE) | (total / 2)
            } else {
                word
            };
            match bucket.compare_exchange_weak(word, kept + one, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => {
                    let left = counts(kept);
                    return self.retire(total - left.total, failures - left.failures);
                }
                Err(current) => word = current,
            }
        }
    }

    fn retire(&self, total: u64, failures: u64) {
        if total > 0 {
            self.past_total.fetch_add(total, Ordering::Relaxed);
            self.past_failures.fetch_add(failures, Ordering::Relaxed);
        }
    }

    /// Counts of the window that ends at `now`, as the thread that just counted has to see them.
    pub(super) fn judge(&self, now: Tick) -> Counts {
        if !has_mutant(Mutant::JudgeUnfenced) {
            // Pairs with itself on the other thread: I2.
            fence(Ordering::SeqCst);
        }
        self.sum(now)
    }

    /// Counts of the window that ends at `now`.
    pub(super) fn sum(&self, now: Tick) -> Counts {
        let (lap, index) = self.place(now);
        let mut sum = Counts::default();
        for (at, bucket) in self.buckets.iter().enumerate() {
            let word = bucket.load(Ordering::Relaxed);
            let oldest = if at <= index { lap } else { lap.wrapping_sub(1) };
            if !is_before(word, oldest) {
                let Counts { total, failures } = counts(word);
                sum.total += total;
                sum.failures += failures;
            }
        }
        sum
    }

    /// Counts of all time.
    pub(super) fn lifetime(&self) -> Counts {
        let mut sum = Counts {
            total: self.past_total.load(Ordering::Relaxed),
            failures: self.past_failures.load(Ordering::Relaxed),
        };
        for bucket in &self.buckets {
            let Counts { total, failures } = counts(bucket.load(Ordering::Relaxed));
            sum.total += total;
            sum.failures += failures;
        }
        sum
    }

    /// Starts the window again. Calls that are counted meanwhile may be given up.
    pub(super) fn clear(&self) {
        for bucket in &self.buckets {
            let word = bucket.load(Ordering::Relaxed);
            let before = counts(bucket.swap(word >> LAP_SHIFT << LAP_SHIFT, Ordering::Relaxed));
            self.retire(before.total, before.failures);
        }
    }
}

/// True when the bucket's word is of a lap before `lap`.
#[inline(always)]
fn is_before(word: u64, lap: u32) -> bool {
    (((word >> LAP_SHIFT) as u32).wrapping_sub(lap) as i32) < 0
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Tick {
        Tick::from_nanos(nanos)
    }

    #[test]
    fn counts_leave_the_window_bucket_by_bucket() {
        let window = Window::new(Duration::from_nanos(160));
        for nanos in 0..160 {
            window.count(at(nanos), nanos % 10 == 0);
        }
        assert_eq!(window.sum(at(159)), Counts { total: 160, failures: 16 });
        assert_eq!(window.sum(at(161)), Counts { total: 150, failures: 15 });
        assert_eq!(window.sum(at(309)), Counts { total: 10, failures: 1 });
        assert_eq!(window.sum(at(310)), Counts::default());
        assert_eq!(window.lifetime(), Counts { total: 160, failures: 16 });
    }

    #[test]
    fn a_full_bucket_is_halved_and_nothing_is_lost_for_all_time() {
        let window = Window::new(Duration::from_secs(16));
        for call in 0..200_000_u64 {
            window.count(at(5), call % 4 == 0);
        }
        let now = window.sum(at(5));
        assert!(now.total >= u64::from(CERTAIN) && now.total <= FULL, "{now:?}");
        assert!(now.failures.abs_diff(now.total / 4) < 10, "{now:?}");
        assert_eq!(window.lifetime(), Counts { total: 200_000, failures: 50_000 });
    }

    #[test]
    fn a_clock_that_goes_backwards_starts_no_bucket_again() {
        let window = Window::new(Duration::from_nanos(160));
        window.count(at(1_605), true);
        window.count(at(5), true);
        assert_eq!(window.sum(at(1_605)), Counts { total: 2, failures: 2 });
        window.clear();
        assert_eq!(window.sum(at(1_605)), Counts::default());
        assert_eq!(window.lifetime(), Counts { total: 2, failures: 2 });
    }

    #[test]
    fn the_last_tick_of_the_clock_is_a_time_like_any_other() {
        let window = Window::new(Duration::from_millis(100));
        window.count(at(u64::MAX), true);
        assert_eq!(window.sum(at(u64::MAX)), Counts { total: 1, failures: 1 });
    }
}
