//! Tells a forked child from the process that loaded the library.
//!
//! # Model
//! A child hook counts forks. Whoever keeps threads or descriptors remembers the count it was made under
//! ([`generation`]) and refuses to work under another: its threads do not exist here. The log is off in
//! the child, where a thread that is gone may have held the sink's lock.
//!
//! What should work in a child too keeps its locks in [`ForkMutex`]:
//! ```text
//! who locks:   hold_off -> lock ... unlock -> let go        who forks:  FORKING -> nobody holds off -> fork
//! ```
//! # Invariants
//! F1 at a fork no [`ForkMutex`] is locked or waited for, but by the thread that forks.
//!
//! # Limits
//! A fork waits for those who hold it off: for as long as one of them works under its lock. Meanwhile whoever
//! wants such a lock waits for the fork. A hook of the host's that was registered before [`watch`] runs within
//! that wait: it may use a pool, but not take a lock under which another thread uses one.
#![expect(unsafe_code, reason = "pthread_atfork takes C functions")]

#[cfg(modelled)]
pub(crate) use crate::sync::Mutex as ForkMutex;
use std::cell::Cell;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// [`FORKING`] while a thread forks, and the number of threads that hold it off.
static STATE: AtomicU32 = AtomicU32::new(0);
const FORKING: u32 = 1 << 31;

thread_local! {
    /// How often this thread holds a fork off. It needs no end, so it can be used while the thread ends.
    static HOLDS: Cell<u32> = const { Cell::new(0) };
}

/// Keeps the process from forking for as long as it lives.
#[cfg(not(modelled))]
#[derive(Debug)]
struct HoldOff(());

#[cfg(not(modelled))]
impl HoldOff {
    fn enter() -> Self {
        let holds = HOLDS.get();
        // Who holds it off already does not wait: a fork waits for it.
        if holds == 0 {
            // Acquire: pairs with the Release of `parent`.
            let enter = |state: u32| (state & FORKING == 0).then(|| state + 1);
            while STATE.fetch_update(Ordering::Acquire, Ordering::Relaxed, enter).is_err() {
                std::thread::yield_now();
            }
        }
        HOLDS.set(holds + 1);
        Self(())
    }
}

#[cfg(not(modelled))]
impl Drop for HoldOff {
    fn drop(&mut self) {
        let holds = HOLDS.get() - 1;
        HOLDS.set(holds);
        if holds == 0 {
            // Release: pairs with the Acquire of `prepare`: the child sees what was done under the lock.
            STATE.fetch_sub(1, Ordering::Release);
        }
    }
}

/// A mutex that the child of a fork finds unlocked (F1), if [`watch`] was called before.
#[cfg(not(modelled))]
#[derive(Debug, Default)]
pub(crate) struct ForkMutex<T>(parking_lot::Mutex<T>);

#[cfg(not(modelled))]
impl<T> ForkMutex<T> {
    pub(crate) const fn new(content: T) -> Self {
        Self(parking_lot::Mutex::new(content))
    }

    pub(crate) fn lock(&self) -> ForkGuard<'_, T> {
        let hold = HoldOff::enter();
        ForkGuard { content: self.0.lock(), _hold: hold }
    }
}

/// Access to the content of a [`ForkMutex`].
#[cfg(not(modelled))]
#[derive(Debug)]
pub(crate) struct ForkGuard<'a, T> {
    // Dropped in this order: unlocked before a fork may go on.
    content: parking_lot::MutexGuard<'a, T>,
    _hold: HoldOff,
}

#[cfg(not(modelled))]
impl<T> std::ops::Deref for ForkGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

#[cfg(not(modelled))]
impl<T> std::ops::DerefMut for ForkGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.content
    }
}

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
        // SAFETY: the functions live as long as the library; glibc forgets them when it is unloaded.
        // A failure (no memory) leaves forks unnoticed, which only a host that forks can tell.
        let _ = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    });
}

/// How many of those that hold a fork off are this thread.
fn own() -> u32 {
    u32::from(HOLDS.get() > 0)
}

unsafe extern "C" fn prepare() {
    let begin = |state: u32| (state & FORKING == 0).then_some(state | FORKING);
    // Relaxed: two threads that fork take turns, and pass nothing on.
    while STATE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, begin).is_err() {
        std::thread::yield_now();
    }
    // Acquire: pairs with the Release of who lets go.
    while STATE.load(Ordering::Acquire) & !FORKING != own() {
        std::thread::yield_now();
    }
    // The host's own hooks may run between this and the two below, and use a pool: this thread does not wait
    // for itself.
    HOLDS.set(HOLDS.get() + 1);
}

unsafe extern "C" fn parent() {
    HOLDS.set(HOLDS.get() - 1);
    // Release: pairs with the Acquire of who holds off next.
    STATE.fetch_and(!FORKING, Ordering::Release);
}

unsafe extern "C" fn child() {
    HOLDS.set(HOLDS.get() - 1);
    // Relaxed: one thread.
    STATE.store(own(), Ordering::Relaxed);
    GENERATION.fetch_add(1, Ordering::Relaxed);
    super::log::silence();
}
