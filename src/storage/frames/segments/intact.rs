//! Which entries of a damaged log are there, and their terms: what says that the frames of a peer join it.
//!
//! # Model
//! A run is as many entries as follow each other with one term, whatever frames and files they are in.

use crate::frame::{FrameHeader, Seal};
use crate::types::{Index, Term};

#[derive(Debug)]
struct Run {
    first: Index,
    last: Index,
    term: Term,
}

/// Runs, ascending.
#[derive(Debug, Default)]
pub(super) struct Intact(Vec<Run>);

impl Intact {
    /// A frame that is what was written, behind those before.
    pub(super) fn push(&mut self, header: &FrameHeader, Seal { base, term, .. }: Seal) {
        let last = base.forward(u64::from(header.count) - 1);
        match self.0.last_mut() {
            Some(run) if run.term == term && run.last.next() == base => run.last = last,
            _ => self.0.push(Run { first: base, last, term }),
        }
    }

    /// Term of an entry that is there.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        let run = self.0.get(self.0.partition_point(|run| run.last < index))?;
        (run.first <= index).then_some(run.term)
    }

    /// Term of the last entry that is there.
    pub(super) fn last_term(&self) -> Term {
        self.0.last().map_or(Term::ORIGIN, |run| run.term)
    }

    /// The last entry that is there.
    pub(super) fn last(&self) -> Index {
        self.0.last().map_or(Index::ORIGIN, |run| run.last)
    }
}
