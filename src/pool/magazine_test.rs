//! Magazines: nothing is lost in them, nothing handed out twice, and the counts stay true.

use super::magazine::{BLOCK_MAX, CLASS_MIN, SIZE};
use super::*;
use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;

const COUNT: usize = CLASS_MIN as usize;

fn pool(classes: usize) -> Arc<BufferPool> {
    let class = |n: usize| ClassSettings { buffer_bytes: 16 << n, count_max: COUNT };
    let overflow = OverflowSettings { buffer_bytes_max: 0, total_bytes_max: 0 };
    BufferPool::new(PoolSettings { classes: (0..classes).map(class).collect(), overflow }).expect("valid")
}

/// Everything can be had by this thread, each buffer once.
fn take_all(pool: &Arc<BufferPool>) {
    let all: Vec<_> = std::iter::from_fn(|| pool.acquire(1).ok()).collect();
    let indexes: HashSet<u32> = all.iter().map(Lease::index).collect();
    assert_eq!((all.len(), indexes.len()), (COUNT, COUNT));
    assert_eq!(pool.stats().in_use, COUNT as u64);
}

#[test]
fn counts_are_exact_whatever_lies_in_magazines() {
    let pool = pool(1);
    for round in 1..=5_u64 {
        let held: Vec<_> = (0..100).map(|_| pool.acquire(8).unwrap()).collect();
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.acquired, stats.released), (100, round * 100, (round - 1) * 100));
        drop(held);
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.acquired, stats.released), (0, round * 100, round * 100));
        assert!(stats.free >= 100, "{stats:?}");
    }
}

/// Threads that use a pool for the first time together and take one buffer at a time, in turn: which they got.
fn taken_in_turn(pool: &Arc<BufferPool>, threads: usize, each: usize) -> Vec<Vec<u32>> {
    let turns = Arc::new(Barrier::new(threads));
    let users: Vec<_> = (0..threads)
        .map(|_| {
            let (pool, turns) = (Arc::clone(pool), Arc::clone(&turns));
            thread::spawn(move || {
                let mut held = Vec::new();
                for _ in 0..each {
                    turns.wait();
                    held.push(pool.acquire(8).unwrap());
                }
                // Nobody gives back before all have taken.
                turns.wait();
                held.iter().map(Lease::index).collect()
            })
        })
        .collect();
    users.into_iter().map(|user| user.join().unwrap()).collect()
}

#[test]
fn threads_that_begin_together_take_fresh_buffers_by_runs_of_neighbours() {
    const THREADS: usize = 4;
    let pool = pool(1);
    let taken = taken_in_turn(&pool, THREADS, 1 + BLOCK_MAX);
    // The first of each thread came while it had no magazine yet.
    for indexes in taken.iter().map(|all| &all[1..]) {
        assert!(indexes.is_sorted_by(|a, b| a + 1 == *b), "{indexes:?}");
    }
    let all: HashSet<u32> = taken.iter().flatten().copied().collect();
    assert_eq!(all.len(), THREADS * (1 + BLOCK_MAX));
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.acquired), (0, all.len() as u64));
    assert!(stats.in_use_high <= (all.len() + THREADS * BLOCK_MAX) as u64, "{stats:?}");
    take_all(&pool);
}

#[test]
fn a_run_of_fresh_buffers_ends_with_its_slab_and_with_its_class() {
    // Four buffers a slab.
    let class = ClassSettings { buffer_bytes: 64 << 10, count_max: COUNT };
    let overflow = OverflowSettings { buffer_bytes_max: 0, total_bytes_max: 0 };
    let pool = BufferPool::new(PoolSettings { classes: vec![class], overflow }).expect("valid");
    let slab = pool.classes[0].slab_slots;
    let held: Vec<_> = (0..10).map(|_| pool.acquire(8).unwrap()).collect();
    let stats = pool.stats();
    assert_eq!(stats.resident, u64::from(10_u32.next_multiple_of(slab)), "no slab ahead of use");
    assert_eq!((stats.in_use, stats.resident), (10, stats.in_use + stats.free));
    drop(held);
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn a_thread_that_ends_gives_its_magazine_back() {
    let pool = pool(1);
    for _ in 0..4 {
        let pool = Arc::clone(&pool);
        let user = thread::spawn(move || drop((0..SIZE * 3).map(|_| pool.acquire(8)).collect::<Vec<_>>()));
        user.join().unwrap();
    }
    take_all(&pool);
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn what_idle_threads_keep_is_a_quarter_of_a_class_at_most() {
    let pool = pool(1);
    let threads = COUNT / SIZE / 4 + 40;
    let (filled, done) = (Arc::new(Barrier::new(threads + 1)), Arc::new(Barrier::new(threads + 1)));
    let idle: Vec<_> = (0..threads)
        .map(|_| {
            let (pool, filled, done) = (Arc::clone(&pool), Arc::clone(&filled), Arc::clone(&done));
            thread::spawn(move || {
                // Its last acts are releases, so its magazine is as full as it gets.
                drop((0..SIZE).map(|_| pool.acquire(8).unwrap()).collect::<Vec<_>>());
                filled.wait();
                done.wait();
            })
        })
        .collect();
    filled.wait();
    let had = std::iter::from_fn(|| pool.acquire(8).ok()).collect::<Vec<_>>().len();
    assert!(had >= COUNT - COUNT / 4, "{had} of {COUNT}");
    done.wait();
    idle.into_iter().for_each(|thread| thread.join().unwrap());
    take_all(&pool);
}

#[test]
fn a_thread_without_a_magazine_finds_what_others_put_into_blocks() {
    let pool = pool(1);
    let all: Vec<_> = (0..COUNT).map(|_| pool.acquire(8).unwrap()).collect();
    let giver = thread::spawn(move || drop(all));
    giver.join().unwrap();
    // The main thread's own magazine and the lists are used up on the way.
    take_all(&pool);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.free, stats.in_use_high), (0, COUNT as u64, COUNT as u64));
}

#[test]
fn trimming_leaves_what_it_was_asked_to_leave_wherever_it_lies() {
    let pool = pool(1);
    drop((0..COUNT).map(|_| pool.acquire(8).unwrap()).collect::<Vec<_>>());
    let before = pool.stats();
    let freed = pool.trim(COUNT / 2);
    let after = pool.stats();
    assert_eq!(after.reserved_bytes, before.reserved_bytes - freed as u64);
    assert!(freed > 0 && after.reserved_bytes >= (COUNT / 2 * 64) as u64, "{after:?}");
    assert_eq!((after.free, after.in_use), (before.free, 0));
    take_all(&pool);
}

#[test]
fn one_thread_takes_and_another_gives_back() {
    let pool = pool(1);
    let (send, receive) = mpsc::sync_channel::<Lease>(1_000);
    let giver = thread::spawn(move || {
        for (number, mut lease) in receive.into_iter().enumerate() {
            assert_eq!(&*lease, (number as u64).to_le_bytes());
            lease.fill(0xEE);
        }
    });
    for number in 0..100_000_u64 {
        let mut lease = pool.acquire(8).unwrap();
        lease.copy_from_slice(&number.to_le_bytes());
        send.send(lease).unwrap();
    }
    drop(send);
    giver.join().unwrap();
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.acquired, stats.released), (0, 100_000, 100_000));
    assert!(stats.in_use_high < 4_000, "buffers went round, {} were used", stats.in_use_high);
}

#[test]
fn a_place_that_another_class_needs_is_given_up_whole() {
    let pools: Vec<_> = (0..10).map(|_| pool(4)).collect();
    for round in 0..3 {
        for pool in &pools {
            drop(
                (0..4).flat_map(|n| (0..50).map(move |_| pool.acquire(16 << n).unwrap())).collect::<Vec<_>>(),
            );
            assert_eq!(pool.stats().in_use, 0, "round {round}");
            assert_eq!(pool.stats().acquired, (round + 1) * 200);
        }
    }
}

#[test]
fn a_pool_may_end_before_the_threads_that_used_it() {
    let (send, receive) = mpsc::sync_channel::<Arc<BufferPool>>(1);
    let user = thread::spawn(move || {
        for pool in receive {
            drop((0..SIZE).map(|_| pool.acquire(8).unwrap()).collect::<Vec<_>>());
        }
    });
    for _ in 0..50 {
        let pool = pool(1);
        send.send(Arc::clone(&pool)).unwrap();
        drop((0..SIZE).map(|_| pool.acquire(8).unwrap()).collect::<Vec<_>>());
    }
    drop(send);
    user.join().unwrap();
}

#[test]
fn memory_that_was_trimmed_comes_back_through_a_magazine() {
    let pool = pool(1);
    drop((0..COUNT).map(|_| pool.acquire(8).unwrap()).collect::<Vec<_>>());
    assert!(pool.trim(0) > 0);
    let mut held: Vec<_> = (0..COUNT).map(|_| pool.acquire(8).unwrap()).collect();
    held.iter_mut().for_each(|lease| lease.fill(1));
    assert_eq!(pool.stats().in_use, COUNT as u64);
}

#[test]
fn a_batch_empties_the_magazine_and_goes_on_with_what_is_shared() {
    let pool = pool(1);
    for round in 1..=3_u64 {
        let mut all = Vec::new();
        for count in [1, SIZE / 2 - 1, SIZE, 3 * SIZE + 5] {
            assert_eq!(pool.acquire_batch(8, count, &mut all), Ok(count));
        }
        let indexes: HashSet<u32> = all.iter().map(Lease::index).collect();
        let stats = pool.stats();
        assert_eq!((indexes.len(), stats.in_use), (all.len(), all.len() as u64));
        assert_eq!(stats.acquired, round * all.len() as u64);
    }
    let mut all = Vec::new();
    assert_eq!(pool.acquire_batch(8, COUNT + 1, &mut all), Ok(COUNT));
    drop(all);
    take_all(&pool);
}
