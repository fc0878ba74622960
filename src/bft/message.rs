//! What validators tell each other.
//!
//! A message that carries signatures may be passed on by anybody; [`Status`] is what a peer says of itself, on an
//! authenticated link. Bodies of blocks travel apart from agreement, by their hash.

use super::{Certificate, Evidence, FinalityProof, InView, Kind, Report, Statement, Tip};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::fmt;
use std::sync::Arc;

/// A header is no longer than this.
pub const HEADER_BYTES_MAX: usize = 1024;

/// A block as agreement sees it: a place in a chain of hashes. The host knows what is in the header.
#[derive(Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its height.
    pub height: Height,
    /// The hash of its header.
    pub hash: BlockHash,
    /// The block that it follows.
    pub parent: BlockHash,
    /// The header, as the host encodes it; at most [`HEADER_BYTES_MAX`].
    pub header: Arc<[u8]>,
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proposal({} {} on {})", self.height, self.hash, self.parent)
    }
}

/// A leader's block for a height, in its view. The leader's own prepare vote rides along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrePrepare {
    /// Whose proposal it is.
    pub from: ValidatorIndex,
    /// Its view.
    pub view: View,
    /// The block.
    pub proposal: Proposal,
    /// Over the [`Kind::PrePrepare`] statement.
    pub signature: Signature,
    /// Over the [`Kind::Prepare`] statement.
    pub prepare: Signature,
}

impl PrePrepare {
    /// What the leader signed, as `kind`.
    pub const fn statement(&self, kind: Kind) -> Statement {
        Statement::new(kind, self.view, self.proposal.height, self.proposal.hash)
    }
}

/// A prepare or commit vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Whose.
    pub from: ValidatorIndex,
    /// What it says; of kind [`Kind::Prepare`] or [`Kind::Commit`].
    pub statement: Statement,
    /// Over it.
    pub signature: Signature,
}

/// What somebody says of one height above its tip, when it leaves the views before the new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The certificate of the highest view that it holds.
    pub certificate: Option<InView>,
    /// Its latest prepare vote.
    pub vote: Option<InView>,
}

/// What somebody says of itself in order to begin a view: the signed part of a view change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who.
    pub from: ValidatorIndex,
    /// The view that it wants.
    pub view: View,
    /// Everything up to here is final for it.
    pub low: Tip,
    /// The heights from `low + 1` on.
    pub above: Vec<Claim>,
    /// Over the [`Kind::ViewChange`] statement with the hash of the claims.
    pub signature: Signature,
}

impl Claims {
    /// What is said of `height`; nothing where it says nothing.
    pub fn at(&self, height: Height) -> Claim {
        let place = height.get().checked_sub(self.low.height.get()).and_then(|above| above.checked_sub(1));
        let claim = place.and_then(|place| self.above.get(usize::try_from(place).ok()?));
        claim.copied().unwrap_or_default()
    }
}

/// What stands behind claims: a proof of the highest tip, the certificates and the headers that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backing {
    /// Of the highest tip; `None` where that is the tip with which the epoch began.
    pub low: Option<FinalityProof>,
    /// For each height that has any, the certificate of the highest view, ascending by height.
    pub certificates: Vec<Certificate>,
    /// Headers of the blocks that are named, ascending by height and hash.
    pub proposals: Vec<Proposal>,
}

impl Backing {
    /// The certificate for `height`.
    pub fn certificate(&self, height: Height) -> Option<&Certificate> {
        self.certificates.iter().find(|certificate| certificate.height() == height)
    }

    /// The parent of a block whose header is here.
    pub fn parent_of(&self, hash: BlockHash) -> Option<BlockHash> {
        self.proposals.iter().find(|proposal| proposal.hash == hash).map(|proposal| proposal.parent)
    }
}

/// "I want this view", with everything that shows the claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewChange {
    /// The signed part.
    pub claims: Claims,
    /// A certificate for each claim of one, and a header for each block.
    pub backing: Backing,
}

/// "This view begins". What it begins with is not said: everybody computes it from the claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewView {
    /// The coordinator.
    pub from: ValidatorIndex,
    /// The view.
    pub view: View,
    /// From whom it has claims for this view, ascending.
    pub claims: Vec<Claims>,
    /// For the highest tip, and for each height the highest certificate that anybody claims. The headers are those of
    /// which the selection depends.
    pub backing: Backing,
    /// Over the [`Kind::NewView`] statement with the hash of all claims.
    pub signature: Signature,
}

impl NewView {
    /// What [`super::select()`] is given, with the heights' reports in `heights`.
    ///
    /// A claim of a certificate counts where it is the one that is shown, which is the highest of all claims.
    pub fn reports<'a>(&self, heights: &'a mut Vec<Vec<super::HeightReport>>) -> Vec<Report<'a>> {
        heights.clear();
        heights.extend(self.claims.iter().map(|claims| {
            let shown = |claim: &Claim, height: Height| {
                let shown = self.backing.certificate(height).map(Certificate::in_view);
                claim.certificate.filter(|claimed| shown == Some(*claimed))
            };
            let above = claims.above.iter().zip(claims.low.height.get().saturating_add(1)..);
            let report = |(claim, height): (&Claim, u64)| super::HeightReport {
                proven: None,
                certificate: shown(claim, Height::new(height)),
                vote: claim.vote,
            };
            above.map(report).collect()
        }));
        let each = self.claims.iter().zip(heights.iter());
        each.map(|(claims, above)| Report { from: claims.from, low: claims.low, above }).collect()
    }
}

/// Where a peer is. Whoever is ahead of it helps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The view that it is in or waits for.
    pub view: View,
    /// Whether it waits for that view to begin.
    pub waits: bool,
    /// The highest block that is final for it.
    pub tip: Height,
}

/// One message of agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A proposal.
    PrePrepare(Arc<PrePrepare>),
    /// A vote of either kind.
    Vote(Vote),
    /// Somebody leaves its view.
    ViewChange(Arc<ViewChange>),
    /// A view begins.
    NewView(Arc<NewView>),
    /// A block is final.
    Proof(FinalityProof),
    /// Somebody broke the rules.
    Evidence(Arc<Evidence>),
    /// Where the sender is.
    Status(Status),
}
