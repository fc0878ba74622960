//! What readers see: the durable frames, and where each one is.
//!
//! # Model
//! The writer changes a [`View`] under a lock; a reader looks up file and offset under that lock, then reads
//! without it. If an end was cut in between, what was read counts for nothing; the view's `cuts` tells. The newest
//! frames are in memory, and given from there.

use super::active::Placed;
use super::format::{HEAD_BYTES, Head, PREFIX_BYTES, RECORDS_AT};
use super::index::Places;
use super::recent::Recent;
use crate::frame::{Body, Frame, FrameHeader};
use crate::storage::Error;
use crate::storage::descriptors::Descriptors;
use crate::storage::frames::outline::{Outline, inside_a_frame};
use crate::storage::frames::{FrameHead, FrameReader};
use crate::types::{Index, Term};
use parking_lot::RwLock;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// A file and the durable frames in it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) base: Index,
    pub(super) salt: u64,
    pub(super) path: PathBuf,
    places: Places,
    /// Behind the last record.
    end: u64,
}

impl Segment {
    /// Without a frame.
    pub(super) fn new(base: Index, salt: u64, path: PathBuf) -> Self {
        Self { base, salt, path, places: Places::default(), end: RECORDS_AT }
    }

    pub(super) fn push(&mut self, header: &FrameHeader, base: Index, at: u64) {
        self.places.push(base, u32::try_from(at).expect("files are bounded below 4 GiB"));
        self.end = at + (HEAD_BYTES + header.body_bytes as usize) as u64;
    }
}

#[derive(Debug)]
struct View {
    /// Never empty; the last one is being written.
    segments: VecDeque<Segment>,
    outline: Outline,
    recent: Recent,
    /// How often an end was cut.
    cuts: u64,
}

/// Between the writer and its readers.
#[derive(Debug)]
pub(super) struct Shared {
    view: RwLock<View>,
    descriptors: Descriptors,
}

/// A record, or where the search for one begins.
#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    salt: u64,
    at: u64,
    /// Behind the last record of the file.
    end: u64,
    cuts: u64,
}

/// The end of a frame, to cut behind.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) path: PathBuf,
    pub(super) at: u64,
}

impl Shared {
    pub(super) fn new(segments: VecDeque<Segment>, outline: Outline, recent: Recent) -> Self {
        let view = View { segments, outline, recent, cuts: 0 };
        Self { view: RwLock::new(view), descriptors: Descriptors::default() }
    }

    pub(super) fn outline<T>(&self, f: impl FnOnce(&Outline) -> T) -> T {
        f(&self.view.read().outline)
    }

    /// The next file is written from now on.
    pub(super) fn add(&self, next: Segment) {
        self.view.write().segments.push_back(next);
    }

    /// Shows frames that became durable, in the newest file.
    pub(super) fn publish(&self, placed: Vec<Placed>, fresh: &mut Recent) {
        let View { segments, outline, recent, .. } = &mut *self.view.write();
        let newest = segments.back_mut().expect("there is always a newest file");
        for Placed { header, seal, at } in placed {
            newest.push(&header, seal.base, at);
            outline.push(&header, seal);
        }
        recent.append(fresh);
    }

    /// Frames from `from` on that are in memory still; `None` when those have to be read.
    fn recent(&self, from: Index, bytes_max: usize) -> Option<Vec<Frame>> {
        let view = self.view.read();
        view.outline.term_at(from)?;
        view.recent.from(from, bytes_max)
    }

    /// Forgets the oldest file if all of it is before `keep_from`, and returns its path.
    pub(super) fn remove_front(&self, keep_from: Index) -> Option<PathBuf> {
        let mut view = self.view.write();
        let first = view.segments.get(1)?.base;
        if first > keep_from {
            return None;
        }
        view.cuts += 1;
        view.outline.cut_front(first);
        let path = view.segments.pop_front().map(|segment| segment.path);
        drop(view);
        self.descriptors.clear();
        path
    }

    /// Where the file with the frame that ends with `keep_to` is cut: behind that frame.
    pub(super) fn edge(&self, keep_to: Index) -> Result<Edge, Error> {
        let Some(place) = self.find(keep_to) else {
            // Before the first frame: what is left is the oldest file, empty.
            let path = self.view.read().segments[0].path.clone();
            return Ok(Edge { path, at: RECORDS_AT });
        };
        let (at, header) = self.seek(&place, keep_to)?;
        let (base, last) = extent(&header);
        if last != keep_to {
            return Err(inside_a_frame(keep_to, base, last));
        }
        Ok(Edge { path: place.path, at: at + (HEAD_BYTES + header.body_bytes as usize) as u64 })
    }

    /// Forgets frames after `edge`, which is behind `keep_to`; returns the files to put back, newest first.
    pub(super) fn cut_back(&self, edge: &Edge, keep_to: Index) -> Vec<PathBuf> {
        let mut view = self.view.write();
        view.cuts += 1;
        let mut removed = Vec::new();
        while view.segments.back().is_some_and(|newest| newest.path != edge.path) {
            removed.extend(view.segments.pop_back().map(|segment| segment.path));
        }
        let newest = view.segments.back_mut().expect("the file of the edge");
        newest.places.cut_back(keep_to);
        newest.end = edge.at;
        view.outline.cut_back(keep_to);
        view.recent.cut_back(keep_to);
        drop(view);
        self.descriptors.clear();
        removed
    }

    /// Forgets everything; returns the files to put back, newest first.
    pub(super) fn clear(&self, next: Index) -> Vec<PathBuf> {
        let mut view = self.view.write();
        view.cuts += 1;
        view.outline = Outline::new(next);
        view.recent.clear();
        let removed = view.segments.drain(..).rev().map(|segment| segment.path).collect();
        drop(view);
        self.descriptors.clear();
        removed
    }

    /// The first file after [`Self::clear`].
    pub(super) fn begin(&self, segment: Segment) {
        self.view.write().segments = VecDeque::from([segment]);
    }

    /// Where to begin looking for `index`, if it is there.
    fn find(&self, index: Index) -> Option<Place> {
        let view = self.view.read();
        view.outline.term_at(index)?;
        let after = view.segments.partition_point(|segment| segment.base <= index);
        let segment = &view.segments[after.checked_sub(1)?];
        let at = u64::from(segment.places.before(index)?);
        Some(Place { path: segment.path.clone(), salt: segment.salt, at, end: segment.end, cuts: view.cuts })
    }

    /// The record with the frame that holds `index`, from a place before it.
    fn seek(&self, place: &Place, index: Index) -> Result<(u64, FrameHeader), Error> {
        let file = self.open(place)?;
        let mut at = place.at;
        loop {
            let header = head_at(&file, place, at)?;
            let (_, last) = extent(&header);
            if last >= index {
                return Ok((at, header));
            }
            at += (HEAD_BYTES + header.body_bytes as usize) as u64;
        }
    }

    fn open(&self, place: &Place) -> Result<Arc<File>, Error> {
        let opened = self.descriptors.open(&place.path, place.salt);
        opened.map_err(|source| Error::from_io("open", &place.path, source))
    }

    /// `None` when an end was cut meanwhile: what was found may be gone, or another thing in its place that
    /// is not durable yet.
    fn uncut<T>(&self, place: &Place, outcome: Result<T, Error>) -> Option<Result<T, Error>> {
        let is_uncut = self.view.read().cuts == place.cuts;
        if !is_uncut {
            // One opened just before its file was removed would keep the space.
            self.descriptors.clear();
        }
        is_uncut.then_some(outcome)
    }

    /// Frames of one file from the one that holds `from` on.
    fn read_at(&self, place: &Place, from: Index, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        let (begin, header) = self.seek(place, from)?;
        let file = self.open(place)?;
        let first = (HEAD_BYTES + header.body_bytes as usize) as u64;
        let bytes = (place.end - begin).min(first.max(bytes_max as u64));
        let mut buffer = vec![0; usize::try_from(bytes).expect("files are bounded below 4 GiB")];
        read_exact(&file, place, &mut buffer, begin)?;
        let buffer = Arc::new(buffer);
        let mut frames = Vec::new();
        let mut at = 0;
        while let Some(head) = buffer.get(at..).filter(|rest| rest.len() >= HEAD_BYTES) {
            let offset = begin + at as u64;
            let header = header_of(head, place, offset)?;
            let end = at + HEAD_BYTES + header.body_bytes as usize;
            if end > buffer.len() {
                break;
            }
            let frame = Body::attach(&header, &buffer, at + HEAD_BYTES)
                .and_then(|body| Frame::sealed(&header, body))
                .map_err(|bad| Error::corrupt(&place.path, offset + PREFIX_BYTES as u64, bad.to_string()))?;
            frames.push(frame);
            at = end;
        }
        Ok(frames)
    }
}

/// First and last index of a frame.
fn extent(header: &FrameHeader) -> (Index, Index) {
    let base = header.seal.expect("records hold sealed frames").base;
    (base, base.forward(u64::from(header.count) - 1))
}

fn header_of(head: &[u8], place: &Place, at: u64) -> Result<FrameHeader, Error> {
    let header = Head::decode(head, place.salt).and_then(|head| head.frame);
    header.ok_or_else(|| Error::corrupt(&place.path, at, "a durable frame does not match its checksum"))
}

fn head_at(file: &File, place: &Place, at: u64) -> Result<FrameHeader, Error> {
    let mut head = [0; HEAD_BYTES];
    read_exact(file, place, &mut head, at)?;
    header_of(&head, place, at)
}

fn read_exact(file: &File, place: &Place, bytes: &mut [u8], at: u64) -> Result<(), Error> {
    file.read_exact_at(bytes, at).map_err(|source| match source.kind() {
        io::ErrorKind::UnexpectedEof => Error::corrupt(&place.path, at, "the file ends inside a frame"),
        _ => Error::from_io("read", &place.path, source),
    })
}

/// A [`FrameReader`] of a [`SegmentFrameLog`](super::SegmentFrameLog).
pub(super) struct SegmentReader(pub(super) Arc<Shared>);

impl SegmentReader {
    /// Frames from `from` on, of one file; empty when there are none.
    fn read_once(&self, from: Index, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        loop {
            let Some(place) = self.0.find(from) else { return Ok(Vec::new()) };
            // Each turn follows a cut by the writer, so this ends.
            if let Some(outcome) = self.0.uncut(&place, self.0.read_at(&place, from, bytes_max)) {
                return outcome;
            }
        }
    }
}

impl FrameReader for SegmentReader {
    fn read(&self, from: Index, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        if let Some(frames) = self.0.recent(from, bytes_max) {
            return Ok(frames);
        }
        let mut frames = self.read_once(from, bytes_max)?;
        loop {
            let Some(last) = frames.last().map(|frame| frame.last()) else { return Ok(frames) };
            let taken: usize = frames.iter().map(Frame::encoded_bytes).sum();
            let Some(left) = bytes_max.checked_sub(taken).filter(|left| *left > 0) else { return Ok(frames) };
            let more = self.read_once(last.index.next(), left)?;
            let is_next = more.first().is_some_and(|frame| frame.term() >= last.term);
            // The first frame of a file comes whatever it takes; and the end may have been cut and written
            // again since the last piece was read.
            if !is_next || more[0].encoded_bytes() > left {
                return Ok(frames);
            }
            frames.extend(more);
        }
    }

    fn heads(&self, from: Index, visit: &mut dyn FnMut(FrameHead) -> bool) -> Result<(), Error> {
        let mut next = from.max(self.first());
        while let Some(place) = self.0.find(next) {
            let found = self.0.seek(&place, next);
            let Some(found) = self.0.uncut(&place, found) else { continue };
            let (position, header) = found?;
            let (base, last) = extent(&header);
            let term = header.seal.expect("records hold sealed frames").term;
            if !visit(FrameHead { base, count: header.count, term, kind: header.kind, position }) {
                break;
            }
            next = last.next();
        }
        Ok(())
    }

    fn memberships(&self) -> Vec<Index> {
        self.0.outline(Outline::memberships)
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        self.0.outline(|outline| outline.term_at(index))
    }

    fn first(&self) -> Index {
        self.0.outline(Outline::first)
    }

    fn last(&self) -> Index {
        self.0.outline(Outline::last)
    }
}

/// For messages and tests: where the frame that holds `index` stands.
#[cfg(test)]
pub(super) fn place_of(shared: &Shared, index: Index) -> (PathBuf, std::ops::Range<u64>) {
    let place = shared.find(index).expect("in the log");
    let (at, header) = shared.seek(&place, index).expect("readable");
    (place.path, at..at + (HEAD_BYTES + header.body_bytes as usize) as u64)
}
