//! A segment's beginning and end: its file, its state, its process.

use super::layout::SHARED_SEATS_MAX;
use super::owner::{Owner, pid_namespace};
use super::tests::{LANE, queue, queue_with, small};
use super::{SharedPlace, SharedProducer, SharedSettings};
use crate::pool::Meta;
use crate::queue::{Consumers, Error, TxQueue};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::types::Status;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A path of this test; what is there goes in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("duochain-life-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Its name before it is finished.
    fn draft(&self) -> PathBuf {
        self.0.with_file_name(format!("{}.new", self.0.file_name().expect("a name").display()))
    }

    fn settings(&self) -> SharedSettings {
        SharedSettings { place: SharedPlace::File(self.0.clone()), ..small() }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn the_file_goes_with_the_lanes_whoever_closed_them() {
    let scratch = Scratch::new("gone");
    let queue = queue();
    let lanes = queue.open_shared(&scratch.settings()).expect("valid");
    queue.close();
    drop(lanes);
    assert!(!scratch.0.exists());
    let refused = queue.open_shared(&scratch.settings()).expect_err("closed");
    assert_eq!((refused, scratch.0.exists()), (Error::Closed, false));
}

#[test]
fn a_drop_after_a_close_leaves_the_file_of_a_successor_alone() {
    let scratch = Scratch::new("successor");
    let queue = queue();
    let first = queue.open_shared(&scratch.settings()).expect("valid");
    first.close();
    let second = queue.open_shared(&scratch.settings()).expect("the place is free");
    drop(first);
    assert!(scratch.0.exists());
    drop(second);
    assert!(!scratch.0.exists());
}

#[test]
fn the_file_of_a_process_that_ended_is_replaced_and_that_of_a_living_one_is_not() {
    let scratch = Scratch::new("abandoned");
    let queue = queue();
    let lanes = queue.open_shared(&scratch.settings()).expect("valid");
    let exists = queue.open_shared(&scratch.settings()).expect_err("in use");
    assert!(exists.to_string().contains("exists"), "{exists}");
    // As if another process had left it: a namesake of this one that started earlier.
    let earlier = Owner(Owner::this_process().0 - (1 << 22));
    let header = lanes.segment().geometry.header(earlier.0, pid_namespace());
    (0..).step_by(8).zip(header).for_each(|(offset, word)| {
        lanes.segment().word(offset).store(word, Ordering::SeqCst);
    });
    let replaced = queue.open_shared(&scratch.settings()).expect("the old one is removed");
    let mut producer = SharedProducer::attach(replaced.path()).expect("a new segment");
    producer.enqueue(LANE, b"x", Meta::default()).expect("room");
}

#[test]
fn numbers_beyond_every_limit_are_refused() {
    for seats in [0, SHARED_SEATS_MAX + 1, usize::MAX] {
        let settings = SharedSettings { seats, ..small() };
        assert_eq!(queue().open_shared(&settings).expect_err("too many").status(), Status::Config);
    }
    for part_bytes in [0, usize::MAX] {
        let settings = SharedSettings { part_bytes, ..small() };
        assert_eq!(queue().open_shared(&settings).expect_err("too much").status(), Status::Config);
    }
}

#[test]
fn closing_beside_a_consumer_that_tends_is_no_damage() {
    for _ in 0..200 {
        let queue = queue();
        let lanes = queue.open_shared(&small()).expect("valid");
        let tending = {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || while !queue.inlets().have_ended() {})
        };
        lanes.close();
        assert!(SharedProducer::attach(lanes.path()).is_err(), "nobody gets in after the close");
        tending.join().expect("no panic");
        assert_eq!(lanes.stats().corrupt, 0);
    }
}

#[test]
fn a_closed_queue_without_a_buffer_waits_for_one() {
    let queue = queue_with(Consumers::One, 1, 1);
    let lanes = queue.open_shared(&small()).expect("valid");
    let mut producer = SharedProducer::attach(lanes.path()).expect("a free seat");
    producer.enqueue(LANE, b"first", Meta::default()).expect("room");
    producer.enqueue(LANE, b"second", Meta::default()).expect("room");
    let mut consumer = queue.consumer().expect("free");
    let only_buffer = consumer.dequeue().expect("the first");
    queue.close();
    assert!(consumer.dequeue().is_none() && consumer.is_starved() && !consumer.is_ended());
    assert_eq!(consumer.dequeue_wait(Duration::from_millis(20)).unwrap_err(), Error::Timeout);
    let looks = queue.stats().pool.exhausted;
    assert!(looks < 1000, "{looks} looks in 20 ms are no sleep");
    drop(only_buffer);
    assert_eq!(&*consumer.dequeue_wait(Duration::from_secs(60)).expect("a buffer came back"), b"second");
    assert!(consumer.is_ended());
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn who_attaches_while_a_segment_is_made_finds_it_finished_or_not_at_all() {
    let scratch = Scratch::new("making");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let attaching = scope.spawn(|| {
            let mut attached = 0;
            while !stop.load(Ordering::Relaxed) {
                match SharedProducer::attach(&scratch.0) {
                    Ok(_) => attached += 1,
                    // Not there, or closed again.
                    Err(error) => {
                        assert!(matches!(error.status(), Status::NotFound | Status::Closed), "{error}")
                    }
                }
            }
            attached
        });
        {
            // A panic here ends the other thread too, which the scope would wait for.
            let _over = Over(&stop);
            let queue = queue();
            for _ in 0..200 {
                drop(queue.open_shared(&scratch.settings()).expect("valid"));
            }
            let _lanes = queue.open_shared(&scratch.settings()).expect("valid");
            SharedProducer::attach(&scratch.0).expect("open");
        }
        attaching.join().expect("no other refusal");
    });
    assert!(!scratch.draft().exists());
}

#[test]
fn what_a_process_killed_while_making_a_segment_left_is_replaced() {
    let scratch = Scratch::new("draft");
    std::fs::write(scratch.draft(), b"half").expect("writable");
    let queue = queue();
    let lanes = queue.open_shared(&scratch.settings()).expect("nobody makes that one any more");
    assert!(scratch.0.exists() && !scratch.draft().exists());
    // A second one at the place of the living first is refused and leaves nothing.
    let refused = queue.open_shared(&scratch.settings()).expect_err("there is one");
    assert_eq!((refused.status(), scratch.draft().exists()), (Status::Io, false));
    drop(lanes);
    // While somebody else holds the lock it is being made.
    let making = std::fs::File::create(scratch.draft()).expect("writable");
    making.try_lock().expect("nobody else has it");
    let refused = queue.open_shared(&scratch.settings()).expect_err("somebody makes one");
    assert_eq!((refused.status(), scratch.draft().exists()), (Status::Io, true));
    std::fs::remove_file(scratch.draft()).expect("ours");
}

#[test]
fn of_several_who_open_the_same_path_one_gets_it_and_can_be_reached() {
    const OPENERS: usize = 4;
    let scratch = Scratch::new("several");
    let queues: Vec<_> = (0..OPENERS).map(|_| queue()).collect();
    for round in 0..300 {
        if round % 2 == 0 {
            // Somebody was killed while making one: all of them want to replace it.
            std::fs::write(scratch.draft(), b"half").expect("writable");
        }
        let start = std::sync::Barrier::new(OPENERS);
        let opened: Vec<_> = std::thread::scope(|scope| {
            let open = |queue| {
                let (start, settings) = (&start, scratch.settings());
                scope.spawn(move || {
                    start.wait();
                    TxQueue::open_shared(queue, &settings)
                })
            };
            let openers: Vec<_> = queues.iter().map(open).collect();
            openers.into_iter().map(|opener| opener.join().expect("no panic")).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "round {round}: {lost:?}");
        for error in lost.into_iter().filter_map(Result::err) {
            assert_eq!(error.status(), Status::Io, "{error}");
            assert!(error.to_string().contains("making"), "{error}");
        }
        let lanes = won.into_iter().flatten().next().expect("there is one");
        assert!(!scratch.draft().exists(), "round {round}");
        let _producer = SharedProducer::attach(&scratch.0).expect("finished");
        assert_eq!(lanes.stats().seats_taken, 1, "round {round}: another segment than the winner's");
    }
}
