//! The durable side of a node, as simple as can be: it keeps what it was told to keep.

use duochain::frame::{Frame, FrameKind};
use duochain::raft::{Membership, Recovered, Snapshot, Vote, Write};
use duochain::types::{Index, Term, UnixNanos};

#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) vote: Vote,
    pub(crate) snapshot: Snapshot,
    pub(crate) frames: Vec<Frame>,
}

impl Disk {
    /// Carries out a write: the vote, then the cut, then the frames.
    pub(crate) fn write(&mut self, write: &Write) {
        self.vote = write.vote.unwrap_or(self.vote);
        if let Some(keep_to) = write.keep_to {
            self.frames.retain(|frame| frame.last().index <= keep_to);
        }
        for frame in &write.frames {
            let end = self.frames.last().map_or(self.snapshot.last.index, |last| last.last().index);
            assert_eq!(frame.base(), end.next(), "writes are dense");
            self.frames.push(frame.clone());
        }
    }

    /// Frames from the one that holds `from` on.
    pub(crate) fn read(&self, from: Index, bytes_max: usize) -> Vec<Frame> {
        let mut bytes = 0;
        let wanted = self.frames.iter().skip_while(|frame| frame.last().index < from);
        let enough = wanted.take_while(|frame| {
            let is_first = bytes == 0;
            bytes += frame.encoded_bytes();
            is_first || bytes <= bytes_max
        });
        enough.cloned().collect()
    }

    /// The log begins after `snapshot`.
    pub(crate) fn compact(&mut self, snapshot: Snapshot) {
        self.frames.retain(|frame| frame.last().index > snapshot.last.index);
        self.snapshot = snapshot;
    }

    /// Another log, which begins after `snapshot`.
    pub(crate) fn install(&mut self, snapshot: Snapshot) {
        self.frames.clear();
        self.snapshot = snapshot;
    }

    /// What a node finds when it starts.
    pub(crate) fn recovered(&self) -> Recovered {
        let mut terms: Vec<(Term, Index)> = Vec::new();
        for frame in &self.frames {
            if terms.last().is_none_or(|(term, _)| *term < frame.term()) {
                terms.push((frame.term(), frame.base()));
            }
        }
        let memberships = self.frames.iter().filter(|frame| frame.kind() == FrameKind::Membership);
        let members_of = |frame: &Frame| {
            let bytes = frame.entries().next().expect("one entry").bytes;
            (frame.base(), Membership::decode(bytes).expect("written by a node"))
        };
        Recovered {
            vote: self.vote,
            snapshot: self.snapshot.clone(),
            terms,
            last: self.frames.last().map_or(self.snapshot.last.index, |frame| frame.last().index),
            time: self.frames.last().map_or(UnixNanos::default(), Frame::time),
            memberships: memberships.map(members_of).collect(),
        }
    }
}
