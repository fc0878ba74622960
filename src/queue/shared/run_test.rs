//! Consumers that end before everything they took ahead was handed out.

use super::tests::{LANE, queue_with, settings_with, small};
use super::{SharedLanes, SharedProducer, SharedSettings};
use crate::pool::Meta;
use crate::queue::{Consumer, Consumers, Error, TxQueue};
use crate::types::LaneId;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// A queue with lanes in which transactions 0 to `count` wait.
fn filled(count: u64) -> (Arc<TxQueue>, SharedLanes) {
    filled_for(Consumers::One, count)
}

fn filled_for(consumers: Consumers, count: u64) -> (Arc<TxQueue>, SharedLanes) {
    let queue = queue_with(consumers, 2, 512);
    let settings = SharedSettings { lane_cells: 128, part_bytes: 65536, ..small() };
    let lanes = queue.open_shared(&settings).expect("valid");
    let mut producer = SharedProducer::attach(lanes.path()).expect("a seat");
    for tag in 0..count {
        producer.enqueue(LANE, &[tag as u8; 40], Meta { tag, stamp: 0 }).expect("room");
    }
    (queue, lanes)
}

fn drain_until(consumer: &mut Consumer, last: u64) -> Vec<u64> {
    let mut tags = Vec::new();
    consumer.drain_until(100, |item| {
        assert_eq!(*item, [item.meta().tag as u8; 40]);
        assert_eq!(item.sequence(), item.meta().tag);
        tags.push(item.meta().tag);
        if item.meta().tag == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    tags
}

#[test]
fn what_a_drain_took_ahead_and_did_not_hand_out_comes_next_and_in_order() {
    let (queue, _lanes) = filled(80);
    let mut consumer = queue.consumer().expect("free");
    assert_eq!(drain_until(&mut consumer, 4), [0, 1, 2, 3, 4]);
    assert_eq!(consumer.dequeue().expect("there").meta().tag, 5);
    assert_eq!(drain_until(&mut consumer, 39), (6..40).collect::<Vec<_>>());
    assert_eq!(consumer.drain(3, |item| assert!(item.meta().tag > 39)), 3);
    assert_eq!(drain_until(&mut consumer, 79), (43..80).collect::<Vec<_>>());
    assert!(consumer.dequeue().is_none());
}

#[test]
fn it_survives_its_consumer_and_the_segment_and_delays_the_end() {
    let (queue, lanes) = filled(20);
    assert_eq!(drain_until(&mut queue.consumer().expect("free"), 9).len(), 10);
    lanes.close();
    drop(lanes);
    queue.close();
    let mut consumer = queue.consumer().expect("free again");
    for tag in 10..20 {
        assert!(!consumer.is_ended());
        assert_eq!(consumer.dequeue_wait(Duration::from_secs(60)).expect("there").meta().tag, tag);
    }
    assert_eq!(consumer.dequeue_wait(Duration::from_secs(60)).map(|_| ()), Err(Error::Ended));
}

#[test]
fn among_several_consumers_nothing_is_overtaken_and_the_end_waits_for_all() {
    let (queue, lanes) = filled_for(Consumers::Many, 20);
    lanes.close();
    queue.close();
    let (mut here, mut there) = (queue.consumer().expect("many"), queue.consumer().expect("many"));
    let mut tags = Vec::new();
    while tags.len() < 20 {
        here.drain_until(100, |item| {
            tags.push(item.meta().tag);
            match there.dequeue() {
                Some(item) => tags.push(item.meta().tag),
                None => assert_eq!(tags.len(), 20, "something is left, and not to be found"),
            }
            assert_eq!(there.is_ended(), tags.len() == 20, "{tags:?}");
            if tags.len() % 4 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
    assert_eq!(tags, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_panic_in_a_drain_loses_only_what_it_was_handed() {
    let (queue, _lanes) = filled(20);
    let mut consumer = queue.consumer().expect("free");
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        consumer.drain(100, |item| assert!(item.meta().tag < 7, "on purpose"));
    }));
    assert!(panicked.is_err());
    assert_eq!(drain_until(&mut consumer, 19), (8..20).collect::<Vec<_>>());
}

#[test]
fn a_queue_that_goes_gives_the_buffers_back() {
    let (queue, lanes) = filled(20);
    let pool = Arc::clone(queue.pool());
    drain_until(&mut queue.consumer().expect("free"), 9);
    assert_ne!(pool.stats().in_use, 0);
    drop(lanes);
    drop(queue);
    assert_eq!(pool.stats().in_use, 0);
}

/// Takes one by one.
fn dequeue_all(consumer: &mut Consumer) -> Vec<u64> {
    std::iter::from_fn(|| consumer.dequeue()).map(|item| item.meta().tag).collect()
}

#[test]
fn singles_and_drains_take_turns_and_keep_the_order() {
    let (queue, _lanes) = filled(120);
    let mut consumer = queue.consumer().expect("free");
    let mut tags = Vec::new();
    while tags.len() < 120 {
        tags.extend((0..tags.len() % 5).map_while(|_| consumer.dequeue()).map(|item| item.meta().tag));
        consumer.drain(1 + tags.len() % 11, |item| tags.push(item.meta().tag));
    }
    assert_eq!(tags, (0..120).collect::<Vec<_>>());
    assert!(consumer.dequeue().is_none());
}

#[test]
fn what_a_single_took_ahead_survives_its_consumer_and_the_segment_and_delays_the_end() {
    let (queue, lanes) = filled(20);
    let mut first = queue.consumer().expect("free");
    assert_eq!(first.dequeue().expect("there").meta().tag, 0);
    lanes.close();
    drop(lanes);
    queue.close();
    assert!(!first.is_ended());
    drop(first);
    let mut second = queue.consumer().expect("free again");
    assert_eq!(second.dequeue().expect("there").meta().tag, 1);
    // All that is left lies with the consumer: the segment has ended.
    while second.dequeue().expect("there").meta().tag < 17 {}
    assert!(!second.is_ended());
    assert_eq!(dequeue_all(&mut second), [18, 19]);
    assert_eq!(second.dequeue_wait(Duration::from_secs(60)).map(|_| ()), Err(Error::Ended));
}

#[test]
fn what_is_more_urgent_comes_before_what_was_taken_ahead() {
    let (queue, lanes) = filled(0);
    let later = LaneId::new(1);
    let mut producer = SharedProducer::attach(lanes.path()).expect("a seat");
    let mut put = |lane, tag| producer.enqueue(lane, b"x", Meta { tag, stamp: 0 }).expect("room");
    (0..10).for_each(|tag| put(later, tag));
    let mut consumer = queue.consumer().expect("free");
    assert_eq!(consumer.dequeue().expect("there").meta().tag, 0);
    put(LANE, 100);
    assert_eq!(consumer.dequeue().expect("there").meta().tag, 100);
    queue.enqueue(LANE, b"own", Meta { tag: 101, stamp: 0 }).expect("room");
    assert_eq!(consumer.dequeue().expect("there").meta().tag, 101);
    assert_eq!(dequeue_all(&mut consumer), (1..10).collect::<Vec<_>>());
}

#[test]
fn the_least_urgent_lane_gets_its_share_of_singles() {
    let queue = {
        let mut settings = settings_with(Consumers::One, 2, 512);
        settings.ageing = 4;
        TxQueue::new(settings).expect("valid")
    };
    let settings = SharedSettings { lane_cells: 128, part_bytes: 65536, ..small() };
    let lanes = queue.open_shared(&settings).expect("valid");
    let mut producer = SharedProducer::attach(lanes.path()).expect("a seat");
    for tag in 0..40 {
        let lane = LaneId::new(u8::from(tag >= 32));
        producer.enqueue(lane, b"x", Meta { tag, stamp: 0 }).expect("room");
    }
    let mut consumer = queue.consumer().expect("free");
    let lanes: Vec<_> = (0..32).map_while(|_| consumer.dequeue()).map(|item| item.lane().index()).collect();
    assert_eq!(lanes.iter().filter(|lane| **lane == 1).count(), 8, "one of four: {lanes:?}");
}

#[test]
fn a_consumer_that_goes_gives_back_what_its_queue_then_gives_to_the_pool() {
    let (queue, lanes) = filled(20);
    let pool = Arc::clone(queue.pool());
    let mut consumer = queue.consumer().expect("free");
    drop(consumer.dequeue());
    assert_eq!(pool.stats().in_use, 7, "taken ahead");
    drop((lanes, queue, consumer));
    assert_eq!(pool.stats().in_use, 0);
}
