//! Pooled buffers of a few sizes, shared by all threads, with handles that are checked.
//!
//! # Model
//! ```text
//! acquire(len) -> class 0 | class 1 | ... | overflow        smallest that fits, then the next larger
//!                    |                        |
//!      a thread's magazine, then              |
//!     lock-free lists over slabs      one allocation, counted against a bound
//!                    |
//!      Lease (owner) <-> Handle (number, 40-bit generation | 24-bit index) -> back on drop or release
//! ```
//! Every buffer has an index over the whole pool and a permanent header. See `header` for the states,
//! `freelist` for the stack with its bound on ABA, `stripes` for how threads keep apart, and `magazine` for
//! what a thread keeps at hand. Memory comes and goes by slabs: `commit` takes it ahead of demand, `evict`
//! gives it back, `demand` says when, and [`BufferPool::maintain`] does as it says. `leak` knows who has a
//! buffer out. [`ManagedPools`] are pools for the four kinds of objects of a ledger node.
//!
//! # Invariants
//! I1 a buffer has one owner: a free list, a [`Lease`], a queue cell or the one valid [`Handle`].
//! I2 a handle is honoured once. Whatever number comes in, the worst answer is [`Error::StaleHandle`].
//! I3 acquired minus released is what is in use; nothing is lost when the pool is dropped.
//!
//! # Limits
//! 2^24 - 2 buffers over all classes and the overflow, 64 MiB a buffer. Memory is taken slab by slab
//! (about 256 KiB) when a buffer is first used, or ahead of demand, and given back by [`BufferPool::maintain`]
//! and [`BufferPool::trim`]; the headers (64 bytes a buffer ever used) stay. Both come from the system and
//! not from the allocator (`region`). At the very edge of its capacity a class can refuse although up to
//! 31 buffers a thread are just moving between stripes, or while idle slabs are being given back; a class of
//! 16,384 buffers or more also while up to a quarter of it lies in the magazines of other threads, 64 each.
//! Taking a slab calls the system and taking an overflow buffer the allocator; all else is lock-free,
//! with one exception. Statistics, `maintain`, `trim` and `warm_up` take locks among themselves, and one of them,
//! that of a class's list of magazines, is also taken within an acquisition or a release that opens or closes a
//! magazine: a thread's first use of the class, its uses while it ends, and when two classes want the same
//! place of a thread.
//!
//! # Caller contract
//! The bytes of a lease are those its last user left, or the pool itself. Handles do not keep the pool alive.
#![expect(unsafe_code, reason = "buffers are raw memory that ownership of an index guards")]

mod batch;
mod block;
#[cfg(all(test, not(any(modelled, miri))))]
mod block_test;
mod commit;
mod demand;
mod error;
mod evict;
#[cfg(all(test, not(any(modelled, miri))))]
mod evict_test;
mod freelist;
mod handle;
mod header;
mod hollow;
mod idle;
mod kind;
mod leak;
#[cfg(all(test, not(modelled)))]
mod leak_test;
mod lease;
mod loan;
mod magazine;
#[cfg(all(test, not(any(modelled, miri))))]
mod magazine_test;
mod magazines;
mod managed;
#[cfg(all(test, loom))]
mod models;
mod overflow;
#[cfg(not(any(modelled, miri)))]
mod parked;
mod region;
mod run;
#[cfg(all(test, shuttle))]
mod schedules;
mod settings;
mod slab;
mod slabs;
mod stats;
mod stripes;
#[cfg(not(modelled))]
mod table;
#[cfg(all(test, not(modelled)))]
mod tests;
mod upkeep;
#[cfg(all(test, not(any(modelled, miri))))]
mod upkeep_test;

pub use error::Error;
pub use handle::{Handle, Meta};
pub use kind::PoolKind;
pub use leak::{Held, Site};
pub use lease::Lease;
pub use loan::Loan;
pub use managed::{KindSettings, ManagedPools, ManagedSettings};
pub use run::RUN_MAX;
pub use settings::{ClassSettings, HugePages, OverflowSettings, PoolSettings, Upkeep};
pub use stats::{ClassStats, PoolStats};
pub use upkeep::Maintenance;

pub(crate) use header::{INDEX_BITS, INDEX_MASK, INDEXES_MAX};
pub(crate) use kind::{KIND_MAX_CEILING, KIND_MAX_FLOOR};
pub(crate) use run::{Rest, Run};

use crate::sync::atomic::{AtomicU64, Ordering};
use header::{Header, Headers};
use leak::Tracker;
use overflow::Overflow;
use slab::Class;
use std::ops::RangeInclusive;
use std::ptr;
use std::slice;
use std::sync::{Arc, Weak};

/// Buffers in classes of ascending size, and an overflow.
// Aligned so that the reference count next to it, which leases change all the time, does not share a
// cache line with fields that every acquisition reads.
#[derive(Debug)]
#[repr(align(128))]
pub struct BufferPool {
    /// For magazines, which outlive no pool but may be closed after one.
    me: Weak<Self>,
    headers: Headers,
    classes: Box<[Class]>,
    overflow: Overflow,
    buffer_bytes_max: usize,
    tracker: Option<Box<Tracker>>,
    exhausted: AtomicU64,
    stale_refused: AtomicU64,
}

/// Ownership of one buffer of one pool, bare: whoever has it must give it back, lease it or store it.
///
/// It does not name its pool. Each crate-internal user keeps one pool for life and never mixes.
#[derive(Debug)]
#[must_use]
pub(crate) struct Slot {
    index: u32,
}

impl Slot {
    /// # Safety
    /// The caller owns the buffer at `index` of the pool it will use the slot with, and gives that
    /// ownership away here.
    pub(crate) unsafe fn from_index(index: u32) -> Self {
        Self { index }
    }

    pub(crate) fn into_index(self) -> u32 {
        self.index
    }
}

impl BufferPool {
    /// A pool without a single buffer in memory yet.
    ///
    /// # Errors
    /// [`Error::Config`] when the settings contradict themselves; [`Error::Exhausted`] when there is no
    /// memory for the headers.
    pub fn new(settings: PoolSettings) -> Result<Arc<Self>, Error> {
        Self::with_upkeep(settings, &Upkeep::default())
    }

    /// A buffer with `len` bytes in use, its words zero.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when no buffer can ever hold that, [`Error::Exhausted`] when none is left.
    #[track_caller]
    #[inline]
    pub fn acquire(self: &Arc<Self>, len: usize) -> Result<Lease, Error> {
        let slot = self.take(len)?;
        if self.tracker.is_some() {
            self.track(slot.index, len, Site::caller());
        }
        Ok(Lease::first(Arc::clone(self), slot, len))
    }

    /// As [`acquire`](Self::acquire), noting nothing.
    fn acquire_plain(self: &Arc<Self>, len: usize) -> Result<Lease, Error> {
        let slot = self.take(len)?;
        Ok(Lease::first(Arc::clone(self), slot, len))
    }

    /// Turns a handle back into a lease.
    ///
    /// # Errors
    /// [`Error::StaleHandle`] unless the handle was given out and neither adopted nor released since.
    pub fn adopt(self: &Arc<Self>, handle: Handle) -> Result<Lease, Error> {
        let slot = self.reclaim(handle)?;
        Ok(self.lease(slot))
    }

    /// Gives the buffer of a handle back.
    ///
    /// # Errors
    /// As [`adopt`](Self::adopt); of several releases at the same time, one succeeds.
    pub fn release(&self, handle: Handle) -> Result<(), Error> {
        let slot = self.reclaim(handle)?;
        self.give(slot);
        Ok(())
    }

    /// The largest buffer that this pool can ever hand out, in bytes.
    pub fn buffer_bytes_max(&self) -> usize {
        self.buffer_bytes_max
    }

    /// A buffer that can hold `len` bytes.
    #[inline]
    pub(crate) fn take(&self, len: usize) -> Result<Slot, Error> {
        for class in &self.classes {
            if class.buffer_bytes >= len
                && let Some(index) = class.take(&self.headers, &self.me)
            {
                let slot = Slot { index };
                self.header_of(&slot).lease();
                return Ok(slot);
            }
        }
        self.take_overflow(len)
    }

    /// The smallest class that can hold `len` bytes, and the lengths for which it is that; no class and no lengths
    /// for the overflow.
    fn class_for(&self, len: usize) -> (Option<&Class>, RangeInclusive<usize>) {
        let mut least = 0;
        for class in &self.classes {
            if class.buffer_bytes >= len {
                return (Some(class), least..=class.buffer_bytes);
            }
            least = class.buffer_bytes + 1;
        }
        (None, RangeInclusive::new(1, 0))
    }

    #[cold]
    fn take_overflow(&self, len: usize) -> Result<Slot, Error> {
        if len > self.buffer_bytes_max {
            return Err(Error::TooLarge { len, max: self.buffer_bytes_max });
        }
        let Some(index) = self.overflow.take(&self.headers, len) else {
            self.exhausted.fetch_add(1, Ordering::Relaxed);
            return Err(Error::Exhausted);
        };
        self.headers[index as usize].lease();
        Ok(Slot { index })
    }

    /// Gives a buffer of this pool back.
    #[inline]
    pub(crate) fn give(&self, slot: Slot) {
        let header = self.header_of(&slot);
        // SAFETY: the slot owns the buffer.
        let class = unsafe { header.look(|body| body.class) };
        header.retire();
        match self.classes.get(usize::from(class)) {
            Some(owner) => owner.give(&self.headers, &self.me, slot.index),
            None => self.overflow.give(&self.headers, slot.index),
        }
    }

    /// Notes length and words of a buffer of this pool.
    #[inline]
    pub(crate) fn describe(&self, slot: &mut Slot, len: usize, meta: Meta) {
        // SAFETY: the slot owns the buffer.
        unsafe {
            self.header_of(slot).update(|body| body.describe(len, meta));
        }
    }

    /// Copies `bytes` into a buffer of this pool and notes length and words.
    #[inline]
    pub(crate) fn fill(&self, slot: &mut Slot, bytes: &[u8], meta: Meta) {
        self.describe(slot, bytes.len(), meta);
        // SAFETY: the slot owns the buffer; `describe` checked that the bytes fit; a borrowed slice never
        // overlaps a buffer whose owner is the slot.
        unsafe {
            let data = self.header_of(slot).look(|body| body.data);
            ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
        }
    }

    /// The bytes in use of a buffer of this pool.
    #[inline]
    pub(crate) fn bytes_of<'a>(&'a self, slot: &'a Slot) -> &'a [u8] {
        // SAFETY: the slot owns the buffer, whose `data` points at `capacity` initialised bytes, of which
        // `len` are in use; nobody writes while the slot is borrowed.
        unsafe {
            let (data, len) = self.header_of(slot).look(|body| (body.data, body.len as usize));
            slice::from_raw_parts(data, len)
        }
    }

    /// The words of a buffer of this pool.
    #[inline]
    pub(crate) fn meta_of(&self, slot: &Slot) -> Meta {
        // SAFETY: the slot owns the buffer.
        unsafe { self.header_of(slot).look(|body| body.meta) }
    }

    /// A buffer of this pool as a lease.
    #[inline]
    pub(crate) fn lease(self: &Arc<Self>, slot: Slot) -> Lease {
        Lease::new(Arc::clone(self), slot)
    }

    /// A thread's magazine of `class` ends.
    fn close_magazine(&self, class: usize, indexes: &[u32], magazine: &Arc<magazine::Magazine>) {
        self.classes[class].close_magazine(&self.headers, indexes, magazine);
    }

    fn header(&self, index: u32) -> &Header {
        &self.headers[index as usize]
    }

    /// The header of an owned buffer.
    #[inline(always)]
    fn header_of(&self, slot: &Slot) -> &Header {
        debug_assert!((slot.index as usize) < self.headers.len());
        // SAFETY: a slot's index is that of a buffer of this pool (see `Slot`), and each has a header.
        unsafe { self.headers.get_unchecked(slot.index as usize) }
    }

    fn reclaim(&self, handle: Handle) -> Result<Slot, Error> {
        let taken = self
            .headers
            .get(handle.index() as usize)
            .is_some_and(|header| header.take_back(handle.generation()));
        if taken {
            return Ok(Slot { index: handle.index() });
        }
        self.stale_refused.fetch_add(1, Ordering::Relaxed);
        Err(Error::StaleHandle(handle))
    }
}

impl Drop for BufferPool {
    fn drop(&mut self) {
        self.overflow.clear(&self.headers);
    }
}
