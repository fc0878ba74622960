//! Who validates, who owns stake, and how much of it.
//!
//! # Limits
//! Everything staked, what is leaving included, is at most [`STAKE_TOTAL_MAX`]; whatever would exceed it is refused. So sums
//! of stakes fit 64 bits, and an overflow is a bug that panics. Products have 128 bits.

use std::fmt;

/// No more stake is taken than this, over all validators.
pub const STAKE_TOTAL_MAX: Stake = Stake(1 << 62);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// From its bytes.
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

name! {
    /// A validator, for as long as it is registered. The order of these bytes is the order of every set.
    ValidatorId
}
name! {
    /// Whoever has stake.
    AccountId
}

/// An amount of stake, in the smallest unit of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stake(u64);

impl Stake {
    /// None.
    pub const ZERO: Self = Self(0);

    /// From its number.
    pub const fn new(units: u64) -> Self {
        Self(units)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether there is none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Both together.
    ///
    /// # Panics
    /// On overflow: the total is bounded far below, so it is a bug.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        match self.0.checked_add(other.0) {
            Some(sum) => Self(sum),
            None => panic!("more stake than there can be"),
        }
    }

    /// What is left without `other`.
    ///
    /// # Panics
    /// When `other` is more: nobody takes what is not there, so it is a bug.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        match self.0.checked_sub(other.0) {
            Some(rest) => Self(rest),
            None => panic!("less stake than was taken"),
        }
    }

    /// `self * part / whole`, rounded up, so that a remainder is the protocol's. 0 of nothing.
    ///
    /// # Panics
    /// When `part` is more than `whole`, which is a bug.
    #[must_use]
    pub fn share_up(self, part: u64, whole: u64) -> Self {
        assert!(part <= whole, "a share of {part} in {whole}");
        match whole {
            0 => Self::ZERO,
            _ => {
                let share = (u128::from(self.0) * u128::from(part)).div_ceil(u128::from(whole));
                Self(u64::try_from(share).expect("a share is not more than the whole"))
            }
        }
    }
}

impl std::iter::Sum for Stake {
    fn sum<I: Iterator<Item = Self>>(stakes: I) -> Self {
        stakes.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Stake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_towards_the_protocol_and_never_above_the_whole() {
        // units, part, whole, share
        for (units, part, whole, share) in [
            (100, 1, 100, 1),
            (101, 1, 100, 2),
            (1, 1, 1_000_000, 1),
            (0, 1, 2, 0),
            (7, 0, 2, 0),
            (7, 3, 3, 7),
            (5, 0, 0, 0),
            (u64::MAX, u64::MAX, u64::MAX, u64::MAX),
            (1 << 62, 1, 3, 1_537_228_672_809_129_302),
        ] {
            assert_eq!(Stake(units).share_up(part, whole), Stake(share), "{units} * {part} / {whole}");
        }
    }

    #[test]
    #[should_panic(expected = "less stake than was taken")]
    fn taking_what_is_not_there_is_a_bug() {
        let _ = Stake(1).minus(Stake(2));
    }
}
