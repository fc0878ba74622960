//! A rate limiter: the generic cell rate algorithm in one atomic word.
//!
//! # Model
//! Time is counted in units, `2^k` of which are a token; [`Scale`] turns nanoseconds into units at the
//! sustained rate. The word is the time at which all that was granted would have come at that rate (the
//! "theoretical arrival time"). A grant of n tokens moves it:
//! ```text
//!             now                    word                 now + burst
//!  ───────────┼──────────────────────┼────────────────────┼──────────► units
//!             │◄────── spent ───────►│◄──── available ───►│
//!  new word = max(word, now) + n * 2^k,  refused if that is beyond now + burst
//! ```
//!
//! # Invariants
//! I1 in no span of t nanoseconds are more than `burst + rate * t` tokens granted, on any number of threads.
//! I2 what is refused costs nothing.
//!
//! # Limits
//! Rates from [`PERIOD_MAX`] per token to one token per nanosecond, exact to a unit in the clock's life; a burst of up
//! to [`BURST_MAX`]. A token is divided into about as many units as it has nanoseconds, fewer for large
//! bursts of slow tokens, but into no less than 2^30. A clock that goes backwards gains nothing: less is available until
//! it has caught up. At the last tick of the clock, time stands still.
//!
//! # Source
//! ITU-T I.371 (GCRA, virtual scheduling form).

use super::Error;
use super::error::in_range;
use super::scale::Scale;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, has_mutant};
use crate::types::{Status, Tick};
use std::time::Duration;

/// Most tokens that can be granted at once.
pub const BURST_MAX: u32 = 1 << 30;
/// Longest time between two tokens.
pub const PERIOD_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);
/// Units of a full burst have at most so many bits, so that a sum of a few never overflows in practice.
const BURST_BITS: u32 = 61;
const _: () = assert!(BURST_BITS - (BURST_MAX.ilog2() + 1) >= 30, "as the limits say");

/// How many tokens come, and how many can be saved up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimiterSettings {
    /// Tokens that come in each `period`, 1 or more. Too low: callers wait. Too high: no limit at all.
    pub tokens: u32,
    /// The period, above zero; `tokens / period` is at most one per nanosecond.
    pub period: Duration,
    /// Tokens that an idle limiter has saved up, 1 to [`BURST_MAX`]. No call can ask for more.
    pub burst: u32,
}

impl LimiterSettings {
    /// So many per second, of which a tenth (at least 1) can be saved up.
    pub fn per_second(tokens: u32) -> Self {
        Self { tokens, period: Duration::from_secs(1), burst: (tokens / 10).max(1) }
    }
}

/// Why no token was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limited {
    /// They will be there at that time, if nobody else takes them.
    #[error("over the rate")]
    Until(Tick),
    /// More than the burst: never.
    #[error("{asked} tokens asked for, the burst is {burst}")]
    OverBurst {
        /// Tokens asked for.
        asked: u32,
        /// The burst.
        burst: u32,
    },
}

impl Limited {
    /// The status that all languages share.
    pub const fn status(self) -> Status {
        match self {
            Self::Until(_) => Status::Again,
            Self::OverBurst { .. } => Status::TooLarge,
        }
    }
}

/// A limiter's figures at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimiterStats {
    /// Tokens that could be had at once.
    pub available: u32,
    /// The burst.
    pub burst: u32,
    /// Tokens per period.
    pub tokens: u32,
    /// The period.
    pub period: Duration,
    /// Calls refused so far because of the rate. Grants are not counted: that would cost a second atomic
    /// operation.
    pub refused: u64,
}

/// Grants tokens at a sustained rate. Share it by reference or `Arc`; all calls are lock-free.
#[derive(Debug)]
pub struct Limiter {
    word: AtomicU64,
    scale: Scale,
    unit_bits: u32,
    burst_units: u64,
    settings: LimiterSettings,
    refused: AtomicU64,
}

impl Limiter {
    /// A limiter with a full burst.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting outside of its range.
    pub fn new(settings: LimiterSettings) -> Result<Self, Error> {
        let LimiterSettings { tokens, period, burst } = settings;
        in_range("limiter burst", burst, 1, BURST_MAX)?;
        in_range("limiter tokens", tokens, 1, u32::MAX)?;
        in_range("limiter period", period, Duration::from_nanos(1), PERIOD_MAX)?;
        let nanos = period.as_nanos() as u64;
        if u64::from(tokens) > nanos {
            let fault = format!("{tokens} in {period:?} are more than one in a nanosecond");
            return Err(Error::Config { setting: "limiter tokens", fault });
        }
        let burst_bits = u32::BITS - burst.leading_zeros();
        let unit_bits = (nanos / u64::from(tokens)).ilog2().min(BURST_BITS - burst_bits);
        Ok(Self {
            word: AtomicU64::new(0),
            scale: Scale::new(u64::from(tokens) << unit_bits, nanos),
            unit_bits,
            burst_units: u64::from(burst) << unit_bits,
            settings,
            refused: AtomicU64::new(0),
        })
    }

    /// Its settings.
    pub const fn settings(&self) -> &LimiterSettings {
        &self.settings
    }

    /// Takes `n` tokens, or none. 0 is always granted.
    ///
    /// # Errors
    /// [`Limited::Until`] when there are fewer now, [`Limited::OverBurst`] when there never are as many.
    #[inline]
    pub fn acquire(&self, now: Tick, n: u32) -> Result<(), Limited> {
        let cost = u64::from(n) << self.unit_bits;
        let come = self.scale.units(now.as_nanos());
        let limit = come.saturating_add(self.burst_units);
        // Relaxed throughout: the word is all there is, nothing else is published by it.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let next = match word.max(come).checked_add(cost) {
                Some(next) if next <= limit => next,
                next => return self.refuse(n, next.unwrap_or(u64::MAX)),
            };
            if has_mutant(Mutant::LimiterTorn) {
                self.word.store(next, Ordering::Relaxed);
                return Ok(());
            }
            match self.word.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(current) => word = current,
            }
        }
    }

    #[cold]
    fn refuse(&self, n: u32, next: u64) -> Result<(), Limited> {
        let burst = self.settings.burst;
        if n == 0 {
            return Ok(()); // the clock went backwards
        }
        if n > burst {
            return Err(Limited::OverBurst { asked: n, burst });
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(Limited::Until(self.time_of(next)))
    }

    /// When the word may be moved to `next`.
    fn time_of(&self, next: u64) -> Tick {
        Tick::from_nanos(self.scale.time_of(next.saturating_sub(self.burst_units)))
    }

    /// When `n` tokens will be there if nobody takes any: `now` or later. Takes none.
    ///
    /// # Errors
    /// [`Limited::OverBurst`].
    pub fn ready_at(&self, now: Tick, n: u32) -> Result<Tick, Limited> {
        let burst = self.settings.burst;
        if n > burst {
            return Err(Limited::OverBurst { asked: n, burst });
        }
        let come = self.scale.units(now.as_nanos());
        let word = self.word.load(Ordering::Relaxed).max(come);
        Ok(now.max(self.time_of(word.saturating_add(u64::from(n) << self.unit_bits))))
    }

    /// Its figures.
    pub fn stats(&self, now: Tick) -> LimiterStats {
        let come = self.scale.units(now.as_nanos());
        let spent = self.word.load(Ordering::Relaxed).saturating_sub(come);
        LimiterStats {
            available: (self.burst_units.saturating_sub(spent) >> self.unit_bits) as u32,
            burst: self.settings.burst,
            tokens: self.settings.tokens,
            period: self.settings.period,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

#[cfg(all(test, not(modelled)))]
#[path = "limiter_test.rs"]
mod tests;
