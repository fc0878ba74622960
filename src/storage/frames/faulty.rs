//! A decorator that fails on demand, for tests of whoever uses a log of frames.
//!
//! # Model
//! As [`crate::storage::faulty`], whose [`Faults`] it takes: what was appended is held back until the sync.
//!
//! | fault | what arrives |
//! |---|---|
//! | `Fault::ShortWrite` | the first half of the group |
//! | `Fault::DiskFull` | nothing |
//! | `Fault::SyncFailed` | the whole group, or nothing |
//! | [`Faults::flip_bit`] | no frame with that entry: whoever reads it is told of corruption |
//! | [`FaultyFrameLog::crash`] | what was synced |

use super::outline::check_frames;
use super::{FrameHead, FrameLog, FrameReader, Preparation};
use crate::frame::{Frame, FrameLimits};
use crate::storage::Error;
use crate::storage::faulty::{Faults, sync_group};
use crate::storage::poison::Poison;
use crate::types::{Index, Term};
use std::path::Path;
use std::sync::Arc;

/// A [`FrameLog`] that fails on demand.
pub struct FaultyFrameLog {
    inner: Box<dyn FrameLog>,
    limits: FrameLimits,
    /// Nothing in it is durable.
    group: Vec<Frame>,
    faults: Faults,
    poison: Poison,
}

impl FaultyFrameLog {
    /// Decorates `inner`, which accepts frames within `limits`.
    pub fn new(inner: Box<dyn FrameLog>, limits: FrameLimits, faults: Faults) -> Self {
        Self { inner, limits, group: Vec::new(), faults, poison: Poison::default() }
    }

    /// The log after a power failure: without what was not synced.
    pub fn crash(self) -> Box<dyn FrameLog> {
        self.inner
    }

    fn last_term(&self) -> Term {
        let last = self.group.last().map(Frame::term);
        last.or_else(|| self.inner.term_at(self.inner.last())).unwrap_or_default()
    }
}

impl FrameLog for FaultyFrameLog {
    fn append(&mut self, frames: &[Frame]) -> Result<(), Error> {
        self.poison.check()?;
        check_frames(frames, self.last().next(), self.last_term(), &self.limits)?;
        self.group.extend_from_slice(frames);
        Ok(())
    }

    fn sync(&mut self) -> Result<Index, Error> {
        self.poison.check()?;
        let inner = &mut self.inner;
        let outcome = sync_group(&self.faults, std::mem::take(&mut self.group), |group| {
            inner.append(&group)?;
            inner.sync().map(drop)
        });
        self.poison.guard(outcome)?;
        Ok(self.inner.durable())
    }

    fn first(&self) -> Index {
        self.inner.first()
    }

    fn last(&self) -> Index {
        self.group.last().map_or_else(|| self.inner.last(), |frame| frame.last().index)
    }

    fn durable(&self) -> Index {
        self.inner.durable()
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        let held = self.group.iter().find(|frame| (frame.base()..=frame.last().index).contains(&index));
        held.map_or_else(|| self.inner.term_at(index), |frame| Some(frame.term()))
    }

    fn truncate_back(&mut self, keep_to: Index) -> Result<(), Error> {
        self.sync()?;
        self.inner.truncate_back(keep_to)
    }

    fn purge_front(&mut self, keep_from: Index) -> Result<(), Error> {
        self.sync()?;
        self.inner.purge_front(keep_from)
    }

    fn reset(&mut self, next: Index) -> Result<(), Error> {
        self.poison.check()?;
        self.group.clear();
        self.inner.reset(next)
    }

    fn prepare_next(&mut self) -> Option<Preparation> {
        self.inner.prepare_next()
    }

    fn reader(&self) -> Arc<dyn FrameReader> {
        Arc::new(FaultyReader { inner: self.inner.reader(), faults: self.faults.clone() })
    }
}

struct FaultyReader {
    inner: Arc<dyn FrameReader>,
    faults: Faults,
}

impl FrameReader for FaultyReader {
    fn read(&self, from: Index, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        let frames = self.inner.read(from, bytes_max)?;
        for frame in &frames {
            for index in frame.base().get()..=frame.last().index.get() {
                if self.faults.is_flipped(index) {
                    // A frame with a wrong bit never gets past its checksums.
                    return Err(Error::corrupt(Path::new("faulty"), index, "injected"));
                }
            }
        }
        Ok(frames)
    }

    fn heads(&self, from: Index, visit: &mut dyn FnMut(FrameHead) -> bool) -> Result<(), Error> {
        self.inner.heads(from, visit)
    }

    fn memberships(&self) -> Vec<Index> {
        self.inner.memberships()
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        self.inner.term_at(index)
    }

    fn first(&self) -> Index {
        self.inner.first()
    }

    fn last(&self) -> Index {
        self.inner.last()
    }
}
