//! A log as a disk or a process sees it: frames behind a base, each with the hash of all that leads to it.

use super::random::{mix, mix_bytes};
use crate::frame::{Entry, Frame, FrameBuilder, FrameKind, FrameLimits};
use crate::types::{Index, LogId};
use std::collections::VecDeque;

/// What became of the bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// They are what was written.
    Good,
    /// Some of them were written before the power went.
    Torn,
    /// A bit is wrong.
    Flipped,
    /// A write that was meant for another place lies here, or this one went elsewhere.
    Misdirected,
}

/// A frame in its place.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) frame: Frame,
    /// Hash of this frame and everything before it.
    pub(super) chain: u64,
    pub(super) bytes: Bytes,
}

/// Frames in order, behind what a snapshot covers.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    base: LogId,
    base_chain: u64,
    slots: VecDeque<Slot>,
}

/// A hash of all that a frame says: its header, which has the checksum of the body.
pub(super) fn fingerprint(frame: &Frame) -> u64 {
    mix_bytes(0, &frame.header().encode())
}

/// The hash of a log that ends with a frame of this fingerprint after a log with that hash.
pub(super) const fn chained(before: u64, fingerprint: u64) -> u64 {
    mix(before.rotate_left(17) ^ fingerprint)
}

impl Log {
    /// An empty log after a snapshot up to `base`, which stands for a log of this hash.
    pub(super) const fn after(base: LogId, base_chain: u64) -> Self {
        Self { base, base_chain, slots: VecDeque::new() }
    }

    /// Position of the last entry.
    pub(super) fn last(&self) -> LogId {
        self.slots.back().map_or(self.base, |slot| slot.frame.last())
    }

    /// The hash of all of it.
    pub(super) fn chain(&self) -> u64 {
        self.slots.back().map_or(self.base_chain, |slot| slot.chain)
    }

    /// What it stands on.
    pub(super) const fn base(&self) -> LogId {
        self.base
    }

    pub(super) const fn slots(&self) -> &VecDeque<Slot> {
        &self.slots
    }

    pub(super) fn slot_mut(&mut self, at: usize) -> Option<&mut Slot> {
        self.slots.get_mut(at)
    }

    /// Where the frame stands that holds `index`, or the first one behind it.
    pub(super) fn place(&self, index: Index) -> usize {
        self.slots.partition_point(|slot| slot.frame.last().index < index)
    }

    /// The frame that holds `index`.
    pub(super) fn holding(&self, index: Index) -> Option<&Slot> {
        self.slots.get(self.place(index)).filter(|slot| slot.frame.base() <= index)
    }

    /// The hash of the log up to `index`, at which a frame ends or the base lies.
    pub(super) fn chain_at(&self, index: Index) -> Option<u64> {
        if index == self.base.index {
            return Some(self.base_chain);
        }
        self.holding(index).filter(|slot| slot.frame.last().index == index).map(|slot| slot.chain)
    }

    /// Appends a frame and returns the hash of the log with it.
    pub(super) fn push(&mut self, frame: Frame, bytes: Bytes) -> u64 {
        let chain = chained(self.chain(), fingerprint(&frame));
        self.slots.push_back(Slot { frame, chain, bytes });
        chain
    }

    /// Forgets every entry after `keep_to`.
    pub(super) fn cut(&mut self, keep_to: Index) {
        while self.slots.back().is_some_and(|slot| slot.frame.last().index > keep_to) {
            self.slots.pop_back();
        }
    }

    /// Forgets frames that a snapshot up to `to` covers, if it ends where a frame does.
    pub(super) fn compact(&mut self, to: LogId, chain: u64) {
        while self.slots.front().is_some_and(|slot| slot.frame.last().index <= to.index) {
            self.slots.pop_front();
        }
        (self.base, self.base_chain) = (to, chain);
    }

    /// The frames from the one that holds `from` on: about `bytes_max`, at least one. `None` if one of them
    /// cannot be read.
    pub(super) fn read(&self, from: Index, bytes_max: usize) -> Option<Vec<Frame>> {
        let mut frames = Vec::new();
        let mut bytes = 0;
        if self.holding(from).is_none() {
            return Some(frames);
        }
        for slot in self.slots.range(self.place(from)..) {
            bytes += slot.frame.encoded_bytes();
            if !frames.is_empty() && bytes > bytes_max {
                break;
            }
            if slot.bytes != Bytes::Good {
                return None;
            }
            frames.push(slot.frame.clone());
        }
        Some(frames)
    }
}

/// The frame as a reader sees it who checks nothing: the second half of its entries was never written.
pub(super) fn torn(frame: &Frame) -> Frame {
    if frame.kind() != FrameKind::Entries {
        return frame.clone();
    }
    let mut builder = FrameBuilder::new(FrameLimits::CEILING, frame.lane());
    for (at, entry) in frame.entries().enumerate() {
        let lost = vec![0; entry.bytes.len()];
        let is_lost = at + 1 > frame.count() as usize / 2;
        let bytes = if is_lost { &lost[..] } else { entry.bytes };
        builder.push(Entry { bytes, ..entry }).expect("it fitted before");
    }
    Frame::new(frame.seal(), builder.finish().expect("a frame is not empty"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Seal;
    use crate::types::{LaneId, Term, UnixNanos};

    fn frame(term: u64, base: u64, count: u32) -> Frame {
        let mut builder = FrameBuilder::new(FrameLimits::CEILING, LaneId::default());
        for _ in 0..count {
            builder.push(Entry { bytes: &[7; 16], ..Entry::default() }).unwrap();
        }
        let seal = Seal { term: Term::new(term), base: Index::new(base), time: UnixNanos::new(1) };
        Frame::new(seal, builder.finish().unwrap())
    }

    fn three() -> Log {
        let mut log = Log::default();
        for next in [frame(1, 1, 2), frame(1, 3, 1), frame(2, 4, 3)] {
            log.push(next, Bytes::Good);
        }
        log
    }

    #[test]
    fn an_index_is_found_in_the_frame_that_holds_it() {
        let log = three();
        assert_eq!(log.last(), LogId::new(Term::new(2), Index::new(6)));
        assert_eq!(log.holding(Index::new(5)).map(|slot| slot.frame.base()), Some(Index::new(4)));
        assert!(log.holding(Index::new(7)).is_none());
        assert!(log.chain_at(Index::new(5)).is_none(), "no frame ends there");
    }

    #[test]
    fn a_snapshot_leaves_the_hash_of_what_it_covers() {
        let (whole, mut log) = (three(), three());
        let to = LogId::new(Term::new(1), Index::new(3));
        log.compact(to, whole.chain_at(to.index).unwrap());
        assert_eq!(log.chain(), whole.chain());
        assert_eq!((log.base(), log.slots().len()), (to, 1));
    }

    #[test]
    fn reading_stops_at_the_limit_and_at_bad_bytes() {
        let mut log = three();
        assert_eq!(log.read(Index::new(2), 1).map(|frames| frames.len()), Some(1));
        assert_eq!(log.read(Index::new(9), 1), Some(Vec::new()));
        log.slot_mut(1).unwrap().bytes = Bytes::Flipped;
        assert_eq!(log.read(Index::new(1), 1_000), None);
        assert_ne!(fingerprint(&torn(&frame(1, 1, 2))), fingerprint(&frame(1, 1, 2)));
    }
}
