//! Log and store without files, for simulation and tests. Same rules, nothing survives the handle.

use super::poison::Poison;
use super::{Batch, Error, Family, Log, LogReader, Pairs, Store, StoreStats};
use parking_lot::RwLock;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
struct Durable {
    first: u64,
    records: VecDeque<Vec<u8>>,
}

impl Durable {
    fn last(&self) -> u64 {
        self.first + self.records.len() as u64 - 1
    }
}

/// A [`Log`] in memory. Records wait beside the readable ones until [`Log::sync`].
#[derive(Debug)]
pub struct MemoryLog {
    durable: Arc<RwLock<Durable>>,
    waiting: Vec<Vec<u8>>,
    record_bytes_max: usize,
}

impl MemoryLog {
    /// An empty log.
    pub fn new(record_bytes_max: usize) -> Self {
        let durable = Durable { first: 1, records: VecDeque::new() };
        Self { durable: Arc::new(RwLock::new(durable)), waiting: Vec::new(), record_bytes_max }
    }
}

impl Log for MemoryLog {
    fn append(&mut self, record: &[&[u8]]) -> Result<u64, Error> {
        check_record(record, self.record_bytes_max)?;
        self.waiting.push(record.concat());
        Ok(self.last())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.durable.write().records.extend(self.waiting.drain(..));
        Ok(())
    }

    fn first(&self) -> u64 {
        self.durable.read().first
    }

    fn last(&self) -> u64 {
        self.durable.read().last() + self.waiting.len() as u64
    }

    fn truncate_front(&mut self, keep_from: u64) -> Result<(), Error> {
        check_keep_from(keep_from, self.first(), self.last())?;
        self.sync()?;
        let mut durable = self.durable.write();
        while durable.first < keep_from {
            durable.records.pop_front();
            durable.first += 1;
        }
        Ok(())
    }

    fn truncate_back(&mut self, keep_to: u64) -> Result<(), Error> {
        check_keep_to(keep_to, self.first(), self.last())?;
        self.sync()?;
        let mut durable = self.durable.write();
        while durable.last() > keep_to {
            durable.records.pop_back();
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(MemoryReader(Arc::clone(&self.durable)))
    }
}

/// Shared by all logs: the size limit.
pub(super) fn check_record(record: &[&[u8]], max: usize) -> Result<usize, Error> {
    let len = record.iter().map(|part| part.len()).sum();
    if len > max {
        return Err(Error::TooLarge { what: "record", len, max });
    }
    Ok(len)
}

/// Shared by all logs: the front can be cut up to an empty log, not beyond.
pub(super) const fn check_keep_from(keep_from: u64, first: u64, last: u64) -> Result<(), Error> {
    if keep_from > last + 1 {
        return Err(Error::OutOfRange { index: keep_from, first, last: last + 1 });
    }
    Ok(())
}

/// Shared by all logs: the back can be cut down to an empty log, not below.
pub(super) const fn check_keep_to(keep_to: u64, first: u64, last: u64) -> Result<(), Error> {
    if keep_to < first - 1 {
        return Err(Error::OutOfRange { index: keep_to, first: first - 1, last });
    }
    Ok(())
}

struct MemoryReader(Arc<RwLock<Durable>>);

impl LogReader for MemoryReader {
    fn read(&self, index: u64) -> Result<Option<Vec<u8>>, Error> {
        let durable = self.0.read();
        let position = index.checked_sub(durable.first).and_then(|at| usize::try_from(at).ok());
        Ok(position.and_then(|at| durable.records.get(at).cloned()))
    }

    fn first(&self) -> u64 {
        self.0.read().first
    }

    fn last(&self) -> u64 {
        self.0.read().last()
    }
}

type Tree = BTreeMap<Vec<u8>, Vec<u8>>;

/// A [`Store`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    trees: RwLock<[Tree; Family::ALL.len()]>,
    counters: Counters,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.trees.read()[family.index()].get(key).cloned())
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        batch.check()?;
        let mut trees = self.trees.write();
        for operation in batch.iter() {
            let tree = &mut trees[operation.family.index()];
            match operation.value {
                Some(value) => tree.insert(operation.key.to_vec(), value.to_vec()),
                None => tree.remove(operation.key),
            };
        }
        self.counters.count_write();
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        self.counters.count_sync();
        Ok(())
    }

    fn scan(&self, family: Family, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Pairs, Error> {
        if to.is_some_and(|to| to <= from) {
            return Ok(Vec::new());
        }
        let trees = self.trees.read();
        let bounds = (Bound::Included(from), to.map_or(Bound::Unbounded, Bound::Excluded));
        let range = trees[family.index()].range::<[u8], _>(bounds);
        Ok(range.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn stats(&self) -> StoreStats {
        self.counters.stats(0)
    }
}

/// Batches and syncs of a store, and whether one failed.
#[derive(Debug, Default)]
pub(super) struct Counters {
    writes: AtomicU64,
    syncs: AtomicU64,
    pub(super) poison: Poison,
}

// Relaxed throughout: the numbers are for people and order nothing.
impl Counters {
    pub(super) fn count_write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_sync(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self, disk_bytes: u64) -> StoreStats {
        StoreStats {
            disk_bytes,
            writes: self.writes.load(Ordering::Relaxed),
            syncs: self.syncs.load(Ordering::Relaxed),
        }
    }
}
