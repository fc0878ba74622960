//! Reading one file from its first frame to its end, and judging what follows the last good one.

use super::frame::{self, Frame};

/// What a file holds.
#[derive(Debug)]
pub(super) struct Scan {
    /// Where each record starts.
    pub(super) offsets: Vec<u32>,
    /// Where the last record ends.
    pub(super) end: usize,
    /// Newest index that a frame or a mark says was durable; nothing vouches for the records after it.
    pub(super) proven: u64,
    /// How the file ends.
    pub(super) tail: Tail,
}

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// With a record or a mark.
    Clean,
    /// With bytes from `keep` on that nobody was told are durable.
    Torn { keep: usize },
    /// Bytes at `offset` are bad although the record there was durable.
    Corrupt { offset: usize },
}

/// Walks the frames of a file; the first one must be record `base`. `bytes` starts with the header.
pub(super) fn scan(bytes: &[u8], base: u64, salt: u64) -> Scan {
    let mut offsets = Vec::new();
    let mut at = frame::FILE_HEADER_BYTES;
    // A file gets a successor only after all of it is durable.
    let mut proven = base - 1;
    let next = |offsets: &Vec<u32>| base + offsets.len() as u64;
    while at < bytes.len() {
        match Frame::decode(&bytes[at..], salt) {
            Some(frame) if !frame.is_mark() && frame.index == next(&offsets) => {
                offsets.push(u32::try_from(at).expect("files are bounded below 4 GiB"));
                proven = proven.max(frame.durable);
                at += frame.bytes();
            }
            Some(frame) if frame.is_mark() && frame.index + 1 == next(&offsets) => {
                let after = at + frame.bytes();
                let tail = judge(bytes, after, next(&offsets), salt);
                return Scan { offsets, end: at, proven: frame.index, tail };
            }
            _ => {
                let tail = judge(bytes, at, next(&offsets), salt);
                return Scan { offsets, end: at, proven, tail };
            }
        }
    }
    Scan { offsets, end: at, proven, tail: Tail::Clean }
}

/// The bytes from `at` on are not record `index`. Looks at every later offset for a frame that proves
/// that the record was durable.
fn judge(bytes: &[u8], at: usize, index: u64, salt: u64) -> Tail {
    if at == bytes.len() {
        return Tail::Clean;
    }
    // A frame takes at least its header, so the indexes that can follow are bounded. Checking that
    // first keeps the search linear: the checksum is computed only where the salted index fits.
    let indexes = index - 1..=index + ((bytes.len() - at) / frame::HEADER_BYTES) as u64;
    let is_proof = |from: usize| {
        let salted = bytes.get(from + 8..from + 16).and_then(|word| word.try_into().ok());
        let fits = salted.is_some_and(|word| indexes.contains(&(u64::from_le_bytes(word) ^ salt)));
        fits && Frame::decode(&bytes[from..], salt).is_some_and(|frame| frame.durable >= index)
    };
    if (at..bytes.len()).any(is_proof) { Tail::Corrupt { offset: at } } else { Tail::Torn { keep: at } }
}
