//! A log of entries in RocksDB, as a Raft keeps one there: the key of an entry is its index.
//!
//! # Limits
//! What was cut is a deleted range, which a compaction gives back later.

use crate::AnyError;
use rocksdb::{DB, DBCompressionType, Options, WriteBatch, WriteOptions};
use std::path::Path;

const ENTRY: u8 = b'e';
const STATE: &[u8] = b"s";

/// An open database.
pub(crate) struct Rocks(DB);

/// What is written in one go.
#[derive(Default)]
pub(crate) struct Batch(WriteBatch);

impl Batch {
    pub(crate) fn put(&mut self, index: u64, value: &[u8]) {
        self.0.put(key(index), value);
    }

    pub(crate) fn put_state(&mut self, value: &[u8]) {
        self.0.put(STATE, value);
    }
}

fn key(index: u64) -> [u8; 9] {
    let mut key = [ENTRY; 9];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}

impl Rocks {
    pub(crate) fn open(dir: &Path) -> Result<Self, AnyError> {
        let mut options = Options::default();
        options.create_if_missing(true);
        // Entries that are compressed are fewer bytes: not the job of the others.
        options.set_compression_type(DBCompressionType::None);
        // As large as a file of the others.
        options.set_write_buffer_size(64 << 20);
        options.set_max_background_jobs(2);
        Ok(Self(DB::open(&options, dir)?))
    }

    pub(crate) fn batch(&self) -> Batch {
        Batch::default()
    }

    pub(crate) fn write(&self, batch: Batch, must_sync: bool) -> Result<(), AnyError> {
        let mut options = WriteOptions::default();
        options.set_sync(must_sync);
        Ok(self.0.write_opt(batch.0, &options)?)
    }

    /// Forgets entries before `index`.
    pub(crate) fn cut(&self, index: u64) -> Result<(), AnyError> {
        let mut batch = WriteBatch::default();
        batch.delete_range(key(0), key(index));
        Ok(self.0.write(batch)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn what_was_written_is_there_and_what_was_cut_is_not() {
        let scratch = Scratch::new("log").expect("a folder");
        let rocks = Rocks::open(scratch.path()).expect("it opens");
        let mut batch = rocks.batch();
        (1..=10).for_each(|index| batch.put(index, &[7; 256]));
        batch.put_state(b"vote");
        rocks.write(batch, true).expect("it takes it");
        rocks.cut(4).expect("it cuts");
        let there = (1..=10).filter(|index| rocks.0.get(key(*index)).expect("it reads").is_some());
        assert_eq!(there.collect::<Vec<u64>>(), (4..=10).collect::<Vec<_>>());
        assert_eq!(rocks.0.get(STATE).expect("it reads").as_deref(), Some(&b"vote"[..]));
    }
}
