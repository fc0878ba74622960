//! An honest validator signs one block for a kind, view and height, nothing below a view that it asked for, and nothing
//! that it would forget in a crash; over all its lives.

use super::{Checker, Facts, Seen};
use crate::bft::{Kind, Record, Statement};
use crate::sim::agreement::block::Short;
use crate::sim::agreement::node::Node;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::collections::BTreeMap;

/// What everybody signed.
#[derive(Debug, Default)]
pub(super) struct Votes {
    votes: BTreeMap<(ValidatorIndex, Kind, View, Height), BlockHash>,
    asked: BTreeMap<ValidatorIndex, View>,
}

impl Checker for Votes {
    fn name(&self) -> &'static str {
        "votes"
    }

    fn is_rule(&self) -> bool {
        true
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Signed { node, statement, .. } = seen else { return Ok(()) };
        if !facts.is_honest(node.place) {
            return Ok(());
        }
        let Statement { kind, view, height, hash } = **statement;
        if node.is_observer() {
            return Err(format!("{} signs and has no log", node.place));
        }
        let asked = self.asked.entry(node.place).or_default();
        match kind {
            Kind::ViewChange => *asked = view.max(*asked),
            Kind::NewView => {}
            Kind::PrePrepare | Kind::Prepare | Kind::Commit => {
                if view < *asked {
                    return Err(format!("{} signs in view {view} and asked for {asked}", node.place));
                }
                let first = *self.votes.entry((node.place, kind, view, height)).or_insert(hash);
                if first != hash {
                    return Err(format!(
                        "{} signs {kind:?} for {} and {} in view {view} at height {height}",
                        node.place,
                        Short(first),
                        Short(hash)
                    ));
                }
            }
        }
        if remembers(node, statement) {
            return Ok(());
        }
        Err(format!("{} signs {kind:?} of {view}/{height} and forgets it in a crash", node.place))
    }
}

/// Whether what is signed is durable. Of heights that the store has, nothing needs to be remembered.
fn remembers(node: &Node, statement: &Statement) -> bool {
    let is_later = |record: &Record| match record {
        Record::View(view) => *view >= statement.view,
        Record::Prepared { view, .. } => *view >= statement.view,
        Record::Committed { vote, .. } => vote.view >= statement.view,
        Record::Certified { .. } | Record::Final(_) => false,
    };
    match statement.kind {
        Kind::ViewChange => node.disk.holds(is_later),
        Kind::NewView => true,
        _ if statement.height <= node.disk.stored() => true,
        Kind::PrePrepare | Kind::Prepare => node.disk.holds(|record| match record {
            Record::Prepared { view, proposal } => {
                (*view, proposal.height, proposal.hash) == (statement.view, statement.height, statement.hash)
            }
            _ => false,
        }),
        Kind::Commit => node.disk.holds(|record| match record {
            Record::Committed { height, vote } => {
                (vote.view, *height, vote.hash) == (statement.view, statement.height, statement.hash)
            }
            _ => false,
        }),
    }
}
