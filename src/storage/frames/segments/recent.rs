//! The newest durable frames, kept in memory: whoever applies, or feeds a follower that is a little behind, does not
//! read from a file what was written a moment ago.

use crate::frame::Frame;
use crate::types::Index;
use std::collections::VecDeque;

/// What a frame takes besides its bytes, roughly.
const FRAME_OVERHEAD: usize = 256;

/// Frames in order, without a gap, up to the newest one.
#[derive(Debug)]
pub(super) struct Recent {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// Frames up to here are kept. They share the memory of whoever appended them, so that of one message more
    /// may live as long.
    bytes_max: usize,
}

impl Recent {
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Adds the next frame; the oldest ones make room for it, and those before a gap go.
    pub(super) fn push(&mut self, frame: Frame) {
        if self.frames.back().is_some_and(|newest| newest.last().index.next() != frame.base()) {
            self.clear();
        }
        self.bytes += cost(&frame);
        self.frames.push_back(frame);
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.frames.pop_front() else { return };
            self.bytes -= cost(&oldest);
        }
    }

    /// Adds what `newer` holds, and leaves it empty.
    pub(super) fn append(&mut self, newer: &mut Self) {
        newer.bytes = 0;
        newer.frames.drain(..).for_each(|frame| self.push(frame));
    }

    /// Forgets every frame behind `keep_to`.
    pub(super) fn cut_back(&mut self, keep_to: Index) {
        while let Some(newest) = self.frames.back().filter(|frame| frame.last().index > keep_to) {
            self.bytes -= cost(newest);
            self.frames.pop_back();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.bytes_max);
    }

    /// Frames from the one that holds `from` on, as many as fit into `bytes_max`, at least one. `None` where that
    /// one is not here.
    pub(super) fn from(&self, from: Index, bytes_max: usize) -> Option<Vec<Frame>> {
        let at = self.frames.partition_point(|frame| frame.last().index < from);
        let first = self.frames.get(at).filter(|frame| frame.base() <= from)?;
        let mut left = bytes_max.max(first.encoded_bytes());
        let fits = |frame: &&Frame| {
            let fitting = left.checked_sub(frame.encoded_bytes());
            left = fitting.unwrap_or(0);
            fitting.is_some()
        };
        Some(self.frames.iter().skip(at).take_while(fits).cloned().collect())
    }
}

fn cost(frame: &Frame) -> usize {
    frame.encoded_bytes() + FRAME_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Entry, FrameBuilder, FrameLimits, Seal};
    use crate::types::{LaneId, Term, UnixNanos};

    const MAX: usize = 8 << 20;

    fn frame(base: u64, count: u64, bytes: usize) -> Frame {
        let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
        (0..count).for_each(|_| builder.push(Entry { bytes: &vec![7; bytes], ..Entry::default() }).unwrap());
        let seal = Seal { term: Term::new(1), base: Index::new(base), time: UnixNanos::default() };
        Frame::new(seal, builder.finish().unwrap())
    }

    fn bases(recent: &Recent, from: u64, bytes_max: usize) -> Option<Vec<u64>> {
        let frames = recent.from(Index::new(from), bytes_max)?;
        Some(frames.iter().map(|frame| frame.base().get()).collect())
    }

    #[test]
    fn what_is_there_is_given_from_the_frame_that_holds_an_entry_on() {
        let mut recent = Recent::new(MAX);
        [(5, 2), (7, 3), (10, 1)].into_iter().for_each(|(base, count)| recent.push(frame(base, count, 8)));
        let all = usize::MAX;
        assert_eq!(bases(&recent, 4, all), None);
        assert_eq!(bases(&recent, 5, all), Some(vec![5, 7, 10]));
        assert_eq!(bases(&recent, 9, all), Some(vec![7, 10]));
        assert_eq!(bases(&recent, 10, all), Some(vec![10]));
        assert_eq!(bases(&recent, 11, all), None);
    }

    #[test]
    fn as_many_bytes_as_wanted_are_given_and_one_frame_at_least() {
        let mut recent = Recent::new(MAX);
        [5, 6, 7].into_iter().for_each(|base| recent.push(frame(base, 1, 8)));
        let one = frame(5, 1, 8).encoded_bytes();
        assert_eq!(bases(&recent, 5, 0), Some(vec![5]));
        assert_eq!(bases(&recent, 5, 2 * one - 1), Some(vec![5]));
        assert_eq!(bases(&recent, 5, 2 * one), Some(vec![5, 6]));
    }

    #[test]
    fn the_oldest_make_room_and_a_cut_takes_the_newest() {
        let mut recent = Recent::new(MAX);
        (1..=20).for_each(|base| recent.push(frame(base, 1, 1 << 20)));
        assert!(recent.bytes <= MAX);
        assert_eq!(bases(&recent, 13, usize::MAX), None, "it went");
        assert_eq!(bases(&recent, 14, usize::MAX), Some((14..=20).collect()));
        recent.cut_back(Index::new(16));
        assert_eq!(bases(&recent, 14, usize::MAX), Some(vec![14, 15, 16]));
        assert_eq!(recent.bytes, recent.frames.iter().map(cost).sum::<usize>());
        recent.push(frame(17, 1, MAX));
        assert_eq!((recent.frames.len(), recent.bytes), (0, 0), "too large to be kept");
    }

    #[test]
    fn what_was_written_since_the_last_sync_follows_or_begins_anew() {
        let (mut recent, mut newer) = (Recent::new(MAX), Recent::new(MAX));
        recent.push(frame(1, 4, 8));
        newer.push(frame(5, 1, 8));
        recent.append(&mut newer);
        assert_eq!(bases(&recent, 1, usize::MAX), Some(vec![1, 5]));
        assert_eq!((newer.frames.len(), newer.bytes), (0, 0));
        // A group that was larger than what is kept: its oldest are gone, and so is what stands before them.
        (6..=15).for_each(|base| newer.push(frame(base, 1, 1 << 20)));
        recent.append(&mut newer);
        assert_eq!(bases(&recent, 8, usize::MAX), None);
        assert_eq!(bases(&recent, 9, usize::MAX), Some((9..=15).collect()));
        assert_eq!(recent.bytes, recent.frames.iter().map(cost).sum::<usize>());
    }

    #[test]
    fn of_nothing_to_be_kept_nothing_is() {
        let mut recent = Recent::new(0);
        recent.push(frame(1, 1, 8));
        assert_eq!((recent.frames.len(), recent.bytes), (0, 0));
    }
}
