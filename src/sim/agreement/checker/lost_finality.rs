//! What is final in a view, honest validators vote for in all later ones, and for nothing else at its height: a view that
//! begins otherwise has lost a block, before anybody decides another one.

use super::{Checker, Facts, Final, Seen};
use crate::bft::Kind;
use crate::sim::agreement::block::Short;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::collections::BTreeMap;

/// Votes of honest validators: the latest for each block.
#[derive(Debug, Default)]
pub(super) struct LostFinality(BTreeMap<Height, BTreeMap<BlockHash, (View, ValidatorIndex)>>);

impl Checker for LostFinality {
    fn name(&self) -> &'static str {
        "lost finality"
    }

    fn is_rule(&self) -> bool {
        true
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Signed { node, statement, news, .. } = seen else { return Ok(()) };
        let is_vote = matches!(statement.kind, Kind::Prepare | Kind::Commit);
        if is_vote && facts.is_honest(node.place) {
            let of_height = self.0.entry(statement.height).or_default();
            let latest = of_height.entry(statement.hash).or_insert((statement.view, node.place));
            *latest = (statement.view, node.place).max(*latest);
            if let Some(known) = facts.final_at(statement.height) {
                self.look(&known)?;
            }
        }
        news.iter().try_for_each(|new| self.look(new))
    }
}

impl LostFinality {
    fn look(&self, known: &Final) -> Result<(), String> {
        let votes = self.0.get(&known.height).into_iter().flatten();
        let mut later = votes.filter(|(hash, (view, _))| **hash != known.hash && *view > known.view);
        match later.next() {
            Some((hash, (view, place))) => Err(format!(
                "{place} votes for {} at height {} in view {view}, where {} is final since view {}",
                Short(*hash),
                known.height,
                Short(known.hash),
                known.view
            )),
            None => Ok(()),
        }
    }
}
