//! Guards P and C on what honest validators sign: a vote stands on a final parent, or on an own vote of the same kind for
//! the parent in the same view.

use super::{Checker, Facts, Seen};
use crate::bft::{Kind, Record, Statement};
use crate::sim::agreement::block::Short;
use crate::types::Height;

#[derive(Debug)]
pub(super) struct Guards;

impl Checker for Guards {
    fn name(&self) -> &'static str {
        "guards"
    }

    fn is_rule(&self) -> bool {
        true
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Signed { node, statement, .. } = seen else { return Ok(()) };
        let Statement { kind, view, height, hash } = **statement;
        if !matches!(kind, Kind::Prepare | Kind::Commit) || !facts.is_honest(node.place) {
            return Ok(());
        }
        let Some(parent) = facts.parent(hash) else {
            return Err(format!("{} votes for {}, which nobody made", node.place, Short(hash)));
        };
        let Some(below) = height.back(1).filter(|below| *below > Height::ORIGIN) else { return Ok(()) };
        let vote = Statement::new(kind, view, below, parent);
        let is_recorded = |record: &Record| match record {
            Record::Prepared { view: of, proposal } if kind == Kind::Prepare => {
                (*of, proposal.hash) == (view, parent)
            }
            Record::Committed { vote, .. } if kind == Kind::Commit => {
                (vote.view, vote.hash) == (view, parent)
            }
            _ => false,
        };
        let stands = node.finals.get(&below) == Some(&parent)
            || facts.has_signed(node.place, &vote)
            || node.disk.holds(is_recorded);
        if stands {
            return Ok(());
        }
        Err(format!(
            "{} signs {kind:?} of {view}/{height} on {}, for which it did not vote so",
            node.place,
            Short(parent)
        ))
    }
}
