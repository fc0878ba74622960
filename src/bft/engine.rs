//! The state of one validator, and which part of it an input concerns.

use super::health::Health;
use super::invariants::Path;
use super::mutant::Mutant;
use super::pace::Pace;
use super::tally::Counted;
use super::undecided::Undecided;
use super::verify::VIEWS_AHEAD;
use super::{
    Effect, Elector, FinalityProof, InView, Input, Kind, Message, NewView, Record, RecordId, Recovered,
    Settings, Statement, Timer, Tip, ViewChange, Violation, Vote, equivocation, false_claims,
};
use crate::crypto::ed25519::Signature;
use crate::types::{Height, Tick, ValidatorIndex, View};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

/// Votes of so many views before the own one still count: they may be the last that a proof lacks.
pub(super) const VIEWS_BEHIND: u64 = 1;

/// What waits for a record to be durable.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// Sign this, if it is still to be said.
    Sign(Statement),
    /// Say what was done in the views before this one.
    Leave(View),
}

/// One validator's part of the agreement of one chain in one epoch.
pub struct Engine {
    pub(super) settings: Settings,
    pub(super) elector: Arc<dyn Elector>,
    /// Persistent: the view that it is in or asks for.
    pub(super) view: View,
    /// Whether that view has begun here.
    pub(super) begun: bool,
    pub(super) tip: Tip,
    /// Of the tip; `None` where that is the block with which the epoch began.
    pub(super) proof: Option<FinalityProof>,
    /// Leaders may propose up to here.
    pub(super) opened: Height,
    /// Up to here the blocks of this view were selected; leaders propose above.
    pub(super) selected: Height,
    pub(super) heights: BTreeMap<Height, Undecided>,
    /// Who asks for a later view alone, and the tip when it began to.
    pub(super) alone: BTreeMap<ValidatorIndex, Height>,
    /// How often each of them was joined.
    pub(super) courtesies: BTreeMap<ValidatorIndex, u32>,
    /// The latest view change of each validator.
    pub(super) changes: BTreeMap<ValidatorIndex, Arc<ViewChange>>,
    /// With what the view began, to be told to who is behind.
    pub(super) new_view: Option<Arc<NewView>>,
    /// The own view change and new view, until they are signed.
    pub(super) leaving: Option<ViewChange>,
    pub(super) leading: Option<NewView>,
    next_record: RecordId,
    pub(super) waiting: VecDeque<(RecordId, Then)>,
    pub(super) pace: Pace,
    pub(super) health: Health,
    /// When the view is given up; `None` while nobody has to propose anything.
    pub(super) view_until: Option<Tick>,
    /// When a view that enough want is given up.
    pub(super) begin_until: Option<Tick>,
    /// Who was helped when.
    pub(super) helped: BTreeMap<ValidatorIndex, Tick>,
    /// The latest view in which each of them was shown to break a rule, by whether it voted twice.
    pub(super) blamed: BTreeMap<(ValidatorIndex, bool), View>,
    #[cfg(any(test, feature = "sim"))]
    pub(super) mutant: Option<Mutant>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (view, begun, tip) = (self.view, self.begun, self.tip);
        write!(
            f,
            "Engine({:?} in view {view}{} at {})",
            self.settings.place,
            if begun { "" } else { "?" },
            tip.height
        )
    }
}

impl Engine {
    /// A validator as its disk left it. Nothing happens before [`Input::Started`].
    ///
    /// # Errors
    /// The records contradict each other: this log is not what was written, or not all of it, and who goes by it must not vote.
    pub fn new(
        settings: Settings,
        elector: Arc<dyn Elector>,
        recovered: Recovered,
    ) -> Result<Self, Violation> {
        let thresholds = settings.powers.thresholds();
        let health = Health::new(thresholds.slack(), thresholds.total());
        // The base has a proof too, of the epoch before: nobody here can verify it.
        let proof = recovered.tip.filter(|proof| proof.height() > settings.base.height);
        let tip = proof.as_ref().map_or(settings.base, FinalityProof::tip);
        let mut engine = Self {
            elector,
            view: View::ORIGIN,
            begun: true,
            tip,
            proof,
            opened: tip.height,
            selected: tip.height,
            heights: BTreeMap::new(),
            alone: BTreeMap::new(),
            courtesies: BTreeMap::new(),
            changes: BTreeMap::new(),
            new_view: None,
            leaving: None,
            leading: None,
            next_record: RecordId(1),
            waiting: VecDeque::new(),
            pace: Pace::new(),
            health,
            view_until: None,
            begin_until: None,
            helped: BTreeMap::new(),
            blamed: BTreeMap::new(),
            #[cfg(any(test, feature = "sim"))]
            mutant: None,
            settings,
        };
        recovered.records.into_iter().try_for_each(|record| engine.remember(record))?;
        engine.begun = engine.view == View::ORIGIN || engine.settings.place.is_none();
        engine.check().map(|()| engine)
    }

    /// Consumes one input; appends, in order, what the host must do.
    pub fn step(&mut self, now: Tick, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Started => self.start(now, out),
            Input::Received { from, message } => self.on_message(now, from, message.into_message(), out),
            Input::Opened(height) => self.opened = self.opened.max(height),
            Input::Built { view, proposal } => self.on_built(view, proposal),
            Input::Validated { hash, again, valid } => self.on_validated(hash, again, valid, out),
            Input::Durable(id) => self.on_durable(id, out),
            Input::Signed { statement, signature } => self.on_signed(now, statement, signature, out),
            Input::Expired(timer) => self.on_expired(now, timer, out),
            Input::RoundTrip { peer, took } => {
                if self.settings.powers.of(peer).is_some() {
                    self.pace.round_trip(peer, took);
                }
            }
        }
        self.settle(now, out);
        debug_assert_eq!(self.check(), Ok(()));
    }

    fn on_message(
        &mut self,
        now: Tick,
        from: Option<ValidatorIndex>,
        message: Message,
        out: &mut Vec<Effect>,
    ) {
        match message {
            Message::PrePrepare(pre_prepare) => self.on_pre_prepare(&pre_prepare, out),
            Message::Vote(vote) => self.on_vote(&vote, out),
            Message::Evidence(evidence) => self.on_evidence((*evidence).clone(), out),
            Message::ViewChange(change) => self.on_view_change(now, &change, out),
            Message::NewView(new_view) => self.on_new_view(now, &new_view, out),
            Message::Proof(proof) => self.on_proof(proof, out),
            Message::Status(status) => self.on_status(now, from, status, out),
        }
    }

    /// Counts a vote, and sees whether it goes with what else its validator signed.
    pub(super) fn on_vote(&mut self, vote: &Vote, out: &mut Vec<Effect>) {
        let Statement { kind, view, height, .. } = vote.statement;
        if !self.is_near(view, height) {
            return;
        }
        let powers = &self.settings.powers;
        let at = self.heights.entry(height).or_insert_with(|| Undecided::new(height));
        let counted = at.tally(kind).count(powers, vote);
        let offence = match counted {
            Counted::Known => None,
            Counted::Conflict(first) => equivocation(first, *vote),
            Counted::New => {
                self.changes.get(&vote.from).and_then(|change| false_claims(*vote, &change.claims))
            }
        };
        if let Some(evidence) = offence {
            self.on_evidence(evidence, out);
        }
    }

    /// Whether votes for this height and view are counted.
    pub(super) fn is_near(&self, view: View, height: Height) -> bool {
        let above = height.get().saturating_sub(self.tip.height.get());
        (1..=2 * self.settings.window as u64).contains(&above)
            && view >= self.oldest_view()
            && view.get() <= self.view.get().saturating_add(VIEWS_AHEAD)
    }

    pub(super) fn oldest_view(&self) -> View {
        self.view.back(VIEWS_BEHIND).unwrap_or(View::ORIGIN)
    }

    /// Makes something durable, and does `then` once it is.
    pub(super) fn persist(
        &mut self,
        record: Record,
        then: impl IntoIterator<Item = Then>,
        out: &mut Vec<Effect>,
    ) {
        if self.settings.place.is_none() {
            return;
        }
        let id = self.next_record;
        self.next_record = RecordId(id.0 + 1);
        self.waiting.extend(then.into_iter().map(|then| (id, then)));
        if self.is_broken(Mutant::VotesNotLogged) {
            return self.on_durable(id, out);
        }
        out.push(Effect::Persist { id, record });
    }

    fn on_durable(&mut self, upto: RecordId, out: &mut Vec<Effect>) {
        while self.waiting.front().is_some_and(|(id, _)| *id <= upto) {
            let Some((_, then)) = self.waiting.pop_front() else { return };
            match then {
                Then::Sign(statement) if statement.view == self.view && self.begun => {
                    out.push(Effect::Sign(statement))
                }
                Then::Leave(view) if view == self.view && !self.begun => self.draft_view_change(out),
                // The view was left: what was promised in it is told in the view change, not said any more (I2).
                Then::Sign(_) | Then::Leave(_) => {}
            }
        }
    }

    fn on_signed(&mut self, now: Tick, statement: Statement, signature: Signature, out: &mut Vec<Effect>) {
        let Some(place) = self.settings.place else { return };
        if statement.view != self.view {
            return self.say_late(place, statement, signature, out);
        }
        match statement.kind {
            Kind::Prepare | Kind::Commit | Kind::PrePrepare if !self.begun => {}
            Kind::PrePrepare => self.on_proposal_signed(place, statement, Some(signature), None, out),
            Kind::Prepare | Kind::Commit => self.on_vote_signed(place, statement, signature, out),
            Kind::ViewChange => self.on_view_change_signed(now, statement, signature, out),
            Kind::NewView => self.on_new_view_signed(now, statement, signature, out),
        }
    }

    fn on_vote_signed(
        &mut self,
        place: ValidatorIndex,
        statement: Statement,
        signature: Signature,
        out: &mut Vec<Effect>,
    ) {
        let Some(at) = self.heights.get_mut(&statement.height) else { return };
        let promised = if statement.kind == Kind::Commit { at.committed } else { at.prepared };
        if promised.is_none_or(|vote| (vote.view, vote.hash) != (statement.view, statement.hash)) {
            return;
        }
        let vote = Vote { from: place, statement, signature };
        at.own[usize::from(statement.kind == Kind::Commit)] = Some(vote);
        let rides_along = statement.kind == Kind::Prepare && at.proposing.is_some();
        self.on_vote(&vote, out);
        if rides_along {
            self.on_proposal_signed(place, statement, None, Some(signature), out);
        } else {
            out.push(Effect::Broadcast(Message::Vote(vote)));
        }
    }

    fn on_expired(&mut self, now: Tick, timer: Timer, out: &mut Vec<Effect>) {
        let is_over = |until: Option<Tick>| until.is_some_and(|until| now >= until);
        match timer {
            Timer::View if self.begun && is_over(self.view_until) => self.leave(now, self.view.next(), out),
            Timer::NewView if !self.begun && is_over(self.begin_until) => self.give_up_waiting(now, out),
            Timer::Resend => self.say_again(now, out),
            // Looked at by `settle`.
            Timer::View | Timer::NewView | Timer::Fast(_) => {}
        }
    }

    /// Does everything that has become possible, lowest height first.
    fn settle(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let thresholds = *self.settings.powers.thresholds();
        let mut proven = self.heights.values().rev().find_map(|at| at.proof(&thresholds));
        if self.is_broken(Mutant::CertificateIsFinal) {
            proven = proven.or_else(|| self.taken_for_final());
        }
        if let Some(proof) = proven {
            self.judge_health(now, &proof);
            self.finalize(proof, out);
        }
        let mut height = self.tip.height.next();
        for _ in 0..self.settings.window {
            self.certify(now, height, out);
            if self.begun && self.settings.place.is_some() {
                self.propose(height, out);
                self.validate(height, out);
                self.prepare(height, out);
                self.commit(now, height, out);
            }
            height = height.next();
        }
        self.be_courteous(now, out);
        self.leave_liar(now, out);
        self.watch(now, out);
    }

    /// What the votes for a block say of the network, when they have made it final.
    fn judge_health(&mut self, now: Tick, proof: &FinalityProof) {
        let Some(at) = self.heights.get(&proof.height()) else { return };
        let total = self.settings.powers.thresholds().total();
        let heard = at.prepares.weight(InView::new(proof.view(), proof.hash())).min(total);
        let missing = (total - heard).saturating_mul(1_000) / total;
        let is_fast = proof.path() == Path::Fast;
        if let Some(since) = at.certified_at.filter(|_| is_fast) {
            self.pace.fast_came_after(now.since(since));
        }
        self.health.finalized(proof.height(), is_fast, missing as u32);
    }

    /// Everything up to this block is final: forgets its height and those below.
    pub(super) fn finalize(&mut self, proof: FinalityProof, out: &mut Vec<Effect>) {
        let (height, before) = (proof.height(), self.tip.height);
        assert!(height > before, "finality never moves back");
        let mut at = self.heights.remove(&height);
        self.heights.retain(|of, _| *of > height);
        self.tip = proof.tip();
        self.proof = Some(proof.clone());
        self.pace.succeeded();
        self.view_until = None;
        self.waiting.retain(|(_, then)| !matches!(then, Then::Sign(statement) if statement.height <= height));
        let proposal = at.as_mut().and_then(|at| at.proposals.remove(&proof.hash()));
        if height.get() - before.get() > self.settings.window as u64 {
            // These heights went by without it: they say nothing of who is alone.
            self.alone.clear();
        }
        self.persist(Record::Final(proof.clone()), [], out);
        out.push(Effect::Finalize { proof, proposal });
    }

    /// A proof that somebody else made.
    pub(super) fn on_proof(&mut self, proof: FinalityProof, out: &mut Vec<Effect>) {
        if proof.height() > self.tip.height {
            self.finalize(proof, out);
        }
    }

    /// Whether a leader is waited for, and until when.
    fn watch(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let is_due =
            self.begun && self.settings.place.is_some() && self.opened.max(self.selected) > self.tip.height;
        if is_due && self.view_until.is_none() {
            let at = now.after(self.pace.view(&self.settings));
            self.view_until = Some(at);
            out.push(Effect::SetTimer { timer: Timer::View, at });
        }
    }

    /// What is known of a height above the tip.
    pub(super) fn at(&mut self, height: Height) -> &mut Undecided {
        self.heights.entry(height).or_insert_with(|| Undecided::new(height))
    }

    /// When what may be lost is said again: while a view is waited for, in time for its coordinator.
    pub(super) fn arm_resend(&self, now: Tick, out: &mut Vec<Effect>) {
        let again = self.pace.again(&self.settings);
        let at =
            now.after(if self.begun { again } else { again.min(self.pace.new_view(&self.settings) / 2) });
        out.push(Effect::SetTimer { timer: Timer::Resend, at });
    }
}
