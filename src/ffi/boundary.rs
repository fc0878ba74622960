//! The one guard around everything that a foreign language calls.
//!
//! # Model
//! A guarded call refuses re-entry from a callback, contains panics, and keeps the message of a failure
//! for the thread. Calls on a handle additionally pin it and poison it when they panic.
//!
//! # Invariants
//! I1 [`contain`] never unwinds.

#[cfg(feature = "capi")]
use super::failure;
use super::failure::Failure;
use super::fork;
use super::thread::{self, Thread};
use crate::env::panic::{ask_also, message};
use crate::types::Status;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// Prepares the process once: panic hook, fork handlers, fences. Every handle is made after this.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        ask_also(|| thread::with(|thread| thread.calls.get() > 0));
        fork::register();
        #[cfg(feature = "capi")]
        super::pin::choose_fence();
    });
}

/// Runs `body`; a panic becomes a failure with [`Status::Panic`] and goes to the log.
///
/// # Errors
/// Those of `body`, and [`Status::Reentrant`] from inside a callback.
pub fn contain<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    thread::with(|thread| contain_on(thread, body))
}

#[inline(always)]
fn contain_on<T>(thread: &Thread, body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    if thread.in_callback.get() {
        return Err(reentrant());
    }
    let calls = thread.calls.get();
    thread.calls.set(calls + 1);
    let result = catch_unwind(AssertUnwindSafe(body));
    thread.calls.set(calls);
    match result {
        Ok(result) => result,
        Err(payload) => Err(panicked(payload)),
    }
}

#[cold]
fn reentrant() -> Failure {
    Failure::new(Status::Reentrant, "called from inside a callback of the library")
}

#[cold]
fn panicked(payload: Box<dyn Any + Send>) -> Failure {
    let failure = Failure::new(Status::Panic, format!("panic: {}", message(payload.as_ref())));
    // A payload whose own drop panics would unwind into the host; what that panic carries is given up.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    failure
}

/// Runs a callback of the host: calls into the library are refused until it returns.
pub fn in_callback<R>(body: impl FnOnce() -> R) -> R {
    thread::with(|thread| {
        let before = thread.in_callback.replace(true);
        let result = body();
        thread.in_callback.set(before);
        result
    })
}

#[cfg(feature = "capi")]
pub(super) use exported::{destroy, library, on, on_thread};

#[cfg(feature = "capi")]
mod exported {
    use super::super::faults;
    use super::super::handle::{self, Kind, Object};
    use super::super::status::duo_status;
    use super::{Failure, Status, Thread, contain, contain_on, failure, thread};

    /// What the body of an exported function says: `Ok` carries a normal outcome.
    pub(in crate::ffi) type Outcome = Result<Status, Failure>;

    /// Keeps the failure and gives its status.
    #[cold]
    fn fail(failure: &Failure) -> duo_status {
        failure::keep(failure);
        failure.status.into()
    }

    #[inline]
    fn finish(outcome: Outcome) -> duo_status {
        match outcome {
            Ok(status) => status.into(),
            Err(failure) => fail(&failure),
        }
    }

    /// Guards a function that takes no handle, or makes one of `kind`.
    pub(in crate::ffi) fn library(kind: Option<Kind>, body: impl FnOnce() -> Outcome) -> duo_status {
        finish(contain(|| {
            if let Some(kind) = kind {
                faults::trip(kind);
            }
            body()
        }))
    }

    /// Guards a function on a live handle; a panic poisons it.
    #[inline]
    pub(in crate::ffi) fn on<T: Object>(
        handle: *const T::Opaque,
        body: impl FnOnce(&T) -> Outcome,
    ) -> duo_status {
        on_thread(handle, |_, object| body(object))
    }

    /// As [`on`], for a body that uses the thread's memory.
    #[inline]
    pub(in crate::ffi) fn on_thread<T: Object>(
        handle: *const T::Opaque,
        body: impl FnOnce(&Thread, &T) -> Outcome,
    ) -> duo_status {
        thread::with(|thread| {
            finish(contain_on(thread, || {
                let pinned = handle::pin::<T>(thread, handle.addr() as u64)?;
                // Dropped while a panic passes: then the handle is poisoned before it is unpinned.
                let armed = handle::PoisonOnPanic::new(&pinned);
                faults::trip(T::KIND);
                let outcome = body(thread, &pinned);
                armed.disarm();
                outcome
            }))
        })
    }

    /// Guards the end of a handle. NULL is accepted and does nothing.
    pub(in crate::ffi) fn destroy<T: Object>(handle: *mut T::Opaque) -> duo_status {
        finish(contain(|| {
            if !handle.is_null() {
                handle::destroy::<T>(handle.addr() as u64)?;
            }
            Ok(Status::Ok)
        }))
    }
}
#[cfg(feature = "capi")]
pub(super) use exported::Outcome;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_failure_with_its_text() {
        prepare();
        let failure = contain::<()>(|| panic!("deliberate")).unwrap_err();
        assert_eq!((failure.status, &*failure.message), (Status::Panic, "panic: deliberate"));
    }

    #[test]
    fn a_call_from_inside_a_callback_is_refused() {
        let refused = in_callback(|| contain(|| Ok(())));
        assert_eq!(refused.unwrap_err().status, Status::Reentrant);
        assert_eq!(contain(|| Ok(7)), Ok(7));
    }
}
