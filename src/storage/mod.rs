//! Logs and key-value stores: two traits, several backends, one behaviour suite for each trait.
//!
//! # Model
//! ```text
//!            Log (dense, append, cut at both ends)          Store (ordered keys in families)
//! memory     MemoryLog                                      MemoryStore
//! files      SegmentLog                                     FjallStore, RocksStore (feature)
//! decorators FaultyLog                                      FaultyStore        (tests only)
//! ```
//! [`frames`] has a third trait: logs of the batches of the replicated log; [`snapshots`] has files that stand for
//! the beginning of such a log; [`votes`] keeps what a node must not forget beside them.
//! Whoever owns a data directory takes its [`DirLock`], then calls [`check_format`], then opens logs
//! and stores in directories of their own below it.
//!
//! # Invariants
//! I1 an index or key that [`Log::sync`] or [`Store::sync`] covered is there after any crash.
//! I2 a [`LogReader`] shows a record only once it is durable.
//! I3 a batch is there as a whole or not at all.
//! I4 after a failed write or sync a handle answers [`Error::Poisoned`] to every later mutation:
//! nothing is acknowledged on top of a state that nobody knows. What was readable stays readable.
//! I5 every change of a directory (create, rename, remove) is followed by an fsync of that directory.
//! I6 what opening finds and no successful sync vouches for is written and synced again before it is
//! shown: after a failed sync or a kill, what the system shows may not be on the device.
//!
//! # Limits
//! Keys have 1 to [`KEY_BYTES_MAX`] bytes, values at most [`VALUE_BYTES_MAX`]; a log refuses records
//! over [`LogOptions::record_bytes_max`]. Nothing here starts a thread; `fjall` and `rocks` name the
//! threads that their engines start.
//!
//! # Caller contract
//! One thread mutates a log; any number read through [`Log::reader`]. A store is shared as it is. Close
//! a poisoned handle and open it again: opening decides what survived, and makes it so (I6).

mod batch;
mod descriptors;
mod durable;
mod error;
#[cfg(any(test, feature = "faults"))]
pub mod faulty;
mod fjall;
mod format;
pub mod frames;
#[cfg(test)]
mod life;
mod lock;
mod memory;
mod nascent;
mod open;
#[cfg(test)]
mod platter;
mod poison;
#[cfg(feature = "rocksdb")]
mod rocks;
mod segments;
pub mod snapshots;
#[cfg(test)]
mod suite;
pub mod votes;

pub use batch::{Batch, Family, KEY_BYTES_MAX, Operation, VALUE_BYTES_MAX};
pub use error::Error;
pub use fjall::FjallStore;
pub use format::{FORMAT_VERSION, check_format, has_format};
pub use lock::DirLock;
pub use memory::{MemoryLog, MemoryStore};
pub use open::{Backend, LogKind, LogOptions, StoreOptions, open_log, open_store};
#[cfg(feature = "rocksdb")]
pub use rocks::RocksStore;
pub use segments::{SEGMENT_BYTES_CEILING, SegmentLog};

use std::path::Path;
use std::sync::Arc;

/// A dense sequence of records, numbered from 1, appended at one end and cut at both.
pub trait Log: Send {
    /// Adds one record, the concatenation of `record`, and returns its index. Not yet durable.
    ///
    /// # Errors
    /// `TooLarge` (nothing changed); `Io`, `Full`, `ReadOnly` (poisoned from here on); `Poisoned`.
    fn append(&mut self, record: &[&[u8]]) -> Result<u64, Error>;

    /// Makes everything appended durable, and readable.
    ///
    /// # Errors
    /// `Io`, `Full`, `ReadOnly` (poisoned from here on); `Poisoned`.
    fn sync(&mut self) -> Result<(), Error>;

    /// Index of the oldest record. An empty log answers `last() + 1`.
    fn first(&self) -> u64;

    /// Index of the newest record, durable or not. A log that never held one answers 0.
    fn last(&self) -> u64;

    /// Forgets records before `keep_from`; may keep some of them, see [`Self::first`]. Durable.
    ///
    /// # Errors
    /// `OutOfRange` when `keep_from` is above `last() + 1`; `Io` (poisoned from here on); `Poisoned`.
    fn truncate_front(&mut self, keep_from: u64) -> Result<(), Error>;

    /// Forgets every record after `keep_to`, exactly. Durable, and so is what is left.
    ///
    /// # Errors
    /// `OutOfRange` when `keep_to` is below `first() - 1`; `Io` (poisoned from here on); `Poisoned`.
    fn truncate_back(&mut self, keep_to: u64) -> Result<(), Error>;

    /// A reader that may outlive this handle and be used by any thread.
    fn reader(&self) -> Arc<dyn LogReader>;
}

/// Reads a log while another thread appends to it.
pub trait LogReader: Send + Sync {
    /// The record, checksum verified; `None` outside of `first()..=last()`.
    ///
    /// # Errors
    /// `Corrupt` when it does not match its checksum, `Io`.
    fn read(&self, index: u64) -> Result<Option<Vec<u8>>, Error>;

    /// Index of the oldest readable record.
    fn first(&self) -> u64;

    /// Index of the newest readable, hence durable, record.
    fn last(&self) -> u64;
}

/// Ordered keys and values in a fixed set of families.
pub trait Store: Send + Sync {
    /// The value of `key`.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Applies `batch` as a whole, in its order; visible at once, durable after [`Self::sync`].
    ///
    /// # Errors
    /// `TooLarge` (nothing changed); `Io`, `Full`, `ReadOnly` (poisoned from here on); `Poisoned`.
    fn write(&self, batch: Batch) -> Result<(), Error>;

    /// Makes every batch that was written durable.
    ///
    /// # Errors
    /// `Io`, `Full`, `ReadOnly` (poisoned from here on); `Poisoned`.
    fn sync(&self) -> Result<(), Error>;

    /// Up to `limit` pairs with `from <= key < to` (`None`: no upper bound), ascending by bytes, all
    /// from one point in time.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    fn scan(&self, family: Family, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Pairs, Error>;

    /// What the store has used and done. Walks its directory: not for hot paths.
    fn stats(&self) -> StoreStats;

    /// Where it lives, for messages; empty for one in memory.
    fn path(&self) -> &Path {
        Path::new("")
    }
}

/// Keys with their values, ascending.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// What a store has used and done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStats {
    /// Blocks allocated on disk, in bytes; what lies sparse in a file is not counted.
    pub disk_bytes: u64,
    /// Batches written.
    pub writes: u64,
    /// Syncs completed.
    pub syncs: u64,
}

impl<T: Store + ?Sized> Store for Box<T> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        (**self).get(family, key)
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        (**self).write(batch)
    }

    fn sync(&self) -> Result<(), Error> {
        (**self).sync()
    }

    fn scan(&self, family: Family, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Pairs, Error> {
        (**self).scan(family, from, to, limit)
    }

    fn stats(&self) -> StoreStats {
        (**self).stats()
    }

    fn path(&self) -> &Path {
        (**self).path()
    }
}
