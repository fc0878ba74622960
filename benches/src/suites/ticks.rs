//! A clock for single calls: the processor's counter where it has one that user code may read.

#![expect(unsafe_code, reason = "the counter is read by an intrinsic")]

use duochain::env::{Clock, SystemClock};

/// How long the counter is compared with the clock.
const CALIBRATION_NANOS: u64 = 20_000_000;

/// What a tick is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    nanos_per_tick: f64,
    /// Ticks between two readings with nothing in between.
    pub(crate) overhead: f64,
}

/// The counter.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn ticks() -> u64 {
    #[allow(unused_unsafe, reason = "safe in later versions of the language")]
    // SAFETY: every x86-64 processor has the instruction.
    unsafe {
        core::arch::x86_64::_rdtsc()
    }
}

/// Nanoseconds, by the system's clock.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn ticks() -> u64 {
    use std::sync::LazyLock;
    static CLOCK: LazyLock<SystemClock> = LazyLock::new(SystemClock::new);
    CLOCK.now().as_nanos()
}

impl Ticks {
    /// Measures this machine's.
    pub(crate) fn calibrate() -> Self {
        let mut gaps: Vec<u64> = (0..1_000)
            .map(|_| {
                let begun = ticks();
                ticks().wrapping_sub(begun)
            })
            .collect();
        gaps.sort_unstable();
        let (clock, begun) = (SystemClock::new(), ticks());
        while clock.now().as_nanos() < CALIBRATION_NANOS {
            std::hint::spin_loop();
        }
        let (nanos, counted) = (clock.now().as_nanos(), ticks().wrapping_sub(begun));
        Self { nanos_per_tick: nanos as f64 / counted as f64, overhead: gaps[gaps.len() / 2] as f64 }
    }

    /// A number of ticks as nanoseconds.
    pub(crate) fn nanos(&self, ticks: f64) -> f64 {
        ticks * self.nanos_per_tick
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_follow_the_clock() {
        let scale = Ticks::calibrate();
        let (clock, begun) = (SystemClock::new(), ticks());
        std::thread::sleep(std::time::Duration::from_millis(5));
        let (counted, nanos) = (ticks().wrapping_sub(begun), clock.now().as_nanos());
        let share = scale.nanos(counted as f64) / nanos as f64;
        assert!((0.5..2.0).contains(&share), "{share}");
    }
}
