//! Proofs of random numbers, and signatures, beside the crates that make them too.

use super::ROUNDS;
use crate::record::Better;
use crate::sample::{Samples, turns};
use crate::scenario::{OURS, Peer, Scenario};
use crate::suites::Plan;
use duochain::crypto::ed25519::{Claim, PublicKey, Signature, SigningKey, verify, verify_batch};
use duochain::crypto::vrf::{Proof, SecretKey};
use duochain::env::{Clock, SystemClock};
use ed25519_zebra as zebra;
use std::hint::black_box;
use vrf_rfc9381::ec::edwards25519::EdVrfProof;
use vrf_rfc9381::ec::edwards25519::tai::EdVrfEdwards25519TaiSecretKey as TheirKey;
use vrf_rfc9381::{Proof as _, Prover as _, Verifier as _};

pub(super) const VRF_RFC9381: &str = "vrf-rfc9381";
pub(super) const ZEBRA: &str = "ed25519-zebra";

/// Signatures of a quorum of 100 equal validators.
const QUORUM: usize = 67;
/// Bytes that a vote signs.
const VOTE_BYTES: usize = 137;
/// Different keys and inputs.
const CASES: usize = 64;

const fn micros(name: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit: "us", better: Better::Lower, peers }
}

// The crate's own figure, and at most a fiftieth on top.
const SMALL_PRICE: f64 = 1.0 / 1.02;

pub(super) const SCENARIOS: &[Scenario] = &[
    micros("VRF: prove", &[Peer::new(VRF_RFC9381).ours_at_most(110.0)]),
    micros("VRF: verify", &[Peer::new(VRF_RFC9381).ours_at_most(105.0)]),
    micros("Ed25519: sign", &[Peer::floor(ZEBRA).ratio_at_least(SMALL_PRICE)]),
    micros("Ed25519: verify", &[Peer::floor(ZEBRA).ratio_at_least(SMALL_PRICE)]),
    micros("Ed25519: batch of 67, each", &[Peer::floor(ZEBRA).ratio_at_least(SMALL_PRICE)]),
    micros("Ed25519: batch of 67 with a bad one, each", &[Peer::new(ZEBRA)]),
];

/// One key and input, in both forms.
struct Draw {
    key: SecretKey,
    theirs: TheirKey,
    alpha: Vec<u8>,
    proof: Proof,
}

fn draws() -> Vec<Draw> {
    (0..CASES as u8)
        .map(|number| {
            let (seed, alpha) = ([number; 32], vec![number; 64]);
            let key = SecretKey::from_seed(&seed);
            let proof = key.prove(&alpha).0;
            Draw { key, theirs: TheirKey::from_slice(&seed).expect("a seed"), alpha, proof }
        })
        .collect()
}

/// One signature, in both forms.
struct Vote {
    key: SigningKey,
    theirs: zebra::SigningKey,
    message: Vec<u8>,
}

impl Vote {
    fn claim(&self, signature: Signature) -> Claim<'_> {
        Claim { key: self.key.public_key(), message: &self.message, signature }
    }
}

fn votes() -> Vec<Vote> {
    (0..QUORUM as u8)
        .map(|number| {
            let seed = [number + 1; 32];
            let (key, theirs) = (SigningKey::from_seed(&seed), zebra::SigningKey::from(seed));
            Vote { key, theirs, message: vec![7; VOTE_BYTES] }
        })
        .collect()
}

/// Microseconds of one call.
fn micros_each(calls: usize, mut call: impl FnMut(usize)) -> f64 {
    let clock = SystemClock::new();
    (0..calls).for_each(&mut call);
    clock.now().as_nanos() as f64 / 1e3 / calls as f64
}

/// Measures all of it.
pub(super) fn measure(plan: Plan, samples: &mut Samples) {
    let (draws, votes) = (draws(), votes());
    let calls = plan.count(4_000);
    for round in 0..plan.rounds(ROUNDS) {
        for turn in turns(2, round) {
            let side = [OURS, VRF_RFC9381][turn];
            let is_ours = turn == 0;
            samples.add(SCENARIOS[0].name, side, prove(&draws, is_ours, calls));
            samples.add(SCENARIOS[1].name, side, check(&draws, is_ours, calls));
            let side = [OURS, ZEBRA][turn];
            samples.add(SCENARIOS[2].name, side, sign(&votes, is_ours, 4 * calls));
            samples.add(SCENARIOS[3].name, side, verify_each(&votes, is_ours, calls));
            samples.add(SCENARIOS[4].name, side, batches(&votes, is_ours, calls / QUORUM, false));
            samples.add(SCENARIOS[5].name, side, batches(&votes, is_ours, calls / QUORUM, true));
        }
    }
}

fn prove(draws: &[Draw], is_ours: bool, calls: usize) -> f64 {
    micros_each(calls, |call| {
        let draw = &draws[call % CASES];
        if is_ours {
            black_box(draw.key.prove(black_box(&draw.alpha)));
        } else {
            let proof = draw.theirs.prove(black_box(&draw.alpha)).expect("a proof");
            black_box((proof.encode_to_pi(), proof.proof_to_hash(suite()).expect("an output")));
        }
    })
}

const fn suite() -> vrf_rfc9381::Ciphersuite {
    vrf_rfc9381::Ciphersuite::ECVRF_EDWARDS25519_SHA512_TAI
}

/// Both with a key that was decoded before, as those of a set are.
fn check(draws: &[Draw], is_ours: bool, calls: usize) -> f64 {
    let theirs: Vec<_> = draws.iter().map(|draw| draw.theirs.verifier()).collect();
    micros_each(calls, |call| {
        let draw = &draws[call % CASES];
        let is_valid = if is_ours {
            draw.key.public_key().verify(black_box(&draw.alpha), &draw.proof).is_ok()
        } else {
            let proof = EdVrfProof::decode_pi(draw.proof.as_bytes()).expect("80 bytes");
            theirs[call % CASES].verify(black_box(&draw.alpha), proof).is_ok()
        };
        assert!(is_valid);
    })
}

fn sign(votes: &[Vote], is_ours: bool, calls: usize) -> f64 {
    micros_each(calls, |call| {
        let vote = &votes[call % QUORUM];
        if is_ours {
            black_box(vote.key.sign(black_box(&vote.message)));
        } else {
            black_box(vote.theirs.sign(black_box(&vote.message)).to_bytes());
        }
    })
}

fn verify_each(votes: &[Vote], is_ours: bool, calls: usize) -> f64 {
    let signed: Vec<Claim<'_>> = votes.iter().map(|vote| vote.claim(vote.key.sign(&vote.message))).collect();
    micros_each(calls, |call| {
        let claim = &signed[call % QUORUM];
        let is_valid = if is_ours {
            verify(black_box(claim)).is_ok()
        } else {
            let key = zebra::VerificationKey::try_from(*claim.key.as_bytes()).expect("a key");
            key.verify(&zebra::Signature::from_bytes(claim.signature.as_bytes()), claim.message).is_ok()
        };
        assert!(is_valid);
    })
}

/// The crate says only that a batch is bad; to know who, one verifies them one at a time.
fn batches(votes: &[Vote], is_ours: bool, calls: usize, with_a_bad_one: bool) -> f64 {
    let mut signed: Vec<Claim<'_>> =
        votes.iter().map(|vote| vote.claim(vote.key.sign(&vote.message))).collect();
    if with_a_bad_one {
        signed[40].key = PublicKey::new(*signed[41].key.as_bytes());
    }
    let each = micros_each(calls, |_| {
        if is_ours {
            let bad = verify_batch(black_box(&signed)).err().map_or(Vec::new(), |blame| blame.bad);
            assert_eq!(bad, if with_a_bad_one { vec![40] } else { vec![] });
            return;
        }
        let items = || {
            signed.iter().map(|claim| {
                let signature = zebra::Signature::from_bytes(claim.signature.as_bytes());
                zebra::batch::Item::from(((*claim.key.as_bytes()).into(), signature, claim.message))
            })
        };
        let mut batch = zebra::batch::Verifier::new();
        items().for_each(|item| batch.queue(item));
        let is_valid = batch.verify(Counter(1)).is_ok();
        assert_eq!(is_valid, !with_a_bad_one);
        if !is_valid {
            assert_eq!(items().filter(|item| item.clone().verify_single().is_err()).count(), 1);
        }
    });
    each / QUORUM as f64
}

/// Weights that cost nothing and protect nothing: what they cost is ours.
struct Counter(u64);

impl rand_core::TryRng for Counter {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counter {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_does_every_job() {
        let (draws, votes) = (draws(), votes());
        for is_ours in [true, false] {
            assert!(prove(&draws, is_ours, 2) > 0.0);
            assert!(check(&draws, is_ours, 2) > 0.0);
            assert!(sign(&votes, is_ours, 2) > 0.0);
            assert!(verify_each(&votes, is_ours, 2) > 0.0);
            assert!(batches(&votes, is_ours, 1, false) > 0.0);
            assert!(batches(&votes, is_ours, 1, true) > 0.0);
        }
    }
}
