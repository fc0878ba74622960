//! Free buffers that a thread keeps at hand, so that most uses of a pool touch no shared word.
//!
//! # Model
//! ```text
//! thread A: [64 indexes]  --spill a block-->  blocks (shared)  --refill-->  thread B: [64 indexes]
//!
//! block: one free buffer on a shared list, with the indexes of 31 others in six headers (`block`)
//! ```
//! A thread has a magazine per class that it uses. It takes from the top and gives back to the top. A full
//! one hands its older half over as a block, with one swap; an empty one takes a block, with one swap and
//! a look at six cache lines, where a walk along 32 links would wait for 32. Without a block it takes a
//! run off the lists. A thread that ends, or that needs the place for another class, gives all back.
//!
//! # Invariants
//! M1 an index in a magazine is off every list and belongs to the thread: nobody else can take it, and a
//!    trim cannot reach its memory.
//! M2 what lies in a magazine or a block has memory behind it.
//! M3 classes are told apart by a number that no two of this process share, so what is left of a pool
//!    that is gone is never used: its number does not come back.
//! M4 `NEAR` names only magazines that `PLACED` keeps.
//! M5 the child of a fork gives nothing back: a thread that it does not have may hold the lock for that.
//!
//! # Limits
//! What lies in a magazine is free, but another thread cannot have it. So only classes of
//! [`CLASS_MIN`] buffers or more have magazines, and all threads' together hold at most a quarter of the
//! class; threads beyond that use the shared lists.
//!
//! # Source
//! Bonwick and Adams, "Magazines and vmem" (USENIX ATC 2001).

use super::BufferPool;
use crate::env::fork;
use crate::sync::{Mutant, UnsafeCell, has_mutant, thread_value};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Indexes of one magazine.
pub(super) const SIZE: usize = if cfg!(modelled) { 4 } else { 64 };
/// Indexes of a block.
pub(super) const BLOCK_MAX: usize = SIZE / 2;
/// Fewest buffers of a class with magazines.
pub(super) const CLASS_MIN: u32 = if cfg!(modelled) { 8 } else { 16_384 };
/// Part of a class that magazines hold together at most: one in so many.
pub(super) const SHARE: usize = if cfg!(modelled) { 1 } else { 4 };
/// Classes that a thread has magazines of at a time.
const PLACES: usize = 16;

/// `Magazine::word`: taken (56 bits) | held (8 bits).
const HELD_BITS: u32 = 8;
const HELD_MASK: u64 = (1 << HELD_BITS) - 1;
const ONE_TAKEN: u64 = 1 << HELD_BITS;

/// The next unused number of a class. 0 is nobody's.
static NEXT: AtomicU64 = AtomicU64::new(1);

pub(super) fn class_number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A thread's magazine of one class.
// On lines of its own: its thread writes them at every use, and beside another's each write would take that line
// away from the other.
#[repr(C, align(128))]
pub(super) struct Magazine {
    /// How many indexes it holds and how many it has handed out: one store a use. Written by its thread alone,
    /// so without read-modify-writes. Relaxed: others read it for statistics, exact once the thread has been
    /// joined or otherwise synchronised with.
    word: AtomicU64,
    number: u64,
    indexes: UnsafeCell<[u32; SIZE]>,
    class: usize,
    pool: Weak<BufferPool>,
    forks: u32,
}

// SAFETY: `indexes` is reached through `NEAR` and `PLACED` only, which are the thread's own; the rest is atomic or
// never changes.
unsafe impl Sync for Magazine {}
// SAFETY: as above; nothing in it is tied to a thread.
unsafe impl Send for Magazine {}

impl Magazine {
    pub(super) fn new(number: u64, class: usize, pool: Weak<BufferPool>) -> Self {
        let (word, indexes) = (AtomicU64::new(0), UnsafeCell::new([0; SIZE]));
        Self { word, number, indexes, class, pool, forks: fork::generation() }
    }

    pub(super) fn held(&self) -> u64 {
        self.word.load(Ordering::Relaxed) & HELD_MASK
    }

    pub(super) fn taken(&self) -> u64 {
        self.word.load(Ordering::Relaxed) >> HELD_BITS
    }

    /// Gives back what it holds. A pool that is gone has given all its memory back already (M3).
    fn close(self: &Arc<Self>) {
        if self.forks != fork::generation() {
            return; // M5
        }
        if let Some(pool) = self.pool.upgrade() {
            let held = self.held() as usize;
            // SAFETY: its own thread closes it.
            self.indexes
                .with(|indexes| pool.close_magazine(self.class, unsafe { &(&*indexes)[..held] }, self));
        }
    }

    /// Its top index.
    ///
    /// # Safety
    /// Its own thread calls.
    #[inline(always)]
    unsafe fn pop(&self) -> Option<u32> {
        let word = self.word.load(Ordering::Relaxed);
        let top = (word & HELD_MASK).checked_sub(1)? as usize;
        self.word.store(word.wrapping_add(ONE_TAKEN - 1), Ordering::Relaxed);
        // SAFETY: `held` is at most `SIZE`.
        Some(self.indexes.with(|indexes| unsafe { *(&*indexes).get_unchecked(top) }))
    }

    /// Puts an index on top; false when it is full.
    ///
    /// # Safety
    /// Its own thread calls.
    #[inline(always)]
    unsafe fn push(&self, index: u32) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        let held = (word & HELD_MASK) as usize;
        if held >= SIZE {
            return false;
        }
        // SAFETY: just compared.
        self.indexes.with_mut(|indexes| unsafe { *(&mut *indexes).get_unchecked_mut(held) = index });
        self.word.store(word.wrapping_add(1), Ordering::Relaxed);
        true
    }

    /// Its top indexes, in front of `wanted`; how many there were.
    ///
    /// # Safety
    /// Its own thread calls.
    unsafe fn pop_run(&self, wanted: &mut [u32]) -> usize {
        let word = self.word.load(Ordering::Relaxed);
        let held = (word & HELD_MASK) as usize;
        let some = held.min(wanted.len());
        let copy = |indexes: *const [u32; SIZE]| {
            // SAFETY: this thread's, and nobody writes meanwhile.
            wanted[..some].copy_from_slice(unsafe { &(&*indexes)[held - some..held] });
        };
        self.indexes.with(copy);
        self.word.store(word.wrapping_add((ONE_TAKEN - 1) * some as u64), Ordering::Relaxed);
        some
    }

    /// Says how many it holds.
    fn set_held(&self, held: usize) {
        let word = self.word.load(Ordering::Relaxed) & !HELD_MASK | held as u64;
        self.word.store(word, Ordering::Relaxed);
    }
}

impl fmt::Debug for Magazine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Magazine")
            .field("class", &self.class)
            .field("held", &self.held())
            .field("taken", &self.taken())
            .finish_non_exhaustive()
    }
}

/// What a thread has placed; all is closed when the thread ends.
struct Places(RefCell<[Option<Arc<Magazine>>; PLACES]>);

impl Drop for Places {
    fn drop(&mut self) {
        #[cfg(modelled)]
        if std::thread::panicking() {
            // A model that has failed has no atomics any more.
            return;
        }
        for (place, magazine) in self.0.get_mut().iter_mut().enumerate() {
            let _ = NEAR.try_with(|near| near[place].set(ptr::null()));
            if let Some(magazine) = magazine.take() {
                magazine.close();
            }
        }
    }
}

thread_value! {
    /// The way to a magazine in most uses. It needs no end, so that looking at it needs no question whether the
    /// thread is ending.
    static NEAR: [Cell<*const Magazine>; PLACES] = [const { Cell::new(ptr::null()) }; PLACES];
}
thread_value! {
    static PLACED: Places = Places(RefCell::new([const { None }; PLACES]));
}

/// Why a magazine did not serve.
pub(super) enum Miss {
    /// The thread has none for this class, and may ask for one.
    Absent,
    /// It is empty and so are the lists, or the thread is ending.
    Empty,
}

/// This thread's magazine of the class.
#[inline(always)]
fn with<R>(number: u64, work: impl FnOnce(&Magazine) -> R) -> Option<R> {
    let found = NEAR.try_with(|near| {
        let magazine = near[number as usize % PLACES].get();
        // SAFETY: M4, and nothing that `work` does takes the magazine from its place.
        let magazine = unsafe { magazine.as_ref() }?;
        (magazine.number == number).then(|| work(magazine))
    });
    found.ok().flatten()
}

/// An index of the class, from what is at hand.
#[inline(always)]
pub(super) fn pop(number: u64) -> Option<u32> {
    // SAFETY: `with` finds the magazine of this thread.
    with(number, |magazine| unsafe { magazine.pop() }).flatten()
}

/// Keeps an index of the class at hand; false when there is no room.
#[inline(always)]
pub(super) fn push(number: u64, index: u32) -> bool {
    // SAFETY: `with` finds the magazine of this thread.
    with(number, |magazine| unsafe { magazine.push(index) }) == Some(true)
}

/// As [`pop`] of an empty magazine, filling it by `refill` before.
pub(super) fn pop_refilled(number: u64, refill: impl FnOnce(&mut [u32; SIZE]) -> usize) -> Result<u32, Miss> {
    let found = with(number, |magazine| {
        // SAFETY: this thread's, and `refill` works on lists only.
        magazine.set_held(magazine.indexes.with_mut(|indexes| refill(unsafe { &mut *indexes })));
        // SAFETY: this thread's.
        unsafe { magazine.pop() }.ok_or(Miss::Empty)
    });
    found.unwrap_or(Err(Miss::Absent))
}

/// As many indexes of the class as `wanted` has room for: in front of it, and how many.
pub(super) fn pop_run(
    number: u64,
    wanted: &mut [u32],
    mut refill: impl FnMut(&mut [u32; SIZE]) -> usize,
) -> Result<usize, Miss> {
    let found = with(number, |magazine| {
        let mut taken = 0;
        while taken < wanted.len() {
            if magazine.held() == 0 {
                // SAFETY: this thread's, and `refill` works on lists only.
                magazine.set_held(magazine.indexes.with_mut(|indexes| refill(unsafe { &mut *indexes })));
            }
            // SAFETY: this thread's.
            let some = unsafe { magazine.pop_run(&mut wanted[taken..]) };
            if some == 0 {
                break;
            }
            taken += some;
        }
        taken
    });
    found.ok_or(Miss::Absent)
}

/// As [`push`] onto a full magazine, giving the oldest block of it to `spill` before.
pub(super) fn push_spilled(number: u64, index: u32, spill: impl FnOnce(&[u32])) -> Result<(), Miss> {
    let found = with(number, |magazine| {
        // SAFETY: this thread's, and `spill` works on lists only.
        magazine.indexes.with(|indexes| spill(unsafe { &(&*indexes)[..BLOCK_MAX] }));
        if has_mutant(Mutant::BlockKept) {
            return Err(Miss::Empty);
        }
        // SAFETY: this thread's.
        magazine.indexes.with_mut(|indexes| unsafe { (*indexes).copy_within(BLOCK_MAX.., 0) });
        magazine.set_held(SIZE - BLOCK_MAX);
        // SAFETY: this thread's.
        let kept = unsafe { magazine.push(index) };
        debug_assert!(kept, "a block has at least one index");
        Ok(())
    });
    found.unwrap_or(Err(Miss::Absent))
}

/// Gives this thread the magazine; what had its place is closed. False when the thread is ending.
#[cold]
pub(super) fn open(magazine: Arc<Magazine>) -> bool {
    let place = magazine.number as usize % PLACES;
    let set_near = |magazine| NEAR.try_with(|near| near[place].set(magazine)).is_ok();
    let pointer = Arc::as_ptr(&magazine);
    // Before what it names may go (M4).
    set_near(ptr::null());
    let before = PLACED.try_with(|placed| placed.0.borrow_mut()[place].replace(magazine));
    let Ok(before) = before else { return false };
    if let Some(before) = before {
        before.close();
    }
    set_near(pointer)
}
