//! One repetition: threads that take buffers and give them back, for a fixed time.

use super::side::Side;
use crossbeam_queue::ArrayQueue;
use duochain::env::{Clock, SystemClock};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

/// Buffers that go from thread to thread at a time, so that what hands them over costs little and the same
/// for all.
const HANDED: usize = 32;
/// Room between two threads, in groups of that many.
const GROUPS: usize = 16;

/// Who gives back, and how many are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// The thread that took them, after it has taken so many.
    Hold(usize),
    /// Another thread: half of the threads take, and each of the others gives back what one of them took.
    HandOver,
}

/// Runs for about so long and gives the buffers that were taken and given back, and the seconds.
pub(super) fn run<S: Side>(bytes: usize, threads: usize, pattern: Pattern, nanos: u64) -> (u64, f64) {
    let pool = S::new(bytes);
    let pool = &pool;
    let course = &Course::new(threads);
    thread::scope(|scope| {
        match pattern {
            Pattern::Hold(1) => (0..threads).for_each(|_| drop(scope.spawn(|| course.hold::<S, 1>(pool)))),
            Pattern::Hold(_) => {
                (0..threads).for_each(|_| drop(scope.spawn(|| course.hold::<S, HANDED>(pool))));
            }
            Pattern::HandOver => {
                for _ in 0..threads / 2 {
                    let between = Arc::new(ArrayQueue::new(GROUPS));
                    let to = Arc::clone(&between);
                    scope.spawn(move || course.take(pool, &to));
                    scope.spawn(move || course.give(pool, &between));
                }
            }
        }
        course.begin.wait();
        thread::sleep(Duration::from_nanos(nanos));
        course.over.store(true, Ordering::Relaxed);
    });
    let seconds = course.end.load(Ordering::Relaxed) - course.begun.load(Ordering::Relaxed);
    (course.pairs.load(Ordering::Relaxed), seconds as f64 / 1e9)
}

struct Course {
    begin: Barrier,
    over: AtomicBool,
    pairs: AtomicU64,
    clock: SystemClock,
    /// When the first thread began and the last one ended.
    begun: AtomicU64,
    end: AtomicU64,
}

type Group<'a, S> = [<S as Side>::Buffer<'a>; HANDED];

impl Course {
    fn new(threads: usize) -> Self {
        Self {
            begin: Barrier::new(threads + 1),
            over: AtomicBool::new(false),
            pairs: AtomicU64::new(0),
            clock: SystemClock::new(),
            begun: AtomicU64::new(u64::MAX),
            end: AtomicU64::new(0),
        }
    }

    fn begin(&self) {
        self.begin.wait();
        self.begun.fetch_min(self.clock.now().as_nanos(), Ordering::Relaxed);
    }

    fn end(&self, pairs: u64) {
        self.end.fetch_max(self.clock.now().as_nanos(), Ordering::Relaxed);
        self.pairs.fetch_add(pairs, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn hold<S: Side, const COUNT: usize>(&self, pool: &S) {
        let mut pairs = 0;
        self.begin();
        while !self.is_over() {
            for _ in 0..HANDED / COUNT {
                let held: [S::Buffer<'_>; COUNT] = std::array::from_fn(|_| pool.acquire());
                held.into_iter().for_each(|buffer| pool.release(buffer));
            }
            pairs += HANDED as u64;
        }
        self.end(pairs);
    }

    fn take<'a, S: Side>(&self, pool: &'a S, to: &ArrayQueue<Group<'a, S>>) {
        self.begin();
        while !self.is_over() {
            let mut group = std::array::from_fn(|_| pool.acquire());
            while let Err(back) = to.push(group) {
                if self.is_over() {
                    return back.into_iter().for_each(|buffer| pool.release(buffer));
                }
                group = back;
                thread::yield_now();
            }
        }
    }

    fn give<'a, S: Side>(&self, pool: &'a S, from: &ArrayQueue<Group<'a, S>>) {
        let mut pairs = 0;
        self.begin();
        while !self.is_over() {
            let Some(group) = from.pop() else {
                thread::yield_now();
                continue;
            };
            group.into_iter().for_each(|buffer| pool.release(buffer));
            pairs += HANDED as u64;
        }
        self.end(pairs);
        while let Some(group) = from.pop() {
            group.into_iter().for_each(|buffer| pool.release(buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::side::{Array, Glibc, Jemalloc, Maker, Mimalloc, Ours, ShardedSlab, ThreadLocal};
    use super::*;

    const NANOS: u64 = 2_000_000;

    fn works<S: Side>() {
        for (threads, pattern) in [(1, Pattern::Hold(1)), (2, Pattern::Hold(32)), (2, Pattern::HandOver)] {
            // On a machine with much else to do, longer.
            let runs =
                [1, 10, 100, 1_000].map(|times| move || run::<S>(256, threads, pattern, NANOS * times));
            assert!(runs.into_iter().any(|run| run().0 > 0), "{pattern:?}");
        }
    }

    #[test]
    fn every_side_serves_every_pattern() {
        works::<Ours>();
        works::<Mimalloc>();
        works::<Jemalloc>();
        works::<Glibc>();
        works::<ShardedSlab>();
        works::<opool::Pool<Maker, Box<[u8]>>>();
        works::<Array>();
        let (pairs, _) = run::<ThreadLocal>(256, 2, Pattern::Hold(32), NANOS);
        assert!(pairs > 0);
    }
}
