//! The bytes of a snapshot: a head, and blocks.
//!
//! # Model
//! ```text
//! head, 64 bytes    0 magic "DUOSNP\r\n"   8 version u32   12 zero u32   16 cluster [16]
//!                  32 term u64  40 index u64  48 time u64  56 zero u32  60 CRC-32C of bytes 0..60
//! block            0 kind u32  4 length u32  8 CRC-32C of the payload  12 CRC-32C of bytes 0..12
//!                 16 payload, then zeros to a multiple of 8
//! kinds            1 section: its name   2 data: what it holds   3 end: BLAKE3 of everything before this block
//! ```
//! Little-endian. Data belongs to the section before it; all but the last block of a section are full.

use crate::codec::{Malformed, Reader, Writer};
use crate::types::{ClusterId, Index, LogId, Term, UnixNanos};

/// Most bytes of one block of data.
pub const BLOCK_BYTES_MAX: usize = 256 << 10;
/// Longest name of a section, in bytes.
pub const NAME_BYTES_MAX: usize = 32;
/// Most sections of a snapshot.
pub const SECTIONS_MAX: usize = 16;

pub(super) const HEAD_BYTES: usize = 64;
pub(super) const BLOCK_HEAD_BYTES: usize = 16;
pub(super) const DIGEST_BYTES: usize = 32;
pub(super) const VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"DUOSNP\r\n";

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotHead {
    /// Whose log.
    pub cluster: ClusterId,
    /// The last entry in it.
    pub last: LogId,
    /// Log time of that entry.
    pub time: UnixNanos,
}

/// Why bytes are no head.
#[derive(Debug)]
pub(super) enum BadHead {
    TooNew { found: u32 },
    Damaged(Malformed),
}

impl From<Malformed> for BadHead {
    fn from(fault: Malformed) -> Self {
        Self::Damaged(fault)
    }
}

impl SnapshotHead {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES);
        Writer::new(&mut out)
            .bytes(&MAGIC)
            .u32(VERSION)
            .u32(0)
            .bytes(&self.cluster.0)
            .u64(self.last.term.get())
            .u64(self.last.index.get())
            .u64(self.time.get())
            .u32(0);
        let crc = crc32c::crc32c(&out);
        Writer::new(&mut out).u32(crc);
        out
    }

    pub(super) fn decode(bytes: &[u8; HEAD_BYTES]) -> Result<Self, BadHead> {
        let mut reader = Reader::new(bytes);
        if reader.array("magic")? != MAGIC {
            return Err(Reader::new(bytes).fault("magic", "no snapshot of ours".to_owned()).into());
        }
        let found = reader.u32("version")?;
        let (rest, crc) = bytes.split_at(HEAD_BYTES - 4);
        if crc32c::crc32c(rest).to_le_bytes() != crc {
            return Err(reader.fault("head", "the checksum does not match".to_owned()).into());
        }
        if found > VERSION {
            return Err(BadHead::TooNew { found });
        }
        let zero = reader.u32("reserved")?;
        let cluster = ClusterId(reader.array("cluster")?);
        let last = LogId::new(Term::new(reader.u64("term")?), Index::new(reader.u64("index")?));
        let time = UnixNanos::new(reader.u64("time")?);
        if found != VERSION || zero != 0 || reader.u32("reserved")? != 0 {
            return Err(reader.fault("head", "it is not zero where it has to be".to_owned()).into());
        }
        Ok(Self { cluster, last, time })
    }
}

/// What a block is. The numbers are those on disk and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    Section = 1,
    Data = 2,
    End = 3,
}

impl Kind {
    /// Lengths that a payload may have.
    const fn allowed(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Section => 1..=NAME_BYTES_MAX,
            Self::Data => 1..=BLOCK_BYTES_MAX,
            Self::End => DIGEST_BYTES..=DIGEST_BYTES,
        }
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHead {
    pub(super) kind: Kind,
    pub(super) length: usize,
    pub(super) crc: u32,
}

impl BlockHead {
    pub(super) fn decode(bytes: &[u8; BLOCK_HEAD_BYTES]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let (rest, crc) = bytes.split_at(BLOCK_HEAD_BYTES - 4);
        if crc32c::crc32c(rest).to_le_bytes() != crc {
            return Err(reader.fault("block", "the checksum of its head does not match".to_owned()));
        }
        let kind = match reader.u32("kind")? {
            1 => Kind::Section,
            2 => Kind::Data,
            3 => Kind::End,
            other => return Err(Reader::new(bytes).fault("kind", format!("{other} is none"))),
        };
        let length = reader.u32("length")? as usize;
        if !kind.allowed().contains(&length) {
            let (min, max) = (kind.allowed().min(), kind.allowed().max());
            return Err(reader.fault("length", format!("{length} is not in {min:?}..={max:?}")));
        }
        Ok(Self { kind, length, crc: reader.u32("crc")? })
    }

    /// Bytes of the payload and the zeros behind it.
    pub(super) const fn padded(&self) -> usize {
        self.length.next_multiple_of(8)
    }

    /// The payload, if `padded` holds it.
    pub(super) fn payload<'a>(&self, padded: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let (payload, zeros) = padded.split_at(self.length);
        let fault = |what: &str| Err(Reader::new(padded).fault("payload", what.to_owned()));
        if crc32c::crc32c(payload) != self.crc {
            return fault("the checksum does not match");
        }
        if zeros.iter().any(|byte| *byte != 0) {
            return fault("the padding is not zero");
        }
        Ok(payload)
    }
}

/// Why a section cannot have `name` behind those called `before`, if so: names are of lower-case letters, each once.
pub(super) fn misnamed(name: &str, before: &[String]) -> Option<&'static str> {
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase());
    let rules = [
        (!is_name, "no name of a section"),
        (before.iter().any(|known| known == name), "a name that was there before"),
        (before.len() >= SECTIONS_MAX, "too many sections"),
    ];
    rules.into_iter().find_map(|(is_broken, rule)| is_broken.then_some(rule))
}

/// Makes the block of `kind` whose payload stands in `out` behind room for its head.
pub(super) fn seal_block(kind: Kind, out: &mut Vec<u8>) {
    let length = out.len() - BLOCK_HEAD_BYTES;
    assert!(kind.allowed().contains(&length), "{length} bytes in a block");
    let crc = crc32c::crc32c(&out[BLOCK_HEAD_BYTES..]);
    let mut head = Vec::with_capacity(BLOCK_HEAD_BYTES);
    let length = u32::try_from(length).expect("far below 4 GiB");
    Writer::new(&mut head).u32(kind as u32).u32(length).u32(crc);
    let crc = crc32c::crc32c(&head);
    Writer::new(&mut head).u32(crc);
    out[..BLOCK_HEAD_BYTES].copy_from_slice(&head);
    out.resize(out.len().next_multiple_of(8), 0);
}
