//! Why something is not done. All of these are the fault of who asked for it, and nothing has changed.

use super::ids::{AccountId, Stake, ValidatorId};
use super::set::KeysFault;
use crate::types::Epoch;

/// A table that is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Of registered validators.
    Validators,
    /// Of stakes by account and validator.
    Holdings,
    /// Of stakes that are leaving.
    Departures,
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Validators => "validators",
            Self::Holdings => "holdings",
            Self::Departures => "departures",
        })
    }
}

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No validator of that name is registered.
    #[error("{0} is not registered")]
    Unknown(ValidatorId),
    /// The name is taken.
    #[error("{0} is registered already")]
    Registered(ValidatorId),
    /// Keys that cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysFault),
    /// A key that another validator has, of either kind.
    #[error("{0} has one of these keys already")]
    KeyInUse(ValidatorId),
    /// A limit of the network.
    #[error("the table of {0} is full")]
    Full(Table),
    /// Below what the rules ask for.
    #[error("{offered} is below {minimum}")]
    TooLittle {
        /// What was offered.
        offered: Stake,
        /// What the rules ask for.
        minimum: Stake,
    },
    /// More than there can be.
    #[error("{offered} on top of {held} is more stake than there can be")]
    TooMuch {
        /// What was offered.
        offered: Stake,
        /// What is staked already, by all.
        held: Stake,
    },
    /// More than the account has there.
    #[error("{wanted} of {available}")]
    NotEnough {
        /// What was asked for.
        wanted: Stake,
        /// What the account has with that validator.
        available: Stake,
    },
    /// Stake that still answers for the validator it came from moves no further.
    #[error(
        "{wanted} of {movable}: the rest came from another validator not long ago and still answers for it"
    )]
    StillAnswers {
        /// What was asked for.
        wanted: Stake,
        /// What may be moved.
        movable: Stake,
    },
    /// From a validator to itself.
    #[error("it is there already")]
    SameValidator,
    /// Only the owner may.
    #[error("{0} does not own the validator")]
    NotOwner(AccountId),
    /// There is nothing to end.
    #[error("it is not jailed")]
    NotJailed,
    /// It has to wait.
    #[error("it is jailed until epoch {until}")]
    CoolingDown {
        /// The first epoch in which it can be unjailed.
        until: Epoch,
    },
    /// One slash for one infraction.
    #[error("this infraction was punished already")]
    Punished,
    /// Evidence that comes too late.
    #[error("epoch {epoch} is before {oldest}, the oldest that is still punished")]
    TooOld {
        /// Of the infraction.
        epoch: Epoch,
        /// The oldest that is still punished.
        oldest: Epoch,
    },
    /// Evidence from the future.
    #[error("epoch {epoch} has not begun")]
    NotYet {
        /// Of the infraction.
        epoch: Epoch,
    },
    /// Who has no vote cannot misuse it.
    #[error("it had no power in epoch {epoch}")]
    NoPower {
        /// Of the infraction.
        epoch: Epoch,
    },
    /// So many infractions of one epoch were punished that nothing of what backed them can be left.
    #[error("nothing is left of what it had in epoch {epoch}")]
    NothingLeft {
        /// Of the infraction.
        epoch: Epoch,
    },
    /// The end of an epoch takes one performance for each place of its set.
    #[error("{given} performances for {places} places")]
    Performances {
        /// How many came.
        given: usize,
        /// How many there are.
        places: usize,
    },
}
