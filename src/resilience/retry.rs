//! Retry: whether to try again, and when.
//!
//! # Model
//! A [`RetryPolicy`] is shared; each call has its own [`Attempts`], which is told of each failure and answers
//! with a time, or with the reason to give up.
//! ```text
//! delay(n) = min(max, min * multiplier^(n-1)) * (1 + j),  j evenly from -jitter to +jitter
//! ```
//! Chance comes from the caller: one number of 64 bits per failure.
//!
//! # Limits
//! Every policy has an end: at most [`ATTEMPTS_MAX`] attempts, and a total time. A delay that would end after
//! the total time is not begun.

use super::error::in_range;
use super::settings::SPAN_MAX;
use super::timeout::Deadline;
use super::{Backoff, Error};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::types::Tick;
use std::time::Duration;

/// Most attempts of one call, the first included.
pub const ATTEMPTS_MAX: u32 = 1_000;
/// Widest jitter, in percent of the delay.
pub const JITTER_PERCENT_MAX: u32 = 100;
/// Largest growth from one delay to the next.
pub const MULTIPLIER_MAX: u32 = 100;

/// How often, how long, how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySettings {
    /// Delays; `min` up to `max`, `max` up to [`SPAN_MAX`], multiplier 1 to [`MULTIPLIER_MAX`].
    pub backoff: Backoff,
    /// Each delay is longer or shorter by up to so many percent, 0 to [`JITTER_PERCENT_MAX`]. 0: callers that
    /// failed together come back together.
    pub jitter_percent: u32,
    /// Attempts, the first included, 1 to [`ATTEMPTS_MAX`]; 1: no retry.
    pub attempts: u32,
    /// Time for all of it, from the start of the first attempt, up to [`SPAN_MAX`].
    pub total: Duration,
}

impl Default for RetrySettings {
    /// Three attempts within 10 s, 100 ms and 200 ms apart, give or take a quarter.
    fn default() -> Self {
        Self {
            backoff: Backoff { min: Duration::from_millis(100), max: Duration::from_secs(5), multiplier: 2 },
            jitter_percent: 25,
            attempts: 3,
            total: Duration::from_secs(10),
        }
    }
}

/// Whose fault a failure is, and whether another attempt can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The peer's, and it may pass: try again.
    Retryable,
    /// The peer's, and it will not pass.
    Permanent,
    /// The caller's: says nothing about the peer.
    Caller,
}

/// Why there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GiveUp {
    /// The failure is not one that passes.
    NotRetryable,
    /// All attempts are used up.
    Attempts,
    /// The next attempt would come after the total time.
    Time,
}

impl GiveUp {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotRetryable => "not_retryable",
            Self::Attempts => "attempts",
            Self::Time => "time",
        }
    }
}

/// A policy's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryStats {
    /// Attempts after a failure.
    pub retries: u64,
    /// Calls given up because the failure does not pass.
    pub not_retryable: u64,
    /// Calls given up because all attempts were used up.
    pub attempts_spent: u64,
    /// Calls given up because the total time was.
    pub time_spent: u64,
}

/// Decides about retries. Share it by reference or `Arc`.
#[derive(Debug)]
pub struct RetryPolicy {
    settings: RetrySettings,
    retries: AtomicU64,
    given_up: [AtomicU64; 3],
}

impl RetryPolicy {
    /// A policy.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting outside of its range.
    pub fn new(settings: RetrySettings) -> Result<Self, Error> {
        let Backoff { min, max, multiplier } = settings.backoff;
        in_range("retry delay_max", max, Duration::ZERO, SPAN_MAX)?;
        in_range("retry delay_min", min, Duration::ZERO, max)?;
        in_range("retry multiplier", multiplier, 1, MULTIPLIER_MAX)?;
        in_range("retry jitter_percent", settings.jitter_percent, 0, JITTER_PERCENT_MAX)?;
        in_range("retry attempts", settings.attempts, 1, ATTEMPTS_MAX)?;
        in_range("retry total", settings.total, Duration::ZERO, SPAN_MAX)?;
        let given_up = std::array::from_fn(|_| AtomicU64::new(0));
        Ok(Self { settings, retries: AtomicU64::new(0), given_up })
    }

    /// Its settings.
    pub const fn settings(&self) -> &RetrySettings {
        &self.settings
    }

    /// Starts a call.
    pub fn begin(&self, now: Tick) -> Attempts<'_> {
        Attempts { policy: self, failures: 0, end: Deadline::after(now, self.settings.total) }
    }

    /// The delay after `failures` failures in a row, 1-based, moved by chance.
    pub fn delay(&self, failures: u32, entropy: u64) -> Duration {
        let delay = self.settings.backoff.delay(failures);
        let width = u128::from(self.settings.jitter_percent);
        // From 100 - width to 100 + width percent, in 2^64 steps.
        let percent = (2 * width * u128::from(entropy)) >> 32;
        let factor = ((100 - width) << 32) + percent;
        let nanos = (delay.as_nanos() * factor / 100) >> 32;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// What to do after a call's `failures`th failure in a row, 1-based, for callers that keep the count and
    /// the end themselves.
    ///
    /// # Errors
    /// Why there is no further attempt.
    pub fn after(
        &self,
        now: Tick,
        end: Deadline,
        failures: u32,
        fault: Fault,
        entropy: u64,
    ) -> Result<Tick, GiveUp> {
        let at = now.after(self.delay(failures, entropy));
        let verdict = if fault != Fault::Retryable {
            Err(GiveUp::NotRetryable)
        } else if failures >= self.settings.attempts {
            Err(GiveUp::Attempts)
        } else if at > end.at() {
            Err(GiveUp::Time)
        } else {
            Ok(at)
        };
        match verdict {
            Ok(_) => self.retries.fetch_add(1, Ordering::Relaxed),
            Err(why) => self.given_up[why as usize].fetch_add(1, Ordering::Relaxed),
        };
        verdict
    }

    /// Its figures.
    pub fn stats(&self) -> RetryStats {
        let [not_retryable, attempts_spent, time_spent] =
            [GiveUp::NotRetryable, GiveUp::Attempts, GiveUp::Time]
                .map(|why| self.given_up[why as usize].load(Ordering::Relaxed));
        let retries = self.retries.load(Ordering::Relaxed);
        RetryStats { retries, not_retryable, attempts_spent, time_spent }
    }
}

/// The attempts of one call.
#[derive(Debug)]
pub struct Attempts<'a> {
    policy: &'a RetryPolicy,
    failures: u32,
    end: Deadline,
}

impl Attempts<'_> {
    /// Told of a failure, says when to try again.
    ///
    /// # Errors
    /// Why there is no further attempt.
    pub fn failed(&mut self, now: Tick, fault: Fault, entropy: u64) -> Result<Tick, GiveUp> {
        self.failures += 1;
        self.policy.after(now, self.end, self.failures, fault, entropy)
    }

    /// Failures so far.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use super::*;

    fn policy(attempts: u32, total: Duration) -> RetryPolicy {
        RetryPolicy::new(RetrySettings { attempts, total, ..RetrySettings::default() }).expect("valid")
    }

    const MILLIS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn jitter_moves_a_delay_by_a_quarter_and_no_further() {
        let policy = policy(3, MILLIS(10_000));
        assert_eq!(policy.delay(1, 0), MILLIS(75));
        assert_eq!(policy.delay(1, u64::MAX / 2).as_micros(), 99_999);
        assert!(policy.delay(1, u64::MAX) <= MILLIS(125));
        assert_eq!(policy.delay(1, u64::MAX).as_micros(), 124_999);
        assert_eq!(policy.delay(u32::MAX, 1 << 63), MILLIS(5_000));
    }

    #[test]
    fn jitter_is_even_over_its_width() {
        let policy = policy(3, MILLIS(10_000));
        let mut buckets = [0; 10];
        let mut seed = 1_u64;
        for _ in 0..10_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let delay = policy.delay(1, seed);
            buckets[((delay - MILLIS(75)).as_micros() / 5_000) as usize] += 1;
        }
        assert!(buckets.iter().all(|count| (850..1150).contains(count)), "{buckets:?}");
    }

    #[test]
    fn attempts_end_by_count_by_time_and_by_kind_of_failure() {
        let at = |millis| Tick::ZERO.after(MILLIS(millis));
        let by_count = policy(3, MILLIS(10_000));
        let mut attempts = by_count.begin(at(0));
        assert_eq!(attempts.failed(at(10), Fault::Retryable, 0), Ok(at(85)));
        assert_eq!(attempts.failed(at(90), Fault::Retryable, 0), Ok(at(240)));
        assert_eq!(attempts.failed(at(300), Fault::Retryable, 0), Err(GiveUp::Attempts));
        let by_time = policy(100, MILLIS(200));
        let mut attempts = by_time.begin(at(1_000));
        assert_eq!(attempts.failed(at(1_010), Fault::Retryable, 0), Ok(at(1_085)));
        assert_eq!(attempts.failed(at(1_086), Fault::Retryable, 0), Err(GiveUp::Time));
        for fault in [Fault::Permanent, Fault::Caller] {
            assert_eq!(by_time.begin(at(0)).failed(at(1), fault, 0), Err(GiveUp::NotRetryable));
        }
        let stats = by_time.stats();
        assert_eq!((stats.retries, stats.time_spent, stats.not_retryable), (1, 1, 2));
        assert_eq!(by_count.stats().attempts_spent, 1);
    }

    #[test]
    fn settings_outside_of_their_range_are_named() {
        let good = RetrySettings::default();
        let backoff = good.backoff;
        let cases = [
            ("retry attempts", RetrySettings { attempts: 0, ..good }),
            ("retry attempts", RetrySettings { attempts: ATTEMPTS_MAX + 1, ..good }),
            ("retry jitter_percent", RetrySettings { jitter_percent: 101, ..good }),
            ("retry total", RetrySettings { total: Duration::MAX, ..good }),
            ("retry delay_max", RetrySettings { backoff: Backoff { max: Duration::MAX, ..backoff }, ..good }),
            ("retry delay_min", RetrySettings { backoff: Backoff { min: MILLIS(5_001), ..backoff }, ..good }),
            ("retry multiplier", RetrySettings { backoff: Backoff { multiplier: 0, ..backoff }, ..good }),
        ];
        for (name, settings) in cases {
            let Err(Error::Config { setting, .. }) = RetryPolicy::new(settings) else {
                panic!("{name} was accepted")
            };
            assert_eq!(setting, name);
        }
    }
}
