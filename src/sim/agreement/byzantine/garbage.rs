//! Bytes: nonsense, and messages of which a bit, or the end, is another one.

use super::{Actor, Deed, Stage};
use crate::bft::{Message, wire};
use crate::types::ValidatorIndex;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Garbage;

impl Actor for Garbage {
    fn say(&mut self, stage: &mut Stage<'_>, to: ValidatorIndex, message: &Message) {
        if stage.flips() {
            return stage.say(to, message.clone());
        }
        let mut bytes = Vec::new();
        wire::encode(message, &mut bytes);
        let at = stage.random.below(bytes.len() as u64) as usize;
        match stage.random.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_slice(&stage.random.next().to_le_bytes()),
            2 => bytes.iter_mut().for_each(|byte| *byte = stage.random.next() as u8),
            _ => bytes[at] ^= 1 << stage.random.below(8),
        }
        stage.deeds.push(Deed::Send(to, Arc::from(bytes)));
    }
}
