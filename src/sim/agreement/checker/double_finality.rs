//! At most one block is final at each height, whoever collects the signatures that were ever made, and the liars' on top.
//! Stronger than agreement: nobody needs to have seen the proof of the second one.

use super::{Checker, Facts, Seen};
use crate::sim::agreement::block::Short;

#[derive(Debug)]
pub(super) struct DoubleFinality;

impl Checker for DoubleFinality {
    fn name(&self) -> &'static str {
        "double finality"
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Signed { news, .. } = seen else { return Ok(()) };
        for new in *news {
            if let Some(known) = facts.final_at(new.height).filter(|known| known.hash != new.hash) {
                return Err(format!(
                    "at height {} both {} in view {} and {} in view {}",
                    new.height,
                    Short(known.hash),
                    known.view,
                    Short(new.hash),
                    new.view
                ));
            }
        }
        Ok(())
    }
}
