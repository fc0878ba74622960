//! Why a message goes no further.

use crate::bft::{Kind, Statement, Tip, Unfit};
use crate::types::{BlockHash, Height, ValidatorIndex, View};

/// A signature that is not that of the validator whose it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// Who brought it, and is to blame for it; `None` for no validator.
    pub via: Option<ValidatorIndex>,
    /// In whose name. Anybody can use it: this is no evidence.
    pub from: ValidatorIndex,
    /// What it should be over.
    pub statement: Statement,
}

/// Why a message goes no further. Unless it [is harmless](Self::is_harmless), the sender does not follow the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Not in the set, or without power.
    #[error("{0} has no vote in this epoch")]
    NoVoter(ValidatorIndex),
    /// Another validator proposes there.
    #[error("a proposal of {from}, where {leader} leads")]
    NotLeader {
        /// Whose it is.
        from: ValidatorIndex,
        /// Whose turn it is.
        leader: ValidatorIndex,
    },
    /// Another validator begins that view.
    #[error("a view begun by {from}, where {coordinator} does")]
    NotCoordinator {
        /// Who did.
        from: ValidatorIndex,
        /// Whose turn it is.
        coordinator: ValidatorIndex,
    },
    /// These are no votes, or not those which this needs.
    #[error("a signature as {0:?} counts for nothing here")]
    Kind(Kind),
    /// Too old or too far ahead.
    #[error("view {0} is out of bounds")]
    View(View),
    /// Final already or too far ahead.
    #[error("height {0} is out of bounds")]
    Height(Height),
    /// Signatures that are none. What else was verified with them is let through.
    #[error("{} bad signatures, the first in the name of {}", .0.len(), .0[0].from)]
    Signatures(Vec<Culprit>),
    /// Votes of too little power.
    #[error("votes of the power {weight}, where {needed} is needed")]
    TooLight {
        /// Their power.
        weight: u128,
        /// What would be enough.
        needed: u128,
    },
    /// Votes are in the order of their validators, one of each.
    #[error("the vote of {0} is not behind the one before it")]
    Unordered(ValidatorIndex),
    /// What is said to be an offence goes together.
    #[error("{0} did nothing wrong here")]
    NoOffence(ValidatorIndex),
    /// Claims for another view, for the first one, which nobody asks for, or at the end of all heights.
    #[error("the claims of {0} are none of this view")]
    Claims(ValidatorIndex),
    /// Claims with which no view begins.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A tip without its proof, or with that of another one.
    #[error("the tip at {} is not shown", .0.height)]
    Low(Tip),
    /// At this height a certificate is missing, or is not the one that counts.
    #[error("at height {0} another certificate should be shown, or none")]
    Certificate(Height),
    /// This block's header is missing, or is one of another height, or nobody asks for it.
    #[error("the header of {hash} at height {height} should be shown, or not")]
    Header {
        /// Where.
        height: Height,
        /// Of which block.
        hash: BlockHash,
    },
}

impl Refused {
    /// Whether an honest validator, which is behind or ahead, may send it.
    pub const fn is_harmless(&self) -> bool {
        matches!(self, Self::View(_) | Self::Height(_))
    }
}
