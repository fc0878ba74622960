//! It has a block certified and forgotten: it proposes to as few as it takes, lets one of them see the certificate, has the
//! view given up by showing that it lied, denies all of it, and begins the next view without the witness where it can.
//!
//! This is how a certificate of an old view comes to stand against votes of a later one, which is where Zyzzyva's view
//! change went wrong (arXiv 1712.01367).

use super::split::Split;
use super::{Actor, Deed, Stage};
use crate::bft::{Evidence, Kind, Message, Statement};
use crate::sim::agenda::MILLISECOND;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

#[derive(Debug, Default)]
pub(super) struct Usurper {
    split: Split,
    /// Who sees its proposal; the first of them sees its vote.
    audience: BTreeMap<(View, Height), Vec<ValidatorIndex>>,
}

impl Actor for Usurper {
    fn say(&mut self, stage: &mut Stage<'_>, to: ValidatorIndex, message: &Message) {
        match message {
            Message::PrePrepare(of) if of.from == stage.place => {
                let at = (of.view, of.proposal.height);
                if let Entry::Vacant(free) = self.audience.entry(at) {
                    free.insert(audience(stage));
                    confess(stage, of.statement(Kind::Prepare));
                }
                if self.audience[&at].contains(&to) {
                    stage.say(to, message.clone());
                }
            }
            Message::Vote(vote) => {
                let of = vote.statement;
                let witness = self.audience.get(&(of.view, of.height)).and_then(|audience| audience.first());
                if of.kind == Kind::Prepare && witness.is_none_or(|witness| *witness == to) {
                    stage.say(to, message.clone());
                }
            }
            Message::ViewChange(change) if change.claims.from == stage.place => {
                let message = stage.claim(change, |claims| claims.above.clear());
                stage.say(to, message);
            }
            Message::NewView(of) if of.from == stage.place => {
                let witness = self.witness();
                let message = self.split.begin(stage, of.view, witness);
                stage.say(to, message.unwrap_or_else(|| Message::NewView(Arc::clone(of))));
            }
            Message::NewView(_) | Message::Proof(_) => {}
            _ => stage.say(to, message.clone()),
        }
    }

    fn hear(&mut self, _: &mut Stage<'_>, message: &Message) {
        self.split.note(message);
    }
}

impl Usurper {
    /// Of its last crime.
    fn witness(&self) -> Option<ValidatorIndex> {
        self.audience.last_key_value().and_then(|(_, audience)| audience.first()).copied()
    }
}

/// As few others as certify a block with its own vote.
fn audience(stage: &mut Stage<'_>) -> Vec<ValidatorIndex> {
    let powers = &stage.facts.powers;
    let mut others = stage.others();
    let mut audience = vec![stage.place];
    while powers.weight(audience.iter().copied()) < powers.thresholds().slow() && !others.is_empty() {
        let next = stage.random.below(others.len() as u64) as usize;
        audience.push(others.swap_remove(next));
    }
    audience.remove(0);
    audience
}

/// Two votes of its own: whoever sees them gives up the view.
fn confess(stage: &mut Stage<'_>, statement: Statement) {
    let other = Statement { hash: BlockHash::new([0xee; 32]), ..statement };
    let evidence = Evidence::Equivocation { first: stage.vote(statement), second: stage.vote(other) };
    let after = stage.random.skewed(MILLISECOND, stage.interval);
    let message = Message::Evidence(Arc::new(evidence));
    for to in stage.others() {
        stage.deeds.push(Deed::Say(to, message.clone(), after));
    }
}
