//! RFC 8032, and the cases in which ZIP-215 decides what the RFC leaves open.

use crate::{Random, vectors};
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use duochain::crypto::ed25519::{
    BadSignature, Blame, Claim, PublicKey, Signature, SigningKey, verify, verify_batch,
};
use sha2::{Digest, Sha512};

#[test]
fn rfc_8032_section_7_1_keys_and_signatures_are_reproduced() {
    let cases = vectors::read("rfc8032.txt");
    assert_eq!(cases.len(), 5);
    let mut claims = Vec::new();
    for case in &cases {
        let key = SigningKey::from_seed(&case.array("secret"));
        assert_eq!(key.public_key().as_bytes(), &case.array("public"), "{}", case.name);
        let signature = key.sign(case.bytes("message"));
        assert_eq!(signature.as_bytes(), &case.array("signature"), "{}", case.name);
        claims.push(Claim { key: key.public_key(), message: case.bytes("message"), signature });
        assert_eq!(verify(claims.last().expect("just pushed")), Ok(()), "{}", case.name);
    }
    assert_eq!(verify_batch(&claims), Ok(()));
}

/// Every encoding of every point of small order: eight points, six of which have a second encoding.
fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut found: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    // y at or above p = 2^255 - 19, and both signs; and the sign of a negative zero.
    for low in 0xed..=0xff_u8 {
        for top in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, top);
            found.push(bytes);
        }
    }
    for (low, middle, top) in [(1, 0, 0x80), (0xec, 0xff, 0xff)] {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (low, top);
        found.push(bytes);
    }
    found.retain(|bytes| CompressedEdwardsY(*bytes).decompress().is_some_and(|point| point.is_small_order()));
    assert_eq!(found.len(), 14);
    found
}

#[test]
fn zip_215_accepts_every_encoding_of_a_small_order_point_alone_and_in_a_batch() {
    let encodings = small_order_encodings();
    let mut claims = Vec::new();
    for key in &encodings {
        for r in &encodings {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(r);
            let claim =
                Claim { key: PublicKey::new(*key), message: b"Zcash", signature: Signature::new(signature) };
            assert_eq!(verify(&claim), Ok(()), "{key:02x?} {r:02x?}");
            assert!(claim.key.check().is_err(), "and nobody registers such a key");
            claims.push(claim);
        }
    }
    assert_eq!(claims.len(), 196);
    assert_eq!(verify_batch(&claims), Ok(()));
}

/// A signature by hand: R is off by a point of small order, which the cofactor takes away again.
fn signed_with_torsion(seed: &[u8; 32], message: &[u8], torsion: &EdwardsPoint) -> Claim<'static> {
    let hashed: [u8; 64] = Sha512::digest(seed).into();
    let mut low = [0; 32];
    low.copy_from_slice(&hashed[..32]);
    let secret = Scalar::from_bytes_mod_order(curve25519_dalek::scalar::clamp_integer(low));
    let public = EdwardsPoint::mul_base(&secret).compress().to_bytes();
    let nonce = Scalar::from(7_u64);
    let r = (EdwardsPoint::mul_base(&nonce) + torsion).compress().to_bytes();
    let hashed: [u8; 64] =
        Sha512::new().chain_update(r).chain_update(public).chain_update(message).finalize().into();
    let s = nonce + Scalar::from_bytes_mod_order_wide(&hashed) * secret;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r);
    signature[32..].copy_from_slice(s.as_bytes());
    let message: &'static [u8] = Box::leak(message.to_vec().into_boxed_slice());
    Claim { key: PublicKey::new(public), message, signature: Signature::new(signature) }
}

#[test]
fn what_only_the_cofactor_accepts_is_accepted_alone_and_in_a_batch() {
    let claims: Vec<_> =
        EIGHT_TORSION.iter().map(|torsion| signed_with_torsion(&[9; 32], b"vote", torsion)).collect();
    for claim in &claims {
        assert_eq!(verify(claim), Ok(()));
    }
    // Libraries with batches by other rules accept some of these and then refuse them alone.
    for chosen in 1..=claims.len() {
        assert_eq!(verify_batch(&claims[..chosen]), Ok(()));
    }
}

/// s + q, which is the same number for whoever reduces it.
fn with_order_added(scalar: &[u8]) -> [u8; 32] {
    let order = (-Scalar::ONE).to_bytes();
    let mut carry = 1_u16;
    std::array::from_fn(|at| {
        let sum = u16::from(scalar[at]) + u16::from(order[at]) + carry;
        carry = sum >> 8;
        sum as u8
    })
}

#[test]
fn a_signature_whose_s_is_not_below_the_order_is_refused() {
    let key = SigningKey::from_seed(&[3; 32]);
    let good = Claim { key: key.public_key(), message: b"vote", signature: key.sign(b"vote") };
    let mut bytes = *good.signature.as_bytes();
    bytes[32..].copy_from_slice(&with_order_added(&good.signature.as_bytes()[32..]));
    let other = Claim { signature: Signature::new(bytes), ..good };
    assert_eq!(verify(&other), Err(BadSignature));
    assert_eq!(verify_batch(&[good, other, good]), Err(Blame { bad: vec![1] }));
}

#[test]
fn a_batch_says_what_single_verification_says_for_random_damage() {
    let mut random = Random(8_032);
    for round in 0..60 {
        let keys: Vec<SigningKey> =
            (0..=random.next() % 12).map(|_| SigningKey::from_seed(&random.array())).collect();
        let messages: Vec<Vec<u8>> = keys.iter().map(|_| random.bytes(200)).collect();
        let claims: Vec<Claim<'_>> = keys
            .iter()
            .zip(&messages)
            .map(|(key, message)| {
                let mut signature = *key.sign(message).as_bytes();
                let mut public = *key.public_key().as_bytes();
                match random.next() % 6 {
                    0 => signature[random.next() as usize % 64] ^= 1 << (random.next() % 8),
                    1 => public[random.next() as usize % 32] ^= 1 << (random.next() % 8),
                    2 => signature[..32].copy_from_slice(EIGHT_TORSION[3].compress().as_bytes()),
                    _ => {}
                }
                Claim { key: PublicKey::new(public), message, signature: Signature::new(signature) }
            })
            .collect();
        let bad: Vec<usize> = (0..claims.len()).filter(|at| verify(&claims[*at]).is_err()).collect();
        let expected = if bad.is_empty() { Ok(()) } else { Err(Blame { bad }) };
        assert_eq!(verify_batch(&claims), expected, "round {round}");
    }
}
