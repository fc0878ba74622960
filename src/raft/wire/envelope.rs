//! What stands before every message, and is believed only after it was checked.

use super::CHUNK_BYTES_MAX;
use crate::codec::{Malformed, Reader, Writer};
use crate::frame::FrameLimits;

/// Bytes of an envelope.
pub const ENVELOPE_BYTES: usize = 16;
const MAGIC: u32 = u32::from_le_bytes(*b"DUOM");
const VERSION: u8 = 1;
/// Where the checksum stands.
const CRC_AT: usize = 12;

/// What a message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireLimits {
    /// Bytes behind the envelope of an append or a repair reply. Every connection may allocate as many at once, and for a piece of a
    /// snapshot, whose limit is [`CHUNK_BYTES_MAX`], about 1 MiB.
    pub message_bytes_max: usize,
    /// Frames of one append.
    pub frames_max: u32,
    /// What each frame may hold.
    pub frame: FrameLimits,
}

impl Default for WireLimits {
    fn default() -> Self {
        Self { message_bytes_max: 20 << 20, frames_max: 4_096, frame: FrameLimits::default() }
    }
}

/// What a message is. The numbers are the wire numbers and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// [`super::super::Message::VoteRequest`].
    VoteRequest = 1,
    /// [`super::super::Message::VoteReply`].
    VoteReply = 2,
    /// [`super::super::Message::Append`].
    Append = 3,
    /// [`super::super::Message::Heartbeat`].
    Heartbeat = 4,
    /// [`super::super::Message::AppendReply`].
    AppendReply = 5,
    /// [`super::super::Message::TimeoutNow`].
    TimeoutNow = 6,
    /// [`super::super::Message::ReadRequest`].
    ReadRequest = 7,
    /// [`super::super::Message::ReadReply`].
    ReadReply = 8,
    /// [`super::Chunk`].
    Chunk = 9,
    /// [`super::ChunkReply`].
    ChunkReply = 10,
    /// [`super::RepairRequest`].
    RepairRequest = 11,
    /// [`super::RepairReply`].
    RepairReply = 12,
}

impl Kind {
    /// All of them, in wire order.
    pub const ALL: [Self; 12] = [
        Self::VoteRequest,
        Self::VoteReply,
        Self::Append,
        Self::Heartbeat,
        Self::AppendReply,
        Self::TimeoutNow,
        Self::ReadRequest,
        Self::ReadReply,
        Self::Chunk,
        Self::ChunkReply,
        Self::RepairRequest,
        Self::RepairReply,
    ];

    /// From the wire number; `None` for any other.
    pub fn from_wire(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.wire() == number)
    }

    /// The wire number.
    pub const fn wire(self) -> u8 {
        self as u8
    }

    /// Bytes of its fixed fields.
    pub const fn fixed_bytes(self) -> usize {
        8 * match self {
            Self::VoteRequest | Self::ReadReply | Self::RepairRequest => 4,
            Self::VoteReply | Self::ReadRequest => 2,
            Self::Append | Self::Heartbeat => 5,
            Self::AppendReply | Self::RepairReply => 6,
            Self::TimeoutNow => 1,
            Self::Chunk => 11,
            Self::ChunkReply => 7,
        }
    }
}

/// A checked envelope: how much to read, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    kind: Kind,
    bytes: u32,
    crc: u32,
    prefix_crc: u32,
}

impl Envelope {
    /// Reads an envelope. Allocates nothing but the words of a refusal.
    ///
    /// # Errors
    /// Another magic, another version, an unknown kind, a length that is over the limit or not that of the kind.
    pub fn decode(bytes: &[u8; ENVELOPE_BYTES], limits: &WireLimits) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let at = reader.clone();
        let (magic, version, kind) = (reader.u32("magic")?, reader.u8("version")?, reader.u8("kind")?);
        if magic != MAGIC {
            return Err(at.fault("magic", format!("{magic:#010x} is no message of ours")));
        }
        if version != VERSION {
            return Err(at.fault("version", format!("{version} is not {VERSION}")));
        }
        let kind = Kind::from_wire(kind).ok_or_else(|| at.fault("kind", format!("{kind} is none")))?;
        if reader.array("reserved")? != [0; 2] {
            return Err(at.fault("reserved", "it is not zero".to_owned()));
        }
        let at = reader.clone();
        let length = reader.u32("bytes")?;
        let (min, max) = match kind {
            Kind::Append | Kind::RepairReply => (kind.fixed_bytes(), limits.message_bytes_max),
            Kind::Chunk => (kind.fixed_bytes(), kind.fixed_bytes() + CHUNK_BYTES_MAX),
            _ => (kind.fixed_bytes(), kind.fixed_bytes()),
        };
        if !(min..=max).contains(&(length as usize)) || length % 8 != 0 {
            return Err(at.fault("bytes", format!("{length} is not a multiple of 8 in {min}..={max}")));
        }
        let crc = reader.u32("crc")?;
        Ok(Self { kind, bytes: length, crc, prefix_crc: crc32c::crc32c(&bytes[..CRC_AT]) })
    }

    /// What the message is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Bytes behind the envelope.
    pub const fn bytes(&self) -> usize {
        self.bytes as usize
    }

    /// The fixed fields, if they are what the checksum was made of.
    pub(super) fn fixed<'a>(&self, bytes: &'a [u8]) -> Result<Reader<'a>, Malformed> {
        let mut reader = Reader::new(bytes);
        if bytes.len() != self.bytes() {
            return Err(reader.fault("bytes", format!("{} instead of {}", bytes.len(), self.bytes)));
        }
        let fixed = reader.bytes("fields", self.kind.fixed_bytes())?;
        if crc32c::crc32c_append(self.prefix_crc, fixed) != self.crc {
            return Err(Reader::new(bytes).fault("crc", "the checksum does not match".to_owned()));
        }
        Ok(Reader::new(fixed))
    }
}

/// Appends an envelope for `fixed` fields with `more` bytes behind them, and the fields.
pub(super) fn seal(kind: Kind, fixed: &[u64], more: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let bytes = u32::try_from(kind.fixed_bytes() + more).expect("messages are bounded far below 4 GiB");
    Writer::new(out).u32(MAGIC).bytes(&[VERSION, kind.wire(), 0, 0]).u32(bytes).u32(0);
    for field in fixed {
        Writer::new(out).u64(*field);
    }
    assert_eq!(out.len() - start, ENVELOPE_BYTES + kind.fixed_bytes(), "the fields of its kind");
    let prefix = crc32c::crc32c(&out[start..start + CRC_AT]);
    let crc = crc32c::crc32c_append(prefix, &out[start + ENVELOPE_BYTES..]);
    out[start + CRC_AT..start + ENVELOPE_BYTES].copy_from_slice(&crc.to_le_bytes());
}
