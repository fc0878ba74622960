//! What the boundary keeps per thread.
//!
//! # Invariants
//! Nothing here needs a destructor, so a call made from a thread's own exit handlers, or from static
//! destructors of the host, still finds it.

use super::failure::LastError;
#[cfg(feature = "capi")]
use super::pin::PinBlock;
#[cfg(feature = "capi")]
use crate::queue::Hints;
use std::cell::{Cell, RefCell};

pub(super) struct Thread {
    /// Guarded calls that this thread is inside of.
    pub(super) calls: Cell<u32>,
    /// True while the library runs a callback of the host on this thread.
    pub(super) in_callback: Cell<bool>,
    pub(super) last_error: RefCell<LastError>,
    /// Pin slots of this thread, once it has some.
    #[cfg(feature = "capi")]
    pub(super) pins: Cell<Option<&'static PinBlock>>,
    /// Pin slots in use.
    #[cfg(feature = "capi")]
    pub(super) depth: Cell<usize>,
    /// Where this thread last put something in.
    #[cfg(feature = "capi")]
    pub(super) hints: Hints,
}

const _: () = assert!(!std::mem::needs_drop::<Thread>());

thread_local! {
    static THREAD: Thread = const {
        Thread {
            calls: Cell::new(0),
            in_callback: Cell::new(false),
            last_error: RefCell::new(LastError::NONE),
            #[cfg(feature = "capi")]
            pins: Cell::new(None),
            #[cfg(feature = "capi")]
            depth: Cell::new(0),
            #[cfg(feature = "capi")]
            hints: Hints::new(),
        }
    };
}

/// The state of this thread. An access costs a call in a shared library, so a guarded call makes one and
/// passes the reference on.
#[inline]
pub(super) fn with<R>(body: impl FnOnce(&Thread) -> R) -> R {
    THREAD.with(body)
}
