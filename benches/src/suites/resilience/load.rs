//! One repetition: threads that call through one side, for a fixed number of calls each.

use super::side::Side;
use crate::sample::quantile;
use crate::suites::ticks::{Ticks, ticks};
use duochain::env::{Clock, SystemClock};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

/// Nanoseconds of a thread for one call, all threads at the same side.
pub(super) fn cost<S: Side>(threads: usize, calls: usize) -> f64 {
    let side = S::new();
    let (side, barrier, clock) = (&side, &Barrier::new(threads), &SystemClock::new());
    let spent = &AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(move || {
                barrier.wait();
                let begun = clock.now();
                for _ in 0..calls {
                    assert!(side.once(), "everything is let through");
                }
                spent.fetch_add(clock.now().since(begun).as_nanos() as u64, Ordering::Relaxed);
            });
        }
    });
    spent.load(Ordering::Relaxed) as f64 / (threads * calls) as f64
}

/// Calls that are timed together for the p99: a clock costs more than a call.
const TOGETHER: usize = 16;

/// The 99th percentile of groups of calls, per call.
pub(super) fn p99<S: Side>(calls: usize) -> f64 {
    let (side, scale) = (S::new(), Ticks::calibrate());
    let mut times: Vec<f64> = (0..calls / TOGETHER)
        .map(|_| {
            let begun = ticks();
            for _ in 0..TOGETHER {
                assert!(side.once(), "everything is let through");
            }
            ticks().wrapping_sub(begun) as f64 - scale.overhead
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    scale.nanos(quantile(&times, 0.99).unwrap_or_default()) / TOGETHER as f64
}

#[cfg(test)]
mod tests {
    use super::super::side::*;
    use super::*;

    fn works<S: Side>() {
        assert!(cost::<S>(2, 1_000) > 0.0);
        assert!(p99::<S>(1_600) > 0.0);
    }

    #[test]
    fn every_side_lets_every_call_through() {
        works::<OurLimiter>();
        works::<OurBreaker>();
        works::<OurBulkhead>();
        works::<OurStack>();
        works::<ReadingTwice>();
        works::<StackReadingTwice>();
        works::<TheirStack>();
        works::<Failsafe>();
        works::<recloser::Recloser>();
        works::<tokio::sync::Semaphore>();
    }
}
