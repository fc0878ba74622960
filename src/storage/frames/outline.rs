//! What a log of frames knows of itself without reading: its ends, its terms, its memberships.

use crate::frame::{Frame, FrameHeader, FrameKind, FrameLimits, Seal};
use crate::storage::Error;
use crate::types::{Index, Term};
use std::collections::VecDeque;

/// Ends, terms and memberships of a log.
///
/// 16 bytes for each change of term and 8 for each membership, however many frames there are.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    first: Index,
    last: Index,
    /// Where each term begins, ascending. The first one may begin before `first`.
    terms: VecDeque<(Index, Term)>,
    memberships: VecDeque<Index>,
}

impl Outline {
    /// An empty log whose first entry will be `next`.
    pub(super) fn new(next: Index) -> Self {
        let last = next.back(1).expect("the first index is 1");
        Self { first: next, last, terms: VecDeque::new(), memberships: VecDeque::new() }
    }

    pub(super) const fn first(&self) -> Index {
        self.first
    }

    /// `first - 1` when the log is empty.
    pub(super) const fn last(&self) -> Index {
        self.last
    }

    pub(super) fn next(&self) -> Index {
        self.last.next()
    }

    pub(super) fn memberships(&self) -> Vec<Index> {
        self.memberships.iter().copied().collect()
    }

    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        if index < self.first || index > self.last {
            return None;
        }
        let after = self.terms.partition_point(|(begin, _)| *begin <= index);
        Some(self.terms.get(after.checked_sub(1)?)?.1)
    }

    pub(super) fn last_term(&self) -> Term {
        self.terms.back().map_or(Term::ORIGIN, |(_, term)| *term)
    }

    /// Whether `frames` can be appended, all of them.
    pub(super) fn check(&self, frames: &[Frame], limits: &FrameLimits) -> Result<(), Error> {
        check_frames(frames, self.next(), self.last_term(), limits)
    }

    /// A frame that follows.
    pub(super) fn push(&mut self, header: &FrameHeader, seal: Seal) {
        debug_assert_eq!(seal.base, self.next());
        if self.last_term() != seal.term {
            self.terms.push_back((seal.base, seal.term));
        }
        if header.kind == FrameKind::Membership {
            self.memberships.push_back(seal.base);
        }
        self.last = Index::new(seal.base.get() + u64::from(header.count) - 1);
    }

    pub(super) fn cut_back(&mut self, keep_to: Index) {
        self.last = keep_to;
        while self.terms.back().is_some_and(|(begin, _)| *begin > keep_to) {
            self.terms.pop_back();
        }
        while self.memberships.back().is_some_and(|at| *at > keep_to) {
            self.memberships.pop_back();
        }
    }

    pub(super) fn cut_front(&mut self, first: Index) {
        self.first = first;
        // The term of `first` may have begun before it.
        while self.terms.get(1).is_some_and(|(begin, _)| *begin <= first) {
            self.terms.pop_front();
        }
        while self.memberships.front().is_some_and(|at| *at < first) {
            self.memberships.pop_front();
        }
    }
}

/// Whether all of `frames` can stand from `next` on, behind `term`.
pub(super) fn check_frames(
    frames: &[Frame],
    mut next: Index,
    mut term: Term,
    limits: &FrameLimits,
) -> Result<(), Error> {
    for frame in frames {
        check_follows(frame.seal(), next, term)?;
        let (len, max) = (frame.body().bytes().len(), limits.body_bytes());
        if len > max {
            return Err(Error::TooLarge { what: "frame", len, max });
        }
        (next, term) = (frame.last().index.next(), frame.term());
    }
    Ok(())
}

/// A frame stands at `next`, and no older term follows a newer one.
pub(super) fn check_follows(seal: Seal, next: Index, term: Term) -> Result<(), Error> {
    if seal.base != next {
        return Err(Error::OutOfOrder(format!("a frame from index {} on where {next} is next", seal.base)));
    }
    if seal.term < term {
        return Err(Error::OutOfOrder(format!(
            "a frame of term {} from index {next} on, behind term {term}",
            seal.term
        )));
    }
    Ok(())
}

/// `first - 1 <= keep_to`.
pub(super) fn check_keep_to(outline: &Outline, keep_to: Index) -> Result<(), Error> {
    if keep_to.next() < outline.first() {
        return Err(out_of_range(keep_to, outline.first().get() - 1, outline.last().get()));
    }
    Ok(())
}

/// `keep_from <= last + 1`.
pub(super) fn check_keep_from(outline: &Outline, keep_from: Index) -> Result<(), Error> {
    if keep_from > outline.next() {
        return Err(out_of_range(keep_from, outline.first().get(), outline.next().get()));
    }
    Ok(())
}

fn out_of_range(index: Index, first: u64, last: u64) -> Error {
    Error::OutOfRange { index: index.get(), first, last }
}

/// A cut that would go through a frame.
pub(super) fn inside_a_frame(keep_to: Index, base: Index, last: Index) -> Error {
    Error::OutOfOrder(format!("a cut behind index {keep_to} goes through the frame of {base} to {last}"))
}
