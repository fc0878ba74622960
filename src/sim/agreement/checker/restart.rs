//! Views and tips of a process never fall; those of its next life are not below what it signed and what its store has.

use super::{Checker, Facts, Seen};
use crate::bft::Kind;
use crate::types::{Height, ValidatorIndex, View};
use std::collections::BTreeMap;

/// Where everybody was.
#[derive(Debug, Default)]
pub(super) struct Restart {
    signed: BTreeMap<ValidatorIndex, View>,
    last: BTreeMap<ValidatorIndex, (View, Height)>,
}

impl Checker for Restart {
    fn name(&self) -> &'static str {
        "restart"
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        match seen {
            // Who begins a view for others may be in it later itself.
            Seen::Signed { node, statement, .. }
                if facts.is_honest(node.place) && statement.kind != Kind::NewView =>
            {
                let signed = self.signed.entry(node.place).or_default();
                *signed = statement.view.max(*signed);
                Ok(())
            }
            Seen::Started { node, .. } if facts.is_honest(node.place) => {
                let Some(process) = &node.process else { return Ok(()) };
                let (view, tip) = (process.engine.view(), process.engine.tip().height);
                self.last.insert(node.place, (view, tip));
                let signed = self.signed.get(&node.place).copied().unwrap_or_default();
                if view < signed && !node.is_observer() {
                    return Err(format!("{} starts in view {view} and signed in {signed}", node.place));
                }
                if tip < node.disk.stored() {
                    let stored = node.disk.stored();
                    return Err(format!("{} starts at {tip} and has stored {stored}", node.place));
                }
                Ok(())
            }
            Seen::Stepped { node, .. } if facts.is_honest(node.place) => {
                let Some(process) = &node.process else { return Ok(()) };
                let now = (process.engine.view(), process.engine.tip().height);
                let last = self.last.insert(node.place, now).unwrap_or_default();
                if now.0 < last.0 || now.1 < last.1 {
                    return Err(format!("{} falls from {last:?} to {now:?}", node.place));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
