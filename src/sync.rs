//! Atomics, cells and locks: the real ones, or those of a checker (`--cfg loom`, `--cfg shuttle`).
//!
//! Lock-free modules import from here and nowhere else, so that the code that is modelled is the code
//! that ships. `cfg(modelled)`, which the build script sets, says that one of the checkers drives it.
//!
//! | | finds | tests |
//! |---|---|---|
//! | loom | every schedule of a few steps, with the reorderings that the memory model allows | `loom_*` |
//! | shuttle | random schedules of thousands of steps, each step seen by all at once | `shuttle_*` |

mod mutant;
#[cfg(all(test, shuttle))]
pub(crate) mod schedules;

#[cfg(all(test, modelled))]
pub(crate) use mutant::visits;
pub(crate) use mutant::{Mutant, Place, has_mutant, reached, weakened};

#[cfg(not(modelled))]
pub(crate) use std::sync::atomic;

#[cfg(loom)]
pub(crate) use loom::sync::atomic;

#[cfg(shuttle)]
pub(crate) use shuttle::sync::atomic;

#[cfg(not(modelled))]
pub(crate) use parking_lot::Mutex;

#[cfg(loom)]
use loom as checker;

#[cfg(shuttle)]
use shuttle as checker;

#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

/// `core`'s cell with loom's way of access, so that loom can see who touches it when.
#[cfg(not(loom))]
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(std::cell::UnsafeCell::new(content))
    }

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

/// A checker's mutex with the interface of the real one.
#[cfg(modelled)]
#[derive(Debug)]
pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

#[cfg(modelled)]
impl<T> Mutex<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(checker::sync::Mutex::new(content))
    }

    pub(crate) fn lock(&self) -> checker::sync::MutexGuard<'_, T> {
        self.0.lock().expect("a checker ends at the first panic")
    }
}

/// A place to wait for a [`Mutex`]'s content to change; only models use it.
#[cfg(modelled)]
#[derive(Debug)]
pub(crate) struct Condvar(checker::sync::Condvar);

#[cfg(modelled)]
impl Condvar {
    pub(crate) fn new() -> Self {
        Self(checker::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(
        &self,
        guard: checker::sync::MutexGuard<'a, T>,
    ) -> checker::sync::MutexGuard<'a, T> {
        self.0.wait(guard).expect("a checker ends at the first panic")
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// `thread_local!` of one value with a constant initial one. A checker's threads share a real thread, so
/// they need its own form.
macro_rules! thread_value {
    ($(#[$meta:meta])* static $name:ident: $type:ty = $initial:expr;) => {
        #[cfg(not(modelled))]
        std::thread_local! { $(#[$meta])* static $name: $type = const { $initial }; }
        #[cfg(loom)]
        loom::thread_local! { $(#[$meta])* static $name: $type = $initial; }
        #[cfg(shuttle)]
        shuttle::thread_local! { $(#[$meta])* static $name: $type = $initial; }
    };
}
pub(crate) use thread_value;

#[cfg(modelled)]
thread_value! {
    static NUMBER: usize = number_of_thread();
}

#[cfg(modelled)]
fn number_of_thread() -> usize {
    let name = format!("{:?}", checker::thread::current().id());
    name.bytes().filter(u8::is_ascii_digit).fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

/// The number of the calling thread within its model; 0 while its thread-locals are being dropped.
#[cfg(modelled)]
pub(crate) fn thread_number() -> usize {
    NUMBER.try_with(|number| *number).unwrap_or(0)
}

/// The fence of a "store mine, load yours" handshake whose accesses are all `SeqCst`.
///
/// Outside of loom it is nothing: the single order of the `SeqCst` accesses already forbids that both
/// sides miss each other. Loom does not model that order for accesses, only for fences.
#[inline(always)]
pub(crate) fn model_fence() {
    #[cfg(loom)]
    if !has_mutant(Mutant::AnnounceRelaxed) {
        atomic::fence(atomic::Ordering::SeqCst);
    }
}

/// Asks for the cache line of `place` ahead of a write to it, where the processor has an instruction for that.
#[cfg(all(target_arch = "x86_64", not(modelled), not(miri)))]
#[expect(unsafe_code, reason = "a hint to the processor has no safe form")]
#[inline(always)]
pub(crate) fn prefetch_for_write<T>(place: &T) {
    // SAFETY: a prefetch changes nothing that a program can see; processors without it do nothing.
    unsafe {
        std::arch::asm!(
            "prefetchw [{}]",
            in(reg) std::ptr::from_ref(place),
            options(nostack, preserves_flags, readonly)
        );
    }
}

/// Nothing: there is no such instruction, or nobody it would serve.
#[cfg(not(all(target_arch = "x86_64", not(modelled), not(miri))))]
#[inline(always)]
pub(crate) fn prefetch_for_write<T>(_place: &T) {}

/// Tells the processor that this is a busy wait, and a model that somebody else has to move.
#[inline(always)]
pub(crate) fn spin_hint() {
    #[cfg(not(modelled))]
    std::hint::spin_loop();
    #[cfg(modelled)]
    checker::thread::yield_now();
}
