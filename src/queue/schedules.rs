//! Uses of the queue that are too long for every interleaving, under random ones.

use super::{Consumer, Consumers, Error, HandleQueue, HandleSettings, QueueSettings, TxQueue};
use crate::pool::{ClassSettings, Meta, OverflowSettings, PoolSettings};
use crate::sync::Mutant;
use crate::sync::schedules::explore;
use crate::types::LaneId;
use shuttle::thread;
use std::sync::Arc;
use std::time::Duration;

/// Items of one producer: several laps of every ring here.
const ITEMS: u64 = 8;

fn queue(lane_cells: &[usize], consumers: Consumers, buffers: usize) -> Arc<TxQueue> {
    TxQueue::new(QueueSettings {
        lane_cells: lane_cells.to_vec(),
        consumers,
        ageing: 3,
        run_max: if consumers == Consumers::One { 3 } else { 1 },
        transaction_bytes_max: 64,
        pool: PoolSettings {
            classes: vec![ClassSettings { buffer_bytes: 64, count_max: buffers }],
            overflow: OverflowSettings::default(),
        },
    })
    .unwrap()
}

fn lane_of(queue: &TxQueue, number: u64) -> LaneId {
    LaneId::new((number % queue.lanes() as u64) as u8)
}

/// What an item's bytes have to be.
fn bytes_of(meta: Meta) -> [u8; 8] {
    (meta.tag << 32 | meta.stamp).to_le_bytes()
}

/// Puts `ITEMS` items in by every way that there is, without sleeping.
fn feed(queue: &Arc<TxQueue>, tag: u64) {
    let mut producer = queue.producer();
    let mut stamp = 0;
    while stamp < ITEMS {
        let (lane, meta) = (lane_of(queue, tag), Meta { tag, stamp });
        let bytes = bytes_of(meta);
        let accepted = match stamp % 4 {
            0 => u64::from(producer.enqueue(lane, &bytes, meta).is_ok()),
            1 => u64::from(queue.enqueue(lane, &bytes, meta).is_ok()),
            2 => {
                let pair = [bytes, bytes_of(Meta { tag, stamp: stamp + 1 })];
                let metas = |n: usize| Meta { tag, stamp: stamp + n as u64 };
                producer.enqueue_batch(lane, &[&pair[0], &pair[1]], metas).0 as u64
            }
            _ => {
                let claimed = queue.claim(8, lane).ok().map(|mut claim| {
                    claim.copy_from_slice(&bytes);
                    claim.commit(meta).is_ok()
                });
                u64::from(claimed == Some(true))
            }
        };
        stamp += accepted;
        if accepted == 0 {
            thread::yield_now();
        }
    }
}

type Taken = (LaneId, u64, Meta);

fn checked(bytes: &[u8], taken: Taken) -> Taken {
    assert_eq!(bytes, bytes_of(taken.2), "bytes and words are of one item");
    taken
}

/// Sleeps while there is nothing; takes single items and runs.
fn take_all(mut consumer: Consumer) -> Vec<Taken> {
    let mut taken = Vec::new();
    loop {
        match consumer.dequeue_wait(Duration::MAX) {
            Ok(item) => taken.push(checked(&item, (item.lane(), item.sequence(), item.meta()))),
            Err(error) => {
                assert_eq!(error, Error::Ended);
                return taken;
            }
        }
        consumer.drain(3, |item| taken.push(checked(&item, (item.lane(), item.sequence(), item.meta()))));
    }
}

/// Every item once, with a number of its own, and in the order of its producer.
fn check(queue: &TxQueue, producers: u64, mut taken: Vec<Taken>) {
    taken.sort_unstable_by_key(|(lane, sequence, _)| (*lane, *sequence));
    for lane in 0..queue.lanes() {
        let of_lane = taken.iter().filter(|(at, ..)| at.index() == lane);
        assert!((0..).zip(of_lane).all(|(number, (_, sequence, _))| *sequence == number), "numbers in a row");
    }
    for producer in 0..producers {
        let own = taken.iter().filter(|(.., meta)| meta.tag == producer).map(|(.., meta)| meta.stamp);
        assert!(own.eq(0..ITEMS), "in order of producer {producer}");
    }
    assert_eq!(taken.len() as u64, producers * ITEMS, "nothing twice");
    assert_eq!((queue.len(), queue.stats().pool.in_use), (0, 0));
}

fn producers_and_consumers(lane_cells: &'static [usize], producers: u64, takers: usize) {
    explore(move || {
        let consumers = if takers == 1 { Consumers::One } else { Consumers::Many };
        // Enough for magazines, so that they are part of it.
        let queue = queue(lane_cells, consumers, 16);
        let takers: Vec<_> = (0..takers)
            .map(|_| {
                let consumer = queue.consumer().unwrap();
                thread::spawn(move || take_all(consumer))
            })
            .collect();
        let feeders: Vec<_> = (0..producers)
            .map(|tag| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || feed(&queue, tag))
            })
            .collect();
        feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
        queue.close();
        let taken = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        check(&queue, producers, taken);
    });
}

#[test]
fn shuttle_four_producers_and_a_consumer_through_one_cell() {
    producers_and_consumers(&[1], 4, 1);
}

#[test]
fn shuttle_four_producers_and_a_consumer_through_four_cells() {
    producers_and_consumers(&[4], 4, 1);
}

#[test]
fn shuttle_four_producers_and_a_consumer_over_lanes() {
    producers_and_consumers(&[2, 1, 4], 4, 1);
}

#[test]
fn shuttle_three_producers_and_three_consumers() {
    producers_and_consumers(&[2], 3, 3);
}

#[test]
fn shuttle_three_producers_and_two_consumers_over_lanes() {
    producers_and_consumers(&[1, 2], 3, 2);
}

/// Producers that sleep until there is room; the queue closes among them.
fn sleepers(consumers: Consumers) {
    explore(move || {
        let queue = queue(&[1, 1], consumers, 8);
        let taker = {
            let consumer = queue.consumer().unwrap();
            thread::spawn(move || take_all(consumer).len() as u64)
        };
        let feeders: Vec<_> = (0..3_u64)
            .map(|tag| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    let sent = (0..ITEMS).map(|stamp| {
                        let meta = Meta { tag, stamp };
                        queue.enqueue_wait(lane_of(&queue, tag), &bytes_of(meta), meta, Duration::MAX)
                    });
                    sent.take_while(|outcome| *outcome != Err(Error::Closed)).count() as u64
                })
            })
            .collect();
        while queue.stats().lanes[0].dequeued < ITEMS {
            thread::yield_now();
        }
        queue.close();
        let accepted: u64 = feeders.into_iter().map(|feeder| feeder.join().unwrap()).sum();
        assert_eq!(taker.join().unwrap(), accepted, "accepted and taken");
        assert_eq!(queue.stats().pool.in_use, 0);
    });
}

#[test]
fn shuttle_sleepers_on_both_sides_of_one_consumer_and_a_close() {
    sleepers(Consumers::One);
}

#[test]
fn shuttle_sleepers_on_both_sides_of_one_of_many_and_a_close() {
    sleepers(Consumers::Many);
}

/// Three producers with runs of handles of their own, over several laps of two cells.
fn runs_of_handles() {
    explore(|| {
        let settings = HandleSettings { cells: 2, consumers: Consumers::One, handles: 64 };
        let queue = HandleQueue::with_settings(settings).unwrap();
        let feeders: Vec<_> = (0..3_u32)
            .map(|who| {
                let mut producer = queue.producer();
                thread::spawn(move || {
                    let all: Vec<u32> = (who * 16..who * 16 + 16).collect();
                    let mut left = &all[..];
                    while !left.is_empty() {
                        let run = &left[..left.len().min(1 + left.len() % 4)];
                        let (accepted, _) = producer.push_batch(run);
                        left = &left[accepted..];
                        if accepted == 0 {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let mut consumer = queue.consumer().unwrap();
        let mut next = [0, 16, 32];
        let mut left = 48;
        while left > 0 {
            let mut keep = |handle: u32| {
                let expected = &mut next[handle as usize / 16];
                assert_eq!(handle, *expected, "in order of its producer");
                *expected += 1;
            };
            match consumer.drain(5, &mut keep) {
                0 => thread::yield_now(),
                count => left -= count,
            }
        }
        feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
        assert_eq!((consumer.pop(), queue.len()), (None, 0));
    });
}

#[test]
fn shuttle_runs_of_handles_stay_together_and_in_order() {
    runs_of_handles();
}

#[test]
#[should_panic]
fn shuttle_mutant_that_ignores_turns_is_noticed() {
    let _made = Mutant::TurnUnchecked.make();
    producers_and_consumers(&[4], 4, 1);
}

#[test]
#[should_panic]
fn shuttle_mutant_whose_tail_runs_ahead_is_noticed() {
    let _made = Mutant::TailBeyond.make();
    producers_and_consumers(&[4], 4, 1);
}

#[test]
#[should_panic]
fn shuttle_mutant_that_links_after_publishing_is_noticed() {
    let _made = Mutant::LinksLate.make();
    runs_of_handles();
}
