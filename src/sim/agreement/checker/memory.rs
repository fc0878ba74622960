//! No machine holds more than its limits allow.

use super::{Checker, Facts, Seen};
use crate::bft::Held;
use crate::sim::agreement::node::CACHE_MAX;
use crate::sim::agreement::options::Options;

/// Views of which a height keeps something: one behind, those ahead, the own.
const VIEWS_MAX: usize = 18;

/// The most that a core may hold.
#[derive(Debug)]
pub(super) struct Memory {
    most: Held,
    kept: usize,
}

impl Memory {
    pub(super) fn new(options: &Options) -> Self {
        let (count, heights) = (options.powers.len(), 2 * options.window);
        let most = Held {
            heights,
            pre_prepares: heights * VIEWS_MAX,
            // The first of each leader, what some honest one voted for beside it, and a certified one.
            proposals: heights * VIEWS_MAX * 3,
            votes: heights * VIEWS_MAX * 2 * count,
            changes: count,
            // Two votes and a proposal at each height, and a view change.
            waiting: 3 * heights + 1,
        };
        Self { most, kept: 4 * heights * VIEWS_MAX }
    }
}

impl Checker for Memory {
    fn name(&self) -> &'static str {
        "bounded memory"
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Weighed { node } = seen else { return Ok(()) };
        let Some(process) = node.process.as_ref().filter(|_| facts.is_honest(node.place)) else {
            return Ok(());
        };
        let (held, most) = (process.engine.held(), &self.most);
        let weights = [
            ("heights", held.heights, most.heights),
            ("pre-prepares", held.pre_prepares, most.pre_prepares),
            ("proposals", held.proposals, most.proposals),
            ("votes", held.votes, most.votes),
            ("view changes", held.changes, most.changes),
            ("things that wait for the disk", held.waiting, most.waiting),
            ("blocks in memory", process.cache.len(), CACHE_MAX),
            ("blocks on disk that are not final", node.disk.kept(), self.kept),
        ];
        match weights.into_iter().find(|(_, held, most)| held > most) {
            Some((what, held, most)) => Err(format!("{} holds {held} {what}, at most {most}", node.place)),
            None => Ok(()),
        }
    }
}
