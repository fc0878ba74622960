//! A place to sleep until a counter moves.
//!
//! # Model
//! Read the epoch, announce yourself, look again, then wait until the epoch is another one. Whoever
//! changes something after the announcement advances the epoch, so a sleeper never misses it.
//!
//! No lock is held at any time: a thread that is stopped in the middle of an advance keeps nobody from
//! advancing or sleeping.
//!
//! # Limits
//! The epoch has 32 bits: a thread that is stopped between its look and its sleep through exactly 2^32
//! advances sleeps until the next one, or for its limit.

use std::time::Duration;

#[cfg(not(modelled))]
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(modelled)]
use crate::sync::{Condvar, Mutex};

/// A futex.
#[cfg(not(modelled))]
#[derive(Debug)]
pub(super) struct Gate {
    epoch: AtomicU32,
}

#[cfg(not(modelled))]
impl Gate {
    pub(super) fn new() -> Self {
        Self { epoch: AtomicU32::new(0) }
    }

    pub(super) fn epoch(&self) -> u32 {
        // SeqCst: before the announcement that follows, as `signal` W1 has it.
        self.epoch.load(Ordering::SeqCst)
    }

    pub(super) fn advance(&self) {
        // SeqCst: after the change that the sleeper has to see.
        self.epoch.fetch_add(1, Ordering::SeqCst);
        // SAFETY: FUTEX_WAKE takes an address, which is ours, and a number of threads.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.epoch.as_ptr(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                i32::MAX,
            );
        }
    }

    /// Sleeps until the epoch is not `seen`, or for about `limit`; may also return early.
    pub(super) fn wait_past(&self, seen: u32, limit: Duration) {
        // Longer than any host waits in one piece; the caller looks again.
        const LONGEST: Duration = Duration::from_secs(3_600);
        let limit = limit.min(LONGEST);
        let mut timeout: libc::timespec = unsafe {
            // SAFETY: a timespec is plain numbers, and some systems pad it.
            std::mem::zeroed()
        };
        timeout.tv_sec = limit.as_secs() as libc::time_t;
        timeout.tv_nsec = limit.subsec_nanos() as _;
        // SAFETY: FUTEX_WAIT reads the word at an address that is ours and the time-out at one that lives
        // through the call. The kernel compares and puts to sleep in one step.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.epoch.as_ptr(),
                libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                seen,
                &raw const timeout,
            );
        }
    }
}

/// A model has no kernel.
#[cfg(modelled)]
#[derive(Debug)]
pub(super) struct Gate {
    epoch: Mutex<u32>,
    moved: Condvar,
}

#[cfg(modelled)]
impl Gate {
    pub(super) fn new() -> Self {
        Self { epoch: Mutex::new(0), moved: Condvar::new() }
    }

    pub(super) fn epoch(&self) -> u32 {
        *self.epoch.lock()
    }

    pub(super) fn advance(&self) {
        *self.epoch.lock() += 1;
        self.moved.notify_all();
    }

    /// Without the limit: a model has no time, so a missed wake-up shows as a deadlock.
    pub(super) fn wait_past(&self, seen: u32, _limit: Duration) {
        let mut epoch = self.epoch.lock();
        while *epoch == seen {
            epoch = self.moved.wait(epoch);
        }
    }
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_sleeper_wakes_when_the_epoch_moves_and_does_not_sleep_once_it_has() {
        let gate = Arc::new(Gate::new());
        let seen = gate.epoch();
        let waker = {
            let gate = Arc::clone(&gate);
            std::thread::spawn(move || gate.advance())
        };
        while gate.epoch() == seen {
            gate.wait_past(seen, Duration::from_secs(3_600));
        }
        gate.wait_past(seen, Duration::MAX);
        waker.join().expect("no panic");
    }

    #[test]
    fn a_sleep_ends_by_itself() {
        let gate = Gate::new();
        gate.wait_past(gate.epoch(), Duration::from_millis(1));
    }
}
