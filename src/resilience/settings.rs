//! A breaker's settings, their ranges and what they do when set badly.

use super::Error;
use super::error::in_range;
use super::window::CERTAIN;
use std::time::Duration;

/// Most probes at a time.
pub const PROBES_MAX: u32 = 1_000;
/// Most successes that can be asked for before a breaker closes.
pub const SUCCESSES_MAX: u32 = 1_000;
/// Largest `min_requests`.
pub const MIN_REQUESTS_MAX: u32 = 20_000;
const _: () = assert!(MIN_REQUESTS_MAX <= CERTAIN, "a window that has seen as many says so");
/// Shortest window.
pub const WINDOW_MIN: Duration = Duration::from_millis(10);
/// Longest window, time-out and recovery.
pub const SPAN_MAX: Duration = Duration::from_secs(24 * 3_600);

/// When a breaker opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// How far back outcomes count, [`WINDOW_MIN`] to [`SPAN_MAX`], in steps of a sixteenth. Too short:
    /// `min_requests` is never seen. Too long: a failure is noticed, and forgotten, late.
    pub window: Duration,
    /// Calls in the window below which it never opens, 1 to [`MIN_REQUESTS_MAX`]. Too low: one failure of few
    /// calls opens it.
    pub min_requests: u32,
    /// Share of failures in the window that opens it, in thousandths, 1 to 1,000.
    pub threshold_per_mille: u32,
    /// How long it stays open, 1 ms to [`SPAN_MAX`]. Too short: a broken peer is hammered.
    pub timeout: Duration,
    /// Calls let through at a time while half-open, 1 to [`PROBES_MAX`].
    pub probes_max: u32,
    /// Successes that close a half-open breaker, 1 to [`SUCCESSES_MAX`].
    pub successes_to_close: u32,
    /// Trust a peer less that has just come back.
    pub adaptive: Option<Adaptive>,
}

/// A threshold that falls when the breaker closes and is regained in time: a peer that fails again soon after
/// its return is left alone sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adaptive {
    /// Threshold at the moment of closing, in thousandths, 1 to the full one.
    pub floor_per_mille: u32,
    /// Time until the full threshold is back, evenly; up to [`SPAN_MAX`].
    pub recovery: Duration,
}

impl Default for BreakerSettings {
    /// Half of 10 or more calls within 10 s open it for 5 s; one probe at a time, three successes close it.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            min_requests: 10,
            threshold_per_mille: 500,
            timeout: Duration::from_secs(5),
            probes_max: 1,
            successes_to_close: 3,
            adaptive: None,
        }
    }
}

impl BreakerSettings {
    pub(super) fn check(&self) -> Result<(), Error> {
        in_range("breaker window", self.window, WINDOW_MIN, SPAN_MAX)?;
        in_range("breaker min_requests", self.min_requests, 1, MIN_REQUESTS_MAX)?;
        in_range("breaker threshold_per_mille", self.threshold_per_mille, 1, 1_000)?;
        in_range("breaker timeout", self.timeout, Duration::from_millis(1), SPAN_MAX)?;
        in_range("breaker probes_max", self.probes_max, 1, PROBES_MAX)?;
        in_range("breaker successes_to_close", self.successes_to_close, 1, SUCCESSES_MAX)?;
        if let Some(Adaptive { floor_per_mille, recovery }) = self.adaptive {
            in_range("breaker adaptive floor_per_mille", floor_per_mille, 1, self.threshold_per_mille)?;
            in_range("breaker adaptive recovery", recovery, Duration::ZERO, SPAN_MAX)?;
        }
        Ok(())
    }
}
