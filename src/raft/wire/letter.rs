//! What travels between nodes: messages of the core, and beside them the pieces of a snapshot.
//!
//! # Invariants
//! W3 a chunk names the snapshot that it is a part of by the digest of the whole, so chunks of two never become
//! one file. W4 the bytes of a chunk have a checksum among its fixed fields: a wrong one is no message.

use super::envelope::{Envelope, Kind, WireLimits, seal};
use super::fields::encode;
use crate::codec::{Malformed, Reader};
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
    }
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
