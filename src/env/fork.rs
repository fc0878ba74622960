//! Tells a forked child from the process that loaded the library.
//!
//! # Model
//! A child hook counts forks. Whoever keeps threads or descriptors remembers the count it was made under
//! ([`generation`]) and refuses to work under another: its threads do not exist here. The log is off in
//! the child, where a thread that is gone may have held the sink's lock.
#![expect(unsafe_code, reason = "pthread_atfork takes C functions")]

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Number of forks between the process that called [`watch`] first and this one.
#[inline]
pub fn generation() -> u32 {
    // Relaxed: changes only in a child that has one thread.
    GENERATION.load(Ordering::Relaxed)
}

/// Counts forks from now on.
pub fn watch() {
    if cfg!(any(miri, modelled)) {
        return; // nobody forks there
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the function lives as long as the library; glibc forgets it when it is unloaded.
        // A failure (no memory) leaves forks unnoticed, which only a host that forks can tell.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(child)) };
    });
}

unsafe extern "C" fn child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    super::log::silence();
}
