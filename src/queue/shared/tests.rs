//! Shared lanes with producers of this process: order, room, refusals, seats, the end.

use super::layout::at;
use super::owner::Owner;
use super::{SharedError, SharedLanes, SharedPlace, SharedProducer, SharedSettings};
use crate::pool::{ClassSettings, Meta, OverflowSettings, PoolSettings};
use crate::queue::{Consumers, Error, QueueSettings, TxQueue};
use crate::types::LaneId;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(super) const LANE: LaneId = LaneId::new(0);

pub(super) fn settings_with(consumers: Consumers, lanes: usize, buffers: usize) -> QueueSettings {
    QueueSettings {
        lane_cells: vec![64; lanes],
        consumers,
        ageing: 0,
        run_max: 1,
        transaction_bytes_max: 4096,
        pool: PoolSettings {
            classes: vec![ClassSettings { buffer_bytes: 4096, count_max: buffers }],
            overflow: OverflowSettings { buffer_bytes_max: 0, total_bytes_max: 0 },
        },
    }
}

pub(super) fn queue_with(consumers: Consumers, lanes: usize, buffers: usize) -> Arc<TxQueue> {
    TxQueue::new(settings_with(consumers, lanes, buffers)).expect("valid")
}

pub(super) fn queue() -> Arc<TxQueue> {
    queue_with(Consumers::One, 2, 512)
}

pub(super) fn small() -> SharedSettings {
    SharedSettings { place: SharedPlace::Memory, lane_cells: 8, seats: 3, part_bytes: 1024 }
}

pub(super) fn attach(lanes: &SharedLanes) -> SharedProducer {
    SharedProducer::attach(lanes.path()).expect("open, with a free seat")
}

pub(super) fn meta(tag: u64) -> Meta {
    Meta { tag, stamp: tag * 3 }
}

/// A file of this test, gone when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("duochain-test-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn shared_items_come_out_whole_in_order_and_beside_the_queues_own() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let (mut first, mut second) = (attach(&lanes), attach(&lanes));
    first.enqueue(LANE, b"one", meta(1)).expect("room");
    second.enqueue(LANE, &[7; 300], meta(2)).expect("room");
    first.enqueue(LaneId::new(1), b"urgent not", meta(3)).expect("room");
    queue.enqueue(LANE, b"own", meta(4)).expect("room");
    let mut consumer = queue.consumer().expect("free");
    let mut out = Vec::new();
    while let Some(item) = consumer.dequeue() {
        assert_eq!(item.meta().stamp, item.meta().tag * 3);
        out.push((item.meta().tag, item.lane().get(), item.len(), item.sequence()));
    }
    let shared: Vec<_> = out.iter().filter(|item| item.0 != 4).copied().collect();
    assert_eq!(shared, [(1, 0, 3, 0), (2, 0, 300, 1), (3, 1, 10, 0)]);
    assert!(out[..3].contains(&(4, 0, 3, 0)), "the own lane takes turns with the shared one: {out:?}");
    let stats = lanes.stats();
    assert_eq!((stats.accepted, stats.bytes, stats.seats_taken), (3, 313, 2));
    assert_eq!((stats.corrupt, stats.gaps, stats.tails), (0, 0, 0));
}

#[test]
fn a_drain_takes_shared_items_too() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut producer = attach(&lanes);
    (0..5).for_each(|n| producer.enqueue(LANE, &[n; 9], meta(u64::from(n))).expect("room"));
    let (mut consumer, mut tags) = (queue.consumer().expect("free"), Vec::new());
    assert_eq!(consumer.drain(4, |item| tags.push(item.meta().tag)), 4);
    assert_eq!(consumer.drain(4, |item| tags.push(item.meta().tag)), 1);
    assert_eq!(tags, [0, 1, 2, 3, 4]);
}

#[test]
fn a_full_lane_and_a_full_part_refuse_until_there_is_room() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut consumer = queue.consumer().expect("free");
    let mut producer = attach(&lanes);
    // Eight cells.
    (0..8).for_each(|n| producer.enqueue(LANE, b"x", meta(n)).expect("room"));
    assert_eq!(producer.enqueue(LANE, b"x", meta(8)), Err(Error::Full));
    assert_eq!(consumer.drain(3, |_| ()), 3);
    (8..11).for_each(|n| producer.enqueue(LANE, b"x", meta(n)).expect("room again"));
    assert_eq!(producer.enqueue(LANE, b"x", meta(8)), Err(Error::Full));
    assert_eq!(consumer.drain(100, |_| ()), 8);
    // Sixteen granules: a record of 480 bytes takes eight.
    (0..2).for_each(|n| producer.enqueue(LANE, &[1; 480], meta(n)).expect("room"));
    assert_eq!(producer.enqueue(LANE, b"x", meta(8)), Err(Error::Full));
    let mut other = attach(&lanes);
    other.enqueue(LANE, b"x", meta(9)).expect("another part has room");
    assert_eq!(consumer.drain(100, |_| ()), 3);
    producer.enqueue(LANE, &[1; 480], meta(2)).expect("room again");
}

#[test]
fn records_of_every_size_go_around_the_part_many_times() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut consumer = queue.consumer().expect("free");
    let mut producer = attach(&lanes);
    assert_eq!(producer.transaction_bytes_max(), 1024 - 32);
    for round in 0..3_000_usize {
        let bytes: Vec<u8> = (0..1 + round * 7 % 992).map(|n| (n * round) as u8).collect();
        producer.enqueue(LANE, &bytes, meta(round as u64)).expect("an empty part holds any size");
        let item = consumer.dequeue().expect("just put in");
        assert_eq!((&*item, item.sequence()), (&*bytes, round as u64));
    }
    assert_eq!(lanes.stats().corrupt, 0);
}

#[test]
fn bad_requests_are_refused_by_name() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut producer = attach(&lanes);
    let refused = producer.enqueue(LaneId::new(2), b"x", meta(0));
    assert_eq!(refused, Err(Error::NoSuchLane { lane: LaneId::new(2), lanes: 2 }));
    assert_eq!(producer.enqueue(LANE, b"", meta(0)), Err(Error::Empty));
    assert_eq!(producer.enqueue(LANE, &[0; 993], meta(0)), Err(Error::TooLarge { len: 993, max: 992 }));
    lanes.close();
    assert_eq!(producer.enqueue(LANE, b"x", meta(0)), Err(Error::Closed));
    assert_eq!(SharedProducer::attach(lanes.path()).map(drop), Err(Error::Closed));
}

#[test]
fn a_claim_is_written_in_place_and_leaves_nothing_when_dropped() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut consumer = queue.consumer().expect("free");
    let mut producer = attach(&lanes);
    for round in 0..100 {
        drop(producer.claim(LANE, 900).expect("room for the largest, again and again"));
        let mut claim = producer.claim(LANE, 600).expect("room");
        claim.write(0, &[round; 300]);
        claim.write(300, &[round + 1; 300]);
        claim.commit(meta(u64::from(round))).expect("room in the lane");
        let item = consumer.dequeue().expect("committed");
        assert_eq!((item[0], item[299], item[300], item.len()), (round, round, round + 1, 600));
    }
    assert!(consumer.dequeue().is_none());
}

#[test]
fn seats_run_out_and_come_back() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let producers = [attach(&lanes), attach(&lanes), attach(&lanes)];
    let refused = SharedProducer::attach(lanes.path()).map(drop);
    assert_eq!(refused, Err(SharedError::NoSeat(3).into()));
    drop(producers);
    assert_eq!(lanes.stats().seats_taken, 0);
    assert_eq!(attach(&lanes).seat(), 0);
    assert_eq!(lanes.stats().seats_recovered, 0);
}

/// Makes the producer look as if its process had been killed at this moment.
fn kill(lanes: &SharedLanes, producer: SharedProducer) {
    let seat = producer.seat();
    std::mem::forget(producer);
    let me = Owner::this_process().0;
    let earlier = Owner(me - (1 << 22));
    assert!(lanes.segment().take_seat(seat, Owner(me), earlier) && earlier.has_ended());
}

#[test]
fn the_seat_of_a_dead_producer_is_taken_over_with_what_it_committed_and_without_what_it_did_not() {
    let queue = queue();
    let lanes = queue.open_shared(&SharedSettings { seats: 1, ..small() }).expect("valid");
    let mut consumer = queue.consumer().expect("free");
    for round in 0..50 {
        let mut dying = attach(&lanes);
        dying.enqueue(LANE, &[1; 200], meta(round)).expect("room");
        dying.enqueue(LANE, &[2; 200], meta(round)).expect("room");
        // Between reserving and the compare-and-swap, with the largest room there still is.
        let claim = dying.claim(LANE, 400).expect("room");
        std::mem::forget(claim);
        kill(&lanes, dying);
        let mut heir = attach(&lanes);
        assert_eq!(heir.seat(), 0);
        heir.enqueue(LANE, &[3; 400], meta(round)).expect("the uncommitted room is free again");
        let taken: Vec<_> = std::iter::from_fn(|| consumer.dequeue()).map(|item| item[0]).collect();
        assert_eq!(taken, [1, 2, 3]);
        drop(heir);
    }
    let stats = lanes.stats();
    assert_eq!((stats.seats_recovered, stats.corrupt, stats.gaps), (50, 0, 0));
}

#[test]
fn threads_of_both_kinds_lose_nothing_and_keep_their_order() {
    const EACH: u64 = 5_000;
    let queue = queue();
    let lanes = queue.open_shared(&SharedSettings { part_bytes: 8192, ..small() }).expect("valid");
    let shared = [0, 1, 2].map(|who: u64| {
        let path = lanes.path().to_owned();
        std::thread::spawn(move || {
            let mut producer = SharedProducer::attach(path).expect("a seat");
            for n in 0..EACH {
                let bytes = [who as u8; 512];
                let len = 1 + (n as usize * 37) % 500;
                while let Err(error) = producer.enqueue(LANE, &bytes[..len], Meta { tag: who, stamp: n }) {
                    assert_eq!(error, Error::Full);
                    std::thread::yield_now();
                }
            }
        })
    });
    let own = {
        let queue = Arc::clone(&queue);
        std::thread::spawn(move || {
            for n in 0..EACH {
                let words = Meta { tag: 3, stamp: n };
                queue.enqueue_wait(LANE, &[3], words, Duration::from_secs(60)).expect("drained");
            }
        })
    };
    let (mut consumer, mut next) = (queue.consumer().expect("free"), [0; 4]);
    for _ in 0..4 * EACH {
        let item = consumer.dequeue_wait(Duration::from_secs(60)).expect("producers go on");
        let Meta { tag, stamp } = item.meta();
        assert_eq!(stamp, next[tag as usize], "in order of its producer");
        assert!(item.iter().all(|byte| u64::from(*byte) == tag));
        next[tag as usize] += 1;
    }
    shared.into_iter().chain([own]).for_each(|thread| thread.join().expect("no panic"));
    assert!(consumer.dequeue().is_none());
    let stats = lanes.stats();
    assert_eq!((stats.accepted, stats.corrupt, stats.gaps, stats.tails), (3 * EACH, 0, 0, 0));
}

#[test]
fn several_consumers_share_a_segment() {
    let queue = queue_with(Consumers::Many, 1, 512);
    let lanes = queue.open_shared(&SharedSettings { part_bytes: 8192, ..small() }).expect("valid");
    let takers = [(); 2].map(|()| {
        let queue = Arc::clone(&queue);
        std::thread::spawn(move || {
            let (mut consumer, mut sum) = (queue.consumer().expect("many"), 0);
            while let Ok(item) = consumer.dequeue_wait(Duration::from_secs(60)) {
                sum += item.meta().tag;
            }
            sum
        })
    });
    let mut producer = attach(&lanes);
    for n in 1..=2_000 {
        while producer.enqueue(LANE, b"x", meta(n)) == Err(Error::Full) {
            std::thread::yield_now();
        }
    }
    queue.close();
    let sums = takers.map(|taker| taker.join().expect("no panic"));
    assert_eq!(sums.iter().sum::<u64>(), 2_000 * 2_001 / 2);
}

#[test]
fn what_was_committed_before_a_close_is_delivered_then_the_queue_ends() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut producer = attach(&lanes);
    producer.enqueue(LANE, b"last", meta(1)).expect("room");
    queue.close();
    assert_eq!(producer.enqueue(LANE, b"late", meta(2)), Err(Error::Closed));
    let mut consumer = queue.consumer().expect("free");
    assert!(!consumer.is_ended());
    assert_eq!(&*consumer.dequeue_wait(Duration::ZERO).expect("committed"), b"last");
    assert_eq!(consumer.dequeue_wait(Duration::from_secs(60)).map(drop), Err(Error::Ended));
    assert!(lanes.stats().closed);
}

#[test]
fn a_closed_segment_leaves_the_queue_open_once_it_is_empty() {
    let queue = queue();
    let mut consumer = queue.consumer().expect("free");
    for round in 0..2 * super::SHARED_SEGMENTS_MAX as u64 {
        let lanes = queue.open_shared(&small()).expect("an earlier one has gone");
        attach(&lanes).enqueue(LANE, b"x", meta(round)).expect("room");
        drop(lanes);
        assert_eq!(consumer.dequeue().expect("committed").meta().tag, round);
        assert!(consumer.dequeue().is_none());
    }
    let kept: Vec<_> = (0..super::SHARED_SEGMENTS_MAX).map(|_| queue.open_shared(&small())).collect();
    assert!(kept.iter().all(Result::is_ok));
    let refused = queue.open_shared(&small()).map(drop);
    assert_eq!(refused, Err(SharedError::Segments(super::SHARED_SEGMENTS_MAX).into()));
    queue.close();
    assert_eq!(queue.open_shared(&small()).map(drop), Err(Error::Closed));
}

#[test]
fn without_a_buffer_an_item_waits_in_the_segment() {
    let queue = queue_with(Consumers::One, 1, 1);
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut producer = attach(&lanes);
    producer.enqueue(LANE, b"first", meta(1)).expect("room");
    producer.enqueue(LANE, b"second", meta(2)).expect("room");
    let mut consumer = queue.consumer().expect("free");
    let held = consumer.dequeue().expect("one buffer");
    assert_eq!(consumer.dequeue_wait(Duration::from_millis(1)).map(drop), Err(Error::Timeout));
    drop(held);
    assert_eq!(&*consumer.dequeue().expect("a buffer again"), b"second");
}

#[test]
fn files_that_cannot_be_attached_say_why() {
    let queue = queue();
    let scratch = Scratch::new("attach");
    let refused = |what: &str| {
        let error = SharedProducer::attach(&scratch.0).map(drop).expect_err(what);
        let Error::Shared(error) = error else { panic!("{what}: {error}") };
        error
    };
    assert!(matches!(refused("no file"), SharedError::Io { kind: std::io::ErrorKind::NotFound, .. }));
    let settings = SharedSettings { place: SharedPlace::File(scratch.0.clone()), ..small() };
    let lanes = queue.open_shared(&settings).expect("valid");
    let twice = queue.open_shared(&settings).map(drop).expect_err("the file is there");
    assert!(twice.to_string().contains("exists"), "{twice}");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&scratch.0).expect("made");
    assert_eq!(file.metadata().expect("open").permissions().mode() & 0o777, 0o600);
    let put = |offset: u64, word: u64| file.write_all_at(&word.to_le_bytes(), offset).expect("open");
    put(at::MAGIC, 1);
    assert_eq!(refused("magic"), SharedError::Magic(1));
    put(at::MAGIC, super::layout::MAGIC);
    put(at::VERSION, 2);
    assert_eq!(refused("version"), SharedError::Version(2));
    put(at::VERSION, 1);
    put(at::DATA, 0);
    assert!(matches!(refused("offsets"), SharedError::Layout(_)));
    let put_header = |owner: Owner, pid_namespace: u64| {
        let header = lanes.segment().geometry.header(owner.0, pid_namespace);
        (0..).step_by(8).zip(header).for_each(|(offset, word)| put(offset, word));
    };
    put_header(Owner::this_process(), 1);
    assert_eq!(refused("namespace"), SharedError::OtherNamespace);
    put_header(Owner(Owner::this_process().0 - (1 << 22)), 0);
    assert_eq!(refused("owner"), SharedError::Gone);
    std::fs::set_permissions(&scratch.0, PermissionsExt::from_mode(0o644)).expect("ours");
    assert!(matches!(refused("mode"), SharedError::NotOurs(_)));
    drop(lanes);
    assert!(!scratch.0.exists(), "a closed segment's file is removed");
    std::fs::write(&scratch.0, [0; 64]).expect("writable");
    std::fs::set_permissions(&scratch.0, PermissionsExt::from_mode(0o600)).expect("ours");
    assert_eq!(refused("short"), SharedError::Truncated { bytes: 64, needed: 144 });
}

#[test]
fn a_segment_in_memory_cannot_be_cut_short() {
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let file = std::fs::OpenOptions::new().write(true).open(lanes.path()).expect("ours");
    assert!(file.set_len(0).is_err());
    attach(&lanes).enqueue(LANE, b"x", meta(1)).expect("room");
}

#[test]
fn a_producer_wakes_a_consumer_that_said_it_sleeps_and_nobody_else() {
    use crate::sync::atomic::Ordering;
    let queue = queue();
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut producer = attach(&lanes);
    let woken = || lanes.segment().word(at::WAKE).load(Ordering::SeqCst);
    producer.enqueue(LANE, b"x", meta(1)).expect("room");
    assert_eq!(woken(), 0);
    lanes.segment().word(at::ASLEEP).store(1, Ordering::SeqCst);
    producer.enqueue(LANE, b"x", meta(2)).expect("room");
    producer.enqueue(LANE, b"x", meta(3)).expect("room");
    assert_eq!(woken(), 1);
}
