//! Two kinds of time that must not be mixed: a monotonic tick and a wall-clock instant.
//!
//! # Limits
//! Both count nanoseconds in 64 bits: 584 years. Additions saturate, so a bad configuration can
//! postpone an instant for ever but never wrap it into the past.

use std::time::Duration;

/// Nanoseconds since the clock that produced it was made. Monotonic; never compared across clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// The instant at which the clock was made.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds since the clock was made.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock was made.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// This instant plus `span`, saturating.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// The span from `earlier` to this instant; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Nanoseconds since 1970-01-01 00:00 UTC. Only block headers and reports carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNanos(u64);

impl UnixNanos {
    /// From nanoseconds since the epoch.
    pub const fn new(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// This instant plus `span`, saturating.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_saturate_instead_of_wrapping() {
        let late = Tick::from_nanos(u64::MAX - 1);
        assert_eq!(late.after(Duration::from_secs(1)), Tick::from_nanos(u64::MAX));
        assert_eq!(UnixNanos::new(5).after(Duration::MAX), UnixNanos::new(u64::MAX));
    }

    #[test]
    fn a_span_to_a_later_instant_is_zero() {
        assert_eq!(Tick::from_nanos(3).since(Tick::from_nanos(5)), Duration::ZERO);
        assert_eq!(Tick::from_nanos(5).since(Tick::from_nanos(3)), Duration::from_nanos(2));
    }
}
