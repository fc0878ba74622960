//! A store over fjall, a log-structured tree in pure Rust.
//!
//! # Model
//! One fjall database per directory, one keyspace per [`Family`]. A batch goes into fjall's journal and
//! its write buffers; [`Store::sync`] makes the journal durable. Reads and scans take a snapshot, so a
//! batch is seen as a whole.
//!
//! # Limits
//! - fjall starts [`StoreOptions::worker_threads`] threads named `fjall:worker`, and none besides. They
//!   have left their work when the drop of the store returns, and let go of their files a moment later;
//!   opening the directory again at once waits for that.
//! - Its journal file has 64 MiB of address space from the start and is sparse: what
//!   [`StoreStats::disk_bytes`] counts is what is allocated.
//! - Opening writes the newest journal, at most 64 MiB, once more and syncs it: fjall takes what it reads
//!   for durable, which it need not be after a failed sync.
//! - fjall refuses what it left when it was killed while it made its first files, so that is made anew (`nascent`).
//! - Damage is reported by directory, at offset 0; fjall does not say where.
//! - fjall ends its journal at the first entry that it cannot parse. So a batch is refused when a
//!   checksum fails inside it, but damage to an entry's type byte silently drops the batches behind
//!   that were not flushed to sorted files yet. Who needs to notice keeps a number per batch in
//!   [`Family::Meta`] and compares it with a log; RocksDB refuses such a journal.

use super::memory::Counters;
use super::{Batch, Error, Family, Pairs, Store, StoreOptions, StoreStats, durable, nascent};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};

/// A [`Store`] in a fjall database.
pub struct FjallStore {
    path: PathBuf,
    // Before `database`: keyspaces refer to it.
    keyspaces: Vec<Keyspace>,
    database: Database,
    counters: Counters,
}

impl FjallStore {
    /// Opens or creates the database in `dir`.
    ///
    /// # Errors
    /// `Locked`, `Corrupt`, `Io`, `Full`, `ReadOnly`.
    pub fn open(dir: &Path, options: &StoreOptions) -> Result<Self, Error> {
        durable::create_dir(dir)?;
        nascent::whole(dir, || Self::open_whole(dir, options))
    }

    fn open_whole(dir: &Path, options: &StoreOptions) -> Result<Self, Error> {
        let failed = |error| convert("open", dir, error);
        let database = Database::builder(dir)
            .worker_threads(options.worker_threads)
            .cache_size(options.cache_bytes as u64)
            .open()
            .map_err(failed)?;
        let settings =
            || KeyspaceCreateOptions::default().max_memtable_size(options.write_buffer_bytes as u64);
        bring_journal_to_device(dir)?;
        let open = |family: Family| database.keyspace(family.name(), settings).map_err(failed);
        let keyspaces = Family::ALL.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { path: dir.to_path_buf(), keyspaces, database, counters: Counters::default() })
    }

    fn failed(&self, operation: &'static str) -> impl Fn(fjall::Error) -> Error + '_ {
        move |error| convert(operation, &self.path, error)
    }

    fn keyspace(&self, family: Family) -> &Keyspace {
        &self.keyspaces[family.index()]
    }

    fn apply(&self, batch: &Batch) -> Result<(), Error> {
        let mut write = self.database.batch();
        for operation in batch.iter() {
            let keyspace = self.keyspace(operation.family);
            match operation.value {
                Some(value) => write.insert(keyspace, operation.key, value),
                None => write.remove(keyspace, operation.key),
            }
        }
        write.commit().map_err(self.failed("write"))
    }
}

impl Store for FjallStore {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.database.snapshot().get(self.keyspace(family), key);
        Ok(value.map_err(self.failed("read"))?.map(|value| value.to_vec()))
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
        let outcome = self.database.persist(PersistMode::SyncData).map_err(self.failed("sync"));
        self.counters.poison.guard(outcome)?;
        self.counters.count_sync();
        Ok(())
    }

    fn scan(&self, family: Family, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Pairs, Error> {
        if to.is_some_and(|to| to <= from) {
            return Ok(Vec::new());
        }
        let bounds = (Bound::Included(from), to.map_or(Bound::Unbounded, Bound::Excluded));
        let range = self.database.snapshot().range::<&[u8], _>(self.keyspace(family), bounds);
        range
            .take(limit)
            .map(|guard| guard.into_inner().map(|(key, value)| (key.to_vec(), value.to_vec())))
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

/// fjall appends to the journal that it found. If an earlier sync of it failed, what it replayed may be
/// in memory only, and a power failure would leave a hole before batches that were synced since.
fn bring_journal_to_device(dir: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(dir).map_err(|source| Error::from_io("list", dir, source))?;
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u64>().ok();
    let journals = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jnl"));
    // Only the newest: fjall starts another after a sync that did not fail.
    journals.max_by_key(number).map_or(Ok(()), |path| durable::write_again(&path))
}

fn convert(operation: &'static str, path: &Path, error: fjall::Error) -> Error {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
            Error::from_io(operation, path, source)
        }
        fjall::Error::Locked => {
            Error::Locked { path: path.to_path_buf(), holder: "another process".to_owned() }
        }
        fjall::Error::Poisoned => Error::Poisoned { reason: format!("{operation} {}", path.display()) },
        error => Error::corrupt(path, 0, error.to_string()),
    }
}
