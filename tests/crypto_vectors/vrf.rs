//! RFC 9381, and another implementation of it, which accepts some of what must be refused.

use crate::{Random, vectors};
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use duochain::crypto::KeyFault;
use duochain::crypto::vrf::{BadProof, Proof, PublicKey, SecretKey};
use vrf_rfc9381::ec::edwards25519::tai::{
    EdVrfEdwards25519TaiPublicKey as TheirPublicKey, EdVrfEdwards25519TaiSecretKey as TheirSecretKey,
};
use vrf_rfc9381::{Proof as _, Prover as _, Verifier as _};

type TheirProof = vrf_rfc9381::ec::edwards25519::EdVrfProof;

#[test]
fn rfc_9381_appendix_b_3_proofs_and_outputs_are_reproduced() {
    let cases = vectors::read("rfc9381.txt");
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let key = SecretKey::from_seed(&case.array("secret"));
        assert_eq!(key.public_key().as_bytes(), &case.array("public"), "{}", case.name);
        let alpha = case.bytes("alpha");
        let (proof, output) = key.prove(alpha);
        assert_eq!(proof.as_bytes(), &case.array("pi"), "{}", case.name);
        assert_eq!(output.as_bytes(), &case.array("beta"), "{}", case.name);
        let public = PublicKey::from_bytes(&case.array("public")).expect("a key");
        assert_eq!(public.verify(alpha, &proof), Ok(output), "{}", case.name);
    }
}

/// What the other implementation says of a proof.
fn their_verdict(public: &[u8; 32], alpha: &[u8], proof: &[u8]) -> Option<[u8; 64]> {
    let public = TheirPublicKey::from_slice(public).ok()?;
    public.verify(alpha, TheirProof::decode_pi(proof).ok()?).ok().map(Into::into)
}

#[test]
fn both_implementations_make_the_same_proofs_and_verify_each_others() {
    let mut random = Random(9_381);
    for round in 0..150 {
        let (seed, alpha) = (random.array(), random.bytes(300));
        let ours = SecretKey::from_seed(&seed);
        let theirs = TheirSecretKey::from_slice(&seed).expect("a seed");
        let (proof, output) = ours.prove(&alpha);
        assert_eq!(theirs.prove(&alpha).expect("a proof").encode_to_pi(), proof.as_bytes(), "round {round}");
        let public = ours.public_key();
        assert_eq!(their_verdict(public.as_bytes(), &alpha, proof.as_bytes()), Some(*output.as_bytes()));
        assert_eq!(public.verify(&alpha, &proof), Ok(output), "round {round}");
    }
}

#[test]
fn both_implementations_refuse_the_same_damage() {
    let mut random = Random(26);
    for round in 0..300 {
        let key = SecretKey::from_seed(&random.array());
        let mut alpha = random.bytes(40);
        let mut proof = *key.prove(&alpha).0.as_bytes();
        match random.next() % 3 {
            0 => proof[random.next() as usize % 80] ^= 1 << (random.next() % 8),
            1 => alpha.push(0),
            _ => {}
        }
        let ours = key.public_key().verify(&alpha, &Proof::new(proof)).ok().map(|output| *output.as_bytes());
        assert_eq!(ours, their_verdict(key.public_key().as_bytes(), &alpha, &proof), "round {round}");
    }
}

/// s + q, which is the same number for whoever reduces it.
fn with_order_added(scalar: &[u8]) -> [u8; 32] {
    let order_less_one = (-Scalar::ONE).to_bytes();
    let mut carry = 1_u16;
    std::array::from_fn(|at| {
        let sum = u16::from(scalar[at]) + u16::from(order_less_one[at]) + carry;
        carry = sum >> 8;
        sum as u8
    })
}

#[test]
fn s_plus_q_is_refused_here_and_accepted_by_the_other_implementation() {
    let mut accepted_there = 0;
    for case in vectors::read("rfc9381.txt") {
        let (alpha, mut proof) = (case.bytes("alpha"), case.array::<80>("pi"));
        let more = with_order_added(&proof[48..]);
        proof[48..].copy_from_slice(&more);
        let public = PublicKey::from_bytes(&case.array("public")).expect("a key");
        assert_eq!(public.verify(alpha, &Proof::new(proof)), Err(BadProof), "{}", case.name);
        // RFC 9381 section 5.4.4 step 8 refuses it too: if this ends, the oracle has become stricter.
        accepted_there += usize::from(their_verdict(public.as_bytes(), alpha, &proof).is_some());
    }
    assert_eq!(accepted_there, 3);
}

#[test]
fn proofs_of_another_length_are_refused() {
    let case = &vectors::read("rfc9381.txt")[0];
    let proof = case.bytes("pi");
    assert!(Proof::try_from(proof).is_ok());
    assert_eq!(Proof::try_from(&proof[..79]), Err(BadProof));
    assert_eq!(Proof::try_from(&[proof, &[0]].concat()[..]), Err(BadProof));
}

#[test]
fn keys_of_small_order_and_second_encodings_are_refused() {
    for point in EIGHT_TORSION {
        assert_eq!(PublicKey::from_bytes(&point.compress().to_bytes()), Err(KeyFault::SmallOrder));
    }
    // y = p, p + 1 and 2^255 - 1, with either sign; and a negative zero.
    for (low, middle, top) in
        [(0xed, 0xff, 0x7f), (0xee, 0xff, 0x7f), (0xff, 0xff, 0x7f), (0xed, 0xff, 0xff), (1, 0, 0x80)]
    {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (low, top);
        assert_eq!(PublicKey::from_bytes(&bytes), Err(KeyFault::NotAPoint), "{bytes:02x?}");
    }
    let mut bytes = [0; 32];
    bytes[0] = 2;
    assert_eq!(PublicKey::from_bytes(&bytes), Err(KeyFault::NotAPoint), "no y of the curve");
}

#[test]
fn a_key_with_a_part_of_small_order_has_one_output_too() {
    // Such keys are valid by section 5.4.5: only wholly small order makes outputs that others can foretell.
    let mixed = (ED25519_BASEPOINT_POINT + EIGHT_TORSION[1]).compress().to_bytes();
    let public = PublicKey::from_bytes(&mixed).expect("a key");
    let (proof, _) = SecretKey::from_seed(&[6; 32]).prove(b"slot");
    assert_eq!(public.verify(b"slot", &proof), Err(BadProof));
    assert_eq!(their_verdict(&mixed, b"slot", proof.as_bytes()), None);
}
