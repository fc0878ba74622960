//! Histories of real threads on a queue, held against a bounded queue that does one thing at a time.
//!
//! `cargo test --test queue_history`; `DUOCHAIN_HISTORY_ROUNDS=2000` for a long run (50 without it, some ten seconds).
//!
//! | claim | checked as |
//! |---|---|
//! | first in first out across producers, each item once ([`TxQueue`](duochain::queue::TxQueue) I1) | every put and take at an instant of its call |
//! | full is exact (I2) | an instant of the call at which every cell holds an item, or a run that was not begun |
//! | `None`, and a drain that found less than it may | an instant of the call for each lane, not one for all: no more is promised |
//! | a batch is in order; others may come in between, but not into a run of it that shares a cell (`run_max`) | one step after the other, a run being one step that takes one cell |
//! | close (I3) | who begins after it is refused, nobody is refused before it; the end is final in each lane |
//!
//! Which lane is taken from first is a matter of priority, of which nothing is promised among threads.
//!
//! The checker is tried on histories made by hand (`wrong`) and on queues that go wrong now and then.
#![expect(unsafe_code, reason = "signals are the only way to interrupt a thread anywhere")]

mod history;
mod jolt;
mod record;
mod search;
mod spec;
mod subject;
mod wrong;

use duochain::queue::Consumers;
use history::{Call, Step, check_closing, of_lane};
use record::{Plan, record};
use search::{Verdict, search};
use spec::{Fifo, Freed, Numbered, Shape};
use subject::{Broken, Fault, Feeder, queue};

/// Threads and lanes of one kind of history.
#[derive(Clone, Copy, Debug)]
struct Scene {
    cells: usize,
    lanes: u8,
    feeders: u64,
    takers: usize,
    /// Calls of a thread: few for [`Fifo`], which sees every order; many for [`Numbered`].
    calls: usize,
    /// Items of a batch that share a cell, at most.
    run_max: usize,
}

fn rounds() -> u64 {
    std::env::var("DUOCHAIN_HISTORY_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(50)
}

impl Scene {
    fn consumers(self) -> Consumers {
        if self.takers == 1 { Consumers::One } else { Consumers::Many }
    }

    fn shape(self) -> Shape {
        // A consumer that opens a run has it in hand: the cell is free with the first item.
        Shape { cells: self.cells, run_max: self.run_max, freed: Freed::WithFirst }
    }

    fn plan(self, seed: u64) -> Plan {
        Plan {
            lanes: self.lanes,
            calls: self.calls,
            batch_max: if self.cells > 16 { 70 } else { 5 },
            run_max: self.shape().run_max,
            closes_early: seed % 4 == 3,
            seed,
        }
    }

    /// A history of the queue, or of one with a fault.
    fn play(self, seed: u64, fault: Option<Fault>) -> Vec<Call> {
        let queue = queue(&vec![self.cells; usize::from(self.lanes)], self.consumers(), self.run_max);
        let feeders = (0..self.feeders).map(|number| Feeder::new(&queue, seed ^ number));
        let takers = (0..self.takers).map(|_| queue.consumer().expect("there is a seat"));
        let close = || queue.close();
        match fault {
            None => record(self.plan(seed), feeders.collect(), takers.collect(), close),
            Some(fault) => record(
                self.plan(seed),
                feeders
                    .enumerate()
                    .map(|(at, feeder)| Broken::new(feeder, fault, seed + at as u64))
                    .collect(),
                takers.enumerate().map(|(at, taker)| Broken::new(taker, fault, seed - at as u64)).collect(),
                close,
            ),
        }
    }
}

/// Which of the two specifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Value,
    Number,
}

fn check(scene: Scene, by: By, history: &[Call]) -> Result<(), Verdict> {
    check_closing(history).map_err(Verdict::Wrong)?;
    for lane in 0..scene.lanes {
        let calls = of_lane(history, lane);
        match by {
            By::Value => search(&Fifo(scene.shape()), &calls)?,
            By::Number => {
                let spec = Numbered::of(scene.shape(), &calls).map_err(Verdict::Wrong)?;
                search(&spec, &calls)?;
            }
        }
    }
    Ok(())
}

/// How often the situations came up in which a queue can go wrong.
#[derive(Debug, Default)]
struct Coverage {
    full: usize,
    empty: usize,
    batches: usize,
    /// Calls that began before the one before them had ended.
    overlaps: usize,
}

impl Coverage {
    fn note(&mut self, history: &[Call]) {
        let mut spans: Vec<_> = history.iter().map(|call| (call.from, call.to)).collect();
        spans.sort_unstable();
        self.overlaps += spans.windows(2).filter(|pair| pair[1].0 < pair[0].1).count();
        for call in history {
            let puts =
                call.steps.iter().map(|(_, step)| if let Step::Put(run) = step { run.len() } else { 0 });
            self.batches += usize::from(puts.sum::<usize>() > 1);
            self.full += call.steps.iter().filter(|(_, step)| *step == Step::Full).count();
            self.empty += call.steps.iter().filter(|(_, step)| *step == Step::Empty).count();
        }
    }

    fn is_enough(&self, scene: Scene) -> bool {
        // Two entries of a batch rarely fit into one cell one after the other.
        let batches = self.batches > 0 || scene.cells == 1;
        // `jolt` sees to overlaps, on a single core too.
        self.full > 0 && self.empty > 0 && batches && self.overlaps > 10
    }
}

/// Plays and checks `rounds` histories; and more where chance has left out too much.
fn hold(scene: Scene, by: By, rounds: u64) {
    const MORE: u64 = 20;
    let (mut decided, mut coverage) = (0, Coverage::default());
    for seed in 1..=rounds * MORE {
        // A slow or instrumented run overlaps more calls, and is harder to decide.
        if seed > rounds && decided * 2 >= rounds && coverage.is_enough(scene) {
            break;
        }
        let history = scene.play(seed, None);
        coverage.note(&history);
        match check(scene, by, &history) {
            Ok(()) => decided += 1,
            Err(Verdict::Undecided) => {}
            Err(Verdict::Wrong(why)) => panic!("{scene:?} by {by:?}, seed {seed}: {why}"),
        }
    }
    assert!(decided * 2 >= rounds, "{decided} histories of {scene:?} were not too hard");
    assert!(coverage.is_enough(scene), "{scene:?}: {coverage:?}");
}

fn small(cells: usize, lanes: u8, feeders: u64, takers: usize) {
    // The fuller a queue may be, the longer it stays open which of two puts was first.
    let calls = 600 / cells.pow(2).min(50);
    let scene = Scene { cells, lanes, feeders, takers, calls, run_max: 1 };
    hold(scene, By::Value, rounds() * 2);
    if takers == 1 {
        hold(Scene { run_max: 3, ..scene }, By::Value, rounds());
    }
}

fn long(cells: usize, lanes: u8, feeders: u64, takers: usize) {
    let scene = Scene { cells, lanes, feeders, takers, calls: 3_000, run_max: 1 };
    hold(scene, By::Number, rounds().div_ceil(10));
    if takers == 1 {
        hold(Scene { run_max: 32, ..scene }, By::Number, rounds().div_ceil(10));
    }
}

/// Short and long histories of a ring with few cells, for one consumer and for several.
fn few_cells(cells: usize) {
    small(cells, 1, 3, 1);
    small(cells, 1, 2, 2);
    long(cells, 1, 4, 1);
    long(cells, 1, 3, 3);
}

#[test]
fn one_cell_is_a_queue() {
    few_cells(1);
}

#[test]
fn two_cells_are_a_queue() {
    few_cells(2);
}

#[test]
fn four_cells_are_a_queue() {
    few_cells(4);
}

#[test]
fn many_cells_are_a_queue() {
    // Batches fill it even in short histories.
    small(16, 1, 3, 1);
    small(16, 1, 2, 2);
    long(64, 1, 6, 1);
    long(64, 1, 4, 4);
}

#[test]
fn lanes_are_queues() {
    small(2, 3, 3, 1);
    small(2, 3, 2, 2);
    long(4, 3, 4, 1);
    long(16, 4, 3, 3);
}
