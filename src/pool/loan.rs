//! A buffer that borrows its pool.

#[cfg(not(modelled))]
use super::Meta;
use super::header::{Body, INDEX_BITS, INDEX_MASK, has_memory};
use super::{BufferPool, Error, Site, Slot};
use std::fmt;
#[cfg(not(modelled))]
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::slice;

/// As a [`Lease`](super::Lease), for who holds the pool anyway.
///
/// A lease counts itself at its pool twice, which every thread then writes; a loan does not, so taking and
/// giving back touch no word that other threads use. It may be sent to another thread and dropped there.
pub struct Loan<'a> {
    pool: &'a BufferPool,
    /// Bytes in use (40 bits) | index (24 bits). With the pool these are two registers. A third field would have
    /// the compiler keep loans in memory, and write and read them in pieces of different sizes, which takes
    /// longer than all the rest.
    word: u64,
}

// SAFETY: the bytes belong to this loan alone; a shared pool may be used from every thread.
unsafe impl Send for Loan<'_> {}
// SAFETY: a shared loan only reads its bytes.
unsafe impl Sync for Loan<'_> {}

impl BufferPool {
    /// A buffer with `len` bytes in use, for no longer than the pool is borrowed. It shows whatever an earlier
    /// user or the pool left in it.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    #[track_caller]
    #[inline]
    pub fn lend(&self, len: usize) -> Result<Loan<'_>, Error> {
        let slot = self.take(len)?;
        if self.tracker.is_some() {
            self.track(slot.index, len, Site::caller());
        }
        // What the header has room to note, a loan carries itself.
        let loan = Loan { pool: self, word: (len as u64) << INDEX_BITS | u64::from(slot.into_index()) };
        debug_assert!(loan.body(|body| len <= body.capacity as usize && has_memory(body)));
        Ok(loan)
    }
}

impl Loan<'_> {
    /// Bytes in use: what dereferencing shows.
    pub const fn len(&self) -> usize {
        (self.word >> INDEX_BITS) as usize
    }

    /// True when no byte is in use.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bare ownership of the buffer, `meta` noted with it.
    #[cfg(not(modelled))]
    pub(crate) fn into_slot(self, meta: Meta) -> Slot {
        let this = ManuallyDrop::new(self);
        // SAFETY: ownership moves from the loan, which is not dropped, into the slot.
        let mut slot = unsafe { Slot::from_index(this.index()) };
        this.pool.describe(&mut slot, this.len(), meta);
        slot
    }

    /// Which buffer of the pool, in 24 bits.
    pub const fn index(&self) -> u32 {
        (self.word & INDEX_MASK) as u32
    }

    #[inline]
    fn body<R>(&self, look: impl FnOnce(&Body) -> R) -> R {
        // SAFETY: the buffer is ours, so its index is one of this pool; the slot is not used otherwise.
        unsafe { self.pool.header_of(&Slot::from_index(self.index())).look(look) }
    }
}

impl Drop for Loan<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the loan owned the buffer and is gone after this.
        self.pool.give(unsafe { Slot::from_index(self.index()) });
    }
}

impl Deref for Loan<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        let data = self.body(|body| body.data);
        // SAFETY: `data` points at initialised bytes that are ours, and `take` found a buffer that `len` of them fit.
        unsafe { slice::from_raw_parts(data, self.len()) }
    }
}

impl DerefMut for Loan<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `self` is exclusive.
        unsafe { slice::from_raw_parts_mut(self.body(|body| body.data), self.len()) }
    }
}

impl fmt::Debug for Loan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("index", &self.index()).field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use super::super::{ClassSettings, OverflowSettings, PoolSettings};
    use super::*;
    use std::sync::Arc;

    fn pool() -> Arc<BufferPool> {
        let classes = vec![ClassSettings { buffer_bytes: 64, count_max: 2 }];
        let overflow = OverflowSettings { buffer_bytes_max: 4096, total_bytes_max: 4096 };
        BufferPool::new(PoolSettings { classes, overflow }).expect("the settings agree")
    }

    #[test]
    fn a_loan_is_alone_with_its_bytes_and_gives_them_back() {
        let pool = pool();
        let (mut first, mut second) = (pool.lend(10).expect("room"), pool.lend(64).expect("room"));
        first.fill(1);
        second.fill(2);
        assert_eq!((first.len(), first.is_empty(), second.len()), (10, false, 64));
        assert!(first.iter().all(|byte| *byte == 1) && second.iter().all(|byte| *byte == 2));
        assert_ne!(first.index(), second.index());
        assert_eq!(pool.stats().in_use, 2);
        drop((first, second));
        assert_eq!((pool.stats().in_use, pool.stats().acquired), (0, 2));
    }

    #[test]
    fn a_loan_can_be_dropped_by_another_thread_and_can_come_from_the_overflow() {
        let pool = pool();
        std::thread::scope(|scope| {
            for len in [10, 1_000] {
                let loan = pool.lend(len).expect("room");
                scope.spawn(move || assert_eq!(loan.len(), len));
            }
        });
        assert_eq!((pool.stats().in_use, pool.stats().overflow_bytes), (0, 0));
    }

    #[test]
    fn what_the_pool_cannot_hold_is_not_lent() {
        let pool = pool();
        assert_eq!(pool.lend(5_000).err(), Some(Error::TooLarge { len: 5_000, max: 4096 }));
        let all: Vec<_> = std::iter::from_fn(|| pool.lend(1).ok()).collect();
        assert_eq!((all.len(), pool.lend(1).err()), (3, Some(Error::Exhausted)), "two, and an overflow");
    }
}
