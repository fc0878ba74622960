//! For those who take no part: light clients, bridges, and who punishes.

use super::batch::Batch;
use super::scheme::Ed25519;
use super::{Refused, committee};
use crate::bft::{Domain, Evidence, FinalityProof, Powers};
use crate::crypto::ed25519::PublicKey;
use crate::types::ValidatorIndex;

/// Whether `proof` makes its block final in the epoch of `domain`, whose validators have these `powers` and vote `keys`.
///
/// # Errors
/// Why it does not.
pub fn verify_finality(
    domain: &Domain,
    powers: &Powers,
    keys: &[PublicKey],
    proof: &FinalityProof,
) -> Result<(), Refused> {
    let mut batch = Batch::new(domain);
    committee::finality(powers, proof, &mut batch)?;
    batch.judge(&Ed25519::new(keys), None)
}

/// Whose offence `evidence` shows, in the epoch of `domain`.
///
/// # Errors
/// It shows none.
pub fn verify_evidence(
    domain: &Domain,
    powers: &Powers,
    keys: &[PublicKey],
    evidence: &Evidence,
) -> Result<ValidatorIndex, Refused> {
    let mut batch = Batch::new(domain);
    committee::evidence(powers, evidence, &mut batch)?;
    batch.judge(&Ed25519::new(keys), None)?;
    Ok(evidence.offender())
}
