//! Numbers by chance for tests: the same for the same seed.

use super::blocking::Sleep;
use crate::env::Clock;
use crate::types::{Tick, UnixNanos};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// SplitMix64.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// From 1 up to 2^`bits`, small ones as likely as large ones.
    pub(super) fn magnitude(&mut self, bits: u64) -> u32 {
        let bits = self.below(bits);
        1 + self.below(1 << bits) as u32
    }
}

/// A clock that moves only when somebody sleeps.
#[derive(Debug, Default)]
pub(super) struct ManualClock(AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> Tick {
        Tick::from_nanos(self.0.load(Ordering::SeqCst))
    }

    fn unix(&self) -> UnixNanos {
        UnixNanos::new(self.0.load(Ordering::SeqCst))
    }
}

impl Sleep for ManualClock {
    fn sleep(&self, span: Duration) {
        self.0.fetch_add(span.as_nanos() as u64, Ordering::SeqCst);
    }

    fn park(&self, span: Duration) {
        self.sleep(span);
    }
}
