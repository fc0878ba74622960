//! What a pool has done so far.

/// Counters of a pool. Each is exact while nobody else uses the pool, and close otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Buffers checked out now.
    pub in_use: u64,
    /// Most buffers of each class that were ever out together, summed over the classes; up to 64 a thread
    /// more where threads keep some at hand.
    pub in_use_high: u64,
    /// Buffers that were used before and can be used again.
    pub free: u64,
    /// Bytes taken from the allocator for slabs.
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
}

/// One class's share.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClassCount {
    pub(super) acquired: u64,
    pub(super) in_use: u64,
    pub(super) in_use_high: u64,
    pub(super) free: u64,
    pub(super) reserved_bytes: u64,
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
    pub(super) fn add_class(&mut self, count: ClassCount) {
        self.in_use += count.in_use;
        self.in_use_high += count.in_use_high;
        self.free += count.free;
        self.reserved_bytes += count.reserved_bytes;
        self.acquired += count.acquired;
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
