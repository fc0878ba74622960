//! The bytes: first page of a file, record of a frame, mark.
//!
//! # Model
//! ```text
//! page    0 identity   512 cut A   1024 cut B   2048 identity again   4096 records
//! identity   0 magic [8]   8 version u32   12 zero u32   16 salt u64   24 zero u32   28 crc u32
//! cut        0 generation u64   8 offset u64   16 salt u64   24 zero u32   28 crc u32
//! record     0 crc u32   4 frame bytes u32   8 base ^ salt u64   16 durable u64   24 generation u64
//!           32 frame: header [72], body
//! mark       a record without a frame; its base is the index that comes next
//! ```
//! Little-endian; all checksums CRC-32C. That of identity and cut covers the 28 bytes before it, that of a
//! record bytes 4..32 and the header of the frame, whose body has its own. `durable` is the newest index
//! that was durable when the record was made.
//!
//! # Invariants
//! I1 magic, version and crc of the identity keep their places in every version.
//! I2 identity and cuts lie in sectors of their own, so none is torn by writing another.

use crate::codec::{Reader, Writer};
use crate::frame::{FRAME_HEADER_BYTES, FrameHeader, FrameLimits};
use crate::types::Index;

pub(super) const RECORDS_AT: u64 = 4096;
pub(super) const VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"DUOFRM\r\n";
/// Where the two copies of the identity stand.
const IDENTITY_AT: [usize; 2] = [0, 2048];
const CUT_AT: [u64; 2] = [512, 1024];
const BLOCK_BYTES: usize = 32;
const BLOCK_CRC_AT: usize = BLOCK_BYTES - 4;

/// Before each frame.
pub(super) const PREFIX_BYTES: usize = 32;
/// A record without its body.
pub(super) const HEAD_BYTES: usize = PREFIX_BYTES + FRAME_HEADER_BYTES;

/// Why bytes are not the first page of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadPage {
    TooNew { found: u32 },
    Damaged { what: &'static str },
}

/// The first page of a new file. Cuts of an older use do not fit its salt.
pub(super) fn page(salt: u64) -> Vec<u8> {
    let mut page = vec![0; RECORDS_AT as usize];
    for at in IDENTITY_AT {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        Writer::new(&mut block).bytes(&MAGIC).u32(VERSION).u32(0).u64(salt).u32(0);
        page[at..at + BLOCK_BYTES].copy_from_slice(&with_crc(block));
    }
    page
}

fn with_crc(mut block: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&block);
    Writer::new(&mut block).u32(crc);
    block
}

/// The salt, from either copy of the identity.
pub(super) fn read_page(page: &[u8]) -> Result<u64, BadPage> {
    let [first, second] = IDENTITY_AT.map(|at| read_identity(page.get(at..).unwrap_or_default()));
    match (first, second) {
        (Ok(salt), _) | (_, Ok(salt)) => Ok(salt),
        (Err(bad), Err(_)) => Err(bad),
    }
}

fn read_identity(bytes: &[u8]) -> Result<u64, BadPage> {
    let damaged = |what| BadPage::Damaged { what };
    let Some(block) = bytes.get(..BLOCK_BYTES) else { return Err(damaged("shorter than a first page")) };
    let short = |_| damaged("shorter than a first page");
    let mut reader = Reader::new(block);
    if reader.array("magic").map_err(short)? != MAGIC {
        return Err(damaged("not a file of this library's frames"));
    }
    let version = reader.u32("version").map_err(short)?;
    reader.u32("zero").map_err(short)?;
    let salt = reader.u64("salt").map_err(short)?;
    reader.u32("zero").map_err(short)?;
    if reader.u32("crc").map_err(short)? != crc32c::crc32c(&block[..BLOCK_CRC_AT]) {
        return Err(damaged("the first page does not match its checksum"));
    }
    match version {
        VERSION => Ok(salt),
        found if found > VERSION => Err(BadPage::TooNew { found }),
        _ => Err(damaged("unknown version")),
    }
}

/// From `at` on only records of `generation` or later count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) generation: u64,
    pub(super) at: u64,
}

impl Cut {
    /// Of a file that was never cut.
    pub(super) const NONE: Self = Self { generation: 0, at: RECORDS_AT };

    /// Oldest generation that counts at `at`, where the record before is of `generation`.
    pub(super) fn floor(&self, at: u64, generation: u64) -> u64 {
        if at >= self.at { generation.max(self.generation) } else { generation }
    }

    /// Where it is written, beside the one before it, and its bytes.
    pub(super) fn encode(&self, salt: u64) -> (u64, Vec<u8>) {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        Writer::new(&mut block).u64(self.generation).u64(self.at).u64(salt).u32(0);
        (CUT_AT[(self.generation % 2) as usize], with_crc(block))
    }

    /// The latest in a first page.
    pub(super) fn latest(page: &[u8], salt: u64) -> Self {
        let cuts = CUT_AT.into_iter().filter_map(|at| Self::read(page.get(at as usize..)?, salt));
        cuts.max_by_key(|cut| cut.generation).unwrap_or(Self::NONE)
    }

    fn read(bytes: &[u8], salt: u64) -> Option<Self> {
        let block = bytes.get(..BLOCK_BYTES)?;
        let mut reader = Reader::new(block);
        let (generation, at) = (reader.u64("generation").ok()?, reader.u64("offset").ok()?);
        let is_ours = reader.u64("salt").ok()? == salt && reader.u32("zero").ok()? == 0;
        let fits = reader.u32("crc").ok()? == crc32c::crc32c(&block[..BLOCK_CRC_AT]);
        (is_ours && fits && at >= RECORDS_AT).then_some(Self { generation, at })
    }
}

/// What stands before a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    /// Of the frame; of a mark, the index that comes next.
    pub(super) base: Index,
    pub(super) durable: Index,
    pub(super) generation: u64,
}

/// The head of a record that matches its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) prefix: Prefix,
    /// `None` for a mark.
    pub(super) frame: Option<FrameHeader>,
}

impl Head {
    /// Of the whole record.
    pub(super) fn record_bytes(&self) -> u64 {
        let frame = self.frame.map_or(0, |header| FRAME_HEADER_BYTES + header.body_bytes as usize);
        (PREFIX_BYTES + frame) as u64
    }

    /// Reads the head of a record from the start of `bytes`; `None` when it is none of the file's with `salt`.
    pub(super) fn decode(bytes: &[u8], salt: u64) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let crc = reader.u32("crc").ok()?;
        let frame_bytes = reader.u32("frame bytes").ok()? as usize;
        let base = Index::new(reader.u64("base").ok()? ^ salt);
        let durable = Index::new(reader.u64("durable").ok()?);
        let generation = reader.u64("generation").ok()?;
        let covered = if frame_bytes == 0 { PREFIX_BYTES } else { HEAD_BYTES };
        if crc != crc32c::crc32c(bytes.get(4..covered)?) {
            return None;
        }
        let prefix = Prefix { base, durable, generation };
        if frame_bytes == 0 {
            return Some(Self { prefix, frame: None });
        }
        let header = FrameHeader::decode(&bytes[PREFIX_BYTES..], &FrameLimits::CEILING).ok()?;
        let fits = frame_bytes == FRAME_HEADER_BYTES + header.body_bytes as usize;
        (fits && header.seal?.base == base).then_some(Self { prefix, frame: Some(header) })
    }
}

/// The head of a record with that frame; its body follows.
pub(super) fn encode_head(prefix: Prefix, salt: u64, header: &FrameHeader, out: &mut Vec<u8>) {
    let frame_bytes = FRAME_HEADER_BYTES + header.body_bytes as usize;
    encode_prefix(prefix, salt, frame_bytes as u32, &header.encode(), out);
}

/// The record that says that everything before `prefix.base` is durable.
pub(super) fn encode_mark(prefix: Prefix, salt: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(PREFIX_BYTES);
    encode_prefix(prefix, salt, 0, &[], &mut out);
    out
}

fn encode_prefix(prefix: Prefix, salt: u64, frame_bytes: u32, header: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    Writer::new(out)
        .u32(0)
        .u32(frame_bytes)
        .u64(prefix.base.get() ^ salt)
        .u64(prefix.durable.get())
        .u64(prefix.generation)
        .bytes(header);
    let crc = crc32c::crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame, Seal};
    use crate::types::{Term, UnixNanos};

    const SALT: u64 = 0x1234_5678_9abc_def0;

    #[test]
    fn a_page_is_read_as_long_as_one_identity_is_whole() {
        let whole = page(SALT);
        for at in [0, 8, 17, 31] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(read_page(&damaged), Ok(SALT));
            damaged[2048 + at] ^= 1;
            assert!(matches!(read_page(&damaged), Err(BadPage::Damaged { .. })), "byte {at}");
        }
        assert!(matches!(read_page(&whole[..31]), Err(BadPage::Damaged { .. })));
    }

    #[test]
    fn the_latest_cut_of_the_same_salt_counts() {
        let mut page = page(SALT);
        assert_eq!(Cut::latest(&page, SALT), Cut::NONE);
        for generation in 1..5 {
            let cut = Cut { generation, at: 9000 - generation };
            let (at, bytes) = cut.encode(SALT);
            page[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
            assert_eq!(Cut::latest(&page, SALT), cut);
        }
        page[512] ^= 1;
        assert_eq!(Cut::latest(&page, SALT).generation, 3);
        assert_eq!(Cut::latest(&page, SALT ^ 1), Cut::NONE);
    }

    #[test]
    fn a_head_is_read_back_and_no_bit_of_it_may_change() {
        let seal = Seal { term: Term::new(2), base: Index::new(9), time: UnixNanos::new(1) };
        let frame = Frame::new(seal, Body::blank());
        let prefix = Prefix { base: frame.base(), durable: Index::new(8), generation: 3 };
        let mut bytes = Vec::new();
        encode_head(prefix, SALT, &frame.header(), &mut bytes);
        let head = Head { prefix, frame: Some(frame.header()) };
        assert_eq!(Head::decode(&bytes, SALT), Some(head));
        assert_eq!(Head::decode(&bytes, SALT ^ 1), None);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::decode(&bytes, SALT), None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        let mark = encode_mark(prefix, SALT);
        assert_eq!(Head::decode(&mark, SALT), Some(Head { prefix, frame: None }));
    }
}
