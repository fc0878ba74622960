//! A log of frames in RocksDB (cargo feature `rocksdb`), for whoever wants one engine for everything.
//!
//! # Model
//! One database per log: `f` and the base, big-endian, is the key of a frame; `n` keeps where an empty log
//! begins. What is appended waits in memory; a sync is one batch with one flush of RocksDB's log. RocksDB lets one
//! handle have a database, of all processes: it is given back with the log, whoever still holds a reader.
//!
//! # Limits
//! Every byte is written twice, into RocksDB's log and into a sorted file, and deleted ranges wait for a
//! compaction: expect half the speed of segments at batches of 64 entries, and a sixth to a ninth at 1,000 and
//! more. What a power failure tears is judged by RocksDB (see `storage::rocks`): a record that its log breaks off
//! in is cut, other damage is named by directory and cannot be mended frame by frame. Opening reads and verifies
//! every frame.

use super::outline::{Outline, check_keep_from, check_keep_to, inside_a_frame};
use super::{FrameHead, FrameLog, FrameReader, check_next};
use crate::frame::{Frame, FrameLimits};
use crate::storage::poison::Poison;
use crate::storage::rocks::{convert, database_options};
use crate::storage::{Error, StoreOptions, durable};
use crate::types::{Index, Term};
use parking_lot::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};
use rocksdb::{DB, DBCompressionType, Direction, IteratorMode, WriteBatch, WriteOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const NEXT: &[u8] = b"n";
const FRAMES: u8 = b'f';

/// A [`FrameLog`] in a RocksDB database.
pub struct RocksFrameLog {
    limits: FrameLimits,
    /// With what waits.
    outline: Outline,
    waiting: Vec<Frame>,
    kept: Arc<Kept>,
    poison: Poison,
}

struct Kept {
    path: PathBuf,
    /// `None` once the log is closed.
    database: RwLock<Option<DB>>,
    /// Of what is durable. Held by a reader as long as it reads, so that nothing is cut meanwhile.
    outline: RwLock<Outline>,
}

fn key(base: Index) -> [u8; 9] {
    let mut key = [FRAMES; 9];
    key[1..].copy_from_slice(&base.get().to_be_bytes());
    key
}

impl RocksFrameLog {
    /// Opens or creates the log in `dir`, a directory of its own.
    ///
    /// # Errors
    /// `Locked`, `Corrupt`, `Io`, `Full`, `ReadOnly`.
    pub fn open(dir: &Path, limits: FrameLimits, options: &StoreOptions) -> Result<Self, Error> {
        durable::create_dir(dir)?;
        let mut database = database_options(options);
        // Frames are what hosts made of their entries: compressing them is theirs to decide.
        database.set_compression_type(DBCompressionType::None);
        database.set_write_buffer_size(options.write_buffer_bytes);
        let database = DB::open(&database, dir).map_err(|error| convert("open", dir, &error))?;
        let outline = RwLock::new(Outline::new(Index::new(1)));
        let kept = Kept { path: dir.to_path_buf(), database: RwLock::new(Some(database)), outline };
        let outline = kept.recover()?;
        *kept.outline.write() = outline.clone();
        Ok(Self { limits, outline, waiting: Vec::new(), kept: Arc::new(kept), poison: Poison::default() })
    }

    fn write(&self, batch: WriteBatch) -> Result<(), Error> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        let outcome = self.kept.database()?.write_opt(batch, &options);
        self.poison.guard(outcome.map_err(|error| convert("write", &self.kept.path, &error)))
    }
}

impl Drop for RocksFrameLog {
    fn drop(&mut self) {
        // Behind what readers are reading.
        let database = self.kept.database.write().take();
        drop(database);
    }
}

impl Kept {
    fn database(&self) -> Result<MappedRwLockReadGuard<'_, DB>, Error> {
        RwLockReadGuard::try_map(self.database.read(), Option::as_ref).map_err(|_| Error::Closed)
    }

    /// Reads every frame, which must follow each other.
    fn recover(&self) -> Result<Outline, Error> {
        let failed = |error: rocksdb::Error| convert("read", &self.path, &error);
        let database = self.database()?;
        let next = database.get(NEXT).map_err(failed)?;
        let next = next.and_then(|bytes| bytes.try_into().ok()).map_or(1, u64::from_be_bytes);
        let mut outline = Outline::new(Index::new(next.max(1)));
        let mut is_first = true;
        for pair in database.iterator(IteratorMode::From(&[FRAMES], Direction::Forward)) {
            let (key, value) = pair.map_err(failed)?;
            // Behind the frames stands where an empty log begins.
            if key.first() != Some(&FRAMES) {
                break;
            }
            let frame = self.decode(&value)?;
            if std::mem::take(&mut is_first) {
                outline = Outline::new(frame.base());
            }
            outline
                .check(std::slice::from_ref(&frame), &FrameLimits::CEILING)
                .map_err(|error| Error::corrupt(&self.path, 0, error.to_string()))?;
            outline.push(&frame.header(), frame.seal());
        }
        Ok(outline)
    }

    fn decode(&self, value: &[u8]) -> Result<Frame, Error> {
        let decoded = Frame::decode(value, &FrameLimits::CEILING);
        decoded.map(|(frame, _)| frame).map_err(|bad| Error::corrupt(&self.path, 0, bad.to_string()))
    }

    /// The frame that holds `index`, which is in the log.
    fn frame_at(&self, index: Index) -> Result<Frame, Error> {
        let before = key(index);
        let database = self.database()?;
        let pair = database.iterator(IteratorMode::From(&before, Direction::Reverse)).next();
        match pair.transpose().map_err(|error| convert("read", &self.path, &error))? {
            Some((found, value)) if found.first() == Some(&FRAMES) => self.decode(&value),
            _ => Err(Error::corrupt(&self.path, 0, format!("no frame holds entry {index}"))),
        }
    }

    /// Calls `visit` for each durable frame from the one that holds `from` on, until it answers false.
    fn each(&self, from: Index, visit: &mut dyn FnMut(Frame) -> bool) -> Result<(), Error> {
        let outline = self.outline.read();
        if outline.term_at(from).is_none() {
            return Ok(());
        }
        let mut next = self.frame_at(from)?;
        loop {
            let last = next.last().index;
            if !visit(next) || last >= outline.last() {
                return Ok(());
            }
            next = self.frame_at(last.next())?;
        }
    }
}

impl FrameLog for RocksFrameLog {
    fn append(&mut self, frames: &[Frame]) -> Result<(), Error> {
        self.poison.check()?;
        self.outline.check(frames, &self.limits)?;
        for frame in frames {
            self.outline.push(&frame.header(), frame.seal());
        }
        self.waiting.extend_from_slice(frames);
        Ok(())
    }

    fn sync(&mut self) -> Result<Index, Error> {
        self.poison.check()?;
        if !self.waiting.is_empty() {
            let mut batch = WriteBatch::default();
            let mut value = Vec::new();
            for frame in self.waiting.drain(..) {
                value.clear();
                frame.encode(&mut value);
                batch.put(key(frame.base()), &value);
            }
            self.write(batch)?;
            *self.kept.outline.write() = self.outline.clone();
        }
        Ok(self.outline.last())
    }

    fn first(&self) -> Index {
        self.outline.first()
    }

    fn last(&self) -> Index {
        self.outline.last()
    }

    fn durable(&self) -> Index {
        self.kept.outline.read().last()
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        self.outline.term_at(index)
    }

    fn truncate_back(&mut self, keep_to: Index) -> Result<(), Error> {
        self.poison.check()?;
        check_keep_to(&self.outline, keep_to)?;
        self.sync()?;
        if keep_to >= self.outline.last() {
            return Ok(());
        }
        if keep_to >= self.outline.first() {
            let frame = self.kept.frame_at(keep_to)?;
            if frame.last().index != keep_to {
                return Err(inside_a_frame(keep_to, frame.base(), frame.last().index));
            }
        }
        let mut batch = WriteBatch::default();
        batch.delete_range(key(keep_to.next()), key(Index::new(u64::MAX)));
        batch.put(NEXT, self.outline.first().get().to_be_bytes());
        self.outline.cut_back(keep_to);
        let kept = Arc::clone(&self.kept);
        let mut shown = kept.outline.write();
        self.write(batch)?;
        *shown = self.outline.clone();
        Ok(())
    }

    fn purge_front(&mut self, keep_from: Index) -> Result<(), Error> {
        self.poison.check()?;
        check_keep_from(&self.outline, keep_from)?;
        self.sync()?;
        if keep_from <= self.outline.first() {
            return Ok(());
        }
        let first = match self.outline.term_at(keep_from) {
            Some(_) => self.kept.frame_at(keep_from)?.base(),
            None => keep_from,
        };
        let mut batch = WriteBatch::default();
        batch.delete_range(key(Index::ORIGIN), key(first));
        batch.put(NEXT, first.get().to_be_bytes());
        self.outline.cut_front(first);
        let kept = Arc::clone(&self.kept);
        let mut shown = kept.outline.write();
        self.write(batch)?;
        *shown = self.outline.clone();
        Ok(())
    }

    fn reset(&mut self, next: Index) -> Result<(), Error> {
        self.poison.check()?;
        check_next(next)?;
        self.waiting.clear();
        let mut batch = WriteBatch::default();
        batch.delete_range(key(Index::ORIGIN), key(Index::new(u64::MAX)));
        batch.put(NEXT, next.get().to_be_bytes());
        self.outline = Outline::new(next);
        let kept = Arc::clone(&self.kept);
        let mut shown = kept.outline.write();
        self.write(batch)?;
        *shown = self.outline.clone();
        Ok(())
    }

    fn reader(&self) -> Arc<dyn FrameReader> {
        Arc::new(RocksReader(Arc::clone(&self.kept)))
    }
}

struct RocksReader(Arc<Kept>);

impl FrameReader for RocksReader {
    fn read(&self, from: Index, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        let (mut frames, mut left) = (Vec::new(), Some(bytes_max));
        self.0.each(from, &mut |frame| {
            left = left.and_then(|left| left.checked_sub(frame.encoded_bytes()));
            if frames.is_empty() || left.is_some() {
                frames.push(frame);
            }
            left.is_some()
        })?;
        Ok(frames)
    }

    fn heads(&self, from: Index, visit: &mut dyn FnMut(FrameHead) -> bool) -> Result<(), Error> {
        let from = from.max(self.first());
        self.0.each(from, &mut |frame| {
            visit(FrameHead {
                base: frame.base(),
                count: frame.count(),
                term: frame.term(),
                kind: frame.kind(),
                position: frame.base().get(),
            })
        })
    }

    fn memberships(&self) -> Vec<Index> {
        self.0.outline.read().memberships()
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        self.0.outline.read().term_at(index)
    }

    fn first(&self) -> Index {
        self.0.outline.read().first()
    }

    fn last(&self) -> Index {
        self.0.outline.read().last()
    }
}

#[cfg(test)]
#[path = "rocks_test.rs"]
mod tests;
