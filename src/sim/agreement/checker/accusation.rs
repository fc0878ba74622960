//! Nobody honest is ever blamed.

use super::{Checker, Facts, Seen};

#[derive(Debug)]
pub(super) struct Accusation;

impl Checker for Accusation {
    fn name(&self) -> &'static str {
        "accusation"
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Blamed { node, evidence } = seen else { return Ok(()) };
        let offender = evidence.offender();
        if facts.is_honest(offender) {
            return Err(format!("{} blames {offender}, which is honest: {evidence:?}", node.place));
        }
        Ok(())
    }
}
