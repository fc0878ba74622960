//! What is final may follow its parent, as an honest validator found that checked it.

use super::{Checker, Facts, Seen};
use crate::sim::agreement::block::Short;
use crate::types::{BlockHash, Height};
use std::collections::BTreeSet;

/// What honest validators found to be valid.
#[derive(Debug, Default)]
pub(super) struct Validity {
    checked: BTreeSet<BlockHash>,
    known: BTreeSet<BlockHash>,
}

impl Checker for Validity {
    fn name(&self) -> &'static str {
        "validity"
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            Seen::Validated { node, hash, is_valid: true } if facts.is_honest(node.place) => {
                self.checked.insert(*hash);
            }
            Seen::Finalized { proof, .. } => {
                let mut at = Some((proof.height(), proof.hash()));
                while let Some((height, hash)) = at.filter(|(_, hash)| self.known.insert(*hash)) {
                    self.look(facts, height, hash)?;
                    let below = height.back(1).filter(|below| *below > Height::ORIGIN);
                    at = below.zip(facts.parent(hash));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Validity {
    fn look(&self, facts: &Facts, height: Height, hash: BlockHash) -> Result<(), String> {
        let Some(block) = facts.blocks.get(&hash) else {
            return Err(format!("{} is final at height {height}, and nobody made it", Short(hash)));
        };
        if block.proposal.height != height {
            return Err(format!("{} is final at height {height} and not of it", Short(hash)));
        }
        if !block.is_valid || !self.checked.contains(&hash) {
            let why = if block.is_valid { "was checked by nobody honest" } else { "is invalid" };
            return Err(format!("{} is final at height {height} and {why}", Short(hash)));
        }
        Ok(())
    }
}
