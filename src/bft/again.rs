//! Starting, and saying again what may have been lost.

use super::engine::{Engine, Then};
use super::invariants::safe_to_sign;
use super::{Effect, InView, Kind, Message, Record, Statement, Status, Timer, Violation};
use crate::types::{Tick, ValidatorIndex, View};
use std::sync::Arc;

impl Engine {
    /// Puts a record back that was read from disk, if it goes with those before it.
    pub(super) fn remember(&mut self, record: Record) -> Result<(), Violation> {
        if record.height().is_some_and(|height| height <= self.tip.height) {
            return Ok(());
        }
        let current = self.view;
        let once = |height, vote: InView, last| {
            let what = "a vote of its log contradicts another, or the view";
            let may = safe_to_sign(vote, last, current);
            if may { Ok(()) } else { Err(Violation { height, view: vote.view, what }) }
        };
        match record {
            Record::View(view) => self.view = self.view.max(view),
            Record::Prepared { view, proposal } => {
                let (height, vote) = (proposal.height, InView::new(view, proposal.hash));
                let at = self.at(height);
                once(height, vote, at.prepared)?;
                at.prepared = Some(vote);
                at.learn(proposal);
                self.view = view;
            }
            Record::Certified { certificate, proposal } => {
                let at = self.at(proposal.height);
                at.certificate = Some(certificate);
                at.learn(proposal);
            }
            Record::Final(proof) => {
                self.heights.retain(|height, _| *height > proof.height());
                self.tip = proof.tip();
                self.opened = self.opened.max(proof.height());
                self.selected = self.selected.max(proof.height());
                self.proof = Some(proof);
            }
            Record::Committed { height, vote } => {
                let at = self.at(height);
                once(height, vote, at.committed)?;
                at.committed = Some(vote);
                self.view = vote.view;
            }
        }
        Ok(())
    }

    pub(super) fn start(&mut self, now: Tick, out: &mut Vec<Effect>) {
        out.push(Effect::Entered { view: self.view, begun: self.begun });
        self.tell_status(out);
        self.arm_resend(now, out);
        if self.begun {
            self.resume();
            return self.sign_again(out);
        }
        // Whether the view has begun elsewhere is not known: ask for it, and for the next one if nobody answers.
        self.draft_view_change(out);
        let at = now.after(self.pace.view(&self.settings));
        self.begin_until = Some(at);
        out.push(Effect::SetTimer { timer: Timer::NewView, at });
    }

    /// In a view that begins again after a restart: what was voted for in it was its block.
    pub(super) fn resume(&mut self) {
        let (view, selected) = (self.view, self.selected);
        for (height, at) in &mut self.heights {
            let Some(vote) = at.prepared.filter(|vote| vote.view == view) else { continue };
            at.accepted = Some(vote);
            if *height > selected && Some(self.elector.leader(*height, view)) == self.settings.place {
                at.proposing = Some((vote, None, None));
            }
        }
    }

    /// Asks for the signatures of this view that a restart has lost. Their records are durable.
    fn sign_again(&self, out: &mut Vec<Effect>) {
        let is_waiting = |statement: &Statement| {
            self.waiting.iter().any(|(_, then)| matches!(then, Then::Sign(waits) if waits == statement))
        };
        for (height, at) in &self.heights {
            let votes = [
                (Kind::PrePrepare, at.proposing.map(|(of, ..)| of).filter(|of| at.prepared == Some(*of))),
                (Kind::Prepare, at.prepared.filter(|_| at.own[0].is_none())),
                (Kind::Commit, at.committed.filter(|_| at.own[1].is_none())),
            ];
            for (kind, vote) in votes {
                let Some(vote) = vote.filter(|vote| vote.view == self.view) else { continue };
                let statement = Statement::new(kind, vote.view, *height, vote.hash);
                if !is_waiting(&statement) {
                    out.push(Effect::Sign(statement));
                }
            }
        }
    }

    fn tell_status(&self, out: &mut Vec<Effect>) {
        let status = Status { view: self.view, waits: !self.begun, tip: self.tip.height };
        out.push(Effect::Broadcast(Message::Status(status)));
    }

    /// Says again where this validator is, and what it said of what is not final.
    pub(super) fn say_again(&mut self, now: Tick, out: &mut Vec<Effect>) {
        self.tell_status(out);
        self.arm_resend(now, out);
        let Some(place) = self.settings.place else { return };
        if !self.begun {
            let own = self.changes.get(&place).filter(|change| change.claims.view == self.view);
            match own {
                Some(change) => out.push(Effect::Broadcast(Message::ViewChange(Arc::clone(change)))),
                // Not before it is durable that the view was left.
                None if self.waiting.iter().any(|(_, then)| matches!(then, Then::Leave(_))) => {}
                None => self.draft_view_change(out),
            }
            return;
        }
        self.sign_again(out);
        for at in self.heights.values() {
            if let Some(pre_prepare) = at.pre_prepares.get(&self.view).filter(|_| at.accepted.is_some()) {
                out.push(Effect::Broadcast(Message::PrePrepare(Arc::clone(pre_prepare))));
            }
            out.extend(at.own.iter().flatten().map(|vote| Effect::Broadcast(Message::Vote(*vote))));
        }
    }

    /// Helps a peer that is behind, not more often than it would ask by itself.
    pub(super) fn on_status(
        &mut self,
        now: Tick,
        from: Option<ValidatorIndex>,
        status: Status,
        out: &mut Vec<Effect>,
    ) {
        let Some(to) = from.filter(|from| self.settings.powers.of(*from).is_some()) else { return };
        let is_early = |helped: &Tick| now.since(*helped) < self.pace.again(&self.settings) / 2;
        let lacks_view = self.begun
            && self.view > View::ORIGIN
            && (status.view < self.view || (status.view == self.view && status.waits));
        let lacks_tip = status.tip < self.tip.height;
        if !(lacks_view || lacks_tip) || self.helped.get(&to).is_some_and(is_early) {
            return;
        }
        self.helped.insert(to, now);
        if let Some(proof) = self.proof.clone().filter(|_| lacks_tip) {
            out.push(Effect::Send { to, message: Message::Proof(proof) });
        }
        if let Some(new_view) = self.new_view.clone().filter(|_| lacks_view) {
            out.push(Effect::Send { to, message: Message::NewView(new_view) });
        }
    }
}
