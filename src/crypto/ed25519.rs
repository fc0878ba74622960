//! Ed25519 by the rules of ZIP-215, one at a time and in batches that accept the same signatures.
//!
//! # Model
//! RFC 8032 leaves open what becomes of points with several encodings and of small order, so libraries differ, and a
//! library's batches differ from its single verification: a chain whose nodes mix them forks. ZIP-215 decides each
//! case: any encoding of a point of the curve is accepted for the key and for R, s is below the order, and
//! `[8][s]B = [8]R + [8][k]A`. Whatever reaches agreement is verified here.
//!
//! # Invariants
//! I1 [`verify_batch`] blames exactly the claims that [`verify`] refuses.
//! I2 secret keys are wiped when they are dropped, do not move in memory, and are never printed. What the crate below keeps
//! on its stack for the time of a call is beyond that.
//!
//! # Limits
//! A batch with bad claims costs at most two more passes in batches and one of single verifications, whatever is bad: see
//! [`verify_batch`].
//!
//! # Deviations
//! - The weights of a batch come from a hash of the whole batch instead of a random source, so that the same batch costs
//!   the same everywhere. The hash covers the messages too: with weights known beforehand, messages could be searched
//!   for that cancel each other out.
//! - [`PublicKey::check`] is stricter than ZIP-215, for who registers a key; verification is not.
//!
//! # Source
//! RFC 8032; ZIP 215 (Zcash); Chalkias, Garillot, Nikolaenko, Taming the many EdDSAs (2020).

use super::hash::BatchHasher;
use super::point::{self, KeyFault};
use ed25519_zebra as zebra;
use std::convert::Infallible;
use std::fmt;
use zeroize::Zeroize;

/// Length of a seed of a secret key.
pub const SEED_BYTES: usize = 32;

/// A secret key.
pub struct SigningKey(Box<zebra::SigningKey>);

impl SigningKey {
    /// The key of a seed, which the caller wipes.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let mut key = zebra::SigningKey::from(*seed);
        // I2: what moves is the box, not the key.
        let boxed = Box::new(key);
        key.zeroize();
        Self(boxed)
    }

    /// The signature of a message, which is the same each time.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }

    /// What others verify with.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(zebra::VerificationKeyBytes::from(&*self.0).into())
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public_key())
    }
}

/// A public key, as bytes: they may be no key at all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// From its bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether somebody can own this key alone: a point in its only encoding, not of small order.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), KeyFault> {
        point::decode_key(&self.0).map(drop)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A signature, as bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; Self::BYTES]);

impl Signature {
    /// Length.
    pub const BYTES: usize = 64;

    /// From its bytes.
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// That `key` signed `message`, says whoever sent it.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Whose signature.
    pub key: PublicKey,
    /// What was signed.
    pub message: &'a [u8],
    /// The signature.
    pub signature: Signature,
}

impl Claim<'_> {
    fn item(&self) -> zebra::batch::Item {
        let signature = zebra::Signature::from_bytes(&self.signature.0);
        zebra::batch::Item::from((self.key.0.into(), signature, self.message))
    }
}

/// The signature is not that of the key and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not that of this key and message")]
pub struct BadSignature;

/// Which claims of a batch are bad.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad signatures at {bad:?}")]
pub struct Blame {
    /// Their positions, ascending; never none.
    pub bad: Vec<usize>,
}

/// Verifies one claim.
///
/// # Errors
/// It is bad.
pub fn verify(claim: &Claim<'_>) -> Result<(), BadSignature> {
    claim.item().verify_single().map_err(|_| BadSignature)
}

/// Verifies all claims, at about half the cost of one at a time.
///
/// A batch that fails is halved until who is bad is alone. Halving looks at no more than twice as many claims as there
/// are; what is not decided by then is verified one at a time. So many bad claims cost less than three times what
/// they would cost without batches, and one bad claim costs one more pass.
///
/// # Errors
/// Which ones are bad; all others are good.
pub fn verify_batch(claims: &[Claim<'_>]) -> Result<(), Blame> {
    let mut hasher = BatchHasher::new();
    let mut items = Vec::with_capacity(claims.len());
    for claim in claims {
        hasher.claim(&claim.key.0, &claim.signature.0, claim.message);
        items.push(claim.item());
    }
    let mut search = Search { items, hasher, budget: 2 * claims.len(), bad: Vec::new() };
    if !search.passes(0, claims.len()) {
        search.halve(0, claims.len());
    }
    if search.bad.is_empty() { Ok(()) } else { Err(Blame { bad: search.bad }) }
}

/// Looks for who is bad in a batch.
struct Search {
    items: Vec<zebra::batch::Item>,
    hasher: BatchHasher,
    /// How many more claims are looked at in batches.
    budget: usize,
    bad: Vec<usize>,
}

impl Search {
    /// Whether all of `begin..end` are good.
    fn passes(&self, begin: usize, end: usize) -> bool {
        let range = &self.items[begin..end];
        if let [one] = range {
            return one.clone().verify_single().is_ok();
        }
        let mut batch = zebra::batch::Verifier::new();
        range.iter().for_each(|item| batch.queue(item.clone()));
        batch.verify(Weights(self.hasher.weights(begin, end))).is_ok()
    }

    /// Finds who is bad in `begin..end`, where somebody is.
    fn halve(&mut self, begin: usize, end: usize) {
        let len = end - begin;
        if len == 1 {
            self.bad.push(begin);
        } else if len == 2 || self.budget < len {
            for at in begin..end {
                if !self.passes(at, at + 1) {
                    self.bad.push(at);
                }
            }
        } else {
            self.budget -= len;
            let middle = begin + len / 2;
            let left_passes = self.passes(begin, middle);
            if !left_passes {
                self.halve(begin, middle);
            }
            // Somebody is bad: where the left half is good, it is in the right one.
            if left_passes || !self.passes(middle, end) {
                self.halve(middle, end);
            }
        }
    }
}

/// The stream of a batch's weights, in the form that the crate takes.
struct Weights(blake3::OutputReader);

impl rand_core::TryRng for Weights {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

// Nobody knows the stream before all of the batch is fixed.
impl rand_core::TryCryptoRng for Weights {}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: u8) -> Vec<SigningKey> {
        (0..count).map(|number| SigningKey::from_seed(&[number + 1; 32])).collect()
    }

    /// One claim of each key, those in `bad` with a bit of the signature turned over.
    fn claims<'a>(keys: &[SigningKey], message: &'a [u8], bad: &[usize]) -> Vec<Claim<'a>> {
        let sign = |(at, key): (usize, &SigningKey)| {
            let mut signature = *key.sign(message).as_bytes();
            signature[40] ^= u8::from(bad.contains(&at));
            Claim { key: key.public_key(), message, signature: Signature(signature) }
        };
        keys.iter().enumerate().map(sign).collect()
    }

    #[test]
    fn a_batch_blames_who_is_bad_wherever_they_are() {
        let keys = keys(33);
        for len in [0, 1, 2, 3, 4, 7, 16, 33] {
            let keys = &keys[..len];
            let mut choices: Vec<Vec<usize>> = (0..len).map(|at| vec![at]).collect();
            choices.extend([vec![], (0..len).collect(), (0..len).step_by(2).collect()]);
            choices.push(len.checked_sub(1).into_iter().chain((len > 1).then_some(0)).rev().collect());
            for bad in choices {
                let claims = claims(keys, b"vote", &bad);
                let found = verify_batch(&claims);
                let expected = if bad.is_empty() { Ok(()) } else { Err(Blame { bad: bad.clone() }) };
                assert_eq!(found, expected, "of {len}");
                for (at, claim) in claims.iter().enumerate() {
                    assert_eq!(verify(claim).is_err(), bad.contains(&at), "I1");
                }
            }
        }
    }

    #[test]
    fn claims_that_cancel_each_other_out_are_both_blamed() {
        // s + 1 in one and s - 1 in the other: with equal weights the sum is right.
        let keys = keys(4);
        let mut claims = claims(&keys, b"vote", &[]);
        let (first, second) = (claims[1].signature.0, claims[2].signature.0);
        claims[1].signature.0[32] = first[32].wrapping_add(1);
        claims[2].signature.0[32] = second[32].wrapping_sub(1);
        assert!(first[32] != 255 && second[32] != 0, "no carry in this example");
        assert_eq!(verify_batch(&claims), Err(Blame { bad: vec![1, 2] }));
    }

    #[test]
    fn many_bad_claims_do_not_buy_more_than_two_passes_in_batches() {
        let keys = keys(64);
        let everybody: Vec<usize> = (0..64).collect();
        let claims = claims(&keys, b"vote", &everybody);
        let items: Vec<_> = claims.iter().map(Claim::item).collect();
        let mut search = Search { items, hasher: BatchHasher::new(), budget: 128, bad: Vec::new() };
        search.halve(0, 64);
        assert_eq!((search.bad, search.budget), (everybody, 0));
    }

    #[test]
    fn another_message_key_or_signature_is_refused() {
        let keys = keys(2);
        let good = Claim { key: keys[0].public_key(), message: b"pay", signature: keys[0].sign(b"pay") };
        assert_eq!(verify(&good), Ok(()));
        assert_eq!(verify(&Claim { message: b"pay!", ..good }), Err(BadSignature));
        assert_eq!(verify(&Claim { key: keys[1].public_key(), ..good }), Err(BadSignature));
        assert_eq!(verify(&Claim { signature: keys[1].sign(b"pay"), ..good }), Err(BadSignature));
        // 2 is no y of the curve.
        let mut stranger = [0; 32];
        stranger[0] = 2;
        assert_eq!(verify(&Claim { key: PublicKey(stranger), ..good }), Err(BadSignature));
    }

    #[test]
    fn a_secret_key_prints_its_public_key_only() {
        let key = SigningKey::from_seed(&[7; 32]);
        let shown = format!("{key:?} {key:#?}");
        assert!(shown.contains(&key.public_key().to_string()));
        assert!(!shown.contains("0707") && !shown.contains("7, 7"), "{shown}");
    }

    #[test]
    fn who_registers_a_key_shows_a_point_of_large_order_in_its_only_encoding() {
        assert_eq!(SigningKey::from_seed(&[7; 32]).public_key().check(), Ok(()));
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey(identity).check(), Err(KeyFault::SmallOrder));
        assert_eq!(PublicKey([0xff; 32]).check(), Err(KeyFault::NotAPoint));
    }
}
