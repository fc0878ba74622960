//! Frames in segment files: entries into a builder, sealed, appended, synced.

use super::Side;
use crate::AnyError;
use duochain::frame::{Entry, Frame, FrameBuilder, Seal};
use duochain::storage::frames::{FrameLog, FrameLogOptions, SegmentFrameLog};
use duochain::types::{LaneId, Term, UnixNanos};
use std::path::Path;

/// Entries kept behind the newest: what a node keeps for followers that are a little behind.
const KEPT: u64 = 200_000;

pub(super) struct Ours {
    log: SegmentFrameLog,
    builder: FrameBuilder,
    /// Files that are laid out on another thread, as a node does it.
    helpers: Vec<std::thread::JoinHandle<()>>,
}

impl Ours {
    pub(super) fn open(directory: &Path) -> Result<Self, AnyError> {
        let options = FrameLogOptions::default();
        let mut log = SegmentFrameLog::open(directory, &options)?;
        log.prepare_next().map_or(Ok(()), |preparation| preparation.run())?;
        Ok(Self { log, builder: FrameBuilder::new(options.limits, LaneId::default()), helpers: Vec::new() })
    }
}

impl Side for Ours {
    fn append(&mut self, entries: &[&[u8]], _: usize) -> Result<(), AnyError> {
        self.builder.reserve(entries.len() * (super::ENTRY_BYTES + 8));
        for bytes in entries {
            self.builder.push(Entry { bytes, ..Entry::default() })?;
        }
        let body = self.builder.finish().ok_or("a batch has entries")?;
        let seal = Seal { term: Term::new(1), base: self.log.last().next(), time: UnixNanos::default() };
        self.log.append(&[Frame::new(seal, body)])?;
        let durable = self.log.sync()?;
        if let Some(preparation) = self.log.prepare_next() {
            if let Some(keep_from) = durable.back(KEPT) {
                self.log.purge_front(keep_from)?;
            }
            // A failure shows when the file is needed.
            self.helpers.push(std::thread::spawn(move || drop(preparation.run())));
        }
        Ok(())
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        for helper in self.helpers.drain(..) {
            let _ = helper.join();
        }
    }
}
