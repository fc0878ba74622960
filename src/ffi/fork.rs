//! What happens to the library when the host process forks.
//!
//! # Model
//! Only the forking thread exists in the child: threads of nodes are gone, locks may have been held by
//! threads that no longer exist. So a child hook marks every handle made before as forked; calls on them
//! return `DUO_ERR_FORKED` without touching the object, and their memory is leaked on purpose. Handles
//! made in the child work. The log stays off in the child.
//!
//! # Invariants
//! I1 the table and the list of pin blocks are locked across the fork, so the child finds them whole.

pub use crate::env::fork::generation;

/// Registers the hooks; once per process, by [`super::boundary::prepare`].
pub(super) fn register() {
    crate::env::fork::watch();
    #[cfg(feature = "capi")]
    hooks::register();
}

#[cfg(feature = "capi")]
mod hooks {
    #![expect(unsafe_code, reason = "pthread_atfork takes C functions")]

    pub(super) fn register() {
        // SAFETY: the three functions live as long as the library; glibc forgets them when it is unloaded.
        // A failure (no memory) leaves forks unhandled, which only a host that forks can notice.
        let _ = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    }

    unsafe extern "C" fn prepare() {
        super::locks::hold();
    }

    unsafe extern "C" fn parent() {
        super::locks::release();
    }

    unsafe extern "C" fn child() {
        super::super::handle::mark_forked();
        super::locks::release();
    }
}

#[cfg(feature = "capi")]
mod locks {
    #![expect(unsafe_code, reason = "guards outlive the hook that takes them")]

    use super::super::{handle, pin};
    use std::cell::UnsafeCell;

    type Guards = (handle::FreeGuard, pin::RegistryGuard);

    struct Held(UnsafeCell<Option<Guards>>);

    // SAFETY: touched only between `hold` and `release` of one fork, by the thread that holds both locks.
    unsafe impl Sync for Held {}

    static HELD: Held = Held(UnsafeCell::new(None));

    /// I1. The order is the only one in which both are ever held.
    pub(super) fn hold() {
        let guards = (handle::lock_free(), pin::lock_registry());
        // SAFETY: both locks are ours, so no other thread is between `hold` and `release`.
        unsafe { *HELD.0.get() = Some(guards) };
    }

    pub(super) fn release() {
        // SAFETY: runs on the thread that called `hold`, in the parent and in the child.
        drop(unsafe { (*HELD.0.get()).take() });
    }
}
