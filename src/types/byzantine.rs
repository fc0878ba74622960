//! Quorums among validators that may lie, by voting power, once: each number that a sum of powers is compared with.
//!
//! # Model
//! The validators of an epoch have powers; `W` is their sum. Up to `f` of it may do anything. Up to `c` of it, the
//! slack, may be silent without closing the fast path. Powers are whole numbers and sums have 128 bits; a vote counts
//! when its sum is at least a threshold. Equal powers of 1 make a set of `n` validators, `W = n`.
//!
//! | threshold | power | who reached it |
//! |---|---|---|
//! | slow | `(W + f) / 2 + 1` | prepares: a certificate; commits behind it: final |
//! | fast | `W - c` | prepares: final |
//! | view change | `W - f` | begins a view: nobody can wait for more |
//! | weak | `f + 1` | one of them is honest |
//! | candidate | reported `- (f + c)` | what may have been final by the fast path, among what a view change reports |
//!
//! # Invariants
//! With `W >= 3f + 2c + 1`, and "share" the power that two groups have in common at least:
//! I1 two slow quorums share more than `f`, and so do a slow and a fast one: an honest validator.
//! I2 a slow quorum and a view change share more than `f + c`.
//! I3 of a fast quorum, a view change without the liars has at least a candidate's power.
//! I4 a candidate has more than half of what is reported, and more than `f + c` of the set.
//! I5 the honest reach a view change by themselves, and a slow quorum also without the slack.
//!
//! # Source
//! Gueta et al., SBFT: a Scalable and Decentralized Trust Infrastructure (arXiv 1804.01626), whose `3f + 2c + 1`
//! machines are the case of equal powers; the proof that uses I1 to I4 is in `docs/agreement.md`.

/// Where quorums of one validator set begin. The same for the whole epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    total: u128,
    faulty: u128,
    slack: u128,
}

/// Why there are no thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdsError {
    /// Nobody can vote.
    #[error("the validators have no power")]
    NoPower,
    /// Even without a liar the fast path would decide with less than half.
    #[error("a slack of {slack} is half of the power {total} or more")]
    SlackTooLarge {
        /// Power of the whole set.
        total: u128,
        /// What was asked for.
        slack: u128,
    },
}

impl Thresholds {
    /// For a set of the power `total` that decides fast while `slack` of it is silent. The power that may lie is the
    /// greatest `f` with `W >= 3f + 2c + 1`; each unit of slack costs two thirds of one.
    ///
    /// # Errors
    /// [`ThresholdsError::NoPower`] for a total of 0, [`ThresholdsError::SlackTooLarge`] without room for `2c + 1`.
    pub const fn new(total: u128, slack: u128) -> Result<Self, ThresholdsError> {
        if total == 0 {
            return Err(ThresholdsError::NoPower);
        }
        // Not `2 * slack + 1 > total`, which could overflow.
        if slack > (total - 1) / 2 {
            return Err(ThresholdsError::SlackTooLarge { total, slack });
        }
        Ok(Self { total, faulty: (total - 2 * slack - 1) / 3, slack })
    }

    /// `W`, the power of the whole set.
    pub const fn total(&self) -> u128 {
        self.total
    }

    /// `f`, the power that may do anything.
    pub const fn faulty(&self) -> u128 {
        self.faulty
    }

    /// `c`, the power that may be silent on the fast path.
    pub const fn slack(&self) -> u128 {
        self.slack
    }

    /// Prepares of this power are a certificate, which is not final; commits of this power are final.
    pub const fn slow(&self) -> u128 {
        // (W + f) / 2 + 1 without the sum, as f < W.
        self.faulty + (self.total - self.faulty) / 2 + 1
    }

    /// Prepares of this power are final.
    pub const fn fast(&self) -> u128 {
        self.total - self.slack
    }

    /// View changes of this power begin a view.
    pub const fn view_change(&self) -> u128 {
        self.total - self.faulty
    }

    /// Among validators of this power is an honest one.
    pub const fn weak(&self) -> u128 {
        self.faulty + 1
    }

    /// Of view changes of the power `reported`, those that have to name a block for it to be a candidate.
    pub const fn candidate(&self, reported: u128) -> u128 {
        reported.saturating_sub(self.faulty + self.slack)
    }
}

/// How much power may be silent on the fast path, as a share of the whole: what an operator chooses.
///
/// A share of a set with few units of power is rounded down, also to none at all: state powers in small units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// No slack: PBFT's resilience, below 1/3, and the fast path only when everybody answers.
    #[default]
    Classic,
    /// A slack of 5 %; below 30 % may lie. For ten validators and more.
    Balanced,
    /// A slack of 10 %; below 26.7 % may lie.
    Fast,
    /// A slack of 20 %; below 20 % may lie. The same point as Alpenglow's.
    AlpenglowLike,
}

impl Preset {
    /// All of them, from no slack to the greatest.
    pub const ALL: [Self; 4] = [Self::Classic, Self::Balanced, Self::Fast, Self::AlpenglowLike];

    /// Its slack in a set of the power `total`. Never too large for [`Thresholds::new`].
    pub const fn slack(self, total: u128) -> u128 {
        match self {
            Self::Classic => 0,
            Self::Balanced => total / 20,
            Self::Fast => total / 10,
            Self::AlpenglowLike => total / 5,
        }
    }

    /// The thresholds of a set of the power `total`.
    ///
    /// # Errors
    /// [`ThresholdsError::NoPower`] for a total of 0.
    pub const fn thresholds(self, total: u128) -> Result<Thresholds, ThresholdsError> {
        Thresholds::new(total, self.slack(total))
    }
}

#[cfg(test)]
#[path = "byzantine_test.rs"]
mod tests;
