//! Time in units of a rate, by one multiplication.
//!
//! # Model
//! `units(t) = floor(t * multiplier / 2^(64 + shift))`, with the multiplier's top bit set. A division by
//! a constant of 64 bits costs several times as much on many processors.
//!
//! # Invariants
//! I1 `units` never decreases as time goes on, and neither side overflows for any time.
//!    The multiplier is rounded up, so that a whole number of periods is a whole number of units.
//! I2 `time_of(x)` is the first time at which `units` is `x` or more.
//!
//! # Limits
//! In the whole life of a clock (584 years), one unit more or less than an exact division gives.

/// A rate below or equal to one unit per nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    multiplier: u64,
    shift: u32,
}

impl Scale {
    /// `units` per `nanos`, at most one per nanosecond; both at least 1.
    pub(super) fn new(units: u64, nanos: u64) -> Self {
        debug_assert!(0 < units && units <= nanos);
        if units == nanos {
            // 2^64 does not fit: one per nanosecond, less one in all.
            return Self { multiplier: u64::MAX, shift: 0 };
        }
        // units / nanos is below 1. As many more bits as bring the quotient to 64 of them.
        let mut shift = nanos.leading_zeros().abs_diff(units.leading_zeros());
        let mut quotient = (u128::from(units) << (64 + shift)).div_ceil(u128::from(nanos));
        if quotient > u128::from(u64::MAX) {
            shift -= 1;
            quotient = quotient.div_ceil(2);
        }
        Self { multiplier: u64::try_from(quotient).unwrap_or(u64::MAX), shift }
    }

    /// Units that have come by time `nanos`.
    #[inline(always)]
    pub(super) fn units(self, nanos: u64) -> u64 {
        let product = u128::from(nanos) * u128::from(self.multiplier);
        ((product >> 64) as u64) >> self.shift
    }

    /// When the unit of that number comes, in nanoseconds; `u64::MAX` when never.
    pub(super) fn time_of(self, units: u64) -> u64 {
        if units > u64::MAX >> self.shift {
            return u64::MAX;
        }
        let product = u128::from(units << self.shift) << 64;
        u64::try_from(product.div_ceil(u128::from(self.multiplier))).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [(u64, u64); 7] = [
        (1, 1),
        (1, 3),
        (999_999_999, 1_000_000_000),
        (1, 86_400_000_000_000),
        (1 << 46, 86_400_000_000_000),
        (300_000_000, 1_000_000_000),
        (1, u64::MAX),
    ];

    #[test]
    fn units_are_those_of_an_exact_division_to_one_unit() {
        for (units, nanos) in RATES {
            let scale = Scale::new(units, nanos);
            for time in [0, 1, 2, 1_000, 86_400_000_000_000, 1 << 50, u64::MAX / 2, u64::MAX] {
                let exact = (u128::from(time) * u128::from(units) / u128::from(nanos)) as u64;
                let ours = scale.units(time);
                assert!(exact.abs_diff(ours) <= 1, "{units}/{nanos} at {time}: {ours}, exactly {exact}");
            }
        }
    }

    #[test]
    fn whole_periods_are_whole_units() {
        for (units, nanos) in RATES.iter().filter(|(units, nanos)| units < nanos) {
            let scale = Scale::new(*units, *nanos);
            for periods in [1, 2, 10, 1_000] {
                if let Some(time) = nanos.checked_mul(periods) {
                    assert_eq!(scale.units(time), units * periods);
                    assert_eq!(scale.units(time - 1), units * periods - 1);
                }
            }
        }
    }

    #[test]
    fn the_time_of_a_unit_is_the_first_at_which_it_is_there() {
        for (units, nanos) in RATES {
            let scale = Scale::new(units, nanos);
            for wanted in [1, 2, 3, 1_000, 1 << 30] {
                let time = scale.time_of(wanted);
                if time < u64::MAX {
                    assert!(scale.units(time) >= wanted, "{units}/{nanos}: unit {wanted}");
                    assert!(scale.units(time - 1) < wanted, "{units}/{nanos}: unit {wanted}");
                }
            }
            assert_eq!(scale.time_of(0), 0);
            assert_eq!(Scale::new(1, u64::MAX).time_of(u64::MAX), u64::MAX);
        }
    }
}
