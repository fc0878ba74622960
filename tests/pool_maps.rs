//! A pool in a process that has as many mappings as it may. Alone in its process, so that nobody else needs one.
#![expect(unsafe_code, reason = "maps memory to use the process's mappings up")]

#[path = "support/memory.rs"]
mod memory;

use duochain::pool::{BufferPool, ClassSettings, Lease, PoolSettings, Upkeep};
use memory::resident_bytes;
use std::sync::Arc;

const SLAB_BYTES: usize = 256 << 10;
const PAGE: usize = 4096;
/// With a higher bound than this the test would take long and change nothing.
const MAPS_MAX: usize = 1 << 20;

/// Addresses of this process, in bytes.
fn mapped_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("there on Linux");
    status.split(' ').next().expect("first column").parse::<usize>().expect("a number") * PAGE
}

/// A reservation cut into as many mappings as the process may still have.
struct Cuts {
    start: *mut libc::c_void,
    bytes: usize,
}

impl Cuts {
    fn new(maps_max: usize) -> Self {
        let bytes = (maps_max + 2) * PAGE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping, and protections of its own pages, which nobody uses.
        unsafe {
            let start = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            // Every other page differs from its neighbours, so each is a mapping.
            let cut = |page: usize| libc::mprotect(start.byte_add(page * PAGE), PAGE, libc::PROT_READ) == 0;
            assert!(!(1..maps_max).step_by(2).all(cut), "the bound of {maps_max} mappings was not reached");
            Self { start, bytes }
        }
    }
}

impl Drop for Cuts {
    fn drop(&mut self) {
        // SAFETY: the whole reservation, which nobody uses.
        unsafe { libc::munmap(self.start, self.bytes) };
    }
}

/// Buffers, and how many of them did not come as zeros.
fn take(pool: &Arc<BufferPool>, count: usize) -> (Vec<Lease>, usize) {
    let mut leases: Vec<Lease> = (0..count).map(|_| pool.acquire(1024).expect("there is one")).collect();
    let used = leases.iter().filter(|lease| lease.iter().any(|byte| *byte != 0)).count();
    leases.iter_mut().for_each(|lease| lease.fill(1));
    (leases, used)
}

#[test]
fn slabs_that_cannot_be_unmapped_give_their_memory_back_and_are_used_again() {
    let bound = std::fs::read_to_string("/proc/sys/vm/max_map_count").expect("there on Linux");
    let maps_max: usize = bound.trim().parse().expect("a number");
    if maps_max > MAPS_MAX {
        println!("{maps_max} mappings are too many to use up: left out");
        return;
    }
    let slots = SLAB_BYTES / 1024;
    let classes = vec![ClassSettings { buffer_bytes: 1024, count_max: 64 * slots }];
    let upkeep = Upkeep { leak_tracking: false, ..Upkeep::default() };
    let settings = PoolSettings { classes, ..PoolSettings::default() };
    let pool = BufferPool::with_upkeep(settings.clone(), &upkeep).expect("valid");
    // Sixteen slabs, side by side and so one mapping, of which the last and the first stay in use.
    let (mut held, _) = take(&pool, 16 * slots);
    held.sort_by_key(Lease::index);
    let (first, last) = (held.swap_remove(0), held.pop().expect("there are more"));
    let (addresses, full) = (mapped_bytes(), resident_bytes());

    let cuts = Cuts::new(maps_max);
    let mapped = mapped_bytes();
    // Not its own memory: an allocation of that size may be a mapping, whose end makes room for one more.
    held.clear();
    assert_eq!(pool.trim(0), 14 * SLAB_BYTES);
    let stats = pool.stats();
    assert_eq!(stats.reserved_bytes as usize, 2 * SLAB_BYTES);
    let trimmed = resident_bytes();
    assert!(
        trimmed + 12 * SLAB_BYTES <= full,
        "{full} bytes before, {trimmed} after: the memory is still there"
    );
    // What is at the edge of a mapping goes, and then its neighbour, and one that was refused before: how many do
    // depends on where the system put them.
    let gone = (mapped + SLAB_BYTES / 2).saturating_sub(mapped_bytes()) / SLAB_BYTES;
    let kept = 16 - gone;
    if kept < 6 {
        println!("the system put the slabs apart: left out");
        return;
    }
    assert!(stats.unmaps_refused as usize >= kept - 2, "{kept} slabs are left: {stats:?}");

    // A new mapping is not to be had: the addresses serve again, and what is there reads as zero.
    let (again, used) = take(&pool, kept * slots - 2);
    assert_eq!(used, 2 * slots - 2, "of the slabs that stayed");
    assert!(first.iter().chain(last.iter()).all(|byte| *byte == 1));
    drop((held, again, first, last));
    drop(pool);

    // With mappings to be had, what was left goes by and by: nothing keeps its addresses for good.
    drop(cuts);
    for _ in 0..20 {
        let other = BufferPool::with_upkeep(settings.clone(), &upkeep).expect("valid");
        drop(take(&other, 4));
    }
    let left = mapped_bytes();
    assert!(
        left + 12 * SLAB_BYTES <= addresses,
        "{addresses} bytes of addresses with sixteen slabs, {left} without"
    );
}
