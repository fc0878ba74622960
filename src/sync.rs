//! Atomics and cells: the standard ones, or loom's when a model runs (`--cfg loom`).
//!
//! Lock-free modules import from here and nowhere else, so that the code that is modelled is the code
//! that ships.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic;

#[cfg(loom)]
pub(crate) use loom::sync::atomic;

#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

/// `core`'s cell with loom's way of access, so that loom can see who touches it when. Made of zeroed
/// memory only, hence no constructor.
#[cfg(not(loom))]
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    /// Shared access.
    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Exclusive access.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// The fence of a "store mine, load yours" handshake whose accesses are all `SeqCst`.
///
/// Outside of models it is nothing: the single order of the `SeqCst` accesses already forbids that both
/// sides miss each other. Loom does not model that order for accesses, only for fences.
#[inline(always)]
pub(crate) fn model_fence() {
    #[cfg(loom)]
    atomic::fence(atomic::Ordering::SeqCst);
}

/// Tells the processor that this is a busy wait, and a model that somebody else has to move.
#[inline(always)]
pub(crate) fn spin_hint() {
    #[cfg(not(loom))]
    std::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}
