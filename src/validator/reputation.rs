//! How well a validator did its work, in whole numbers.
//!
//! # Model
//! After each epoch `r = (9 r + x) / 10`, rounded down, where `x` is the share of its work that the validator did in it,
//! in millionths. Whole numbers are the same on every machine; floating point forks chains. It is for people
//! and for choosing whom to delegate to: no draw and no quorum depends on it.
//!
//! # Limits
//! 0 to 1,000,000. Rounding down ends 9 short of the top for who comes from below, and exactly at 0 for who comes from
//! above.

/// A share of one, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reputation(u32);

impl Reputation {
    /// The most.
    pub const MAX: Self = Self(1_000_000);
    /// Of who has just come.
    pub const FIRST: Self = Self(500_000);

    /// From millionths; `None` above [`Self::MAX`].
    pub const fn new(millionths: u32) -> Option<Self> {
        if millionths > Self::MAX.0 { None } else { Some(Self(millionths)) }
    }

    /// Millionths.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// After another epoch, of which `done` is the share that was done.
    #[must_use]
    pub const fn after(self, done: Self) -> Self {
        Self((9 * self.0 + done.0) / 10)
    }
}

/// What a validator had to do in an epoch, and did, by what was finalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Performance {
    /// Did; more than it had to counts as all.
    pub done: u32,
    /// Had to do. Nothing says nothing: its reputation stays.
    pub due: u32,
}

impl Performance {
    /// Its share.
    pub fn share(self) -> Option<Reputation> {
        let millionths = u64::from(self.done.min(self.due)) * u64::from(Reputation::MAX.0);
        Some(Reputation(millionths.checked_div(u64::from(self.due))? as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_work_with_a_memory_of_nine_tenths() {
        let mut reputation = Reputation::FIRST;
        let none = Performance { done: 0, due: 7 }.share().expect("something was due");
        let all = Performance { done: 7, due: 7 }.share().expect("something was due");
        let expected = [550_000, 595_000, 635_500, 571_950, 514_755, 563_279];
        let found = [all, all, all, none, none, all].map(|share| {
            reputation = reputation.after(share);
            reputation.get()
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn it_stays_in_its_range_and_comes_to_rest() {
        let settle = |from: Reputation, share| (0..400).fold(from, |reputation, _| reputation.after(share));
        let none = Reputation::new(0).expect("in range");
        assert_eq!(settle(Reputation::MAX, none), none);
        assert_eq!(settle(none, Reputation::MAX).get(), 999_991);
        assert_eq!(settle(Reputation::MAX, Reputation::MAX), Reputation::MAX);
        assert_eq!(Reputation::new(1_000_001), None);
    }

    #[test]
    fn shares_are_rounded_down_and_bounded() {
        let share = |done, due| Performance { done, due }.share().map(Reputation::get);
        assert_eq!(share(2, 3), Some(666_666));
        assert_eq!(share(9, 3), Some(1_000_000));
        assert_eq!(share(u32::MAX, u32::MAX), Some(1_000_000));
        assert_eq!(share(1, u32::MAX), Some(0));
        assert_eq!(share(3, 0), None);
    }
}
