//! It dies often and comes back without its log of votes, as if it had none.

use super::{Actor, Deed, Stage};

#[derive(Debug)]
pub(super) struct Amnesiac;

impl Actor for Amnesiac {
    fn act(&mut self, stage: &mut Stage<'_>) {
        if stage.random.below(4) == 0 {
            stage.deeds.push(Deed::Forget);
        }
    }
}
