//! Ids that entries carried, each with the log time at which it was first there.
//!
//! # Invariants
//! Both collections hold the same ids; the times in the queue never decrease, since log time does not.

use crate::frame::ENTRY_ID_BYTES;
use crate::types::UnixNanos;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

pub(super) type Id = [u8; ENTRY_ID_BYTES];

#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    /// Only asked, never walked: its order is not the log's.
    known: HashSet<Id>,
    /// The oldest first.
    by_age: VecDeque<(UnixNanos, Id)>,
    pushed_out: u64,
}

impl Ids {
    /// Whether it is new; from here on it is not. The oldest makes room when there are `max`.
    pub(super) fn insert(&mut self, id: &Id, now: UnixNanos, max: u32) -> bool {
        if !self.known.insert(*id) {
            return false;
        }
        self.by_age.push_back((now, *id));
        if self.by_age.len() > max as usize {
            self.pushed_out += 1;
            self.forget_oldest();
        }
        true
    }

    fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.by_age.pop_front() {
            self.known.remove(&id);
        }
    }

    /// Forgets those that were first there longer than `time_to_live` ago.
    pub(super) fn expire(&mut self, now: UnixNanos, time_to_live: Duration) {
        while self.by_age.front().is_some_and(|(first, _)| first.after(time_to_live) < now) {
            self.forget_oldest();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_age.len()
    }

    pub(super) const fn pushed_out(&self) -> u64 {
        self.pushed_out
    }

    /// The oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &(UnixNanos, Id)> {
        self.by_age.iter()
    }
}
