//! The report of who has buffers out: exact, also while others come and go.

use super::*;
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

fn pool(count_max: usize, leak_tracking: bool) -> Arc<BufferPool> {
    let classes = vec![ClassSettings { buffer_bytes: 64, count_max }];
    let overflow = OverflowSettings { buffer_bytes_max: 4096, total_bytes_max: 64 << 10 };
    let upkeep = Upkeep { leak_tracking, ..Upkeep::default() };
    BufferPool::with_upkeep(PoolSettings { classes, overflow }, &upkeep).expect("valid settings")
}

fn indexes(pool: &BufferPool) -> BTreeSet<u32> {
    let held = pool.held(Duration::ZERO).expect("tracked");
    let indexes: BTreeSet<u32> = held.iter().map(|held| held.handle.index()).collect();
    assert_eq!(indexes.len(), held.len(), "each once");
    indexes
}

#[test]
fn each_buffer_that_is_out_is_listed_with_the_line_that_acquired_it() {
    let pool = pool(16, true);
    let (small, line) = (pool.acquire(10).unwrap(), line!());
    let named = pool.acquire_at(20, || Site::named("Vote.java:12")).unwrap();
    let large = pool.acquire(4000).unwrap();
    let (lent, lent_line) = (pool.lend(30).unwrap(), line!());
    drop(pool.acquire(1).unwrap());
    let mut held = pool.held(Duration::ZERO).unwrap();
    held.sort_by_key(|held| held.len);
    let rows: Vec<_> = held.iter().map(|held| (held.len, held.site.to_string())).collect();
    assert_eq!(rows[0], (10, format!("{}:{line}", file!())));
    assert_eq!(rows[1], (20, "Vote.java:12".to_owned()));
    assert_eq!(rows[2], (30, format!("{}:{lent_line}", file!())));
    assert_eq!(rows[3].0, 4000);
    assert_eq!(rows.len(), 4);
    assert_eq!(pool.held(Duration::from_secs(3600)).unwrap(), []);
    drop((small, named, large, lent));
    assert_eq!(pool.held(Duration::ZERO).unwrap(), []);
}

#[test]
fn a_handle_that_was_never_redeemed_is_listed_and_can_be_released_from_the_report() {
    let pool = pool(4, true);
    let lost = pool.acquire(8).unwrap().into_handle();
    let adopted = pool.acquire(8).unwrap().into_handle();
    let lease = pool.adopt(adopted).unwrap();
    assert_eq!(indexes(&pool).len(), 2);
    drop(lease);
    let held = pool.held(Duration::ZERO).unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].handle, lost);
    pool.release(held[0].handle).unwrap();
    assert_eq!(indexes(&pool), BTreeSet::new());
}

#[test]
fn a_buffer_that_came_back_and_went_out_again_is_listed_once_as_the_later() {
    let pool = pool(1, true);
    drop(pool.acquire(1).unwrap());
    let again = pool.acquire_at(2, || Site::named("second")).unwrap();
    let held = pool.held(Duration::ZERO).unwrap();
    assert_eq!((held.len(), held[0].len, held[0].site.to_string()), (1, 2, "second".to_owned()));
    drop(again);
}

#[test]
fn a_pool_that_does_not_track_says_so_and_does_not_ask_for_the_place() {
    let pool = pool(4, false);
    assert!(!pool.tracks_leaks());
    let lease = pool.acquire_at(1, || panic!("nobody needs to know")).unwrap();
    let error = pool.held(Duration::ZERO).unwrap_err();
    assert_eq!(error.status(), crate::types::Status::Unsupported);
    drop(lease);
}

#[test]
fn a_batch_is_listed_under_the_line_of_its_call() {
    let pool = pool(100, true);
    let mut leases = Vec::new();
    let line = line!() + 1;
    assert_eq!(pool.acquire_batch(8, 50, &mut leases), Ok(50));
    let held = pool.held(Duration::ZERO).unwrap();
    assert_eq!(held.len(), 50);
    assert!(held.iter().all(|held| held.site.to_string() == format!("{}:{line}", file!())));
}

#[test]
fn the_report_is_exact_when_threads_acquire_and_release() {
    let rounds = if cfg!(miri) { 20 } else { 5_000 };
    let pool = pool(256, true);
    let kept: BTreeSet<u32> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|number| {
                let pool = &pool;
                scope.spawn(move || {
                    let mut kept = Vec::new();
                    for round in 0..rounds {
                        let lease = pool.acquire(8).unwrap();
                        if round % (rounds / 4) == number {
                            kept.push(lease.into_handle());
                        }
                    }
                    kept
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).map(Handle::index).collect()
    });
    assert_eq!(kept.len(), 16);
    assert_eq!(indexes(&pool), kept);
}

#[test]
fn what_others_hold_still_is_listed_whatever_happens_meanwhile() {
    let pool = pool(64, true);
    let held: Vec<_> = (0..10).map(|_| pool.acquire(8).unwrap()).collect();
    let still: BTreeSet<u32> = held.iter().map(Lease::index).collect();
    let stop = AtomicBool::new(false);
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            while !stop.load(Ordering::Relaxed) {
                drop((0..20).map(|_| pool.acquire(8).unwrap()).collect::<Vec<_>>());
            }
        });
        barrier.wait();
        for _ in 0..if cfg!(miri) { 3 } else { 500 } {
            assert!(indexes(&pool).is_superset(&still));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(indexes(&pool), still);
}
