//! What honest validators prepare in a view is what its beginning selects, or stands above all of that.

use super::{Checker, Facts, Seen};
use crate::bft::{Kind, Selection, Statement};
use crate::sim::agreement::block::Short;
use crate::types::{Height, View};
use std::collections::BTreeMap;

/// What views begin with. A liar may begin one in several ways.
#[derive(Debug, Default)]
pub(super) struct Selections(BTreeMap<View, Vec<Selection>>);

impl Checker for Selections {
    fn name(&self) -> &'static str {
        "selection"
    }

    fn is_rule(&self) -> bool {
        true
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let (node, statement) = match seen {
            Seen::Begun { view, selection } => {
                self.0.entry(*view).or_default().push(**selection);
                return Ok(());
            }
            Seen::Signed { node, statement, .. } => (node, statement),
            _ => return Ok(()),
        };
        let Statement { kind, view, height, hash } = **statement;
        if kind != Kind::Prepare || view == View::ORIGIN || !facts.is_honest(node.place) {
            return Ok(());
        }
        let allows = |selection: &Selection| {
            let above = Height::new(selection.base().height.get() + selection.chosen().len() as u64);
            selection.at(height).map_or(height > above, |chosen| chosen == hash)
        };
        if self.0.get(&view).is_some_and(|selections| selections.iter().any(allows)) {
            return Ok(());
        }
        Err(format!(
            "{} prepares {} at {view}/{height}, which no beginning of that view allows",
            node.place,
            Short(hash)
        ))
    }
}
