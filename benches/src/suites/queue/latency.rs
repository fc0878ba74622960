//! How long one enqueue takes: alone, in a crowd, and many in a row.
//!
//! Single calls are timed with the processor's counter around each, and the median of two readings without a
//! call between them is taken off. `amortised` fills an empty queue and divides, so it reads the clock twice.

use super::load::Patience;
use super::side::{Push, RUN, Side, Take};
use crate::sample::Summary;
use crate::suites::Plan;
use crate::suites::ticks::{Ticks, ticks};
use duochain::env::{Clock, SystemClock};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Room of every queue.
pub(super) const CELLS: usize = 262_144;
/// Producers of a crowd.
pub(super) const CROWD: usize = 256;
/// How long a crowd is watched.
const CROWD_NANOS: usize = 500_000_000;
/// How often a queue is filled for the times of single calls.
const FILLS: usize = 4;

/// Times by size: exact below 64 ticks, above to a thirty-second.
pub(super) struct Histogram(Box<[u32; Self::BUCKETS]>);

impl Histogram {
    const EXACT: u64 = 64;
    const PARTS: u64 = 32;
    const BUCKETS: usize = (Self::EXACT + 58 * Self::PARTS) as usize;

    fn new() -> Self {
        Self(Box::new([0; Self::BUCKETS]))
    }

    #[inline]
    fn add(&mut self, value: u64) {
        self.0[Self::bucket(value)] += 1;
    }

    const fn bucket(value: u64) -> usize {
        if value < Self::EXACT {
            return value as usize;
        }
        let power = value.ilog2() as u64;
        (Self::EXACT + (power - 6) * Self::PARTS + (value >> (power - 5)) % Self::PARTS) as usize
    }

    /// Middle of a bucket.
    fn value(bucket: usize) -> f64 {
        let Some(above) = (bucket as u64).checked_sub(Self::EXACT) else { return bucket as f64 };
        let (power, part) = (6 + above / Self::PARTS, above % Self::PARTS);
        (Self::PARTS + part) as f64 * 2_f64.powi(power as i32 - 5) + 2_f64.powi(power as i32 - 6)
    }

    fn merge(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(mine, theirs)| *mine += theirs);
        self
    }

    /// The value that `share` of all are not above; `None` without any.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let total: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let rank = ((total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        self.0.iter().enumerate().find_map(|(bucket, count)| {
            seen += u64::from(*count);
            (seen >= rank).then(|| Self::value(bucket))
        })
    }
}

#[inline]
fn timed_push(queue: &mut impl Push, item: u32, times: &mut Histogram) -> bool {
    let begun = ticks();
    let accepted = queue.push(item);
    let spent = ticks().wrapping_sub(begun);
    if accepted {
        times.add(spent);
    }
    accepted
}

fn empty(queue: &mut impl Take) {
    while queue.take(|_| ()) > 0 {}
}

/// One producer and an empty queue; nobody takes meanwhile.
pub(super) fn alone<S: Side>(plan: Plan) -> Histogram {
    let queue = S::new(CELLS, 1);
    let (mut input, mut output) = (queue.producer(), queue.consumer());
    let mut times = Histogram::new();
    for _ in 0..plan.count(FILLS) {
        for item in 0..CELLS as u32 {
            timed_push(&mut input, item, &mut times);
        }
        empty(&mut output);
    }
    times
}

/// [`CROWD`] producers and one consumer.
pub(super) fn crowded<S: Side>(plan: Plan) -> Histogram {
    let queue = S::new(CELLS, 1);
    let (over, begin) = (AtomicBool::new(false), Barrier::new(CROWD + 1));
    thread::scope(|scope| {
        let produce = |who: usize| {
            let mut input = queue.producer();
            let (over, begin) = (&over, &begin);
            move || {
                let (mut times, mut patience) = (Histogram::new(), Patience::default());
                begin.wait();
                while !over.load(Ordering::Relaxed) {
                    if timed_push(&mut input, who as u32, &mut times) {
                        patience = Patience::default();
                    } else {
                        patience.lose();
                    }
                }
                times
            }
        };
        let producers: Vec<_> = (0..CROWD).map(|who| scope.spawn(produce(who))).collect();
        let mut output = queue.consumer();
        let mut patience = Patience::default();
        begin.wait();
        let clock = SystemClock::new();
        while clock.now().as_nanos() < plan.count(CROWD_NANOS) as u64 {
            if output.take(|_| ()) > 0 {
                patience = Patience::default();
            } else {
                patience.lose();
            }
        }
        over.store(true, Ordering::Relaxed);
        let each = producers.into_iter().map(|producer| producer.join().expect("no panic"));
        each.fold(Histogram::new(), |all, one| all.merge(&one))
    })
}

/// Nanoseconds of one of [`CELLS`] calls in a row into an empty queue.
pub(super) fn amortised<S: Side>(plan: Plan) -> f64 {
    fill_in_a_row::<S>(plan, CELLS, |input, call| input.push(call))
}

/// The same of one item of a run, by runs of [`RUN`].
pub(super) fn amortised_by_runs<S: Side>(plan: Plan) -> f64 {
    let run = |call: u32| -> [u32; RUN] { std::array::from_fn(|n| call * RUN as u32 + n as u32) };
    let per_run = fill_in_a_row::<S>(plan, CELLS / RUN, |input, call| input.push_run(&run(call)) == RUN);
    per_run / RUN as f64
}

/// Nanoseconds of one of so many calls that follow each other.
fn fill_in_a_row<S: Side>(plan: Plan, calls: usize, mut put: impl FnMut(&mut S::In<'_>, u32) -> bool) -> f64 {
    let queue = S::new(CELLS, 1);
    let (mut input, mut output) = (queue.producer(), queue.consumer());
    let fills = plan.count(FILLS);
    let mut each = Vec::new();
    // The first fill touches the memory and is not counted.
    for fill in 0..=fills {
        let clock = SystemClock::new();
        let mut some = 0;
        for call in 0..calls as u32 {
            some += u64::from(put(&mut input, call));
        }
        if fill > 0 {
            each.push(clock.now().as_nanos() as f64 / some as f64);
        }
        empty(&mut output);
    }
    // The median, for a fill that another process interrupts takes several times as long.
    Summary::of(&each).map_or(f64::NAN, |summary| summary.median)
}

/// Ticks as nanoseconds, without what reading the counter costs.
pub(super) fn nanos(ticks: &Ticks, value: f64) -> f64 {
    ticks.nanos((value - ticks.overhead).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::super::side::{Runs, Single};
    use super::*;

    const QUICK: Plan = Plan { quick: true };

    #[test]
    fn a_bucket_is_at_most_a_thirty_second_wide() {
        for value in [0, 1, 63, 64, 65, 1_000, 123_456_789, u64::MAX >> 1] {
            let middle = Histogram::value(Histogram::bucket(value));
            assert!((middle - value as f64).abs() <= value as f64 / 32.0 + 0.5, "{value}: {middle}");
        }
    }

    #[test]
    fn quantiles_of_a_histogram_are_those_of_its_values() {
        let mut times = Histogram::new();
        assert_eq!(times.quantile(0.5), None);
        (1..=50).for_each(|value| times.add(value));
        let shown = [0.0, 0.5, 0.99, 1.0].map(|share| times.quantile(share).expect("fifty values"));
        assert_eq!(shown, [1.0, 25.0, 50.0, 50.0]);
    }

    #[test]
    fn every_kind_of_latency_has_a_figure() {
        assert!(alone::<Single>(QUICK).quantile(0.5).is_some());
        assert!(crowded::<Single>(QUICK).quantile(0.999).is_some());
        assert!(amortised::<Single>(QUICK) > 0.0 && amortised_by_runs::<Runs>(QUICK) > 0.0);
    }
}
