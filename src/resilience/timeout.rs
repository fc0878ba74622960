//! The end of a span of time, as a value.

use crate::types::Tick;
use std::time::Duration;

/// When time is up. Deadlines of nested work are combined with [`Deadline::or`], never added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Tick);

impl Deadline {
    /// Never.
    pub const NEVER: Self = Self(Tick::from_nanos(u64::MAX));

    /// `span` from `now`; saturates at [`Deadline::NEVER`].
    pub fn after(now: Tick, span: Duration) -> Self {
        Self(now.after(span))
    }

    /// The earlier of the two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.min(other)
    }

    /// The instant itself.
    pub const fn at(self) -> Tick {
        self.0
    }

    /// What is left at `now`; zero when time is up.
    pub fn left(self, now: Tick) -> Duration {
        self.0.since(now)
    }

    /// True when time is up. Never for [`Deadline::NEVER`].
    pub fn is_over(self, now: Tick) -> bool {
        self != Self::NEVER && now >= self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_deadline_counts_and_never_is_never_over() {
        let now = Tick::from_nanos(10);
        let soon = Deadline::after(now, Duration::from_nanos(5));
        assert_eq!(soon.or(Deadline::NEVER), soon);
        assert_eq!(soon.left(Tick::from_nanos(12)), Duration::from_nanos(3));
        assert_eq!(soon.left(Tick::from_nanos(99)), Duration::ZERO);
        assert!(!soon.is_over(Tick::from_nanos(14)) && soon.is_over(Tick::from_nanos(15)));
        assert_eq!(Deadline::after(now, Duration::MAX), Deadline::NEVER);
        assert!(!Deadline::NEVER.is_over(Tick::from_nanos(u64::MAX)));
    }
}
