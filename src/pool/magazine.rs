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
//!
//! # Limits
//! What lies in a magazine is free, but another thread cannot have it. So only classes of
//! [`CLASS_MIN`] buffers or more have magazines, and all threads' together hold at most a quarter of the
//! class; threads beyond that use the shared lists.
//!
//! # Source
//! Bonwick and Adams, "Magazines and vmem" (USENIX ATC 2001).

use super::BufferPool;
use crate::sync::{Mutant, has_mutant, thread_value};
use std::cell::RefCell;
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

/// The next unused number of a class.
static NEXT: AtomicU64 = AtomicU64::new(1);

pub(super) fn class_number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What a magazine says of itself; written by its thread alone, so without read-modify-writes. Relaxed:
/// for statistics, exact once the thread has been joined or otherwise synchronised with.
// On lines of its own, as a magazine is: its thread writes them at every use, and beside another's each write
// would take that line away from the other.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Ledger {
    pub(super) held: AtomicU64,
    pub(super) taken: AtomicU64,
}

/// A thread's magazine of one class.
#[repr(align(128))]
struct Magazine {
    indexes: [u32; SIZE],
    len: usize,
    taken: u64,
    ledger: Arc<Ledger>,
    number: u64,
    class: usize,
    pool: Weak<BufferPool>,
}

impl Magazine {
    #[inline]
    fn note(&self) {
        self.ledger.held.store(self.len as u64, Ordering::Relaxed);
    }
}

impl Drop for Magazine {
    fn drop(&mut self) {
        #[cfg(modelled)]
        if std::thread::panicking() {
            // A model that has failed has no atomics any more.
            return;
        }
        // A pool that is gone has given all its memory back already (M3).
        if let Some(pool) = self.pool.upgrade() {
            pool.close_magazine(self.class, &self.indexes[..self.len], &self.ledger);
        }
    }
}

thread_value! {
    static PLACED: RefCell<[Option<Box<Magazine>>; PLACES]> = RefCell::new([const { None }; PLACES]);
}

/// Why a magazine did not serve.
pub(super) enum Miss {
    /// The thread has none for this class, and may ask for one.
    Absent,
    /// It is empty and so are the lists.
    Empty,
    /// Thread-locals are gone or in use: this is a call from within.
    Away,
}

/// An index of the class, after filling the magazine by `refill` if need be.
#[inline]
pub(super) fn take(number: u64, refill: impl FnOnce(&mut [u32; SIZE]) -> usize) -> Result<u32, Miss> {
    with(number, |magazine| {
        if magazine.len == 0 {
            magazine.len = refill(&mut magazine.indexes);
        }
        let Some(top) = magazine.len.checked_sub(1) else { return Err(Miss::Empty) };
        magazine.len = top;
        magazine.taken += 1;
        magazine.ledger.taken.store(magazine.taken, Ordering::Relaxed);
        magazine.note();
        Ok(magazine.indexes[top])
    })
}

/// As [`take`], for as many as `wanted` has room for: in front of it, and how many.
#[inline]
pub(super) fn take_run(
    number: u64,
    wanted: &mut [u32],
    mut refill: impl FnMut(&mut [u32; SIZE]) -> usize,
) -> Result<usize, Miss> {
    with(number, |magazine| {
        let mut taken = 0;
        while taken < wanted.len() {
            if magazine.len == 0 {
                magazine.len = refill(&mut magazine.indexes);
            }
            let some = magazine.len.min(wanted.len() - taken);
            if some == 0 {
                break;
            }
            magazine.len -= some;
            wanted[taken..][..some].copy_from_slice(&magazine.indexes[magazine.len..][..some]);
            taken += some;
        }
        magazine.taken += taken as u64;
        magazine.ledger.taken.store(magazine.taken, Ordering::Relaxed);
        magazine.note();
        Ok(taken)
    })
}

/// Keeps an index of the class, after giving the oldest `block` of them to `spill` if need be.
#[inline]
pub(super) fn give(number: u64, index: u32, block: usize, spill: impl FnOnce(&[u32])) -> Result<(), Miss> {
    with(number, |magazine| {
        if magazine.len == SIZE {
            spill(&magazine.indexes[..block]);
            if has_mutant(Mutant::BlockKept) {
                return Err(Miss::Away);
            }
            magazine.indexes.copy_within(block.., 0);
            magazine.len = SIZE - block;
        }
        magazine.indexes[magazine.len] = index;
        magazine.len += 1;
        magazine.note();
        Ok(())
    })
}

#[inline]
fn with<R>(number: u64, work: impl FnOnce(&mut Magazine) -> Result<R, Miss>) -> Result<R, Miss> {
    let used = PLACED.try_with(|placed| {
        let mut placed = placed.try_borrow_mut().map_err(|_| Miss::Away)?;
        match &mut placed[number as usize % PLACES] {
            Some(magazine) if magazine.number == number => work(magazine),
            _ => Err(Miss::Absent),
        }
    });
    used.unwrap_or(Err(Miss::Away))
}

/// Gives this thread a magazine of the class; what had its place is closed. False when the thread's
/// memory is not to be had.
#[cold]
pub(super) fn open(number: u64, class: usize, pool: Weak<BufferPool>, ledger: Arc<Ledger>) -> bool {
    let magazine = Box::new(Magazine { indexes: [0; SIZE], len: 0, taken: 0, ledger, number, class, pool });
    let place = number as usize % PLACES;
    let opened = PLACED.try_with(|placed| match placed.try_borrow_mut() {
        Ok(mut placed) => Ok(placed[place].replace(magazine)),
        Err(_) => Err(magazine),
    });
    // What comes out is dropped here, outside the borrow: closing gives buffers back, and may be the end
    // of a pool. A magazine that found no place has nothing in it.
    matches!(opened, Ok(Ok(_)))
}
