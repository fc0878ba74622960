//! Whom to believe: the only place where a message becomes a [`Verified`] one.
//!
//! # Model
//! ```text
//!   message --> in bounds, of the right validator, well-formed? --> all its signatures, in one batch --> Verified
//!   vote ----'                                '--> waits, see `polls` ------------------'
//! ```
//! A message that is no vote is verified at once and whole: a view change with the certificates, the proof and the headers that it
//! names, and nothing else; a new view with what [`select()`](super::select()) takes to be computed again. Votes, which are most of what
//! comes, wait until enough are there to matter; then one batch verifies them at about half the price, and late ones often not
//! at all. Good signatures are remembered for a while: in a view change everybody shows the same certificates.
//!
//! # Invariants
//! I1 a message is let through if each signature in it is good, whoever brought it; [`Status`](super::Status) has none.
//! I2 what is refused changes nothing, and blames who brought it rather than in whose name it came.
//! I3 it is a function of what it is told: no clock, no chance.
//!
//! # Limits
//! Votes: see `polls`. View changes of any view pass, as who is behind learns from them; new views from the current view on; proofs above
//! the tip. How often a peer may cost a verification is for the host to bound.
//!
//! # Caller contract
//! Tell it where the engine is with [`Verifier::advance`], after each step that moved it, and what the engine itself says with
//! [`Verifier::sent`]: own votes count towards the thresholds. Call [`Verifier::flush`] when there is nothing else to do, so that the engine
//! sees votes below a quorum too: they tell who lives, and who contradicts himself.

mod alone;
mod batch;
mod committee;
mod polls;
mod refused;
mod scheme;

pub use alone::{verify_evidence, verify_finality};
pub use committee::Committee;
pub use refused::{Culprit, Refused};
pub use scheme::{Ed25519, Scheme};

use super::{Kind, Message, PrePrepare, Statement, Vote};
use crate::types::{Height, ValidatorIndex, View};
use batch::{Batch, Known};
use polls::{Polls, Step, Waiting};

/// Views ahead of the current one of which votes are taken.
pub const VIEWS_AHEAD: u64 = 16;

/// A message whose signatures, certificates and proofs are good, and whose parts are within their bounds. Made here only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified(Message);

impl Verified {
    /// The message.
    pub const fn message(&self) -> &Message {
        &self.0
    }

    /// The message.
    pub fn into_message(self) -> Message {
        self.0
    }

    /// As if it were verified.
    #[cfg(test)]
    pub(crate) const fn unchecked(message: Message) -> Self {
        Self(message)
    }
}

/// What is let through, with who brought it.
pub type Passed = Vec<(Option<ValidatorIndex>, Verified)>;

/// Verifies the messages of one epoch of one chain.
#[derive(Debug)]
pub struct Verifier<S> {
    committee: Committee,
    scheme: S,
    view: View,
    tip: Height,
    polls: Polls,
    known: Known,
}

impl<S: Scheme> Verifier<S> {
    /// At the beginning of the epoch.
    pub fn new(committee: Committee, scheme: S) -> Self {
        let (view, tip) = (View::ORIGIN, committee.base.height);
        Self { committee, scheme, view, tip, polls: Polls::default(), known: Known::default() }
    }

    /// The engine is in `view` or asks for it, and everything up to `tip` is final for it.
    pub fn advance(&mut self, view: View, tip: Height) {
        if (view, tip) != (self.view, self.tip) {
            (self.view, self.tip) = (view, tip);
            self.polls.advance(self.oldest(), tip);
        }
    }

    /// Votes that wait.
    pub const fn waiting(&self) -> usize {
        self.polls.waiting()
    }

    /// Votes of one view ago may be the last that a proof lacks.
    fn oldest(&self) -> View {
        self.view.back(1).unwrap_or(View::ORIGIN)
    }

    /// A message that `from` brought; `None` for no validator. Appends to `out` what is let through by it, be that this message, votes that
    /// waited for it, or nothing yet.
    ///
    /// # Errors
    /// What is wrong with it. [`Refused::Signatures`] may be of votes that came before; what was good beside them is in `out`.
    pub fn take(
        &mut self,
        from: Option<ValidatorIndex>,
        message: Message,
        out: &mut Passed,
    ) -> Result<(), Refused> {
        let mut batch = Batch::new(&self.committee.domain);
        match &message {
            Message::Vote(vote) => return self.take_vote(Waiting { via: from, vote: *vote }, out),
            Message::PrePrepare(of) => {
                near(&self.committee, self.view, self.tip, &of.statement(Kind::Prepare))?;
                self.committee.pre_prepare(of, &mut batch)?;
            }
            Message::ViewChange(change) => self.committee.view_change(change, &mut batch)?,
            Message::NewView(new_view) if new_view.view < self.view => {
                return Err(Refused::View(new_view.view));
            }
            Message::NewView(new_view) => self.committee.new_view(new_view, &mut batch)?,
            Message::Proof(proof) if proof.height() <= self.tip => {
                return Err(Refused::Height(proof.height()));
            }
            Message::Proof(proof) => self.committee.proof(proof, &mut batch)?,
            Message::Evidence(evidence) => {
                committee::evidence(&self.committee.powers, evidence, &mut batch)?;
            }
            Message::Status(_) => {}
        }
        batch.without(|statement, who, signature| {
            self.known.has(statement, who, signature) || self.polls.has(statement, who, signature)
        });
        batch.judge(&self.scheme, from)?;
        if let Message::NewView(new_view) = &message {
            self.committee.selection(new_view)?;
        }
        batch.remember(&mut self.known);
        let proposed = match &message {
            Message::PrePrepare(of) => Some(prepare_of(of)),
            _ => None,
        };
        out.push((from, Verified(message)));
        proposed.map_or(Ok(()), |vote| self.count(&vote, out))
    }

    fn take_vote(&mut self, new: Waiting, out: &mut Passed) -> Result<(), Refused> {
        committee::vote(&self.committee.powers, &new.vote)?;
        near(&self.committee, self.view, self.tip, &new.vote.statement)?;
        let powers = &self.committee.powers;
        match self.polls.put(powers, new) {
            Step::Known => out.push((new.via, Verified(Message::Vote(new.vote)))),
            Step::Ignored => {}
            Step::Waits => {
                let ready = self.polls.ready(powers, &new.vote.statement);
                let due = if self.polls.is_full(powers) { self.polls.drain() } else { Vec::new() };
                return self.decide([ready, due].concat(), out);
            }
            Step::Now(votes) => return self.decide(votes, out),
        }
        Ok(())
    }

    /// The engine says this itself: its votes count without being verified.
    ///
    /// # Errors
    /// As [`Verifier::take`], of votes that waited for this one.
    pub fn sent(&mut self, message: &Message, out: &mut Passed) -> Result<(), Refused> {
        let vote = match message {
            Message::Vote(vote) => *vote,
            Message::PrePrepare(of) => prepare_of(of),
            _ => return Ok(()),
        };
        if near(&self.committee, self.view, self.tip, &vote.statement).is_err() {
            return Ok(());
        }
        self.count(&vote, out)
    }

    /// Verifies all votes that wait, in one batch.
    ///
    /// # Errors
    /// As [`Verifier::take`].
    pub fn flush(&mut self, out: &mut Passed) -> Result<(), Refused> {
        let waiting = self.polls.drain();
        self.decide(waiting, out)
    }

    /// A vote is good that came by another way.
    fn count(&mut self, vote: &Vote, out: &mut Passed) -> Result<(), Refused> {
        let powers = &self.committee.powers;
        let other = self.polls.contradiction(powers, vote);
        self.polls.good(powers, vote);
        let mut due = self.polls.ready(powers, &vote.statement);
        due.extend(other);
        self.decide(due, out)
    }

    /// Verifies votes, lets the good ones through, and goes on while these make others due.
    fn decide(&mut self, mut due: Vec<Waiting>, out: &mut Passed) -> Result<(), Refused> {
        let mut blamed = Vec::new();
        while !due.is_empty() {
            let mut batch = Batch::new(&self.committee.domain);
            due.iter().for_each(|waiting| batch.vote(&waiting.vote));
            let bad = batch.verify(&self.scheme).err().unwrap_or_default();
            blamed.extend(bad.iter().map(|at| batch.culprit(*at, due[*at].via)));
            let powers = &self.committee.powers;
            let mut touched: Vec<Statement> = Vec::new();
            for (at, waiting) in due.iter().enumerate() {
                if touched.last() != Some(&waiting.vote.statement) {
                    touched.push(waiting.vote.statement);
                }
                if bad.binary_search(&at).is_err() && self.polls.good(powers, &waiting.vote) {
                    out.push((waiting.via, Verified(Message::Vote(waiting.vote))));
                }
            }
            let ready = |statement: &Statement| self.polls.ready(powers, statement);
            due = touched.iter().flat_map(ready).collect();
        }
        if blamed.is_empty() { Ok(()) } else { Err(Refused::Signatures(blamed)) }
    }
}

/// The leader's own vote.
fn prepare_of(of: &PrePrepare) -> Vote {
    Vote { from: of.from, statement: of.statement(Kind::Prepare), signature: of.prepare }
}

/// Whether votes there are taken.
fn near(committee: &Committee, view: View, tip: Height, statement: &Statement) -> Result<(), Refused> {
    let oldest = view.back(1).unwrap_or(View::ORIGIN);
    if statement.view < oldest || statement.view.get() > view.get().saturating_add(VIEWS_AHEAD) {
        return Err(Refused::View(statement.view));
    }
    let above = statement.height.get().saturating_sub(tip.get());
    if !(1..=2 * committee.window as u64).contains(&above) {
        return Err(Refused::Height(statement.height));
    }
    Ok(())
}

#[cfg(test)]
mod changes_test;
#[cfg(test)]
mod verify_test;
#[cfg(test)]
mod votes_test;
