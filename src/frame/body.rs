//! A batch: its bytes, what its header will say of them, and its entries one by one.

use super::header::{FrameHeader, Tables, check_origin};
use super::{ENTRY_ID_BYTES, FRAME_HEADER_BYTES, FrameKind, Origin};
use crate::codec::{Malformed, Reader};
use crate::types::LaneId;
use std::fmt;
use std::sync::Arc;

/// A batch of entries, checked and never changed again. Cloning shares the bytes.
#[derive(Clone)]
pub struct Body {
    /// The buffer that it came in, which may hold other frames too, and its place there.
    buffer: Arc<Vec<u8>>,
    start: usize,
    header: FrameHeader,
}

/// One entry of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What the host gave.
    pub bytes: &'a [u8],
    /// Who made it.
    pub origin: Origin,
    /// What it is known by beside that; all zeros count as none.
    pub id: Option<&'a [u8; ENTRY_ID_BYTES]>,
}

impl Body {
    /// The batch whose header is `header` and whose bytes start at `start` of `buffer`, which is shared,
    /// not copied: as long as the body lives, all of it does.
    ///
    /// # Errors
    /// When bytes are missing, the checksum does not match, the lengths do not add up to the body, or what
    /// has to be zero is not. Offsets count from the start of the header.
    pub fn attach(header: &FrameHeader, buffer: &Arc<Vec<u8>>, start: usize) -> Result<Self, Malformed> {
        let end = start.saturating_add(header.body_bytes as usize);
        let Some(bytes) = buffer.get(start..end) else {
            let left = buffer.len().saturating_sub(start);
            let fault = format!("needs {} bytes, {left} are left", header.body_bytes);
            return Err(Malformed { field: "body", offset: FRAME_HEADER_BYTES, fault });
        };
        header.check_body(bytes)?;
        Ok(Self::trusted(header, Arc::clone(buffer), start))
    }

    /// As [`Self::attach`], for bytes that were checked.
    pub(super) fn trusted(header: &FrameHeader, buffer: Arc<Vec<u8>>, start: usize) -> Self {
        Self { buffer, start, header: FrameHeader { seal: None, ..*header } }
    }

    /// The batch of a new leader: one empty entry.
    pub fn blank() -> Self {
        Self::of_one(FrameKind::Blank, &[])
    }

    /// The members of the cluster as one entry.
    ///
    /// # Panics
    /// When `members` does not fit into a body: their number is bounded far below.
    pub fn membership(members: &[u8]) -> Self {
        Self::of_one(FrameKind::Membership, members)
    }

    fn of_one(kind: FrameKind, entry: &[u8]) -> Self {
        let tables = Tables::default();
        let data = super::padded(entry.len());
        let mut bytes = Vec::with_capacity(data + tables.bytes(1));
        bytes.extend_from_slice(entry);
        bytes.resize(data, 0);
        bytes.extend_from_slice(&u32::try_from(entry.len()).expect("bounded far below 4 GiB").to_le_bytes());
        bytes.resize(data + tables.bytes(1), 0);
        Self::finished(kind, tables, 1, Origin::NONE, LaneId::default(), bytes)
    }

    /// From bytes that this module laid out; takes their checksum.
    pub(super) fn finished(
        kind: FrameKind,
        tables: Tables,
        count: u32,
        origin: Origin,
        lane: LaneId,
        bytes: Vec<u8>,
    ) -> Self {
        assert!(bytes.len() <= super::BODY_BYTES_CEILING, "a body of {} bytes", bytes.len());
        let body_bytes = bytes.len() as u32;
        let body_crc = crc32c::crc32c(&bytes);
        let header = FrameHeader { kind, tables, count, body_bytes, origin, lane, body_crc, seal: None };
        debug_assert_eq!(header.check_body(&bytes), Ok(()));
        Self::trusted(&header, Arc::new(bytes), 0)
    }

    /// What stands before it as long as no leader sealed it: how it travels to the leader.
    pub const fn header(&self) -> FrameHeader {
        self.header
    }

    /// The bytes behind the header.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.start + self.header.body_bytes as usize]
    }

    /// What the entries are.
    pub const fn kind(&self) -> FrameKind {
        self.header.kind
    }

    /// Number of entries, 1 or more.
    pub const fn count(&self) -> u32 {
        self.header.count
    }

    /// How urgent it is.
    pub const fn lane(&self) -> LaneId {
        self.header.lane
    }

    /// The entries in order, without copying.
    pub fn entries(&self) -> Entries<'_> {
        let parts = Parts::of(&self.header, self.bytes());
        Entries { parts, run: self.header.origin, left: self.header.count as usize }
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header && self.bytes() == other.bytes()
    }
}

impl Eq for Body {}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header.fmt(f)
    }
}

/// The entries of a body; see [`Body::entries`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    parts: Parts<'a>,
    /// Origin of the next entry where the header says it.
    run: Origin,
    left: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.checked_sub(1)?;
        let origin = match take(&mut self.parts.origins) {
            Some(bytes) => origin_of(bytes),
            None => {
                let origin = self.run;
                // Behind the last entry there is nothing to number.
                self.run = origin.forward(1).unwrap_or(origin);
                origin
            }
        };
        let id = take(&mut self.parts.ids).filter(|id| **id != [0; ENTRY_ID_BYTES]);
        let length = take(&mut self.parts.lengths).map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize);
        let (bytes, rest) = self.parts.data.split_at(length);
        self.parts.data = rest;
        Some(Entry { bytes, origin, id })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Entries<'_> {}

/// The first `N` bytes of `bytes`, which then starts behind them.
fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(first)
}

fn origin_of(bytes: &[u8; 16]) -> Origin {
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
    Origin { session: word(0), sequence: word(8) }
}

/// A body by its parts.
#[derive(Clone, Debug)]
struct Parts<'a> {
    data: &'a [u8],
    ids: &'a [u8],
    origins: &'a [u8],
    /// With its padding.
    lengths: &'a [u8],
}

impl<'a> Parts<'a> {
    /// `bytes` has the length that the header says, which is not below that of the tables.
    fn of(header: &FrameHeader, bytes: &'a [u8]) -> Self {
        let count = header.count as usize;
        let (data, tables) = bytes.split_at(bytes.len() - header.tables.bytes(count));
        let (ids, tables) = tables.split_at(if header.tables.ids { ENTRY_ID_BYTES * count } else { 0 });
        let (origins, lengths) = tables.split_at(if header.tables.origins { 16 * count } else { 0 });
        Self { data, ids, origins, lengths }
    }
}

impl FrameHeader {
    /// Whether `bytes`, as many as [`Self::body_bytes`], are the body of this header.
    ///
    /// # Errors
    /// As [`Body::attach`].
    pub fn check_body(&self, bytes: &[u8]) -> Result<(), Malformed> {
        let fault = |field, offset, fault| Malformed { field, offset: FRAME_HEADER_BYTES + offset, fault };
        if bytes.len() != self.body_bytes as usize {
            let what = format!("{} bytes instead of {}", bytes.len(), self.body_bytes);
            return Err(fault("body", 0, what));
        }
        let crc = crc32c::crc32c(bytes);
        if crc != self.body_crc {
            let what = format!("crc {crc:#010x}, the header says {:#010x}", self.body_crc);
            return Err(fault("body", 0, what));
        }
        let parts = Parts::of(self, bytes);
        let offset_of = |part: &[u8]| part.as_ptr().addr() - bytes.as_ptr().addr();
        self.check_lengths(&parts).map_err(|what| fault("lengths", offset_of(parts.lengths), what))?;
        self.check_origins(&parts).map_err(|what| fault("origins", offset_of(parts.origins), what))?;
        if self.tables.ids && parts.ids.iter().all(|byte| *byte == 0) {
            return Err(fault("ids", offset_of(parts.ids), "none of them says anything".to_owned()));
        }
        Ok(())
    }

    /// The lengths add up to the data, and what pads both is zero.
    fn check_lengths(&self, parts: &Parts<'_>) -> Result<(), String> {
        let mut reader = Reader::new(parts.lengths);
        let mut sum = 0_usize;
        for _ in 0..self.count {
            // 10,000 times 4 GiB fit into 64 bits; on 32 bits the sum stops at the first excess.
            sum = sum.saturating_add(reader.u32("length").map_err(|short| short.fault)? as usize);
        }
        let padding = match parts.data.get(sum..) {
            Some(padding) if padding.len() < 8 => padding,
            _ => return Err(format!("they add up to {sum}, the entries have {} bytes", parts.data.len())),
        };
        let behind = &parts.lengths[reader.offset()..];
        if padding.iter().chain(behind).any(|byte| *byte != 0) {
            return Err("padding is not zero".to_owned());
        }
        Ok(())
    }

    /// Each origin is one, and the header could not have said them all.
    fn check_origins(&self, parts: &Parts<'_>) -> Result<(), String> {
        if !self.tables.origins {
            return Ok(());
        }
        let mut origins =
            parts.origins.chunks_exact(16).map(|chunk| origin_of(chunk.first_chunk().expect("chunks of 16")));
        let first = origins.next().unwrap_or_default();
        check_origin(first, 0)?;
        let mut is_run = true;
        for (at, origin) in (1..).zip(origins) {
            check_origin(origin, 0)?;
            is_run &= first.forward(at) == Some(origin);
        }
        if is_run { Err("a run, which belongs into the header".to_owned()) } else { Ok(()) }
    }
}
