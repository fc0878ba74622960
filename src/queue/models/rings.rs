//! The ring: order, exact full, laps, several takers, and the end. With the mutants of each.

use super::{Coverage, Rig, bounded};
use crate::queue::ring::{Refusal, Taken};
use crate::sync::Mutant;
use crate::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use std::sync::Arc;

/// What to run, and what is asserted about full.
#[derive(Clone, Copy)]
struct Shape {
    cells: usize,
    start: u64,
    /// Items of each producer.
    items: [u32; 2],
    preemptions: usize,
}

const SMALL: Shape = Shape { cells: 2, start: 0, items: [2, 2], preemptions: 2 };

/// Two producers, one consumer: nothing lost, doubled or reordered; full never while there is room.
fn two_producers_one_consumer(shape: Shape) {
    let coverage = Arc::new(Coverage::default());
    let counting = Arc::clone(&coverage);
    let builder = bounded(shape.preemptions);
    builder.check(move || {
        let rig = Rig::new(shape.cells, shape.start);
        let total = shape.items[0] + shape.items[1];
        assert!(shape.start + u64::from(total) > shape.cells as u64, "some cell is used in a later lap");
        // Not a model's atomic: it must not order anything.
        let waited = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let producers = [0, 1].map(|who: u32| {
            let (rig, waited) = (Arc::clone(&rig), Arc::clone(&waited));
            thread::spawn(move || {
                let mut hint = 0;
                for n in 0..shape.items[who as usize] {
                    let item = who * 8 + n;
                    rig.write(item);
                    while rig.ring.push(&mut hint, item) == Err(Refusal::Full) {
                        assert!(total as usize > shape.cells, "full with room for all");
                        waited.store(true, Ordering::Relaxed);
                        thread::yield_now();
                    }
                }
            })
        });
        let mut head = shape.start;
        let mut next = [0, 0];
        let mut seen = 0;
        while seen < total {
            match rig.ring.take_alone(&mut head) {
                Taken::Buffer { index, ticket } => {
                    assert_eq!(ticket, shape.start + u64::from(seen), "tickets without gaps");
                    rig.read(index);
                    let who = (index / 8) as usize;
                    assert_eq!(index % 8, next[who], "in order of its producer");
                    next[who] += 1;
                    seen += 1;
                }
                _ => thread::yield_now(),
            }
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        assert_eq!(rig.ring.take_alone(&mut head), Taken::Empty);
        let end = shape.start + u64::from(total);
        assert_eq!((rig.ring.accepted(), rig.ring.consumed(), rig.ring.len()), (end, end, 0));
        counting.note(waited.load(Ordering::Relaxed) || total as usize <= shape.cells);
    });
    coverage.report(&format!("ring cells={} start={}", shape.cells, shape.start));
}

#[test]
fn loom_ring_of_one_cell_two_producers() {
    two_producers_one_consumer(Shape { cells: 1, start: 1, items: [1, 1], preemptions: 3, ..SMALL });
}

#[test]
fn loom_ring_of_two_cells_two_producers() {
    two_producers_one_consumer(Shape { items: [2, 1], preemptions: 3, ..SMALL });
}

#[test]
fn loom_ring_of_four_cells_two_producers_across_a_lap() {
    two_producers_one_consumer(Shape { cells: 4, start: 3, ..SMALL });
}

#[test]
fn loom_ring_two_producers_two_consumers() {
    let coverage = Arc::new(Coverage::default());
    let counting = Arc::clone(&coverage);
    let builder = bounded(3);
    builder.check(move || {
        let rig = Rig::new(2, 1);
        let (producing, taking) = (Arc::clone(&rig), Arc::clone(&rig));
        let producer = thread::spawn(move || {
            let mut hint = 0;
            (0..2).for_each(|item| producing.push_or_wait(&mut hint, item));
        });
        let take = |rig: &Rig, tries: usize| {
            let mut hint = 0;
            let mut seen: Vec<(u64, u32)> = Vec::new();
            for _ in 0..tries {
                match rig.ring.take_shared(&mut hint) {
                    Taken::Buffer { index, ticket } => {
                        rig.read(index);
                        assert!(seen.last().is_none_or(|last| last.0 < ticket));
                        seen.push((ticket, index));
                    }
                    _ => thread::yield_now(),
                }
            }
            seen
        };
        let consumer = thread::spawn(move || take(&taking, 2));
        let (mut hint, mut all) = (0, Vec::new());
        rig.write(8);
        while rig.ring.push(&mut hint, 8).is_err() {
            // The other consumer may have given up before there was anything.
            all.extend(take(&rig, 1));
        }
        all.extend(take(&rig, 2));
        let own = all.len();
        all.extend(consumer.join().unwrap());
        while all.len() < 3 {
            all.extend(take(&rig, 1));
        }
        producer.join().unwrap();
        all.sort_unstable();
        let tickets: Vec<_> = all.iter().map(|(ticket, _)| *ticket).collect();
        assert_eq!(tickets, [1, 2, 3], "every ticket once");
        let order: Vec<_> = all.iter().map(|(_, item)| *item).filter(|item| *item < 8).collect();
        assert_eq!(order, [0, 1], "in order of its producer");
        assert_eq!((rig.ring.len(), rig.ring.take_shared(&mut 0)), (0, Taken::Empty));
        counting.note(own > 0 && own < 3);
    });
    coverage.report("ring with two consumers");
}

/// A late producer against the end: what was accepted is taken before the end.
fn closing(end_is_decided_by_the_ring: bool) {
    let coverage = Arc::new(Coverage::default());
    let counting = Arc::clone(&coverage);
    let builder = bounded(2);
    builder.check(move || {
        let rig = Rig::new(2, 1);
        let closed = Arc::new(AtomicBool::new(false));
        let producers = [0, 1].map(|who: u32| {
            let (rig, closed) = (Arc::clone(&rig), Arc::clone(&closed));
            thread::spawn(move || {
                let (mut hint, mut accepted) = (0, 0);
                for n in 0..2 {
                    if closed.load(Ordering::Acquire) {
                        break;
                    }
                    rig.write(who * 8 + n);
                    match rig.ring.push(&mut hint, who * 8 + n) {
                        Ok(()) => accepted += 1,
                        Err(Refusal::Full) => {}
                        Err(Refusal::Closed) => break,
                    }
                }
                accepted
            })
        });
        closed.store(true, Ordering::Release);
        let (mut head, mut taken) = (1, 0);
        loop {
            match rig.ring.take_alone(&mut head) {
                Taken::Buffer { index, .. } => {
                    rig.read(index);
                    taken += 1;
                }
                Taken::Ended => break,
                Taken::Empty if !end_is_decided_by_the_ring => break,
                Taken::Empty => _ = rig.ring.seal(head),
            }
        }
        let accepted: u32 = producers.map(|producer| producer.join().unwrap()).iter().sum();
        assert_eq!(accepted, taken, "accepted and taken");
        counting.note(accepted > 0 && accepted < 4);
    });
    coverage.report("closing");
}

#[test]
fn loom_what_was_accepted_before_the_end_is_taken() {
    closing(true);
}

/// Full is not told from a look at a cell that is older than the looks which led there.
fn never_full() {
    bounded(3).check(move || {
        let rig = Rig::new(2, 0);
        rig.push_or_wait(&mut 0, 0);
        let theirs = Arc::clone(&rig);
        // In the queue: 0, perhaps 2; 1 comes after 0 has gone.
        let other = thread::spawn(move || {
            theirs.write(2);
            assert_eq!(theirs.ring.push(&mut 0, 2), Ok(()), "full although two never wait");
        });
        assert!(matches!(rig.ring.take_alone(&mut 0), Taken::Buffer { index: 0, .. }));
        rig.write(1);
        assert_eq!(rig.ring.push(&mut 0, 1), Ok(()), "room was made");
        other.join().unwrap();
        assert_eq!(rig.ring.len(), 2);
    });
}

/// Nor is empty.
fn never_empty() {
    bounded(3).check(move || {
        let rig = Rig::new(2, 1);
        rig.push_or_wait(&mut 0, 0);
        let theirs = Arc::clone(&rig);
        // In the queue: 0; 1 comes before this thread takes anything.
        let other = thread::spawn(move || {
            let taken = theirs.ring.take_shared(&mut 0);
            assert!(matches!(taken, Taken::Buffer { .. }), "empty although one waits");
            taken
        });
        rig.push_or_wait(&mut 0, 1);
        let mine = rig.ring.take_shared(&mut 0);
        assert_ne!(mine, other.join().unwrap());
    });
}

#[test]
fn loom_full_is_not_told_from_an_old_look() {
    never_full();
}

#[test]
fn loom_empty_is_not_told_from_an_old_look() {
    never_empty();
}

/// What a consumer did before it freed a cell is seen by the producer that got the cell.
fn an_enqueue_comes_after_the_dequeue_that_made_room() {
    bounded(3).check(|| {
        let rig = Rig::new(1, 1);
        rig.push_or_wait(&mut 0, 0);
        let theirs = Arc::clone(&rig);
        let producer = thread::spawn(move || {
            theirs.push_or_wait(&mut 0, 1);
            theirs.read(7);
        });
        rig.write(7);
        assert!(matches!(rig.ring.take_alone(&mut 1), Taken::Buffer { index: 0, .. }));
        producer.join().unwrap();
    });
}

#[test]
fn loom_an_enqueue_comes_after_the_dequeue_that_made_room() {
    an_enqueue_comes_after_the_dequeue_that_made_room();
}

#[test]
#[should_panic(expected = "ausality")]
fn loom_mutant_that_frees_without_publishing_is_noticed() {
    let _made = Mutant::FreeRelaxed.make();
    an_enqueue_comes_after_the_dequeue_that_made_room();
}

#[test]
#[should_panic(expected = "ausality")]
fn loom_mutant_that_takes_without_looking_is_noticed() {
    let _made = Mutant::TakeRelaxed.make();
    two_producers_one_consumer(SMALL);
}

#[test]
#[should_panic(expected = "full although")]
fn loom_mutant_whose_tail_brings_nothing_along_is_noticed() {
    let _made = Mutant::TailRelaxed.make();
    never_full();
}

#[test]
#[should_panic(expected = "full although")]
fn loom_mutant_that_walks_without_looking_is_noticed() {
    let _made = Mutant::WalkRelaxed.make();
    never_full();
}

#[test]
#[should_panic]
fn loom_mutant_that_ignores_turns_is_noticed() {
    let _made = Mutant::TurnUnchecked.make();
    two_producers_one_consumer(SMALL);
}

#[test]
#[should_panic(expected = "ausality")]
fn loom_mutant_that_does_not_publish_is_noticed() {
    let _made = Mutant::FillRelaxed.make();
    two_producers_one_consumer(SMALL);
}

#[test]
#[should_panic]
fn loom_mutant_whose_tail_runs_ahead_is_noticed() {
    let _made = Mutant::TailBeyond.make();
    two_producers_one_consumer(SMALL);
}

#[test]
#[should_panic(expected = "taken at once")]
fn loom_mutant_that_shares_a_hint_between_rings_is_noticed() {
    loom::model(|| {
        let (first, second) = (Rig::new(2, 0), Rig::new(2, 0));
        let mut hint = 0;
        first.push_or_wait(&mut hint, 0);
        second.push_or_wait(&mut hint, 1);
        assert!(matches!(second.ring.take_alone(&mut 0), Taken::Buffer { .. }), "taken at once");
    });
}

#[test]
#[should_panic(expected = "accepted and taken")]
fn loom_mutant_that_ends_on_empty_is_noticed() {
    closing(false);
}
