//! Behaviour of the pool on real memory.

use super::*;
use crate::types::Status;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::thread;

const ROUNDS: usize = if cfg!(miri) { 40 } else { 20_000 };

fn pool(classes: &[(usize, usize)], overflow: (usize, usize)) -> Arc<BufferPool> {
    let classes = classes.iter().map(|(buffer_bytes, count_max)| ClassSettings {
        buffer_bytes: *buffer_bytes,
        count_max: *count_max,
    });
    BufferPool::new(PoolSettings {
        classes: classes.collect(),
        overflow: OverflowSettings { buffer_bytes_max: overflow.0, total_bytes_max: overflow.1 },
    })
    .expect("valid settings")
}

#[test]
fn a_lease_has_the_length_asked_for_and_the_capacity_of_its_class() {
    let pool = pool(&[(64, 4), (256, 4)], (0, 0));
    let mut small = pool.acquire(10).unwrap();
    assert_eq!((small.len(), small.capacity()), (10, 64));
    assert_eq!(&*small, [0; 10]);
    small.copy_from_slice(b"0123456789");
    small.set_len(3);
    assert_eq!(&*small, b"012");
    small.set_meta(Meta { tag: 1, stamp: 2 });
    assert_eq!(small.meta(), Meta { tag: 1, stamp: 2 });
    assert_eq!(pool.acquire(65).unwrap().capacity(), 256);
    assert_eq!(pool.acquire(0).unwrap().len(), 0);
}

#[test]
#[should_panic(expected = "do not fit")]
fn a_length_beyond_the_capacity_is_a_bug_of_the_caller() {
    pool(&[(64, 1)], (0, 0)).acquire(1).unwrap().set_len(65);
}

#[test]
fn an_empty_class_falls_back_to_the_next_larger_then_to_the_overflow_then_refuses() {
    let pool = pool(&[(64, 1), (256, 1)], (1024, 4096));
    let first = pool.acquire(8).unwrap();
    let second = pool.acquire(8).unwrap();
    let third = pool.acquire(8).unwrap();
    assert_eq!([first.capacity(), second.capacity(), third.capacity()], [64, 256, 64]);
    assert_eq!(pool.acquire(8).unwrap_err(), Error::Exhausted);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.overflow_in_use, stats.overflow_bytes, stats.exhausted), (3, 1, 4096, 1));
    drop(third);
    assert_eq!(pool.stats().overflow_bytes, 0);
    assert_eq!(pool.acquire(1024).unwrap().len(), 1024);
    assert_eq!(pool.acquire(1025).unwrap_err(), Error::TooLarge { len: 1025, max: 1024 });
}

#[test]
fn overflow_is_bounded_in_total_and_its_memory_can_be_reused_in_any_size() {
    let pool = pool(&[], (8192, 16_384));
    let (one, two) = (pool.acquire(8192).unwrap(), pool.acquire(5000).unwrap());
    assert_eq!(pool.acquire(1).unwrap_err(), Error::Exhausted);
    drop(one);
    let three: Vec<_> = (0..2).map(|_| pool.acquire(1).unwrap()).collect();
    assert_eq!(pool.acquire(1).unwrap_err().status(), Status::NoMemory);
    drop((two, three));
    let stats = pool.stats();
    assert_eq!((stats.overflow_in_use, stats.overflow_acquired, stats.overflow_bytes), (0, 4, 0));
    assert_eq!((stats.acquired, stats.released), (4, 4));
}

#[test]
fn what_was_acquired_is_released_or_in_use() {
    let pool = pool(&[(64, 100)], (0, 0));
    let held: Vec<_> = (0..70).map(|_| pool.acquire(1).unwrap()).collect();
    for _ in 0..30 {
        drop(pool.acquire(1).unwrap());
    }
    let stats = pool.stats();
    assert_eq!((stats.acquired, stats.released, stats.in_use, stats.in_use_high), (100, 30, 70, 71));
    drop(held);
    let stats = pool.stats();
    assert_eq!((stats.acquired, stats.released, stats.in_use, stats.free), (100, 100, 0, 71));
}

#[test]
fn a_handle_is_honoured_once() {
    let pool = pool(&[(64, 2)], (0, 0));
    let mut lease = pool.acquire(3).unwrap();
    lease.copy_from_slice(b"abc");
    let handle = lease.into_handle();
    assert_eq!(pool.stats().in_use, 1);
    let lease = pool.adopt(handle).unwrap();
    assert_eq!(&*lease, b"abc");
    assert_eq!(pool.adopt(handle).unwrap_err(), Error::StaleHandle(handle), "leased again");
    assert_eq!(pool.release(handle).unwrap_err().status(), Status::BadHandle);
    assert_eq!(lease.into_handle(), handle, "same generation until it is given back");
    pool.release(handle).unwrap();
    pool.release(handle).unwrap_err();
    let again = pool.acquire(1).unwrap().into_handle();
    assert_eq!(again.index(), handle.index());
    assert_ne!(again, handle, "one generation later");
    pool.release(handle).unwrap_err();
    pool.release(again).unwrap();
    assert_eq!(pool.stats().stale_refused, 4);
}

#[test]
fn invented_handles_are_refused_whatever_their_number() {
    let pool = pool(&[(64, 2)], (4096, 4096));
    let lease = pool.acquire(1).unwrap();
    for raw in [0, 1, 2, 3, u64::MAX, 1 << 24, (1 << 24) - 1, u64::from(lease.index())] {
        pool.release(Handle::from_raw(raw)).unwrap_err();
        assert_eq!(Handle::from_raw(raw).get(), raw);
    }
    assert_eq!(pool.stats().in_use, 1);
}

#[test]
fn of_racing_releases_of_one_handle_exactly_one_succeeds() {
    let pool = pool(&[(64, 4)], (0, 0));
    let (threads, rounds) = (3, ROUNDS / 20);
    let barrier = Barrier::new(threads);
    let handles: Vec<_> = (0..rounds).map(|_| std::sync::atomic::AtomicU64::new(0)).collect();
    let wins = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..threads {
            let (pool, barrier, handles, wins) = (&pool, &barrier, &handles, &wins);
            scope.spawn(move || {
                for round in handles {
                    if number == 0 {
                        round.store(pool.acquire(1).unwrap().into_handle().get(), Ordering::Relaxed);
                    }
                    barrier.wait();
                    let handle = Handle::from_raw(round.load(Ordering::Relaxed));
                    let won =
                        if number == 1 { pool.adopt(handle).is_ok() } else { pool.release(handle).is_ok() };
                    wins.fetch_add(usize::from(won), Ordering::Relaxed);
                    barrier.wait();
                }
            });
        }
    });
    assert_eq!(wins.into_inner(), rounds);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.acquired), (0, rounds as u64));
    assert_eq!(stats.stale_refused, (rounds * (threads - 1)) as u64);
}

#[test]
fn trimmed_memory_comes_back_when_needed_and_old_handles_stay_stale() {
    let slots = if cfg!(miri) { 512 } else { 4096 };
    let pool = pool(&[(1024, slots)], (0, 0));
    let stale = pool.acquire(1).unwrap().into_handle();
    pool.release(stale).unwrap();
    let held: Vec<_> = (0..slots).map(|_| pool.acquire(1000).unwrap()).collect();
    assert_eq!(pool.stats().reserved_bytes, (slots * 1024) as u64);
    assert_eq!(pool.trim(0), 0, "all in use");
    drop(held);
    assert!(pool.trim(slots / 2) <= slots / 2 * 1024);
    let freed = pool.trim(0);
    assert!(freed > 0);
    assert_eq!(pool.stats().reserved_bytes, 0);
    assert_eq!(pool.trim(0), 0);
    pool.release(stale).unwrap_err();
    let mut held: Vec<_> = (0..slots).map(|_| pool.acquire(1000).unwrap()).collect();
    assert!(pool.acquire(1).is_err());
    for lease in &mut held {
        lease.fill(7);
    }
    drop(held);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.free, stats.in_use_high), (0, slots as u64, slots as u64));
    assert_eq!((stats.acquired, stats.released), (stats.released, 2 * slots as u64 + 1));
}

#[test]
fn a_slab_with_one_buffer_in_use_is_not_trimmed() {
    let pool = pool(&[(64 << 10, 8)], (0, 0));
    let mut held: Vec<_> = (0..8).map(|_| pool.acquire(1).unwrap()).collect();
    let mut kept = held.swap_remove(0);
    kept.fill(9);
    drop(held);
    assert_eq!(pool.trim(0), 4 * (64 << 10), "one slab of four buffers went, the other is held");
    assert_eq!(kept[0], 9);
}

#[test]
fn settings_that_contradict_themselves_are_refused_by_name() {
    let class = |buffer_bytes, count_max| ClassSettings { buffer_bytes, count_max };
    let overflow = |buffer_bytes_max, total_bytes_max| OverflowSettings { buffer_bytes_max, total_bytes_max };
    let cases = [
        (vec![], overflow(0, 0), "no buffer class"),
        (vec![class(0, 1)], overflow(0, 0), "buffer_bytes 0"),
        (vec![class(64, 0)], overflow(0, 0), "no buffers"),
        (vec![class(64, 1), class(64, 1)], overflow(0, 0), "ascending"),
        (vec![class(64, 1 << 24)], overflow(0, 0), "at most"),
        (vec![class(64, 1)], overflow(100, 99), "total_bytes_max"),
        (vec![class(64, 1)], overflow(usize::MAX, usize::MAX), "overflow buffer_bytes_max"),
        ((0..17).map(|n| class(64 + n, 1)).collect(), overflow(0, 0), "17 buffer classes"),
    ];
    for (classes, overflow, names) in cases {
        let error = BufferPool::new(PoolSettings { classes, overflow }).unwrap_err();
        assert_eq!(error.status(), Status::Config);
        assert!(error.to_string().contains(names), "{error}");
    }
}

#[test]
fn a_lease_outlives_every_other_user_of_its_pool() {
    let pool = pool(&[(64, 2)], (4096, 4096));
    let (mut small, mut large) = (pool.acquire(8).unwrap(), pool.acquire(4000).unwrap());
    let lost = pool.acquire(300).unwrap_err();
    assert_eq!(lost, Error::Exhausted);
    drop(pool);
    small.fill(1);
    large.fill(2);
    assert_eq!((small[7], large[3999]), (1, 2));
}

#[test]
fn handles_that_were_never_redeemed_do_not_leak_memory() {
    // Seen by Miri's leak check: slab and overflow memory go with the pool.
    let pool = pool(&[(64, 2)], (4096, 4096));
    let _ = pool.acquire(8).unwrap().into_handle();
    let _ = pool.acquire(4000).unwrap().into_handle();
}

#[test]
fn buffers_are_never_shared_between_threads() {
    let pool = pool(&[(64, 8), (128, 8)], (4096, 16 << 10));
    thread::scope(|scope| {
        for number in 1..=4_u8 {
            let pool = &pool;
            scope.spawn(move || {
                let mut held = Vec::new();
                for round in 0..ROUNDS {
                    if let Ok(mut lease) = pool.acquire(1 + round % 200) {
                        lease.fill(number);
                        held.push(lease);
                    }
                    if !held.is_empty() && (round % 3 == 0 || held.len() > 4) {
                        let lease = held.swap_remove(round % held.len());
                        assert!(lease.iter().all(|byte| *byte == number));
                    }
                    if round % 1000 == 999 && number == 1 {
                        pool.trim(round % 4);
                    }
                }
            });
        }
    });
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.overflow_bytes), (0, 0));
    assert_eq!(stats.acquired, stats.released);
}

#[test]
fn buffers_given_back_by_another_thread_are_all_found_again() {
    let slots = 200;
    let pool = pool(&[(64, slots)], (0, 0));
    for _ in 0..3 {
        let held: Vec<_> = (0..slots).map(|_| pool.acquire(1).unwrap()).collect();
        assert_eq!(pool.acquire(1).unwrap_err(), Error::Exhausted);
        thread::scope(|scope| scope.spawn(|| drop(held)).join().unwrap());
        assert_eq!((pool.stats().in_use, pool.stats().free), (0, slots as u64));
    }
    let stats = pool.stats();
    assert_eq!((stats.acquired, stats.released, stats.exhausted), (600, 600, 3));
}
