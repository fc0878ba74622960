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

    /// As [`wait_past`](Self::wait_past), and until a word that other processes see is not what it was.
    /// Where the system cannot wait for several words, that has to wait for the limit.
    pub(super) fn wait_past_any(&self, seen: u32, others: &[(*const u32, u32)], limit: Duration) {
        if others.is_empty() || !waits::until_any(&self.epoch, seen, others, limit) {
            self.wait_past(seen, limit);
        }
    }

    /// Sleeps until the epoch is not `seen`, or for about `limit`; may also return early.
    pub(super) fn wait_past(&self, seen: u32, limit: Duration) {
        // Longer than any host waits in one piece; the caller looks again.
        const LONGEST: Duration = Duration::from_secs(3_600);
        let limit = limit.min(LONGEST);
        // SAFETY: a timespec is plain numbers, and some systems pad it.
        let mut timeout: libc::timespec = unsafe { std::mem::zeroed() };
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

/// Wakes everybody who waits for a word that several processes see.
#[cfg(not(modelled))]
pub(super) fn wake_shared(word: *mut u32) {
    // SAFETY: FUTEX_WAKE takes an address, which it does not touch, and a number of threads.
    unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE, i32::MAX) };
}

/// Waiting for several words at once: Linux 5.16.
#[cfg(not(modelled))]
mod waits {
    use super::{AtomicU32, Duration};

    /// Words at a time; the kernel takes 128.
    const WORDS_MAX: usize = 16;

    const SIZE_U32: u32 = 2;
    const PRIVATE: u32 = libc::FUTEX_PRIVATE_FLAG as u32;

    /// `struct futex_waitv`.
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Wait {
        value: u64,
        address: u64,
        flags: u32,
        reserved: u32,
    }

    /// False when the system cannot.
    pub(super) fn until_any(
        own: &AtomicU32,
        seen: u32,
        others: &[(*const u32, u32)],
        limit: Duration,
    ) -> bool {
        let own = (own.as_ptr().cast_const(), seen, SIZE_U32 | PRIVATE);
        let others = others.iter().map(|(address, value)| (*address, *value, SIZE_U32));
        let mut waits = [Wait { value: 0, address: 0, flags: 0, reserved: 0 }; WORDS_MAX];
        let mut count = 0;
        for (wait, (address, value, flags)) in waits.iter_mut().zip(std::iter::once(own).chain(others)) {
            *wait = Wait { value: value.into(), address: address.addr() as u64, flags, reserved: 0 };
            count += 1;
        }
        // SAFETY: a timespec is plain numbers; the call fills it in.
        let mut end: libc::timespec = unsafe { std::mem::zeroed() };
        // SAFETY: a place for the result that is ours.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut end) };
        let nanos = end.tv_nsec as u64 + u64::from(limit.subsec_nanos());
        end.tv_sec += limit.as_secs() as libc::time_t + (nanos / 1_000_000_000) as libc::time_t;
        end.tv_nsec = (nanos % 1_000_000_000) as _;
        // SAFETY: an array of `count` descriptions and a time that live through the call; the words are
        // read by the kernel, which checks the addresses.
        let outcome = unsafe {
            libc::syscall(
                libc::SYS_futex_waitv,
                waits.as_ptr(),
                count,
                0_u32,
                &raw const end,
                libc::CLOCK_MONOTONIC,
            )
        };
        let error = std::io::Error::last_os_error().raw_os_error();
        outcome >= 0 || matches!(error, Some(libc::EAGAIN | libc::EINTR | libc::ETIMEDOUT))
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

    pub(super) fn wait_past_any(&self, seen: u32, _others: &[(*const u32, u32)], limit: Duration) {
        self.wait_past(seen, limit);
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
