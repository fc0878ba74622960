//! Powers of the validators of an epoch, and the quorums among them.

use crate::types::{Thresholds, ThresholdsError, ValidatorIndex};

/// Who has how much power. The same for the whole epoch: quorums never move within one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Powers {
    each: Box<[u64]>,
    thresholds: Thresholds,
}

/// Why a list of powers is no set of validators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PowerError {
    /// More than a [`ValidatorIndex`] can name.
    #[error("{0} validators, and no more than 65,536 have a place")]
    TooMany(usize),
    /// There are no quorums.
    #[error(transparent)]
    Thresholds(#[from] ThresholdsError),
}

impl Powers {
    /// `each` has a power for each place of the set, 0 for who may not vote; `slack` of their sum may be silent on the
    /// fast path.
    ///
    /// # Errors
    /// [`PowerError::TooMany`], or what [`Thresholds::new`] says of the sum.
    pub fn new(each: Vec<u64>, slack: u128) -> Result<Self, PowerError> {
        if each.len() > usize::from(u16::MAX) + 1 {
            return Err(PowerError::TooMany(each.len()));
        }
        let total = each.iter().copied().map(u128::from).sum();
        Ok(Self { thresholds: Thresholds::new(total, slack)?, each: each.into() })
    }

    /// Number of places.
    pub const fn places(&self) -> usize {
        self.each.len()
    }

    /// Where quorums begin.
    pub const fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// The power at `place`; `None` outside of the set.
    pub fn of(&self, place: ValidatorIndex) -> Option<u64> {
        self.each.get(place.index()).copied()
    }

    /// The sum of the powers at `places`, each of which counts as often as it is named. Strangers have none.
    pub fn weight(&self, places: impl IntoIterator<Item = ValidatorIndex>) -> u128 {
        places.into_iter().filter_map(|place| self.of(place)).map(u128::from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_and_the_jailed_have_no_power() {
        let powers = Powers::new(vec![5, 0, 2], 0).expect("they have power");
        let place = ValidatorIndex::new;
        assert_eq!(powers.of(place(1)), Some(0));
        assert_eq!(powers.of(place(3)), None);
        assert_eq!(powers.weight([place(0), place(1), place(2), place(3)]), 7);
        assert_eq!((powers.places(), powers.thresholds().total()), (3, 7));
    }

    #[test]
    fn sums_are_wider_than_powers() {
        let powers = Powers::new(vec![u64::MAX; 3], 0).expect("they have power");
        assert_eq!(powers.thresholds().total(), 3 * u128::from(u64::MAX));
    }

    #[test]
    fn a_set_without_quorums_or_with_too_many_places_is_refused() {
        assert_eq!(Powers::new(vec![0; 3], 0), Err(ThresholdsError::NoPower.into()));
        assert_eq!(Powers::new(Vec::new(), 0), Err(ThresholdsError::NoPower.into()));
        assert_eq!(Powers::new(vec![1; 65_537], 0), Err(PowerError::TooMany(65_537)));
        assert!(Powers::new(vec![1; 65_536], 0).is_ok());
    }
}
