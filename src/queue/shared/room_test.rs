//! Room of a producer: what waits is never written over, and how a producer waits for more.

use super::layout::at;
use super::tests::{LANE, attach, meta, queue, small};
use super::{SharedError, SharedSettings};
use crate::queue::Error;
use crate::types::LaneId;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const LATER: LaneId = LaneId::new(1);
const PATIENCE: Duration = Duration::from_secs(60);

/// A transaction that says which it is in every byte but the first, which is never zero.
fn bytes_of(tag: u64) -> Vec<u8> {
    (0..1 + tag * 37 % 700).map(|at| (tag + at) as u8).collect()
}

#[test]
fn records_of_a_lane_that_waits_are_not_written_over_while_another_lane_goes_on() {
    let queue = queue();
    let settings = SharedSettings { lane_cells: 64, part_bytes: 4096, ..small() };
    let lanes = queue.open_shared(&settings).expect("valid");
    let (mut consumer, mut producer) = (queue.consumer().expect("free"), attach(&lanes));
    let (mut waiting, mut tag) = ([VecDeque::new(), VecDeque::new()], 0);
    let mut full = 0;
    for round in 0..2_000_u64 {
        // The consumer takes the first lane first, so those of the second lane are freed out of their order.
        for _ in 0..1 + round % 7 {
            let lane = [LANE, LANE, LATER][(round + tag) as usize % 3];
            match producer.enqueue(lane, &bytes_of(tag), meta(tag)) {
                Ok(()) => waiting[lane.index()].push_back(tag),
                Err(error) => {
                    assert_eq!(error, Error::Full);
                    full += 1;
                    break;
                }
            }
            tag += 1;
        }
        for _ in 0..round % 9 {
            let Some(item) = consumer.dequeue() else { break };
            let expected = waiting[item.lane().index()].pop_front().expect("it waited");
            assert_eq!((item.meta(), &*item), (meta(expected), &*bytes_of(expected)), "round {round}");
        }
    }
    assert!(full > 100 && tag > 1_000, "{full} refusals, {tag} taken");
    assert_eq!(lanes.stats().corrupt, 0);
}

#[test]
fn a_part_that_was_emptied_begins_at_its_front_again() {
    let queue = queue();
    let settings = SharedSettings { part_bytes: 1 << 20, ..small() };
    let lanes = queue.open_shared(&settings).expect("valid");
    let (mut consumer, mut producer) = (queue.consumer().expect("free"), attach(&lanes));
    let mut places = std::collections::BTreeSet::new();
    for round in 0..5_000_u64 {
        let mut claim = producer.claim(LANE, 400).expect("room");
        places.insert(claim.as_mut_ptr() as usize);
        claim.write(0, &[round as u8; 400]);
        claim.commit(meta(round)).expect("room");
        assert_eq!(&*consumer.dequeue().expect("just put in"), [round as u8; 400]);
    }
    let bytes = places.last().expect("some") - places.first().expect("some");
    assert!(bytes < 32 << 10, "records were spread over {bytes} bytes");
}

#[test]
fn a_waiting_put_times_out_in_a_full_lane_and_in_a_full_part() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut producer = attach(&lanes);
    let soon = Duration::from_millis(5);
    (0..2).for_each(|n| producer.enqueue(LANE, &[1; 480], meta(n)).expect("room"));
    assert_eq!(producer.enqueue_wait(LANE, b"x", meta(8), soon), Err(Error::Timeout), "no granule");
    assert_eq!(queue.consumer().expect("free").drain(9, |_| ()), 2);
    (0..8).for_each(|n| producer.enqueue_wait(LANE, b"x", meta(n), soon).expect("room"));
    assert_eq!(producer.enqueue_wait(LANE, b"x", meta(8), soon), Err(Error::Timeout), "no cell");
    assert_eq!(producer.enqueue_wait(LANE, b"x", meta(8), Duration::ZERO), Err(Error::Timeout));
    producer.enqueue_wait(LATER, b"x", meta(8), Duration::ZERO).expect("another lane has room");
    let refused = producer.enqueue_wait(LaneId::new(2), b"x", meta(8), PATIENCE);
    assert!(matches!(refused, Err(Error::NoSuchLane { .. })), "{refused:?}");
}

#[test]
fn a_waiting_put_goes_on_when_a_consumer_makes_room() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut producer = attach(&lanes);
    let all = 500_u64;
    let user = thread::spawn(move || {
        (0..all).for_each(|tag| {
            producer.enqueue_wait(LANE, &bytes_of(tag), meta(tag), PATIENCE).expect("room in time");
        });
    });
    let mut consumer = queue.consumer().expect("free");
    for tag in 0..all {
        let item = consumer.dequeue_wait(PATIENCE).expect("it comes");
        assert_eq!((item.meta(), &*item), (meta(tag), &*bytes_of(tag)));
    }
    user.join().expect("no panic");
}

#[test]
fn a_close_ends_a_waiting_put_and_so_does_the_end_of_the_queues_process() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let fill = || {
        let mut producer = attach(&lanes);
        while producer.enqueue(LANE, b"x", meta(0)).is_ok() {}
        producer
    };
    let (mut left, mut gone) = (fill(), fill());
    // A process that never was: number 1, started at another time.
    let owner = lanes.segment().word(at::OWNER);
    let ours = owner.swap(1 << 22 | 1, Ordering::Relaxed);
    let refused = gone.enqueue_wait(LANE, b"x", meta(0), PATIENCE);
    assert_eq!(refused, Err(SharedError::Gone.into()));
    owner.store(ours, Ordering::Relaxed);
    let waits = AtomicBool::new(false);
    thread::scope(|scope| {
        let user = scope.spawn(|| {
            left.enqueue_until(LANE, b"x", meta(0), PATIENCE, || {
                waits.store(true, Ordering::Relaxed);
                false
            })
        });
        while !waits.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        lanes.close();
        assert_eq!(user.join().expect("no panic"), Err(Error::Closed));
    });
}

#[test]
fn a_waiting_put_ends_when_it_is_told_to() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut producer = attach(&lanes);
    while producer.enqueue(LANE, b"x", meta(0)).is_ok() {}
    assert_eq!(producer.enqueue_until(LANE, b"x", meta(0), PATIENCE, || true), Err(Error::Closed));
}
