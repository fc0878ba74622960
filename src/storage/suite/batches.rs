//! Frames for the tests of logs of frames.

use crate::frame::{Body, Entry, Frame, FrameBuilder, FrameLimits, Seal};
use crate::storage::frames::FrameReader;
use crate::types::{Index, LaneId, Term, UnixNanos};

/// A frame of `count` entries of term `term` at `base`, which differs by index.
pub(in crate::storage) fn frame(term: u64, base: u64, count: u32) -> Frame {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    for index in base..base + u64::from(count) {
        let bytes: Vec<u8> = (0..index * 37 % 60).map(|at| (index * 7 + at + term) as u8).collect();
        builder.push(Entry { bytes: &bytes, ..Entry::default() }).unwrap();
    }
    seal(term, base, builder.finish().unwrap())
}

pub(in crate::storage) fn seal(term: u64, base: u64, body: Body) -> Frame {
    let time = UnixNanos::new(base * 1000);
    Frame::new(Seal { term: Term::new(term), base: Index::new(base), time }, body)
}

/// Everything, one call after the other.
pub(in crate::storage) fn read_all(reader: &dyn FrameReader, bytes_max: usize) -> Vec<Frame> {
    let mut found: Vec<Frame> = Vec::new();
    let mut next = reader.first();
    loop {
        let more = reader.read(next, bytes_max).unwrap();
        let Some(last) = more.last() else { return found };
        next = last.last().index.next();
        found.extend(more);
    }
}

/// Counts of the frames of a log, over and over.
pub(in crate::storage) const COUNTS: [u32; 4] = [1, 7, 3, 20];

/// Frames from `base` on up to index `last`; terms rise with the index.
pub(in crate::storage) fn frames(base: u64, last: u64) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut next = base;
    while next <= last {
        let count = COUNTS[next as usize % COUNTS.len()].min((last + 1 - next) as u32);
        frames.push(frame(1 + next / 50, next, count));
        next += u64::from(count);
    }
    frames
}
