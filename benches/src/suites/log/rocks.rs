//! RocksDB as the log: entries one by one under their indexes, a synced batch of writes for each batch.

use super::Side;
use super::ours::KEPT;
use crate::AnyError;
use crate::suites::rocks::Rocks;
use std::path::Path;

pub(super) struct Plain {
    rocks: Rocks,
    next: u64,
}

impl Plain {
    pub(super) fn open(directory: &Path) -> Result<Self, AnyError> {
        Ok(Self { rocks: Rocks::open(directory)?, next: 1 })
    }
}

impl Side for Plain {
    fn append(&mut self, entries: &[&[u8]], number: usize) -> Result<(), AnyError> {
        let mut batch = self.rocks.batch();
        for (index, bytes) in (self.next..).zip(entries) {
            batch.put(index, bytes);
        }
        self.next += entries.len() as u64;
        self.rocks.write(batch, true)?;
        if number % 100 == 99 && self.next > KEPT {
            self.rocks.cut(self.next - KEPT)?;
        }
        Ok(())
    }
}
