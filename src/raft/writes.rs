//! What is on its way to the disk, and the messages that wait for it.
//!
//! # Invariants
//! W1 a message leaves only when every vote and term written before it is durable (I3 of the core).
//! W2 `upto` of what is under way never exceeds the log: a cut lowers it.

use super::{Effect, Message, Vote, Write, WriteId};
use crate::frame::Frame;
use crate::types::{Index, NodeId, Tick};
use std::collections::VecDeque;

/// Most messages that wait for a vote; more are lost, as any message may be.
pub(super) const HELD_MAX: usize = 256;

#[derive(Debug)]
struct Pending {
    id: WriteId,
    issued: Tick,
    /// The log is durable up to here once this is.
    upto: Option<Index>,
}

#[derive(Debug, Default)]
pub(super) struct Writes {
    /// What this step wants written.
    vote: Option<Vote>,
    keep_to: Option<Index>,
    frames: Vec<Frame>,
    pending: VecDeque<Pending>,
    next: u64,
    /// The last write that carried a vote, while it is not durable.
    vote_under_way: Option<WriteId>,
    held: Vec<(NodeId, Message)>,
}

/// What an answer of the disk has brought.
#[derive(Debug, Default)]
pub(super) struct Durable {
    /// The log, up to here.
    pub(super) upto: Option<Index>,
    /// The vote and term as they are now.
    pub(super) has_vote: bool,
    /// May leave now.
    pub(super) released: Vec<(NodeId, Message)>,
}

impl Writes {
    pub(super) const fn vote(&mut self, vote: Vote) {
        self.vote = Some(vote);
    }

    pub(super) fn append(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    /// Forgets what is after `keep_to`, here and on disk.
    pub(super) fn cut(&mut self, keep_to: Index) {
        self.frames.retain(|frame| frame.last().index <= keep_to);
        self.keep_to = Some(self.keep_to.map_or(keep_to, |before| before.min(keep_to)));
        for pending in &mut self.pending {
            pending.upto = pending.upto.map(|upto| upto.min(keep_to));
        }
    }

    /// The log begins anew: what is under way is not part of it.
    pub(super) fn forget_log(&mut self) {
        (self.keep_to, self.frames) = (None, Vec::new());
        self.pending.iter_mut().for_each(|pending| pending.upto = None);
    }

    /// Sends now, or when the vote is durable (W1).
    pub(super) fn send(&mut self, to: NodeId, message: Message, out: &mut Vec<Effect>) {
        if !self.waits_for_vote() {
            out.push(Effect::Send { to, message });
        } else if self.held.len() < HELD_MAX {
            self.held.push((to, message));
        }
    }

    /// Whether the vote or term is not durable yet.
    pub(super) const fn waits_for_vote(&self) -> bool {
        self.vote.is_some() || self.vote_under_way.is_some()
    }

    /// Emits what this step wants written, as one write.
    pub(super) fn flush(&mut self, now: Tick, out: &mut Vec<Effect>) {
        if self.vote.is_none() && self.keep_to.is_none() && self.frames.is_empty() {
            return;
        }
        self.next += 1;
        let id = WriteId(self.next);
        if self.vote.is_some() {
            self.vote_under_way = Some(id);
        }
        let frames = std::mem::take(&mut self.frames);
        let upto = frames.last().map(|frame| frame.last().index);
        self.pending.push_back(Pending { id, issued: now, upto });
        let (vote, keep_to) = (self.vote.take(), self.keep_to.take());
        out.push(Effect::Write(Write { id, vote, keep_to, frames }));
    }

    /// The disk answered. An answer to a write that was never asked for changes nothing.
    pub(super) fn written(&mut self, id: WriteId) -> Durable {
        let mut durable = Durable::default();
        if id.0 > self.next {
            return durable;
        }
        while self.pending.front().is_some_and(|pending| pending.id <= id) {
            durable.upto = self.pending.pop_front().and_then(|pending| pending.upto).or(durable.upto);
        }
        if self.vote_under_way.is_some_and(|vote| vote <= id) {
            self.vote_under_way = None;
            // This step has not voted: inputs come one at a time.
            durable.has_vote = true;
            durable.released = std::mem::take(&mut self.held);
        }
        durable
    }

    /// Since when the oldest write waits.
    pub(super) fn oldest(&self) -> Option<Tick> {
        self.pending.front().map(|pending| pending.issued)
    }

    /// Messages that wait.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }
}
