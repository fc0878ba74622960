//! Every interleaving of small uses of the ring, the signals and the queue.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib loom_`
//!
//! A model that never uses a cell in a second lap, or never meets a full ring or a late producer, would
//! pass a broken ring. So cells are used up before the threads start, and each model counts in how many
//! executions its situation came up. The mutants at the end prove that the models can fail.

use super::ring::{Fault, Refusal, Ring, Taken};
use super::signal::Signals;
use super::*;
use crate::pool::{ClassSettings, OverflowSettings, PoolSettings};
use crate::sync::UnsafeCell;
use loom::model::Builder;
use loom::thread;
use std::sync::atomic::AtomicUsize;

const ITEMS_MAX: usize = 16;

/// A ring of numbers below [`ITEMS_MAX`], each with contents that loom guards.
struct Rig {
    ring: Ring,
    contents: Vec<UnsafeCell<u32>>,
}

impl Rig {
    /// `start` tickets are already used up, so that a few items reach a later lap.
    fn new(cells: usize, start: u64, fault: Fault) -> Arc<Self> {
        let mut ring = Ring::new(cells);
        let (mut hint, mut head) = (0, 0);
        for _ in 0..start {
            ring.push(&mut hint, 0).unwrap();
            assert!(matches!(ring.take_alone(&mut head), Taken::Buffer { .. }));
        }
        ring.fault = fault;
        Arc::new(Self { ring, contents: (0..ITEMS_MAX).map(|_| UnsafeCell::new(0)).collect() })
    }

    fn write(&self, item: u32) {
        // SAFETY: the model checks that nobody else looks before the item is published.
        self.contents[item as usize].with_mut(|content| unsafe { *content = item + 1 });
    }

    fn read(&self, item: u32) {
        // SAFETY: the model checks that the producer is done with it.
        let content = self.contents[item as usize].with(|content| unsafe { *content });
        assert_eq!(content, item + 1, "contents arrived");
    }

    fn push_or_wait(&self, hint: &mut u64, item: u32) {
        self.write(item);
        while self.ring.push(hint, item).is_err() {
            thread::yield_now();
        }
    }
}

/// Explores executions with up to `preemptions` switches away from a thread that could go on. Loops that
/// wait for another thread need more branches than usual.
fn bounded(preemptions: usize) -> Builder {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder
}

/// What to run, and what is asserted about full.
#[derive(Clone, Copy)]
struct Shape {
    cells: usize,
    start: u64,
    /// Items of each producer.
    items: [u32; 2],
    preemptions: usize,
    fault: Fault,
}

const SMALL: Shape = Shape { cells: 2, start: 0, items: [2, 2], preemptions: 2, fault: Fault::None };

/// Two producers, one consumer: nothing lost, doubled or reordered; full never while there is room.
fn two_producers_one_consumer(shape: Shape) {
    let coverage = Arc::new(Coverage::default());
    let counting = Arc::clone(&coverage);
    let builder = bounded(shape.preemptions);
    builder.check(move || {
        let rig = Rig::new(shape.cells, shape.start, shape.fault);
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

/// How many executions there were, and in how many the wanted situation came up. Outside of the model.
#[derive(Default)]
struct Coverage {
    runs: AtomicUsize,
    wanted: AtomicUsize,
}

impl Coverage {
    fn note(&self, wanted: bool) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.wanted.fetch_add(usize::from(wanted), Ordering::Relaxed);
    }

    /// Shows the coverage (`--nocapture`) and refuses a model that proves nothing.
    fn report(&self, what: &str) {
        use std::io::Write;
        let (runs, wanted) = (self.runs.load(Ordering::Relaxed), self.wanted.load(Ordering::Relaxed));
        let _ = writeln!(std::io::stderr(), "{what}: {runs} executions, {wanted} reached the situation");
        assert!(runs > 100, "{runs} executions of {what}");
        assert!(wanted * 20 > runs, "{wanted} of {runs} executions of {what} reached the situation");
    }
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
        let rig = Rig::new(2, 1, Fault::None);
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
        let rig = Rig::new(2, 1, Fault::None);
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

/// A consumer that goes to sleep against a producer that appends.
fn sleeping(looks_again: bool) {
    loom::model(move || {
        let rig = Rig::new(1, 1, Fault::None);
        let signals = Arc::new(Signals::new());
        let (theirs, word) = (Arc::clone(&rig), Arc::clone(&signals));
        let producer = thread::spawn(move || {
            theirs.push_or_wait(&mut 0, 3);
            word.announce(2);
        });
        let mut head = 1;
        while rig.ring.take_alone(&mut head) == Taken::Empty {
            signals.sleep_for_items(Duration::MAX, || looks_again && rig.ring.has_buffer(head));
        }
        producer.join().unwrap();
    });
}

#[test]
fn loom_a_sleeping_consumer_is_woken() {
    sleeping(true);
}

/// A producer that sleeps on a full ring against a consumer that frees a cell.
fn waiting_for_space(shared: bool) {
    loom::model(move || {
        let rig = Rig::new(1, 1, Fault::None);
        rig.push_or_wait(&mut 0, 0);
        let signals = Arc::new(Signals::new());
        let (theirs, word) = (Arc::clone(&rig), Arc::clone(&signals));
        let producer = thread::spawn(move || {
            let mut hint = 0;
            while theirs.ring.push(&mut hint, 1).is_err() {
                let at = hint;
                word.sleep_for_space(Duration::MAX, || theirs.ring.is_full_at(at));
            }
        });
        let mut head = 1;
        let taken = if shared { rig.ring.take_shared(&mut head) } else { rig.ring.take_alone(&mut head) };
        assert!(matches!(taken, Taken::Buffer { index: 0, .. }));
        if shared {
            signals.freed()
        } else {
            signals.freed_fenced()
        }
        producer.join().unwrap();
        assert_eq!(rig.ring.len(), 1);
    });
}

#[test]
fn loom_a_producer_waiting_for_space_is_woken_by_one_consumer() {
    waiting_for_space(false);
}

#[test]
fn loom_a_producer_waiting_for_space_is_woken_by_one_of_several() {
    waiting_for_space(true);
}

/// A consumer that takes an empty lane off the list against a producer that fills it.
fn settling(looks_again: bool) {
    loom::model(move || {
        let rig = Rig::new(2, 1, Fault::None);
        let signals = Arc::new(Signals::new());
        signals.announce(0);
        let (theirs, word) = (Arc::clone(&rig), Arc::clone(&signals));
        let producer = thread::spawn(move || {
            theirs.push_or_wait(&mut 0, 3);
            word.announce(0);
        });
        let mut head = 1;
        if rig.ring.take_alone(&mut head) == Taken::Empty {
            signals.settle(0, || looks_again && rig.ring.has_buffer(head));
        }
        producer.join().unwrap();
        assert!(rig.ring.len() == 0 || signals.ready_lanes() == 1, "an item in a lane off the list");
    });
}

#[test]
fn loom_a_lane_with_an_item_stays_on_the_list() {
    settling(true);
}

#[test]
fn loom_a_queue_hands_out_what_it_accepted_and_ends() {
    let coverage = Arc::new(Coverage::default());
    let counting = Arc::clone(&coverage);
    let builder = bounded(5);
    builder.check(move || {
        let queue = TxQueue::new(QueueSettings {
            lane_cells: vec![1],
            consumers: Consumers::One,
            ageing: 0,
            transaction_bytes_max: 64,
            pool: PoolSettings {
                classes: vec![ClassSettings { buffer_bytes: 64, count_max: 2 }],
                overflow: OverflowSettings::default(),
            },
        })
        .unwrap();
        let feeding = Arc::clone(&queue);
        let lane = LaneId::new(0);
        let producer = thread::spawn(move || {
            let mut producer = feeding.producer();
            (0..2).filter(|tag| producer.enqueue(lane, b"x", Meta { tag: *tag, stamp: 9 }).is_ok()).count()
        });
        let mut consumer = queue.consumer().unwrap();
        let mut taken = usize::from(consumer.dequeue().is_some());
        queue.close();
        while let Ok(item) = consumer.dequeue_wait(Duration::MAX) {
            assert_eq!((&*item, item.meta().stamp), (&b"x"[..], 9));
            taken += 1;
        }
        assert_eq!(producer.join().unwrap(), taken, "accepted and taken");
        counting.note(taken == 1);
    });
    coverage.report("queue");
}

#[test]
#[should_panic]
fn loom_mutant_that_ignores_turns_is_noticed() {
    two_producers_one_consumer(Shape { fault: Fault::TurnUnchecked, ..SMALL });
}

#[test]
#[should_panic(expected = "ausality")]
fn loom_mutant_that_does_not_publish_is_noticed() {
    two_producers_one_consumer(Shape { fault: Fault::FillRelaxed, ..SMALL });
}

#[test]
#[should_panic]
fn loom_mutant_whose_tail_runs_ahead_is_noticed() {
    two_producers_one_consumer(Shape { fault: Fault::TailBeyond, ..SMALL });
}

#[test]
#[should_panic(expected = "taken at once")]
fn loom_mutant_that_shares_a_hint_between_rings_is_noticed() {
    loom::model(|| {
        let (first, second) = (Rig::new(2, 0, Fault::None), Rig::new(2, 0, Fault::None));
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

#[test]
#[should_panic(expected = "eadlock")]
fn loom_mutant_that_sleeps_without_a_second_look_is_noticed() {
    sleeping(false);
}

#[test]
#[should_panic(expected = "off the list")]
fn loom_mutant_that_settles_without_a_second_look_is_noticed() {
    settling(false);
}
