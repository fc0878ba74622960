//! The queue under real threads, and against a model that is obviously right.

use super::*;
use crate::pool::{ClassSettings, OverflowSettings, PoolSettings};
use std::collections::VecDeque;
use std::sync::Barrier;
use std::thread;

const L0: LaneId = LaneId::new(0);
/// Far longer than any of these tests takes, so that only a lost wake-up reaches it.
const LONG: Duration = Duration::from_secs(60);
/// Under Miri an instruction costs a thousand times as much.
const ITEMS: u64 = if cfg!(miri) { 12 } else { 20_000 };

fn queue(lane_cells: &[usize], consumers: Consumers, ageing: u32) -> Arc<TxQueue> {
    queue_of_runs(lane_cells, consumers, ageing, 1)
}

fn queue_of_runs(lane_cells: &[usize], consumers: Consumers, ageing: u32, run_max: usize) -> Arc<TxQueue> {
    TxQueue::new(QueueSettings {
        lane_cells: lane_cells.to_vec(),
        consumers,
        ageing,
        run_max,
        transaction_bytes_max: 4096,
        pool: PoolSettings {
            classes: vec![ClassSettings { buffer_bytes: 64, count_max: 4096 }],
            overflow: OverflowSettings { buffer_bytes_max: 4096, total_bytes_max: 4 << 20 },
        },
    })
    .unwrap()
}

fn meta(producer: u64, number: u64) -> Meta {
    Meta { tag: producer, stamp: number }
}

/// Length and contents follow from the words, so that a mixed-up buffer is noticed.
fn payload(meta: Meta) -> Vec<u8> {
    let long = if meta.stamp % 1000 == 999 { 3000 } else { 1 };
    vec![(meta.tag * 31 + meta.stamp) as u8; (1 + meta.stamp % 60 + long) as usize]
}

/// Every item once, whole, and in the order of its producer within the lane.
fn check_conserved(queue: &TxQueue, producers: u64, lanes: u64, mut taken: Vec<(u64, u8, Meta)>) {
    assert_eq!(taken.len() as u64, producers * ITEMS);
    taken.sort_unstable_by_key(|(sequence, lane, _)| (*lane, *sequence));
    let mut next = vec![0; (producers * lanes) as usize];
    for (_, lane, meta) in &taken {
        let expected = &mut next[(meta.tag * lanes + u64::from(*lane)) as usize];
        assert_eq!(meta.stamp / lanes, *expected, "in order of producer {}", meta.tag);
        *expected += 1;
    }
    let stats = queue.stats();
    for (lane, stats) in stats.lanes.iter().enumerate() {
        let of_lane: Vec<_> = taken.iter().filter(|(_, l, _)| usize::from(*l) == lane).collect();
        assert!(of_lane.iter().enumerate().all(|(n, (sequence, ..))| *sequence == n as u64), "no gap");
        assert_eq!((stats.accepted, stats.dequeued), (of_lane.len() as u64, of_lane.len() as u64));
        assert_eq!(stats.depth, 0);
    }
    assert_eq!((stats.pool.in_use, stats.pool.overflow_bytes), (0, 0));
    assert_eq!(stats.pool.acquired, stats.pool.released);
}

fn take_until_ended(mut consumer: Consumer, drains: bool) -> Vec<(u64, u8, Meta)> {
    let mut taken: Vec<(u64, u8, Meta)> = Vec::new();
    let mut last = [None; 8];
    let mut keep = |item: Item| {
        assert_eq!(&*item, payload(item.meta()));
        let before = &mut last[item.lane().index()];
        assert!(before.is_none_or(|before| before < item.sequence()), "in order as this consumer saw it");
        *before = Some(item.sequence());
        taken.push((item.sequence(), item.lane().get(), item.meta()));
    };
    loop {
        match consumer.dequeue_wait(LONG) {
            Ok(item) => keep(item),
            Err(error) => {
                assert_eq!(error, Error::Ended);
                break;
            }
        }
        if drains {
            consumer.drain(100, |item| keep(item.into_item()));
        }
    }
    assert!(consumer.is_ended());
    taken
}

fn run(cells: usize, lanes: u64, producers: u64, consumers: usize) {
    let mode = if consumers == 1 { Consumers::One } else { Consumers::Many };
    run_with(queue(&vec![cells; lanes as usize], mode, 3), producers, consumers, feed);
}

fn run_in_batches(cells: usize, lanes: u64, producers: u64, run_max: usize) {
    let queue = queue_of_runs(&vec![cells; lanes as usize], Consumers::One, 3, run_max);
    run_with(queue, producers, 1, feed_in_batches);
}

fn run_with(queue: Arc<TxQueue>, producers: u64, consumers: usize, feed: fn(&Arc<TxQueue>, u64, u64)) {
    let lanes = queue.lanes() as u64;
    let mut taken = Vec::new();
    thread::scope(|scope| {
        let takers: Vec<_> = (0..consumers)
            .map(|n| {
                let consumer = queue.consumer().unwrap();
                scope.spawn(move || take_until_ended(consumer, n % 2 == 0))
            })
            .collect();
        let feeders: Vec<_> = (0..producers)
            .map(|number| {
                let queue = &queue;
                scope.spawn(move || feed(queue, number, lanes))
            })
            .collect();
        feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
        queue.close();
        for taker in takers {
            taken.extend(taker.join().unwrap());
        }
    });
    check_conserved(&queue, producers, lanes, taken);
}

/// Sends in batches of 1 to 45, whatever is left of one with the next.
fn feed_in_batches(queue: &Arc<TxQueue>, number: u64, lanes: u64) {
    let mut producer = queue.producer();
    let mut sent = vec![0; lanes as usize];
    for n in (0..lanes).cycle() {
        let (lane, done) = (LaneId::new(n as u8), &mut sent[n as usize]);
        let own = ITEMS.saturating_sub(n).div_ceil(lanes);
        let size = (1 + *done % 45).min(own - *done);
        let metas: Vec<Meta> = (0..size).map(|ahead| meta(number, n + lanes * (*done + ahead))).collect();
        let bytes: Vec<Vec<u8>> = metas.iter().map(|meta| payload(*meta)).collect();
        let items: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let (accepted, error) = producer.enqueue_batch(lane, &items, |at| metas[at]);
        assert_eq!(error.is_none(), accepted == items.len());
        *done += accepted as u64;
        if sent.iter().sum::<u64>() == ITEMS {
            return;
        }
        thread::yield_now();
    }
}

/// Uses every way in.
fn feed(queue: &Arc<TxQueue>, number: u64, lanes: u64) {
    let mut producer = queue.producer();
    for n in 0..ITEMS {
        let (lane, meta) = (LaneId::new((n % lanes) as u8), meta(number, n));
        let bytes = payload(meta);
        match n % 4 {
            0 => producer.enqueue_wait(lane, &bytes, meta, LONG).unwrap(),
            1 => queue.enqueue_wait(lane, &bytes, meta, LONG).unwrap(),
            2 => {
                while producer.enqueue_batch(lane, &[&bytes], |_| meta).0 == 0 {
                    thread::yield_now();
                }
            }
            _ => {
                let mut claim = queue.claim(bytes.len(), lane).unwrap();
                claim.copy_from_slice(&bytes);
                let mut outcome = claim.commit(meta);
                while let Err((claim, error)) = outcome {
                    assert_eq!(error, Error::Full);
                    thread::yield_now();
                    outcome = claim.commit(meta);
                }
            }
        }
    }
}

#[test]
fn four_producers_and_one_consumer_conserve_everything_in_order() {
    run(1024, 1, 4, 1);
}

#[test]
fn four_producers_and_one_consumer_conserve_everything_through_one_cell() {
    run(1, 1, 4, 1);
}

#[test]
fn four_producers_and_one_consumer_conserve_everything_over_lanes() {
    run(16, 3, 4, 1);
}

#[test]
fn batches_of_four_producers_are_conserved_in_order() {
    run_in_batches(64, 1, 4, 32);
}

#[test]
fn batches_of_four_producers_are_conserved_through_one_cell() {
    run_in_batches(1, 1, 4, 7);
}

#[test]
fn batches_of_four_producers_are_conserved_over_lanes() {
    run_in_batches(4, 3, 4, 32);
}

#[test]
fn four_producers_and_four_consumers_conserve_everything_in_order() {
    run(64, 1, 4, 4);
}

#[test]
fn four_producers_and_four_consumers_conserve_everything_over_lanes() {
    run(2, 2, 4, 4);
}

#[test]
fn closing_among_busy_producers_loses_nothing_that_was_accepted() {
    let rounds = if cfg!(miri) { 3 } else { 200 };
    for round in 0..rounds {
        let consumers = if round % 2 == 0 { Consumers::One } else { Consumers::Many };
        let queue = queue(&[4, 4], consumers, 0);
        let barrier = Barrier::new(3);
        let (accepted, taken) = thread::scope(|scope| {
            let feeders = [0, 1].map(|number| {
                let (queue, barrier) = (&queue, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let mut accepted = 0;
                    loop {
                        let meta = meta(number, accepted);
                        match queue.enqueue_wait(LaneId::new(number as u8), &payload(meta), meta, LONG) {
                            Ok(()) => accepted += 1,
                            Err(error) => {
                                assert_eq!(error, Error::Closed);
                                return accepted;
                            }
                        }
                    }
                })
            });
            let consumer = queue.consumer().unwrap();
            let taker = scope.spawn(move || take_until_ended(consumer, round % 3 == 0).len() as u64);
            barrier.wait();
            for _ in 0..round * 20 {
                std::hint::spin_loop();
            }
            queue.close();
            let accepted: u64 = feeders.map(|feeder| feeder.join().unwrap()).iter().sum();
            (accepted, taker.join().unwrap())
        });
        assert_eq!(accepted, taken, "round {round}");
        assert_eq!(queue.stats().pool.in_use, 0);
    }
}

#[test]
fn closing_wakes_consumers_and_producers_that_wait_without_end() {
    let queue = queue(&[1, 1], Consumers::Many, 0);
    queue.enqueue(L0, b"x", Meta::default()).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.enqueue_wait(L0, b"y", Meta::default(), Duration::MAX));
        let mut first = queue.consumer().unwrap();
        // The producer may get in before the close: then the consumer gets two items.
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let mut consumer = queue.consumer().unwrap();
                scope.spawn(move || {
                    let mut count = 0;
                    while consumer.dequeue_wait(Duration::MAX).is_ok() {
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        while !queue.is_empty() {
            thread::yield_now();
        }
        queue.close();
        let accepted = 1 + u32::from(waiting.join().unwrap().is_ok());
        assert_eq!(takers.into_iter().map(|taker| taker.join().unwrap()).sum::<u32>(), accepted);
        assert_eq!(first.dequeue_wait(Duration::MAX).unwrap_err(), Error::Ended);
    });
}

#[test]
fn timed_waits_give_up_and_leave_the_queue_usable() {
    let queue = queue(&[1], Consumers::One, 0);
    let mut consumer = queue.consumer().unwrap();
    assert_eq!(consumer.dequeue_wait(Duration::from_millis(3)).unwrap_err(), Error::Timeout);
    queue.enqueue(L0, b"x", Meta::default()).unwrap();
    let waited = queue.enqueue_wait(L0, b"y", Meta::default(), Duration::from_millis(12));
    assert_eq!(waited, Err(Error::Timeout));
    assert_eq!(&*consumer.dequeue_wait(Duration::from_millis(3)).unwrap(), b"x");
    queue.enqueue_wait(L0, b"y", Meta::default(), Duration::from_millis(3)).unwrap();
}

#[test]
fn a_waiting_consumer_gets_what_a_later_producer_sends() {
    let rounds = if cfg!(miri) { 3 } else { 300 };
    let (there, back) = (queue(&[2], Consumers::One, 0), queue(&[2], Consumers::One, 0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut consumer = there.consumer().unwrap();
            for _ in 0..rounds {
                let item = consumer.dequeue_wait(LONG).unwrap();
                back.enqueue(L0, &item, item.meta()).unwrap();
            }
        });
        let mut consumer = back.consumer().unwrap();
        for n in 0..rounds {
            there.enqueue(L0, b"ping", meta(0, n)).unwrap();
            assert_eq!(consumer.dequeue_wait(LONG).unwrap().meta(), meta(0, n));
        }
    });
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// One random sequence of operations, step by step against plain queues.
fn compare(seed: u64, steps: u64) {
    let mut dice = Dice(seed);
    let cells: Vec<usize> = (0..1 + dice.roll(3)).map(|_| 1 << dice.roll(4)).collect();
    let consumers = if dice.roll(2) == 0 { Consumers::One } else { Consumers::Many };
    let queue = queue(&cells, consumers, 0);
    let mut producers = [queue.producer(), queue.producer()];
    let mut consumer = queue.consumer().unwrap();
    let mut model: Vec<VecDeque<Meta>> = vec![VecDeque::new(); cells.len()];
    let mut claims = VecDeque::new();
    let mut held = VecDeque::new();
    for step in 0..steps {
        let lane = dice.roll(cells.len() as u64) as usize;
        let (id, meta) = (LaneId::new(lane as u8), meta(seed, step));
        let room = model[lane].len() < cells[lane];
        let expected = if room { Ok(()) } else { Err(Error::Full) };
        let bytes = payload(meta);
        match dice.roll(8) {
            0 => assert_eq!(queue.enqueue(id, &bytes, meta), expected, "seed {seed} step {step}"),
            n @ 1..=3 => {
                let sent = producers[n as usize % 2].enqueue(id, &bytes, meta);
                assert_eq!(sent, expected, "seed {seed} step {step}");
            }
            4 => {
                claims.push_back(queue.claim(bytes.len(), id).unwrap().into_handle());
                continue;
            }
            5 => {
                let Some(handle) = claims.pop_front() else { continue };
                let mut claim = Claim::adopt(&queue, handle, id).unwrap();
                claim.set_len(bytes.len().min(64)).unwrap();
                claim.fill(bytes[0]);
                assert_eq!(
                    claim.commit(meta).map_err(|(_, error)| error),
                    expected,
                    "seed {seed} step {step}"
                );
            }
            _ => {
                let wanted = model.iter_mut().find_map(VecDeque::pop_front);
                let found = consumer.dequeue();
                assert_eq!(found.as_ref().map(Item::meta), wanted, "seed {seed} step {step}");
                if let Some(item) = found {
                    assert!(item.iter().all(|byte| *byte == payload(item.meta())[0]));
                    held.push_back(item);
                }
                if held.len() as u64 > dice.roll(6) {
                    held.pop_front();
                }
                continue;
            }
        }
        if room {
            model[lane].push_back(meta);
        }
        assert_eq!(queue.lane_len(id), model[lane].len());
    }
    claims.into_iter().for_each(|handle| queue.pool().release(handle).unwrap());
    drop(held);
    let waiting = model.iter().map(VecDeque::len).sum::<usize>();
    assert_eq!(queue.stats().pool.in_use, waiting as u64);
    assert_eq!(consumer.drain(usize::MAX, |_| ()), waiting);
}

#[test]
fn random_sequences_agree_with_plain_queues() {
    let (seeds, steps) = if cfg!(miri) { (3, 80) } else { (200, 500) };
    for seed in 0..seeds {
        compare(seed, steps);
    }
}
