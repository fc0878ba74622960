//! Whatever makes a block final for somebody convinces everybody: enough power, each signature its signer's.

use super::{Checker, Facts, Seen};
use crate::bft::Kind;

#[derive(Debug)]
pub(super) struct Proofs;

impl Checker for Proofs {
    fn name(&self) -> &'static str {
        "proofs"
    }

    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Finalized { node, proof } = seen else { return Ok(()) };
        let (votes, thresholds) = (proof.votes(), facts.powers.thresholds());
        let statement = &votes.statement;
        let needed = match statement.kind {
            Kind::Prepare => thresholds.fast(),
            Kind::Commit => thresholds.slow(),
            other => return Err(format!("{} takes {other:?} for a proof", node.place)),
        };
        if !votes.signatures.is_sorted_by_key(|(place, _)| (*place, true)) {
            return Err(format!("{} counts somebody twice", node.place));
        }
        let weight = facts.powers.weight(votes.signers());
        if weight < needed {
            let why = format!("{} takes {weight} for final, {needed} is needed", node.place);
            return Err(format!("{why}, at height {}", statement.height));
        }
        match votes.signatures.iter().find(|(place, of)| !facts.is_signature(*place, statement, of)) {
            Some((place, _)) => Err(format!("{} has a signature that is not of {place}", node.place)),
            None => Ok(()),
        }
    }
}
