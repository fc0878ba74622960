//! What honest validators say is let through, unless it is behind or ahead of whoever hears it.

use super::{Checker, Facts, Seen};
use crate::bft::verify::Refused;

#[derive(Debug)]
pub(super) struct Refusal;

impl Checker for Refusal {
    fn name(&self) -> &'static str {
        "refusal"
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Refused { node, from, refused } = seen else { return Ok(()) };
        let culprit = match refused {
            Refused::View(_) | Refused::Height(_) => None,
            Refused::Signatures(culprits) => {
                culprits.iter().filter_map(|culprit| culprit.via).find(|via| facts.is_honest(*via))
            }
            _ => from.filter(|from| facts.is_honest(*from)),
        };
        match culprit {
            Some(culprit) => Err(format!("{} refuses what {culprit} says: {refused}", node.place)),
            None => Ok(()),
        }
    }
}
