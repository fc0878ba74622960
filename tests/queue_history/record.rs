//! Real threads, whose calls become a history.

use super::history::{Call, Mark, Stamps, Step};
use super::jolt::Jolts;
use super::subject::{Dice, Feeds, Refused, Takes};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What the threads do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) lanes: u8,
    /// Calls of each thread that puts in; a taker makes as many.
    pub(crate) calls: usize,
    /// Items of a batch, at most.
    pub(crate) batch_max: u64,
    /// Items of a batch that the queue publishes together, at most.
    pub(crate) run_max: usize,
    /// Close among the calls rather than after them.
    pub(crate) closes_early: bool,
    pub(crate) seed: u64,
}

/// Runs `feeders` and `takers` against each other until everything has been taken; answers all calls.
pub(crate) fn record<F: Feeds + Send, T: Takes + Send>(
    plan: Plan,
    feeders: Vec<F>,
    takers: Vec<T>,
    close: impl Fn() + Sync,
) -> Vec<Call> {
    let stamps = Stamps::default();
    let barrier = Barrier::new(feeders.len() + takers.len() + 1);
    let feeding = AtomicUsize::new(feeders.len());
    let mut history = Vec::new();
    thread::scope(|scope| {
        let (stamps, barrier, feeding) = (&stamps, &barrier, &feeding);
        let mut threads = Vec::new();
        for (number, feeder) in feeders.into_iter().enumerate() {
            threads.push(scope.spawn(move || {
                barrier.wait();
                let _jolts = Jolts::begin();
                let calls = feed(plan, number as u64, feeder, stamps);
                feeding.fetch_sub(1, Ordering::Release);
                calls
            }));
        }
        for (number, taker) in takers.into_iter().enumerate() {
            threads.push(scope.spawn(move || {
                barrier.wait();
                let _jolts = Jolts::begin();
                drain(plan, !(number as u64), taker, stamps)
            }));
        }
        let mut dice = Dice(plan.seed);
        barrier.wait();
        let patience = dice.roll(plan.calls as u64 * 20);
        let mut waited = 0;
        // With or without feeders: takers end only once the queue is closed.
        while feeding.load(Ordering::Acquire) > 0 && !(plan.closes_early && waited >= patience) {
            thread::yield_now();
            waited += 1;
        }
        history.push(stamps.around(|| {
            close();
            (Vec::new(), Mark::Closes)
        }));
        history.extend(threads.into_iter().flat_map(|thread| thread.join().expect("no panic")));
    });
    history
}

/// Anything from nothing to a change of the thread.
fn dawdle(dice: &mut Dice) {
    match dice.roll(16) {
        0 => thread::yield_now(),
        n @ 1..=3 => (0..n * 20).for_each(|_| std::hint::spin_loop()),
        _ => {}
    }
}

fn feed<F: Feeds>(plan: Plan, number: u64, mut feeder: F, stamps: &Stamps) -> Vec<Call> {
    let mut dice = Dice(plan.seed ^ number << 32);
    let mut value = number << 32;
    let mut calls = Vec::with_capacity(plan.calls);
    for _ in 0..plan.calls {
        dawdle(&mut dice);
        let lane = dice.roll(u64::from(plan.lanes)) as u8;
        let count = if dice.roll(4) == 0 { 1 + dice.roll(plan.batch_max) } else { 1 };
        let values: Vec<u64> = (value..value + count).collect();
        value += count;
        calls.push(stamps.around(|| {
            let (accepted, refused) = feeder.put(lane, &values);
            let runs = values[..accepted].chunks(plan.run_max);
            let mut steps: Vec<_> = runs.map(|run| (lane, Step::Put(run.to_vec()))).collect();
            let mark = if refused == Some(Refused::Closed) { Mark::Refused } else { Mark::None };
            if refused == Some(Refused::Full) {
                steps.push((lane, Step::Full));
            }
            (steps, mark)
        }));
    }
    calls
}

fn drain<T: Takes>(plan: Plan, number: u64, mut taker: T, stamps: &Stamps) -> Vec<Call> {
    let mut dice = Dice(plan.seed ^ number << 32);
    let mut calls = Vec::with_capacity(plan.calls);
    loop {
        dawdle(&mut dice);
        let max = if dice.roll(4) == 0 { 1 + dice.roll(40) as usize } else { 1 };
        let mut found = false;
        let call = stamps.around(|| {
            let taken = taker.take(max);
            found = !taken.is_empty();
            let take = |item: &super::subject::Taken| {
                (item.lane, Step::Take { value: item.value, sequence: item.sequence })
            };
            let mut steps: Vec<_> = taken.iter().map(take).collect();
            // Items that a broken queue hands out late leave it open whether lanes were empty.
            if taken.is_empty() || (max > 1 && taken.len() < max) {
                steps.extend((0..plan.lanes).map(|lane| (lane, Step::Empty)));
            }
            (steps, Mark::None)
        });
        calls.push(call);
        if found {
            continue;
        }
        let mut ended = false;
        let call = stamps.around(|| {
            ended = taker.is_ended();
            let lanes = if ended { plan.lanes } else { 0 };
            ((0..lanes).map(|lane| (lane, Step::Ended)).collect(), Mark::None)
        });
        if ended {
            calls.push(call);
            return calls;
        }
        // An empty queue would fill the history with nothing else.
        thread::yield_now();
    }
}
