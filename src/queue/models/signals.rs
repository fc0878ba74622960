//! Sleepers, the list of lanes, and the queue as a whole. With the mutants of each.

use super::{Coverage, Rig, bounded};
use crate::pool::{ClassSettings, Meta, OverflowSettings, PoolSettings};
use crate::queue::ring::Taken;
use crate::queue::signal::Signals;
use crate::queue::{Consumers, QueueSettings, TxQueue};
use crate::sync::Mutant;
use crate::types::LaneId;
use loom::thread;
use std::sync::Arc;
use std::time::Duration;

/// A consumer that goes to sleep against a producer that appends.
fn sleeping(looks_again: bool) {
    loom::model(move || {
        let rig = Rig::new(1, 1);
        let signals = Arc::new(Signals::new());
        // Or the producer would have to change the word, and could not miss the sleeper.
        signals.announce(2);
        let (theirs, word) = (Arc::clone(&rig), Arc::clone(&signals));
        let producer = thread::spawn(move || {
            theirs.push_or_wait(&mut 0, 3);
            word.announce(2);
        });
        let mut head = 1;
        while rig.ring.take_alone(&mut head) == Taken::Empty {
            signals.sleep_for_items(Duration::MAX, &[], || looks_again && rig.ring.has_buffer(head));
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
        let rig = Rig::new(1, 1);
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
        let rig = Rig::new(2, 1);
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
            run_max: 1,
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

/// Two runs of two through one cell: the second is tied and published while the first is being handed out.
/// The contents of all buffers, and the links between them, are guarded by loom.
#[test]
fn loom_runs_come_out_whole_and_in_order() {
    let coverage = Arc::new(Coverage::default());
    let counting = Arc::clone(&coverage);
    let builder = bounded(3);
    builder.check(move || {
        let queue = TxQueue::new(QueueSettings {
            lane_cells: vec![1],
            consumers: Consumers::One,
            ageing: 0,
            run_max: 2,
            transaction_bytes_max: 64,
            pool: PoolSettings {
                classes: vec![ClassSettings { buffer_bytes: 64, count_max: 4 }],
                overflow: OverflowSettings::default(),
            },
        })
        .unwrap();
        let feeding = Arc::clone(&queue);
        let producer = thread::spawn(move || {
            let mut producer = feeding.producer();
            for run in 0..2 {
                let metas = |n| Meta { tag: run * 2 + n as u64, stamp: 9 };
                while producer.enqueue_batch(LaneId::new(0), &[b"x", b"y"], metas).0 == 0 {
                    thread::yield_now();
                }
            }
        });
        let mut consumer = queue.consumer().unwrap();
        let mut overlapped = false;
        for n in 0..4_u64 {
            let item = loop {
                match consumer.dequeue() {
                    Some(item) => break item,
                    None => thread::yield_now(),
                }
            };
            assert_eq!((&*item, item.meta().tag), (if n % 2 == 0 { &b"x"[..] } else { b"y" }, n));
            assert_eq!(item.sequence(), n);
            if n == 0 {
                thread::yield_now();
                overlapped = queue.len() > 1;
            }
        }
        producer.join().unwrap();
        assert!(consumer.dequeue().is_none() && queue.is_empty());
        counting.note(overlapped);
    });
    coverage.report("runs");
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

#[test]
#[should_panic(expected = "eadlock")]
fn loom_mutant_that_lets_both_sides_miss_each_other_is_noticed() {
    let _made = Mutant::AnnounceRelaxed.make();
    sleeping(true);
}
