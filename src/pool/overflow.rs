//! Buffers allocated one by one, counted and bounded, for what no class can serve.
//!
//! # Invariants
//! O1 `bytes` is the sum of the charges of all overflow buffers that exist, and never exceeds the bound.

use super::freelist::{FreeList, extend_pops};
use super::header::{CLASS_OVERFLOW, Header, INDEXES_MAX};
use super::slab::BUFFER_ALIGN;
use super::{OverflowSettings, stats::OverflowCount};
use crate::env::fork::ForkMutex;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr;

/// Smallest charge. Makes the byte bound bite before the indexes run out.
const GRAIN: usize = 4 << 10;
/// Most overflow buffers at a time.
const COUNT_MAX: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Overflow {
    base: u32,
    count: u32,
    settings: OverflowSettings,
    free: FreeList,
    fresh: AtomicU32,
    bytes: AtomicU64,
    /// `FreeList::pops` made whole.
    pops: ForkMutex<u64>,
    /// Indexes that were taken only to find that there is no memory.
    missed: AtomicU64,
}

impl Overflow {
    /// `base` is the first index after all classes.
    pub(super) fn new(base: usize, settings: OverflowSettings) -> Self {
        let wanted =
            if settings.buffer_bytes_max == 0 { 0 } else { settings.total_bytes_max.div_ceil(GRAIN) };
        let count = wanted.min(COUNT_MAX).min(INDEXES_MAX - base);
        Self {
            base: base as u32,
            count: count as u32,
            settings,
            free: FreeList::new(),
            fresh: AtomicU32::new(0),
            bytes: AtomicU64::new(0),
            pops: ForkMutex::new(0),
            missed: AtomicU64::new(0),
        }
    }

    pub(super) fn slots(&self) -> usize {
        self.count as usize
    }

    /// An owned index with `len` bytes behind it; `None` when a bound or the allocator refuses.
    #[cold]
    pub(super) fn take(&self, headers: &[Header], len: usize) -> Option<u32> {
        if len > self.settings.buffer_bytes_max {
            return None;
        }
        let layout = layout(len);
        let bound = self.settings.total_bytes_max.max(GRAIN) as u64;
        let charge = |bytes: u64| bytes.checked_add(charge_of(layout)).filter(|sum| *sum <= bound);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, charge).ok()?;
        let index = self.index(headers).and_then(|index| self.allocate(headers, index, layout));
        if index.is_none() {
            self.bytes.fetch_sub(charge_of(layout), Ordering::Relaxed);
        }
        index
    }

    fn index(&self, headers: &[Header]) -> Option<u32> {
        self.free.pop(headers).or_else(|| {
            let claim = |fresh: u32| (fresh < self.count).then(|| fresh + 1);
            let fresh = self.fresh.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim).ok()?;
            Some(self.base + fresh)
        })
    }

    fn allocate(&self, headers: &[Header], index: u32, layout: Layout) -> Option<u32> {
        // SAFETY: the size is not zero (`layout`).
        let data = unsafe { alloc_zeroed(layout) };
        if data.is_null() {
            self.missed.fetch_add(1, Ordering::Relaxed);
            self.free.push(headers, index);
            return None;
        }
        // SAFETY: popped or fresh, so ours.
        unsafe {
            headers[index as usize].update(|body| {
                body.data = data;
                body.capacity = layout.size() as u32;
                body.class = CLASS_OVERFLOW;
            });
        }
        Some(index)
    }

    /// Frees the memory of an owned, retired buffer and keeps its index for the next one.
    #[cold]
    pub(super) fn give(&self, headers: &[Header], index: u32) {
        let charge = self.free_memory(headers, index);
        self.free.push(headers, index);
        self.bytes.fetch_sub(charge, Ordering::Relaxed);
    }

    fn free_memory(&self, headers: &[Header], index: u32) -> u64 {
        // SAFETY: the caller owns the buffer; the memory was allocated with the layout of its capacity.
        unsafe {
            headers[index as usize].update(|body| {
                let layout = layout(body.capacity as usize);
                dealloc(body.data, layout);
                body.data = ptr::null_mut();
                charge_of(layout)
            })
        }
    }

    pub(super) fn count(&self, headers: &[Header]) -> OverflowCount {
        let mut pops = self.pops.lock();
        *pops = extend_pops(*pops, self.free.pops());
        let fresh = u64::from(self.fresh.load(Ordering::Relaxed));
        OverflowCount {
            acquired: (*pops + fresh).saturating_sub(self.missed.load(Ordering::Relaxed)),
            in_use: fresh.saturating_sub(self.free.depth(headers)),
            in_use_high: fresh,
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    /// Frees what is still handed out when the pool goes away.
    pub(super) fn clear(&mut self, headers: &[Header]) {
        for index in self.base..self.base + self.fresh.load(Ordering::Relaxed) {
            // SAFETY: the pool is being dropped, so every buffer is ours.
            if super::header::has_memory(&unsafe { headers[index as usize].body() }) {
                self.free_memory(headers, index);
            }
        }
    }
}

/// Idempotent, so that the capacity alone brings the layout back.
fn layout(len: usize) -> Layout {
    Layout::from_size_align(len.max(1).next_multiple_of(BUFFER_ALIGN), BUFFER_ALIGN)
        .expect("settings bound a buffer to 64 MiB")
}

fn charge_of(layout: Layout) -> u64 {
    layout.size().next_multiple_of(GRAIN) as u64
}
