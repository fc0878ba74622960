//! It says again what others said, whatever has become of it, and what they signed for another chain as if it were for this one.

use super::{Actor, Deed, Stage};
use crate::bft::{Kind, Message, Statement, Vote};
use crate::types::ValidatorIndex;
use std::collections::VecDeque;

/// It remembers so many messages.
const REMEMBERED_MAX: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Replayer {
    heard: VecDeque<Message>,
}

impl Actor for Replayer {
    fn hear(&mut self, stage: &mut Stage<'_>, message: &Message) {
        // Some old ones are kept.
        if self.heard.len() >= REMEMBERED_MAX {
            let forgotten = stage.random.below(REMEMBERED_MAX as u64) as usize;
            self.heard.remove(forgotten);
        }
        self.heard.push_back(message.clone());
    }

    fn act(&mut self, stage: &mut Stage<'_>) {
        for to in stage.others() {
            let at = stage.random.below(self.heard.len() as u64) as usize;
            let Some(message) = self.heard.get(at).cloned() else { return };
            if let Message::Vote(vote) = &message {
                let forged = elsewhere(stage, vote);
                stage.deeds.push(Deed::Say(to, forged, 0));
            }
            stage.say(to, message);
        }
    }
}

/// Somebody's vote for another block of that height, as it signed it on another chain.
fn elsewhere(stage: &mut Stage<'_>, vote: &Vote) -> Message {
    let height = vote.statement.height;
    let mut others = stage.facts.blocks.values().map(|block| &block.proposal);
    let other = others.rfind(|of| of.height == height && of.hash != vote.statement.hash);
    let hash = other.map_or(vote.statement.hash, |of| of.hash);
    let from = ValidatorIndex::new(stage.random.below(stage.facts.powers.places() as u64) as u16);
    let kind = if stage.flips() { Kind::Prepare } else { Kind::Commit };
    let statement = Statement { kind, hash, ..vote.statement };
    let signature = stage.facts.keys.sign_elsewhere(from, &statement);
    Message::Vote(Vote { from, statement, signature })
}
