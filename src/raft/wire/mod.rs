//! Messages as bytes: an envelope, fixed fields, and behind an append its frames as they are.
//!
//! # Model
//! ```text
//! envelope, 16 bytes
//!   0 magic "DUOM"   4 version u8   5 kind u8   6 zero u16   8 bytes u32 behind the envelope
//!  12 crc u32, CRC-32C over bytes 0..12 and the fixed fields
//! fixed fields, by kind, 8 bytes each
//!   1 vote request   term, last term, last index, flags (1 pre, 2 transfer)
//!   2 vote reply     term, flags (1 granted, 2 pre)
//!   3 append         term, prev term, prev index, commit, number of frames; then the frames
//!   4 heartbeat      term, prev term, prev index, commit, round
//!   5 append reply   term, round, outcome (1 matched, 2 conflict), then
//!                    matched: durable, received, 0; conflict: prev, hint term, hint index
//!   6 timeout now    term
//!   7 read request   term, ticket
//!   8 read reply     term, ticket, known (0, 1), index
//!   9 chunk          term, last term, last index, bytes of the whole, offset, length, CRC-32C of the bytes,
//!                    digest of the whole (4); then the bytes, and zeros to a multiple of 8
//!  10 chunk reply    term, answer (1 next, 2 whole, 3 refused), offset (of 1), digest of the whole (4)
//!  11 repair request first and last entry that a damaged log misses, term of the entry before them (0: none is),
//!                    term of the entry behind them (0: none is)
//!  12 repair reply   the same 4, answer (1 frames, 2 not committed, 3 forgotten, 4 another before, 5 another
//!                    behind, 6 unreadable), number of frames (of 1); then the frames
//! ```
//! Little-endian. A frame has checksums of its own, so that its bytes are read once.
//! `docs/replication-protocol.md` has a dump of each.
//!
//! # Invariants
//! W1 one message has one encoding: what is not used is zero, and nothing follows the last field or frame.
//! W2 every length is compared with a limit before anything is allocated for it.
//!
//! # Limits
//! [`WireLimits`], and [`CHUNK_BYTES_MAX`] for a piece of a snapshot. A message that does not fit is refused by its reader, so all nodes need the same.
//!
//! # Caller contract
//! A transport writes [`encode_head`] and then each of [`frames_of`], header and body; what is not for the core
//! ([`Letter`]) as a whole. It reads [`ENVELOPE_BYTES`], asks [`Envelope::decode`], reads as many bytes as that
//! says into one buffer, and gives it to [`Envelope::letter`]; frames share that buffer.

#[cfg(test)]
mod docs_test;
mod envelope;
mod fields;
mod letter;
mod protocol;
#[cfg(test)]
mod wire_test;

pub use envelope::{ENVELOPE_BYTES, Envelope, Kind, WireLimits};
pub use fields::{encode, encode_head, frames_of};
pub use letter::{
    CHUNK_BYTES_MAX, Chunk, ChunkAnswer, ChunkReply, Letter, RepairAnswer, RepairReply, RepairRequest,
    encode_letter,
};
pub use protocol::RaftProtocol;
