//! A log of frames in segment files of its own format.
//!
//! # Model
//! ```text
//! 00000000000000000001.frames  page | record | record | ... | zeros     sealed: never written again
//! 00000000000000004711.frames  page | record | ... | mark | zeros       active: the last one
//! next.ready                   page | zeros or older records            the next one, laid out ahead
//! 00000000000000000002.spare   forgotten, to be used again
//! ```
//! A file is named by the index of its first entry. `format` has the bytes, `docs/log-format.md` the same
//! drawn and dumped. Appending collects frames; a sync writes them with one call and one fdatasync, however
//! many there are. A record says which index was durable when it was made; after each sync a *mark*, which
//! the next group overwrites, says the same for the frames before it.
//!
//! # Invariants
//! I1 a file gets a successor only after all of it is durable; so only the last file can be torn.
//! I2 a file gets its name with its first page durable and its space taken.
//! I3 the frontier in a record or mark is durable before the record is written.
//! I4 what an older use of a file, or a part that was cut, left in it is never taken for a frame: files
//! have a random *salt*, new with each use, and parts a *generation*, higher with each cut and each opening,
//! which the first page says durably before anything is written behind the cut.
//! I5 files go one by one from the end that is cut, the directory synced in between; so a crash never
//! leaves a gap.
//!
//! # Recovery
//! Opening reads and verifies every record. What does not verify at the place of entry `i` is
//! - a *torn tail*, which is cut, when it is in the last file and nothing behind it claims that `i` was
//!   durable: then nobody was ever told that it is;
//! - *corruption*, refused with file and offset, when such a claim exists or a later file does. What is
//!   missing can be fetched from peers: [`SegmentFrameLog::damages`] and [`Damage::mend`].
//!
//! What no record or mark vouches for is written and synced once more before it is shown; the module
//! `segments` of `storage` says why.
//!
//! # Limits
//! - After a power failure the mark of the last group may be missing: damage to that last group alone is
//!   then cut like a torn tail. After the death of the process alone the mark is there.
//! - Whole files missing at either end go unnoticed here; the owner compares with what it knows.
//! - 16 bytes of memory for each frame up to [`PLACES_MAX`](index::PLACES_MAX) a file; then for every second,
//!   fourth, ... frame, and a read walks over those in between.
//! - Frames that wait take the memory that they share with whoever gave them; over [`GROUP_BYTES_MAX`] they
//!   are written ahead of the sync.
//! - [`SPARES_MAX`](stock::SPARES_MAX) files wait for another use.
//! - `recent_bytes_max` of the newest durable frames stay in memory for readers, and as many of those that were
//!   written and wait for their sync.
//!
//! # Deviations
//! Frames are read by position (`pread`), not through a memory map, for the reasons in `segments`.

mod active;
mod format;
mod index;
mod inspect;
mod intact;
mod mend;
mod recent;
mod recovery;
mod scan;
mod stock;
mod view;
mod window;

#[cfg(test)]
mod damage_test;
#[cfg(test)]
mod docs_test;
#[cfg(test)]
mod power_test;
#[cfg(test)]
mod segments_test;

pub use inspect::{FrameFile, FrameFiles};
pub use mend::Damage;

use super::outline::{Outline, check_keep_from, check_keep_to};
use super::{FrameHead, FrameLog, FrameLogOptions, FrameReader, Preparation, check_next};
use crate::frame::{FRAME_HEADER_BYTES, Frame};
use crate::storage::poison::Poison;
use crate::storage::{Error, durable};
use crate::types::{Index, Term};
use active::{Active, overhead_bytes, path_of};
use format::Cut;
use recent::Recent;
use std::fs::File;
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stock::{Layout, Stock, Taking};
use view::{Edge, Segment, SegmentReader, Shared};

/// Sizes of a file.
pub const FRAME_SEGMENT_BYTES: RangeInclusive<usize> = (1 << 20)..=(1 << 30);
/// Bytes of a group that wait before they are written ahead of the sync.
const GROUP_BYTES_MAX: usize = 4 << 20;

// Offsets in memory are 32 bits, and mending may write a missing file behind the one before it.
const _: () = assert!(2 * *FRAME_SEGMENT_BYTES.end() + crate::frame::BODY_BYTES_CEILING < u32::MAX as usize);

/// A [`FrameLog`] in segment files.
#[derive(Debug)]
pub struct SegmentFrameLog {
    dir: PathBuf,
    options: FrameLogOptions,
    /// With what waits.
    outline: Outline,
    durable: Index,
    /// Not written yet.
    waiting: Vec<Frame>,
    waiting_bytes: usize,
    active: Active,
    shared: Arc<Shared>,
    stock: Arc<Stock>,
    poison: Poison,
}

/// Why a mutation stopped.
enum Halt {
    /// As it was; the same call may succeed later.
    Kept(Error),
    /// Nobody knows what is on the device.
    Lost(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Lost(error)
    }
}

impl SegmentFrameLog {
    /// Opens or creates the log in `dir`, a directory of its own.
    ///
    /// # Errors
    /// `Config`; `Corrupt` and `FormatTooNew` naming the file; `Io`, `Full`, `ReadOnly`.
    pub fn open(dir: &Path, options: &FrameLogOptions) -> Result<Self, Error> {
        if !FRAME_SEGMENT_BYTES.contains(&options.segment_bytes) {
            return Err(Error::Config(format!(
                "segment_bytes is {}, allowed are {} to {}",
                options.segment_bytes,
                FRAME_SEGMENT_BYTES.start(),
                FRAME_SEGMENT_BYTES.end()
            )));
        }
        Self::open_sized(dir, options)
    }

    /// As [`Self::open`], with files as small as a frame.
    pub(in crate::storage) fn open_sized(dir: &Path, options: &FrameLogOptions) -> Result<Self, Error> {
        check_fit(options)?;
        durable::create_dir(dir)?;
        let stock = Arc::new(Stock::new(dir, options.segment_bytes));
        let recovered = recovery::recover(dir, &stock)?;
        let recent = Recent::new(options.recent_bytes_max);
        Ok(Self {
            dir: dir.to_path_buf(),
            options: *options,
            durable: recovered.outline.last(),
            outline: recovered.outline.clone(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            active: recovered.active.keeping(options.recent_bytes_max),
            shared: Arc::new(Shared::new(recovered.segments, recovered.outline, recent)),
            stock,
            poison: Poison::default(),
        })
    }

    /// What is missing in the log in `dir` although it was durable, in order; empty when it can be opened.
    /// Whoever holds the directory asks, when opening says `Corrupt`. Changes nothing.
    ///
    /// # Errors
    /// `Corrupt` for what peers cannot mend: a last file without its first page, files that overlap, names
    /// that are none. `FormatTooNew`, `Io`.
    pub fn damages(dir: &Path) -> Result<Vec<Damage>, Error> {
        mend::damages(dir)
    }

    /// What is in the files of the log in `dir`, whoever has it open, and what is wrong there. `visit` gets each frame that
    /// is sound, and its file. Changes nothing.
    ///
    /// # Errors
    /// `Io` where the directory cannot be listed.
    pub fn inspect(dir: &Path, visit: &mut dyn FnMut(&Path, FrameHead)) -> Result<FrameFiles, Error> {
        inspect::files(dir, visit)
    }

    /// Writes what waits, into as many files as it takes.
    fn flush(&mut self) -> Result<(), Halt> {
        loop {
            let fits = self.active.room_for(&self.waiting, self.options.segment_bytes as u64);
            if fits > 0 {
                self.active.write(&self.waiting[..fits], self.durable)?;
                self.waiting.drain(..fits);
            }
            let Some(next) = self.waiting.first().map(Frame::base) else { break };
            assert!(!self.active.is_empty(), "a frame fits into an empty file");
            self.roll(next)?;
        }
        self.waiting_bytes = 0;
        Ok(())
    }

    /// Seals the active file (I1) and starts the next one.
    fn roll(&mut self, next: Index) -> Result<(), Halt> {
        self.sync_active()?;
        let path = path_of(&self.dir, next);
        let blank = self.stock.take(&path, Layout::Allocated).map_err(|taking| match taking {
            Taking::NotReady(error @ Error::Full { .. }) => Halt::Kept(error),
            Taking::NotReady(error) | Taking::Failed(error) => Halt::Lost(error),
        })?;
        self.active = Active::new(path.clone(), blank).keeping(self.options.recent_bytes_max);
        self.shared.add(Segment::new(next, self.active.salt(), path));
        Ok(())
    }

    fn sync_active(&mut self) -> Result<(), Error> {
        let (placed, fresh) = self.active.sync()?;
        if !placed.is_empty() {
            self.shared.publish(placed, fresh);
            self.durable = self.shared.outline(Outline::last);
            self.active.write_mark(self.durable.next());
        }
        Ok(())
    }

    fn sync_all(&mut self) -> Result<(), Halt> {
        self.flush()?;
        Ok(self.sync_active()?)
    }

    fn guard(&self, outcome: Result<(), Halt>) -> Result<(), Error> {
        match outcome {
            Ok(()) => Ok(()),
            Err(Halt::Kept(error)) => Err(error),
            Err(Halt::Lost(error)) => self.poison.guard(Err(error)),
        }
    }

    fn cut_back(&mut self, edge: &Edge, keep_to: Index) -> Result<(), Error> {
        // Readers forget a file before it is gone, so they never look for one that is not there.
        for path in self.shared.cut_back(edge, keep_to) {
            self.stock.put_back(&path)?;
        }
        if self.active.path() != edge.path {
            self.active = reopen(edge)?.keeping(self.options.recent_bytes_max);
        }
        self.active.cut(edge.at, keep_to.next())?;
        self.outline.cut_back(keep_to);
        self.durable = keep_to;
        Ok(())
    }

    fn cut_front(&mut self, keep_from: Index) -> Result<(), Error> {
        while let Some(path) = self.shared.remove_front(keep_from) {
            self.stock.put_back(&path)?;
        }
        self.outline.cut_front(self.shared.outline(Outline::first));
        Ok(())
    }

    fn start_over(&mut self, next: Index) -> Result<(), Error> {
        self.waiting.clear();
        self.waiting_bytes = 0;
        for path in self.shared.clear(next) {
            self.stock.put_back(&path)?;
        }
        let started = recovery::start(&self.dir, &self.stock, next, Layout::Allocated)?;
        started.segments.into_iter().for_each(|segment| self.shared.begin(segment));
        self.active = started.active.keeping(self.options.recent_bytes_max);
        self.outline = started.outline;
        self.durable = self.outline.last();
        Ok(())
    }
}

/// The file of `edge`, to be written behind it.
fn reopen(edge: &Edge) -> Result<Active, Error> {
    let failed = |operation| move |source| Error::from_io(operation, &edge.path, source);
    let file = File::options().read(true).write(true).open(&edge.path).map_err(failed("open"))?;
    let mut page = vec![0; format::RECORDS_AT as usize];
    file.read_exact_at(&mut page, 0).map_err(failed("read"))?;
    let Ok(salt) = format::read_page(&page) else {
        return Err(Error::corrupt(&edge.path, 0, "the first page is not what it was"));
    };
    Ok(Active::found(edge.path.clone(), file, salt, Cut::latest(&page, salt), edge.at))
}

fn check_fit(options: &FrameLogOptions) -> Result<(), Error> {
    let record = format::PREFIX_BYTES + FRAME_HEADER_BYTES + options.limits.body_bytes();
    let needed = overhead_bytes() as usize + record;
    if options.segment_bytes < needed {
        return Err(Error::Config(format!(
            "segment_bytes is {}, a frame of the largest size needs {needed}",
            options.segment_bytes
        )));
    }
    Ok(())
}

impl FrameLog for SegmentFrameLog {
    fn append(&mut self, frames: &[Frame]) -> Result<(), Error> {
        self.poison.check()?;
        self.outline.check(frames, &self.options.limits)?;
        if self.waiting_bytes > GROUP_BYTES_MAX {
            let outcome = self.flush();
            self.guard(outcome)?;
        }
        for frame in frames {
            self.outline.push(&frame.header(), frame.seal());
            self.waiting_bytes += frame.encoded_bytes();
        }
        self.waiting.extend_from_slice(frames);
        Ok(())
    }

    fn sync(&mut self) -> Result<Index, Error> {
        self.poison.check()?;
        let outcome = self.sync_all();
        self.guard(outcome)?;
        Ok(self.durable)
    }

    fn first(&self) -> Index {
        self.outline.first()
    }

    fn last(&self) -> Index {
        self.outline.last()
    }

    fn durable(&self) -> Index {
        self.durable
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        self.outline.term_at(index)
    }

    fn truncate_back(&mut self, keep_to: Index) -> Result<(), Error> {
        self.poison.check()?;
        check_keep_to(&self.outline, keep_to)?;
        self.sync()?;
        if keep_to >= self.outline.last() {
            return Ok(());
        }
        let edge = self.shared.edge(keep_to)?;
        let outcome = self.cut_back(&edge, keep_to);
        self.poison.guard(outcome)
    }

    fn purge_front(&mut self, keep_from: Index) -> Result<(), Error> {
        self.poison.check()?;
        check_keep_from(&self.outline, keep_from)?;
        self.sync()?;
        let outcome = self.cut_front(keep_from);
        self.poison.guard(outcome)
    }

    fn reset(&mut self, next: Index) -> Result<(), Error> {
        self.poison.check()?;
        check_next(next)?;
        let outcome = self.start_over(next);
        self.poison.guard(outcome)
    }

    fn prepare_next(&mut self) -> Option<Preparation> {
        if self.stock.is_served() {
            return None;
        }
        let stock = Arc::clone(&self.stock);
        Some(Preparation::new(move || stock.prepare(Layout::Written)))
    }

    fn reader(&self) -> Arc<dyn FrameReader> {
        Arc::new(SegmentReader(Arc::clone(&self.shared)))
    }
}
