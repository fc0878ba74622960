//! Batches that share cells.

use super::*;
use crate::pool::{ClassSettings, OverflowSettings, PoolSettings};

const L0: LaneId = LaneId::new(0);
const BUFFERS: usize = 256;

fn queue(lane_cells: &[usize], run_max: usize) -> Arc<TxQueue> {
    TxQueue::new(QueueSettings {
        lane_cells: lane_cells.to_vec(),
        consumers: Consumers::One,
        ageing: 0,
        run_max,
        transaction_bytes_max: 64,
        pool: PoolSettings {
            classes: vec![ClassSettings { buffer_bytes: 64, count_max: BUFFERS }],
            overflow: OverflowSettings::default(),
        },
    })
    .unwrap()
}

fn numbers(count: usize) -> Vec<[u8; 2]> {
    (0..count).map(|n| (n as u16).to_le_bytes()).collect()
}

/// Numbers `from..to` as a batch.
fn send(queue: &TxQueue, all: &[[u8; 2]]) -> (usize, Option<Error>) {
    let items: Vec<&[u8]> = all.iter().map(<[u8; 2]>::as_slice).collect();
    queue.enqueue_batch(L0, &items, |n| Meta { tag: n as u64, stamp: 0 })
}

#[test]
fn a_batch_takes_one_cell_for_each_run_and_comes_out_in_order() {
    for run_max in [2, 3, 32] {
        let queue = queue(&[64], run_max);
        let mut consumer = queue.consumer().unwrap();
        for lap in 0..40_u64 {
            queue.enqueue(L0, b"first", Meta::default()).unwrap();
            assert_eq!(send(&queue, &numbers(70)), (70, None));
            queue.enqueue(L0, b"last", Meta::default()).unwrap();
            assert_eq!((queue.len(), queue.lane_len(L0)), (72, 72));
            assert_eq!(&*consumer.dequeue().unwrap(), b"first");
            for (n, number) in numbers(70).iter().enumerate() {
                assert_eq!(queue.len(), 71 - n);
                let item = consumer.dequeue().unwrap();
                assert_eq!((&*item, item.meta().tag), (&number[..], n as u64));
                assert_eq!(item.sequence(), lap * 72 + 1 + n as u64);
            }
            assert_eq!(&*consumer.dequeue().unwrap(), b"last");
            assert!(consumer.dequeue().is_none() && queue.is_empty());
        }
        let stats = queue.stats();
        let lane = stats.lanes[0];
        assert_eq!((lane.accepted, lane.dequeued, lane.depth), (40 * 72, 40 * 72, 0));
        assert_eq!(stats.pool.in_use, 0);
    }
}

#[test]
fn full_means_that_every_cell_has_its_run() {
    let queue = queue(&[4], 32);
    let all = numbers(200);
    assert_eq!(send(&queue, &all), (128, Some(Error::Full)));
    assert_eq!(queue.enqueue(L0, b"x", Meta::default()), Err(Error::Full));
    assert_eq!(send(&queue, &all[..1]), (0, Some(Error::Full)));
    let stats = queue.stats();
    assert_eq!((stats.pool.in_use, stats.lanes[0].depth_high, stats.lanes[0].refused), (128, 128, 3));
    let mut consumer = queue.consumer().unwrap();
    assert_eq!(consumer.drain(1, |_| ()), 1);
    // The cell is free as soon as its run is open.
    assert_eq!(send(&queue, &all[..2]), (2, None));
    assert_eq!(queue.len(), 129);
    assert_eq!(consumer.drain(usize::MAX, |_| ()), 129);
    assert_eq!(queue.stats().pool.in_use, 0);
}

#[test]
fn a_run_ends_before_the_first_refusal() {
    let queue = queue(&[4], 32);
    let items: [&[u8]; 4] = [b"a", b"b", b"", b"d"];
    assert_eq!(queue.enqueue_batch(L0, &items, |_| Meta::default()), (2, Some(Error::Empty)));
    let large = [1; 65];
    let items: [&[u8]; 2] = [b"c", &large];
    let too_large = Error::TooLarge { len: 65, max: 64 };
    assert_eq!(queue.enqueue_batch(L0, &items, |_| Meta::default()), (1, Some(too_large.clone())));
    assert_eq!(queue.enqueue_batch(L0, &items[1..], |_| Meta::default()), (0, Some(too_large)));
    assert_eq!(queue.enqueue_batch(L0, &[], |_| Meta::default()), (0, None));
    let mut seen = Vec::new();
    assert_eq!(queue.consumer().unwrap().drain(9, |item| seen.extend_from_slice(&item)), 3);
    assert_eq!(seen, b"abc");
    queue.close();
    assert_eq!(queue.enqueue_batch(L0, &[b"e"], |_| Meta::default()), (0, Some(Error::Closed)));
}

#[test]
fn a_pool_that_runs_dry_in_a_run_publishes_what_it_had() {
    let queue = queue(&[64], 32);
    assert_eq!(send(&queue, &numbers(300)), (BUFFERS, Some(Error::NoMemory)));
    assert_eq!(queue.consumer().unwrap().drain(usize::MAX, |_| ()), BUFFERS);
    assert_eq!(queue.stats().pool.in_use, 0);
}

#[test]
fn the_next_consumer_goes_on_in_the_middle_of_a_run() {
    let queue = queue(&[4, 4], 32);
    send(&queue, &numbers(20));
    for (n, number) in numbers(20).iter().enumerate() {
        let mut consumer = queue.consumer().unwrap();
        let item = consumer.dequeue().unwrap();
        assert_eq!((&*item, item.sequence()), (&number[..], n as u64));
    }
    assert!(queue.consumer().unwrap().dequeue().is_none());
}

#[test]
fn a_more_urgent_lane_interrupts_a_run() {
    let queue = queue(&[4, 4], 32);
    let items: [&[u8]; 3] = [b"a", b"b", b"c"];
    queue.enqueue_batch(LaneId::new(1), &items, |_| Meta::default());
    let mut consumer = queue.consumer().unwrap();
    assert_eq!(&*consumer.dequeue().unwrap(), b"a");
    queue.enqueue(L0, b"urgent", Meta::default()).unwrap();
    assert_eq!(&*consumer.dequeue().unwrap(), b"urgent");
    assert_eq!(&*consumer.dequeue_wait(Duration::ZERO).unwrap(), b"b");
    assert_eq!(queue.len(), 1);
}

#[test]
fn the_end_comes_after_the_last_of_an_open_run() {
    let queue = queue(&[4], 32);
    send(&queue, &numbers(3));
    let mut consumer = queue.consumer().unwrap();
    consumer.dequeue().unwrap();
    queue.close();
    assert!(!consumer.is_ended());
    assert_eq!(consumer.drain(usize::MAX, |_| ()), 2);
    assert!(consumer.is_ended());
}

#[test]
fn runs_that_are_still_queued_or_open_go_with_the_queue() {
    let queue = queue(&[4], 32);
    let pool = Arc::clone(queue.pool());
    send(&queue, &numbers(70));
    let kept = queue.consumer().unwrap().dequeue().unwrap();
    drop(queue);
    assert_eq!(pool.stats().in_use, 1);
    drop(kept);
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn the_buffer_of_a_run_can_be_committed_again_alone() {
    let queue = queue(&[4], 32);
    send(&queue, &numbers(3));
    let mut consumer = queue.consumer().unwrap();
    let handle = consumer.dequeue().unwrap().into_lease().into_handle();
    Claim::adopt(&queue, handle, L0).unwrap().commit(Meta::default()).unwrap();
    let left: Vec<Vec<u8>> = std::iter::from_fn(|| consumer.dequeue()).map(|item| item.to_vec()).collect();
    assert_eq!(left, [[1, 0], [2, 0], [0, 0]]);
}

#[test]
fn a_panic_of_the_caller_in_a_batch_gives_its_buffers_back() {
    let queue = queue(&[4], 32);
    let metas = |n| if n == 1 { panic!("metas") } else { Meta::default() };
    let send = || queue.enqueue_batch(L0, &[b"a", b"b"], metas);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(send));
    assert!(panicked.is_err());
    assert_eq!((queue.stats().pool.in_use, queue.len()), (0, 0));
}

/// A queue whose pool has `counts[n]` buffers of `16 << n` bytes, and no more.
fn queue_of_classes(counts: &[usize]) -> Arc<TxQueue> {
    let class = |(n, count): (usize, &usize)| ClassSettings { buffer_bytes: 16 << n, count_max: *count };
    TxQueue::new(QueueSettings {
        lane_cells: vec![64],
        consumers: Consumers::One,
        ageing: 0,
        run_max: 32,
        transaction_bytes_max: 8 << counts.len(),
        pool: PoolSettings {
            classes: counts.iter().enumerate().map(class).collect(),
            overflow: OverflowSettings::default(),
        },
    })
    .unwrap()
}

#[test]
fn sizes_may_change_within_a_batch() {
    // Magazines serve the first class and lists the others.
    let queue = queue_of_classes(&[16_384, 64, 64]);
    let lens = [1, 16, 16, 17, 32, 3, 64, 33, 5, 5, 5, 60, 1];
    let all: Vec<Vec<u8>> = lens.iter().enumerate().map(|(n, len)| vec![n as u8; *len]).collect();
    let items: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    for _ in 0..20 {
        assert_eq!(queue.enqueue_batch(L0, &items, |_| Meta::default()), (items.len(), None));
        let mut seen = Vec::new();
        queue.consumer().unwrap().drain(usize::MAX, |item| seen.push(item.to_vec()));
        assert_eq!(seen, all);
    }
    assert_eq!(queue.stats().pool.in_use, 0);
}

#[test]
fn a_class_that_runs_out_within_a_run_is_helped_out_by_the_next() {
    let queue = queue_of_classes(&[5, 4]);
    let items = [&b"x"[..]; 12];
    assert_eq!(queue.enqueue_batch(L0, &items, |_| Meta::default()), (9, Some(Error::NoMemory)));
    let stats = queue.stats();
    assert_eq!((stats.pool.in_use, stats.lanes[0].depth, stats.lanes[0].refused), (9, 9, 1));
    let mut count = 0;
    queue.consumer().unwrap().drain(usize::MAX, |item| count += item.len());
    assert_eq!((count, queue.stats().pool.in_use), (9, 0));
}

#[test]
fn buffers_taken_for_a_run_go_back_when_the_caller_panics() {
    let queue = queue_of_classes(&[16_384, 40]);
    for len in [1, 17] {
        let bytes = [7; 17];
        let items = vec![&bytes[..len]; 20];
        let send =
            || queue.enqueue_batch(L0, &items, |n| if n < 11 { Meta::default() } else { panic!("n is {n}") });
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(send));
        assert!(panicked.is_err());
        let stats = queue.stats();
        assert_eq!((stats.pool.in_use, stats.lanes[0].depth), (0, 0));
        assert_eq!(stats.pool.acquired, stats.pool.released);
    }
}

#[test]
fn a_batch_is_accepted_up_to_its_first_item_of_a_wrong_length() {
    let queue = queue(&[64], 32);
    let long = [0; 65];
    for (wrong, error) in [(&b""[..], Error::Empty), (&long[..], Error::TooLarge { len: 65, max: 64 })] {
        let items = [b"a", b"b", wrong, b"c"];
        let send = |items: &[&[u8]]| queue.enqueue_batch(L0, items, |_| Meta::default());
        assert_eq!(send(&items), (2, Some(error.clone())));
        assert_eq!(send(&items[2..]), (0, Some(error)));
    }
    queue.close();
    assert_eq!(queue.enqueue_batch(L0, &[b"a", b""], |_| Meta::default()), (0, Some(Error::Closed)));
}
