//! An append-only log in segment files of its own format.
//!
//! # Model
//! ```text
//! 00000000000000000001.seg  header | frame 1 | frame 2 | ...          sealed: durable, never written again
//! 00000000000000004711.seg  header | frame 4711 | ... | frame n | mark    active: the last one
//! ```
//! A file is named by the index of its first record. `frame` has the bytes. Appending collects frames
//! in a buffer; [`Log::sync`] writes them with one call and one fdatasync, however many there are.
//! A frame says which index was durable when it was made; after each sync a *mark*, which the next
//! group overwrites, says the same for the records before it.
//!
//! # Invariants
//! I1 a file gets a successor only after all of it is durable; so only the last file can be torn.
//! I2 a file appears with its header or not at all.
//! I3 the frontier in a frame or mark is durable before the frame is written.
//! I4 files are removed one by one from the end that is cut, the directory synced in between; so a
//! crash never leaves a gap.
//!
//! # Recovery
//! Opening reads and verifies every byte. Bad bytes at the place of record `i` are
//! - a *torn tail*, which is cut with a record in the log, when they are in the last file and no frame
//!   or mark after them claims that `i` was durable: then nobody was ever told that it is;
//! - *corruption*, refused with file and offset, when such a claim exists or a later file does. A valid frame after the bad bytes
//!   alone proves nothing: of one group, the device may write the last page and not the first.
//!
//! What is left is shown to readers, hence must be durable, and reading it back proves nothing: after a
//! failed sync the page cache goes on showing what the device never got, to the next process too, and
//! the next sync succeeds. So records that no frame or mark vouches for are written once more, at their
//! place, before the sync that ends the opening; and the directory is synced before its names are
//! trusted. Cutting those records instead would lose a group that was acknowledged and whose mark a power
//! failure took. [`durable::sync_file`] names the source.
//!
//! Each file has a random salt in its header that is mixed into its frames, so neither a payload that
//! looks like a frame nor bytes of an older file are ever taken for one.
//!
//! # Limits
//! - After a power failure the mark of the last group may be missing: damage to that last group alone
//!   is then cut like a torn tail. After the death of the process alone the mark is there.
//! - Whole files missing at either end go unnoticed here; the owner compares with what it knows.
//! - 4 bytes of memory per record; opening holds one file in memory; [`DESCRIPTORS_MAX`](super::descriptors::DESCRIPTORS_MAX) descriptors
//!   are open to read sealed files.
//! - A group over [`BUFFER_BYTES_MAX`] is written in pieces and still synced once.
//! - A file ends at `segment_bytes` or with a single record larger than that.
//!
//! # Deviations
//! Records are read by position (`pread`), not through a memory map: a device error under a map is a
//! SIGBUS that would end the host, and cutting the tail would pull pages from under a reader.

mod active;
mod frame;
#[cfg(test)]
mod power_test;
mod reader;
mod recovery;
mod scan;
#[cfg(test)]
mod segments_test;

use super::memory::{check_keep_from, check_keep_to, check_record};
use super::poison::Poison;
use super::{Error, Log, LogOptions, LogReader, durable};
use active::Active;
use reader::{Sealed, SegmentReader, Shared};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a group that wait in memory before they are written ahead of the sync.
pub(super) const BUFFER_BYTES_MAX: usize = 1 << 20;

const SEGMENT_BYTES_MIN: usize = 4 << 10;
/// Largest size of a segment file.
pub const SEGMENT_BYTES_CEILING: usize = 1 << 30;
const RECORD_BYTES_CEILING: usize = 1 << 30;

// Offsets are 32 bits: a file just below its size may still take one record of the largest size.
const _: () = assert!(SEGMENT_BYTES_CEILING + RECORD_BYTES_CEILING + 4096 < u32::MAX as usize);

/// A [`Log`] in segment files.
#[derive(Debug)]
pub struct SegmentLog {
    dir: PathBuf,
    options: LogOptions,
    active: Active,
    shared: Arc<Shared>,
    poison: Poison,
}

impl SegmentLog {
    /// Opens or creates the log in `dir`.
    ///
    /// # Errors
    /// `Config`; `Corrupt` and `FormatTooNew` naming the file; `Io`, `Full`, `ReadOnly`.
    pub fn open(dir: &Path, options: &LogOptions) -> Result<Self, Error> {
        check_options(options)?;
        durable::create_dir(dir)?;
        let recovered = recovery::recover(dir)?;
        Ok(Self {
            dir: dir.to_path_buf(),
            options: *options,
            active: recovered.active,
            shared: Arc::new(Shared::new(recovered.segments)),
            poison: Poison::default(),
        })
    }

    fn append_frame(&mut self, record: &[&[u8]], len: usize) -> Result<u64, Error> {
        let frame_bytes = frame::HEADER_BYTES + len;
        if !self.active.is_empty() && self.active.end() + frame_bytes > self.options.segment_bytes {
            self.roll()?;
        }
        let index = self.active.push(record, len);
        if self.active.buffered() > BUFFER_BYTES_MAX {
            self.active.flush()?;
        }
        Ok(index)
    }

    /// Seals the active file (I1) and starts the next one.
    fn roll(&mut self) -> Result<(), Error> {
        self.sync_active()?;
        let next = Active::create(&self.dir, self.active.last() + 1)?;
        self.shared.add(next.sealed());
        self.active = next;
        Ok(())
    }

    fn sync_active(&mut self) -> Result<(), Error> {
        let offsets = self.active.sync()?;
        self.shared.publish(&offsets, self.active.end());
        Ok(())
    }

    fn cut_front(&mut self, keep_from: u64) -> Result<(), Error> {
        self.sync_active()?;
        // The reader forgets a file before it is removed, so it never looks for one that is not there.
        while let Some(path) = self.shared.remove_front(keep_from) {
            durable::remove_file(&path)?;
        }
        Ok(())
    }

    fn cut_back(&mut self, keep_to: u64) -> Result<(), Error> {
        self.sync_active()?;
        let removed = self.shared.cut_back(keep_to);
        for path in removed {
            durable::remove_file(&path)?;
        }
        let last: Sealed = self.shared.newest();
        if last.base != self.active.base() {
            self.active = Active::reopen(&last)?;
        }
        self.active.cut(&last)
    }
}

impl Log for SegmentLog {
    fn append(&mut self, record: &[&[u8]]) -> Result<u64, Error> {
        self.poison.check()?;
        let len = check_record(record, self.options.record_bytes_max)?;
        let outcome = self.append_frame(record, len);
        self.poison.guard(outcome)
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.poison.check()?;
        let outcome = self.sync_active();
        self.poison.guard(outcome)
    }

    fn first(&self) -> u64 {
        self.shared.first()
    }

    fn last(&self) -> u64 {
        self.active.last()
    }

    fn truncate_front(&mut self, keep_from: u64) -> Result<(), Error> {
        self.poison.check()?;
        check_keep_from(keep_from, self.first(), self.last())?;
        let outcome = self.cut_front(keep_from);
        self.poison.guard(outcome)
    }

    fn truncate_back(&mut self, keep_to: u64) -> Result<(), Error> {
        self.poison.check()?;
        check_keep_to(keep_to, self.first(), self.last())?;
        if keep_to >= self.last() {
            return self.sync();
        }
        let outcome = self.cut_back(keep_to);
        self.poison.guard(outcome)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(SegmentReader::new(Arc::clone(&self.shared)))
    }
}

fn check_options(options: &LogOptions) -> Result<(), Error> {
    let segments = SEGMENT_BYTES_MIN..=SEGMENT_BYTES_CEILING;
    if !segments.contains(&options.segment_bytes) {
        return Err(Error::Config(format!(
            "segment_bytes is {}, allowed are {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_CEILING}",
            options.segment_bytes
        )));
    }
    if !(1..=RECORD_BYTES_CEILING).contains(&options.record_bytes_max) {
        return Err(Error::Config(format!(
            "record_bytes_max is {}, allowed are 1 to {RECORD_BYTES_CEILING}",
            options.record_bytes_max
        )));
    }
    Ok(())
}
