//! One repetition: a number of items through a queue, from some threads to others.
//!
//! An item says who sent it and, in its lower bits, how many that producer had sent before. With one consumer
//! the order of every producer is checked. After a refusal every side does the same: it looks again a few
//! times, then lets other threads run.

use super::side::{Push, Side, Take};
use crate::AnyError;
use duochain::env::{Clock, SystemClock};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;

/// Looks after a refusal before other threads may run.
const SPINS: u32 = 8;
/// How often a consumer says how far it has come with a producer.
const REPORT_EVERY: u32 = 1 << 10;

/// Threads, room and items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) producers: usize,
    pub(super) consumers: usize,
    pub(super) cells: usize,
    pub(super) items: u64,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) items: u64,
    pub(super) seconds: f64,
    /// Time ran out.
    pub(super) stalled: bool,
}

impl Load {
    /// Time after which a queue that has not let all items through is said to stall.
    pub(super) const SECONDS_MAX: f64 = 4.0;

    /// Bits of an item below its producer: in all, items stay below [`super::side::HANDLES`].
    pub(super) const fn sequence_bits(self) -> u32 {
        let bits = 22 - self.producers.next_power_of_two().trailing_zeros();
        if bits < 18 { bits } else { 18 }
    }

    const fn items_each(self) -> u64 {
        self.items / self.producers as u64
    }
}

/// What the threads of a repetition share.
struct Course {
    load: Load,
    clock: SystemClock,
    begin: Barrier,
    over: AtomicBool,
    taken: AtomicU64,
    /// Nanoseconds at which the first thread began, and at which the last item had come.
    begun: AtomicU64,
    end: AtomicU64,
    /// For each producer, how many of its items have been taken, up to [`REPORT_EVERY`] less.
    passed: Vec<Passed>,
}

#[repr(align(128))]
struct Passed(AtomicU32);

impl Course {
    fn new(load: Load) -> Self {
        Self {
            load,
            clock: SystemClock::new(),
            begin: Barrier::new(load.producers + load.consumers + 1),
            over: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            begun: AtomicU64::new(u64::MAX),
            end: AtomicU64::new(0),
            passed: (0..load.producers).map(|_| Passed(AtomicU32::new(0))).collect(),
        }
    }

    fn begin(&self) {
        self.begin.wait();
        self.begun.fetch_min(self.clock.now().as_nanos(), Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn item(&self, who: usize, number: u64) -> u32 {
        let bits = self.load.sequence_bits();
        (who as u32) << bits | (number as u32 & ((1 << bits) - 1))
    }

    fn produce(&self, who: usize, queue: &mut impl Push) {
        let mut patience = Patience::default();
        let mut number = 0;
        self.begin();
        while number < self.load.items_each() {
            if queue.push(self.item(who, number)) {
                number += 1;
                patience = Patience::default();
            } else if self.is_over() {
                return;
            } else {
                patience.lose();
            }
        }
    }

    /// As [`produce`](Self::produce) by runs. An item that is still in the queue is not sent again, as a host's
    /// slab would see to.
    fn produce_runs<const RUN: usize>(&self, who: usize, queue: &mut impl Push) {
        let in_flight_max = (1 << self.load.sequence_bits()) - REPORT_EVERY - RUN as u32;
        let mut patience = Patience::default();
        let (mut number, mut passed) = (0, 0);
        self.begin();
        while number < self.load.items_each() {
            let run: [u32; RUN] = std::array::from_fn(|n| self.item(who, number + n as u64));
            let len = (self.load.items_each() - number).min(RUN as u64) as usize;
            let has_credit = |passed: u32| (number as u32).wrapping_sub(passed) <= in_flight_max;
            if !has_credit(passed) {
                // Acquire: pairs with the Release in `consume`, so the items are ours again.
                passed = self.passed[who].0.load(Ordering::Acquire);
            }
            let accepted = if has_credit(passed) { queue.push_run(&run[..len]) } else { 0 };
            number += accepted as u64;
            if accepted > 0 {
                patience = Patience::default();
            } else if self.is_over() {
                return;
            } else {
                patience.lose();
            }
        }
    }

    fn consume(&self, queue: &mut impl Take) -> Result<(), String> {
        let bits = self.load.sequence_bits();
        let (mask, all) = ((1 << bits) - 1, self.load.items_each() * self.load.producers as u64);
        let mut next = vec![0_u32; self.load.producers];
        let mut patience = Patience::default();
        let mut wrong = None;
        self.begin();
        while !self.is_over() {
            let count = queue.take(|item| {
                let who = (item >> bits) as usize;
                if self.load.consumers == 1 && item & mask != next[who] & mask {
                    wrong = Some(item);
                }
                next[who] = next[who].wrapping_add(1);
                if next[who].is_multiple_of(REPORT_EVERY) {
                    // Release: pairs with the Acquire in `produce_runs`.
                    self.passed[who].0.store(next[who], Ordering::Release);
                }
            });
            if count == 0 {
                patience.lose();
                if self.clock.now().as_nanos() as f64 > Load::SECONDS_MAX * 1e9 {
                    self.over.store(true, Ordering::Relaxed);
                }
                continue;
            }
            patience = Patience::default();
            if self.taken.fetch_add(count as u64, Ordering::Relaxed) + count as u64 == all {
                self.end.store(self.clock.now().as_nanos(), Ordering::Relaxed);
                self.over.store(true, Ordering::Relaxed);
            }
        }
        wrong.map_or(Ok(()), |item| Err(format!("item {item:#x} was lost, doubled or overtaken")))
    }
}

/// What a thread does that was refused.
#[derive(Default)]
pub(super) struct Patience(u32);

impl Patience {
    pub(super) fn lose(&mut self) {
        self.0 += 1;
        if self.0 <= SPINS { std::hint::spin_loop() } else { thread::yield_now() }
    }
}

/// Runs a load one item at a time.
pub(super) fn run<S: Side>(load: Load) -> Result<Outcome, AnyError> {
    run_with::<S>(load, |course, who, queue| course.produce(who, queue))
}

/// Runs a load by runs of that many.
pub(super) fn run_by_runs<S: Side, const RUN: usize>(load: Load) -> Result<Outcome, AnyError> {
    run_with::<S>(load, |course, who, queue| course.produce_runs::<RUN>(who, queue))
}

fn run_with<S: Side>(
    load: Load,
    produce: impl Fn(&Course, usize, &mut S::In<'_>) + Sync,
) -> Result<Outcome, AnyError> {
    let queue = S::new(load.cells, load.consumers);
    let (course, produce) = (Course::new(load), &produce);
    let (queue, course) = (&queue, &course);
    thread::scope(|scope| {
        let mut consumers = Vec::new();
        for _ in 0..load.consumers {
            let mut end = queue.consumer();
            consumers.push(scope.spawn(move || course.consume(&mut end)));
        }
        for who in 0..load.producers {
            let mut end = queue.producer();
            scope.spawn(move || produce(course, who, &mut end));
        }
        course.begin.wait();
        consumers.into_iter().try_for_each(|consumer| consumer.join().expect("no panic"))
    })?;
    let items = course.taken.load(Ordering::Relaxed);
    let stalled = items < load.items_each() * load.producers as u64;
    let end = if stalled { course.clock.now().as_nanos() } else { course.end.load(Ordering::Relaxed) };
    Ok(Outcome { items, seconds: (end - course.begun.load(Ordering::Relaxed)) as f64 / 1e9, stalled })
}

#[cfg(test)]
mod tests {
    use super::super::side::{CrossfireMpmc, CrossfireMpsc, Flume, Kanal, Locked, RUN, Runs, Single};
    use super::*;

    const SMALL: Load = Load { producers: 3, consumers: 1, cells: 64, items: 30_000 };

    fn passes<S: Side>(load: Load) {
        let outcome = run::<S>(load).expect("in order");
        assert_eq!((outcome.items, outcome.stalled), (load.items, false));
    }

    #[test]
    fn every_side_carries_all_items_in_order() {
        passes::<Single>(SMALL);
        passes::<crossbeam_queue::ArrayQueue<u32>>(SMALL);
        passes::<concurrent_queue::ConcurrentQueue<u32>>(SMALL);
        passes::<lfqueue::AllocBoundedQueue<u32>>(SMALL);
        passes::<CrossfireMpsc>(SMALL);
        passes::<Flume>(SMALL);
        passes::<Kanal>(SMALL);
        passes::<Locked>(SMALL);
        let several = Load { consumers: 2, ..SMALL };
        passes::<Single>(several);
        passes::<CrossfireMpmc>(several);
    }

    #[test]
    fn runs_carry_all_items_in_order_and_reuse_none_too_early() {
        let outcome = run_by_runs::<Runs, RUN>(Load { items: 3_000_000, ..SMALL }).expect("in order");
        assert_eq!((outcome.items, outcome.stalled), (3_000_000, false));
    }

    /// Takes what it is given and hands nothing out.
    struct Hole;

    impl Side for Hole {
        type In<'a> = Self;
        type Out<'a> = Self;

        fn new(_cells: usize, _consumers: usize) -> Self {
            Self
        }

        fn producer(&self) -> Self {
            Self
        }

        fn consumer(&self) -> Self {
            Self
        }
    }

    impl Push for Hole {
        fn push(&mut self, _item: u32) -> bool {
            false
        }
    }

    impl Take for Hole {
        fn take(&mut self, _found: impl FnMut(u32)) -> usize {
            0
        }
    }

    #[test]
    fn a_queue_that_stalls_is_reported_and_ends() {
        let outcome = run::<Hole>(SMALL).expect("nothing came, so nothing came wrong");
        assert_eq!((outcome.items, outcome.stalled), (0, true));
    }

    #[test]
    fn items_of_all_producers_are_handles() {
        for producers in [1, 3, 4, 64, 256] {
            let load = Load { producers, ..SMALL };
            let largest = Course::new(load).item(producers - 1, u64::MAX);
            assert!((largest as usize) < super::super::side::HANDLES, "{producers}: {largest}");
            assert!(1 << load.sequence_bits() > 4 * REPORT_EVERY, "{producers}");
        }
    }
}
