//! Warm-up, growth, shrink and eviction on real memory.

use super::*;
use crate::types::{Status, Tick};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

const SLAB: usize = 256 << 10;
const WINDOW: u64 = 60;

fn pool(classes: &[(usize, usize)], upkeep: &Upkeep) -> Arc<BufferPool> {
    let class = |(buffer_bytes, count_max): &(usize, usize)| ClassSettings {
        buffer_bytes: *buffer_bytes,
        count_max: *count_max,
    };
    let settings = PoolSettings { classes: classes.iter().map(class).collect(), ..PoolSettings::default() };
    BufferPool::with_upkeep(settings, upkeep).expect("valid settings")
}

fn keep(initial: usize) -> Upkeep {
    Upkeep {
        initial: vec![initial],
        shrink_after: Duration::from_secs(WINDOW),
        leak_tracking: false,
        ..Upkeep::default()
    }
}

fn at(seconds: u64) -> Tick {
    Tick::ZERO.after(Duration::from_secs(seconds))
}

fn take(pool: &Arc<BufferPool>, count: usize) -> Vec<Lease> {
    (0..count).map(|_| pool.acquire(1).expect("there is one")).collect()
}

/// Maintains through a window of virtual time from `from`; answers the sums.
fn idle(pool: &BufferPool, from: u64) -> Maintenance {
    let mut sum = Maintenance::default();
    for second in (0..=WINDOW).step_by(5) {
        let done = pool.maintain(at(from + second));
        sum.grown += done.grown;
        sum.evicted += done.evicted;
        sum.evicted_bytes += done.evicted_bytes;
    }
    sum
}

#[test]
fn an_idle_pool_gives_back_all_but_its_initial_size() {
    let pool = pool(&[(1024, 4096)], &keep(1024));
    drop(take(&pool, 4096));
    assert_eq!(pool.stats().resident, 4096);
    let done = idle(&pool, 0);
    assert_eq!((done.evicted, done.evicted_bytes), (12, 12 * SLAB));
    let stats = pool.stats();
    assert_eq!((stats.resident, stats.slabs, stats.evictions), (1024, 4, 12));
    assert_eq!(idle(&pool, 1_000), Maintenance::default(), "the initial size stays");
    assert_eq!(take(&pool, 4096).len(), 4096, "all of it can be had again");
}

#[test]
fn a_pool_in_use_keeps_its_peak_and_a_half() {
    let pool = pool(&[(1024, 4096)], &keep(0));
    drop(take(&pool, 4096));
    let held = take(&pool, 1000);
    idle(&pool, 0);
    // 1,500 are six slabs of 256; buffers in use may lie in more.
    let resident = pool.stats().resident;
    assert!((1536..=2048).contains(&resident), "{resident}");
    assert!(held.iter().all(|lease| lease.len() == 1));
}

#[test]
fn memory_grows_ahead_of_demand_up_to_the_maximum_and_then_it_is_exhausted() {
    let pool = pool(&[(1024, 1024)], &keep(0));
    let mut held = take(&pool, 250);
    let grown = pool.maintain(at(0)).grown;
    assert_eq!(pool.stats().resident, 512, "a slab more");
    assert!((256..=262).contains(&grown), "{grown}");
    assert_eq!(pool.maintain(at(1)), Maintenance::default());
    while let Ok(lease) = pool.acquire(1) {
        held.push(lease);
        pool.maintain(at(2));
    }
    assert_eq!(held.len(), 1024);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.in_use_high, stats.exhausted), (1024, 1024, 1));
    assert_eq!(pool.acquire(1).unwrap_err(), Error::Exhausted);
    assert_eq!((stats.acquired, stats.released), (1024, 0));
}

#[test]
fn slabs_go_in_the_order_of_their_last_use() {
    // Slabs of four buffers.
    let pool = pool(&[(64 << 10, 32)], &keep(0));
    let mut held = take(&pool, 32);
    held.sort_by_key(Lease::index);
    drop(held);
    // Uses one slab after the other, with a look after each, and gives all the others back untouched.
    let order = [5, 0, 3, 7, 1, 6, 2, 4];
    for slab in order {
        use_slab(&pool, slab as u32);
        pool.classes[0].look(&pool.headers, &mut pool.classes[0].slow.lock());
    }
    let mut gone = Vec::new();
    for left in (0..8).rev() {
        pool.trim(left * 4);
        let slabs = &pool.classes[0].slabs;
        let missing = (0..8).filter(|slab| slabs.peek(*slab).is_null());
        gone.extend(missing.filter(|slab| !gone.contains(slab)).collect::<Vec<_>>());
    }
    assert_eq!(gone, order);
}

/// Raises the generations of one slab's buffers and of no others.
fn use_slab(pool: &Arc<BufferPool>, slab: u32) {
    let class = &pool.classes[0];
    let mut all = Vec::new();
    while let Some(index) = class.take(&pool.headers, &pool.me) {
        all.push(index);
    }
    for index in &all {
        if index / 4 == slab {
            pool.headers[*index as usize].lease();
            pool.headers[*index as usize].retire();
        }
    }
    class.free.push_run(&pool.headers, &all);
}

#[test]
fn a_slab_that_was_used_since_stays_and_an_older_one_goes() {
    let pool = pool(&[(64 << 10, 8)], &keep(0));
    drop(take(&pool, 8));
    pool.classes[0].look(&pool.headers, &mut pool.classes[0].slow.lock());
    let index = pool.acquire(1).unwrap().index();
    assert_eq!(pool.trim(4), SLAB);
    let slabs = &pool.classes[0].slabs;
    assert!(!slabs.peek(index as usize / 4).is_null());
    assert!(slabs.peek(1 - index as usize / 4).is_null());
}

#[test]
fn a_warm_pool_hands_out_its_buffers_without_a_page_fault() {
    let count = 8192;
    let faults_of = |pool: &Arc<BufferPool>| {
        let mut leases = Vec::with_capacity(count);
        let before = minor_faults();
        for _ in 0..count {
            let mut lease = pool.acquire(1024).expect("there is one");
            lease[1023] = 1;
            leases.push(lease);
        }
        minor_faults() - before
    };
    let cold = pool(&[(1024, count)], &keep(0));
    let warm = pool(&[(1024, count)], &Upkeep { warm_up: true, ..keep(count) });
    assert_eq!(warm.stats().resident, count as u64);
    let (cold, warm) = (faults_of(&cold), faults_of(&warm));
    // 8 MiB are 2,048 pages; headers and the test's own list are more.
    assert!(cold >= 2_048, "{cold} faults of a cold pool: the count does not work");
    assert!(warm < cold / 8, "{warm} faults of a warm pool, {cold} of a cold one");
}

/// Of this thread.
fn minor_faults() -> i64 {
    // SAFETY: zero bytes are a valid `rusage`, and the call fills it.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
        usage.ru_minflt
    }
}

#[test]
fn a_warm_up_says_how_much_it_took_and_counts_no_use() {
    let pool = pool(&[(64, 10_000), (4096, 100)], &keep(0));
    assert_eq!(pool.warm_up(10, 5_000), Ok(8_192), "whole slabs");
    assert_eq!(pool.warm_up(10, 5_000), Ok(0));
    assert_eq!(pool.warm_up(10, usize::MAX), Ok(10_000 - 8_192));
    assert_eq!(pool.warm_up(65, 1), Ok(64));
    assert_eq!(pool.warm_up(4097, 1), Err(Error::TooLarge { len: 4097, max: 4096 }));
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.in_use_high, stats.acquired, stats.released), (0, 0, 0, 0));
    assert_eq!((stats.free, stats.resident), (10_064, 10_064));
    let held = take(&pool, 10);
    assert_eq!((pool.stats().in_use_high, pool.stats().acquired), (10, 10));
    drop(held);
    assert_eq!((pool.stats().in_use, pool.stats().released), (0, 10));
    drop(take(&pool, 10_000));
    assert_eq!(pool.stats().in_use_high, 10, "a peak between two looks goes unseen after a warm-up");
}

#[test]
fn what_was_given_back_is_warmed_up_again() {
    let pool = pool(&[(1024, 2048)], &keep(0));
    drop(take(&pool, 2048));
    assert_eq!(pool.trim(0), 8 * SLAB);
    assert_eq!(pool.warm_up(1, 512), Ok(512));
    assert_eq!(pool.stats().resident, 512);
    let stats = pool.stats();
    assert_eq!((stats.free, stats.in_use, stats.acquired), (2048, 0, 2048));
    let held = take(&pool, 2048);
    assert_eq!((held.len(), pool.stats().in_use), (2048, 2048));
    assert_eq!(pool.acquire(1).unwrap_err(), Error::Exhausted);
}

#[test]
fn counts_stay_exact_through_growth_and_eviction() {
    let pool = pool(&[(1024, 20_000)], &keep(512));
    let mut acquired = 0;
    for round in 0..20 {
        let count = 1_000 * (1 + round as usize % 7);
        let held = take(&pool, count);
        acquired += count as u64;
        pool.maintain(at(round * 200));
        assert_eq!(pool.stats().in_use, count as u64, "round {round}");
        drop(held);
        idle(&pool, round * 200 + 1);
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.acquired, stats.released), (0, acquired, acquired), "round {round}");
        assert!(stats.resident >= 512 && stats.slabs * 256 >= stats.resident, "{stats:?}");
    }
    assert!(pool.stats().evictions > 0);
}

#[test]
fn class_figures_add_up_to_those_of_the_pool() {
    let pool = pool(&[(64, 4096), (1024, 512)], &keep(100));
    let held = (take(&pool, 5), pool.acquire(1000).unwrap());
    let (classes, stats) = (pool.class_stats(), pool.stats());
    assert_eq!(classes.iter().map(|class| class.buffer_bytes).collect::<Vec<_>>(), [64, 1024]);
    assert_eq!(classes.iter().map(|class| class.in_use).collect::<Vec<_>>(), [5, 1]);
    assert_eq!(classes.iter().map(|class| class.initial).collect::<Vec<_>>(), [100, 0]);
    assert_eq!(classes.iter().map(|class| class.reserved_bytes).sum::<u64>(), stats.reserved_bytes);
    assert_eq!(classes.iter().map(|class| class.resident).sum::<u64>(), stats.resident);
    drop(held);
    assert_eq!(pool.class_stats()[0].released, 5);
}

#[test]
fn an_initial_size_that_does_not_fit_its_class_is_refused() {
    let settings = || PoolSettings {
        classes: vec![ClassSettings { buffer_bytes: 64, count_max: 10 }],
        ..PoolSettings::default()
    };
    for (initial, names) in [(vec![11], "11 initial"), (vec![1, 1], "for 2 of 1")] {
        let upkeep = Upkeep { initial, ..Upkeep::default() };
        let error = BufferPool::with_upkeep(settings(), &upkeep).unwrap_err();
        assert_eq!(error.status(), Status::Config);
        assert!(error.to_string().contains(names), "{error}");
    }
}

#[test]
fn huge_pages_are_used_refused_or_left_out_as_the_system_allows() {
    let wanted = |huge_pages| Upkeep { huge_pages, warm_up: true, ..keep(100) };
    let classes = vec![ClassSettings { buffer_bytes: 4096, count_max: 1024 }];
    let make = |huge_pages| {
        let settings = PoolSettings { classes: classes.clone(), ..PoolSettings::default() };
        BufferPool::with_upkeep(settings, &wanted(huge_pages))
    };
    let given = region::huge_pages_are_given();
    assert!(!make(HugePages::Off).expect("always possible").stats().huge_pages);
    assert_eq!(make(HugePages::Try).expect("always possible").stats().huge_pages, given);
    match make(HugePages::Require) {
        Ok(pool) => {
            assert!(given && pool.stats().huge_pages);
            assert_eq!((pool.stats().resident, pool.stats().reserved_bytes), (512, 2 << 20));
            assert_eq!(take(&pool, 1024).len(), 1024);
            assert_eq!(pool.trim(0), 4 << 20);
        }
        Err(error) => {
            assert!(!given, "{error}");
            assert_eq!(error.status(), Status::Unsupported);
        }
    }
}

#[test]
fn memory_that_keeps_its_addresses_reads_as_zero_after_it_was_given_back() {
    let upkeep = Upkeep { keep_addresses: true, ..keep(0) };
    let pool = pool(&[(64 << 10, 8)], &upkeep);
    let mut held = take(&pool, 8);
    held.iter_mut().for_each(|lease| (lease.set_len(64 << 10), lease.fill(7)).1);
    let views: Vec<*const u8> = held.iter().map(|lease| lease.as_ptr()).collect();
    drop(held);
    assert_eq!(pool.trim(0), 2 * SLAB);
    assert_eq!(pool.stats().slabs, 0);
    // SAFETY: mapped for as long as the pool lives, which is what this pool promises.
    assert!(views.iter().all(|view| unsafe { view.read_volatile() } == 0));
    let again: Vec<*const u8> = take(&pool, 8).iter().map(|lease| lease.as_ptr()).collect();
    assert!(again.iter().all(|place| views.contains(place)), "the same addresses");
    assert_eq!((pool.trim(0), pool.stats().evictions), (2 * SLAB, 4));
    let overflow = OverflowSettings { buffer_bytes_max: 100, total_bytes_max: 100 };
    let error = BufferPool::with_upkeep(PoolSettings { classes: vec![], overflow }, &upkeep).unwrap_err();
    assert!(error.to_string().contains("addresses"), "{error}");
}

#[test]
fn threads_acquire_while_memory_grows_and_shrinks() {
    // With magazines and without.
    for count_max in [4_096, magazine::CLASS_MIN as usize] {
        // Slabs of 64 buffers.
        let pool = pool(&[(4096, count_max)], &keep(0));
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let user = |number: u8| {
                let (pool, stop) = (&pool, &stop);
                move || {
                    // The first goes on until memory was given back under its hands.
                    let enough = |round| round >= 400 && pool.stats().evictions > 0;
                    for round in 0..1_000_000 {
                        if stop.load(Ordering::Relaxed) || number == 1 && enough(round) {
                            break;
                        }
                        // Bursts, so that there is memory to give back.
                        let count = if round % 8 == 0 { 500 } else { 10 };
                        let mut held = take(pool, count);
                        held.iter_mut().for_each(|lease| (lease.set_len(4096), lease.fill(number)).1);
                        assert!(held.iter().all(|lease| [lease[0], lease[4095]] == [number; 2]));
                    }
                    stop.store(true, Ordering::Relaxed);
                }
            };
            let users = [1, 2, 3].map(|number| scope.spawn(user(number)));
            let mut second = 0;
            while !stop.load(Ordering::Relaxed) {
                pool.maintain(at(second));
                pool.trim(100);
                second += WINDOW / 2;
            }
            // A scope alone does not wait for the ends of its threads, in which they give back their magazines.
            users.into_iter().for_each(|user| user.join().expect("no panic"));
        });
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.exhausted), (0, 0), "{stats:?}");
        assert!(stats.evictions > 0);
        assert_eq!(take(&pool, count_max).len(), count_max, "nothing was lost");
    }
}

#[test]
fn a_batch_is_taken_and_given_back_like_singles() {
    for count_max in [100, magazine::CLASS_MIN as usize] {
        let pool = pool(&[(64, count_max), (256, 50)], &keep(0));
        let mut leases = Vec::new();
        assert_eq!(pool.acquire_batch(8, 90, &mut leases), Ok(90));
        assert_eq!(pool.acquire_batch(8, 0, &mut leases), Ok(0));
        let rest = count_max + 50 - 90;
        assert_eq!(pool.acquire_batch(8, usize::MAX, &mut leases), Ok(rest), "then the larger class");
        assert_eq!(pool.acquire_batch(8, 1, &mut leases), Err(Error::Exhausted));
        assert_eq!(pool.acquire_batch(257, 1, &mut leases), Err(Error::TooLarge { len: 257, max: 256 }));
        assert_eq!(pool.stats().in_use, count_max as u64 + 50);
        let mut handles: Vec<_> = leases.drain(..).map(Lease::into_handle).collect();
        handles.push(handles[0]);
        assert_eq!(pool.release_batch(&handles), Ok(count_max + 50), "up to the one that is stale");
        assert_eq!(pool.release_batch(&handles), Err(Error::StaleHandle(handles[0])));
        assert_eq!(pool.release_batch(&[]), Ok(0));
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.acquired), (0, count_max as u64 + 50));
        assert_eq!((stats.released, stats.exhausted, stats.stale_refused), (stats.acquired, 2, 2));
        assert_eq!(take(&pool, count_max).len(), count_max);
    }
}
