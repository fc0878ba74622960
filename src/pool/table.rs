//! An array of zeroed elements in a region of its own.

use super::region::{self, REGION_ALIGN};
use std::alloc::Layout;

/// A fixed array in a region of its own.
#[derive(Debug)]
pub(super) struct Table<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: a table owns its elements as a box does.
unsafe impl<T: Send> Send for Table<T> {}
// SAFETY: as above; sharing it gives shared references only.
unsafe impl<T: Sync> Sync for Table<T> {}

impl<T> Table<T> {
    /// `len` elements of zero bytes; `None` when there is no memory.
    ///
    /// # Safety
    /// Zero bytes are a valid `T`, and a `T` needs no drop.
    pub(super) unsafe fn zeroed(len: usize) -> Option<Self> {
        const { assert!(align_of::<T>() <= REGION_ALIGN && !std::mem::needs_drop::<T>()) };
        let bytes = Layout::array::<T>(len).ok()?.size();
        Some(Self { start: region::take(bytes)?.cast(), len })
    }
}

impl<T> std::ops::Deref for Table<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: a region of `len` elements, valid by the contract of `zeroed`, ours until the drop.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl<T> Drop for Table<T> {
    fn drop(&mut self) {
        // SAFETY: taken in `zeroed` with this size; the table goes away, and so does every reference.
        unsafe { region::give(self.start.cast(), self.len * size_of::<T>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_too_large_is_refused() {
        // SAFETY: zero bytes are a valid number.
        assert!(unsafe { Table::<u64>::zeroed(usize::MAX / 2) }.is_none());
        // SAFETY: as above.
        assert!(unsafe { Table::<u64>::zeroed(usize::MAX / 16) }.is_none());
    }

    #[test]
    fn a_table_holds_what_is_stored_through_shared_references() {
        use std::sync::atomic::{AtomicU64, Ordering};
        // SAFETY: zero bytes are a valid atomic.
        let table = unsafe { Table::<AtomicU64>::zeroed(1_000) }.expect("there is memory");
        table[999].store(7, Ordering::Relaxed);
        assert_eq!(table.iter().map(|cell| cell.load(Ordering::Relaxed)).sum::<u64>(), 7);
    }
}
