//! The bulkhead beside a naive one, its line, and its waiters.

use super::*;
use crate::resilience::chance::{Chance, ManualClock};
use crate::resilience::{Acquire, Error};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

fn bulkhead(permits: u32, queue: u32) -> Arc<Bulkhead> {
    Arc::new(Bulkhead::new(BulkheadSettings { permits, queue }).expect("valid"))
}

#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll(acquire: &mut Acquire, wakes: &Arc<Wakes>) -> Poll<Result<OwnedSlot, Crowded>> {
    pin!(acquire).poll(&mut Context::from_waker(&Waker::from(Arc::clone(wakes))))
}

/// What one waiter is, in the naive bulkhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naive {
    Waiting,
    Served,
}

#[test]
fn permits_and_places_are_those_of_a_naive_line() {
    let mut lined_up = 0;
    for seed in 1..=60 {
        let mut chance = Chance(seed);
        let (permits, queue) = (1 + chance.below(3) as u32, chance.below(5) as u32);
        let ours = bulkhead(permits, queue);
        let mut slots: Vec<OwnedSlot> = Vec::new();
        // Waiters by number, in both; the line holds those that wait, in order.
        let mut waiters: Vec<(u64, Acquire, Arc<Wakes>)> = Vec::new();
        let mut naive: Vec<(u64, Naive)> = Vec::new();
        let mut line: VecDeque<u64> = VecDeque::new();
        let mut in_use = 0;
        let serve = |line: &mut VecDeque<u64>, naive: &mut Vec<(u64, Naive)>, in_use: &mut u32| {
            while *in_use < permits
                && let Some(number) = line.pop_front()
            {
                *in_use += 1;
                naive.iter_mut().find(|(n, _)| *n == number).expect("known").1 = Naive::Served;
            }
        };
        for number in 0..2_000 {
            match chance.below(5) {
                0 => {
                    let free = in_use < permits && line.is_empty();
                    match ours.try_acquire_owned() {
                        Ok(slot) => {
                            assert!(free, "seed {seed}");
                            slots.push(slot);
                            in_use += 1;
                        }
                        Err(crowded) => assert_eq!((crowded, free), (Crowded::Busy, false)),
                    }
                }
                1 => {
                    let (mut acquire, wakes) = (ours.acquire(), Arc::default());
                    match poll(&mut acquire, &wakes) {
                        Poll::Ready(Ok(slot)) => {
                            assert!(in_use < permits && line.is_empty(), "seed {seed}");
                            slots.push(slot);
                            in_use += 1;
                        }
                        Poll::Ready(Err(crowded)) => {
                            assert_eq!((crowded, line.len()), (Crowded::LineFull, queue as usize));
                        }
                        Poll::Pending => {
                            assert!(line.len() < queue as usize, "seed {seed}");
                            waiters.push((number, acquire, wakes));
                            naive.push((number, Naive::Waiting));
                            line.push_back(number);
                            lined_up += 1;
                        }
                    }
                }
                2 if !slots.is_empty() => {
                    drop(slots.swap_remove(chance.below(slots.len() as u64) as usize));
                    in_use -= 1;
                    serve(&mut line, &mut naive, &mut in_use);
                }
                3 if !waiters.is_empty() => {
                    let at = chance.below(waiters.len() as u64) as usize;
                    let (number, acquire, wakes) = &mut waiters[at];
                    let served = naive[at] == (*number, Naive::Served);
                    assert_eq!(wakes.0.load(Ordering::SeqCst) > 0, served, "seed {seed}: woken");
                    match poll(acquire, wakes) {
                        Poll::Ready(slot) => {
                            assert!(served, "seed {seed}");
                            slots.push(slot.expect("a place in line ends with a permit"));
                            drop(waiters.remove(at));
                            naive.remove(at);
                        }
                        Poll::Pending => assert!(!served, "seed {seed}"),
                    }
                }
                4 if !waiters.is_empty() => {
                    let at = chance.below(waiters.len() as u64) as usize;
                    drop(waiters.remove(at));
                    let (number, was) = naive.remove(at);
                    line.retain(|n| *n != number);
                    if was == Naive::Served {
                        in_use -= 1;
                        serve(&mut line, &mut naive, &mut in_use);
                    }
                }
                _ => {}
            }
            let stats = ours.stats();
            assert_eq!((stats.in_use, stats.waiting), (in_use, line.len() as u32), "seed {seed}");
        }
    }
    assert!(lined_up > 1_000, "hardly anybody stood in line: {lined_up}");
}

#[test]
fn a_permit_goes_to_the_waiter_in_front_and_past_one_that_left() {
    let bulkhead = bulkhead(1, 3);
    let wakes: Vec<Arc<Wakes>> = (0..3).map(|_| Arc::default()).collect();
    let slot = bulkhead.try_acquire_owned().expect("free");
    let mut waiters: Vec<Acquire> = (0..3).map(|_| bulkhead.acquire()).collect();
    for (waiter, wakes) in waiters.iter_mut().zip(&wakes) {
        assert!(poll(waiter, wakes).is_pending());
    }
    assert_eq!(bulkhead.try_acquire().expect_err("taken"), Crowded::Busy);
    drop(slot);
    assert_eq!(bulkhead.try_acquire().expect_err("handed over"), Crowded::Busy);
    drop(waiters.remove(0)); // it had been handed the permit
    assert_eq!(wakes.iter().map(|wakes| wakes.0.load(Ordering::SeqCst)).collect::<Vec<_>>(), [1, 1, 0]);
    let Poll::Ready(Ok(slot)) = poll(&mut waiters[0], &wakes[1]) else { panic!("its turn") };
    drop((slot, waiters));
    let stats = bulkhead.stats();
    assert_eq!((stats.in_use, stats.waiting, stats.left, stats.taken), (0, 0, 2, 4));
}

#[test]
fn a_blocking_caller_times_out_and_leaves_the_line() {
    let (clock, bulkhead) = (ManualClock::default(), bulkhead(1, 1));
    let slot = bulkhead.try_acquire().expect("free");
    let wait = |millis| bulkhead.acquire_blocking(&clock, Duration::from_millis(millis)).map(drop);
    assert_eq!(wait(0), Err(Crowded::Busy));
    assert_eq!(wait(50), Err(Crowded::Timeout));
    let mut first = bulkhead.acquire();
    assert!(poll(&mut first, &Arc::default()).is_pending());
    assert_eq!(wait(50), Err(Crowded::LineFull));
    drop((first, slot));
    assert_eq!(wait(50), Ok(()));
    assert_eq!((bulkhead.stats().in_use, bulkhead.stats().waiting), (0, 0));
}

#[test]
fn threads_in_line_all_get_their_turn_and_never_more_than_allowed() {
    let (clock, bulkhead) = (crate::env::SystemClock::new(), bulkhead(2, 16));
    let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let slot = bulkhead.acquire_blocking(&clock, Duration::MAX).expect("a place in line");
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(slot);
                }
            });
        }
    });
    assert!(most.load(Ordering::SeqCst) <= 2);
    assert_eq!((bulkhead.stats().taken, bulkhead.stats().in_use), (3_000, 0));
}

#[test]
fn the_count_of_permits_taken_goes_on_after_its_32_bits() {
    let bulkhead = bulkhead(1, 0);
    bulkhead.word.store((u64::MAX >> TAKEN_SHIFT) << TAKEN_SHIFT, crate::sync::atomic::Ordering::Relaxed);
    drop(bulkhead.try_acquire().expect("free"));
    drop(bulkhead.try_acquire().expect("free"));
    assert_eq!(bulkhead.stats().taken, (1 << 32) + 1);
}

#[test]
fn settings_outside_of_their_range_are_named() {
    let cases = [
        ("bulkhead permits", 0, 0),
        ("bulkhead permits", PERMITS_MAX + 1, 0),
        ("bulkhead queue", 1, QUEUE_MAX + 1),
    ];
    for (name, permits, queue) in cases {
        let Err(Error::Config { setting, .. }) = Bulkhead::new(BulkheadSettings { permits, queue }) else {
            panic!("{name} was accepted")
        };
        assert_eq!(setting, name);
    }
}
