//! Only its leader proposes for a height in a view, and once.

use super::{Checker, Facts, Seen};
use crate::bft::Kind;
use crate::types::{BlockHash, Height, View};
use std::collections::BTreeMap;

/// Proposals of honest leaders.
#[derive(Debug, Default)]
pub(super) struct Leader(BTreeMap<(View, Height), BlockHash>);

impl Checker for Leader {
    fn name(&self) -> &'static str {
        "leader"
    }

    fn is_rule(&self) -> bool {
        true
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Signed { node, statement, .. } = seen else { return Ok(()) };
        if statement.kind != Kind::PrePrepare || !facts.is_honest(node.place) {
            return Ok(());
        }
        let (view, height) = (statement.view, statement.height);
        let leader = facts.leader(height, view);
        if leader != node.place {
            return Err(format!("{} proposes at {view}/{height}, which {leader} leads", node.place));
        }
        let first = *self.0.entry((view, height)).or_insert(statement.hash);
        if first == statement.hash {
            return Ok(());
        }
        Err(format!("{leader} proposes two blocks at {view}/{height}"))
    }
}
