//! Where frames of the replicated log are kept: one trait, several backends, one behaviour suite.
//!
//! # Model
//! ```text
//! append --> waits --sync--> durable --> readers see it
//!            `-- truncate_back, reset: gone, durably       purge_front: the oldest may go
//! memory     MemoryFrameLog                       nothing survives the handle
//! files      SegmentFrameLog                      the one to use; `segments` has the format
//! RocksDB    RocksFrameLog                        one engine for everything, at a price; feature `rocksdb`
//! decorator  FaultyFrameLog                       tests only
//! ```
//! A frame is kept as it is: neither split, nor joined, nor encoded again.
//!
//! # Invariants
//! I1 what [`FrameLog::sync`] covered is there after any crash, and nothing else is shown to readers.
//! I2 frames stand without gaps and their terms do not decrease.
//! I3 after a failed write or sync every mutation answers `Poisoned`; see I4 of `storage`. The one failure
//! that changes nothing is `Full` while a file is laid out: then the same call may be made again.
//!
//! # Limits
//! [`FrameLogOptions`]. Nothing here starts a thread.
//!
//! # Caller contract
//! One thread mutates; any number read. A snapshot is made durable *before* [`FrameLog::reset`]: a crash in
//! the middle of that leaves a prefix of the old log or an empty one that begins at 1, and whoever opens it
//! finds that it ends before the snapshot and resets it again.

#[cfg(any(test, feature = "faults"))]
mod faulty;
mod memory;
mod outline;
#[cfg(feature = "rocksdb")]
mod rocks;
mod segments;

#[cfg(any(test, feature = "faults"))]
pub use faulty::FaultyFrameLog;
pub use memory::MemoryFrameLog;
#[cfg(feature = "rocksdb")]
pub use rocks::RocksFrameLog;
pub use segments::{Damage, FRAME_SEGMENT_BYTES, FrameFile, FrameFiles, SegmentFrameLog};

use super::Error;
use crate::frame::{Frame, FrameKind, FrameLimits};
use crate::types::{Index, LogId, Term};
use std::sync::Arc;

/// What keeps a node's log of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogBackend {
    /// Files of this library's own format: one write and one flush for what waits. Damage is named by entries, and mended
    /// from peers.
    #[default]
    Segments,
    /// A database of RocksDB; needs the cargo feature `rocksdb`. Every byte is written twice: half the speed at batches of
    /// 64 entries, a sixth to a ninth at 1,000 and more. Opening reads every frame. Damage to it is refused.
    RocksDb,
}

impl LogBackend {
    /// All.
    pub const ALL: [Self; 2] = [Self::Segments, Self::RocksDb];

    /// Its name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segments => "segments",
            Self::RocksDb => "rocksdb",
        }
    }

    /// From its name; `None` for any other.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|backend| backend.name() == name)
    }
}

/// How a log of frames lays out its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLogOptions {
    /// Bytes of one file, within [`FRAME_SEGMENT_BYTES`]. Too small rolls often; too large gives space back
    /// late, since the front is cut by whole files.
    pub segment_bytes: usize,
    /// Largest frame accepted. A frame has to fit into a file.
    pub limits: FrameLimits,
    /// Bytes of the newest frames that stay in memory for readers. With too little of it whoever applies, and
    /// followers that are a little behind, read from files what was written a moment ago.
    pub recent_bytes_max: usize,
}

impl Default for FrameLogOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, limits: FrameLimits::default(), recent_bytes_max: 8 << 20 }
    }
}

/// A sequence of frames, appended at one end and cut at both.
pub trait FrameLog: Send {
    /// Adds frames behind the last one: all or none. Not yet durable.
    ///
    /// # Errors
    /// `OutOfOrder` when the first does not stand at `last() + 1`, one does not follow the other, or a term
    /// is older than the one before; `TooLarge`; `Full` while a file is laid out (nothing changed in these
    /// three); `Io`, `Full`, `ReadOnly` (poisoned from here on); `Poisoned`.
    fn append(&mut self, frames: &[Frame]) -> Result<(), Error>;

    /// Makes everything appended durable, and readable; returns the last index. One device flush however
    /// many frames wait, and one more for each file that they fill.
    ///
    /// # Errors
    /// `Full` while a file is laid out: what waits goes on waiting. `Io`, `Full`, `ReadOnly` (poisoned from
    /// here on); `Poisoned`.
    fn sync(&mut self) -> Result<Index, Error>;

    /// Index of the oldest entry. An empty log answers where the next entry will stand.
    fn first(&self) -> Index;

    /// Index of the newest entry, durable or not. An empty log answers the index before [`Self::first`].
    fn last(&self) -> Index;

    /// Index of the newest entry that is durable.
    fn durable(&self) -> Index;

    /// Term of an entry, durable or not; `None` outside of `first()..=last()`.
    fn term_at(&self, index: Index) -> Option<Term>;

    /// Forgets every entry after `keep_to`, exactly. Durable, and so is what is left.
    ///
    /// # Errors
    /// `OutOfRange` when `keep_to` is below `first() - 1`; `OutOfOrder` when it is not the end of a frame
    /// (nothing changed but that what waited is durable); `Io`, `Full`, `ReadOnly` (poisoned from here on);
    /// `Poisoned`.
    fn truncate_back(&mut self, keep_to: Index) -> Result<(), Error>;

    /// Forgets entries before `keep_from`; may keep some of them, see [`Self::first`]. Durable.
    ///
    /// # Errors
    /// `OutOfRange` when `keep_from` is above `last() + 1`; `Io`, `Full`, `ReadOnly` (poisoned from here
    /// on); `Poisoned`.
    fn purge_front(&mut self, keep_from: Index) -> Result<(), Error>;

    /// Forgets everything; the next entry will be `next`. See the module's caller contract.
    ///
    /// # Errors
    /// `OutOfRange` when `next` is 0; `Io`, `Full`, `ReadOnly` (poisoned from here on); `Poisoned`.
    fn reset(&mut self, next: Index) -> Result<(), Error>;

    /// Work that makes the next file ready, for a thread of the caller's that may wait for the disk; `None`
    /// when there is nothing to do. Without it a sync does that work when it needs the file.
    fn prepare_next(&mut self) -> Option<Preparation> {
        None
    }

    /// A reader that may outlive this handle and be used by any thread. Of a log that only one handle can have open, it
    /// gives `Closed` then.
    fn reader(&self) -> Arc<dyn FrameReader>;
}

/// Reads a log of frames while another thread appends to it.
pub trait FrameReader: Send + Sync {
    /// Durable frames in order, checksums verified, from the one that holds `from` on: as many as fit into
    /// `bytes_max`, at least one. Empty when `from` is outside of `first()..=last()`.
    ///
    /// Frames of one call share memory of about `bytes_max`, which lives as long as one of them; those appended a
    /// moment ago may share that of whoever appended them.
    ///
    /// # Errors
    /// `Corrupt`, `Io`, `Closed`.
    fn read(&self, from: Index, bytes_max: usize) -> Result<Vec<Frame>, Error>;

    /// Calls `visit` for each durable frame from the one that holds `from` on, without its body, until that
    /// answers false.
    ///
    /// # Errors
    /// `Corrupt`, `Io`, `Closed`.
    fn heads(&self, from: Index, visit: &mut dyn FnMut(FrameHead) -> bool) -> Result<(), Error>;

    /// Index of each durable membership, ascending.
    fn memberships(&self) -> Vec<Index>;

    /// Term of a durable entry; `None` outside of `first()..=last()`.
    fn term_at(&self, index: Index) -> Option<Term>;

    /// Index of the oldest entry.
    fn first(&self) -> Index;

    /// Index of the newest readable, hence durable, entry.
    fn last(&self) -> Index;
}

/// A frame without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// Index of the first entry.
    pub base: Index,
    /// Number of entries.
    pub count: u32,
    /// Its leader's term.
    pub term: Term,
    /// What the entries are.
    pub kind: FrameKind,
    /// Where the log keeps it: an offset in its file; its number in a log without files.
    pub position: u64,
}

/// A file to be made ready; see [`FrameLog::prepare_next`].
#[must_use = "the next file is not ready before it ran"]
pub struct Preparation(Box<dyn FnOnce() -> Result<(), Error> + Send>);

impl Preparation {
    pub(super) fn new(work: impl FnOnce() -> Result<(), Error> + Send + 'static) -> Self {
        Self(Box::new(work))
    }

    /// Does it; the log finds the result by itself. Takes as long as the disk needs to write a file.
    ///
    /// # Errors
    /// `Full`, `Io`, `ReadOnly`: the log is as it was, and tries again when it needs the file.
    pub fn run(self) -> Result<(), Error> {
        (self.0)()
    }
}

impl std::fmt::Debug for Preparation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Preparation")
    }
}

/// Makes `log` go on behind `snapshot`, the end of a snapshot that is durable: begins it anew where it does not,
/// because it ends earlier or holds something else there. Returns whether it did. For whoever opens a log after a
/// crash in the middle of [`FrameLog::reset`], or before it.
///
/// # Errors
/// As [`FrameLog::reset`].
pub fn follow_snapshot(log: &mut dyn FrameLog, snapshot: LogId) -> Result<bool, Error> {
    let differs = log.term_at(snapshot.index).is_some_and(|term| term != snapshot.term);
    let is_behind = log.last() < snapshot.index;
    if is_behind || differs {
        log.reset(snapshot.index.next())?;
    }
    Ok(is_behind || differs)
}

fn check_next(next: Index) -> Result<(), Error> {
    match next.get() {
        0 => Err(Error::OutOfRange { index: 0, first: 1, last: u64::MAX }),
        _ => Ok(()),
    }
}
