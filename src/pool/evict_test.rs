//! Memory that goes back while others acquire, and whatever idle threads keep.

use super::commit::STEP_BYTES_MAX;
use super::magazine::{CLASS_MIN, SIZE};
use super::*;
use crate::types::Tick;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const SLAB: usize = 256 << 10;
const WINDOW: u64 = 60;

fn pool(buffer_bytes: usize, count_max: usize) -> Arc<BufferPool> {
    let classes = vec![ClassSettings { buffer_bytes, count_max }];
    let settings = PoolSettings { classes, ..PoolSettings::default() };
    let shrink_after = Duration::from_secs(WINDOW);
    let upkeep = Upkeep { shrink_after, leak_tracking: false, ..Upkeep::default() };
    BufferPool::with_upkeep(settings, &upkeep).expect("valid settings")
}

fn take(pool: &Arc<BufferPool>, count: usize) -> Vec<Lease> {
    (0..count).map(|_| pool.acquire(1).expect("there is one")).collect()
}

fn at(seconds: u64) -> Tick {
    Tick::ZERO.after(Duration::from_secs(seconds))
}

#[test]
fn buffers_without_memory_are_found_while_slabs_are_given_back() {
    const BURST: usize = 1000;
    // Without magazines.
    let pool = pool(1024, CLASS_MIN as usize - 1);
    drop(take(&pool, CLASS_MIN as usize - 1));
    pool.trim(0);
    assert_eq!(pool.stats().resident, 0);
    let stop = AtomicBool::new(false);
    let refused = thread::scope(|scope| {
        let user = scope.spawn(|| {
            let mut refused = 0;
            while !stop.load(Ordering::Relaxed) {
                let held: Vec<_> = (0..BURST).map_while(|_| pool.acquire(1).ok()).collect();
                refused += BURST - held.len();
            }
            refused
        });
        // Until slabs went under its hands, and often enough.
        let begun = pool.stats().evictions;
        for round in 0.. {
            pool.trim(0);
            if round >= 500 && pool.stats().evictions > begun {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        user.join().expect("did not panic")
    });
    assert_eq!(refused, 0, "a thousand of sixteen were in use");
}

#[test]
fn slabs_that_idle_threads_hold_keep_no_others_from_going() {
    let count = CLASS_MIN as usize;
    let (pool, slots) = (pool(1024, count), SLAB / 1024);
    let slabs = count / slots;
    let mut all = take(&pool, count);
    all.sort_by_key(Lease::index);
    // One buffer of each slab in the upper half, where slabs go first; and what goes into this thread's magazine.
    let is_kept = |lease: &Lease| {
        let index = lease.index() as usize;
        index.is_multiple_of(slots) && index / slots >= slabs / 2
    };
    let (mut kept, mut rest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_kept);
    assert!(kept.len() <= SIZE);
    let (send, receive) = mpsc::sync_channel::<Vec<Lease>>(1);
    let (answer, filled) = mpsc::sync_channel(1);
    let idle = thread::spawn(move || {
        for leases in receive {
            drop(leases);
            answer.send(()).expect("somebody waits");
        }
    });
    // The first one back opens the magazine and goes on a list.
    let opening = kept.pop().expect("there are some");
    send.send(vec![opening]).expect("the thread runs");
    filled.recv().expect("the thread runs");
    send.send(kept).expect("the thread runs");
    filled.recv().expect("the thread runs");
    // The lowest slab's last, so that this thread's magazine keeps that one only.
    rest.reverse();
    drop(rest);
    let wanted = slabs / 4;
    assert_eq!(pool.trim(count - wanted * slots), wanted * SLAB, "others went in their place");
    let gone = |slab: &usize| pool.classes[0].slabs.peek(*slab).is_null();
    assert_eq!((0..slabs).filter(gone).count(), wanted);
    assert!((slabs / 2..slabs - 1).all(|slab| !gone(&slab)), "held by an idle thread");
    drop(send);
    idle.join().expect("did not panic");
    assert_eq!(pool.trim(0), (slabs - wanted - 1) * SLAB, "all but what this thread has at hand");
    assert_eq!(take(&pool, count).len(), count);
}

#[test]
fn much_memory_comes_and_goes_in_steps_of_which_each_call_does_one() {
    // 512 MiB, of which only what grows ahead of demand is ever touched.
    let (bytes, count) = (64 << 10, 8192);
    let pool = pool(bytes, count);
    let held = take(&pool, count * 3 / 4);
    let target = count * 15 / 16;
    let mut missing = target - held.len();
    while missing > 0 {
        let grown = pool.maintain(at(0)).grown as usize;
        assert_eq!(grown, missing.min(STEP_BYTES_MAX / bytes));
        missing -= grown;
    }
    assert_eq!(pool.maintain(at(0)), Maintenance::default());
    assert_eq!(pool.stats().resident, target as u64);
    drop(held);
    pool.maintain(at(1));
    let mut left = target * bytes;
    while left > 0 {
        let evicted = pool.maintain(at(1 + 2 * WINDOW)).evicted_bytes;
        assert_eq!(evicted, left.min(STEP_BYTES_MAX));
        left -= evicted;
    }
    assert_eq!(pool.stats().resident, 0);
}

#[test]
fn classes_share_what_one_call_may_move() {
    let class = |buffer_bytes| ClassSettings { buffer_bytes, count_max: 4096 };
    let settings =
        PoolSettings { classes: vec![class(32 << 10), class(64 << 10)], ..PoolSettings::default() };
    let pool = BufferPool::new(settings).expect("valid settings");
    let held: Vec<_> =
        (0..6144).map(|n| pool.acquire((32 << 10) << (n % 2)).expect("there is one")).collect();
    let step = |second| {
        let before = pool.stats().reserved_bytes;
        pool.maintain(at(second));
        (pool.stats().reserved_bytes - before) as usize
    };
    // A quarter more of 96 MiB and of 192 MiB: 24 MiB and 48 MiB.
    assert_eq!([step(0), step(1), step(2)], [STEP_BYTES_MAX, 8 << 20, 0]);
    drop(held);
}
