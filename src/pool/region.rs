//! Zeroed memory from the operating system, page by page.
//!
//! # Model
//! Headers and slabs are large and live long. Taken from the process's allocator they would stay in its
//! free lists after the pool is gone, and come back dirty, so that zeroing them touches every page.
//! Mapped pages cost nothing until they are used and are the system's again when they are unmapped.
//!
//! Huge pages are asked for by advice (`MADV_HUGEPAGE`): the system may still give small ones, so the
//! answer says what was accepted. Such a region begins and ends on a huge page.
//!
//! Where the system refuses to unmap a region, the memory goes back all the same and the addresses are used again
//! (`parked`).
//!
//! Models and Miri, which know no system calls, use the allocator instead.

#[cfg(not(any(modelled, miri)))]
use super::parked::{Parked, Region};
#[cfg(any(modelled, miri))]
use std::alloc::Layout;

/// Alignment of every region. Pages are aligned to more.
pub(super) const REGION_ALIGN: usize = 64;

/// Size and alignment of a huge page on the machines that this library is built for.
pub(super) const HUGE_BYTES: usize = 2 << 20;
/// What is assumed of a small page, where it matters for speed only.
#[cfg(not(any(modelled, miri)))]
const PAGE_BYTES: usize = 4 << 10;
/// Where the system says whether it hands out huge pages on advice.
#[cfg(not(any(modelled, miri)))]
const HUGE_SWITCH: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

#[cfg(not(any(modelled, miri)))]
static PARKED: Parked = Parked::new();

/// Whether the system gives huge pages to who asks for them by advice.
#[cfg(not(any(modelled, miri)))]
pub(super) fn huge_pages_are_given() -> bool {
    std::fs::read_to_string(HUGE_SWITCH).is_ok_and(|modes| huge_mode(&modes))
}

/// As above: a model and Miri have no pages.
#[cfg(any(modelled, miri))]
pub(super) fn huge_pages_are_given() -> bool {
    false
}

/// Reads the system's switch, such as `always [madvise] never`.
#[cfg(all(not(modelled), any(test, not(miri))))]
fn huge_mode(modes: &str) -> bool {
    modes.contains("[always]") || modes.contains("[madvise]")
}

/// As [`take`], on huge pages where the system agrees; the flag says whether it did. `bytes` is a multiple
/// of [`HUGE_BYTES`].
#[cfg(not(any(modelled, miri)))]
pub(super) fn take_huge(bytes: usize) -> Option<(*mut u8, bool)> {
    debug_assert_eq!(bytes % HUGE_BYTES, 0);
    let start = match PARKED.take(bytes, HUGE_BYTES) {
        Some(start) => start,
        None => map_aligned(bytes)?,
    };
    // SAFETY: advice about a mapping of ours; it changes no content.
    let taken = unsafe { libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE) } == 0;
    Some((start, taken))
}

/// A new region that begins on a huge page.
#[cfg(not(any(modelled, miri)))]
fn map_aligned(bytes: usize) -> Option<*mut u8> {
    let mapped = map(bytes.checked_add(HUGE_BYTES)?)?;
    let lead = mapped.align_offset(HUGE_BYTES);
    let tail = HUGE_BYTES - lead;
    // SAFETY: `lead` is below HUGE_BYTES, so all of this lies in the mapping, which nobody uses yet; both
    // cut pieces are whole pages, because a mapping begins on one.
    unsafe {
        let start = mapped.add(lead);
        if lead > 0 {
            give(mapped, lead);
        }
        if tail > 0 {
            give(start.add(bytes), tail);
        }
        Some(start)
    }
}

/// As above: a model and Miri have no pages.
#[cfg(any(modelled, miri))]
pub(super) fn take_huge(bytes: usize) -> Option<(*mut u8, bool)> {
    Some((take(bytes)?, false))
}

/// Has the system put memory behind a region now instead of at the first touch. What is in it stays.
/// False when it cannot be asked for; then only a touch of each page does it.
///
/// # Safety
/// `start` came from [`take`] or [`take_huge`] with the same `bytes`.
#[cfg(not(any(modelled, miri)))]
pub(super) unsafe fn populate(start: *mut u8, bytes: usize) -> bool {
    // SAFETY: the caller's mapping; content does not change, so others may use it meanwhile.
    unsafe { libc::madvise(start.cast(), bytes.next_multiple_of(PAGE_BYTES), libc::MADV_POPULATE_WRITE) == 0 }
}

/// As above: the allocator's memory is there.
///
/// # Safety
/// As above.
#[cfg(any(modelled, miri))]
pub(super) unsafe fn populate(_start: *mut u8, _bytes: usize) -> bool {
    true
}

/// Gives the memory behind a region back and keeps the region: what is read there is zero from now on.
///
/// # Safety
/// As [`give`], but that others may look at the region later, and see zeros or what its next user writes.
#[cfg(not(any(modelled, miri)))]
pub(super) unsafe fn empty(start: *mut u8, bytes: usize) {
    // SAFETY: the caller's mapping, which ends with a page.
    let outcome =
        unsafe { libc::madvise(start.cast(), bytes.next_multiple_of(PAGE_BYTES), libc::MADV_DONTNEED) };
    if outcome != 0 {
        // Memory that the process has locked, which then stays.
        // SAFETY: the caller's mapping, which nobody uses.
        unsafe { start.write_bytes(0, bytes) };
    }
}

/// As above: the allocator's memory stays.
///
/// # Safety
/// As above.
#[cfg(any(modelled, miri))]
pub(super) unsafe fn empty(start: *mut u8, bytes: usize) {
    // SAFETY: the caller's region.
    unsafe { start.write_bytes(0, bytes) };
}

/// Writes to each page of a buffer what is in it already.
///
/// # Safety
/// The `bytes` bytes from `start` belong to the caller alone.
pub(super) unsafe fn touch(start: *mut u8, bytes: usize) {
    const STEP: usize = 4 << 10;
    for at in (0..bytes).step_by(STEP) {
        // SAFETY: inside the caller's bytes.
        unsafe {
            let byte = start.add(at);
            byte.write_volatile(byte.read_volatile());
        }
    }
}

/// `bytes` zeroed bytes; `None` when there is no memory, or when there is nothing to map.
#[cfg(not(any(modelled, miri)))]
pub(super) fn take(bytes: usize) -> Option<*mut u8> {
    PARKED.take(bytes, REGION_ALIGN).or_else(|| map(bytes))
}

#[cfg(not(any(modelled, miri)))]
fn map(bytes: usize) -> Option<*mut u8> {
    if bytes == 0 {
        return None;
    }
    let (protection, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new private mapping at an address of the system's choice touches nothing that exists.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, kind, -1, 0) };
    (start != libc::MAP_FAILED).then_some(start.cast())
}

/// Gives a region back; false when the system took its memory only, and the addresses are kept for [`take`].
///
/// # Safety
/// `start` came from [`take`] with the same `bytes`, and nobody uses the region any more.
#[cfg(not(any(modelled, miri)))]
pub(super) unsafe fn give(start: *mut u8, bytes: usize) -> bool {
    // SAFETY: the caller hands over a mapping of this length, or a part of one in whole pages.
    if !unsafe { unmap(start, bytes) } {
        // SAFETY: as above; it is still mapped.
        unsafe { empty(start, bytes) };
        PARKED.keep(Region { start, bytes });
        return false;
    }
    // What worked may work for one that was refused before.
    if let Some(region) = PARKED.oldest() {
        // SAFETY: it was handed over, and is out of the others' reach.
        if !unsafe { unmap(region.start, region.bytes) } {
            PARKED.keep(region);
        }
    }
    true
}

/// False when the process has so many mappings that none can be cut.
///
/// # Safety
/// As [`give`].
#[cfg(not(any(modelled, miri)))]
unsafe fn unmap(start: *mut u8, bytes: usize) -> bool {
    // SAFETY: the caller's.
    let outcome = unsafe { libc::munmap(start.cast(), bytes) };
    debug_assert!(
        outcome == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::ENOMEM),
        "no mapping of ours: {start:?}, {bytes} bytes"
    );
    outcome == 0
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
pub(super) unsafe fn give(start: *mut u8, bytes: usize) -> bool {
    let layout = layout(bytes).expect("was taken with this size");
    // SAFETY: the caller says that it was taken with this size.
    unsafe { std::alloc::dealloc(start, layout) };
    true
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
        let bytes = if cfg!(miri) { 3_000 } else { 300_000 };
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
    fn a_region_for_huge_pages_begins_on_one_and_is_zeroed_to_its_last_byte() {
        let bytes = 2 * HUGE_BYTES;
        for _ in 0..3 {
            let (start, advised) = take_huge(bytes).expect("there is memory");
            assert!(cfg!(miri) || (start as usize).is_multiple_of(HUGE_BYTES));
            assert!(!advised || huge_pages_are_given());
            // SAFETY: `bytes` bytes that are ours.
            let content = unsafe { std::slice::from_raw_parts_mut(start, bytes) };
            assert_eq!((content[0], content[bytes - 1]), (0, 0));
            content[bytes - 1] = 1;
            // SAFETY: taken above, used no more.
            unsafe { give(start, bytes) };
        }
        assert!(take_huge(HUGE_BYTES << 40).is_none());
    }

    #[test]
    fn putting_memory_behind_a_region_changes_nothing_in_it() {
        let bytes = 64 << 10;
        let start = take(bytes).expect("there is memory");
        // SAFETY: ours, and as long.
        unsafe {
            start.add(bytes - 1).write(7);
            populate(start, bytes);
            touch(start, bytes);
            assert_eq!((start.read(), start.add(bytes - 1).read()), (0, 7));
            give(start, bytes);
        }
    }

    #[test]
    fn the_switch_for_huge_pages_is_read_as_the_system_writes_it() {
        for (modes, given) in [
            ("always [madvise] never\n", true),
            ("[always] madvise never\n", true),
            ("always madvise [never]\n", false),
            ("", false),
        ] {
            assert_eq!(huge_mode(modes), given, "{modes:?}");
        }
    }

    #[test]
    fn nothing_and_more_than_there_is_are_refused() {
        assert!(take(0).is_none());
        assert!(take(usize::MAX / 2).is_none());
    }
}
