//! The memory of a class: slabs by position, taken when needed and given back whole.
//!
//! # Model
//! ```text
//! absent --take--> there --evict--> absent                   unmapped
//!   ^                '-----> absent, its place is kept      mapped, without memory behind it
//!   '--------- take -----------'
//! ```
//! Where addresses are kept, whoever looks at a buffer too late finds zeros or another's bytes, and does not
//! fault; the next use of the slab is at the same place.
//!
//! # Invariants
//! S1 a slab goes away only while the caller of [`Slabs::evict`] holds every buffer of it.

use super::region::{self, HUGE_BYTES};
use crate::env::fork::ForkMutex;
use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::ptr;

#[derive(Debug)]
pub(super) struct Slabs {
    places: Box<[AtomicPtr<u8>]>,
    /// Where each slab is or was; empty unless addresses are kept.
    kept: Box<[AtomicPtr<u8>]>,
    /// Held by who maps a slab whose address is kept.
    gate: ForkMutex<()>,
    bytes: usize,
    live: AtomicU32,
    huge: bool,
    /// A slab that wanted huge pages got small ones.
    small_pages: AtomicBool,
    /// Slabs of which the system took the memory back and not the addresses.
    unmaps_refused: AtomicU64,
}

impl Slabs {
    /// None is there yet. `bytes` is the size of each.
    pub(super) fn new(count: usize, bytes: usize, huge: bool, keep_addresses: bool) -> Self {
        let nowhere = |count| (0..count).map(|_| AtomicPtr::new(ptr::null_mut())).collect();
        Self {
            places: nowhere(count),
            kept: nowhere(if keep_addresses { count } else { 0 }),
            gate: ForkMutex::new(()),
            bytes: if huge { bytes.next_multiple_of(HUGE_BYTES) } else { bytes },
            live: AtomicU32::new(0),
            huge,
            small_pages: AtomicBool::new(false),
            unmaps_refused: AtomicU64::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Bytes of a slab.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many are there.
    pub(super) fn live(&self) -> u32 {
        self.live.load(Ordering::Relaxed)
    }

    /// True when all that were taken lie on huge pages, as far as the system told.
    pub(super) fn are_huge(&self) -> bool {
        self.huge && !self.small_pages.load(Ordering::Relaxed)
    }

    /// The slab at `position`, null when it is not there. A hint for who owns no buffer of it.
    pub(super) fn peek(&self, position: usize) -> *mut u8 {
        self.places[position].load(Ordering::Relaxed)
    }

    /// The slab at `position`, taken if it is not there. The caller owns a buffer of it (S1).
    pub(super) fn take(&self, position: usize) -> Option<*mut u8> {
        let place = &self.places[position];
        // Acquire: pairs with the Release of the installing swap; the memory is zeroed by then.
        let found = place.load(Ordering::Acquire);
        if !found.is_null() {
            return Some(found);
        }
        // Where addresses are kept, one at a time: a position has one region for life.
        let _alone = (!self.kept.is_empty()).then(|| self.gate.lock());
        // Zeroed: a lease shows all of its bytes, and showing uninitialised ones would be undefined.
        let made = self.region(position)?;
        // Release: pairs with the Acquire above and below.
        match place.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                self.live.fetch_add(1, Ordering::Relaxed);
                Some(made)
            }
            Err(theirs) if made == theirs => Some(theirs),
            Err(theirs) => {
                // SAFETY: ours alone, taken above with this size.
                unsafe { self.unmap(made) };
                Some(theirs)
            }
        }
    }

    /// Memory for a slab: where addresses are kept, the place that the slab has or had.
    fn region(&self, position: usize) -> Option<*mut u8> {
        if let Some(kept) = self.kept.get(position) {
            let known = kept.load(Ordering::Relaxed);
            if !known.is_null() {
                return Some(known);
            }
            let made = self.map()?;
            kept.store(made, Ordering::Relaxed);
            return Some(made);
        }
        self.map()
    }

    fn map(&self) -> Option<*mut u8> {
        if !self.huge {
            return region::take(self.bytes);
        }
        let (start, huge) = region::take_huge(self.bytes)?;
        if !huge {
            self.small_pages.store(true, Ordering::Relaxed);
        }
        Some(start)
    }

    /// # Safety
    /// `slab` came from [`map`](Self::map) and nobody uses it any more.
    unsafe fn unmap(&self, slab: *mut u8) {
        // SAFETY: the caller's, taken with this size.
        if !unsafe { region::give(slab, self.bytes) } {
            self.unmaps_refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Slabs whose addresses the system did not take back.
    pub(super) fn unmaps_refused(&self) -> u64 {
        self.unmaps_refused.load(Ordering::Relaxed)
    }

    /// Gives the memory of a slab back; false when it is not there.
    ///
    /// # Safety
    /// The caller holds every buffer of the slab and will use none of them before [`take`](Self::take).
    pub(super) unsafe fn evict(&self, position: usize) -> bool {
        // Relaxed: nobody else can use or install it (S1).
        let slab = self.places[position].swap(ptr::null_mut(), Ordering::Relaxed);
        if slab.is_null() {
            return false;
        }
        self.live.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: taken with this size; nobody uses the slab (S1). Where addresses are kept, a late look at it
        // may find anything.
        unsafe { if self.kept.is_empty() { self.unmap(slab) } else { region::empty(slab, self.bytes) } }
        true
    }
}

impl Drop for Slabs {
    fn drop(&mut self) {
        let all = if self.kept.is_empty() { &self.places } else { &self.kept };
        for place in all {
            let slab = place.load(Ordering::Relaxed);
            if !slab.is_null() {
                // SAFETY: taken by `region` with this size; leases hold the pool, so none is left.
                unsafe { region::give(slab, self.bytes) };
            }
        }
    }
}
