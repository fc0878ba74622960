//! What travels between nodes: messages of the core, and beside them the pieces of a snapshot, and frames for a log
//! that is damaged.
//!
//! # Invariants
//! W3 a chunk names the snapshot that it is a part of by the digest of the whole, so chunks of two never become
//! one file. W4 the bytes of a chunk have a checksum among its fixed fields: a wrong one is no message.

use super::envelope::{Envelope, Kind, WireLimits, seal};
use super::fields::{encode, frames};
use crate::codec::{Malformed, Reader};
use crate::frame::Frame;
use crate::raft::Message;
use crate::types::{Index, LogId, Term};
use std::sync::Arc;

/// Most bytes of a snapshot in one chunk.
pub const CHUNK_BYTES_MAX: usize = 1 << 20;

/// Anything that a node sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// For the core.
    Message(Message),
    /// A piece of a snapshot, for the host.
    Chunk(Chunk),
    /// The answer to one or more.
    ChunkReply(ChunkReply),
    /// Of a node whose log is damaged.
    RepairRequest(RepairRequest),
    /// The answer.
    RepairReply(RepairReply),
}

/// A piece of a snapshot (Raft §7, InstallSnapshot).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The leader's term.
    pub term: Term,
    /// The last entry in the snapshot.
    pub last: LogId,
    /// Bytes of the whole.
    pub bytes: u64,
    /// Digest of the whole.
    pub digest: [u8; 32],
    /// Where this piece begins.
    pub offset: u64,
    /// 1 to [`CHUNK_BYTES_MAX`] bytes.
    pub data: Vec<u8>,
}

/// What the receiver of chunks has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkReply {
    /// Its term; above the leader's when that is none any more.
    pub term: Term,
    /// Which snapshot.
    pub digest: [u8; 32],
    /// What it says.
    pub answer: ChunkAnswer,
}

/// What the receiver of chunks wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkAnswer {
    /// It has everything before this offset.
    Next(u64),
    /// It has the whole, or everything that is in it.
    Whole,
    /// It does not take it.
    Refused,
}

/// What a log has lost that was durable, and what stands on both sides of it. Who asks so takes no part before it is
/// mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairRequest {
    /// First entry that is missing.
    pub from: Index,
    /// Last one.
    pub to: Index,
    /// Term of the entry before them; 0 where the log of who asks begins with `from`.
    pub before: Term,
    /// Term of the entry behind them; 0 where the log of who asks ends with `to`.
    pub behind: Term,
}

/// What a peer says to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairReply {
    /// As it was asked. An answer is about what is committed, so it stays true however late it comes.
    pub request: RepairRequest,
    /// The answer.
    pub answer: RepairAnswer,
}

/// What a peer has of what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepairAnswer {
    /// One or more frames from `from` on. They are committed, and so are the entries on both sides, which have
    /// the terms that were named.
    Frames(Vec<Frame>),
    /// Not all of it is known to be committed here.
    Uncommitted,
    /// The log here begins behind `from`: a snapshot has it.
    Forgotten,
    /// Committed before it is an entry of another term.
    OtherBefore,
    /// Committed behind it is an entry of another term, or the frames here end elsewhere.
    OtherBehind,
    /// It cannot be read here.
    Unreadable,
}

impl RepairAnswer {
    /// The wire number, which never changes.
    const fn wire(&self) -> u64 {
        match self {
            Self::Frames(_) => 1,
            Self::Uncommitted => 2,
            Self::Forgotten => 3,
            Self::OtherBefore => 4,
            Self::OtherBehind => 5,
            Self::Unreadable => 6,
        }
    }

    fn frames(&self) -> &[Frame] {
        match self {
            Self::Frames(frames) => frames,
            _ => &[],
        }
    }
}

fn words(digest: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(digest.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().expect("chunks of 8"));
    }
    words
}

fn digest(reader: &mut Reader<'_>) -> Result<[u8; 32], Malformed> {
    reader.array("digest")
}

/// Appends the whole letter; frames of a message are copied.
pub fn encode_letter(letter: &Letter, out: &mut Vec<u8>) {
    match letter {
        Letter::Message(message) => encode(message, out),
        Letter::Chunk(chunk) => {
            let length = chunk.data.len();
            let (crc, [a, b, c, d]) = (crc32c::crc32c(&chunk.data), words(&chunk.digest));
            let LogId { term, index } = chunk.last;
            let numbers = [chunk.term.get(), term.get(), index.get(), chunk.bytes, chunk.offset];
            let fixed = [&numbers[..], &[length as u64, u64::from(crc), a, b, c, d]].concat();
            let padded = length.next_multiple_of(8);
            seal(Kind::Chunk, &fixed, padded, out);
            out.extend_from_slice(&chunk.data);
            out.resize(out.len() + padded - length, 0);
        }
        Letter::ChunkReply(reply) => {
            let [a, b, c, d] = words(&reply.digest);
            let (answer, offset) = match reply.answer {
                ChunkAnswer::Next(offset) => (1, offset),
                ChunkAnswer::Whole => (2, 0),
                ChunkAnswer::Refused => (3, 0),
            };
            seal(Kind::ChunkReply, &[reply.term.get(), answer, offset, a, b, c, d], 0, out);
        }
        Letter::RepairRequest(request) => seal(Kind::RepairRequest, &range(request), 0, out),
        Letter::RepairReply(RepairReply { request, answer }) => {
            let [from, to, before, behind] = range(request);
            let frames = answer.frames();
            let more = frames.iter().map(Frame::encoded_bytes).sum();
            let fixed = [from, to, before, behind, answer.wire(), frames.len() as u64];
            seal(Kind::RepairReply, &fixed, more, out);
            frames.iter().for_each(|frame| frame.encode(out));
        }
    }
}

const fn range(request: &RepairRequest) -> [u64; 4] {
    let RepairRequest { from, to, before, behind } = request;
    [from.get(), to.get(), before.get(), behind.get()]
}

impl Envelope {
    /// As [`Self::message`], and for what is not for the core.
    ///
    /// # Errors
    /// As that, and a chunk that says other bytes than it has, or that does not lie in its snapshot.
    pub fn letter(&self, buffer: &Arc<Vec<u8>>, limits: &WireLimits) -> Result<Letter, Malformed> {
        match self.kind() {
            Kind::Chunk => self.chunk(buffer).map(Letter::Chunk),
            Kind::ChunkReply => self.chunk_reply(buffer).map(Letter::ChunkReply),
            Kind::RepairRequest => repair_request(&mut self.fixed(buffer)?).map(Letter::RepairRequest),
            Kind::RepairReply => self.repair_reply(buffer, limits).map(Letter::RepairReply),
            _ => self.message(buffer, limits).map(Letter::Message),
        }
    }

    fn chunk(&self, buffer: &[u8]) -> Result<Chunk, Malformed> {
        let mut reader = self.fixed(buffer)?;
        let term = Term::new(reader.u64("term")?);
        let last = LogId::new(Term::new(reader.u64("last term")?), Index::new(reader.u64("last index")?));
        let (bytes, offset) = (reader.u64("bytes")?, reader.u64("offset")?);
        let at = reader.clone();
        let (length, crc) = (reader.u64("length")?, reader.u64("crc")?);
        let digest = digest(&mut reader)?;
        let padded = &buffer[self.kind().fixed_bytes()..];
        // The range first: only what is in it can be rounded up.
        let is_there = (1..=CHUNK_BYTES_MAX as u64).contains(&length)
            && length.next_multiple_of(8) == padded.len() as u64;
        let is_inside = offset.checked_add(length).is_some_and(|end| end <= bytes);
        if !is_there || !is_inside {
            let fault = format!("{length} from {offset} of {bytes}, with {} here", padded.len());
            return Err(at.fault("length", fault));
        }
        let (data, zeros) = padded.split_at(length as usize);
        if u64::from(crc32c::crc32c(data)) != crc || zeros.iter().any(|byte| *byte != 0) {
            return Err(at.fault("crc", "the checksum of the bytes does not match".to_owned()));
        }
        Ok(Chunk { term, last, bytes, digest, offset, data: data.to_vec() })
    }

    fn repair_reply(&self, buffer: &Arc<Vec<u8>>, limits: &WireLimits) -> Result<RepairReply, Malformed> {
        let mut reader = self.fixed(buffer)?;
        let request = repair_request(&mut reader)?;
        let at = reader.clone();
        let number = reader.u64("answer")?;
        let frames = frames(&mut reader, buffer, self.kind().fixed_bytes(), limits)?;
        let answer = match (number, frames.len()) {
            (1, 1..) => RepairAnswer::Frames(frames),
            (2, 0) => RepairAnswer::Uncommitted,
            (3, 0) => RepairAnswer::Forgotten,
            (4, 0) => RepairAnswer::OtherBefore,
            (5, 0) => RepairAnswer::OtherBehind,
            (6, 0) => RepairAnswer::Unreadable,
            (number, count) => {
                return Err(at.fault("answer", format!("{number} with {count} frames is none")));
            }
        };
        Ok(RepairReply { request, answer })
    }

    fn chunk_reply(&self, buffer: &[u8]) -> Result<ChunkReply, Malformed> {
        let mut reader = self.fixed(buffer)?;
        let term = Term::new(reader.u64("term")?);
        let at = reader.clone();
        let answer = match (reader.u64("answer")?, reader.u64("offset")?) {
            (1, offset) => ChunkAnswer::Next(offset),
            (2, 0) => ChunkAnswer::Whole,
            (3, 0) => ChunkAnswer::Refused,
            (answer, offset) => return Err(at.fault("answer", format!("{answer} with {offset} is none"))),
        };
        Ok(ChunkReply { term, digest: digest(&mut reader)?, answer })
    }
}

fn repair_request(reader: &mut Reader<'_>) -> Result<RepairRequest, Malformed> {
    let at = reader.clone();
    let (from, to) = (reader.u64("from")?, reader.u64("to")?);
    // Whoever answers looks at the entries on both sides.
    if from == 0 || from > to || to == u64::MAX {
        return Err(at.fault("from", format!("{from} to {to} is no range of entries")));
    }
    let (before, behind) = (Term::new(reader.u64("before")?), Term::new(reader.u64("behind")?));
    Ok(RepairRequest { from: Index::new(from), to: Index::new(to), before, behind })
}
