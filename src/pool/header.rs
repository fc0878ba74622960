//! One cache line per buffer, outside of the buffer and never freed before the pool.
//!
//! # Model
//! ```text
//!           take                into_handle
//!   Free ---------> Leased <------------------> Handed
//!    ^                | give        adopt          | release
//!    +--- generation+1 +---------------------------+
//! ```
//! # Invariants
//! I1 while a buffer is Free or Leased only its one owner (free list, lease, queue cell) changes the
//!    state, so plain stores do. Out of Handed several callers may race; one compare-and-swap wins.
//! I2 the body belongs to whoever owns the buffer.
//! I3 headers stay mapped until the pool is dropped: a stale index may always be looked at, and a
//!    generation survives that the memory of its buffer is trimmed away.

use super::Meta;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutant, UnsafeCell, weakened};
use std::ptr;

/// Bits of an index in queue cells and handles.
pub(crate) const INDEX_BITS: u32 = 24;
pub(crate) const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
/// Value 0 of a queue cell means empty and the all-ones value closed, so two indexes are missing.
pub(crate) const INDEXES_MAX: usize = (1 << INDEX_BITS) - 2;
pub(super) const GENERATION_MASK: u64 = (1 << 40) - 1;

const KIND_BITS: u32 = 1;
const KIND_MASK: u64 = (1 << KIND_BITS) - 1;
/// Free, or Leased: the owner knows which.
const OWNED: u64 = 0;
const HANDED: u64 = 1;

/// What the owner of a buffer knows about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    /// Start of the buffer; null while it has no memory.
    pub(super) data: *mut u8,
    /// Bytes it can hold.
    pub(super) capacity: u32,
    /// Bytes in use.
    pub(super) len: u32,
    /// Words of the caller.
    pub(super) meta: Meta,
    /// Position of its class, or [`CLASS_OVERFLOW`], which is beyond those of all classes.
    pub(super) class: u8,
    /// Lane that a claim was made for.
    pub(super) lane: u8,
    /// Buffers that follow this one, which is the first of a run; 0 otherwise.
    pub(super) followers: u8,
    /// The next buffer of the run, of one that is not its last.
    pub(super) next: u32,
}

impl Body {
    /// Notes length and words.
    #[inline]
    pub(super) fn describe(&mut self, len: usize, meta: Meta) {
        let capacity = self.capacity;
        assert!(len <= capacity as usize, "{len} bytes do not fit into {capacity}");
        self.len = len as u32;
        self.meta = meta;
    }
}

/// `Body::class` of overflow buffers.
pub(super) const CLASS_OVERFLOW: u8 = u8::MAX;

/// The permanent part of a buffer. All zero bytes are a valid one: Free, generation 0, no memory.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Header {
    /// generation (63) | kind (1).
    state: AtomicU64,
    /// Link of the free list this buffer is on.
    pub(super) link: AtomicU64,
    body: UnsafeCell<Body>,
    /// Not Free. Apart from the state, so that to lease a buffer is a store and waits for nothing.
    out: AtomicBool,
}

#[cfg(not(modelled))]
const _: () = assert!(size_of::<Header>() == 64);

// SAFETY: the raw pointer in the body is reached through the functions below only, by the buffer's one
// owner (I2); everything else is atomic.
unsafe impl Sync for Header {}
// SAFETY: as above; no header is tied to a thread.
unsafe impl Send for Header {}

/// All headers of a pool.
#[cfg(not(modelled))]
pub(super) type Headers = super::table::Table<Header>;
/// All headers of a pool; a model's atomics are more than zero bytes.
#[cfg(modelled)]
pub(super) type Headers = Box<[Header]>;

impl Header {
    #[cfg(modelled)]
    fn vacant() -> Self {
        let body = Body {
            data: ptr::null_mut(),
            capacity: 0,
            len: 0,
            meta: Meta::default(),
            class: 0,
            lane: 0,
            followers: 0,
            next: 0,
        };
        Self {
            state: AtomicU64::new(0),
            link: AtomicU64::new(0),
            body: UnsafeCell::new(body),
            out: AtomicBool::new(false),
        }
    }

    /// `count` vacant headers; `None` when there is no memory. Untouched ones cost none.
    pub(super) fn table(count: usize) -> Option<Headers> {
        #[cfg(modelled)]
        return Some((0..count).map(|_| Self::vacant()).collect());
        #[cfg(not(modelled))]
        // SAFETY: zero bytes are a vacant header, and headers need no drop.
        unsafe {
            Headers::zeroed(count)
        }
    }

    /// Free to Leased. Only for who just took it off the free list.
    #[inline]
    pub(super) fn lease(&self) {
        debug_assert!(self.is_free(), "a buffer was handed out twice");
        // Relaxed: only the owner writes here (I1), and others take it for a hint.
        self.out.store(true, Ordering::Relaxed);
    }

    /// Leased to Free, one generation later. The free list's push publishes it.
    #[inline]
    pub(super) fn retire(&self) {
        // Relaxed: only the owner writes here (I1), and a stale handle does not match.
        let state = self.state.load(Ordering::Relaxed);
        debug_assert!(!self.is_free() && state & KIND_MASK == OWNED, "a buffer was given back twice");
        self.state.store(state.wrapping_add(1 << KIND_BITS), Ordering::Relaxed);
        self.out.store(false, Ordering::Relaxed);
    }

    /// Leased to Handed; answers the generation for the handle.
    pub(super) fn hand_out(&self) -> u64 {
        let state = self.state.load(Ordering::Relaxed);
        debug_assert!(!self.is_free() && state & KIND_MASK == OWNED);
        // Release: pairs with the Acquire in `take_back`, so the adopter sees the body.
        let order = weakened(Mutant::HandOutRelaxed, Ordering::Release);
        self.state.store(state & !KIND_MASK | HANDED, order);
        state >> KIND_BITS
    }

    /// Handed to Leased when the generation still fits; false when somebody else was first.
    pub(super) fn take_back(&self, generation: u64) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        if state & KIND_MASK != HANDED || (state >> KIND_BITS) & GENERATION_MASK != generation {
            return false;
        }
        let leased = state & !KIND_MASK | OWNED;
        // Acquire: pairs with the Release in `hand_out`.
        let order = weakened(Mutant::TakeBackRelaxed, Ordering::Acquire);
        self.state.compare_exchange(state, leased, order, Ordering::Relaxed).is_ok()
    }

    /// True while it lies on a free list. A hint for anybody but the owner.
    pub(super) fn is_free(&self) -> bool {
        !self.out.load(Ordering::Relaxed)
    }

    /// How often the buffer was given back.
    pub(super) fn generation(&self) -> u64 {
        self.state.load(Ordering::Relaxed) >> KIND_BITS
    }

    /// True while it is out, and was not given back since it had this generation.
    pub(super) fn is_out_since(&self, generation: u64) -> bool {
        !self.is_free() && self.generation() == generation
    }

    /// A copy of the body.
    ///
    /// # Safety
    /// The caller owns the buffer (I2).
    #[inline]
    pub(super) unsafe fn body(&self) -> Body {
        // SAFETY: the owner is alone with the body.
        self.body.with(|body| unsafe { *body })
    }

    /// Looks at the body.
    ///
    /// # Safety
    /// The caller owns the buffer (I2).
    #[inline(always)]
    pub(super) unsafe fn look<R>(&self, look: impl FnOnce(&Body) -> R) -> R {
        // SAFETY: the owner is alone with the body.
        self.body.with(|body| look(unsafe { &*body }))
    }

    /// Changes the body.
    ///
    /// # Safety
    /// The caller owns the buffer (I2).
    #[inline]
    pub(super) unsafe fn update<R>(&self, change: impl FnOnce(&mut Body) -> R) -> R {
        // SAFETY: the owner is alone with the body.
        self.body.with_mut(|body| change(unsafe { &mut *body }))
    }
}

/// Zero when null: lets a `Body` be checked for memory without naming pointers.
pub(super) fn has_memory(body: &Body) -> bool {
    !ptr::eq(body.data, ptr::null_mut())
}
