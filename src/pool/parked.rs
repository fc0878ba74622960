//! Regions whose addresses the system did not take back.
//!
//! # Model
//! ```text
//! in use --give back--> unmapped
//!   ^         '-refused-> parked: no memory behind it, zero when read
//!   '--- same size ---------'  '--tried again at a later giving back--> unmapped
//! ```
//! The system joins mappings that lie side by side, and slabs often do. To unmap one from the middle makes two out
//! of one, and a process has a bound on them (`vm.max_map_count`, 65,530 unless it was changed).
//!
//! # Invariants
//! K1 a region is in use, parked or unmapped: its addresses are never forgotten.
//! K2 a parked region reads as zero.
//!
//! # Limits
//! No more are parked than there are mappings that can be cut. Each takes 16 bytes here, and address space.

use crate::env::fork::ForkMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
pub(super) struct Parked {
    /// For who finds nothing here, which is the rule. Relaxed: the lock orders all else.
    count: AtomicUsize,
    regions: ForkMutex<Vec<Region>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) start: *mut u8,
    pub(super) bytes: usize,
}

// SAFETY: a parked region is nobody's; who takes it out has it alone.
unsafe impl Send for Region {}

impl Parked {
    pub(super) const fn new() -> Self {
        Self { count: AtomicUsize::new(0), regions: ForkMutex::new(Vec::new()) }
    }

    /// Keeps a region, which reads as zero (K2) and is nobody's from now on.
    pub(super) fn keep(&self, region: Region) {
        let mut regions = self.regions.lock();
        regions.push(region);
        self.count.store(regions.len(), Ordering::Relaxed);
    }

    /// A region of just this size and alignment.
    pub(super) fn take(&self, bytes: usize, align: usize) -> Option<*mut u8> {
        let fits = |region: &Region| region.bytes == bytes && (region.start as usize).is_multiple_of(align);
        self.remove(|regions| regions.iter().rposition(fits)).map(|region| region.start)
    }

    /// The region that has waited for longest, to be tried again.
    pub(super) fn oldest(&self) -> Option<Region> {
        self.remove(|regions| (!regions.is_empty()).then_some(0))
    }

    fn remove(&self, find: impl FnOnce(&[Region]) -> Option<usize>) -> Option<Region> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut regions = self.regions.lock();
        let found = find(&regions).map(|position| regions.remove(position));
        self.count.store(regions.len(), Ordering::Relaxed);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: usize, bytes: usize) -> Region {
        Region { start: std::ptr::without_provenance_mut(start), bytes }
    }

    #[test]
    fn a_parked_region_serves_its_own_size_and_alignment_only_and_once() {
        let parked = Parked::new();
        assert_eq!(parked.take(4096, 1), None);
        parked.keep(region(4096, 4096));
        parked.keep(region(3 * 4096, 8192));
        parked.keep(region(1 << 21, 8192));
        assert_eq!(parked.take(4095, 1), None);
        assert_eq!(parked.take(4096, 1 << 21), None);
        assert_eq!(parked.take(8192, 1 << 21).map(|start| start as usize), Some(1 << 21));
        assert_eq!(parked.take(8192, 1 << 21), None);
        assert_eq!(parked.oldest(), Some(region(4096, 4096)));
        assert_eq!(parked.take(4096, 1), None);
        assert_eq!(parked.take(8192, 1).map(|start| start as usize), Some(3 * 4096));
        assert_eq!(parked.oldest(), None);
    }
}
