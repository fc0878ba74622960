//! Transactions from a seed, with the sizes of a real block: 188 to 170,363 bytes, median near 225.

/// Sizes at every 32nd part of the distribution.
const HEAD: [u64; 32] = [
    188, 192, 194, 221, 222, 223, 223, 223, 223, 223, 224, 224, 224, 225, 225, 225, 225, 226, 226, 226, 247,
    255, 340, 368, 372, 373, 375, 383, 454, 523, 707, 1_144,
];

/// The last 32nd part, again in 32 parts.
const TAIL: [u64; 33] = [
    1_144, 1_204, 1_231, 1_255, 1_263, 1_264, 1_269, 1_302, 1_339, 1_378, 1_404, 1_414, 1_476, 1_545, 1_634,
    1_693, 2_003, 2_058, 2_259, 2_420, 2_651, 2_841, 3_194, 3_565, 3_666, 3_850, 5_480, 7_006, 7_765, 9_669,
    14_578, 99_370, 170_363,
];

/// An endless, repeatable supply.
#[derive(Clone, Debug)]
pub struct Generator {
    state: u64,
}

impl Generator {
    /// The same seed gives the same bytes in every language.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next transaction.
    pub fn transaction(&mut self) -> Vec<u8> {
        let random = self.next();
        let (position, fraction) = ((random >> 54) as usize, (random >> 44) & 1_023);
        let (low, high) = match position >> 5 {
            31 => (TAIL[position & 31], TAIL[(position & 31) + 1]),
            part => (HEAD[part], HEAD[part + 1]),
        };
        let size = (low + (high - low) * fraction / 1_024) as usize;
        let mut bytes = Vec::with_capacity(size + 8);
        while bytes.len() < size {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(size);
        bytes
    }
}
