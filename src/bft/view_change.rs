//! From one view to the next: leave, tell what was done, begin with what was selected.

use super::engine::{Engine, Then};
use super::mutant::{Mutant, select_by_certificates};
use super::undecided::{Undecided, Verdict};
use super::{
    Backing, Certificate, Claim, Claims, Effect, InView, Message, NewView, Powers, Record, Statement, Timer,
    Tip, ViewChange, false_claims, select,
};
use crate::crypto::ed25519::Signature;
use crate::types::{Height, Tick, ValidatorIndex, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who left alone is joined after so many heights, the first time.
const COURTESY_HEIGHTS: u64 = 8;
/// That is doubled no more often.
const COURTESY_DOUBLINGS_MAX: u32 = 7;

/// Where a signature is not there yet.
const UNSIGNED: Signature = Signature::new([0; Signature::BYTES]);

impl Engine {
    /// Asks for a later view. From here on nothing is signed in an earlier one.
    pub(super) fn leave(&mut self, now: Tick, view: View, out: &mut Vec<Effect>) {
        assert!(view > self.view, "views only rise");
        self.pace.failed();
        self.enter(view, false, out);
        self.persist(Record::View(view), [Then::Leave(view)], out);
        self.arm_resend(now, out);
        self.wait_for_begin(now, out);
    }

    fn enter(&mut self, view: View, begun: bool, out: &mut Vec<Effect>) {
        self.view = view;
        self.begun = begun;
        self.new_view = None;
        self.leaving = None;
        self.leading = None;
        self.view_until = None;
        self.begin_until = None;
        self.selected = self.tip.height;
        // Nothing that waits for the disk is still to be said. A slow one would hold it for all views that pass meanwhile.
        self.waiting.clear();
        let oldest = self.oldest_view();
        self.heights.values_mut().for_each(|at| at.leave(oldest));
        out.push(Effect::Entered { view, begun });
    }

    /// What this validator says of itself, once it is durable that it left.
    pub(super) fn draft_view_change(&mut self, out: &mut Vec<Effect>) {
        let Some(place) = self.settings.place else { return };
        let (mut above, mut backing) =
            (Vec::new(), Backing { low: self.proof.clone(), ..Backing::default() });
        let heights = (1..=self.settings.window as u64).map(|above| self.tip.height.forward(above));
        for at in heights.map(|height| self.heights.get(&height)) {
            let certificate = at.and_then(|at| at.certificate.as_ref());
            let is_told = !self.is_broken(Mutant::VotesNotReported);
            let vote = at.and_then(|at| at.prepared).filter(|_| is_told);
            let claim = Claim { certificate: certificate.map(Certificate::in_view), vote };
            above.push(claim);
            let mut named: Vec<_> =
                [claim.certificate, claim.vote].into_iter().flatten().map(|of| of.hash).collect();
            named.sort_unstable();
            named.dedup();
            backing.certificates.extend(certificate.cloned());
            let header =
                |hash| at.and_then(|at| at.proposals.get(&hash)).expect("headers of what was voted are kept");
            backing.proposals.extend(named.into_iter().map(|hash| header(hash).clone()));
        }
        while above.last() == Some(&Claim::default()) {
            above.pop();
        }
        let claims = Claims { from: place, view: self.view, low: self.tip, above, signature: UNSIGNED };
        if claims.above.iter().any(|claim| claim.vote.is_some_and(|vote| vote.view >= self.view)) {
            // It voted in this view before it was restarted: others have begun it and will say so.
            return;
        }
        out.push(Effect::Sign(claims.statement()));
        self.leaving = Some(ViewChange { claims, backing });
    }

    pub(super) fn on_view_change_signed(
        &mut self,
        now: Tick,
        statement: Statement,
        signature: Signature,
        out: &mut Vec<Effect>,
    ) {
        let Some(mut change) = self.leaving.take_if(|change| change.claims.statement() == statement) else {
            return;
        };
        change.claims.signature = signature;
        let change = Arc::new(change);
        out.push(Effect::Broadcast(Message::ViewChange(Arc::clone(&change))));
        self.on_view_change(now, &change, out);
    }

    /// Somebody asks for a view.
    pub(super) fn on_view_change(&mut self, now: Tick, change: &Arc<ViewChange>, out: &mut Vec<Effect>) {
        let claims = &change.claims;
        if self.changes.get(&claims.from).is_some_and(|known| known.claims.view > claims.view) {
            return;
        }
        let votes = self
            .heights
            .values()
            .flat_map(|at| at.prepares.of(claims.from).chain(at.commits.of(claims.from)));
        let offence = votes.filter_map(|vote| false_claims(vote, claims)).next();
        if let Some(evidence) = offence {
            self.on_evidence(evidence, out);
        }
        self.changes.insert(claims.from, Arc::clone(change));
        self.use_backing(now, &change.backing, out);
        self.join(now, out);
        self.wait_for_begin(now, out);
        self.lead_view(out);
    }

    /// Joins somebody who left alone, say after a pause of its process: it cannot come back to the view that it left, and the fast path
    /// lacks its vote until there is another one. Liars gain little: each time, the same validator has to wait for twice as many heights.
    pub(super) fn be_courteous(&mut self, now: Tick, out: &mut Vec<Effect>) {
        if !self.begun || self.settings.place.is_none() {
            return;
        }
        let (view, tip) = (self.view, self.tip.height);
        self.alone.retain(|of, _| self.changes.get(of).is_some_and(|change| change.claims.view > view));
        let later = self.changes.values().map(|change| &change.claims).filter(|claims| claims.view > view);
        let mut joined = None;
        for claims in later {
            let since = *self.alone.entry(claims.from).or_insert(tip);
            let courtesies = self.courtesies.get(&claims.from).copied().unwrap_or(0);
            let patience = COURTESY_HEIGHTS << courtesies.min(COURTESY_DOUBLINGS_MAX);
            if tip.get() - since.get() >= patience {
                joined = Some(claims.from);
            }
        }
        if let Some(of) = joined {
            *self.courtesies.entry(of).or_default() += 1;
            // One view on, whatever it asks for: a liar's view would be out of the others' reach.
            self.leave(now, view.next(), out);
        }
    }

    /// Proofs and certificates are as good as own ones, whoever shows them.
    fn use_backing(&mut self, now: Tick, backing: &Backing, out: &mut Vec<Effect>) {
        if let Some(proof) = &backing.low {
            self.on_proof(proof.clone(), out);
        }
        for certificate in &backing.certificates {
            let hash = certificate.in_view().hash;
            if let Some(proposal) = backing.proposals.iter().find(|proposal| proposal.hash == hash) {
                self.keep(now, certificate.clone(), proposal.clone(), out);
            }
        }
    }

    /// Joins those that left, once an honest one is among them: the lowest view that any of them asks for.
    fn join(&mut self, now: Tick, out: &mut Vec<Effect>) {
        if self.settings.place.is_none() {
            return;
        }
        let later =
            || self.changes.values().map(|change| &change.claims).filter(|claims| claims.view > self.view);
        let weight = self.settings.powers.weight(later().map(|claims| claims.from));
        let lowest = later().map(|claims| claims.view).min();
        if let Some(view) = lowest.filter(|_| weight >= self.settings.powers.thresholds().weak()) {
            self.leave(now, view, out);
        }
    }

    fn asked(&self) -> impl Iterator<Item = &Arc<ViewChange>> {
        self.changes.values().filter(|change| change.claims.view == self.view)
    }

    fn is_asked_by_enough(&self) -> bool {
        let weight = self.settings.powers.weight(self.asked().map(|change| change.claims.from));
        weight >= self.settings.powers.thresholds().view_change()
    }

    /// Whether enough have left all views before this one. Who asks for a later one does not come back: counting only those that
    /// ask for the same, two views could wait for each other's validators for ever.
    fn is_awaited_by_enough(&self) -> bool {
        let here =
            self.changes.values().map(|change| &change.claims).filter(|claims| claims.view >= self.view);
        let weight = self.settings.powers.weight(here.map(|claims| claims.from));
        weight >= self.settings.powers.thresholds().view_change()
    }

    /// The view does not begin. Who was restarted does not know whether it has begun elsewhere, and goes on asking until enough have left;
    /// but in a view in which it voted it has nothing to ask for.
    pub(super) fn give_up_waiting(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let has_voted =
            self.heights.values().any(|at| at.prepared.is_some_and(|vote| vote.view == self.view));
        if has_voted || self.is_awaited_by_enough() {
            return self.leave(now, self.view.next(), out);
        }
        let at = now.after(self.pace.view(&self.settings));
        self.begin_until = Some(at);
        out.push(Effect::SetTimer { timer: Timer::NewView, at });
    }

    /// The coordinator has a limited time from when it can begin the view; not before, or validators would run away from each other.
    fn wait_for_begin(&mut self, now: Tick, out: &mut Vec<Effect>) {
        if !self.begun && self.begin_until.is_none() && self.is_awaited_by_enough() {
            let at = now.after(self.pace.new_view(&self.settings));
            self.begin_until = Some(at);
            out.push(Effect::SetTimer { timer: Timer::NewView, at });
        }
    }

    /// Begins the view that enough ask for, where this validator coordinates it.
    fn lead_view(&mut self, out: &mut Vec<Effect>) {
        let (view, place) = (self.view, self.settings.place);
        let is_mine = !self.begun && place == Some(self.elector.coordinator(view)) && self.leading.is_none();
        let Some(from) = place.filter(|_| is_mine && self.is_asked_by_enough()) else { return };
        let changes: Vec<&Arc<ViewChange>> = self.asked().collect();
        let new_view = NewView::of(from, view, &changes, &self.settings.powers, self.settings.window);
        out.push(Effect::Sign(new_view.statement()));
        self.leading = Some(new_view);
    }

    pub(super) fn on_new_view_signed(
        &mut self,
        now: Tick,
        statement: Statement,
        signature: Signature,
        out: &mut Vec<Effect>,
    ) {
        let Some(mut new_view) = self.leading.take_if(|new_view| new_view.statement() == statement) else {
            return;
        };
        new_view.signature = signature;
        let new_view = Arc::new(new_view);
        out.push(Effect::Broadcast(Message::NewView(Arc::clone(&new_view))));
        self.on_new_view(now, &new_view, out);
    }

    /// A view begins, with the blocks that everybody selects from the same claims.
    pub(super) fn on_new_view(&mut self, now: Tick, new_view: &Arc<NewView>, out: &mut Vec<Effect>) {
        let view = new_view.view;
        if view < self.view || (view == self.view && self.begun) {
            return;
        }
        let mut heights = Vec::new();
        let reports = new_view.reports(&mut heights);
        let backing = &new_view.backing;
        let (powers, window) = (&self.settings.powers, self.settings.window);
        let selected = if self.is_broken(Mutant::CertificateBeatsVotes) {
            select_by_certificates(powers, window, &reports, |hash| backing.parent_of(hash))
        } else {
            select(powers, window, &reports, |hash| backing.parent_of(hash))
        };
        let Ok(selection) = selected else { return };
        let is_later = view > self.view;
        self.enter(view, true, out);
        if is_later {
            self.pace.failed();
            self.persist(Record::View(view), [], out);
        }
        self.new_view = Some(Arc::clone(new_view));
        self.use_backing(now, backing, out);
        for (chosen, height) in selection.chosen().iter().zip(selection.base().height.get() + 1..) {
            let height = Height::new(height);
            self.selected = self.selected.max(height);
            if height > self.tip.height {
                let of_it = backing.proposals.iter().find(|proposal| proposal.hash == chosen.hash);
                let at = self.heights.entry(height).or_insert_with(|| Undecided::new(height));
                at.learn(of_it.expect("what is selected was known to select").clone());
                at.accepted = Some(InView::new(view, chosen.hash));
                // What depended on the time of day is asked without it now.
                if at.verdicts.get(&chosen.hash) != Some(&Verdict::Valid) {
                    at.verdicts.remove(&chosen.hash);
                }
            }
        }
        self.resume();
        let open: Vec<Height> = self.heights.keys().copied().collect();
        open.into_iter().for_each(|height| self.accept(height));
    }
}

impl NewView {
    /// What begins `view` with these changes, which are in the order of their validators. It is not signed yet.
    pub fn of(
        from: ValidatorIndex,
        view: View,
        changes: &[&Arc<ViewChange>],
        powers: &Powers,
        window: usize,
    ) -> Self {
        let claims: Vec<Claims> = changes.iter().map(|change| change.claims.clone()).collect();
        let mut new_view = Self { from, view, claims, backing: highest(changes), signature: UNSIGNED };
        keep_what_counts(&mut new_view, powers, window);
        new_view
    }
}

/// The highest tip's proof, and for each height above it the highest certificate that any of them shows, with all headers.
fn highest(changes: &[&Arc<ViewChange>]) -> Backing {
    let of_tip = changes
        .iter()
        .max_by_key(|change| (change.claims.low.height, std::cmp::Reverse(change.claims.low.hash)));
    let low = of_tip.and_then(|change| change.backing.low.clone());
    let base = of_tip.map_or(Tip::default(), |change| change.claims.low);
    let mut certificates: BTreeMap<Height, Certificate> = BTreeMap::new();
    let mut proposals = BTreeMap::new();
    for change in changes {
        for certificate in change.backing.certificates.iter().filter(|of| of.height() > base.height) {
            let highest = certificates.entry(certificate.height()).or_insert_with(|| certificate.clone());
            if highest.in_view().view < certificate.in_view().view {
                *highest = certificate.clone();
            }
        }
        for proposal in &change.backing.proposals {
            proposals.insert((proposal.height, proposal.hash), proposal.clone());
        }
    }
    Backing {
        low,
        certificates: certificates.into_values().collect(),
        proposals: proposals.into_values().collect(),
    }
}

/// Drops the headers that nobody needs in order to select, or to keep a certificate.
fn keep_what_counts(new_view: &mut NewView, powers: &Powers, window: usize) {
    let mut heights = Vec::new();
    let reports = new_view.reports(&mut heights);
    let needed = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let _ = select(powers, window, &reports, |hash| {
        needed.borrow_mut().insert(hash);
        new_view.backing.parent_of(hash)
    });
    let mut needed = needed.into_inner();
    needed.extend(new_view.backing.certificates.iter().map(|certificate| certificate.in_view().hash));
    new_view.backing.proposals.retain(|proposal| needed.contains(&proposal.hash));
}
