//! What readers see: the durable records, and where each one is.
//!
//! # Model
//! The writer changes a [`View`] under a lock; a reader looks up file and extent under that lock, then
//! reads without it. If an end was cut in between, what was read counts for nothing; the view's `cuts`
//! tells.

use super::frame;
use super::frame::Frame;
use crate::storage::descriptors::Descriptors;
use crate::storage::{Error, LogReader};
use parking_lot::RwLock;
use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// A file and the durable records in it.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub(super) base: u64,
    pub(super) salt: u64,
    pub(super) path: PathBuf,
    /// Where each record starts.
    pub(super) offsets: Vec<u32>,
    /// Where the last one ends.
    pub(super) end: usize,
}

impl Sealed {
    pub(super) const fn last(&self) -> u64 {
        self.base + self.offsets.len() as u64 - 1
    }

    /// Where the record after `index` starts, or would.
    pub(super) fn start_after(&self, index: u64) -> usize {
        let at = usize::try_from(index + 1 - self.base).expect("below the count");
        self.offsets.get(at).map_or(self.end, |start| *start as usize)
    }

    fn extent(&self, index: u64) -> Option<(usize, usize)> {
        let at = usize::try_from(index.checked_sub(self.base)?).ok()?;
        let start = *self.offsets.get(at)? as usize;
        let end = self.offsets.get(at + 1).map_or(self.end, |next| *next as usize);
        Some((start, end - start))
    }
}

#[derive(Debug)]
struct View {
    /// Never empty; the last one is being written.
    segments: VecDeque<Sealed>,
    /// How often an end was cut.
    cuts: u64,
}

/// Between the writer and its readers.
#[derive(Debug)]
pub(super) struct Shared {
    view: RwLock<View>,
    descriptors: Descriptors,
}

/// Where a record is.
pub(super) struct Place {
    path: PathBuf,
    salt: u64,
    start: usize,
    bytes: usize,
    cuts: u64,
}

impl Shared {
    pub(super) fn new(segments: Vec<Sealed>) -> Self {
        let view = View { segments: segments.into(), cuts: 0 };
        Self { view: RwLock::new(view), descriptors: Descriptors::default() }
    }

    pub(super) fn first(&self) -> u64 {
        self.view.read().segments[0].base
    }

    fn last(&self) -> u64 {
        self.newest_of(Sealed::last)
    }

    /// The file being written, as readers see it.
    pub(super) fn newest(&self) -> Sealed {
        self.newest_of(Sealed::clone)
    }

    fn newest_of<T>(&self, f: impl FnOnce(&Sealed) -> T) -> T {
        f(self.view.read().segments.back().expect("there is always a newest file"))
    }

    /// The next file is written from now on.
    pub(super) fn add(&self, next: Sealed) {
        self.view.write().segments.push_back(next);
    }

    /// Shows records that became durable.
    pub(super) fn publish(&self, offsets: &[u32], end: usize) {
        let mut view = self.view.write();
        let newest = view.segments.back_mut().expect("there is always a newest file");
        newest.offsets.extend_from_slice(offsets);
        newest.end = end;
    }

    /// Forgets the oldest file if all of it is before `keep_from`, and returns its path.
    pub(super) fn remove_front(&self, keep_from: u64) -> Option<PathBuf> {
        let mut view = self.view.write();
        if view.segments.get(1)?.base > keep_from {
            return None;
        }
        view.cuts += 1;
        let path = view.segments.pop_front().map(|sealed| sealed.path);
        drop(view);
        self.descriptors.clear();
        path
    }

    /// Forgets records after `keep_to`; returns the files to remove, newest first.
    pub(super) fn cut_back(&self, keep_to: u64) -> Vec<PathBuf> {
        let mut view = self.view.write();
        view.cuts += 1;
        let mut removed = Vec::new();
        while view.segments.len() > 1 && view.segments.back().is_some_and(|newest| newest.base > keep_to) {
            removed.extend(view.segments.pop_back().map(|sealed| sealed.path));
        }
        let newest = view.segments.back_mut().expect("there is always a newest file");
        let keep = usize::try_from((keep_to + 1).saturating_sub(newest.base)).expect("below the count");
        if let Some(end) = newest.offsets.get(keep) {
            newest.end = *end as usize;
            newest.offsets.truncate(keep);
        }
        drop(view);
        self.descriptors.clear();
        removed
    }

    pub(super) fn find(&self, index: u64) -> Option<Place> {
        let view = self.view.read();
        let after = view.segments.partition_point(|sealed| sealed.base <= index);
        let sealed = &view.segments[after.checked_sub(1)?];
        let (start, bytes) = sealed.extent(index)?;
        Some(Place { path: sealed.path.clone(), salt: sealed.salt, start, bytes, cuts: view.cuts })
    }

    /// `None` when an end was cut meanwhile: the record may be gone, or another one in its place that is
    /// not durable yet.
    pub(super) fn read_uncut(&self, place: &Place, index: u64) -> Option<Result<Vec<u8>, Error>> {
        let outcome = self.read_at(place, index);
        let is_uncut = self.view.read().cuts == place.cuts;
        if !is_uncut {
            // One opened just before its file was removed would keep the space.
            self.descriptors.clear();
        }
        is_uncut.then_some(outcome)
    }

    fn read_at(&self, place: &Place, index: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; place.bytes];
        let outcome = self
            .descriptors
            .open(&place.path, place.salt)
            .and_then(|file| file.read_exact_at(&mut bytes, place.start as u64));
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Error::corrupt(&place.path, place.start as u64, "the file ends inside a record"));
            }
            outcome => outcome.map_err(|source| Error::from_io("read", &place.path, source))?,
        }
        match Frame::decode(&bytes, place.salt) {
            Some(frame) if frame.index == index && frame.bytes() == place.bytes => {
                bytes.drain(..frame::HEADER_BYTES);
                Ok(bytes)
            }
            _ => Err(Error::corrupt(&place.path, place.start as u64, "record does not match its checksum")),
        }
    }
}

/// A [`LogReader`] of a [`SegmentLog`](super::SegmentLog).
pub(super) struct SegmentReader(Arc<Shared>);

impl SegmentReader {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl LogReader for SegmentReader {
    fn read(&self, index: u64) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let Some(place) = self.0.find(index) else { return Ok(None) };
            // Each turn follows a cut by the writer, so this ends.
            if let Some(outcome) = self.0.read_uncut(&place, index) {
                return outcome.map(Some);
            }
        }
    }

    fn first(&self) -> u64 {
        self.0.first()
    }

    fn last(&self) -> u64 {
        self.0.last()
    }
}
