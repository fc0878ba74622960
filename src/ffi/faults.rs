//! Panics on demand, for tests of hosts. Without the feature `faults` nothing of this exists.

use super::handle::Kind;

/// Panics if [`duo_test_panic_next`] armed this kind.
#[inline]
pub(super) fn trip(kind: Kind) {
    #[cfg(feature = "faults")]
    armed::trip(kind);
    #[cfg(not(feature = "faults"))]
    let _ = kind;
}

#[cfg(feature = "faults")]
pub use armed::duo_test_panic_next;

#[cfg(feature = "faults")]
mod armed {
    #![expect(unsafe_code, reason = "exports a C function")]

    use super::super::boundary;
    use super::super::failure::Failure;
    use super::super::status::duo_status;
    use super::Kind;
    use crate::types::Status;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// One bit per kind.
    static ARMED: AtomicU32 = AtomicU32::new(0);

    #[inline]
    pub(super) fn trip(kind: Kind) {
        let bit = 1 << kind as u32;
        // Relaxed: a test arms and trips on one thread, or synchronises itself.
        if ARMED.load(Ordering::Relaxed) & bit != 0 && ARMED.fetch_and(!bit, Ordering::Relaxed) & bit != 0 {
            panic!("injected by duo_test_panic_next");
        }
    }

    /// Makes the next guarded call on an object of the kind (1 config, 2 queue, 3 pool, 4 node, 5 sub,
    /// 6 lane, 7 stage, 8 producer of a lane, 9 replicated log, 16 breaker, 17 limiter, 18 bulkhead, 19 retry,
    /// 20 stack, 21 registry) panic inside the library. Only in builds with the feature `faults`.
    ///
    /// [any-thread] Since: 0.1
    #[unsafe(no_mangle)]
    pub extern "C" fn duo_test_panic_next(kind: u32) -> duo_status {
        boundary::library(None, || {
            let kind = Kind::from_number(u64::from(kind))
                .ok_or_else(|| Failure::argument(format!("{kind} is not a kind of object")))?;
            ARMED.fetch_or(1 << kind as u32, Ordering::Relaxed);
            Ok(Status::Ok)
        })
    }
}
