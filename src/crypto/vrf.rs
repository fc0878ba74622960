//! A verifiable random function: ECVRF-EDWARDS25519-SHA512-TAI, suite 3 of RFC 9381.
//!
//! # Model
//! The holder of a secret key turns an input (`alpha`) into an output that nobody else can foretell, and a proof that it is
//! the only output for this key and input. [`SecretKey::prove`] makes both; [`PublicKey::verify`] gives the output of
//! a valid proof.
//!
//! # Invariants
//! I1 of one key and input there is one output. Proofs are not unique: whoever has the key can make others with the same
//! output, so compare outputs, never proofs.
//! I2 a proof has one encoding: 80 bytes, Gamma in its only encoding, s below the order of the group. Nobody without the
//! key turns one valid proof into another.
//! I3 secret keys are wiped when they are dropped, do not move in memory, and are never printed; [`SecretKey::prove`] takes
//! no branch and looks up no address by what is secret. The time it takes depends on the input and the public key.
//!
//! # Deviations
//! None from the suite. Keys are always validated (section 5.4.5), so the output is unpredictable also for keys that
//! were chosen with malice.
//!
//! # Source
//! RFC 9381, sections 5 and 5.5; the numbers in comments are its steps.

use super::point::{self, KeyFault};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use sha2::{Digest, Sha512};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Length of a seed of a secret key.
pub const SEED_BYTES: usize = 32;

/// Section 5.5: suite 3.
const SUITE: u8 = 3;
const ENCODE_TO_CURVE: u8 = 1;
const CHALLENGE: u8 = 2;
const PROOF_TO_HASH: u8 = 3;
const BACK: u8 = 0;
/// cLen.
const CHALLENGE_BYTES: usize = 16;

/// A secret key.
pub struct SecretKey {
    secret: Box<Secret>,
    public: PublicKey,
}

struct Secret {
    /// The scalar x.
    scalar: Scalar,
    /// The second half of the hashed seed, from which nonces are made.
    prefix: [u8; 32],
}

impl SecretKey {
    /// The key of a seed, which the caller wipes.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let hashed: Zeroizing<[u8; 64]> = Zeroizing::new(Sha512::digest(seed).into());
        let mut secret = Box::new(Secret { scalar: Scalar::ZERO, prefix: [0; 32] });
        let mut clamped = [0; 32];
        clamped.copy_from_slice(&hashed[..32]);
        clamped = clamp_integer(clamped);
        // Of points of the prime order subgroup, as B and H are, the multiple by x mod q is that by x.
        secret.scalar = Scalar::from_bytes_mod_order(clamped);
        clamped.zeroize();
        secret.prefix.copy_from_slice(&hashed[32..]);
        let point = EdwardsPoint::mul_base(&secret.scalar);
        Self { public: PublicKey { bytes: point.compress().to_bytes(), point }, secret }
    }

    /// What others verify with.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The output for `alpha` and the proof of it (section 5.1).
    ///
    /// # Panics
    /// Where no one of 256 hashes is a point: of all inputs one in 2^256, and nobody knows it.
    pub fn prove(&self, alpha: &[u8]) -> (Proof, Output) {
        let h = self.public.encode_to_curve(alpha).expect("one of 256 hashes is a point"); // 2
        let h_string = h.compress().to_bytes(); // 3
        let gamma = self.secret.scalar * h; // 4
        let mut k = self.nonce(&h_string); // 5
        let [gamma_string, u, v, cofactor_gamma] = EdwardsPoint::compress_batch(&[
            gamma,
            EdwardsPoint::mul_base(&k),
            k * h,
            gamma.mul_by_cofactor(),
        ]);
        let c = challenge(&self.public.bytes, &h_string, &gamma_string, &u, &v); // 6
        let s = k + scalar_of(&c) * self.secret.scalar; // 7
        k.zeroize();
        let mut proof = [0; Proof::BYTES]; // 8
        proof[..32].copy_from_slice(gamma_string.as_bytes());
        proof[32..48].copy_from_slice(&c);
        proof[48..].copy_from_slice(s.as_bytes());
        (Proof(proof), output(&cofactor_gamma))
    }

    /// Section 5.4.2.2, the nonce of RFC 8032.
    fn nonce(&self, h_string: &[u8; 32]) -> Scalar {
        let hashed: Zeroizing<[u8; 64]> = Zeroizing::new(
            Sha512::new().chain_update(self.secret.prefix).chain_update(h_string).finalize().into(),
        );
        Scalar::from_bytes_mod_order_wide(&hashed)
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.secret.scalar.zeroize();
        self.secret.prefix.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public)
    }
}

/// A public key that was validated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    bytes: [u8; 32],
    point: EdwardsPoint,
}

impl PublicKey {
    /// Decodes and validates (section 5.4.5).
    ///
    /// # Errors
    /// Bytes that are no key, or the key of everybody.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyFault> {
        Ok(Self { bytes: *bytes, point: point::decode_key(bytes)? })
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The output that `proof` proves for `alpha` (section 5.3). Takes variable time: nothing in it is secret.
    ///
    /// # Errors
    /// The proof is not one of this key and input.
    pub fn verify(&self, alpha: &[u8], proof: &Proof) -> Result<Output, BadProof> {
        let Decoded { gamma, gamma_string, c, s } = proof.decode().ok_or(BadProof)?; // 4 to 6
        let h = self.encode_to_curve(alpha).ok_or(BadProof)?; // 7
        // c is half as long as a scalar; its opposite is not. So the points change their signs.
        let challenged = scalar_of(&c);
        let u = EdwardsPoint::vartime_double_scalar_mul_basepoint(&challenged, &-self.point, &s); // 8
        let v = EdwardsPoint::vartime_multiscalar_mul([&s, &challenged], [h, -gamma]); // 9
        let [h_string, u, v, cofactor_gamma] =
            EdwardsPoint::compress_batch(&[h, u, v, gamma.mul_by_cofactor()]);
        let expected = challenge(&self.bytes, h_string.as_bytes(), &gamma_string, &u, &v); // 10
        if c == expected { Ok(output(&cofactor_gamma)) } else { Err(BadProof) } // 11
    }

    /// Try and increment (section 5.4.1.1), with the public key as salt.
    fn encode_to_curve(&self, alpha: &[u8]) -> Option<EdwardsPoint> {
        let prefix =
            Sha512::new().chain_update([SUITE, ENCODE_TO_CURVE]).chain_update(self.bytes).chain_update(alpha);
        (0..=u8::MAX).find_map(|counter| {
            let hashed: [u8; 64] = prefix.clone().chain_update([counter, BACK]).finalize().into();
            let candidate = *hashed.first_chunk::<32>()?;
            let point = point::decode(&candidate)?.mul_by_cofactor();
            (!point.is_identity()).then_some(point)
        })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(")?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A proof, as bytes: they may prove nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof([u8; Self::BYTES]);

/// What section 5.4.4 takes out of a proof.
struct Decoded {
    gamma: EdwardsPoint,
    gamma_string: CompressedEdwardsY,
    c: [u8; CHALLENGE_BYTES],
    s: Scalar,
}

impl Proof {
    /// Length.
    pub const BYTES: usize = 32 + CHALLENGE_BYTES + 32;

    /// From its bytes.
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    fn decode(&self) -> Option<Decoded> {
        let (gamma, rest) = self.0.split_first_chunk::<32>()?;
        let (c, rest) = rest.split_first_chunk::<CHALLENGE_BYTES>()?;
        let s = *rest.first_chunk::<32>()?;
        Some(Decoded {
            gamma: point::decode(gamma)?,
            gamma_string: CompressedEdwardsY(*gamma),
            c: *c,
            // I2: s is below q.
            s: Option::from(Scalar::from_canonical_bytes(s))?,
        })
    }
}

impl TryFrom<&[u8]> for Proof {
    type Error = BadProof;

    fn try_from(bytes: &[u8]) -> Result<Self, BadProof> {
        bytes.try_into().map(Self).map_err(|_| BadProof)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// What a key makes of an input (`beta`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Output([u8; Self::BYTES]);

impl Output {
    /// Length.
    pub const BYTES: usize = 64;

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The proof is not one of the key and input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof is not one of this key and input")]
pub struct BadProof;

/// Section 5.4.3.
fn challenge(
    y: &[u8; 32],
    h: &[u8; 32],
    gamma: &CompressedEdwardsY,
    u: &CompressedEdwardsY,
    v: &CompressedEdwardsY,
) -> [u8; CHALLENGE_BYTES] {
    let mut hasher = Sha512::new_with_prefix([SUITE, CHALLENGE]);
    for point in [y, h, gamma.as_bytes(), u.as_bytes(), v.as_bytes()] {
        hasher.update(point);
    }
    let hashed: [u8; 64] = hasher.chain_update([BACK]).finalize().into();
    let mut c = [0; CHALLENGE_BYTES];
    c.copy_from_slice(&hashed[..CHALLENGE_BYTES]);
    c
}

fn scalar_of(c: &[u8; CHALLENGE_BYTES]) -> Scalar {
    Scalar::from(u128::from_le_bytes(*c))
}

/// Section 5.2.
fn output(cofactor_gamma: &CompressedEdwardsY) -> Output {
    let hasher = Sha512::new_with_prefix([SUITE, PROOF_TO_HASH]);
    Output(hasher.chain_update(cofactor_gamma.as_bytes()).chain_update([BACK]).finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;

    #[test]
    fn an_output_is_proven_for_its_key_and_input_only() {
        let key = SecretKey::from_seed(&[7; 32]);
        let (proof, output) = key.prove(b"slot 1");
        assert_eq!(key.public_key().verify(b"slot 1", &proof), Ok(output));
        assert_eq!(key.public_key().verify(b"slot 2", &proof), Err(BadProof));
        let other = SecretKey::from_seed(&[8; 32]);
        assert_eq!(other.public_key().verify(b"slot 1", &proof), Err(BadProof));
        assert_ne!(other.prove(b"slot 1").1, output);
        assert_eq!(key.prove(b"slot 1"), (proof, output));
    }

    #[test]
    fn a_turned_bit_anywhere_proves_nothing() {
        let key = SecretKey::from_seed(&[7; 32]);
        let (proof, _) = key.prove(b"slot 1");
        for bit in 0..Proof::BYTES * 8 {
            let mut bytes = *proof.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.public_key().verify(b"slot 1", &Proof(bytes)), Err(BadProof), "bit {bit}");
        }
    }

    #[test]
    fn a_gamma_that_is_off_by_a_point_of_small_order_proves_nothing() {
        // 8 Gamma, and so the output, would be the same: a second proof that anybody could make.
        let key = SecretKey::from_seed(&[7; 32]);
        let (proof, _) = key.prove(b"slot 1");
        let gamma =
            CompressedEdwardsY(*proof.0.first_chunk().expect("80 bytes")).decompress().expect("a point");
        for torsion in &EIGHT_TORSION[1..] {
            let mut bytes = proof.0;
            bytes[..32].copy_from_slice((gamma + torsion).compress().as_bytes());
            assert_eq!(key.public_key().verify(b"slot 1", &Proof(bytes)), Err(BadProof));
        }
    }

    #[test]
    fn gamma_is_read_in_its_only_encoding() {
        // I2. The point of y = 1 again as y = p + 1, with either sign, and with the sign of a negative zero.
        let (mut proof, _) = SecretKey::from_seed(&[7; 32]).prove(b"slot 1");
        for (low, middle, top) in [(0xee, 0xff, 0x7f), (0xee, 0xff, 0xff), (1, 0, 0x80)] {
            proof.0[..32].fill(middle);
            (proof.0[0], proof.0[31]) = (low, top);
            assert!(proof.decode().is_none(), "{low:02x} .. {top:02x}");
        }
        (proof.0[0], proof.0[31]) = (1, 0);
        assert!(proof.decode().is_some(), "everything else about it can be read");
    }

    #[test]
    fn s_is_read_below_the_order_only() {
        let (mut proof, _) = SecretKey::from_seed(&[7; 32]).prove(b"slot 1");
        let largest = -Scalar::ONE;
        proof.0[48..].copy_from_slice(largest.as_bytes());
        assert!(proof.decode().is_some());
        // q itself: no carry, the last byte of q - 1 is not 255.
        proof.0[48] += 1;
        assert!(proof.decode().is_none());
    }

    #[test]
    fn other_lengths_are_no_proofs() {
        for length in [0, 79, 81, 160] {
            assert_eq!(Proof::try_from(&vec![0; length][..]), Err(BadProof));
        }
        assert!(Proof::try_from(&[0; 80][..]).is_ok());
    }

    #[test]
    fn a_secret_key_prints_its_public_key_only() {
        let key = SecretKey::from_seed(&[7; 32]);
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("SecretKey(of {:?})", key.public_key()));
        assert!(!shown.contains("0707"), "{shown}");
    }
}
