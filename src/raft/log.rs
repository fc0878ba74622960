//! The log as the core sees it: where terms begin, who is in since when, and the frames at its end.
//!
//! # Model
//! ```text
//! | snapshot |  term 3  |  term 4      | term 7 |      `terms`: one pair for each, whatever its length
//!                           | frame | frame | frame |  `window`: the end, as much as is worth its memory
//!                                 ^ durable         ^ last
//! ```
//!
//! # Invariants
//! L1 terms and first indexes of `terms` ascend strictly, and the first index is after the snapshot.
//! L2 the window is dense and ends at `last`. L3 snapshot <= durable <= last.

use super::frame::{follows, membership_of};
use super::{Membership, Recovered, Snapshot};
use crate::frame::Frame;
use crate::types::{Index, LogId, Term, UnixNanos};
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Log {
    snapshot: Snapshot,
    terms: VecDeque<(Term, Index)>,
    last: Index,
    durable: Index,
    time: UnixNanos,
    window: VecDeque<Frame>,
    window_bytes: usize,
    window_bytes_max: usize,
    /// Membership at the snapshot and after it, ascending; never empty.
    memberships: Vec<(Index, Arc<Membership>)>,
}

impl Log {
    pub(super) fn new(recovered: Recovered, window_bytes_max: usize) -> Self {
        let Recovered { snapshot, terms, last, time, memberships, .. } = recovered;
        let start = (snapshot.last.index, Arc::new(snapshot.membership.clone()));
        let after = memberships.into_iter().map(|(index, membership)| (index, Arc::new(membership)));
        Self {
            terms: terms.into(),
            last,
            durable: last,
            time: time.max(snapshot.time),
            window: VecDeque::new(),
            window_bytes: 0,
            window_bytes_max,
            memberships: std::iter::once(start).chain(after).collect(),
            snapshot,
        }
    }

    /// The last entry that is no longer in the log.
    pub(super) const fn snapshot(&self) -> LogId {
        self.snapshot.last
    }

    /// Position of the last entry.
    pub(super) fn last(&self) -> LogId {
        let term = self.terms.back().map_or(self.snapshot.last.term, |(term, _)| *term);
        LogId::new(term, self.last)
    }

    /// The last entry that is durable here.
    pub(super) const fn durable(&self) -> Index {
        self.durable
    }

    /// Log time of the last frame.
    pub(super) const fn time(&self) -> UnixNanos {
        self.time
    }

    /// Bytes of frames that are kept in memory.
    pub(super) const fn window_bytes(&self) -> usize {
        self.window_bytes
    }

    /// The members from the last such entry on.
    pub(super) fn membership(&self) -> &Arc<Membership> {
        &self.memberships.last().expect("never empty").1
    }

    /// Where the last membership entry is; the snapshot's end when there is none after it.
    pub(super) fn membership_index(&self) -> Index {
        self.memberships.last().expect("never empty").0
    }

    /// The members as of `index`, which is not before the snapshot.
    pub(super) fn membership_at(&self, index: Index) -> &Arc<Membership> {
        let after = self.memberships.partition_point(|(first, _)| *first <= index);
        &self.memberships[after.max(1) - 1].1
    }

    /// Term of the entry at `index`; `None` before the snapshot's end and after the log's.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.snapshot.last.index {
            return Some(self.snapshot.last.term);
        }
        if index > self.last {
            return None;
        }
        let after = self.terms.partition_point(|(_, first)| *first <= index);
        Some(self.terms[after.checked_sub(1)?].0)
    }

    /// Whether the entry at this position is in the log, or covered by the snapshot, which only holds what is
    /// committed and so the same everywhere.
    pub(super) fn has(&self, id: LogId) -> bool {
        id.index < self.snapshot.last.index || self.term_at(id.index) == Some(id.term)
    }

    /// The last position that is neither after `id` nor of a later term: where the log of whoever has `id`
    /// may begin to be the same.
    pub(super) fn at_or_before(&self, id: LogId) -> LogId {
        let index = id.index.min(self.last);
        let held = self.terms.partition_point(|(_, first)| *first <= index);
        let term_of = |at: usize| self.terms[at].0;
        match (0..held).rev().find(|at| term_of(*at) <= id.term) {
            // The whole rest of the term, when a later one begins before `index`.
            Some(at) if at + 1 < held => LogId::new(term_of(at), before(self.terms[at + 1].1)),
            Some(at) => LogId::new(term_of(at), index),
            None => self.snapshot.last,
        }
    }

    /// Whether no frame in memory begins at or before `index` and ends after it.
    pub(super) fn ends_frame(&self, index: Index) -> bool {
        let at = self.window.partition_point(|frame| frame.last().index <= index);
        self.window.get(at).is_none_or(|frame| frame.base() > index)
    }

    /// Adds a frame, which follows the last one.
    pub(super) fn append(&mut self, frame: Frame) {
        assert!(follows(&frame, self.last()), "frames are dense (L2)");
        if self.terms.back().is_none_or(|(term, _)| *term < frame.term()) {
            self.terms.push_back((frame.term(), frame.base()));
        }
        if let Some(membership) = membership_of(&frame).expect("it was checked when it came") {
            self.memberships.push((frame.base(), Arc::new(membership)));
        }
        self.last = frame.last().index;
        self.time = self.time.max(frame.time());
        self.window_bytes += frame.encoded_bytes();
        self.window.push_back(frame);
        while self.window_bytes > self.window_bytes_max && self.window.len() > 1 {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        self.window_bytes -= self.window.pop_front().map_or(0, |frame| frame.encoded_bytes());
    }

    /// Forgets every entry after `keep_to`, which ends a frame and is not before the snapshot.
    pub(super) fn cut(&mut self, keep_to: Index) {
        assert!(self.snapshot.last.index <= keep_to && keep_to <= self.last);
        while self.terms.back().is_some_and(|(_, first)| *first > keep_to) {
            self.terms.pop_back();
        }
        while self.window.back().is_some_and(|frame| frame.base() > keep_to) {
            self.window_bytes -= self.window.pop_back().map_or(0, |frame| frame.encoded_bytes());
        }
        while self.membership_index() > keep_to {
            self.memberships.pop();
        }
        self.last = keep_to;
        self.durable = self.durable.min(keep_to);
    }

    /// Everything up to `index` is durable.
    pub(super) fn persisted(&mut self, index: Index) {
        assert!(index <= self.last, "a cut lowers what is under way");
        self.durable = self.durable.max(index);
    }

    /// Forgets what `snapshot`, the host's own, covers.
    pub(super) fn compact(&mut self, snapshot: Snapshot) {
        let last = snapshot.last;
        assert!(self.term_at(last.index) == Some(last.term) && last.index <= self.durable);
        while self.window.front().is_some_and(|frame| frame.last().index <= last.index) {
            self.forget_oldest();
        }
        let held = self.terms.partition_point(|(_, first)| *first <= last.index);
        self.terms.drain(..held);
        // What is left of the term that the snapshot ends in begins after it (L1).
        let rest = self.terms.front().map_or(self.last.next(), |(_, first)| *first);
        if last.index.next() < rest {
            self.terms.push_front((last.term, last.index.next()));
        }
        let members = self.memberships.partition_point(|(first, _)| *first <= last.index);
        self.memberships.drain(..members.max(1) - 1);
        self.memberships[0].0 = last.index;
        self.snapshot = snapshot;
    }

    /// Begins anew after `snapshot`, a leader's.
    pub(super) fn reset(&mut self, snapshot: Snapshot) {
        let vote = super::Vote::default();
        let (last, time) = (snapshot.last.index, snapshot.time.max(self.time));
        let recovered = Recovered { vote, snapshot, terms: Vec::new(), last, time, memberships: Vec::new() };
        *self = Self::new(recovered, self.window_bytes_max);
    }

    /// Frames from the one that holds `from` on: about `bytes_max`, at least one. `None` when the window
    /// begins later; `from` is in the log.
    pub(super) fn frames(&self, from: Index, bytes_max: usize) -> Option<Vec<Frame>> {
        let start = self.window.partition_point(|frame| frame.last().index < from);
        let first = self.window.get(start).filter(|frame| frame.base() <= from)?;
        let mut bytes = first.encoded_bytes();
        let more = self.window.iter().skip(start + 1).take_while(|frame| {
            bytes += frame.encoded_bytes();
            bytes <= bytes_max
        });
        Some(std::iter::once(first).chain(more).cloned().collect())
    }

    /// What is wrong with it, for [`super::invariants`].
    pub(super) fn fault(&self) -> Option<&'static str> {
        let pairs = || self.terms.iter().zip(self.terms.iter().skip(1));
        let start = self.snapshot.last;
        let first = self.terms.front();
        let frames = || self.window.iter().zip(self.window.iter().skip(1));
        let rules = [
            (pairs().any(|(a, b)| a.0 >= b.0 || a.1 >= b.1), "terms ascend (L1)"),
            (first.is_some_and(|(term, at)| *term < start.term || *at != start.index.next()), "dense (L1)"),
            (first.is_none() && self.last != start.index, "an empty log ends with its snapshot (L1)"),
            (self.terms.back().is_some_and(|(_, at)| *at > self.last), "no term is empty (L1)"),
            (frames().any(|(a, b)| !follows(b, a.last())), "the window is dense (L2)"),
            (self.window.back().is_some_and(|frame| frame.last().index != self.last), "to its end (L2)"),
            (self.durable < start.index || self.durable > self.last, "snapshot, durable, last (L3)"),
        ];
        rules.into_iter().find(|(broken, _)| *broken).map(|(_, rule)| rule)
    }
}

/// The index before `index`, which is that of an entry.
pub(super) const fn before(index: Index) -> Index {
    match index.back(1) {
        Some(before) => before,
        None => Index::ORIGIN,
    }
}
