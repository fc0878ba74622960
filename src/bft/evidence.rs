//! What a validator signed that no honest one signs.
//!
//! # Invariants
//! I1 an honest validator is never blamed: each offence contradicts what it persists before it signs.

use super::{Claims, Kind, Vote};
use crate::types::{ValidatorIndex, View};

/// Two things that one validator signed and that do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Two votes of one kind, in one view, at one height, for two blocks.
    Equivocation {
        /// The one that came first.
        first: Vote,
        /// The one that contradicts it.
        second: Vote,
    },
    /// Claims that keep a vote secret.
    FalseClaims {
        /// What was voted, in an earlier view than the claims are for.
        vote: Vote,
        /// What is said of it.
        claims: Box<Claims>,
    },
}

impl Evidence {
    /// Whose offence it is.
    pub const fn offender(&self) -> ValidatorIndex {
        match self {
            Self::Equivocation { first, .. } => first.from,
            Self::FalseClaims { vote, .. } => vote.from,
        }
    }

    /// In which view it was committed.
    pub fn view(&self) -> View {
        match self {
            Self::Equivocation { first, .. } => first.statement.view,
            Self::FalseClaims { claims, .. } => claims.view,
        }
    }
}

/// The offence that two votes are.
pub fn equivocation(first: Vote, second: Vote) -> Option<Evidence> {
    let (one, other) = (first.statement, second.statement);
    let same_place = (one.kind, one.view, one.height) == (other.kind, other.view, other.height);
    let is_offence = same_place && first.from == second.from && one.hash != other.hash;
    is_offence.then_some(Evidence::Equivocation { first, second })
}

/// The offence that claims are beside a vote of who makes them. Who prepared, says so, or that it prepared later; who
/// committed, shows a certificate of that view or a later one. Of what is final for it, nobody has to speak.
pub fn false_claims(vote: Vote, claims: &Claims) -> Option<Evidence> {
    let said = vote.statement;
    if vote.from != claims.from || said.view >= claims.view || said.height <= claims.low.height {
        return None;
    }
    let claim = claims.at(said.height);
    let named = if said.kind == Kind::Commit { claim.certificate } else { claim.vote };
    let is_honest = named
        .is_some_and(|named| named.view > said.view || (named.view == said.view && named.hash == said.hash));
    (!is_honest).then(|| Evidence::FalseClaims { vote, claims: Box::new(claims.clone()) })
}
