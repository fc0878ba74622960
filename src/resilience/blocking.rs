//! The blocking forms' view of time: a clock whose owner can also wait.
//!
//! # Model
//! Policies are told the time. What waits is a thin layer above them, and it waits through [`Sleep`], so that
//! a test or a simulator decides how long a sleep takes.

use super::limiter::{Limited, Limiter};
use super::timeout::Deadline;
use crate::env::{Clock, SystemClock};
use crate::types::Tick;
use std::time::Duration;

/// Longest single sleep; whoever waits longer looks again.
pub(super) const LONGEST: Duration = Duration::from_secs(3_600);

/// A clock that one can wait with.
pub trait Sleep: Clock {
    /// Returns after about `span`, not much earlier.
    fn sleep(&self, span: Duration);

    /// As [`Sleep::sleep`], but returns early when the thread is unparked, and may return early anyway.
    fn park(&self, span: Duration);
}

impl Sleep for SystemClock {
    fn sleep(&self, span: Duration) {
        std::thread::sleep(span.min(LONGEST));
    }

    fn park(&self, span: Duration) {
        std::thread::park_timeout(span.min(LONGEST));
    }
}

/// Sleeps until `until`.
pub(super) fn sleep_until(clock: &dyn Sleep, until: Tick) {
    loop {
        let left = until.since(clock.now());
        if left.is_zero() {
            return;
        }
        clock.sleep(left);
    }
}

/// Why a blocking call on a limiter ended without tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitedWait {
    /// As many never come.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// They would come after the time-out; nothing was waited for.
    #[error("the tokens come after the time-out")]
    Timeout,
}

impl Limiter {
    /// Takes `n` tokens, waiting for them with the thread for up to `timeout`. Tokens that would come later
    /// than that are not waited for. Several waiters are not served in order of arrival.
    ///
    /// # Errors
    /// [`LimitedWait`].
    pub fn acquire_blocking(&self, clock: &dyn Sleep, n: u32, timeout: Duration) -> Result<(), LimitedWait> {
        let mut now = clock.now();
        let end = Deadline::after(now, timeout);
        loop {
            match self.acquire(now, n) {
                Ok(()) => return Ok(()),
                Err(Limited::Until(until)) if until <= end.at() => sleep_until(clock, until),
                Err(Limited::Until(_)) => return Err(LimitedWait::Timeout),
                Err(never) => return Err(never.into()),
            }
            now = clock.now();
        }
    }
}
