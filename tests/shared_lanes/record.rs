//! What producers of every language put in: `number | sequence | fill | FNV-1a of all before`, little-endian.

/// Length of the fill of a sequence number.
fn fill(sequence: u64) -> usize {
    (sequence as usize).wrapping_mul(37) % 700
}

fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

pub(crate) fn make(number: u64, sequence: u64) -> Vec<u8> {
    let mut bytes = [number.to_le_bytes(), sequence.to_le_bytes()].concat();
    bytes.resize(16 + fill(sequence), sequence as u8);
    let hash = hash(&bytes);
    bytes.extend(hash.to_le_bytes());
    bytes
}

/// Number and sequence of a record that arrived whole.
pub(crate) fn read(bytes: &[u8]) -> Option<(u64, u64)> {
    let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let (number, sequence) = (word(0)?, word(8)?);
    (make(number, sequence) == bytes).then_some((number, sequence))
}
