//! Signatures and the VRF against the numbers of their RFCs, and against what must be refused.
//!
//! `rfc8032.txt` and `rfc9381.txt` hold the vectors: a case, and its values by name, as hexadecimal digits that go on in
//! lines that begin with blanks.

mod ed25519;
mod vectors;
mod vrf;

/// SplitMix64: the same bytes from the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }

    fn bytes(&mut self, length_max: u64) -> Vec<u8> {
        (0..self.next() % (length_max + 1)).map(|_| self.next() as u8).collect()
    }
}
