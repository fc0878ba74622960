//! Uses of the pool that are too long for every interleaving, under random ones: magazines that fill and run
//! dry, blocks that change hands, slabs that are trimmed away among all that.

use super::*;
use crate::sync::schedules::explore;
use crate::sync::{Mutant, Place, visits};
use shuttle::thread;
use std::collections::{HashSet, VecDeque};

/// Buffers: enough for the magazines of three threads and some more.
const COUNT: usize = 16;

fn pool(count_max: usize) -> Arc<BufferPool> {
    BufferPool::new(PoolSettings {
        classes: vec![ClassSettings { buffer_bytes: 64, count_max }],
        overflow: OverflowSettings::default(),
    })
    .unwrap()
}

/// A buffer whose bytes say who has it, and when.
fn acquire(pool: &Arc<BufferPool>, mark: u64) -> Option<(Lease, u64)> {
    let mut lease = pool.acquire(64).ok()?;
    lease.chunks_exact_mut(8).for_each(|word| word.copy_from_slice(&mark.to_le_bytes()));
    Some((lease, mark))
}

fn give_back((lease, mark): (Lease, u64)) {
    assert!(lease.chunks_exact(8).all(|word| word == mark.to_le_bytes()), "a buffer has one owner");
}

/// Everything can be had, each buffer once, and the numbers add up.
fn check_whole(pool: &Arc<BufferPool>, count: usize) {
    assert_eq!(pool.stats().in_use, 0);
    let all: Vec<_> = std::iter::from_fn(|| pool.acquire(1).ok()).collect();
    let indexes: HashSet<u32> = all.iter().map(Lease::index).collect();
    assert_eq!((all.len(), indexes.len()), (count, count), "every buffer once");
    drop(all);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.acquired), (0, stats.released));
}

/// Threads that hold some buffers for a while, each with a magazine of its own.
fn holders(count: usize) {
    explore(move || {
        let pool = pool(count);
        let threads: Vec<_> = (0..3_u64)
            .map(|who| {
                let pool = Arc::clone(&pool);
                thread::spawn(move || {
                    let mut held = VecDeque::new();
                    for step in 0..24 {
                        held.extend(acquire(&pool, who << 32 | step));
                        // Grows to five and shrinks to none, so that magazines run dry and over.
                        let keep = [1, 2, 3, 4, 5, 5, 2, 0][step as usize % 8];
                        while held.len() > keep {
                            held.pop_front().into_iter().for_each(give_back);
                        }
                    }
                    held.into_iter().for_each(give_back);
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        check_whole(&pool, count);
    });
}

#[test]
fn shuttle_magazines_keep_every_buffer() {
    holders(COUNT);
    for place in [Place::BlockClosed, Place::BlockOpened, Place::RunTaken, Place::MagazineClosed] {
        assert!(visits(place) > 100, "{} visits to {place:?}", visits(place));
    }
}

#[test]
fn shuttle_lists_keep_every_buffer_of_a_class_without_magazines() {
    holders(5);
}

/// One thread takes, another gives back: blocks go from one magazine to the other.
fn handing_over() {
    explore(|| {
        let pool = pool(COUNT);
        let way = Arc::new(crate::sync::Mutex::new(VecDeque::new()));
        let (theirs, arriving) = (Arc::clone(&pool), Arc::clone(&way));
        let taker = thread::spawn(move || {
            let mut number = 0;
            while number < 60 {
                match acquire(&theirs, number) {
                    Some(owned) => {
                        arriving.lock().push_back(owned);
                        number += 1;
                    }
                    None => thread::yield_now(),
                }
            }
        });
        let mut expected = 0;
        while expected < 60 {
            let next: Option<(Lease, u64)> = way.lock().pop_front();
            match next {
                Some(owned) => {
                    assert_eq!(owned.1, expected);
                    expected += 1;
                    give_back(owned);
                }
                None => thread::yield_now(),
            }
        }
        taker.join().unwrap();
        // This thread's magazine may hold as many as fit; it can take them out again.
        check_whole(&pool, COUNT);
    });
}

#[test]
fn shuttle_blocks_change_hands_whole() {
    handing_over();
    for place in [Place::BlockClosed, Place::BlockOpened] {
        assert!(visits(place) > 100, "{} visits to {place:?}", visits(place));
    }
}

#[test]
fn shuttle_trimming_takes_nothing_that_is_in_use() {
    // Without magazines, which keep their slab, and all of it in use once, or the slab would count as growing.
    const FEW: usize = 5;
    explore(|| {
        let pool = pool(FEW);
        drop((0..FEW).map(|_| pool.acquire(1).unwrap()).collect::<Vec<_>>());
        let users: Vec<_> = (0..2_u64)
            .map(|who| {
                let pool = Arc::clone(&pool);
                thread::spawn(move || {
                    for step in 0..10 {
                        let held: Vec<_> = (0..1 + step % 6)
                            .map_while(|n| acquire(&pool, who << 32 | step << 8 | n))
                            .collect();
                        held.into_iter().for_each(give_back);
                    }
                })
            })
            .collect();
        let mut high = 0;
        for _ in 0..6 {
            pool.trim(0);
            high = high.max(pool.stats().in_use);
            thread::yield_now();
        }
        assert!(high <= FEW as u64, "{high} in use");
        users.into_iter().for_each(|user| user.join().unwrap());
        pool.trim(0);
        check_whole(&pool, FEW);
    });
    assert!(visits(Place::SlabFreed) > 20, "{} slabs freed", visits(Place::SlabFreed));
}

#[test]
fn shuttle_buffers_without_memory_are_found_while_slabs_are_given_back() {
    // Two buffers a slab, none of which has memory in the beginning. A hand of two and a chain of two are out of
    // reach at most.
    const ALL: usize = 7;
    explore(|| {
        let classes = vec![ClassSettings { buffer_bytes: 128 << 10, count_max: ALL }];
        let pool = BufferPool::new(PoolSettings { classes, ..PoolSettings::default() }).unwrap();
        drop((0..ALL).map(|_| pool.acquire(1).unwrap()).collect::<Vec<_>>());
        pool.trim(0);
        let theirs = Arc::clone(&pool);
        let user = thread::spawn(move || {
            for step in 0..8 {
                let held: Vec<_> = (0..1 + step % 3).map_while(|_| theirs.acquire(1).ok()).collect();
                assert_eq!(held.len(), 1 + step % 3, "there are {ALL}");
            }
        });
        for _ in 0..4 {
            pool.trim(0);
            thread::yield_now();
        }
        user.join().unwrap();
        check_whole(&pool, ALL);
    });
}

#[test]
fn shuttle_of_racing_uses_of_many_handles_each_is_honoured_once() {
    explore(|| {
        let pool = pool(4);
        let handles: Vec<_> = (0..4).map(|_| pool.acquire(1).unwrap().into_handle()).collect();
        let handles = Arc::new(handles);
        let threads: Vec<_> = (0..3)
            .map(|who| {
                let (pool, handles) = (Arc::clone(&pool), Arc::clone(&handles));
                thread::spawn(move || {
                    let mut honoured = 0;
                    for (at, handle) in handles.iter().enumerate() {
                        let taken = if (at + who) % 2 == 0 {
                            pool.release(*handle).is_ok()
                        } else {
                            pool.adopt(*handle).is_ok()
                        };
                        honoured += usize::from(taken);
                        // Buffers go round meanwhile, with later generations.
                        drop(
                            pool.acquire(1).map(Lease::into_handle).map(|fresh| pool.release(fresh).unwrap()),
                        );
                    }
                    honoured
                })
            })
            .collect();
        let honoured: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(honoured, handles.len());
        check_whole(&pool, 4);
    });
}

#[test]
#[should_panic]
fn shuttle_mutant_that_keeps_what_it_spilled_is_noticed() {
    let _made = Mutant::BlockKept.make();
    handing_over();
}

#[test]
#[should_panic]
fn shuttle_mutant_without_a_tag_is_noticed() {
    let _made = Mutant::Untagged.make();
    holders(5);
}
