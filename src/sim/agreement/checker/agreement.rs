//! One block at each height, on all honest validators, by either path, over all their lives.

use super::{Checker, Facts, Seen};
use crate::sim::agreement::block::Short;
use crate::types::{BlockHash, Height, ValidatorIndex};
use std::collections::BTreeMap;

/// What was final first, and where.
#[derive(Debug, Default)]
pub(super) struct Agreement(BTreeMap<Height, (BlockHash, ValidatorIndex)>);

impl Checker for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Finalized { node, proof } = seen else { return Ok(()) };
        if !facts.is_honest(node.place) {
            return Ok(());
        }
        let (mut height, mut hash) = (proof.height(), proof.hash());
        loop {
            let news = !self.0.contains_key(&height);
            let (first, whose) = *self.0.entry(height).or_insert((hash, node.place));
            if first != hash {
                return Err(format!(
                    "at height {height} {whose} has {} and {} has {}",
                    Short(first),
                    node.place,
                    Short(hash)
                ));
            }
            let below = height.back(1).filter(|below| news && *below > Height::ORIGIN);
            match below.zip(facts.parent(hash)) {
                Some(next) => (height, hash) = next,
                None => return Ok(()),
            }
        }
    }
}
