//! Runs of handles that one cell carries.
//!
//! # Model
//! ```text
//! cell -> first handle -> link[first] -> link[second] -> ... -> END        2 to 32 handles; one has link END
//! ```
//! # Invariants
//! C1 the links of a run are written before its first handle is published, by who owns all its handles.
//! C2 the consumer reads a handle's link before it hands that handle out; afterwards the next owner writes it.
//! C3 the last link of every run is END, so every walk ends, unless two producers use the same handle at the
//!    same time. A run that names a handle twice loses what stands between the two; a link always lies in the table's own range of numbers.

use crate::pool::RUN_MAX;
use crate::sync::atomic::{AtomicU32, Ordering};

/// Nothing follows.
pub(super) const END: u32 = u32::MAX;

/// Which handle follows which. Empty when the queue has no runs.
#[derive(Debug)]
pub(super) struct Links(Box<[AtomicU32]>);

impl Links {
    /// For handles below `handles`.
    pub(super) fn new(handles: usize) -> Self {
        Self((0..handles).map(|_| AtomicU32::new(END)).collect())
    }

    #[inline]
    pub(super) fn are_used(&self) -> bool {
        !self.0.is_empty()
    }

    /// Makes a run of the handles, which the caller is about to publish by the first of them. All are in
    /// range.
    #[inline]
    pub(super) fn join(&self, run: &[u32]) {
        debug_assert!(!run.is_empty() && run.len() <= RUN_MAX);
        // Relaxed, here and below: the swap that publishes the first handle carries them to the consumer
        // (C1), and whatever brings a handle back to a producer carries the consumer's look (C2).
        for pair in run.windows(2) {
            self.0[pair[0] as usize].store(pair[1], Ordering::Relaxed);
        }
        self.0[run[run.len() - 1] as usize].store(END, Ordering::Relaxed);
    }

    /// What follows a handle that the caller has taken and not handed out yet.
    #[inline]
    pub(super) fn after(&self, handle: u32) -> u32 {
        if self.are_used() { self.0[handle as usize].load(Ordering::Relaxed) } else { END }
    }
}
