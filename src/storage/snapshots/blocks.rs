//! Reading a snapshot front to back.

use super::format::{BLOCK_HEAD_BYTES, BadHead, BlockHead, DIGEST_BYTES, HEAD_BYTES, Kind, misnamed};
use super::{BLOCK_BYTES_MAX, SnapshotHead};
use crate::codec::Malformed;
use crate::crypto::hash::SnapshotHasher;
use std::io::{self, Read};

/// Why bytes are no snapshot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unsound {
    /// They could not be read.
    #[error("{0}")]
    Io(io::Error),
    /// Of a later version.
    #[error("version {found}")]
    TooNew {
        /// Which.
        found: u32,
    },
    /// They are not what was written.
    #[error("at {offset}: {what}")]
    Damaged {
        /// First byte of the part that is not.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
}

impl From<Unsound> for io::Error {
    fn from(unsound: Unsound) -> Self {
        match unsound {
            Unsound::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// What was read last.
#[derive(Debug)]
enum Now {
    /// Bytes of a section, in the buffer; none before its first block was read.
    Inside {
        at: usize,
        end: usize,
    },
    /// A section that was not asked for yet.
    Section(String),
    End([u8; DIGEST_BYTES]),
}

/// A snapshot, block by block. `Read` gives what is left of the section that [`Self::section`] named last;
/// bytes come only from blocks whose checksums fit (S2).
#[derive(Debug)]
pub struct Blocks<R> {
    input: R,
    head: SnapshotHead,
    hasher: SnapshotHasher,
    /// Bytes read so far, but for the block in hand.
    offset: u64,
    buffer: Vec<u8>,
    now: Now,
    names: Vec<String>,
    /// The last block of this section was not full, so it is the last one.
    is_last: bool,
}

impl<R: Read> Blocks<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(mut input: R) -> Result<Self, Unsound> {
        let mut bytes = [0; HEAD_BYTES];
        fill(&mut input, &mut bytes, 0)?;
        let head = SnapshotHead::decode(&bytes).map_err(|bad| match bad {
            BadHead::TooNew { found } => Unsound::TooNew { found },
            BadHead::Damaged(fault) => damaged(0, &fault),
        })?;
        let mut hasher = SnapshotHasher::new();
        hasher.update(&bytes);
        Ok(Self {
            input,
            head,
            hasher,
            offset: HEAD_BYTES as u64,
            buffer: Vec::new(),
            now: Now::Inside { at: 0, end: 0 },
            names: Vec::new(),
            is_last: false,
        })
    }

    /// What it is of.
    pub const fn head(&self) -> &SnapshotHead {
        &self.head
    }

    /// Goes to the next section, over what is left of this one, and names it; `None` at the end of a snapshot
    /// that was whole.
    ///
    /// # Errors
    /// The first part that is not sound.
    pub fn section(&mut self) -> Result<Option<&str>, Unsound> {
        loop {
            match &mut self.now {
                Now::End(_) => return Ok(None),
                Now::Section(name) => {
                    self.names.push(std::mem::take(name));
                    self.now = Now::Inside { at: 0, end: 0 };
                    self.is_last = false;
                    return Ok(self.names.last().map(String::as_str));
                }
                Now::Inside { .. } => self.advance()?,
            }
        }
    }

    /// Reads all that is left. Returns the digest of the whole, which was right, and its length in bytes.
    ///
    /// # Errors
    /// The first part that is not sound.
    pub fn verify(mut self) -> Result<([u8; DIGEST_BYTES], u64), Unsound> {
        while self.section()?.is_some() {}
        let Now::End(digest) = self.now else { unreachable!("there is no section after the last") };
        Ok((digest, self.offset))
    }

    /// Reads one block.
    fn advance(&mut self) -> Result<(), Unsound> {
        let at = self.offset;
        let mut bytes = [0; BLOCK_HEAD_BYTES];
        fill(&mut self.input, &mut bytes, at)?;
        let head = BlockHead::decode(&bytes).map_err(|fault| damaged(at, &fault))?;
        // At most BLOCK_BYTES_MAX (S3).
        self.buffer.resize(head.padded(), 0);
        fill(&mut self.input, &mut self.buffer, at + BLOCK_HEAD_BYTES as u64)?;
        let payload = head.payload(&self.buffer).map_err(|fault| damaged(at, &fault))?;
        let wrong = |what: &str| Err(Unsound::Damaged { offset: at, what: what.to_owned() });
        self.now = match head.kind {
            Kind::Data if self.names.is_empty() => return wrong("data of no section"),
            Kind::Data if self.is_last => return wrong("data behind the last block of its section"),
            Kind::Data => {
                self.is_last = head.length < BLOCK_BYTES_MAX;
                Now::Inside { at: 0, end: head.length }
            }
            Kind::Section => {
                let name = str::from_utf8(payload).unwrap_or_default();
                if let Some(rule) = misnamed(name, &self.names) {
                    return wrong(rule);
                }
                Now::Section(name.to_owned())
            }
            Kind::End => Now::End(self.end(at)?),
        };
        self.hasher.update(&bytes);
        self.hasher.update(&self.buffer);
        self.offset += (BLOCK_HEAD_BYTES + self.buffer.len()) as u64;
        Ok(())
    }

    /// The digest that stands at the end, if it is right and nothing stands behind it.
    fn end(&mut self, at: u64) -> Result<[u8; DIGEST_BYTES], Unsound> {
        let digest = self.hasher.finish();
        let wrong = |what: &str| Err(Unsound::Damaged { offset: at, what: what.to_owned() });
        if self.buffer[..] != digest {
            return wrong("the digest of the whole does not match");
        }
        match read_some(&mut self.input, &mut [0]) {
            Ok(0) => Ok(digest),
            Ok(_) => wrong("something stands behind the end"),
            Err(error) => Err(Unsound::Io(error)),
        }
    }
}

impl<R: Read> Read for Blocks<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let Now::Inside { at, end } = &mut self.now else { return Ok(0) };
            let count = out.len().min(*end - *at);
            if count > 0 || out.is_empty() {
                out[..count].copy_from_slice(&self.buffer[*at..*at + count]);
                *at += count;
                return Ok(count);
            }
            self.advance()?;
        }
    }
}

fn damaged(offset: u64, fault: &Malformed) -> Unsound {
    Unsound::Damaged { offset, what: format!("{}: {}", fault.field, fault.fault) }
}

fn fill(input: &mut impl Read, out: &mut [u8], offset: u64) -> Result<(), Unsound> {
    input.read_exact(out).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Unsound::Damaged { offset, what: "it ends before its end".to_owned() }
        }
        _ => Unsound::Io(error),
    })
}

fn read_some(input: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(out) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
