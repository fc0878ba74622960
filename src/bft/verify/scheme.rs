//! Signatures behind a trait, so that a simulator may bring cheap ones.

use crate::crypto::ed25519::{self, Blame, PublicKey, Signature};
use crate::types::ValidatorIndex;

/// How signatures of an epoch's validators are verified.
pub trait Scheme {
    /// Verifies all `claims`: each is a validator, the bytes that it signed, and its signature.
    ///
    /// # Errors
    /// The positions of those that are bad, ascending, never none; all others are good.
    fn verify_batch(&self, claims: &[(ValidatorIndex, &[u8], Signature)]) -> Result<(), Vec<usize>>;
}

/// Ed25519 by the rules of ZIP-215, in batches.
#[derive(Clone, Debug)]
pub struct Ed25519 {
    keys: Box<[PublicKey]>,
}

impl Ed25519 {
    /// `keys` are the vote keys of an epoch's set, by place.
    pub fn new(keys: impl Into<Box<[PublicKey]>>) -> Self {
        Self { keys: keys.into() }
    }
}

impl Scheme for Ed25519 {
    fn verify_batch(&self, claims: &[(ValidatorIndex, &[u8], Signature)]) -> Result<(), Vec<usize>> {
        verify(&self.keys, claims)
    }
}

/// Who has no key has no good signature.
fn verify(keys: &[PublicKey], claims: &[(ValidatorIndex, &[u8], Signature)]) -> Result<(), Vec<usize>> {
    let (mut positions, mut batch) = (Vec::with_capacity(claims.len()), Vec::with_capacity(claims.len()));
    let mut bad = Vec::new();
    for (position, (from, message, signature)) in claims.iter().enumerate() {
        match keys.get(from.index()) {
            Some(key) => {
                positions.push(position);
                batch.push(ed25519::Claim { key: *key, message, signature: *signature });
            }
            None => bad.push(position),
        }
    }
    if let Err(Blame { bad: blamed }) = ed25519::verify_batch(&batch) {
        bad.extend(blamed.into_iter().map(|at| positions[at]));
        bad.sort_unstable();
    }
    if bad.is_empty() { Ok(()) } else { Err(bad) }
}
