//! It shows no certificate and no proof, and does not commit: only its prepare votes tell that it is there.

use super::{Actor, Stage};
use crate::bft::{Kind, Message};
use crate::types::ValidatorIndex;

#[derive(Debug)]
pub(super) struct Hider;

impl Actor for Hider {
    fn say(&mut self, stage: &mut Stage<'_>, to: ValidatorIndex, message: &Message) {
        match message {
            Message::Proof(_) | Message::NewView(_) if stage.flips() => {}
            Message::Vote(vote) if vote.statement.kind == Kind::Commit => {}
            Message::ViewChange(change) if change.claims.from == stage.place => {
                let message = stage.claim(change, |claims| {
                    claims.above.iter_mut().for_each(|claim| claim.certificate = None);
                });
                stage.say(to, message);
            }
            _ => stage.say(to, message.clone()),
        }
    }
}
