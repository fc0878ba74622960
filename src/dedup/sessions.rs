//! Sessions, and which numbers of each were there.
//!
//! # Invariants
//! The runs of a session are ascending and neither overlap nor touch, all of them from `from` on. The order of use
//! holds each session once.

use super::Why;
use crate::types::UnixNanos;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Runs of numbers that a session remembers: one more than the gaps in which late ones may still come. Each
/// request under way of a producer can leave one.
pub const RUNS_MAX: usize = 64;

/// Numbers from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Run {
    /// The numbers in both, if any.
    fn overlap(self, other: Self) -> Option<Self> {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        (both.first <= both.last).then_some(both)
    }
}

/// What a producer did under one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Session {
    /// Of lower numbers nothing is known any more.
    pub(super) from: u64,
    /// Log time of its last entry.
    pub(super) used: UnixNanos,
    pub(super) runs: Vec<Run>,
}

impl Session {
    /// Remembers all numbers of `wanted`; tells, ascending, which of them are to be left out.
    pub(super) fn take(&mut self, mut wanted: Run, mut leave_out: impl FnMut(Run, Why)) {
        if wanted.first < self.from {
            let last = wanted.last.min(self.from - 1);
            leave_out(Run { first: wanted.first, last }, Why::Stale);
            if last == wanted.last {
                return;
            }
            wanted.first = self.from;
        }
        let begin = self.runs.partition_point(|run| run.last.saturating_add(1) < wanted.first);
        let near = self.runs[begin..].partition_point(|run| run.first <= wanted.last.saturating_add(1));
        let mut merged = wanted;
        for run in &self.runs[begin..begin + near] {
            if let Some(part) = run.overlap(wanted) {
                leave_out(part, Why::Repeated);
            }
            merged = Run { first: merged.first.min(run.first), last: merged.last.max(run.last) };
        }
        if near == 0 {
            self.runs.insert(begin, merged);
        } else {
            self.runs[begin] = merged;
            self.runs.drain(begin + 1..begin + near);
        }
        if self.runs.len() > RUNS_MAX {
            self.runs.remove(0);
            self.from = self.runs[0].first;
        }
    }
}

/// All sessions.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    by_number: BTreeMap<u64, Session>,
    /// By last use, then number.
    by_use: BTreeSet<(UnixNanos, u64)>,
    pushed_out: u64,
}

impl Sessions {
    /// The session, which is used now. A new one takes the place of the one that is unused for longest when there
    /// are `max`.
    pub(super) fn touch(&mut self, number: u64, now: UnixNanos, max: u32) -> &mut Session {
        let is_new = !self.by_number.contains_key(&number);
        if is_new && self.by_number.len() >= max as usize {
            self.pushed_out += 1;
            if let Some((_, idle)) = self.by_use.pop_first() {
                self.by_number.remove(&idle);
            }
        }
        let session = self.by_number.entry(number).or_default();
        if is_new || session.used != now {
            self.by_use.remove(&(session.used, number));
            self.by_use.insert((now, number));
            session.used = now;
        }
        session
    }

    /// Forgets those that are unused for longer than `time_to_live`.
    pub(super) fn expire(&mut self, now: UnixNanos, time_to_live: Duration) {
        while let Some((used, number)) = self.by_use.first().copied()
            && used.after(time_to_live) < now
        {
            self.by_use.pop_first();
            self.by_number.remove(&number);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(super) const fn pushed_out(&self) -> u64 {
        self.pushed_out
    }

    /// Ascending by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Session)> {
        self.by_number.iter().map(|(number, session)| (*number, session))
    }

    /// One that was there in an encoded state.
    pub(super) fn restore(&mut self, number: u64, session: Session) {
        self.by_use.insert((session.used, number));
        self.by_number.insert(number, session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(session: &mut Session, first: u64, last: u64) -> Vec<(u64, u64, Why)> {
        let mut left_out = Vec::new();
        session.take(Run { first, last }, |run, why| left_out.push((run.first, run.last, why)));
        left_out
    }

    #[test]
    fn numbers_that_come_late_are_fresh_once() {
        let mut session = Session::default();
        assert_eq!(take(&mut session, 1, 10), []);
        assert_eq!(take(&mut session, 21, 30), []);
        assert_eq!(take(&mut session, 5, 25), [(5, 10, Why::Repeated), (21, 25, Why::Repeated)]);
        assert_eq!(session.runs, [Run { first: 1, last: 30 }]);
        assert_eq!(take(&mut session, 0, 0), []);
        assert_eq!(take(&mut session, u64::MAX, u64::MAX), []);
        assert_eq!(take(&mut session, u64::MAX, u64::MAX), [(u64::MAX, u64::MAX, Why::Repeated)]);
        assert_eq!(session.runs.len(), 2);
    }

    #[test]
    fn a_gap_too_many_closes_the_lowest_one() {
        let mut session = Session::default();
        for number in 0..=RUNS_MAX as u64 {
            assert_eq!(take(&mut session, number * 10, number * 10), []);
        }
        assert_eq!((session.runs.len(), session.from), (RUNS_MAX, 10));
        assert_eq!(take(&mut session, 0, 11), [(0, 9, Why::Stale), (10, 10, Why::Repeated)]);
        assert_eq!(take(&mut session, 3, 4), [(3, 4, Why::Stale)]);
    }
}
