//! Points of edwards25519 as RFC 8032 decodes them: each has one encoding.
//!
//! # Invariants
//! I1 of two encodings of one point at most one is decoded.
//!
//! # Source
//! RFC 8032 section 5.1.3; RFC 9381 sections 5.4.5 (keys) and 5.5 (`string_to_point`).

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};

/// Why bytes are no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// They are no point of the curve, or not its only encoding.
    #[error("no point of the curve, or not its only encoding")]
    NotAPoint,
    /// The point is of small order: what it signs, anybody can sign.
    #[error("a point of small order")]
    SmallOrder,
}

/// The point that these bytes are the only encoding of.
pub(super) fn decode(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    if !is_canonical(bytes) {
        return None;
    }
    CompressedEdwardsY(*bytes).decompress()
}

/// The point of a public key.
pub(super) fn decode_key(bytes: &[u8; 32]) -> Result<EdwardsPoint, KeyFault> {
    let point = decode(bytes).ok_or(KeyFault::NotAPoint)?;
    if point.is_small_order() { Err(KeyFault::SmallOrder) } else { Ok(point) }
}

/// Whether y is below p = 2^255 - 19, and the sign is not that of a negative zero.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let (low, sign, top) = (bytes[0], bytes[31] >> 7, bytes[31] & 0x7f);
    let middle_is = |value: u8| bytes[1..31].iter().all(|byte| *byte == value);
    let is_near_p = top == 0x7f && middle_is(0xff);
    if is_near_p && low >= 0xed {
        return false;
    }
    // x is 0 where y is 1 or p - 1, and nowhere else.
    let is_one = low == 1 && top == 0 && middle_is(0);
    let is_minus_one = is_near_p && low == 0xec;
    !(sign == 1 && (is_one || is_minus_one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};

    /// Little-endian 2^255 - 19 + `more`, with the sign bit.
    fn near_p(more: i16, sign: u8) -> [u8; 32] {
        let mut bytes = [0xff; 32];
        bytes[0] = u8::try_from(0xed + more).expect("within the last byte");
        bytes[31] = 0x7f | sign << 7;
        bytes
    }

    #[test]
    fn every_decoded_point_has_the_bytes_that_it_is_compressed_to() {
        let mut decoded = 0;
        for sign in [0, 1] {
            for more in -0x70..=0x12 {
                let bytes = near_p(more, sign);
                let lax = CompressedEdwardsY(bytes).decompress();
                let is_only = lax.is_some_and(|point| point.compress().to_bytes() == bytes);
                assert_eq!(decode(&bytes).is_some(), is_only, "p + {more}, sign {sign}");
                decoded += usize::from(is_only);
            }
            for small in 0..=255_u8 {
                let mut bytes = [0; 32];
                (bytes[0], bytes[31]) = (small, sign << 7);
                let lax = CompressedEdwardsY(bytes).decompress();
                let is_only = lax.is_some_and(|point| point.compress().to_bytes() == bytes);
                assert_eq!(decode(&bytes).is_some(), is_only, "{small}, sign {sign}");
                decoded += usize::from(is_only);
            }
        }
        assert!(decoded > 200, "{decoded}: about half of all numbers are a y");
    }

    #[test]
    fn encodings_that_the_curve_accepts_twice_are_refused_once() {
        // y = 1 and y = -1 with a negative zero; y = p and y = p + 1 for 0 and 1.
        let mut negative_one = [0; 32];
        (negative_one[0], negative_one[31]) = (1, 0x80);
        for bytes in [negative_one, near_p(-1, 1), near_p(0, 0), near_p(0, 1), near_p(1, 0), near_p(1, 1)] {
            assert!(CompressedEdwardsY(bytes).decompress().is_some());
            assert_eq!(decode(&bytes), None);
            assert_eq!(decode_key(&bytes), Err(KeyFault::NotAPoint));
        }
    }

    #[test]
    fn keys_of_small_order_are_refused_by_name() {
        for point in EIGHT_TORSION {
            assert_eq!(decode_key(&point.compress().to_bytes()), Err(KeyFault::SmallOrder));
            let mixed = (ED25519_BASEPOINT_POINT + point).compress().to_bytes();
            assert!(decode_key(&mixed).is_ok(), "small order is not a small part of the order");
        }
    }
}
