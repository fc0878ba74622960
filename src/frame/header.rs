//! The 72 bytes before a body.

use super::{FrameKind, FrameLimits, Origin, Seal, padded};
use crate::codec::{Malformed, Reader, Writer};
use crate::types::{Index, LaneId, Term, UnixNanos};

/// Bytes of a header.
pub const FRAME_HEADER_BYTES: usize = 72;

pub(super) const MAGIC: u32 = u32::from_le_bytes(*b"DUOF");
pub(super) const VERSION: u8 = 1;
pub(super) const TERM_AT: usize = 8;
const HEADER_CRC_AT: usize = FRAME_HEADER_BYTES - 4;

/// Each entry has an origin of its own.
const FLAG_ORIGINS: u16 = 1;
/// Each entry has an id, which may be all zeros: none.
const FLAG_IDS: u16 = 2;

const ORIGIN_BYTES: usize = 16;
const LENGTH_BYTES: usize = 4;

// A header is a multiple of the alignment, so that a body behind it is aligned too.
const _: () = assert!(FRAME_HEADER_BYTES.is_multiple_of(8));
const _: () = assert!(super::BODY_BYTES_CEILING < u32::MAX as usize);

/// Which tables a body carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tables {
    pub(super) origins: bool,
    pub(super) ids: bool,
}

impl Tables {
    const fn flags(self) -> u16 {
        (if self.origins { FLAG_ORIGINS } else { 0 }) | (if self.ids { FLAG_IDS } else { 0 })
    }

    /// Bytes of all tables for `count` entries.
    pub(super) const fn bytes(self, count: usize) -> usize {
        let origins = if self.origins { ORIGIN_BYTES * count } else { 0 };
        let ids = if self.ids { super::ENTRY_ID_BYTES * count } else { 0 };
        ids + origins + padded(LENGTH_BYTES * count)
    }
}

/// What a header says. The fields of [`Seal`] are absent as long as no leader has given the batch a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the entries are.
    pub kind: FrameKind,
    pub(super) tables: Tables,
    /// Number of entries.
    pub count: u32,
    /// Bytes of the body behind the header, a multiple of 8.
    pub body_bytes: u32,
    /// Of the first entry; those of the same session follow on. [`Origin::NONE`] where each entry has its own.
    pub origin: Origin,
    /// How urgent the batch is; 0 is the most urgent.
    pub lane: LaneId,
    /// CRC-32C of the body.
    pub body_crc: u32,
    /// The leader's part.
    pub seal: Option<Seal>,
}

impl FrameHeader {
    /// Whether any entry has an id.
    pub const fn has_ids(&self) -> bool {
        self.tables.ids
    }

    /// Whether any entry has an origin or an id, by which a repetition of it is known.
    pub const fn has_identities(&self) -> bool {
        self.tables.ids || self.tables.origins || self.origin.session != 0
    }

    /// The bytes.
    pub fn encode(&self) -> [u8; FRAME_HEADER_BYTES] {
        let unsealed = Seal { term: Term::ORIGIN, base: Index::ORIGIN, time: UnixNanos::default() };
        let seal = self.seal.unwrap_or(unsealed);
        let mut out = Vec::with_capacity(FRAME_HEADER_BYTES);
        let [flags_low, flags_high] = self.tables.flags().to_le_bytes();
        Writer::new(&mut out)
            .u32(MAGIC)
            .bytes(&[VERSION, self.kind.wire(), flags_low, flags_high])
            .u64(seal.term.get())
            .u64(seal.base.get())
            .u32(self.count)
            .u32(self.body_bytes)
            .u64(seal.time.get())
            .u64(self.origin.session)
            .u64(self.origin.sequence)
            .bytes(&[self.lane.get(), 0, 0, 0])
            .u32(self.body_crc)
            .u32(0);
        let crc = crc32c::crc32c(&out);
        Writer::new(&mut out).u32(crc);
        out.try_into().expect("the fields add up to a header")
    }

    /// Reads the first [`FRAME_HEADER_BYTES`] of `bytes`. Allocates nothing but the message of a refusal.
    ///
    /// # Errors
    /// Fewer bytes; another magic or version; a checksum that does not match; a value that no encoder
    /// writes; a count or length over `limits` or out of proportion.
    pub fn decode(bytes: &[u8], limits: &FrameLimits) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes.get(..FRAME_HEADER_BYTES).unwrap_or(bytes));
        equal(&mut reader, "magic", Reader::u32, MAGIC)?;
        equal(&mut reader, "version", Reader::u8, VERSION)?;
        check_header_crc(bytes)?;

        let at = reader.clone();
        let kind = reader.u8("kind")?;
        let kind = FrameKind::from_wire(kind).ok_or_else(|| at.fault("kind", format!("{kind} is none")))?;
        let tables = read_tables(&mut reader, kind)?;
        let (seal_at, term, base) = (reader.clone(), reader.u64("term")?, reader.u64("base")?);
        let count = read_count(&mut reader, kind, limits)?;
        let body_bytes = read_body_bytes(&mut reader, kind, tables, count, limits)?;
        let time = reader.u64("time")?;
        let seal = read_seal(&seal_at, [term, base, time], count)?;
        let origin = read_origin(&mut reader, kind, tables, count)?;
        let lane = reader.u8("lane")?;
        equal(&mut reader, "reserved", Reader::array, [0; 3])?;
        let body_crc = reader.u32("body crc")?;
        equal(&mut reader, "reserved", Reader::u32, 0)?;
        Ok(Self { kind, tables, count, body_bytes, origin, lane: LaneId::new(lane), body_crc, seal })
    }
}

/// A field that has one value only.
fn equal<'a, T: PartialEq + std::fmt::Debug>(
    reader: &mut Reader<'a>,
    field: &'static str,
    read: impl FnOnce(&mut Reader<'a>, &'static str) -> Result<T, Malformed>,
    expected: T,
) -> Result<(), Malformed> {
    let at = reader.clone();
    match read(reader, field)? {
        found if found == expected => Ok(()),
        found => Err(at.fault(field, format!("{found:?} instead of {expected:?}"))),
    }
}

fn check_header_crc(bytes: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let covered = reader.bytes("header", HEADER_CRC_AT)?;
    let crc = crc32c::crc32c(covered);
    equal(&mut reader, "header crc", Reader::u32, crc)
}

fn read_tables(reader: &mut Reader<'_>, kind: FrameKind) -> Result<Tables, Malformed> {
    let at = reader.clone();
    let flags = u16::from_le_bytes(reader.array("flags")?);
    let known = if kind == FrameKind::Entries { FLAG_ORIGINS | FLAG_IDS } else { 0 };
    if flags & !known != 0 {
        return Err(at.fault("flags", format!("{flags:#x} has bits that mean nothing here")));
    }
    Ok(Tables { origins: flags & FLAG_ORIGINS != 0, ids: flags & FLAG_IDS != 0 })
}

fn read_count(reader: &mut Reader<'_>, kind: FrameKind, limits: &FrameLimits) -> Result<u32, Malformed> {
    let at = reader.clone();
    let count = reader.u32("count")?;
    let max = if kind == FrameKind::Entries { limits.entries() } else { 1 };
    if !(1..=max).contains(&count) {
        return Err(at.fault("count", format!("{count} is not in 1..={max}")));
    }
    Ok(count)
}

fn read_body_bytes(
    reader: &mut Reader<'_>,
    kind: FrameKind,
    tables: Tables,
    count: u32,
    limits: &FrameLimits,
) -> Result<u32, Malformed> {
    let at = reader.clone();
    let bytes = reader.u32("body bytes")?;
    let min = tables.bytes(count as usize);
    let max = if kind == FrameKind::Blank { min } else { limits.body_bytes() };
    if !(min..=max).contains(&(bytes as usize)) || bytes % 8 != 0 {
        return Err(at.fault("body bytes", format!("{bytes} is not a multiple of 8 in {min}..={max}")));
    }
    Ok(bytes)
}

/// All of term, base and time, or none of them.
fn read_seal(at: &Reader<'_>, values: [u64; 3], count: u32) -> Result<Option<Seal>, Malformed> {
    let [term, base, time] = values;
    if values == [0; 3] {
        return Ok(None);
    }
    if term == 0 || base == 0 {
        return Err(at.fault("term", format!("term {term} and base {base} are zero together or not at all")));
    }
    if base.checked_add(u64::from(count)).is_none() {
        return Err(at.fault("base", format!("{count} entries from {base} on pass the last index")));
    }
    Ok(Some(Seal { term: Term::new(term), base: Index::new(base), time: UnixNanos::new(time) }))
}

fn read_origin(
    reader: &mut Reader<'_>,
    kind: FrameKind,
    tables: Tables,
    count: u32,
) -> Result<Origin, Malformed> {
    let at = reader.clone();
    let origin = Origin { session: reader.u64("session")?, sequence: reader.u64("sequence")? };
    let is_alone = tables.origins || kind != FrameKind::Entries;
    if origin != Origin::NONE && is_alone {
        return Err(at.fault("session", "an origin where none belongs".to_owned()));
    }
    check_origin(origin, u64::from(count - 1)).map_err(|fault| at.fault("sequence", fault))?;
    Ok(origin)
}

/// An origin is nobody's, or has a session and room for `more` entries behind it.
pub(super) fn check_origin(origin: Origin, more: u64) -> Result<(), String> {
    match origin {
        Origin { session: 0, sequence: 1.. } => Err("a number without a session".to_owned()),
        _ if origin.forward(more).is_none() => Err("numbers pass the last one".to_owned()),
        _ => Ok(()),
    }
}
