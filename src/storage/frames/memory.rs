//! A log of frames that nothing survives.

use super::outline::{Outline, check_keep_from, check_keep_to, inside_a_frame};
use super::{FrameHead, FrameLog, FrameReader};
use crate::frame::{Frame, FrameLimits};
use crate::storage::Error;
use crate::types::{Index, Term};
use parking_lot::RwLock;
use std::collections::VecDeque;
use std::sync::Arc;

/// A [`FrameLog`] in memory. "Durable" means synced here: readers see it.
#[derive(Debug)]
pub struct MemoryFrameLog {
    limits: FrameLimits,
    /// With what waits.
    outline: Outline,
    waiting: Vec<Frame>,
    kept: Arc<RwLock<Kept>>,
}

#[derive(Debug)]
struct Kept {
    outline: Outline,
    frames: VecDeque<Frame>,
}

impl MemoryFrameLog {
    /// An empty one.
    pub fn new(limits: FrameLimits) -> Self {
        let outline = Outline::new(Index::new(1));
        let kept = Kept { outline: outline.clone(), frames: VecDeque::new() };
        Self { limits, outline, waiting: Vec::new(), kept: Arc::new(RwLock::new(kept)) }
    }
}

impl FrameLog for MemoryFrameLog {
    fn append(&mut self, frames: &[Frame]) -> Result<(), Error> {
        self.outline.check(frames, &self.limits)?;
        for frame in frames {
            self.outline.push(&frame.header(), frame.seal());
        }
        self.waiting.extend_from_slice(frames);
        Ok(())
    }

    fn sync(&mut self) -> Result<Index, Error> {
        let mut kept = self.kept.write();
        kept.frames.extend(self.waiting.drain(..));
        kept.outline = self.outline.clone();
        Ok(self.outline.last())
    }

    fn first(&self) -> Index {
        self.outline.first()
    }

    fn last(&self) -> Index {
        self.outline.last()
    }

    fn durable(&self) -> Index {
        self.kept.read().outline.last()
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        self.outline.term_at(index)
    }

    fn truncate_back(&mut self, keep_to: Index) -> Result<(), Error> {
        check_keep_to(&self.outline, keep_to)?;
        self.sync()?;
        if keep_to >= self.outline.last() {
            return Ok(());
        }
        let mut kept = self.kept.write();
        let keep = kept.frames.partition_point(|frame| frame.base() <= keep_to);
        if let Some(frame) = keep.checked_sub(1).map(|last| &kept.frames[last])
            && frame.last().index != keep_to
        {
            return Err(inside_a_frame(keep_to, frame.base(), frame.last().index));
        }
        kept.frames.truncate(keep);
        self.outline.cut_back(keep_to);
        kept.outline = self.outline.clone();
        Ok(())
    }

    fn purge_front(&mut self, keep_from: Index) -> Result<(), Error> {
        check_keep_from(&self.outline, keep_from)?;
        self.sync()?;
        let mut kept = self.kept.write();
        while kept.frames.front().is_some_and(|frame| frame.last().index < keep_from) {
            kept.frames.pop_front();
        }
        let first = kept.frames.front().map_or(self.outline.next(), Frame::base);
        self.outline.cut_front(first);
        kept.outline = self.outline.clone();
        Ok(())
    }

    fn reset(&mut self, next: Index) -> Result<(), Error> {
        super::check_next(next)?;
        self.waiting.clear();
        self.outline = Outline::new(next);
        *self.kept.write() = Kept { outline: self.outline.clone(), frames: VecDeque::new() };
        Ok(())
    }

    fn reader(&self) -> Arc<dyn FrameReader> {
        Arc::new(MemoryReader(Arc::clone(&self.kept)))
    }
}

struct MemoryReader(Arc<RwLock<Kept>>);

impl FrameReader for MemoryReader {
    fn read(&self, from: Index, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        let kept = self.0.read();
        if kept.outline.term_at(from).is_none() {
            return Ok(Vec::new());
        }
        let begin = kept.frames.partition_point(|frame| frame.last().index < from);
        let mut left = bytes_max;
        let fits = |(at, frame): &(usize, &Frame)| {
            let rest = left.checked_sub(frame.encoded_bytes());
            left = rest.unwrap_or(0);
            *at == 0 || rest.is_some()
        };
        Ok(kept.frames.range(begin..).enumerate().take_while(fits).map(|(_, frame)| frame.clone()).collect())
    }

    fn heads(&self, from: Index, visit: &mut dyn FnMut(FrameHead) -> bool) -> Result<(), Error> {
        // A visitor may take its time, and call the log.
        let frames = self.0.read().frames.clone();
        let begin = frames.partition_point(|frame| frame.last().index < from);
        for (position, frame) in frames.iter().enumerate().skip(begin) {
            let head = FrameHead {
                base: frame.base(),
                count: frame.count(),
                term: frame.term(),
                kind: frame.kind(),
                position: position as u64,
            };
            if !visit(head) {
                break;
            }
        }
        Ok(())
    }

    fn memberships(&self) -> Vec<Index> {
        self.0.read().outline.memberships()
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        self.0.read().outline.term_at(index)
    }

    fn first(&self) -> Index {
        self.0.read().outline.first()
    }

    fn last(&self) -> Index {
        self.0.read().outline.last()
    }
}
