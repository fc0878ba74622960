//! Repetitions in the replicated log: which entries were there before, decided by the log alone.
//!
//! # Model
//! ```text
//! frames in order --admit--> Admission: which entries are left out, and why
//!                     |
//!   session -> numbers that were there, as runs      expires unused, by log time
//!   id      -> when it was first there               expires after its first time, by log time
//! ```
//! An entry names itself by its [`Origin`], a session and a number in it, or by an id of 32 bytes, or both, or
//! not at all. A session is a window rather than a highest number (Raft thesis §6.3): who has several requests
//! under way has them in any order when leaders change, and a number that came late is not a repetition.
//!
//! # Invariants
//! D1 the state is a function of the frames: neither a clock nor chance nor the order of a hash map has a part in
//! it. So all nodes decide alike, and so does each later leader. D2 of the entries with one identity the first one
//! is fresh and each one after it is not, while the identity is remembered. An entry with both identities is fresh if
//! neither was there, and stands for both from then on, left out as repeated or not: a producer that uses a number again
//! for something else burns the id that it gives with it. D3 equal states have equal bytes.
//! D4 the state is within [`DedupLimits`], whatever the log says.
//!
//! # Limits
//! [`DedupLimits`] and [`RUNS_MAX`]. What they push out: the session that is unused for longest, the oldest id, the
//! lowest gap of a session. Numbers below a gap that was closed are *stale*: nobody knows any more, so they are
//! left out, and the caller is told so. A repetition of what was pushed out or has expired counts as fresh: a
//! producer must not repeat later than `time_to_live`. A leader whose clock jumps far ahead expires everything.
//!
//! # Caller contract
//! [`Dedup::admit`] takes every committed frame, from the first one of the log or from where a decoded state
//! ends, without gaps. The limits belong to the cluster, like its id: the same on all nodes, never changed.
//!
//! # Source
//! Ongaro, Consensus: Bridging Theory and Practice (2014), §6.3.

mod admission;
#[cfg(test)]
mod dedup_test;
mod ids;
mod sessions;
mod state;

pub use admission::{Admission, LeftOut, Why};
pub use sessions::RUNS_MAX;

use crate::frame::{Frame, FrameKind, Origin};
use crate::types::{Index, UnixNanos};
use ids::Ids;
use sessions::{Run, Sessions};
use std::time::Duration;

/// Most sessions that any limit may allow.
pub const SESSIONS_CEILING: u32 = 1 << 20;
/// Most ids that any limit may allow.
pub const IDS_CEILING: u32 = 1 << 24;

/// How much is remembered, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DedupLimits {
    /// A session lives so long after its last entry, an id after its first one, in log time. Too short, and a
    /// producer that was away repeats what was applied.
    pub time_to_live: Duration,
    /// Sessions; 1 to [`SESSIONS_CEILING`]. Each takes about 150 bytes, and up to 1 KiB more with gaps.
    pub sessions_max: u32,
    /// Ids; 1 to [`IDS_CEILING`]. Each takes about 100 bytes.
    pub ids_max: u32,
}

impl Default for DedupLimits {
    fn default() -> Self {
        Self { time_to_live: Duration::from_secs(3_600), sessions_max: 1 << 16, ids_max: 1 << 18 }
    }
}

impl DedupLimits {
    /// Whether they can be.
    ///
    /// # Errors
    /// The first limit that cannot, in words.
    pub fn check(&self) -> Result<(), &'static str> {
        let rules = [
            (self.time_to_live.is_zero(), "time_to_live is 0"),
            (self.sessions_max == 0, "sessions_max is 0"),
            (self.sessions_max > SESSIONS_CEILING, "sessions_max is above 1,048,576"),
            (self.ids_max == 0, "ids_max is 0"),
            (self.ids_max > IDS_CEILING, "ids_max is above 16,777,216"),
        ];
        rules.into_iter().find(|(is_broken, _)| *is_broken).map_or(Ok(()), |(_, rule)| Err(rule))
    }
}

/// What is remembered.
#[derive(Clone, Debug)]
pub struct Dedup {
    limits: DedupLimits,
    /// The last entry that was admitted, and its log time.
    upto: Index,
    time: UnixNanos,
    sessions: Sessions,
    ids: Ids,
}

impl Dedup {
    /// Nothing is remembered: the state before the first entry of a log.
    pub fn new(limits: DedupLimits) -> Self {
        let (upto, time) = (Index::ORIGIN, UnixNanos::default());
        Self { limits, upto, time, sessions: Sessions::default(), ids: Ids::default() }
    }

    /// What it was made with.
    pub const fn limits(&self) -> &DedupLimits {
        &self.limits
    }

    /// The next committed frame: which of its entries are repetitions. From here on they all are.
    ///
    /// # Panics
    /// When the frame does not stand behind the one before.
    pub fn admit(&mut self, frame: &Frame) -> Admission {
        self.admit_at(frame, frame.time())
    }

    /// As [`Self::admit`], by a time that the caller says: for simulated hosts that make a mistake.
    pub(crate) fn admit_at(&mut self, frame: &Frame, time: UnixNanos) -> Admission {
        assert_eq!(frame.base(), self.upto.next(), "every frame, in order");
        self.upto = frame.last().index;
        self.time = self.time.max(time);
        self.sessions.expire(self.time, self.limits.time_to_live);
        self.ids.expire(self.time, self.limits.time_to_live);
        let header = frame.body().header();
        let mut admission = Admission::default();
        if frame.kind() != FrameKind::Entries || !header.has_identities() {
            return admission;
        }
        match header.origin {
            Origin { session: 1.., .. } if !header.has_ids() => {
                self.admit_run(header.origin, frame.count(), &mut admission);
            }
            _ => self.admit_each(frame, &mut admission),
        }
        admission
    }

    /// All of one session, one behind the other: as much work as for one entry.
    fn admit_run(&mut self, origin: Origin, count: u32, admission: &mut Admission) {
        let first = origin.sequence;
        let run = Run { first, last: first + u64::from(count - 1) };
        let session = self.sessions.touch(origin.session, self.time, self.limits.sessions_max);
        session.take(run, |part, why| {
            // Within the run, whose length is a count of entries.
            let at = |sequence: u64| (sequence - first) as u32;
            admission.leave_out(at(part.first), at(part.last) - at(part.first) + 1, why);
        });
    }

    fn admit_each(&mut self, frame: &Frame, admission: &mut Admission) {
        for (at, entry) in (0..).zip(frame.entries()) {
            let mut why = None;
            let Origin { session, sequence } = entry.origin;
            if session != 0 {
                let session = self.sessions.touch(session, self.time, self.limits.sessions_max);
                session.take(Run { first: sequence, last: sequence }, |_, found| why = Some(found));
            }
            // What nobody knows is not applied, so its id is not one that was there.
            if let Some(id) = entry.id.filter(|_| why != Some(Why::Stale))
                && !self.ids.insert(id, self.time, self.limits.ids_max)
            {
                why = Some(Why::Repeated);
            }
            if let Some(why) = why {
                admission.leave_out(at, 1, why);
            }
        }
    }

    /// The last entry that was admitted.
    pub const fn upto(&self) -> Index {
        self.upto
    }

    /// Sessions that are remembered.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Ids that are remembered.
    pub fn ids(&self) -> usize {
        self.ids.len()
    }

    /// Sessions and ids that made room before their time, since this value was made. More than a few say that
    /// a limit is too low for the load.
    pub const fn pushed_out(&self) -> u64 {
        self.sessions.pushed_out() + self.ids.pushed_out()
    }
}
