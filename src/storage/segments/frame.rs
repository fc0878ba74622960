//! The bytes: header of a file, frame of a record, mark.
//!
//! # Model
//! ```text
//! header  0 magic [8]   8 version u32   12 zero u32   16 base u64   24 salt u64   32 zero u32   36 crc u32
//! frame   0 crc u32     4 length u32    8 index ^ salt u64    16 durable u64      24 record [length]
//! mark    a frame of length 0 whose durable is its index
//! ```
//! Little-endian. The crc of the header covers bytes 0..36, that of a frame everything after itself.
//! `durable` is the newest index that was durable when the frame was made, so it is below the index of
//! every record.
//!
//! # Invariants
//! I1 magic, version and crc of the header keep their places in every version, so that a newer version
//! is told from damage.

use crate::codec::{Reader, Writer};
use crc32fast::Hasher;

pub(super) const FILE_HEADER_BYTES: usize = 40;
pub(super) const HEADER_BYTES: usize = 24;
pub(super) const VERSION: u32 = 1;
pub(super) const MAGIC: [u8; 8] = *b"DUOSEG\r\n";

const FILE_CRC_AT: usize = FILE_HEADER_BYTES - 4;
const CRC_BYTES: usize = 4;

/// What a file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) base: u64,
    pub(super) salt: u64,
}

/// Why bytes are not a header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    TooNew { found: u32 },
    Damaged { offset: u64, what: &'static str },
}

impl FileHeader {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FILE_HEADER_BYTES);
        Writer::new(&mut out).bytes(&MAGIC).u32(VERSION).u32(0).u64(self.base).u64(self.salt).u32(0);
        let crc = crc32fast::hash(&out);
        Writer::new(&mut out).u32(crc);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        let damaged = |offset, what| BadHeader::Damaged { offset, what };
        let short = |_| damaged(0, "shorter than a header");
        let mut reader = Reader::new(bytes.get(..FILE_HEADER_BYTES).unwrap_or(bytes));
        if reader.array("magic").map_err(short)? != MAGIC {
            return Err(damaged(0, "not a segment of this library"));
        }
        let version = reader.u32("version").map_err(short)?;
        let _ = reader.u32("zero").map_err(short)?;
        let base = reader.u64("base").map_err(short)?;
        let salt = reader.u64("salt").map_err(short)?;
        let _ = reader.u32("zero").map_err(short)?;
        let crc = reader.u32("crc").map_err(short)?;
        if crc != crc32fast::hash(&bytes[..FILE_CRC_AT]) {
            return Err(damaged(FILE_CRC_AT as u64, "header checksum mismatch"));
        }
        match version {
            VERSION => Ok(Self { base, salt }),
            found if found > VERSION => Err(BadHeader::TooNew { found }),
            _ => Err(damaged(MAGIC.len() as u64, "unknown version")),
        }
    }
}

/// A verified frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) index: u64,
    pub(super) durable: u64,
    pub(super) record: &'a [u8],
}

impl<'a> Frame<'a> {
    pub(super) const fn is_mark(&self) -> bool {
        self.durable >= self.index
    }

    pub(super) const fn bytes(&self) -> usize {
        HEADER_BYTES + self.record.len()
    }

    /// The frame at the start of `bytes`, if its checksum matches.
    pub(super) fn decode(bytes: &'a [u8], salt: u64) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let crc = reader.u32("crc").ok()?;
        let length = reader.u32("length").ok()? as usize;
        let index = reader.u64("index").ok()? ^ salt;
        let durable = reader.u64("durable").ok()?;
        let record = reader.bytes("record", length).ok()?;
        let is_intact = crc == crc32fast::hash(&bytes[CRC_BYTES..HEADER_BYTES + length]);
        is_intact.then_some(Self { index, durable, record })
    }
}

/// Appends the frame of a record of `len` bytes to `out`.
pub(super) fn encode(out: &mut Vec<u8>, salt: u64, index: u64, durable: u64, record: &[&[u8]], len: usize) {
    let start = out.len();
    out.reserve(HEADER_BYTES + len);
    let length = u32::try_from(len).expect("records are bounded below 4 GiB");
    Writer::new(out).u32(0).u32(length).u64(index ^ salt).u64(durable);
    for part in record {
        out.extend_from_slice(part);
    }
    let mut hasher = Hasher::new();
    hasher.update(&out[start + CRC_BYTES..]);
    out[start..start + CRC_BYTES].copy_from_slice(&hasher.finalize().to_le_bytes());
}

/// The mark that everything up to `durable` is durable.
pub(super) fn mark(salt: u64, durable: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES);
    encode(&mut out, salt, durable, durable, &[], 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_refused_with_any_bit_flipped() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 0x1234, 7, 6, &[b"ab", b"c"], 3);
        let frame = Frame { index: 7, durable: 6, record: b"abc" };
        assert_eq!(Frame::decode(&bytes, 0x1234), Some(frame));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Frame::decode(&bytes, 0x1234), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_header_is_refused_with_any_bit_flipped_and_a_newer_one_by_name() {
        let header = FileHeader { base: 9, salt: 77 };
        let mut bytes = header.encode();
        assert_eq!(FileHeader::decode(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(FileHeader::decode(&bytes), Err(BadHeader::Damaged { .. })), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        bytes[8] = 2;
        let crc = crc32fast::hash(&bytes[..FILE_CRC_AT]);
        bytes[FILE_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(FileHeader::decode(&bytes), Err(BadHeader::TooNew { found: 2 }));
    }
}
