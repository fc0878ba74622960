//! Runs of handles: nothing lost, doubled or out of order, in a ring whose cells are used again.

use super::{Coverage, bounded};
use crate::queue::{Consumers, HandleQueue, HandleSettings};
use crate::sync::Mutant;
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

#[derive(Clone, Copy)]
struct Shape {
    cells: usize,
    /// Entries that are used up before the threads start.
    start: usize,
    /// Lengths of the runs of each producer.
    runs: [&'static [u32]; 2],
    preemptions: usize,
}

const HANDLES: usize = 16;

/// A queue in which `start` entries, runs of two among them, have come and gone.
fn used_queue(shape: Shape) -> Arc<HandleQueue> {
    let settings = HandleSettings { cells: shape.cells, consumers: Consumers::One, handles: HANDLES };
    let queue = HandleQueue::with_settings(settings).unwrap();
    let (mut producer, mut consumer) = (queue.producer(), queue.consumer().unwrap());
    for n in 0..shape.start {
        assert_eq!(producer.push_batch(&[0, 1][..1 + n % 2]), (1 + n % 2, None));
        while consumer.pop().is_some() {}
    }
    queue
}

/// Two producers with runs of handles of their own, one consumer.
fn two_producers_with_runs(shape: Shape) {
    let coverage = Arc::new(Coverage::default());
    let counting = Arc::clone(&coverage);
    bounded(shape.preemptions).check(move || {
        let queue = used_queue(shape);
        let entries: usize = shape.runs.iter().map(|runs| runs.len()).sum();
        assert!(shape.start + entries > shape.cells, "some cell is used in a later lap");
        // Not a model's atomics: they must not order anything.
        let (waited, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let producers = [0, 1].map(|who: u32| {
            let (queue, waited, done) = (Arc::clone(&queue), Arc::clone(&waited), Arc::clone(&done));
            thread::spawn(move || {
                let mut producer = queue.producer();
                let mut first = who * 8;
                for run in shape.runs[who as usize] {
                    let handles: Vec<u32> = (first..first + run).collect();
                    first += run;
                    while producer.push_batch(&handles).0 == 0 {
                        assert!(entries > shape.cells, "full with room for all");
                        waited.store(true, Relaxed);
                        thread::yield_now();
                    }
                }
                done.fetch_add(1, Relaxed);
            })
        });
        let mut consumer = queue.consumer().unwrap();
        let totals = shape.runs.map(|runs| runs.iter().sum::<u32>());
        let mut next = [0, 0];
        let mut keep = |handle: u32| {
            let who = (handle / 8) as usize;
            assert_eq!(handle % 8, next[who], "in order of its producer");
            next[who] += 1;
        };
        // Not until all have come: a mistake may lose some.
        while done.load(Relaxed) < 2 {
            consumer.drain(HANDLES, &mut keep);
            thread::yield_now();
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        consumer.drain(HANDLES, &mut keep);
        assert_eq!(next, totals, "all of them");
        assert_eq!((consumer.pop(), queue.len()), (None, 0));
        counting.note(waited.load(Relaxed) || entries <= shape.cells);
    });
    coverage.report(&format!("runs cells={} start={}", shape.cells, shape.start));
}

const SMALL: Shape = Shape { cells: 2, start: 1, runs: [&[2], &[3]], preemptions: 2 };

#[test]
fn loom_runs_in_one_cell() {
    two_producers_with_runs(Shape { cells: 1, ..SMALL });
}

#[test]
fn loom_runs_in_two_cells_across_a_lap() {
    two_producers_with_runs(Shape { runs: [&[2, 2], &[3]], ..SMALL });
}

#[test]
fn loom_runs_in_four_cells_across_a_lap() {
    two_producers_with_runs(Shape { cells: 4, start: 3, runs: [&[2, 1], &[3]], ..SMALL });
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn loom_mutant_that_links_after_publishing_is_noticed() {
    let _made = Mutant::LinksLate.make();
    two_producers_with_runs(Shape { cells: 4, start: 3, runs: [&[2, 2], &[3]], ..SMALL });
}
