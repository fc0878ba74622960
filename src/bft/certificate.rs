//! Quorums of votes that can be shown to others: a [`Certificate`], which is not final, and a [`FinalityProof`].
//!
//! # Invariants
//! I1 whoever holds one of either type holds verified votes of the power that it takes: they are made from a tally of
//! verified votes, or come in what `verify` lets through. One that was only decoded is what its sender says.
//! I2 votes are in the order of their validators, one of each.

use super::invariants::Path;
use super::{InView, Kind, Statement, Tip};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::sync::Arc;

/// Votes for one statement, as somebody claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Votes {
    /// What all of them say.
    pub statement: Statement,
    /// Who says so, in ascending order.
    pub signatures: Vec<(ValidatorIndex, Signature)>,
}

impl Votes {
    /// Who says so.
    pub fn signers(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        self.signatures.iter().map(|(from, _)| *from)
    }
}

/// A slow quorum of prepares: no other block can have one at this height in this view. Another may become final in a
/// later view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate(Arc<Votes>);

impl Certificate {
    /// Of votes that are verified and enough.
    pub(super) fn of(votes: Votes) -> Self {
        assert_eq!(votes.statement.kind, Kind::Prepare, "only prepares certify");
        Self(Arc::new(votes))
    }

    /// The votes.
    pub fn votes(&self) -> &Votes {
        &self.0
    }

    /// Where it was voted.
    pub fn height(&self) -> Height {
        self.0.statement.height
    }

    /// In which view, and for which block.
    pub fn in_view(&self) -> InView {
        InView::new(self.0.statement.view, self.0.statement.hash)
    }
}

/// A fast quorum of prepares or a slow one of commits: the block is final, and so are its ancestors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalityProof(Arc<Votes>);

impl FinalityProof {
    /// Of votes that are verified and enough.
    pub(super) fn of(votes: Votes) -> Self {
        assert!(matches!(votes.statement.kind, Kind::Prepare | Kind::Commit), "votes for blocks only");
        Self(Arc::new(votes))
    }

    /// The votes.
    pub fn votes(&self) -> &Votes {
        &self.0
    }

    /// By which kind of votes.
    pub fn path(&self) -> Path {
        if self.0.statement.kind == Kind::Prepare { Path::Fast } else { Path::Slow }
    }

    /// Where.
    pub fn height(&self) -> Height {
        self.0.statement.height
    }

    /// Which block.
    pub fn hash(&self) -> BlockHash {
        self.0.statement.hash
    }

    /// In which view.
    pub fn view(&self) -> View {
        self.0.statement.view
    }

    /// The block that it makes final.
    pub fn tip(&self) -> Tip {
        Tip { height: self.height(), hash: self.hash() }
    }
}
