//! What a validator knows of a height above its tip, and what it did there.

use super::invariants::{Below, Path, finality, is_certificate};
use super::tally::Tally;
use super::{Certificate, FinalityProof, InView, Kind, PrePrepare, Proposal, Vote};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, Thresholds, Tick, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the host says of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was asked, as of a leader's proposal or again.
    Asked {
        /// As [`super::Effect::Validate`] said.
        again: bool,
    },
    /// The block may follow its parent.
    Valid,
    /// It may not.
    Invalid,
}

/// One height. What is persistent is set before its record is durable; signing waits for that.
#[derive(Clone, Debug)]
pub(super) struct Undecided {
    /// Headers that are known. One for each view at most, and those of certificates.
    pub(super) proposals: BTreeMap<BlockHash, Proposal>,
    /// What the host said of them.
    pub(super) verdicts: BTreeMap<BlockHash, Verdict>,
    /// The block that this view has to prepare: its leader's, or the one that was selected.
    pub(super) accepted: Option<InView>,
    /// Proposals, by their view: the one of this view is said again, later ones wait for theirs.
    pub(super) pre_prepares: BTreeMap<View, Arc<PrePrepare>>,
    /// The view for which a block is being built here.
    pub(super) building: Option<View>,
    /// The signatures under an own proposal, until both are there.
    pub(super) proposing: Option<(InView, Option<Signature>, Option<Signature>)>,
    pub(super) prepares: Tally,
    pub(super) commits: Tally,
    /// Persistent: the latest prepare vote of this validator.
    pub(super) prepared: Option<InView>,
    /// Persistent: its latest commit vote.
    pub(super) committed: Option<InView>,
    /// Persistent: the certificate of the highest view, whose header is known.
    pub(super) certificate: Option<Certificate>,
    /// The own votes of this view, signed, to be said again.
    pub(super) own: [Option<Vote>; 2],
    /// When the certificate of this view came.
    pub(super) certified_at: Option<Tick>,
    /// The fast path is waited for until then.
    pub(super) commit_at: Option<Tick>,
}

impl Undecided {
    pub(super) const fn new(height: Height) -> Self {
        Self {
            proposals: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            accepted: None,
            pre_prepares: BTreeMap::new(),
            building: None,
            proposing: None,
            prepares: Tally::new(Kind::Prepare, height),
            commits: Tally::new(Kind::Commit, height),
            prepared: None,
            committed: None,
            certificate: None,
            own: [None; 2],
            certified_at: None,
            commit_at: None,
        }
    }

    pub(super) fn learn(&mut self, proposal: Proposal) {
        self.proposals.entry(proposal.hash).or_insert(proposal);
    }

    /// The tally of a kind of vote.
    pub(super) fn tally(&mut self, kind: Kind) -> &mut Tally {
        if kind == Kind::Commit { &mut self.commits } else { &mut self.prepares }
    }

    /// A proof that its votes are, of either path.
    pub(super) fn proof(&self, thresholds: &Thresholds) -> Option<FinalityProof> {
        let fast = self.prepares.reached(thresholds.fast()).map(|of| (of, Path::Fast));
        let (of, path) = fast.or_else(|| Some((self.commits.reached(thresholds.slow())?, Path::Slow)))?;
        let (prepares, commits) = (self.prepares.weight(of), self.commits.weight(of));
        assert_eq!(finality(thresholds, prepares, commits), Some(path), "the votes are enough");
        let tally = if path == Path::Fast { &self.prepares } else { &self.commits };
        Some(FinalityProof::of(tally.collect(of)))
    }

    /// A later certificate than the one that is held, where its votes are one and its header is known.
    pub(super) fn new_certificate(&self, thresholds: &Thresholds) -> Option<Certificate> {
        let of = self.prepares.reached(thresholds.slow())?;
        let is_news = self.certificate.as_ref().is_none_or(|held| held.in_view().view < of.view);
        if !is_news || !self.proposals.contains_key(&of.hash) {
            return None;
        }
        assert!(is_certificate(thresholds, self.prepares.weight(of)), "the votes are enough");
        Some(Certificate::of(self.prepares.collect(of)))
    }

    /// The certificate of a view.
    pub(super) fn certified_in(&self, view: View) -> Option<InView> {
        self.certificate.as_ref().map(Certificate::in_view).filter(|certificate| certificate.view == view)
    }

    /// What the height above stands on.
    pub(super) const fn below(&self) -> Below {
        Below { proven: None, prepared: self.prepared, committed: self.committed }
    }

    /// Forgets what belongs to the view that is left, but not what was promised.
    pub(super) fn leave(&mut self, keep_from: View) {
        self.accepted = None;
        self.building = None;
        self.proposing = None;
        self.own = [None; 2];
        self.certified_at = None;
        self.commit_at = None;
        self.prepares.keep_from(keep_from);
        self.commits.keep_from(keep_from);
        self.pre_prepares = self.pre_prepares.split_off(&keep_from);
        let named = self.certificate.as_ref().map(|certificate| certificate.in_view().hash);
        let voted = self.prepared.map(|vote| vote.hash);
        let offered: Vec<BlockHash> = self.pre_prepares.values().map(|of| of.proposal.hash).collect();
        self.proposals
            .retain(|hash, _| Some(*hash) == named || Some(*hash) == voted || offered.contains(hash));
        self.verdicts.retain(|hash, _| self.proposals.contains_key(hash));
    }
}
