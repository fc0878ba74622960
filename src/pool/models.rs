//! Every interleaving of small uses of the pool.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib loom_`

use super::freelist::{FreeList, Links, Part};
use super::*;
use crate::sync::atomic::AtomicUsize;
use crate::sync::{Mutant, Place, UnsafeCell, visits};
use loom::model::Builder;
use loom::thread;
use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::ops::Deref;

/// Nodes whose contents loom guards: two owners at a time are reported as a race.
struct Nodes {
    links: Vec<AtomicU64>,
    owned: Vec<UnsafeCell<u32>>,
}

impl Links for Nodes {
    fn link(&self, index: u32) -> &AtomicU64 {
        &self.links[index as usize]
    }
}

impl Nodes {
    fn touch(&self, index: u32) {
        // SAFETY: the model checks that the popper is alone with it.
        self.owned[index as usize].with_mut(|count| unsafe { *count += 1 });
    }
}

fn free_list(nodes: u32) -> Arc<(FreeList, Nodes)> {
    let links = (0..nodes).map(|_| AtomicU64::new(0)).collect();
    let owned = (0..nodes).map(|_| UnsafeCell::new(0)).collect();
    let list = FreeList::new();
    let nodes = Nodes { links, owned };
    for index in (0..nodes.links.len() as u32).rev() {
        list.push(&nodes, index);
    }
    Arc::new((list, nodes))
}

/// One thread takes and returns one node, the other takes two and returns them in the order that an
/// untagged list falls for.
fn contended_list() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(4);
    builder.check(move || {
        let shared = free_list(3);
        let theirs = Arc::clone(&shared);
        let other = thread::spawn(move || {
            let (list, nodes) = &*theirs;
            let (first, second) = (list.pop(nodes), list.pop(nodes));
            for index in [first, second].into_iter().flatten() {
                nodes.touch(index);
                list.push(nodes, index);
            }
        });
        let (list, nodes) = &*shared;
        for _ in 0..2 {
            if let Some(index) = list.pop(nodes) {
                nodes.touch(index);
                list.push(nodes, index);
            }
        }
        other.join().unwrap();
        assert_eq!(list.depth(nodes), 3, "length as noted");
        let mut left: Vec<_> = (0..4).map_while(|_| list.pop(nodes)).collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2], "every node once");
    });
}

#[test]
fn loom_free_list_keeps_every_node_and_its_length() {
    contended_list();
}

/// As when a thread sleeps in a pop while the others bring the same top back.
fn same_top_again() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let shared = free_list(3);
        let theirs = Arc::clone(&shared);
        let other = thread::spawn(move || {
            let (list, nodes) = &*theirs;
            let (first, second) = (list.pop(nodes), list.pop(nodes));
            if let Some(index) = first {
                list.push(nodes, index);
            }
            second
        });
        let (list, nodes) = &*shared;
        let mine = list.pop(nodes);
        let kept = other.join().unwrap();
        let mut all: Vec<_> = (0..4).map_while(|_| list.pop(nodes)).chain(mine).chain(kept).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2], "every node once");
    });
}

#[test]
fn loom_free_list_survives_the_return_of_the_same_top() {
    same_top_again();
}

#[test]
#[should_panic(expected = "every node once")]
fn loom_mutant_without_a_tag_is_noticed() {
    let _made = Mutant::Untagged.make();
    same_top_again();
}

#[test]
fn loom_a_chain_leaves_its_list_and_joins_another_whole() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let shared = free_list(4);
        let home = Arc::new(FreeList::new());
        let (theirs, theirs_home) = (Arc::clone(&shared), Arc::clone(&home));
        let other = thread::spawn(move || {
            let (list, nodes) = &*theirs;
            let mut part = Part::new();
            if list.pop_part(nodes, &mut part).is_some() {
                part.indexes().iter().for_each(|index| nodes.touch(*index));
                theirs_home.push_all(nodes, part.indexes());
            }
        });
        let (list, nodes) = &*shared;
        let (first, second) = (list.pop(nodes), home.pop(nodes));
        for index in [first, second].into_iter().flatten() {
            nodes.touch(index);
            list.push(nodes, index);
        }
        other.join().unwrap();
        assert_eq!(list.depth(nodes) + home.depth(nodes), 4, "lengths as noted");
        let left = (0..5).map_while(|_| list.pop(nodes)).chain((0..5).map_while(|_| home.pop(nodes)));
        let mut left: Vec<_> = left.collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2, 3], "every node once");
    });
}

fn small_pool(count_max: usize) -> Arc<BufferPool> {
    BufferPool::new(PoolSettings {
        classes: vec![ClassSettings { buffer_bytes: 64, count_max }],
        overflow: OverflowSettings::default(),
    })
    .unwrap()
}

#[test]
fn loom_threads_that_grow_a_pool_share_its_slab_and_nothing_else() {
    static REFUSED: AtomicUsizeOutside = AtomicUsizeOutside::new(0);
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let pool = small_pool(2);
        let work = |pool: Arc<BufferPool>| {
            for _ in 0..2 {
                match pool.acquire(1) {
                    Ok(mut lease) => lease.set_meta(Meta { tag: 1, stamp: 2 }),
                    Err(_) => _ = REFUSED.fetch_add(1, Ordering::Relaxed),
                }
            }
        };
        let theirs = Arc::clone(&pool);
        let other = thread::spawn(move || work(theirs));
        work(Arc::clone(&pool));
        other.join().unwrap();
        assert_eq!(pool.stats().in_use, 0);
        let both = (pool.acquire(1).unwrap(), pool.acquire(1).unwrap());
        assert_ne!(both.0.index(), both.1.index());
    });
    assert_eq!(REFUSED.load(Ordering::Relaxed), 0, "two buffers are enough for two threads");
}

/// A pool that a failed model leaves alone: its atomics are gone by then, and a second panic would end the
/// process.
#[derive(Clone)]
struct Kept(ManuallyDrop<Arc<BufferPool>>);

impl Deref for Kept {
    type Target = Arc<BufferPool>;

    fn deref(&self) -> &Arc<BufferPool> {
        &self.0
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: this is the drop, so nobody uses it afterwards.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        }
    }
}

impl Kept {
    /// A buffer whose words are touched, so that loom sees who had it; without a lease, which would give it back
    /// in a failed model.
    fn take_and_touch(&self) -> Option<Slot> {
        let mut slot = self.take(64).ok()?;
        self.describe(&mut slot, 64, Meta { tag: 1, stamp: 2 });
        Some(slot)
    }
}

/// Two magazines of four over a class of eight; blocks are of two.
///
/// One thread gives back six buffers, of which its magazine cannot keep all; the other takes five, of which its
/// magazine, and whatever lists and blocks there are, can give at least two.
fn magazines() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(4);
    builder.max_branches = 20_000;
    builder.check(|| {
        let pool = Kept(ManuallyDrop::new(small_pool(8)));
        let mut all: Vec<_> = (0..8).map(|_| pool.take_and_touch().unwrap()).collect();
        let theirs = all.split_off(2);
        all.into_iter().for_each(|slot| pool.give(slot));
        let giving = pool.clone();
        let other = thread::spawn(move || {
            for mut slot in theirs {
                giving.describe(&mut slot, 64, Meta { tag: 3, stamp: 4 });
                giving.give(slot);
            }
        });
        let mut mine: Vec<_> = (0..2).map_while(|_| pool.take_and_touch()).collect();
        // Lets the other begin; loom tries few orders with a thread that has not.
        thread::yield_now();
        mine.extend((0..3).map_while(|_| pool.take_and_touch()));
        assert!(mine.len() >= 2, "{} of two that were free all along", mine.len());
        other.join().unwrap();
        mine.into_iter().for_each(|slot| pool.give(slot));
        // A model's thread gives its magazine back only after it could be joined: four may be missing.
        let left: Vec<_> = (0..9).map_while(|_| pool.take_and_touch()).map(|slot| slot.index).collect();
        let once: BTreeSet<_> = left.iter().copied().collect();
        assert!(left.len() >= 4 && left.len() == once.len(), "every buffer once: {left:?}");
    });
}

#[test]
fn loom_magazines_spill_and_refill_and_lose_nothing() {
    magazines();
    for place in [Place::BlockClosed, Place::BlockOpened, Place::MagazineClosed] {
        assert!(visits(place) > 20, "{} visits to {place:?}", visits(place));
    }
}

#[test]
fn loom_magazines_that_fill_with_fresh_buffers_share_none() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let pool = Kept(ManuallyDrop::new(small_pool(8)));
        let growing = pool.clone();
        // The first of each opens a magazine, the second fills it.
        let grow = |pool: &Kept| [(); 3].map(|()| pool.take_and_touch().unwrap().index);
        let other = thread::spawn(move || grow(&growing));
        let mine = grow(&pool);
        let all: BTreeSet<_> = mine.into_iter().chain(other.join().unwrap()).collect();
        assert_eq!(all.len(), 6, "every buffer once");
    });
    assert!(visits(Place::FreshTaken) > 20, "{} visits", visits(Place::FreshTaken));
}

#[test]
#[should_panic(expected = "ausality")]
fn loom_mutant_that_gives_back_without_publishing_is_noticed() {
    let _made = Mutant::PushRelaxed.make();
    magazines();
}

#[test]
#[should_panic(expected = "ausality")]
fn loom_mutant_that_takes_a_block_without_looking_is_noticed() {
    let _made = Mutant::PopRelaxed.make();
    magazines();
}

#[test]
#[should_panic]
fn loom_mutant_that_keeps_what_it_spilled_is_noticed() {
    let _made = Mutant::BlockKept.make();
    magazines();
}

type AtomicUsizeOutside = std::sync::atomic::AtomicUsize;

fn one_handle_used_twice() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(4);
    builder.check(|| {
        let pool = small_pool(1);
        let handle = pool.acquire(1).unwrap().into_handle();
        let wins = Arc::new(AtomicUsize::new(0));
        let (theirs, counted) = (Arc::clone(&pool), Arc::clone(&wins));
        let other = thread::spawn(move || {
            if let Ok(mut lease) = theirs.adopt(handle) {
                lease.set_meta(Meta { tag: 3, stamp: 4 });
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        if pool.release(handle).is_ok() {
            wins.fetch_add(1, Ordering::Relaxed);
            if let Ok(mut lease) = pool.acquire(1) {
                lease.set_meta(Meta::default());
            }
        }
        other.join().unwrap();
        assert_eq!(wins.load(Ordering::Relaxed), 1);
        assert!(pool.release(handle).is_err());
        assert_eq!(pool.stats().in_use, 0);
    });
}

#[test]
fn loom_of_racing_uses_of_one_handle_exactly_one_wins() {
    one_handle_used_twice();
}

/// A handle that travels by nothing but a number.
fn a_handle_that_travels() {
    loom::model(|| {
        let pool = small_pool(1);
        let way = Arc::new(AtomicU64::new(u64::MAX));
        let (theirs, arriving) = (Arc::clone(&pool), Arc::clone(&way));
        let other = thread::spawn(move || {
            let mut lease = theirs.acquire(1).unwrap();
            lease.set_meta(Meta { tag: 3, stamp: 4 });
            arriving.store(lease.into_handle().get(), Ordering::Relaxed);
        });
        let number = way.load(Ordering::Relaxed);
        if number != u64::MAX
            && let Ok(lease) = pool.adopt(Handle::from_raw(number))
        {
            assert_eq!(lease.meta(), Meta { tag: 3, stamp: 4 });
        }
        other.join().unwrap();
    });
}

#[test]
fn loom_a_handle_brings_its_buffer_along() {
    a_handle_that_travels();
}

#[test]
#[should_panic(expected = "ausality")]
fn loom_mutant_that_hands_out_without_publishing_is_noticed() {
    let _made = Mutant::HandOutRelaxed.make();
    a_handle_that_travels();
}

#[test]
#[should_panic(expected = "ausality")]
fn loom_mutant_that_adopts_without_looking_is_noticed() {
    let _made = Mutant::TakeBackRelaxed.make();
    a_handle_that_travels();
}
