//! The operating system's clock.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the real clock")]

use super::Clock;
use crate::types::{Tick, UnixNanos};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Real time.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose [`Tick::ZERO`] is now.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Tick {
        Tick::from_nanos(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn unix(&self) -> UnixNanos {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixNanos::new(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}
