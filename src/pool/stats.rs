//! What a pool has done so far and holds now.

use super::header::Header;
use super::slab::{Class, Slow};
use crate::sync::atomic::Ordering;

/// Counters of a pool. Each is exact while nobody else uses the pool, and close otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Buffers checked out now.
    pub in_use: u64,
    /// Most buffers of each class that were ever out together, summed over the classes; up to 64 a thread
    /// more where threads keep some at hand. After a warm-up or growth ahead of demand a new mark is seen
    /// only when the statistics or [`maintain`](super::BufferPool::maintain) look, or when all that memory
    /// is out.
    pub in_use_high: u64,
    /// Buffers that were used before and can be used again, and up to 31 a thread that lie ready for a first use.
    pub free: u64,
    /// Bytes taken from the system for slabs.
    pub reserved_bytes: u64,
    /// Buffers handed out so far.
    pub acquired: u64,
    /// Buffers given back so far.
    pub released: u64,
    /// Acquisitions refused for want of a buffer.
    pub exhausted: u64,
    /// Overflow buffers checked out now; also part of `in_use`.
    pub overflow_in_use: u64,
    /// Overflow buffers handed out so far; also part of `acquired`.
    pub overflow_acquired: u64,
    /// Bytes that overflow buffers are charged for now.
    pub overflow_bytes: u64,
    /// Handles refused because they were released, taken over or never given out.
    pub stale_refused: u64,
    /// Buffers of the classes with memory behind them.
    pub resident: u64,
    /// Slabs that are there.
    pub slabs: u64,
    /// Slabs given back to the system so far.
    pub evictions: u64,
    /// The system took the advice to use huge pages for all slabs; false also when none was given.
    pub huge_pages: bool,
    /// Slabs given back of which the system took the memory and refused the addresses, because the process has
    /// as many mappings as it may (`vm.max_map_count`). Later slabs use these addresses.
    pub unmaps_refused: u64,
}

/// Figures of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassStats {
    /// Bytes of a buffer.
    pub buffer_bytes: u64,
    /// Most buffers.
    pub count_max: u64,
    /// Buffers whose memory is never given back by [`maintain`](super::BufferPool::maintain).
    pub initial: u64,
    /// Buffers checked out now.
    pub in_use: u64,
    /// As [`PoolStats::in_use_high`].
    pub in_use_high: u64,
    /// As [`PoolStats::free`].
    pub free: u64,
    /// Buffers with memory behind them.
    pub resident: u64,
    /// Slabs that are there.
    pub slabs: u64,
    /// Their bytes.
    pub reserved_bytes: u64,
    /// Buffers handed out so far.
    pub acquired: u64,
    /// Buffers given back so far.
    pub released: u64,
    /// Slabs given back to the system so far.
    pub evictions: u64,
}

/// The overflow's share.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OverflowCount {
    pub(super) acquired: u64,
    pub(super) in_use: u64,
    pub(super) in_use_high: u64,
    pub(super) bytes: u64,
}

impl PoolStats {
    pub(super) fn add_class(&mut self, class: &ClassStats) {
        self.in_use += class.in_use;
        self.in_use_high += class.in_use_high;
        self.free += class.free;
        self.resident += class.resident;
        self.slabs += class.slabs;
        self.reserved_bytes += class.reserved_bytes;
        self.acquired += class.acquired;
        self.evictions += class.evictions;
    }

    pub(super) fn add_overflow(&mut self, count: OverflowCount) {
        self.in_use += count.in_use;
        self.in_use_high += count.in_use_high;
        self.acquired += count.acquired;
        self.overflow_in_use = count.in_use;
        self.overflow_acquired = count.acquired;
        self.overflow_bytes = count.bytes;
    }
}

impl Class {
    /// Buffers with memory: those of every slab that is there.
    pub(super) fn resident(&self) -> u64 {
        let slots = u64::from(self.slabs.live()) * u64::from(self.slab_slots);
        slots.min(u64::from(self.count))
    }

    /// Buffers that are not out, fresh ones aside. For who holds `slow`: nobody else has buffers in hand.
    fn not_out(&self, headers: &[Header]) -> u64 {
        let lists = || self.free.depth(headers) + self.in_blocks(headers) + self.hollow.depth(headers);
        let (listed, magazines) = self.magazines.count_with(lists);
        listed + magazines.held
    }

    /// Buffers checked out. As above.
    pub(super) fn in_use(&self, headers: &[Header]) -> u64 {
        u64::from(self.fresh.load(Ordering::Relaxed)).saturating_sub(self.not_out(headers))
    }

    /// Brings the high-water mark up to date. Fresh buffers are taken when all others are out, so their
    /// number is the mark; but those that `commit` took say nothing.
    pub(super) fn note_high(&self, slow: &mut Slow, in_use: u64) {
        let fresh = self.fresh.load(Ordering::Relaxed);
        let seen = if fresh > slow.committed { u64::from(fresh) } else { in_use };
        slow.high = slow.high.max(seen);
    }

    /// Around a `commit`: the mark as it is, then what it took.
    pub(super) fn note_commit(&self, headers: &[Header], slow: &mut Slow, commit: impl FnOnce(&mut Slow)) {
        let in_use = self.in_use(headers);
        self.note_high(slow, in_use);
        commit(slow);
        slow.committed = self.fresh.load(Ordering::Relaxed);
    }

    pub(super) fn stats(&self, headers: &[Header]) -> ClassStats {
        let mut slow = self.slow.lock();
        let fresh = u64::from(self.fresh.load(Ordering::Relaxed));
        let free = self.not_out(headers);
        let magazines = self.magazines.count();
        let pops = self.free.pops(&mut slow.pops) + self.hollow.pops(&mut slow.hollow_pops) + magazines.taken;
        let missed = self.missed.load(Ordering::Relaxed);
        let in_use = fresh.saturating_sub(free);
        self.note_high(&mut slow, in_use);
        let acquired = (pops + fresh)
            .saturating_sub(slow.internal)
            .saturating_sub(missed)
            .saturating_sub(magazines.refilled);
        let slabs = u64::from(self.slabs.live());
        ClassStats {
            buffer_bytes: self.buffer_bytes as u64,
            count_max: u64::from(self.count),
            initial: slow.demand.initial(),
            in_use,
            in_use_high: slow.high,
            free,
            resident: self.resident(),
            slabs,
            reserved_bytes: slabs * self.slabs.bytes() as u64,
            acquired,
            released: acquired.saturating_sub(in_use),
            evictions: slow.evictions,
        }
    }
}
