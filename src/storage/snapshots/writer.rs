//! Writing a snapshot: sections in, blocks out, durable when it is called one.

use super::SnapshotHead;
use super::format::{BLOCK_BYTES_MAX, BLOCK_HEAD_BYTES, Kind, misnamed, seal_block};
use super::shelf::{Draft, SnapshotFile};
use crate::crypto::hash::SnapshotHasher;
use crate::storage::Error;
use std::io::{self, ErrorKind, Read};

/// A snapshot that is being written. Dropped, it is gone.
#[derive(Debug)]
pub struct SnapshotWriter {
    draft: Draft,
    head: SnapshotHead,
    hasher: SnapshotHasher,
    block: Vec<u8>,
    at: u64,
    /// Sections so far.
    names: Vec<String>,
}

/// Why a section was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// What it should hold could not be read.
    #[error("its source failed: {0}")]
    Source(io::Error),
    /// It could not be written.
    #[error("{0}")]
    Storage(#[from] Error),
}

impl SnapshotWriter {
    pub(super) fn new(draft: Draft, head: SnapshotHead) -> Result<Self, Error> {
        let (hasher, block, names) = (SnapshotHasher::new(), Vec::new(), Vec::new());
        let mut writer = Self { draft, head, hasher, block, at: 0, names };
        let bytes = head.encode();
        writer.write(&bytes)?;
        Ok(writer)
    }

    /// Adds a section of what `source` holds, up to its end. Names are of lower-case letters, each once, and there are
    /// [`SECTIONS_MAX`](super::SECTIONS_MAX) at most.
    ///
    /// # Errors
    /// When the source fails, or the disk does.
    ///
    /// # Panics
    /// For a name that is none, one that was there before, or a section too many: nobody could read that back.
    pub fn section(&mut self, name: &str, source: &mut dyn Read) -> Result<(), SectionError> {
        let rule = misnamed(name, &self.names);
        assert!(rule.is_none(), "{name:?}: {rule:?}");
        self.names.push(name.to_owned());
        self.block.clear();
        self.block.resize(BLOCK_HEAD_BYTES, 0);
        self.block.extend_from_slice(name.as_bytes());
        self.write_block(Kind::Section)?;
        loop {
            let length = self.fill(source).map_err(SectionError::Source)?;
            if length > 0 {
                self.write_block(Kind::Data)?;
            }
            // Only the last block is not full (S4).
            if length < BLOCK_BYTES_MAX {
                return Ok(());
            }
        }
    }

    /// Reads a block full, or what is left.
    fn fill(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        self.block.resize(BLOCK_HEAD_BYTES + BLOCK_BYTES_MAX, 0);
        let mut length = 0;
        while length < BLOCK_BYTES_MAX {
            match source.read(&mut self.block[BLOCK_HEAD_BYTES + length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.block.truncate(BLOCK_HEAD_BYTES + length);
        Ok(length)
    }

    fn write_block(&mut self, kind: Kind) -> Result<(), Error> {
        let mut block = std::mem::take(&mut self.block);
        seal_block(kind, &mut block);
        let outcome = self.write(&block);
        self.block = block;
        outcome
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hasher.update(bytes);
        self.draft.write(bytes, self.at)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Ends it and gives it its name, durably. What had that name is gone.
    ///
    /// # Errors
    /// `Io`, `Full`, `ReadOnly`: there is no such snapshot then.
    pub fn finish(mut self) -> Result<SnapshotFile, Error> {
        let digest = self.hasher.finish();
        self.block.clear();
        self.block.resize(BLOCK_HEAD_BYTES, 0);
        self.block.extend_from_slice(&digest);
        self.write_block(Kind::End)?;
        self.draft.sync()?;
        let Self { draft, head, at, .. } = self;
        draft.adopt(head, digest, at)
    }
}
