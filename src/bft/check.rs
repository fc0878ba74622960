//! What holds in an engine after each step.

use super::engine::Engine;
use super::health::Mode;
use super::invariants::is_certificate;
use super::{Certificate, Tip};
use crate::crypto::hash;
use crate::types::{Height, View};

/// A sentence about the engine that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at height {height} in view {view}: {what}")]
pub struct Violation {
    /// Where.
    pub height: Height,
    /// In which view.
    pub view: View,
    /// What should hold.
    pub what: &'static str,
}

/// How much an engine holds in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Heights above the tip.
    pub heights: usize,
    /// Leaders' proposals, over all heights.
    pub pre_prepares: usize,
    /// Headers of blocks.
    pub proposals: usize,
    /// Votes of both kinds.
    pub votes: usize,
    /// View changes, with what stands behind them.
    pub changes: usize,
    /// Things to do once their record is durable.
    pub waiting: usize,
}

impl Engine {
    /// A digest of all that decides what comes next, to tell two runs apart.
    pub fn state_hash(&self) -> [u8; 32] {
        let place = (self.view, self.begun, self.tip, &self.proof, self.opened, self.selected);
        let views =
            (&self.changes, &self.new_view, &self.leaving, &self.leading, &self.alone, &self.courtesies);
        let times = (&self.pace, &self.health, self.view_until, self.begin_until, &self.helped, &self.blamed);
        hash::engine(format!("{place:?}{:?}{views:?}{times:?}{:?}", self.heights, self.waiting).as_bytes())
    }

    /// How much it holds.
    pub fn held(&self) -> Held {
        let mut held = Held { heights: self.heights.len(), changes: self.changes.len(), ..Held::default() };
        held.waiting = self.waiting.len();
        for at in self.heights.values() {
            held.pre_prepares += at.pre_prepares.len();
            held.proposals += at.proposals.len();
            held.votes += at.prepares.len() + at.commits.len();
        }
        held
    }

    /// What holds after each step.
    ///
    /// # Errors
    /// The first sentence that does not.
    pub fn check(&self) -> Result<(), Violation> {
        let thresholds = self.settings.powers.thresholds();
        for (height, at) in &self.heights {
            let above = height.get().saturating_sub(self.tip.height.get());
            let votes = [at.prepared, at.committed];
            let certificate = at.certificate.as_ref().map(Certificate::in_view);
            let weight = at.certificate.as_ref().map(|of| self.settings.powers.weight(of.votes().signers()));
            let sentences = [
                (above >= 1, "heights that are final are forgotten"),
                (above <= 2 * self.settings.window as u64, "no height is far above the tip"),
                (
                    votes.iter().flatten().all(|vote| vote.view <= self.view),
                    "no vote is of a later view (I2)",
                ),
                (
                    at.accepted.is_none_or(|of| self.begun && of.view == self.view),
                    "only this view's block is accepted",
                ),
                (
                    weight.is_none_or(|weight| is_certificate(thresholds, weight)),
                    "a certificate is a slow quorum",
                ),
                (
                    at.committed.is_none_or(|vote| certificate.is_some_and(|of| of.view >= vote.view)),
                    "who commits holds a certificate of that view or a later one",
                ),
                (
                    at.prepared.is_none_or(|vote| at.proposals.contains_key(&vote.hash)),
                    "headers of votes are kept",
                ),
                (
                    certificate.is_none_or(|of| at.proposals.contains_key(&of.hash)),
                    "headers of certificates are kept",
                ),
            ];
            if let Some((_, what)) = sentences.into_iter().find(|(holds, _)| !holds) {
                return Err(Violation { height: *height, view: self.view, what });
            }
        }
        Ok(())
    }

    /// The highest block that is final here.
    pub const fn tip(&self) -> Tip {
        self.tip
    }

    /// The view that it is in or asks for.
    pub const fn view(&self) -> View {
        self.view
    }

    /// Whether that view has begun here.
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether commit votes wait for the fast path.
    pub const fn mode(&self) -> Mode {
        self.health.mode()
    }
}
