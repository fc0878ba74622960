//! One class: equal buffers, their memory taken slab by slab.
//!
//! # Model
//! ```text
//! indexes  base ........ base+fresh ........ base+count
//!          used before    |  never used
//!          free list or   |
//!          checked out    v
//! slabs    [0][1][2] ... each slab_slots buffers, null until one of them is used, null again after trim
//! ```
//! # Invariants
//! S1 a slab's memory goes away only while trim holds every buffer of it.
//! S2 the slab that `fresh` points into is never trimmed, so a buffer used for the first time finds its
//!    slab either absent or complete.

use super::header::{Header, has_memory};
use super::magazine::{BLOCK_MAX, Ledger, SIZE};
use super::magazines::Magazines;
use super::region::{self, REGION_ALIGN};
use super::stripes::{PopCounts, Stripes};
use super::{BufferPool, ClassSettings, stats::ClassCount};
use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use crate::sync::{Mutex, Place, reached};
use crossbeam::utils::CachePadded;
use std::ptr;
use std::sync::{Arc, Weak};

/// Buffers start on their own cache line.
pub(super) const BUFFER_ALIGN: usize = REGION_ALIGN;
/// Aimed size of a slab; a slab has at least one buffer.
const SLAB_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Class {
    number: u8,
    base: u32,
    count: u32,
    pub(super) buffer_bytes: usize,
    stride: usize,
    slab_slots: u32,
    slabs: Box<[AtomicPtr<u8>]>,
    free: Stripes,
    /// Free buffers that each stand for a block.
    blocks: Stripes,
    /// Indexes of a block: as many as fit into a buffer, and itself.
    block: usize,
    fresh: CachePadded<AtomicU32>,
    /// Buffers on the free list whose memory was trimmed away.
    hollow: AtomicU32,
    live_slabs: AtomicU32,
    /// One trim at a time, and the counts that only slow paths change.
    slow: Mutex<Slow>,
    /// Buffers that were taken only to find that there is no memory for them.
    missed: AtomicU64,
    magazines: Magazines,
}

#[derive(Debug, Default)]
struct Slow {
    pops: PopCounts,
    /// Pops that trim made.
    trimmed: u64,
    /// Buffers that trim holds right now.
    in_hand: u64,
}

impl Class {
    pub(super) fn new(number: u8, base: u32, settings: ClassSettings) -> Self {
        let stride = settings.buffer_bytes.next_multiple_of(BUFFER_ALIGN);
        let slab_slots = (SLAB_BYTES / stride).clamp(1, settings.count_max);
        let slabs = settings.count_max.div_ceil(slab_slots);
        Self {
            number,
            base,
            count: settings.count_max as u32,
            buffer_bytes: settings.buffer_bytes,
            stride,
            slab_slots: slab_slots as u32,
            slabs: (0..slabs).map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
            free: Stripes::new(),
            blocks: Stripes::new(),
            block: (1 + stride / size_of::<u32>()).min(BLOCK_MAX),
            fresh: CachePadded::new(AtomicU32::new(0)),
            hollow: AtomicU32::new(0),
            live_slabs: AtomicU32::new(0),
            slow: Mutex::new(Slow::default()),
            missed: AtomicU64::new(0),
            magazines: Magazines::new(settings.count_max as u32),
        }
    }

    /// An owned index with memory behind it; `None` when the class is used up or the allocator refuses.
    #[inline]
    pub(super) fn take(&self, headers: &[Header], pool: &Weak<BufferPool>) -> Option<u32> {
        if self.magazines.are_used() {
            let refill = |indexes: &mut [u32; SIZE]| self.refill(headers, indexes);
            let kept = self.magazines.take(refill, || (self.number, Weak::clone(pool)));
            if kept.is_some() {
                return kept;
            }
        }
        self.take_shared(headers)
    }

    fn take_shared(&self, headers: &[Header]) -> Option<u32> {
        loop {
            if let Some(index) = self.take_listed(headers) {
                return Some(index);
            }
            if !self.magazines.are_used() {
                return self.take_fresh(headers);
            }
            // Others may have put all that there is into blocks.
            let mut indexes = [0; BLOCK_MAX];
            match self.open_block(headers, &mut indexes) {
                0 => return self.take_fresh(headers),
                count => self.free.push_run(headers, &indexes[..count]),
            }
        }
    }

    fn take_listed(&self, headers: &[Header]) -> Option<u32> {
        if let Some(index) = self.free.pop(headers) {
            // SAFETY: popped, so ours.
            if has_memory(&unsafe { headers[index as usize].body() }) {
                return Some(index);
            }
            self.hollow.fetch_sub(1, Ordering::Relaxed);
            return self.furnish(headers, index);
        }
        None
    }

    #[inline]
    pub(super) fn give(&self, headers: &[Header], pool: &Weak<BufferPool>, index: u32) {
        let kept = self.magazines.are_used()
            && self.magazines.give(
                index,
                self.block,
                |indexes| self.close_block(headers, indexes),
                || (self.number, Weak::clone(pool)),
            );
        if !kept {
            self.free.push(headers, index);
        }
    }

    /// Fills an empty magazine: with a block, else with a run off the lists. Answers how many there are.
    #[cold]
    fn refill(&self, headers: &[Header], indexes: &mut [u32; SIZE]) -> usize {
        let count = self.open_block(headers, indexes);
        if count > 0 {
            return count;
        }
        let found = self.free.pop_run(headers, &mut indexes[..self.block]);
        let mut count = 0;
        for position in 0..found {
            let index = indexes[position];
            // SAFETY: popped, so ours.
            if !has_memory(&unsafe { headers[index as usize].body() }) {
                self.hollow.fetch_sub(1, Ordering::Relaxed);
                if self.furnish(headers, index).is_none() {
                    continue;
                }
            }
            indexes[count] = index;
            count += 1;
        }
        self.magazines.note_refill(count);
        count
    }

    /// Takes a block and answers its indexes, with how many they are; 0 when there is no block.
    fn open_block(&self, headers: &[Header], indexes: &mut [u32]) -> usize {
        let Some(head) = self.blocks.pop(headers) else { return 0 };
        reached(Place::BlockOpened);
        let others = self.block - 1;
        indexes[0] = head;
        // SAFETY: popped, so ours, with memory (M2) that begins on a cache line and holds the other indexes
        // that `close_block` wrote; the pop's Acquire pairs with the Release of the push behind them.
        unsafe {
            let from = headers[head as usize].body().data.cast::<u32>();
            ptr::copy_nonoverlapping(from, indexes[1..=others].as_mut_ptr(), others);
        }
        self.block
    }

    /// Puts the oldest of a magazine, `self.block` of them, on the list of blocks.
    #[cold]
    fn close_block(&self, headers: &[Header], indexes: &[u32]) {
        let (head, others) = (indexes[0], &indexes[1..self.block]);
        // SAFETY: they come from this thread's magazine, so the first buffer is ours (M1) and has memory
        // (M2) for that many indexes, which `new` saw to.
        unsafe {
            let to = headers[head as usize].body().data.cast::<u32>();
            ptr::copy_nonoverlapping(others.as_ptr(), to, others.len());
        }
        self.blocks.push(headers, head);
        reached(Place::BlockClosed);
    }

    /// A thread's magazine ends: what it held goes back to the lists.
    pub(super) fn close_magazine(&self, headers: &[Header], indexes: &[u32], ledger: &Arc<Ledger>) {
        self.free.push_run(headers, indexes);
        self.magazines.forget(ledger);
    }

    #[cold]
    fn take_fresh(&self, headers: &[Header]) -> Option<u32> {
        // Relaxed: the number alone makes the buffer ours; its header was written before the pool existed.
        let claim = |fresh: u32| (fresh < self.count).then(|| fresh + 1);
        let fresh = self.fresh.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim).ok()?;
        self.furnish(headers, self.base + fresh)
    }

    /// Gives an owned buffer its memory, or puts it back without.
    #[cold]
    fn furnish(&self, headers: &[Header], index: u32) -> Option<u32> {
        let offset = (index - self.base) as usize;
        let Some(slab) = self.slab(offset / self.slab_slots as usize) else {
            self.missed.fetch_add(1, Ordering::Relaxed);
            self.hollow.fetch_add(1, Ordering::Relaxed);
            self.free.push(headers, index);
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

    /// The slab at `position`, allocated if it is not there. The caller owns a buffer of it (S1).
    fn slab(&self, position: usize) -> Option<*mut u8> {
        let place = &self.slabs[position];
        // Acquire: pairs with the Release of the installing swap; the memory is zeroed by then.
        let found = place.load(Ordering::Acquire);
        if !found.is_null() {
            return Some(found);
        }
        // Zeroed: a lease shows all of its bytes, and showing uninitialised ones would be undefined.
        let made = region::take(self.slab_bytes())?;
        // Release: pairs with the Acquire above and below.
        match place.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                self.live_slabs.fetch_add(1, Ordering::Relaxed);
                Some(made)
            }
            Err(theirs) => {
                // SAFETY: ours alone, taken above with this size.
                unsafe { region::give(made, self.slab_bytes()) };
                Some(theirs)
            }
        }
    }

    // Settings bound both factors (64 MiB buffers, 256 KiB slabs), so this cannot overflow.
    fn slab_bytes(&self) -> usize {
        self.slab_slots as usize * self.stride
    }

    /// Gives slabs back to the system as long as `keep_free` free buffers stay; answers the bytes.
    ///
    /// While it runs, free buffers of the class are partly in its hand: another thread may find the
    /// class empty and use the next one.
    pub(super) fn trim(&self, headers: &[Header], keep_free: usize) -> usize {
        let mut slow = self.slow.lock();
        let listed = self.free.depth(headers) + self.in_blocks(headers);
        let ready = listed.saturating_sub(u64::from(self.hollow.load(Ordering::Relaxed)));
        let mut spare = ready.saturating_sub(keep_free as u64);
        // Slabs before this one are complete (S2); a class used to its end has only complete ones.
        let fresh = self.fresh.load(Ordering::Relaxed);
        let growing = if fresh == self.count { self.slabs.len() } else { self.slab_of(self.base + fresh) };
        if spare == 0 || growing == 0 {
            return 0;
        }
        let mut hand = self.empty_into_hand(headers, &mut slow);
        hand.sort_unstable();
        let (mut kept, mut hollowed) = (Vec::new(), Vec::new());
        let mut freed = 0;
        for run in hand.chunk_by(|a, b| self.slab_of(*a) == self.slab_of(*b)) {
            let position = self.slab_of(run[0]);
            let furnished = run.iter().filter(|index| {
                // SAFETY: popped, so ours.
                has_memory(&unsafe { headers[**index as usize].body() })
            });
            let furnished = furnished.count() as u64;
            let complete = position < growing && run.len() == self.slots_in(position);
            if complete && furnished <= spare && self.free_slab(headers, position, run) {
                self.hollow.fetch_add(furnished as u32, Ordering::Relaxed);
                spare -= furnished;
                freed += self.slab_bytes();
                hollowed.extend_from_slice(run);
            } else {
                kept.extend_from_slice(run);
            }
        }
        // Buffers without memory go deepest, so that they are used last.
        for index in hollowed.iter().chain(kept.iter().rev()) {
            self.free.push(headers, *index);
        }
        slow.in_hand = 0;
        freed
    }

    fn empty_into_hand(&self, headers: &[Header], slow: &mut Slow) -> Vec<u32> {
        let mut hand = Vec::new();
        while let Some(index) = self.free.pop(headers) {
            debug_assert!(headers[index as usize].is_free());
            hand.push(index);
            slow.trimmed += 1;
            slow.in_hand += 1;
        }
        let mut block = [0; BLOCK_MAX];
        loop {
            let count = self.open_block(headers, &mut block);
            if count == 0 {
                return hand;
            }
            hand.extend_from_slice(&block[..count]);
            slow.in_hand += count as u64;
        }
    }

    /// Free buffers that lie in blocks.
    fn in_blocks(&self, headers: &[Header]) -> u64 {
        self.blocks.depth(headers) * self.block as u64
    }

    /// Frees the memory of a slab, all of whose buffers are in the hand. False when it has none.
    fn free_slab(&self, headers: &[Header], position: usize, run: &[u32]) -> bool {
        // Relaxed: every buffer of the slab is in our hand, so nobody else can use or install it (S1).
        let slab = self.slabs[position].swap(ptr::null_mut(), Ordering::Relaxed);
        if slab.is_null() {
            return false;
        }
        for index in run {
            // SAFETY: popped, so ours.
            unsafe {
                headers[*index as usize].update(|body| {
                    body.data = ptr::null_mut();
                    body.capacity = 0;
                });
            }
        }
        reached(Place::SlabFreed);
        self.live_slabs.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: taken by `slab` with this size; no buffer of it is in use or will be found (S1).
        unsafe { region::give(slab, self.slab_bytes()) };
        true
    }

    /// Buffers of a slab: the last one may have fewer.
    fn slots_in(&self, position: usize) -> usize {
        let slots = self.slab_slots as usize;
        slots.min(self.count as usize - position * slots)
    }

    fn slab_of(&self, index: u32) -> usize {
        ((index - self.base) / self.slab_slots) as usize
    }

    pub(super) fn count(&self, headers: &[Header]) -> ClassCount {
        let mut slow = self.slow.lock();
        let fresh = u64::from(self.fresh.load(Ordering::Relaxed));
        let magazines = self.magazines.count();
        let free = self.free.depth(headers) + self.in_blocks(headers) + slow.in_hand + magazines.held;
        let pops = self.free.pops(&mut slow.pops) + magazines.taken;
        let missed = self.missed.load(Ordering::Relaxed);
        ClassCount {
            acquired: (pops + fresh)
                .saturating_sub(slow.trimmed)
                .saturating_sub(missed)
                .saturating_sub(magazines.refilled),
            in_use: fresh.saturating_sub(free),
            in_use_high: fresh,
            free,
            reserved_bytes: u64::from(self.live_slabs.load(Ordering::Relaxed)) * self.slab_bytes() as u64,
        }
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        let bytes = self.slab_bytes();
        for place in &self.slabs {
            let slab = place.load(Ordering::Relaxed);
            if !slab.is_null() {
                // SAFETY: taken by `slab` with this size; leases hold the pool, so none is left.
                unsafe { region::give(slab, bytes) };
            }
        }
    }
}
