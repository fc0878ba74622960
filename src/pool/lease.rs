//! An owned buffer that goes back to its pool when dropped.

use super::header::Body;
use super::{BufferPool, Handle, Meta, Slot};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;

/// A buffer of [`len`](Self::len) bytes, alone in the caller's hands.
///
/// It keeps its pool alive, so it may outlive every other user of the pool. A fresh lease shows whatever
/// an earlier user or the pool left in the buffer (zeroes at first): overwrite before sharing.
pub struct Lease {
    pool: Arc<BufferPool>,
    data: NonNull<u8>,
    len: u32,
    capacity: u32,
    index: u32,
}

// SAFETY: the bytes belong to this lease alone; the pool is Send + Sync.
unsafe impl Send for Lease {}
// SAFETY: a shared lease only reads its bytes and words.
unsafe impl Sync for Lease {}

impl Lease {
    pub(super) fn new(pool: Arc<BufferPool>, slot: Slot) -> Self {
        let index = slot.into_index();
        // SAFETY: `slot` made the buffer ours.
        let body = unsafe { pool.header(index).body() };
        Self::of(pool, index, &body)
    }

    /// A buffer that was just taken, with `len` bytes in use and its words zero: one look at the header.
    #[inline]
    pub(super) fn first(pool: Arc<BufferPool>, slot: Slot, len: usize) -> Self {
        let index = slot.into_index();
        // SAFETY: `slot` made the buffer ours.
        let body = unsafe {
            pool.header(index).update(|body| {
                body.describe(len, Meta::default());
                *body
            })
        };
        Self::of(pool, index, &body)
    }

    #[inline]
    fn of(pool: Arc<BufferPool>, index: u32, body: &Body) -> Self {
        let data = NonNull::new(body.data).expect("a checked-out buffer has memory");
        Self { data, len: body.len, capacity: body.capacity, index, pool }
    }

    /// Bytes in use: what dereferencing shows.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// True when no byte is in use.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that the buffer can hold.
    pub const fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Changes the number of bytes in use. Bytes that come into view keep what was there.
    ///
    /// # Panics
    /// When `len` exceeds the capacity.
    pub fn set_len(&mut self, len: usize) {
        assert!(len <= self.capacity(), "{len} bytes do not fit into {}", self.capacity);
        self.len = len as u32;
    }

    /// The caller's words.
    pub fn meta(&self) -> Meta {
        // SAFETY: the buffer is ours.
        unsafe { self.pool.header(self.index).body() }.meta
    }

    /// Replaces the caller's words.
    pub fn set_meta(&mut self, meta: Meta) {
        // SAFETY: the buffer is ours.
        unsafe { self.pool.header(self.index).update(|body| body.meta = meta) };
    }

    /// Which buffer of the pool, in 24 bits.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Lets go without giving the buffer back: the handle can be adopted or released once.
    ///
    /// A handle does not keep the pool alive. Its buffer goes away with the pool.
    #[must_use = "a lost handle keeps its buffer checked out until the pool is dropped"]
    pub fn into_handle(self) -> Handle {
        let (pool, slot) = self.into_parts();
        let index = slot.into_index();
        Handle::new(pool.header(index).hand_out(), index)
    }

    pub(crate) fn lane(&self) -> u8 {
        // SAFETY: the buffer is ours.
        unsafe { self.pool.header(self.index).body() }.lane
    }

    pub(crate) fn set_lane(&mut self, lane: u8) {
        // SAFETY: the buffer is ours.
        unsafe { self.pool.header(self.index).update(|body| body.lane = lane) };
    }

    /// The pool and the bare ownership of the buffer, its length noted in the header.
    pub(crate) fn into_parts(self) -> (Arc<BufferPool>, Slot) {
        let this = ManuallyDrop::new(self);
        // SAFETY: the buffer is ours.
        unsafe { this.pool.header(this.index).update(|body| body.len = this.len) };
        // SAFETY: `this` is never dropped, so the reference is moved out exactly once.
        let pool = unsafe { std::ptr::read(&this.pool) };
        // SAFETY: ownership moves from the lease, which is not dropped, into the slot.
        (pool, unsafe { Slot::from_index(this.index) })
    }
}

impl Drop for Lease {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the lease owned the buffer and is gone after this.
        self.pool.give(unsafe { Slot::from_index(self.index) });
    }
}

impl Deref for Lease {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `data` points at `capacity` initialised bytes that are ours; `len` is not larger.
        unsafe { slice::from_raw_parts(self.data.as_ptr(), self.len as usize) }
    }
}

impl DerefMut for Lease {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `self` is exclusive.
        unsafe { slice::from_raw_parts_mut(self.data.as_ptr(), self.len as usize) }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("index", &self.index).field("len", &self.len).finish_non_exhaustive()
    }
}
