//! A store over RocksDB, for production (cargo feature `rocksdb`).
//!
//! # Model
//! One database per directory, one column family per [`Family`]. A batch goes into RocksDB's log and
//! its write buffers; [`Store::sync`] makes that log durable. lz4 for what is rewritten often, zstd for
//! the lowest level, where most of the data is.
//!
//! Opening replays the log into sorted files, syncs those and starts another log. So what a failed sync
//! left in memory only is not taken for durable.
//!
//! # Limits
//! - RocksDB keeps one pool of threads per process, named `rocksdb:low` and `rocksdb:high`, together
//!   [`StoreOptions::worker_threads`] and at least 2, which stay when the store is dropped; and one timer
//!   while a store is open, which carries the name of the thread that opened it.
//! - Damage is reported by directory, at offset 0, with RocksDB's own words, which mostly name a file.
//!
//! # Deviations
//! The log is recovered strictly (`TolerateCorruptedTailRecords`): RocksDB's default would drop
//! everything behind a damaged record without a word.

use super::memory::Counters;
use super::{Batch, Error, Family, Pairs, Store, StoreOptions, StoreStats, durable};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    Direction, ErrorKind, IteratorMode, Options, ReadOptions, WriteBatch,
};
use std::io;
use std::path::{Path, PathBuf};

const INFO_LOG_FILES: usize = 2;
const INFO_LOG_BYTES: usize = 1 << 20;
const OPEN_FILES_MAX: i32 = 512;

/// A [`Store`] in a RocksDB database.
pub struct RocksStore {
    path: PathBuf,
    database: DB,
    counters: Counters,
}

impl RocksStore {
    /// Opens or creates the database in `dir`.
    ///
    /// # Errors
    /// `Locked`, `Corrupt`, `Io`, `Full`, `ReadOnly`.
    pub fn open(dir: &Path, options: &StoreOptions) -> Result<Self, Error> {
        durable::create_dir(dir)?;
        let cache = Cache::new_lru_cache(options.cache_bytes);
        let family =
            |family: Family| ColumnFamilyDescriptor::new(family.name(), family_options(options, &cache));
        let database =
            DB::open_cf_descriptors(&database_options(options), dir, Family::ALL.into_iter().map(family))
                .map_err(|error| convert("open", dir, &error))?;
        Ok(Self { path: dir.to_path_buf(), database, counters: Counters::default() })
    }

    fn failed(&self, operation: &'static str) -> impl Fn(rocksdb::Error) -> Error + '_ {
        move |error| convert(operation, &self.path, &error)
    }

    fn column(&self, family: Family) -> &ColumnFamily {
        self.database.cf_handle(family.name()).expect("every family is opened with the database")
    }

    fn apply(&self, batch: &Batch) -> Result<(), Error> {
        let mut write = WriteBatch::default();
        for operation in batch.iter() {
            let column = self.column(operation.family);
            match operation.value {
                Some(value) => write.put_cf(column, operation.key, value),
                None => write.delete_cf(column, operation.key),
            }
        }
        self.database.write(write).map_err(self.failed("write"))
    }
}

pub(super) fn database_options(options: &StoreOptions) -> Options {
    let mut database = Options::default();
    database.create_if_missing(true);
    database.create_missing_column_families(true);
    database.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    database.set_max_background_jobs(i32::try_from(options.worker_threads).unwrap_or(i32::MAX).max(2));
    database.set_max_open_files(OPEN_FILES_MAX);
    database.set_keep_log_file_num(INFO_LOG_FILES);
    database.set_max_log_file_size(INFO_LOG_BYTES);
    // Both would start a thread of their own, for statistics that nobody reads here.
    database.set_stats_dump_period_sec(0);
    database.set_stats_persist_period_sec(0);
    database
}

fn family_options(options: &StoreOptions, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_bloom_filter(10.0, false);
    let mut family = Options::default();
    family.set_block_based_table_factory(&table);
    family.set_write_buffer_size(options.write_buffer_bytes);
    family.set_compression_type(DBCompressionType::Lz4);
    family.set_bottommost_compression_type(DBCompressionType::Zstd);
    family
}

impl Store for RocksStore {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.database.get_cf(self.column(family), key).map_err(self.failed("read"))
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        self.counters.poison.check()?;
        batch.check()?;
        self.counters.poison.guard(self.apply(&batch))?;
        self.counters.count_write();
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        self.counters.poison.check()?;
        self.counters.poison.guard(self.database.flush_wal(true).map_err(self.failed("sync")))?;
        self.counters.count_sync();
        Ok(())
    }

    fn scan(&self, family: Family, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Pairs, Error> {
        if to.is_some_and(|to| to <= from) {
            return Ok(Vec::new());
        }
        let mut read = ReadOptions::default();
        if let Some(to) = to {
            read.set_iterate_upper_bound(to);
        }
        let start = IteratorMode::From(from, Direction::Forward);
        self.database
            .iterator_cf_opt(self.column(family), read, start)
            .take(limit)
            .map(|pair| pair.map(|(key, value)| (key.into_vec(), value.into_vec())))
            .collect::<Result<_, _>>()
            .map_err(self.failed("scan"))
    }

    fn stats(&self) -> StoreStats {
        self.counters.stats(durable::allocated_bytes(&self.path))
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// RocksDB hands over its status as text only; what the system said stands in it in words.
pub(super) fn convert(operation: &'static str, path: &Path, error: &rocksdb::Error) -> Error {
    let text = error.to_string();
    let said = |words: &str| text.contains(words);
    let system = |kind| Error::from_io(operation, path, io::Error::new(kind, text.clone()));
    match error.kind() {
        ErrorKind::Corruption => Error::corrupt(path, 0, text),
        ErrorKind::IOError if said("No space left") || said("quota") => system(io::ErrorKind::StorageFull),
        ErrorKind::IOError if said("File too large") => system(io::ErrorKind::FileTooLarge),
        ErrorKind::IOError if said("Read-only file system") => system(io::ErrorKind::ReadOnlyFilesystem),
        ErrorKind::IOError if said("Permission denied") => system(io::ErrorKind::PermissionDenied),
        ErrorKind::IOError if said("lock hold by current process") => {
            Error::Locked { path: path.to_path_buf(), holder: format!("process {}", std::process::id()) }
        }
        ErrorKind::IOError if said("lock ") && !said("No locks available") => {
            Error::Locked { path: path.to_path_buf(), holder: "another process".to_owned() }
        }
        _ => system(io::ErrorKind::Other),
    }
}
