//! The bare ring: what fits, what is refused, order, runs and the end, with one thread and with several.

use super::*;
use std::thread;

/// Under Miri an instruction costs a thousand times as much.
const ITEMS: u32 = if cfg!(miri) { 40 } else { 30_000 };

fn with_runs(cells: usize, handles: usize) -> Arc<HandleQueue> {
    HandleQueue::with_settings(HandleSettings { cells, consumers: Consumers::One, handles }).unwrap()
}

fn drained(consumer: &mut HandleConsumer) -> Vec<u32> {
    let mut taken = Vec::new();
    consumer.drain(usize::MAX, |handle| taken.push(handle));
    taken
}

#[test]
fn handles_come_out_in_order_and_full_is_exact() {
    for consumers in [Consumers::One, Consumers::Many] {
        let queue = HandleQueue::new(4, consumers).unwrap();
        let (mut producer, mut consumer) = (queue.producer(), queue.consumer().unwrap());
        for lap in 0..5 {
            for n in 0..4 {
                producer.push(lap * 4 + n).unwrap();
            }
            assert_eq!(producer.push(99), Err(Error::Full));
            assert_eq!((queue.len(), queue.capacity()), (4, 4));
            assert_eq!(consumer.pop(), Some(lap * 4));
            assert_eq!(drained(&mut consumer), [lap * 4 + 1, lap * 4 + 2, lap * 4 + 3]);
            assert_eq!((consumer.pop(), queue.is_empty()), (None, true));
        }
    }
}

#[test]
fn the_largest_handle_passes_and_a_larger_one_is_refused() {
    let queue = HandleQueue::new(2, Consumers::One).unwrap();
    let (mut producer, mut consumer) = (queue.producer(), queue.consumer().unwrap());
    assert_eq!(HandleQueue::HANDLE_MAX, (1 << 24) - 3);
    let above = Error::NoSuchHandle { handle: HandleQueue::HANDLE_MAX + 1, max: HandleQueue::HANDLE_MAX };
    assert_eq!(producer.push(HandleQueue::HANDLE_MAX + 1), Err(above));
    producer.push(HandleQueue::HANDLE_MAX).unwrap();
    producer.push(0).unwrap();
    assert_eq!(drained(&mut consumer), [HandleQueue::HANDLE_MAX, 0]);
}

#[test]
fn settings_out_of_range_are_refused_and_say_why() {
    for cells in [0, 3, 1 << 24] {
        let text = HandleQueue::new(cells, Consumers::One).expect_err("bad").to_string();
        assert!(text.contains(&cells.to_string()), "{text}");
    }
    let too_many = (1 << 24) - 1;
    let settings = HandleSettings { cells: 1, consumers: Consumers::One, handles: too_many };
    let text = HandleQueue::with_settings(settings).expect_err("bad").to_string();
    assert!(text.contains(&too_many.to_string()), "{text}");
}

#[test]
fn a_batch_takes_one_cell_for_each_run() {
    let queue = with_runs(4, 100);
    let (mut producer, mut consumer) = (queue.producer(), queue.consumer().unwrap());
    let handles: Vec<u32> = (0..70).collect();
    assert_eq!(producer.push_batch(&handles), (70, None));
    assert_eq!(queue.len(), 3, "32, 32 and 6");
    producer.push(70).unwrap();
    assert_eq!(producer.push(71), Err(Error::Full));
    assert_eq!(producer.push_batch(&[71, 72]), (0, Some(Error::Full)));
    assert_eq!(drained(&mut consumer), (0..71).collect::<Vec<_>>());
    assert_eq!(producer.push_batch(&handles[..2]), (2, None));
    assert_eq!(producer.push_batch(&[]), (0, None));
    assert_eq!(drained(&mut consumer), [0, 1]);
}

#[test]
fn a_batch_that_does_not_fit_is_accepted_up_to_a_run() {
    let queue = with_runs(2, 100);
    let handles: Vec<u32> = (0..100).collect();
    assert_eq!(queue.producer().push_batch(&handles), (64, Some(Error::Full)));
    assert_eq!(drained(&mut queue.consumer().unwrap()), handles[..64]);
}

#[test]
fn a_batch_ends_before_a_handle_that_is_too_large() {
    let queue = with_runs(2, 10);
    assert_eq!(queue.handle_max(), 9);
    let refused = Some(Error::NoSuchHandle { handle: 10, max: 9 });
    assert_eq!(queue.producer().push_batch(&[1, 2, 10, 3]), (2, refused.clone()));
    assert_eq!(queue.producer().push_batch(&[10]), (0, refused));
    assert_eq!(drained(&mut queue.consumer().unwrap()), [1, 2]);
}

#[test]
fn with_several_consumers_a_batch_takes_a_cell_for_each_handle() {
    let settings = HandleSettings { cells: 4, consumers: Consumers::Many, handles: 10 };
    let queue = HandleQueue::with_settings(settings).unwrap();
    assert_eq!(queue.producer().push_batch(&[1, 2, 3, 4, 5]), (4, Some(Error::Full)));
    assert_eq!(queue.len(), 4);
    let (mut first, mut second) = (queue.consumer().unwrap(), queue.consumer().unwrap());
    assert_eq!((first.pop(), second.pop(), first.pop()), (Some(1), Some(2), Some(3)));
}

#[test]
fn the_seat_goes_to_one_consumer_and_then_on_in_the_middle_of_a_run() {
    let queue = with_runs(2, 10);
    queue.producer().push_batch(&[5, 6, 7]);
    let mut consumer = queue.consumer().unwrap();
    assert_eq!(queue.consumer().err(), Some(Error::ConsumerTaken));
    assert_eq!(consumer.pop(), Some(5));
    assert_eq!(consumer.drain(1, |handle| assert_eq!(handle, 6)), 1);
    queue.close();
    assert!(!consumer.is_ended(), "a run is not finished");
    drop(consumer);
    let mut consumer = queue.consumer().unwrap();
    assert!(!consumer.is_ended());
    assert_eq!((consumer.pop(), consumer.pop()), (Some(7), None));
    assert!(consumer.is_ended());
}

#[test]
fn a_closed_queue_refuses_and_hands_out_the_rest() {
    for consumers in [Consumers::One, Consumers::Many] {
        let queue = HandleQueue::new(4, consumers).unwrap();
        let (mut producer, mut consumer) = (queue.producer(), queue.consumer().unwrap());
        producer.push(1).unwrap();
        queue.close();
        assert_eq!(producer.push(2), Err(Error::Closed));
        assert_eq!(producer.push_batch(&[2]), (0, Some(Error::Closed)));
        assert!(!consumer.is_ended());
        assert_eq!(consumer.pop(), Some(1));
        assert!(consumer.is_ended() && consumer.is_ended());
        assert!(queue.is_closed());
    }
}

#[test]
fn a_drain_that_panics_loses_only_what_it_was_given() {
    let queue = with_runs(2, 10);
    queue.producer().push_batch(&[1, 2, 3]);
    let mut consumer = queue.consumer().unwrap();
    let drain = || consumer.drain(9, |handle| assert_ne!(handle, 2));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(drain)).is_err());
    assert_eq!(drained(&mut consumer), [3]);
}

/// Each producer has handles of its own, `who * ITEMS + n`, and pushes them once in order.
fn feed(queue: &Arc<HandleQueue>, who: u32) {
    let mut producer = queue.producer();
    let handles: Vec<u32> = (who * ITEMS..(who + 1) * ITEMS).collect();
    let mut rest = &handles[..];
    while !rest.is_empty() {
        let some = &rest[..rest.len().min(1 + (rest.len() % 50))];
        let accepted = match some {
            [one] => producer.push(*one).map_or(0, |()| 1),
            some => producer.push_batch(some).0,
        };
        if accepted == 0 {
            thread::yield_now();
        }
        rest = &rest[accepted..];
    }
}

/// Every handle once; and in the order of its producer, as each consumer saw it.
fn conserve(queue: &Arc<HandleQueue>, producers: u32, consumers: usize) {
    let mut taken: Vec<u32> = Vec::new();
    thread::scope(|scope| {
        let takers: Vec<_> = (0..consumers)
            .map(|_| {
                let mut consumer = queue.consumer().unwrap();
                scope.spawn(move || {
                    let (mut taken, mut last) = (Vec::new(), vec![None; producers as usize]);
                    while !consumer.is_ended() {
                        let count = consumer.drain(40, |handle| {
                            let last = &mut last[(handle / ITEMS) as usize];
                            assert!(*last < Some(handle), "{handle} after {last:?}");
                            *last = Some(handle);
                            taken.push(handle);
                        });
                        if count == 0 {
                            thread::yield_now();
                        }
                    }
                    taken
                })
            })
            .collect();
        let feeders: Vec<_> = (0..producers).map(|who| scope.spawn(move || feed(queue, who))).collect();
        feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
        queue.close();
        takers.into_iter().for_each(|taker| taken.extend(taker.join().unwrap()));
    });
    taken.sort_unstable();
    assert!(taken.iter().copied().eq(0..producers * ITEMS), "{} handles", taken.len());
    assert!(queue.is_empty());
}

#[test]
fn threads_lose_and_double_nothing_with_single_handles() {
    conserve(&HandleQueue::new(8, Consumers::One).unwrap(), 3, 1);
    conserve(&HandleQueue::new(64, Consumers::Many).unwrap(), 2, 3);
}

#[test]
fn threads_lose_and_double_nothing_with_runs() {
    conserve(&with_runs(2, 3 * ITEMS as usize), 3, 1);
    conserve(&with_runs(64, 3 * ITEMS as usize), 3, 1);
}
