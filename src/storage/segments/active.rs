//! The last file: the one that is written.

use super::frame::{self, FileHeader};
use super::reader::Sealed;
use crate::storage::{Error, durable};
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file at the end of the log, and the group that waits for it.
#[derive(Debug)]
pub(super) struct Active {
    header: FileHeader,
    path: PathBuf,
    file: Arc<File>,
    /// Newest index handed out, and newest index durable.
    last: u64,
    durable: u64,
    /// Where the buffer goes, and what waits in it.
    written: usize,
    buffer: Vec<u8>,
    /// Starts of the frames that are not durable yet.
    waiting: Vec<u32>,
}

/// `dir/00000000000000000001.seg`
pub(super) fn path_of(dir: &Path, base: u64) -> PathBuf {
    dir.join(format!("{base:020}.seg"))
}

impl Active {
    /// Creates the file whose first record will be `base`.
    pub(super) fn create(dir: &Path, base: u64) -> Result<Self, Error> {
        // The keys of a `RandomState` are random per process and differ per value: enough for a number
        // that only has to be unknown to whoever writes payloads.
        let salt = RandomState::new().build_hasher().finish();
        let header = FileHeader { base, salt };
        let path = path_of(dir, base);
        let file = Arc::new(durable::create_file(&path, &header.encode())?);
        Ok(Self::new(header, path, file, base - 1, frame::FILE_HEADER_BYTES))
    }

    /// Opens the file again that `sealed` describes, to append after its last record.
    pub(super) fn reopen(sealed: &Sealed) -> Result<Self, Error> {
        let file = File::options()
            .read(true)
            .write(true)
            .open(&sealed.path)
            .map_err(|source| Error::from_io("open", &sealed.path, source))?;
        let header = FileHeader { base: sealed.base, salt: sealed.salt };
        Ok(Self::new(header, sealed.path.clone(), Arc::new(file), sealed.last(), sealed.end))
    }

    fn new(header: FileHeader, path: PathBuf, file: Arc<File>, last: u64, written: usize) -> Self {
        let (buffer, waiting) = (Vec::new(), Vec::new());
        Self { header, path, file, last, durable: last, written, buffer, waiting }
    }

    /// What readers need to know about this file, without its records.
    pub(super) fn sealed(&self) -> Sealed {
        Sealed {
            base: self.header.base,
            salt: self.header.salt,
            path: self.path.clone(),
            offsets: Vec::new(),
            end: frame::FILE_HEADER_BYTES,
        }
    }

    pub(super) const fn base(&self) -> u64 {
        self.header.base
    }

    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.last < self.header.base
    }

    /// Length of the file once the buffer is written.
    pub(super) const fn end(&self) -> usize {
        self.written + self.buffer.len()
    }

    pub(super) const fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Adds a record to the group.
    pub(super) fn push(&mut self, record: &[&[u8]], len: usize) -> u64 {
        let index = self.last + 1;
        self.waiting.push(u32::try_from(self.end()).expect("files are bounded below 4 GiB"));
        frame::encode(&mut self.buffer, self.header.salt, index, self.durable, record, len);
        self.last = index;
        index
    }

    /// Writes the buffer, over the mark if there is one.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        let outcome = self.file.write_all_at(&self.buffer, self.written as u64);
        outcome.map_err(|source| Error::from_io("write", &self.path, source))?;
        self.written += self.buffer.len();
        self.buffer.clear();
        // One large record must not hold its memory for ever.
        self.buffer.shrink_to(super::BUFFER_BYTES_MAX);
        Ok(())
    }

    /// Makes the group durable and returns where its records start.
    pub(super) fn sync(&mut self) -> Result<Vec<u32>, Error> {
        if self.waiting.is_empty() {
            return Ok(Vec::new());
        }
        self.flush()?;
        self.sync_data()?;
        self.durable = self.last;
        self.write_mark();
        Ok(std::mem::take(&mut self.waiting))
    }

    /// Cuts the file back to what `sealed` holds. Nothing may wait.
    pub(super) fn cut(&mut self, sealed: &Sealed) -> Result<(), Error> {
        self.truncate(sealed.end)?;
        (self.last, self.durable, self.written) = (sealed.last(), sealed.last(), sealed.end);
        self.write_mark();
        Ok(())
    }

    /// Shortens the file, durably.
    pub(super) fn truncate(&self, bytes: usize) -> Result<(), Error> {
        let outcome = self.file.set_len(bytes as u64).and_then(|()| self.file.sync_all());
        outcome.map_err(|source| Error::from_io("truncate", &self.path, source))
    }

    pub(super) fn sync_data(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|source| Error::from_io("sync", &self.path, source))
    }

    /// Leaves the proof that all records here are durable. Without it they still are, only damage to
    /// the last group could not be told from a torn write; so a failure here is not reported.
    pub(super) fn write_mark(&self) {
        let mark = frame::mark(self.header.salt, self.durable);
        self.file.write_all_at(&mark, self.written as u64).ok();
    }
}
