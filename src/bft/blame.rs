//! Who broke a rule, and what follows from it.

use super::engine::Engine;
use super::undecided::Verdict;
use super::{Effect, Evidence, Message};
use crate::types::{BlockHash, Tick};
use std::sync::Arc;

impl Engine {
    /// Blames each validator once for each kind of offence, which is enough for what follows from it, and tells the others of each view
    /// in which it goes on.
    pub(super) fn on_evidence(&mut self, evidence: Evidence, out: &mut Vec<Effect>) {
        let key = (evidence.offender(), matches!(evidence, Evidence::Equivocation { .. }));
        let (view, known) = (evidence.view(), self.blamed.get(&key).copied());
        if known.is_some_and(|known| known >= view) {
            return;
        }
        self.blamed.insert(key, view);
        if known.is_none() {
            self.health.evidence(self.tip.height);
            out.push(Effect::Blame(evidence.clone()));
        }
        if self.settings.place.is_some() {
            out.push(Effect::Broadcast(Message::Evidence(Arc::new(evidence))));
        }
    }

    /// A leader that is waited for and voted twice in this view is left at once, by all: they were told.
    pub(super) fn leave_liar(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let awaited = self.tip.height.next();
        if !self.begun || self.settings.place.is_none() || awaited > self.opened {
            return;
        }
        let leader = self.elector.leader(awaited, self.view);
        if awaited > self.selected && self.blamed.get(&(leader, true)) == Some(&self.view) {
            self.leave(now, self.view.next(), out);
        }
    }

    /// The host has looked at a block. That it may not follow its parent counts for the question that was asked: what was too early for
    /// a leader's proposal may be selected later, and is asked again then.
    pub(super) fn on_validated(&mut self, hash: BlockHash, again: bool, valid: bool, out: &mut Vec<Effect>) {
        for at in self.heights.values_mut() {
            let Some(verdict) = at.verdicts.get_mut(&hash) else { continue };
            match *verdict {
                Verdict::Asked { .. } if valid => *verdict = Verdict::Valid,
                Verdict::Asked { again: asked } if asked == again => {
                    *verdict = Verdict::Invalid;
                    let signed =
                        at.pre_prepares.values().find(|of| of.proposal.hash == hash).filter(|_| !again);
                    out.extend(signed.map(|of| Effect::Report(Arc::clone(of))));
                }
                _ => {}
            }
        }
    }
}
