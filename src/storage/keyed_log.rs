//! A log over any store.
//!
//! # Model
//! ```text
//! prefix 0                 first u64, last u64
//! prefix 1 index (be u64)  the record
//! ```
//! The head says which records exist; it is written in the same batch as the last records of a group,
//! so it never claims one that is not there.
//!
//! # Limits
//! A group over [`BUFFER_BYTES_MAX`] is written in pieces; pieces that a crash left behind without
//! their head stay until the same indexes are written again. Checksums are the store's.
//!
//! # Caller contract
//! Nobody else uses keys of `family` that start with `prefix`. The log and each of its readers keep the
//! store open.

use super::memory::{check_keep_from, check_keep_to, check_record};
use super::poison::Poison;
use super::{Batch, Error, Family, Log, LogReader, Store, VALUE_BYTES_MAX};
use crate::codec::{Malformed, Reader, Writer};
use parking_lot::RwLock;
use std::sync::Arc;

const BUFFER_BYTES_MAX: usize = 1 << 20;
/// Records deleted by one batch.
const CUT_COUNT: u64 = 1024;
const HEAD: u8 = 0;
const RECORD: u8 = 1;

/// What readers may see, and how often an end was cut.
#[derive(Clone, Copy, Debug)]
struct View {
    first: u64,
    last: u64,
    cuts: u64,
}

struct Shared<S> {
    store: Arc<S>,
    family: Family,
    prefix: Vec<u8>,
    view: RwLock<View>,
}

/// A [`Log`] over a [`Store`].
pub struct KeyedLog<S> {
    shared: Arc<Shared<S>>,
    group: Batch,
    last: u64,
    record_bytes_max: usize,
    poison: Poison,
}

impl<S: Store + 'static> KeyedLog<S> {
    /// Opens or creates the log under `prefix` in `family`.
    ///
    /// # Errors
    /// `Corrupt` when the head or a record at one of the ends is damaged or missing; what the store says.
    pub fn open(
        store: Arc<S>,
        family: Family,
        prefix: &[u8],
        record_bytes_max: usize,
    ) -> Result<Self, Error> {
        let view = View { first: 1, last: 0, cuts: 0 };
        let shared = Shared { store, family, prefix: prefix.to_vec(), view: RwLock::new(view) };
        let (first, last) = shared.load_head()?;
        *shared.view.write() = View { first, last, cuts: 0 };
        Ok(Self {
            shared: Arc::new(shared),
            group: Batch::new(),
            last,
            record_bytes_max: record_bytes_max.min(VALUE_BYTES_MAX),
            poison: Poison::default(),
        })
    }

    fn write_group(&mut self) -> Result<(), Error> {
        self.shared.store.write(std::mem::take(&mut self.group))
    }

    fn sync_group(&mut self) -> Result<(), Error> {
        let view = *self.shared.view.read();
        if view.last == self.last {
            return Ok(());
        }
        self.shared.put_head(&mut self.group, view.first, self.last);
        self.write_group()?;
        self.shared.store.sync()?;
        self.shared.view.write().last = self.last;
        Ok(())
    }

    /// Deletes from the oldest on; the head follows in each batch, so a crash leaves no gap.
    fn cut_front(&mut self, keep_from: u64) -> Result<(), Error> {
        self.sync_group()?;
        while self.first() < keep_from {
            let from = self.first();
            let to = keep_from.min(from + CUT_COUNT);
            self.shared.show(to, self.last);
            self.shared.delete(from..to, to, self.last)?;
        }
        self.shared.store.sync()
    }

    /// Deletes from the newest on.
    fn cut_back(&mut self, keep_to: u64) -> Result<(), Error> {
        self.sync_group()?;
        let first = self.first();
        while self.last > keep_to {
            let end = self.last + 1;
            self.last = keep_to.max(self.last.saturating_sub(CUT_COUNT));
            self.shared.show(first, self.last);
            self.shared.delete(self.last + 1..end, first, self.last)?;
        }
        self.shared.store.sync()
    }
}

impl<S: Store> Shared<S> {
    fn head_key(&self) -> Vec<u8> {
        [&self.prefix[..], &[HEAD]].concat()
    }

    fn record_key(&self, index: u64) -> Vec<u8> {
        // Big-endian, so that the order of bytes is the order of indexes.
        [&self.prefix[..], &[RECORD], &index.to_be_bytes()].concat()
    }

    fn put_head(&self, batch: &mut Batch, first: u64, last: u64) {
        let mut head = Vec::with_capacity(16);
        Writer::new(&mut head).u64(first).u64(last);
        batch.put(self.family, &self.head_key(), &head);
    }

    fn load_head(&self) -> Result<(u64, u64), Error> {
        let Some(head) = self.store.get(self.family, &self.head_key())? else { return Ok((1, 0)) };
        let (first, last) = decode_head(&head).map_err(|malformed| {
            Error::corrupt(self.store.path(), 0, format!("head of a log: {malformed}"))
        })?;
        for index in [first, last] {
            if last >= first && self.store.get(self.family, &self.record_key(index))?.is_none() {
                return Err(self.missing(index));
            }
        }
        Ok((first, last))
    }

    fn missing(&self, index: u64) -> Error {
        Error::corrupt(self.store.path(), index, format!("record {index} is missing"))
    }

    /// Readers forget records before these are deleted, so they never look for one in vain.
    fn show(&self, first: u64, last: u64) {
        let mut view = self.view.write();
        *view = View { first, last, cuts: view.cuts + 1 };
    }

    fn delete(&self, indexes: std::ops::Range<u64>, first: u64, last: u64) -> Result<(), Error> {
        let mut batch = Batch::new();
        for index in indexes {
            batch.delete(self.family, &self.record_key(index));
        }
        self.put_head(&mut batch, first, last);
        self.store.write(batch)
    }
}

fn decode_head(head: &[u8]) -> Result<(u64, u64), Malformed> {
    let mut reader = Reader::new(head);
    let first = reader.u64("first")?;
    let last = reader.u64("last")?;
    if first == 0 || first - 1 > last {
        return Err(reader.fault("last", format!("{last} with first {first}")));
    }
    reader.finish("end")?;
    Ok((first, last))
}

impl<S: Store + 'static> Log for KeyedLog<S> {
    fn append(&mut self, record: &[&[u8]]) -> Result<u64, Error> {
        self.poison.check()?;
        check_record(record, self.record_bytes_max)?;
        let index = self.last + 1;
        self.group.put(self.shared.family, &self.shared.record_key(index), &record.concat());
        self.last = index;
        if self.group.byte_len() > BUFFER_BYTES_MAX {
            let outcome = self.write_group();
            self.poison.guard(outcome)?;
        }
        Ok(index)
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.poison.check()?;
        let outcome = self.sync_group();
        self.poison.guard(outcome)
    }

    fn first(&self) -> u64 {
        self.shared.view.read().first
    }

    fn last(&self) -> u64 {
        self.last
    }

    fn truncate_front(&mut self, keep_from: u64) -> Result<(), Error> {
        self.poison.check()?;
        check_keep_from(keep_from, self.first(), self.last)?;
        let outcome = self.cut_front(keep_from);
        self.poison.guard(outcome)
    }

    fn truncate_back(&mut self, keep_to: u64) -> Result<(), Error> {
        self.poison.check()?;
        check_keep_to(keep_to, self.first(), self.last)?;
        let outcome = self.cut_back(keep_to);
        self.poison.guard(outcome)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(KeyedReader(Arc::clone(&self.shared)))
    }
}

struct KeyedReader<S>(Arc<Shared<S>>);

impl<S: Store> LogReader for KeyedReader<S> {
    fn read(&self, index: u64) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let view = *self.0.view.read();
            if !(view.first..=view.last).contains(&index) {
                return Ok(None);
            }
            let record = self.0.store.get(self.0.family, &self.0.record_key(index))?;
            // A cut in between may have deleted it, or put another in its place. Each turn follows a
            // cut by the writer, so this ends.
            if self.0.view.read().cuts == view.cuts {
                return record.map(Some).ok_or_else(|| self.0.missing(index));
            }
        }
    }

    fn first(&self) -> u64 {
        self.0.view.read().first
    }

    fn last(&self) -> u64 {
        self.0.view.read().last
    }
}
