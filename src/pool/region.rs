//! Zeroed memory from the operating system, page by page.
//!
//! # Model
//! Headers and slabs are large and live long. Taken from the process's allocator they would stay in its
//! free lists after the pool is gone, and come back dirty, so that zeroing them touches every page.
//! Mapped pages cost nothing until they are used and are the system's again when they are unmapped.
//!
//! Models and Miri, which know no system calls, use the allocator instead.

#[cfg(any(modelled, miri))]
use std::alloc::Layout;

/// Alignment of every region. Pages are aligned to more.
pub(super) const REGION_ALIGN: usize = 64;

/// `bytes` zeroed bytes; `None` when there is no memory, or when there is nothing to map.
#[cfg(not(any(modelled, miri)))]
pub(super) fn take(bytes: usize) -> Option<*mut u8> {
    if bytes == 0 {
        return None;
    }
    let (protection, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new private mapping at an address of the system's choice touches nothing that exists.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, kind, -1, 0) };
    (start != libc::MAP_FAILED).then_some(start.cast())
}

/// Gives a region back.
///
/// # Safety
/// `start` came from [`take`] with the same `bytes`, and nobody uses the region any more.
#[cfg(not(any(modelled, miri)))]
pub(super) unsafe fn give(start: *mut u8, bytes: usize) {
    // SAFETY: the caller hands over a whole mapping of this length.
    let outcome = unsafe { libc::munmap(start.cast(), bytes) };
    // It fails for lengths and addresses that `take` never answers, and when the process has so many
    // mappings that this one cannot be split: whole ones need no splitting.
    debug_assert_eq!(outcome, 0, "a mapping was given back twice or in part");
}

#[cfg(any(modelled, miri))]
pub(super) fn take(bytes: usize) -> Option<*mut u8> {
    let layout = layout(bytes).filter(|layout| layout.size() > 0)?;
    // SAFETY: the size is not zero.
    let start = unsafe { std::alloc::alloc_zeroed(layout) };
    (!start.is_null()).then_some(start)
}

/// As above.
///
/// # Safety
/// As above.
#[cfg(any(modelled, miri))]
pub(super) unsafe fn give(start: *mut u8, bytes: usize) {
    let layout = layout(bytes).expect("was taken with this size");
    // SAFETY: the caller says that it was taken with this size.
    unsafe { std::alloc::dealloc(start, layout) };
}

#[cfg(any(modelled, miri))]
fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes, REGION_ALIGN).ok()
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_zeroed_aligned_and_writable_to_its_last_byte() {
        let bytes = 300_000;
        let start = take(bytes).expect("there is memory");
        assert_eq!(start as usize % REGION_ALIGN, 0);
        // SAFETY: `bytes` bytes that are ours.
        let content = unsafe { std::slice::from_raw_parts_mut(start, bytes) };
        assert!(content.iter().all(|byte| *byte == 0));
        content[bytes - 1] = 1;
        // SAFETY: taken above, used no more.
        unsafe { give(start, bytes) };
    }

    #[test]
    fn nothing_and_more_than_there_is_are_refused() {
        assert!(take(0).is_none());
        assert!(take(usize::MAX / 2).is_none());
    }
}
