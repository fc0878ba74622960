//! The last file: the one that is written.

use super::frame::{self, FileHeader};
use super::reader::Sealed;
use crate::storage::{Error, durable};
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
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
        durable::write_at(&self.file, &self.path, &self.buffer, self.written as u64)?;
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
        durable::sync_data(&self.file, &self.path)?;
        self.durable = self.last;
        self.write_mark();
        Ok(std::mem::take(&mut self.waiting))
    }

    /// Cuts the file back to what `sealed` holds. Nothing may wait.
    pub(super) fn cut(&mut self, sealed: &Sealed) -> Result<(), Error> {
        durable::cut_file(&self.file, &self.path, sealed.end as u64)?;
        durable::sync_file(&self.file, &self.path)?;
        (self.last, self.durable, self.written) = (sealed.last(), sealed.last(), sealed.end);
        self.write_mark();
        Ok(())
    }

    /// Makes durable what was found behind the last proof, `unproven`, and cuts everything after `keep`.
    ///
    /// The bytes were read, but maybe from memory alone: an earlier sync may have failed, in this process
    /// or another. So they are written once more, which a sync then has to bring to the device (see
    /// [`durable::sync_file`]). Cutting them instead would be wrong: after a power failure the mark of a
    /// group that was acknowledged may be missing. Writing the same bytes again harms neither kind.
    pub(super) fn make_durable(&self, unproven: &[u8], keep: usize) -> Result<(), Error> {
        durable::cut_file(&self.file, &self.path, keep as u64)?;
        let at = self.written - unproven.len();
        durable::write_at(&self.file, &self.path, unproven, at as u64)?;
        durable::sync_file(&self.file, &self.path)?;
        self.write_mark();
        Ok(())
    }

    /// Leaves the proof that all records here are durable. Without it they still are, only damage to
    /// the last group could not be told from a torn write; so a failure here is not reported.
    pub(super) fn write_mark(&self) {
        let mark = frame::mark(self.header.salt, self.durable);
        durable::write_at(&self.file, &self.path, &mark, self.written as u64).ok();
    }
}
