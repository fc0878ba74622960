//! Frames in segment files, or in RocksDB: entries into a builder, sealed, appended, synced.

use super::Side;
use crate::AnyError;
use duochain::frame::{Entry, Frame, FrameBuilder, Seal};
#[cfg(feature = "rocksdb")]
use duochain::storage::StoreOptions;
#[cfg(feature = "rocksdb")]
use duochain::storage::frames::RocksFrameLog;
use duochain::storage::frames::{FrameLog, FrameLogOptions, SegmentFrameLog};
use duochain::types::{LaneId, Term, UnixNanos};
use std::path::Path;

/// Entries kept behind the newest: what a node keeps for followers that are a little behind.
pub(super) const KEPT: u64 = 200_000;
/// Batches between two cuts of a log that has no files of its own.
const CUT_EVERY: usize = 100;

pub(super) struct Ours<L> {
    log: L,
    builder: FrameBuilder,
    /// Files that are laid out on another thread, as a node does it.
    helpers: Vec<std::thread::JoinHandle<()>>,
    /// Not when a file is full.
    cuts_by_count: bool,
}

impl Ours<SegmentFrameLog> {
    pub(super) fn open(directory: &Path) -> Result<Self, AnyError> {
        let options = FrameLogOptions::default();
        let mut log = SegmentFrameLog::open(directory, &options)?;
        log.prepare_next().map_or(Ok(()), |preparation| preparation.run())?;
        let builder = FrameBuilder::new(options.limits, LaneId::default());
        Ok(Self { log, builder, helpers: Vec::new(), cuts_by_count: false })
    }
}

#[cfg(feature = "rocksdb")]
impl Ours<RocksFrameLog> {
    pub(super) fn in_rocksdb(directory: &Path) -> Result<Self, AnyError> {
        let limits = FrameLogOptions::default().limits;
        let log = RocksFrameLog::open(directory, limits, &StoreOptions::default())?;
        let builder = FrameBuilder::new(limits, LaneId::default());
        Ok(Self { log, builder, helpers: Vec::new(), cuts_by_count: true })
    }
}

impl<L: FrameLog> Side for Ours<L> {
    fn append(&mut self, entries: &[&[u8]], number: usize) -> Result<(), AnyError> {
        self.builder.reserve(entries.len() * (super::ENTRY_BYTES + 8));
        for bytes in entries {
            self.builder.push(Entry { bytes, ..Entry::default() })?;
        }
        let body = self.builder.finish().ok_or("a batch has entries")?;
        let seal = Seal { term: Term::new(1), base: self.log.last().next(), time: UnixNanos::default() };
        self.log.append(&[Frame::new(seal, body)])?;
        let durable = self.log.sync()?;
        let preparation = self.log.prepare_next();
        let is_due = preparation.is_some() || self.cuts_by_count && number % CUT_EVERY == CUT_EVERY - 1;
        if let Some(keep_from) = durable.back(KEPT).filter(|_| is_due) {
            self.log.purge_front(keep_from)?;
        }
        if let Some(preparation) = preparation {
            // A failure shows when the file is needed.
            self.helpers.push(std::thread::spawn(move || drop(preparation.run())));
        }
        Ok(())
    }
}

impl<L> Drop for Ours<L> {
    fn drop(&mut self) {
        for helper in self.helpers.drain(..) {
            let _ = helper.join();
        }
    }
}
