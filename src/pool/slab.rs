//! One class: equal buffers, their memory taken slab by slab.
//!
//! # Model
//! ```text
//! indexes  base ........ base+fresh ........ base+count
//!          used before    |  never used
//!          listed or      |
//!          checked out    v
//! slabs    [0][1][2] ... each slab_slots buffers, null until one of them is used, null again after `evict`
//! ```
//! A buffer that is not out is fresh, on `free` or inside a block, with its memory, or on `hollow`, without.
//!
//! # Invariants
//! S1 a slab's memory goes away only while `evict` holds every buffer of it (see `slabs`).
//! S2 the slab that `fresh` points into is never evicted, so a buffer used for the first time finds its
//!    slab either absent or complete.
//! S3 what is on `free` or in a block has memory behind it.

use super::demand::{Bounds, Demand};
use super::header::Header;
use super::hollow::{Hollow, HollowPops};
use super::idle::Idle;
use super::magazine::{BLOCK_MAX, Magazine, SIZE};
use super::magazines::Magazines;
use super::region::{HUGE_BYTES, REGION_ALIGN};
use super::slabs::Slabs;
use super::stripes::{PopCounts, Stripes};
use super::{BufferPool, ClassSettings};
use crate::env::fork::ForkMutex;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{Place, reached};
use crossbeam::utils::CachePadded;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Buffers start on their own cache line.
pub(super) const BUFFER_ALIGN: usize = REGION_ALIGN;
/// Aimed size of a slab; a slab has at least one buffer.
const SLAB_BYTES: usize = 256 << 10;

/// How a class is kept, out of the pool's [`Upkeep`](super::Upkeep).
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeping {
    pub(super) initial: usize,
    pub(super) shrink_after: Duration,
    pub(super) huge: bool,
    pub(super) keep_addresses: bool,
}

#[derive(Debug)]
pub(super) struct Class {
    pub(super) number: u8,
    pub(super) base: u32,
    pub(super) count: u32,
    pub(super) buffer_bytes: usize,
    pub(super) stride: usize,
    pub(super) slab_slots: u32,
    pub(super) slabs: Slabs,
    pub(super) free: Stripes,
    /// Free buffers that each stand for a block.
    pub(super) blocks: Stripes,
    pub(super) fresh: CachePadded<AtomicU32>,
    /// Buffers that were used and have no memory now. Taken before fresh ones.
    pub(super) hollow: Hollow,
    /// One at a time who moves memory, and the counts that only slow paths change.
    pub(super) slow: ForkMutex<Slow>,
    /// Buffers that were taken only to find that there is no memory for them.
    pub(super) missed: AtomicU64,
    pub(super) magazines: Magazines,
}

#[derive(Debug)]
pub(super) struct Slow {
    pub(super) pops: PopCounts,
    pub(super) hollow_pops: HollowPops,
    /// Pops and fresh buffers that served the pool itself.
    pub(super) internal: u64,
    pub(super) idle: Idle,
    pub(super) demand: Demand,
    /// Which reserve lists `sift` fills next.
    pub(super) turn: usize,
    /// Slabs given back so far.
    pub(super) evictions: u64,
    /// Most buffers out together, as far as it was seen.
    pub(super) high: u64,
    /// `fresh` after the last `commit`: beyond it, fresh buffers were taken because all others were out.
    pub(super) committed: u32,
}

impl Class {
    pub(super) fn new(number: u8, base: u32, settings: ClassSettings, keeping: Keeping) -> Self {
        let stride = settings.buffer_bytes.next_multiple_of(BUFFER_ALIGN);
        let aim = if keeping.huge { HUGE_BYTES } else { SLAB_BYTES };
        let slab_slots = (aim / stride).clamp(1, settings.count_max);
        // Settings bound both factors (64 MiB buffers, 2 MiB slabs), so their product cannot overflow.
        let slabs = settings.count_max.div_ceil(slab_slots);
        let bounds = Bounds {
            initial: keeping.initial as u64,
            max: settings.count_max as u64,
            slab: slab_slots as u64,
            window: keeping.shrink_after,
        };
        let slow = Slow {
            pops: PopCounts::default(),
            hollow_pops: HollowPops::default(),
            internal: 0,
            idle: Idle::default(),
            demand: Demand::new(bounds),
            turn: 0,
            evictions: 0,
            high: 0,
            committed: 0,
        };
        Self {
            number,
            base,
            count: settings.count_max as u32,
            buffer_bytes: settings.buffer_bytes,
            stride,
            slab_slots: slab_slots as u32,
            slabs: Slabs::new(slabs, slab_slots * stride, keeping.huge, keeping.keep_addresses),
            free: Stripes::new(),
            blocks: Stripes::new(),
            fresh: CachePadded::new(AtomicU32::new(0)),
            hollow: Hollow::new(),
            slow: ForkMutex::new(slow),
            missed: AtomicU64::new(0),
            magazines: Magazines::new(settings.count_max as u32),
        }
    }

    /// An owned index with memory behind it; `None` when the class is used up or the allocator refuses.
    #[inline(always)]
    pub(super) fn take(&self, headers: &[Header], pool: &Weak<BufferPool>) -> Option<u32> {
        self.magazines.pop().or_else(|| self.take_far(headers, pool))
    }

    /// As `take`, with nothing at hand.
    #[inline(never)]
    fn take_far(&self, headers: &[Header], pool: &Weak<BufferPool>) -> Option<u32> {
        if self.magazines.are_used() {
            let refill = |indexes: &mut [u32; SIZE]| self.refill(headers, indexes);
            let kept = self.magazines.pop_refilled(refill, || (self.number, Weak::clone(pool)));
            if kept.is_some() {
                return kept;
            }
        }
        self.take_shared(headers)
    }

    fn take_shared(&self, headers: &[Header]) -> Option<u32> {
        loop {
            if let Some(index) = self.free.pop(headers) {
                return Some(index);
            }
            if !self.magazines.are_used() {
                return self.take_bare(headers);
            }
            // Others may have put all that there is into blocks.
            let mut indexes = [0; BLOCK_MAX];
            if !self.open_block(headers, &mut indexes) {
                return self.take_bare(headers);
            }
            self.free.push_run(headers, &indexes);
        }
    }

    #[inline(always)]
    pub(super) fn give(&self, headers: &[Header], pool: &Weak<BufferPool>, index: u32) {
        if !self.magazines.push(index) {
            self.give_far(headers, pool, index);
        }
    }

    /// As `give`, without room at hand.
    #[inline(never)]
    fn give_far(&self, headers: &[Header], pool: &Weak<BufferPool>, index: u32) {
        let kept = self.magazines.are_used()
            && self.magazines.push_spilled(
                index,
                |indexes| self.close_block(headers, indexes),
                || (self.number, Weak::clone(pool)),
            );
        if !kept {
            self.free.push(headers, index);
        }
    }

    /// A thread's magazine ends: what it held goes back to the lists.
    pub(super) fn close_magazine(&self, headers: &[Header], indexes: &[u32], magazine: &Arc<Magazine>) {
        self.magazines.forget(magazine, || self.free.push_run(headers, indexes));
    }

    /// A buffer that has no memory yet, or none any more.
    #[cold]
    fn take_bare(&self, headers: &[Header]) -> Option<u32> {
        if let Some(index) = self.hollow.pop(headers) {
            return self.furnish(headers, index);
        }
        // Relaxed: the number alone makes the buffer ours; its header was written before the pool existed.
        let claim = |fresh: u32| (fresh < self.count).then(|| fresh + 1);
        let fresh = self.fresh.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim).ok()?;
        self.furnish(headers, self.base + fresh)
    }

    /// Fresh buffers that lie side by side in one slab, as many as `indexes` has room for: threads that begin
    /// together, and take turns at `fresh`, do not share the cache lines of their headers. None while there are
    /// hollow ones. Answers how many, the lowest at the end.
    #[cold]
    pub(super) fn open_fresh(&self, headers: &[Header], indexes: &mut [u32]) -> usize {
        if self.hollow.depth(headers) > 0 {
            return 0;
        }
        let end = |fresh: u32| {
            let slab_end = (fresh / self.slab_slots + 1) * self.slab_slots;
            slab_end.min(self.count).min(fresh.saturating_add(indexes.len() as u32))
        };
        let claim = |fresh: u32| (fresh < self.count).then(|| end(fresh));
        // Relaxed: as in `take_bare`.
        let Ok(fresh) = self.fresh.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim) else {
            return 0;
        };
        reached(Place::FreshTaken);
        let mut count = 0;
        for fresh in (fresh..end(fresh)).rev() {
            if let Some(index) = self.furnish(headers, self.base + fresh) {
                indexes[count] = index;
                count += 1;
            }
        }
        count
    }

    /// Gives an owned buffer its memory, or puts it back without.
    #[cold]
    pub(super) fn furnish(&self, headers: &[Header], index: u32) -> Option<u32> {
        let offset = (index - self.base) as usize;
        let Some(slab) = self.slabs.take(offset / self.slab_slots as usize) else {
            self.missed.fetch_add(1, Ordering::Relaxed);
            self.hollow.push_all(headers, &[index]);
            return None;
        };
        let within = offset % self.slab_slots as usize * self.stride;
        // SAFETY: popped or fresh, so ours; `within` lies inside the slab, whose layout has
        // `slab_slots` strides.
        unsafe {
            headers[index as usize].update(|body| {
                body.data = slab.add(within);
                body.capacity = self.buffer_bytes as u32;
                body.class = self.number;
            });
        }
        Some(index)
    }

    /// Buffers of a slab: the last one may have fewer.
    pub(super) fn slots_in(&self, position: usize) -> usize {
        let slots = self.slab_slots as usize;
        slots.min(self.count as usize - position * slots)
    }

    pub(super) fn slab_of(&self, index: u32) -> usize {
        ((index - self.base) / self.slab_slots) as usize
    }
}
