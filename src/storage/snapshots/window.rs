//! A part of a snapshot, read from any place in it.

use super::format::{BLOCK_HEAD_BYTES, BlockHead, DIGEST_BYTES, HEAD_BYTES, Kind};
use super::{BLOCK_BYTES_MAX, SnapshotFile};
use crate::codec::Malformed;
use crate::storage::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Of a block that is full.
const FULL_BYTES: u64 = (BLOCK_HEAD_BYTES + BLOCK_BYTES_MAX) as u64;
const END_BYTES: u64 = (BLOCK_HEAD_BYTES + DIGEST_BYTES) as u64;
// A full block has no zeros behind its payload, so each one stands where its number says.
const _: () = assert!(BLOCK_BYTES_MAX.is_multiple_of(8));

/// The last section of a snapshot. Bytes come only from blocks whose checksums fit (S2), also where the file is removed
/// meanwhile.
#[derive(Debug)]
pub struct Window {
    file: File,
    path: PathBuf,
    /// Where its first block of data stands.
    begin: u64,
    bytes: u64,
    /// What was read last, with its number.
    block: Option<(u64, Vec<u8>)>,
}

impl SnapshotFile {
    /// Its last section, which has to be `name`.
    ///
    /// # Errors
    /// `Io`: it may be gone meanwhile. `Corrupt`.
    pub fn last_section(&self, name: &str) -> Result<Window, Error> {
        let (file, path) = (self.open()?, self.path().to_path_buf());
        let mut window = Window { file, path, begin: HEAD_BYTES as u64, bytes: 0, block: None };
        loop {
            let at = window.begin;
            let head = window.head(at)?;
            window.begin += (BLOCK_HEAD_BYTES + head.padded()) as u64;
            match head.kind {
                Kind::Section if window.payload(at, head)? == name.as_bytes() => break,
                Kind::Section | Kind::Data => {}
                Kind::End => return Err(window.corrupt(at, format!("no section {name:?}"))),
            }
        }
        window.bytes = window.measure(self.bytes)?;
        Ok(window)
    }
}

impl Window {
    /// Bytes of the section.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Copies bytes of the section from `offset` on, as many as there are and `out` has room for; says how many.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn read_at(&mut self, offset: u64, out: &mut [u8]) -> Result<usize, Error> {
        let mut done = 0;
        while done < out.len() && offset + (done as u64) < self.bytes {
            let at = offset + done as u64;
            let block = self.block(at / BLOCK_BYTES_MAX as u64)?;
            // Below the length of a block.
            let rest = &block[(at % BLOCK_BYTES_MAX as u64) as usize..];
            let count = rest.len().min(out.len() - done);
            out[done..done + count].copy_from_slice(&rest[..count]);
            done += count;
        }
        Ok(done)
    }

    /// How long the section is: all of its blocks but the last are full, and behind it comes the end of the `file_bytes`.
    fn measure(&self, file_bytes: u64) -> Result<u64, Error> {
        let wrong = || self.corrupt(self.begin, "it is not the last section".to_owned());
        let room = file_bytes.checked_sub(self.begin + END_BYTES).ok_or_else(wrong)?;
        let Some(full) = room.div_ceil(FULL_BYTES).checked_sub(1) else { return Ok(0) };
        // The last one has zeros behind it, and so may be as long as a full one.
        let head = self.head(self.begin + full * FULL_BYTES)?;
        if head.kind != Kind::Data || (BLOCK_HEAD_BYTES + head.padded()) as u64 != room - full * FULL_BYTES {
            return Err(wrong());
        }
        Ok(full * BLOCK_BYTES_MAX as u64 + head.length as u64)
    }

    /// The payload of the block of this number, which is there.
    fn block(&mut self, number: u64) -> Result<&[u8], Error> {
        if self.block.as_ref().is_none_or(|(known, _)| *known != number) {
            let at = self.begin + number * FULL_BYTES;
            let head = self.head(at)?;
            let left = self.bytes - number * BLOCK_BYTES_MAX as u64;
            if head.kind != Kind::Data || head.length as u64 != left.min(BLOCK_BYTES_MAX as u64) {
                return Err(self.corrupt(at, "it is not a block of this section".to_owned()));
            }
            self.block = Some((number, self.payload(at, head)?));
        }
        Ok(self.block.as_ref().map_or(&[], |(_, payload)| payload))
    }

    fn head(&self, at: u64) -> Result<BlockHead, Error> {
        let mut bytes = [0; BLOCK_HEAD_BYTES];
        self.fill(&mut bytes, at)?;
        BlockHead::decode(&bytes).map_err(|fault| self.damaged(at, &fault))
    }

    /// Of the block that stands `at` and has this head.
    fn payload(&self, at: u64, head: BlockHead) -> Result<Vec<u8>, Error> {
        // At most BLOCK_BYTES_MAX (S3).
        let mut bytes = vec![0; head.padded()];
        self.fill(&mut bytes, at + BLOCK_HEAD_BYTES as u64)?;
        head.payload(&bytes).map_err(|fault| self.damaged(at, &fault))?;
        bytes.truncate(head.length);
        Ok(bytes)
    }

    fn fill(&self, out: &mut [u8], at: u64) -> Result<(), Error> {
        self.file.read_exact_at(out, at).map_err(|source| Error::from_io("read", &self.path, source))
    }

    fn corrupt(&self, at: u64, what: String) -> Error {
        Error::corrupt(&self.path, at, what)
    }

    fn damaged(&self, at: u64, fault: &Malformed) -> Error {
        self.corrupt(at, format!("{}: {}", fault.field, fault.fault))
    }
}
