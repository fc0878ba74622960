//! The frame: one batch of entries, the same bytes from the producer to the wire, the disk and every peer.
//!
//! # Model
//! ```text
//! FrameBuilder --finish--> Body --- sealed by a leader ---> Frame
//!   entries under limits   bytes and their checksum,         header with term, base and time;
//!                          made once, shared from here on    the body is never touched again
//!
//! header, 72 bytes
//!   0 magic "DUOF"        4 version u8    5 kind u8      6 flags u16
//!   8 term u64           16 base u64     24 count u32   28 body bytes u32
//!  32 time u64           40 session u64  48 sequence u64
//!  56 lane u8  57 zero[3]  60 body crc u32  64 zero u32  68 header crc u32, over bytes 0..68
//! body
//!   entries, end to end, then zeros to a multiple of 8
//!   ids       count x [32]           with flag 2
//!   origins   count x (u64, u64)     with flag 1
//!   lengths   count x u32, then zeros to a multiple of 8
//! ```
//! Little-endian, each part 8-byte aligned, both checksums CRC-32C. A batch that no leader sealed yet has
//! term, base and time zero; that is how it travels from a producer to the leader.
//!
//! The tables stand behind the entries, so that a builder writes each entry once, at its final place; the
//! count in the header says where they begin.
//!
//! # Invariants
//! I1 magic, version and header checksum keep their places in every version.
//! I2 one content has one encoding: padding and what is not used is zero, and an origin is written for
//! each entry only where the header cannot say it for all.
//! I3 every length is compared with a limit before anything is allocated for it.
//! I4 a [`Body`] was checked as a whole: iterating it cannot fail.
//!
//! # Limits
//! [`FrameLimits`], and above them [`BODY_BYTES_CEILING`] and [`ENTRIES_CEILING`].
//!
//! # Caller contract
//! A transport reads [`FRAME_HEADER_BYTES`], asks [`FrameHeader::decode`], reads as many bytes as that
//! says, and gives them to [`Body::attach`].
//!
//! # Source
//! CRC-32C: Castagnoli et al. (1993), as in RFC 3720; check values in appendix B.4.

mod body;
mod builder;
#[cfg(test)]
mod frame_test;
mod header;

pub use body::{Body, Entries, Entry};
pub use builder::{FrameBuilder, PushError};
pub use header::{FRAME_HEADER_BYTES, FrameHeader};

use crate::codec::Malformed;
use crate::types::{Index, LaneId, LogId, Term, UnixNanos};
use std::sync::Arc;

/// Largest body that any limit may allow, in bytes.
pub const BODY_BYTES_CEILING: usize = 64 << 20;
/// Most entries that any limit may allow.
pub const ENTRIES_CEILING: u32 = 10_000;

/// Bytes of the identity that an entry may carry against repetition.
pub const ENTRY_ID_BYTES: usize = 32;

/// Most bytes that a body has beside those of `count` entries: an origin, an id and a length for each, and paddings.
pub(crate) const fn extra_bytes_max(count: usize) -> usize {
    count.saturating_mul(16 + ENTRY_ID_BYTES + 4).saturating_add(24)
}

/// What a frame may hold. Values over the ceilings count as the ceilings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Largest body in bytes. Too small refuses large entries; every connection may allocate one.
    pub body_bytes_max: usize,
    /// Most entries of a frame.
    pub entries_max: u32,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { body_bytes_max: 16 << 20, entries_max: ENTRIES_CEILING }
    }
}

impl FrameLimits {
    /// As much as the format allows.
    pub const CEILING: Self = Self { body_bytes_max: BODY_BYTES_CEILING, entries_max: ENTRIES_CEILING };

    /// Largest body in bytes, a multiple of 8.
    pub(crate) const fn body_bytes(&self) -> usize {
        let bytes =
            if self.body_bytes_max < BODY_BYTES_CEILING { self.body_bytes_max } else { BODY_BYTES_CEILING };
        bytes - bytes % 8
    }

    pub(crate) fn entries(&self) -> u32 {
        self.entries_max.min(ENTRIES_CEILING)
    }
}

/// What the entries of a frame are. The numbers are the wire numbers and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// Entries of hosts.
    Entries = 1,
    /// One empty entry: a new leader's first (Raft, section 8).
    Blank = 2,
    /// One entry: the members of the cluster (Raft, section 6).
    Membership = 3,
}

impl FrameKind {
    /// From the wire number; `None` for any other.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Entries),
            2 => Some(Self::Blank),
            3 => Some(Self::Membership),
            _ => None,
        }
    }

    /// The wire number.
    pub const fn wire(self) -> u8 {
        self as u8
    }
}

/// Who made an entry, and where it stands among what that producer made. Repetitions are known by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The producer's session; 0: none, the entry is not protected against repetition.
    pub session: u64,
    /// Its number in the session; 0 without one.
    pub sequence: u64,
}

impl Origin {
    /// Of nobody.
    pub const NONE: Self = Self { session: 0, sequence: 0 };

    /// The origin `count` entries later in the same session; `None` past the last number.
    pub const fn forward(self, count: u64) -> Option<Self> {
        match self.sequence.checked_add(count) {
            _ if self.session == 0 => Some(Self::NONE),
            Some(sequence) => Some(Self { session: self.session, sequence }),
            None => None,
        }
    }
}

/// What a leader adds to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seal {
    /// The leader's term, 1 or more.
    pub term: Term,
    /// Index of the first entry, 1 or more.
    pub base: Index,
    /// Log time: the leader's clock, never less than that of the frame before.
    pub time: UnixNanos,
}

/// A batch with its place in the log. Cloning shares the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    seal: Seal,
    body: Body,
}

impl Frame {
    /// Gives a batch its place. The body is neither copied nor read.
    ///
    /// # Panics
    /// When term or base is 0, or the last index would overflow.
    pub fn new(seal: Seal, body: Body) -> Self {
        assert!(seal.term > Term::ORIGIN && seal.base > Index::ORIGIN, "a place in the log: {seal:?}");
        assert!(seal.base.get().checked_add(u64::from(body.count())).is_some(), "indexes end: {seal:?}");
        Self { seal, body }
    }

    /// Reads one frame from the start of `bytes`; also says how many bytes it has. Copies the body.
    ///
    /// # Errors
    /// What [`FrameHeader::decode`] and [`Body::attach`] refuse; a batch without a leader's seal.
    pub fn decode(bytes: &[u8], limits: &FrameLimits) -> Result<(Self, usize), Malformed> {
        let header = FrameHeader::decode(bytes, limits)?;
        let end = FRAME_HEADER_BYTES + header.body_bytes as usize;
        let Some(body) = bytes.get(FRAME_HEADER_BYTES..end) else {
            let left = bytes.len() - FRAME_HEADER_BYTES;
            let fault = format!("needs {} bytes, {left} are left", header.body_bytes);
            return Err(Malformed { field: "body", offset: FRAME_HEADER_BYTES, fault });
        };
        header.check_body(body)?;
        let body = Body::trusted(&header, Arc::new(body.to_vec()), 0);
        Ok((Self::sealed(&header, body)?, end))
    }

    /// From a header and the body that was attached to it.
    ///
    /// # Errors
    /// When no leader sealed the batch.
    pub fn sealed(header: &FrameHeader, body: Body) -> Result<Self, Malformed> {
        let seal = header.seal.ok_or_else(|| Malformed {
            field: "term",
            offset: header::TERM_AT,
            fault: "no leader has sealed this batch".to_owned(),
        })?;
        Ok(Self { seal, body })
    }

    /// What stands before the body.
    pub fn header(&self) -> FrameHeader {
        FrameHeader { seal: Some(self.seal), ..self.body.header() }
    }

    /// Appends header and body to `out`. To write without a copy, take [`FrameHeader::encode`] and
    /// [`Body::bytes`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header().encode());
        out.extend_from_slice(self.body.bytes());
    }

    /// What the leader added.
    pub const fn seal(&self) -> Seal {
        self.seal
    }

    /// The batch.
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Term of the leader that sealed it.
    pub const fn term(&self) -> Term {
        self.seal.term
    }

    /// Index of the first entry.
    pub const fn base(&self) -> Index {
        self.seal.base
    }

    /// Number of entries, 1 or more.
    pub const fn count(&self) -> u32 {
        self.body.count()
    }

    /// Position of the last entry.
    pub const fn last(&self) -> LogId {
        let index = self.seal.base.get() + self.body.count() as u64 - 1;
        LogId::new(self.seal.term, Index::new(index))
    }

    /// Log time.
    pub const fn time(&self) -> UnixNanos {
        self.seal.time
    }

    /// What its entries are.
    pub const fn kind(&self) -> FrameKind {
        self.body.kind()
    }

    /// How urgent it was before it got its place.
    pub const fn lane(&self) -> LaneId {
        self.body.lane()
    }

    /// Header and body, in bytes.
    pub fn encoded_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.body.bytes().len()
    }

    /// The entries in order.
    pub fn entries(&self) -> Entries<'_> {
        self.body.entries()
    }
}

/// `bytes` rounded up to a multiple of 8.
const fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(8)
}
