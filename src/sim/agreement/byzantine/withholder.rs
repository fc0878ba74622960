//! It votes when others have given up waiting, or to a few only; what it proposes comes late or never.

use super::{Actor, Deed, Stage};
use crate::bft::Message;
use crate::types::ValidatorIndex;

#[derive(Debug)]
pub(super) struct Withholder;

impl Actor for Withholder {
    fn say(&mut self, stage: &mut Stage<'_>, to: ValidatorIndex, message: &Message) {
        match message {
            Message::Vote(_) | Message::PrePrepare(_) | Message::NewView(_) => {
                if stage.random.below(3) > 0 {
                    let late = stage.random.skewed(stage.interval / 10, stage.interval * 16);
                    stage.deeds.push(Deed::Say(to, message.clone(), late));
                }
            }
            _ => stage.say(to, message.clone()),
        }
    }
}
