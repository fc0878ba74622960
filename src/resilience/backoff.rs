//! Exponential delay between attempts.

use std::time::Duration;

/// Delays that grow by a factor from a minimum to a maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Delay before the first repetition.
    pub min: Duration,
    /// No delay is longer.
    pub max: Duration,
    /// Growth from one failure in a row to the next.
    pub multiplier: u32,
}

impl Backoff {
    /// The delay after `failures` failures in a row, 1-based; 0 means no delay.
    pub fn delay(&self, failures: u32) -> Duration {
        let Some(exponent) = failures.checked_sub(1) else { return Duration::ZERO };
        let factor = self.multiplier.saturating_pow(exponent);
        self.min.saturating_mul(factor).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum_and_never_overflow() {
        let backoff = Backoff { min: Duration::from_millis(50), max: Duration::from_secs(1), multiplier: 2 };
        let delays: Vec<_> = [0, 1, 2, 3, 6, 40, u32::MAX].map(|n| backoff.delay(n).as_millis()).into();
        assert_eq!(delays, [0, 50, 100, 200, 1000, 1000, 1000]);
    }
}
