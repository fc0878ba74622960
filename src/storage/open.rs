//! Choosing a backend by name.

use super::{Error, FjallStore, Log, MemoryLog, MemoryStore, SegmentLog, Store};
use std::path::Path;

/// Which engine keeps a [`Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Nothing survives the handle.
    Memory,
    /// Pure Rust, builds in minutes; the default.
    Fjall,
    /// For production; needs the cargo feature `rocksdb`.
    RocksDb,
}

impl Backend {
    /// All.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Fjall, Self::RocksDb];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Fjall => "fjall",
            Self::RocksDb => "rocksdb",
        }
    }

    /// From its name.
    ///
    /// # Errors
    /// `Config` naming the ones there are.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|backend| backend.name() == name)
            .ok_or_else(|| Error::Config(format!("`{name}` is not a store: memory, fjall or rocksdb")))
    }
}

/// How a store uses memory and threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Memory for blocks read. Too small costs a disk read per lookup.
    pub cache_bytes: usize,
    /// Memory per family for writes that are not in sorted files yet. Too small makes many small files.
    pub write_buffer_bytes: usize,
    /// Threads of the engine for flushing and compaction, 1 or more.
    pub worker_threads: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { cache_bytes: 32 << 20, write_buffer_bytes: 16 << 20, worker_threads: 1 }
    }
}

/// Opens or creates the store in `dir`, a directory of its own.
///
/// # Errors
/// `Unsupported` for `RocksDb` without the feature; `Config`, `Io`, `Full`, `ReadOnly`, `Locked`,
/// `Corrupt`, `FormatTooNew`.
pub fn open_store(backend: Backend, dir: &Path, options: &StoreOptions) -> Result<Box<dyn Store>, Error> {
    if options.worker_threads == 0 || options.write_buffer_bytes == 0 {
        return Err(Error::Config("worker_threads and write_buffer_bytes must be 1 or more".to_owned()));
    }
    match backend {
        Backend::Memory => Ok(Box::new(MemoryStore::new())),
        Backend::Fjall => Ok(Box::new(FjallStore::open(dir, options)?)),
        Backend::RocksDb => open_rocks(dir, options),
    }
}

#[cfg(feature = "rocksdb")]
fn open_rocks(dir: &Path, options: &StoreOptions) -> Result<Box<dyn Store>, Error> {
    Ok(Box::new(super::RocksStore::open(dir, options)?))
}

#[cfg(not(feature = "rocksdb"))]
fn open_rocks(_dir: &Path, _options: &StoreOptions) -> Result<Box<dyn Store>, Error> {
    Err(Error::Unsupported("store `rocksdb`: this build lacks the cargo feature `rocksdb`".to_owned()))
}

/// What keeps a [`Log`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogKind {
    /// Nothing survives the handle.
    Memory,
    /// Files of this library's own format.
    Segments,
}

/// How a log lays out its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// A file is closed when it reaches this size. Too small makes many files; too large delays giving
    /// space back, since the front is cut by whole files.
    pub segment_bytes: usize,
    /// Largest record accepted.
    pub record_bytes_max: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, record_bytes_max: 64 << 20 }
    }
}

/// Opens or creates the log in `dir`, a directory of its own.
///
/// # Errors
/// `Config`, `Io`, `Full`, `ReadOnly`, `Corrupt`, `FormatTooNew`.
pub fn open_log(kind: LogKind, dir: &Path, options: &LogOptions) -> Result<Box<dyn Log>, Error> {
    match kind {
        LogKind::Memory => Ok(Box::new(MemoryLog::new(options.record_bytes_max))),
        LogKind::Segments => Ok(Box::new(SegmentLog::open(dir, options)?)),
    }
}
