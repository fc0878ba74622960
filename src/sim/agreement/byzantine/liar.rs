//! In a view change it says that it voted for nothing, for something else, or later than it did; another thing to each.

use super::{Actor, Stage};
use crate::bft::{Claim, InView, Message};
use crate::types::{BlockHash, Height, ValidatorIndex, View};

#[derive(Debug)]
pub(super) struct Liar;

impl Actor for Liar {
    fn say(&mut self, stage: &mut Stage<'_>, to: ValidatorIndex, message: &Message) {
        let Message::ViewChange(change) = message else { return stage.say(to, message.clone()) };
        if change.claims.from != stage.place {
            return stage.say(to, message.clone());
        }
        let (low, view) = (change.claims.low.height, change.claims.view);
        let lie = stage.random.below(4);
        let invented: Vec<Option<InView>> =
            (1..=stage.window as u64).map(|above| invent(stage, low.forward(above), view)).collect();
        let message = stage.claim(change, |claims| match lie {
            0 => claims.above.clear(),
            1 => claims.above.iter_mut().for_each(|claim| claim.vote = None),
            2 => claims.above.iter_mut().for_each(|claim| claim.certificate = None),
            _ => {
                claims.above.resize(invented.len(), Claim::default());
                for (claim, invented) in claims.above.iter_mut().zip(invented) {
                    claim.vote = invented.or(claim.vote);
                }
            }
        });
        stage.say(to, message);
    }
}

/// A vote for any block of this height that there is, in any view before.
fn invent(stage: &mut Stage<'_>, height: Height, view: View) -> Option<InView> {
    let blocks = stage.facts.blocks.values().filter(|block| block.proposal.height == height);
    let hashes: Vec<BlockHash> = blocks.map(|block| block.proposal.hash).collect();
    let before = view.back(1)?;
    let hash = *hashes.get(stage.random.below(hashes.len() as u64) as usize)?;
    let back = stage.random.below(3).min(before.get());
    Some(InView::new(before.back(back)?, hash))
}
