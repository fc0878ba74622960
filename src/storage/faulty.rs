//! Decorators that fail on demand, for tests of whoever uses a log or a store.
//!
//! # Model
//! A [`Faults`] handle is shared with the test. [`FaultyLog`] holds a group back until it is synced and
//! [`FaultyStore`] remembers how to undo what was written since the last sync, so that `crash` gives
//! back what a power failure would leave.
//!
//! | fault | log | store |
//! |---|---|---|
//! | [`Fault::ShortWrite`] | the first half of the group arrives | the batch does not arrive |
//! | [`Fault::DiskFull`] | nothing arrives | the batch does not arrive |
//! | [`Fault::SyncFailed`] | the whole group arrives, or nothing | what was written stays, or is lost |
//! | [`Faults::flip_bit`] | in one record as it is read | in one value as it is read |
//! | `crash` | records that were not synced are lost | batches that were not synced are lost |
//!
//! # Limits
//! These faults end where the decorated log or store begins. What a failed sync does below it, where the
//! system goes on showing bytes that the device does not hold, is for whoever opens the files again to
//! get right: `platter` is the model for that. Seen from above it is [`Fault::SyncFailed`] with `kept`.
//!
//! A flipped bit reaches the reader, as below a backend without checksums. A log checks for faults when
//! it is synced or cut, a store when it is written or synced.

use super::memory::{check_keep_from, check_keep_to, check_record};
use super::poison::Poison;
use super::{Batch, Error, Family, Log, LogReader, Pairs, Store, StoreStats};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Only a part is written.
    ShortWrite,
    /// There is no space.
    DiskFull,
    /// The device reports that it could not make data durable.
    SyncFailed {
        /// Whether the data is there all the same.
        kept: bool,
    },
}

#[derive(Debug, Default)]
struct Plan {
    /// Mutations to let pass, then what happens.
    faults: VecDeque<(u64, Fault)>,
    flips: BTreeMap<Vec<u8>, usize>,
}

/// The test's handle.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

impl Faults {
    /// Nothing goes wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `pass` mutations through after the faults planned before, then fails one with `fault`.
    pub fn after(&self, pass: u64, fault: Fault) {
        self.0.lock().faults.push_back((pass, fault));
    }

    /// Flips `bit` (counted from the first byte's lowest) of the record with `index` when it is read.
    pub fn flip_bit(&self, index: u64, bit: usize) {
        self.0.lock().flips.insert(index.to_be_bytes().to_vec(), bit);
    }

    /// Flips `bit` of the value of `key`, in every family, when it is read.
    pub fn flip_bit_of_key(&self, key: &[u8], bit: usize) {
        self.0.lock().flips.insert(key.to_vec(), bit);
    }

    /// Whether a bit of the record with `index` is to be flipped.
    pub(super) fn is_flipped(&self, index: u64) -> bool {
        self.0.lock().flips.contains_key(&index.to_be_bytes()[..])
    }

    pub(super) fn next(&self) -> Option<Fault> {
        let mut plan = self.0.lock();
        let (pass, fault) = plan.faults.front_mut()?;
        if *pass > 0 {
            *pass -= 1;
            return None;
        }
        let fault = *fault;
        plan.faults.pop_front();
        Some(fault)
    }

    fn flip(&self, key: &[u8], content: &mut [u8]) {
        if let Some(bit) = self.0.lock().flips.get(key)
            && let Some(byte) = content.get_mut(bit / 8)
        {
            *byte ^= 1 << (bit % 8);
        }
    }
}

/// Passes what arrives of a group to `write`, then says what its sync answers.
pub(super) fn sync_group<T>(
    faults: &Faults,
    mut group: Vec<T>,
    write: impl FnOnce(Vec<T>) -> Result<(), Error>,
) -> Result<(), Error> {
    let fault = faults.next();
    let arrives = match fault {
        None | Some(Fault::SyncFailed { kept: true }) => group.len(),
        Some(Fault::ShortWrite) => group.len() / 2,
        Some(Fault::DiskFull | Fault::SyncFailed { kept: false }) => 0,
    };
    group.truncate(arrives);
    write(group)?;
    fault.map_or(Ok(()), |fault| Err(error_of(fault)))
}

fn error_of(fault: Fault) -> Error {
    let (operation, kind) = match fault {
        Fault::ShortWrite => ("write", io::ErrorKind::WriteZero),
        Fault::DiskFull => ("write", io::ErrorKind::StorageFull),
        Fault::SyncFailed { .. } => ("sync", io::ErrorKind::Other),
    };
    Error::from_io(operation, Path::new("faulty"), io::Error::new(kind, "injected"))
}

/// A [`Log`] that fails on demand.
pub struct FaultyLog {
    inner: Box<dyn Log>,
    record_bytes_max: usize,
    group: Vec<Vec<u8>>,
    faults: Faults,
    poison: Poison,
}

impl FaultyLog {
    /// Decorates `inner`, which accepts records of `record_bytes_max` or more.
    pub fn new(inner: Box<dyn Log>, record_bytes_max: usize, faults: Faults) -> Self {
        Self { inner, record_bytes_max, group: Vec::new(), faults, poison: Poison::default() }
    }

    /// The log after a power failure: without what was not synced.
    pub fn crash(self) -> Box<dyn Log> {
        self.inner
    }
}

impl Log for FaultyLog {
    fn append(&mut self, record: &[&[u8]]) -> Result<u64, Error> {
        self.poison.check()?;
        check_record(record, self.record_bytes_max)?;
        self.group.push(record.concat());
        Ok(self.last())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.poison.check()?;
        let inner = &mut self.inner;
        let outcome = sync_group(&self.faults, std::mem::take(&mut self.group), |group| {
            group.iter().try_for_each(|record| inner.append(&[record]).map(drop))?;
            inner.sync()
        });
        self.poison.guard(outcome)
    }

    fn first(&self) -> u64 {
        self.inner.first()
    }

    fn last(&self) -> u64 {
        self.inner.last() + self.group.len() as u64
    }

    fn truncate_front(&mut self, keep_from: u64) -> Result<(), Error> {
        check_keep_from(keep_from, self.first(), self.last())?;
        self.sync()?;
        let outcome = self.inner.truncate_front(keep_from);
        self.poison.guard(outcome)
    }

    fn truncate_back(&mut self, keep_to: u64) -> Result<(), Error> {
        check_keep_to(keep_to, self.first(), self.last())?;
        self.sync()?;
        let outcome = self.inner.truncate_back(keep_to);
        self.poison.guard(outcome)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(FaultyReader { inner: self.inner.reader(), faults: self.faults.clone() })
    }
}

struct FaultyReader {
    inner: Arc<dyn LogReader>,
    faults: Faults,
}

impl LogReader for FaultyReader {
    fn read(&self, index: u64) -> Result<Option<Vec<u8>>, Error> {
        let mut record = self.inner.read(index)?;
        if let Some(record) = &mut record {
            self.faults.flip(&index.to_be_bytes(), record);
        }
        Ok(record)
    }

    fn first(&self) -> u64 {
        self.inner.first()
    }

    fn last(&self) -> u64 {
        self.inner.last()
    }
}

/// A family, a key, and what its value was.
type Former = (Family, Vec<u8>, Option<Vec<u8>>);

/// A [`Store`] that fails on demand.
pub struct FaultyStore {
    inner: Box<dyn Store>,
    /// How to undo what is not synced. Also keeps batches in one order.
    former: Mutex<Vec<Former>>,
    faults: Faults,
    poison: Poison,
}

impl FaultyStore {
    /// Decorates `inner`.
    pub fn new(inner: Box<dyn Store>, faults: Faults) -> Self {
        Self { inner, former: Mutex::default(), faults, poison: Poison::default() }
    }

    /// The store after a power failure: without what was not synced.
    ///
    /// # Errors
    /// What the decorated store says.
    pub fn crash(self) -> Result<Box<dyn Store>, Error> {
        let mut undo = Batch::new();
        for (family, key, value) in self.former.lock().drain(..).rev() {
            match value {
                Some(value) => undo.put(family, &key, &value),
                None => undo.delete(family, &key),
            };
        }
        self.inner.write(undo)?;
        self.inner.sync()?;
        Ok(self.inner)
    }

    fn write_through(&self, batch: Batch) -> Result<(), Error> {
        if let Some(fault) = self.faults.next() {
            return Err(error_of(fault));
        }
        let mut former = self.former.lock();
        for operation in batch.iter() {
            let value = self.inner.get(operation.family, operation.key)?;
            former.push((operation.family, operation.key.to_vec(), value));
        }
        self.inner.write(batch)
    }

    fn sync_through(&self) -> Result<(), Error> {
        let fault = self.faults.next();
        if matches!(fault, None | Some(Fault::SyncFailed { kept: true })) {
            let mut former = self.former.lock();
            self.inner.sync()?;
            former.clear();
        }
        fault.map_or(Ok(()), |fault| Err(error_of(fault)))
    }
}

impl Store for FaultyStore {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut value = self.inner.get(family, key)?;
        if let Some(value) = &mut value {
            self.faults.flip(key, value);
        }
        Ok(value)
    }

    fn write(&self, batch: Batch) -> Result<(), Error> {
        self.poison.check()?;
        batch.check()?;
        self.poison.guard(self.write_through(batch))
    }

    fn sync(&self) -> Result<(), Error> {
        self.poison.check()?;
        self.poison.guard(self.sync_through())
    }

    fn scan(&self, family: Family, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Pairs, Error> {
        let mut pairs = self.inner.scan(family, from, to, limit)?;
        for (key, value) in &mut pairs {
            self.faults.flip(key, value);
        }
        Ok(pairs)
    }

    fn stats(&self) -> StoreStats {
        self.inner.stats()
    }

    fn path(&self) -> &Path {
        self.inner.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{MemoryLog, MemoryStore};
    use crate::types::Status;

    const KEY: &[u8] = b"key";

    fn log(faults: &Faults) -> FaultyLog {
        let mut log = FaultyLog::new(Box::new(MemoryLog::new(100)), 100, faults.clone());
        log.append(&[b"kept"]).unwrap();
        log.sync().unwrap();
        log
    }

    fn write(store: &FaultyStore, value: &[u8]) -> Result<(), Error> {
        let mut batch = Batch::new();
        batch.put(Family::Meta, KEY, value);
        store.write(batch)
    }

    #[test]
    fn each_fault_leaves_the_part_of_a_group_that_it_says_and_ends_the_log() {
        let table = [
            (Fault::ShortWrite, 3),
            (Fault::DiskFull, 1),
            (Fault::SyncFailed { kept: true }, 5),
            (Fault::SyncFailed { kept: false }, 1),
        ];
        for (fault, left) in table {
            let faults = Faults::new();
            faults.after(1, fault);
            let mut log = log(&faults);
            for _ in 0..4 {
                log.append(&[b"group"]).unwrap();
            }
            assert_eq!(log.sync().unwrap_err().status(), Status::Io);
            assert_eq!(log.append(&[b"x"]).unwrap_err().status(), Status::Poisoned);
            assert_eq!(log.reader().read(1).unwrap().as_deref(), Some(&b"kept"[..]));
            assert_eq!(log.crash().last(), left, "{fault:?}");
        }
    }

    #[test]
    fn a_crash_loses_what_was_not_synced() {
        let mut log = log(&Faults::new());
        log.append(&[b"lost"]).unwrap();
        assert_eq!(log.crash().last(), 1);

        let store = FaultyStore::new(Box::new(MemoryStore::new()), Faults::new());
        write(&store, b"1").unwrap();
        store.sync().unwrap();
        write(&store, b"2").unwrap();
        write(&store, b"3").unwrap();
        assert_eq!(store.crash().unwrap().get(Family::Meta, KEY).unwrap().as_deref(), Some(&b"1"[..]));
    }

    #[test]
    fn a_store_fails_at_the_mutation_that_was_planned() {
        let faults = Faults::new();
        faults.after(2, Fault::SyncFailed { kept: false });
        let store = FaultyStore::new(Box::new(MemoryStore::new()), faults);
        write(&store, b"1").unwrap();
        store.sync().unwrap();
        // Planned after two mutations; this write is the third.
        assert_eq!(write(&store, b"2").unwrap_err().status(), Status::Io);
        assert_eq!(store.sync().unwrap_err().status(), Status::Poisoned);
        assert_eq!(store.get(Family::Meta, KEY).unwrap().as_deref(), Some(&b"1"[..]));
    }

    #[test]
    fn a_flipped_bit_reaches_the_reader() {
        let faults = Faults::new();
        faults.flip_bit(1, 8);
        faults.flip_bit_of_key(KEY, 0);
        assert_eq!(log(&faults).reader().read(1).unwrap().as_deref(), Some(&b"kdpt"[..]));
        let store = FaultyStore::new(Box::new(MemoryStore::new()), faults);
        write(&store, b"1").unwrap();
        assert_eq!(store.get(Family::Meta, KEY).unwrap().as_deref(), Some(&b"0"[..]));
    }
}
