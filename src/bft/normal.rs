//! Within a view: propose, prepare, certify, commit.

use super::engine::{Engine, Then};
use super::health::Mode;
use super::invariants::{Below, certificate_to_keep, safe_to_commit, safe_to_prepare, safe_to_sign};
use super::mutant::Mutant;
use super::undecided::{Undecided, Verdict};
use super::{
    Certificate, Effect, HEADER_BYTES_MAX, InView, Kind, Message, PrePrepare, Proposal, Record, Statement,
    Timer, Vote,
};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, Tick, ValidatorIndex, View};
use std::sync::Arc;

impl Engine {
    /// What a block at `height` stands on.
    fn below(&self, height: Height) -> Below {
        if self.tip.height.next() == height {
            return Below { proven: Some(self.tip.hash), ..Below::default() };
        }
        let below = height.back(1).and_then(|below| self.heights.get(&below));
        below.map(Undecided::below).unwrap_or_default()
    }

    /// The block that a proposal for `height` would follow: one that is final, or certified in this view, so that the child does not
    /// wait in vain.
    fn parent_for(&self, height: Height) -> Option<BlockHash> {
        if self.tip.height.next() == height {
            return Some(self.tip.hash);
        }
        let certified = self.heights.get(&height.back(1)?)?.certified_in(self.view)?;
        Some(certified.hash)
    }

    /// Asks for a block where this validator leads and nobody proposed one in this view.
    pub(super) fn propose(&mut self, height: Height, out: &mut Vec<Effect>) {
        if height > self.opened || height <= self.selected {
            return;
        }
        let view = self.view;
        if Some(self.elector.leader(height, view)) != self.settings.place {
            return;
        }
        let Some(parent) = self.parent_for(height) else { return };
        let at = self.heights.entry(height).or_insert_with(|| Undecided::new(height));
        let is_done = at.building == Some(view) || at.prepared.is_some_and(|vote| vote.view >= view);
        if !is_done && at.accepted.is_none() {
            at.building = Some(view);
            out.push(Effect::Build { view, height, parent });
        }
    }

    /// An own block. It is prepared like that of any other leader; its proposal leaves with the vote.
    pub(super) fn on_built(&mut self, view: View, proposal: Proposal) {
        assert!(
            proposal.header.len() <= HEADER_BYTES_MAX,
            "nobody reads a header of {} bytes",
            proposal.header.len()
        );
        let (height, hash) = (proposal.height, proposal.hash);
        let parent = self.parent_for(height);
        let Some(at) = self.heights.get_mut(&height) else { return };
        let is_asked = self.begun && view == self.view && at.building == Some(view);
        if !is_asked || at.accepted.is_some() {
            return;
        }
        if parent != Some(proposal.parent) {
            // The parent was replaced, or is final in a form that the block does not follow: ask again.
            at.building = None;
            return;
        }
        at.accepted = Some(InView::new(view, hash));
        at.verdicts.insert(hash, Verdict::Valid);
        at.proposing = Some((InView::new(view, hash), None, None));
        at.learn(proposal);
    }

    /// A leader's proposal: the first one of its view at its height counts.
    pub(super) fn on_pre_prepare(&mut self, pre_prepare: &Arc<PrePrepare>, out: &mut Vec<Effect>) {
        let (view, height) = (pre_prepare.view, pre_prepare.proposal.height);
        if !self.is_near(view, height) {
            return;
        }
        let statement = pre_prepare.statement(Kind::Prepare);
        self.on_vote(&Vote { from: pre_prepare.from, statement, signature: pre_prepare.prepare }, out);
        let at = self.heights.entry(height).or_insert_with(|| Undecided::new(height));
        let first = Arc::clone(at.pre_prepares.entry(view).or_insert_with(|| Arc::clone(pre_prepare)));
        let of = InView::new(view, pre_prepare.proposal.hash);
        // A second block of the same leader is of use only where an honest validator voted for it.
        if first.proposal.hash == of.hash
            || at.prepares.weight(of) >= self.settings.powers.thresholds().weak()
        {
            at.learn(pre_prepare.proposal.clone());
        }
        self.accept(height);
        self.vote_late(of, height, out);
    }

    /// Takes the leader's proposal for what this view has to prepare, unless the view began with a block here.
    pub(super) fn accept(&mut self, height: Height) {
        let view = self.view;
        if !self.begun || height <= self.selected {
            return;
        }
        if let Some(at) = self.heights.get_mut(&height).filter(|at| at.accepted.is_none()) {
            let hash = at.pre_prepares.get(&view).map(|of| of.proposal.hash);
            at.accepted = hash.map(|hash| InView::new(view, hash));
        }
    }

    /// Has the accepted block checked.
    pub(super) fn validate(&mut self, height: Height, out: &mut Vec<Effect>) {
        let again = height <= self.selected;
        let Some(at) = self.heights.get_mut(&height) else { return };
        let Some(accepted) = at.accepted else { return };
        if at.verdicts.contains_key(&accepted.hash) {
            return;
        }
        let proposal =
            at.proposals.get(&accepted.hash).expect("an accepted block came with its header").clone();
        at.verdicts.insert(accepted.hash, Verdict::Asked { again });
        let proposer = (!again).then(|| (accepted.view, self.elector.leader(height, accepted.view)));
        out.push(Effect::Validate { proposal, proposer });
    }

    /// Guard P: votes for the accepted block once it is valid and stands on a parent that this vote also is for.
    pub(super) fn prepare(&mut self, height: Height, out: &mut Vec<Effect>) {
        let (view, below) = (self.view, self.below(height));
        if self.settings.place.is_none() {
            return;
        }
        let is_careless = self.is_broken(Mutant::NoGuardP);
        let Some(at) = self.heights.get_mut(&height) else { return };
        let Some(vote) = at.accepted.filter(|accepted| accepted.view == view) else { return };
        if at.prepared == Some(vote) || at.verdicts.get(&vote.hash) != Some(&Verdict::Valid) {
            return;
        }
        let proposal = at.proposals.get(&vote.hash).expect("an accepted block came with its header").clone();
        let is_guarded = is_careless || safe_to_prepare(view, proposal.parent, &below);
        if !safe_to_sign(vote, at.prepared, view) || !is_guarded {
            return;
        }
        at.prepared = Some(vote);
        let says = |kind| Then::Sign(Statement::new(kind, view, height, vote.hash));
        let is_own = at.proposing.is_some();
        let then = [is_own.then(|| says(Kind::PrePrepare)), Some(says(Kind::Prepare))];
        self.persist(Record::Prepared { view, proposal }, then.into_iter().flatten(), out);
    }

    /// A proposal leaves once both of its signatures are there.
    pub(super) fn on_proposal_signed(
        &mut self,
        place: ValidatorIndex,
        statement: Statement,
        as_leader: Option<Signature>,
        as_voter: Option<Signature>,
        out: &mut Vec<Effect>,
    ) {
        let Some(at) = self.heights.get_mut(&statement.height) else { return };
        let Some((of, signature, prepare)) = &mut at.proposing else { return };
        if (of.view, of.hash) != (statement.view, statement.hash) {
            return;
        }
        *signature = signature.or(as_leader);
        *prepare = prepare.or(as_voter);
        let (Some(signature), Some(prepare)) = (*signature, *prepare) else { return };
        let view = of.view;
        let proposal = at.proposals.get(&of.hash).expect("an own block is known").clone();
        let proposed = Arc::new(PrePrepare { from: place, view, proposal, signature, prepare });
        at.proposing = None;
        at.pre_prepares.insert(view, Arc::clone(&proposed));
        out.push(Effect::Broadcast(Message::PrePrepare(proposed)));
    }

    /// Keeps a later certificate than the one that is held.
    pub(super) fn certify(&mut self, now: Tick, height: Height, out: &mut Vec<Effect>) {
        let thresholds = *self.settings.powers.thresholds();
        let Some(at) = self.heights.get_mut(&height) else { return };
        if let Some(certificate) = at.new_certificate(&thresholds) {
            let proposal = at.proposals[&certificate.in_view().hash].clone();
            self.keep(now, certificate, proposal, out);
        }
    }

    /// Keeps a certificate, counted here or shown by somebody.
    pub(super) fn keep(
        &mut self,
        now: Tick,
        certificate: Certificate,
        proposal: Proposal,
        out: &mut Vec<Effect>,
    ) {
        let (height, new) = (certificate.height(), certificate.in_view());
        let above = height.get().saturating_sub(self.tip.height.get());
        if !(1..=self.settings.window as u64).contains(&above) {
            return;
        }
        let at = self.heights.entry(height).or_insert_with(|| Undecided::new(height));
        let held = at.certificate.as_ref().map(Certificate::in_view);
        if held == Some(new) || certificate_to_keep(held, new) != new {
            return;
        }
        if new.view == self.view && self.begun {
            at.certified_at = Some(now);
            if self.health.mode_at(height) == Mode::Fast {
                let until = now.after(self.pace.fast(&self.settings));
                at.commit_at = Some(until);
                out.push(Effect::SetTimer { timer: Timer::Fast(height), at: until });
            }
        }
        at.learn(proposal.clone());
        at.certificate = Some(certificate.clone());
        self.persist(Record::Certified { certificate, proposal }, [], out);
    }

    /// Guard C: votes to commit behind a certificate of this view, on a parent that is final or that it committed to.
    pub(super) fn commit(&mut self, now: Tick, height: Height, out: &mut Vec<Effect>) {
        let (view, below) = (self.view, self.below(height));
        let is_careless = self.is_broken(Mutant::NoGuardC);
        let Some(at) = self.heights.get_mut(&height) else { return };
        let Some(vote) = at.certified_in(view) else { return };
        if at.committed == Some(vote) || at.commit_at.is_some_and(|at| now < at) {
            return;
        }
        let Some(parent) = at.proposals.get(&vote.hash).map(|proposal| proposal.parent) else { return };
        let is_guarded = is_careless || safe_to_commit(view, parent, &below);
        if !safe_to_sign(vote, at.committed, view) || !is_guarded {
            return;
        }
        at.committed = Some(vote);
        let says = Statement::new(Kind::Commit, view, height, vote.hash);
        self.persist(Record::Committed { height, vote }, [Then::Sign(says)], out);
    }
}
