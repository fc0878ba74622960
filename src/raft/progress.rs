//! What a leader knows of one follower's log, and what is on its way there.
//!
//! # Model
//! ```text
//! Probe --Matched--> Replicate          Probe: one append at a time, until it is known where both logs meet
//!   ^  ^--Conflict, lost, broken link--'   Replicate: appends follow each other without waiting
//!   |                                       Snapshot: needs what the log has forgotten
//!   `--SnapshotSent-- Snapshot <--compacted-- Probe, Replicate
//! ```
//!
//! # Invariants
//! P1 matched < next. P2 what is on its way is within the limits, or a single append.

use super::log::before;
use crate::types::{Index, Tick};
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Probe {
        /// An append is on its way; the answer, or that of a heartbeat, allows the next one.
        is_waiting: bool,
    },
    Replicate,
    Snapshot,
}

/// Appends that were sent and not answered.
#[derive(Debug, Default)]
pub(super) struct Inflights {
    ends: VecDeque<(Index, usize)>,
    bytes: usize,
}

impl Inflights {
    pub(super) fn has_room(&self, appends_max: usize, bytes_max: usize) -> bool {
        self.ends.is_empty() || (self.ends.len() < appends_max && self.bytes < bytes_max)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn add(&mut self, end: Index, bytes: usize) {
        self.ends.push_back((end, bytes));
        self.bytes += bytes;
    }

    fn free_to(&mut self, index: Index) {
        while self.ends.front().is_some_and(|(end, _)| *end <= index) {
            self.bytes -= self.ends.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.bytes = 0;
    }
}

#[derive(Debug)]
pub(super) struct Progress {
    /// Everything up to here is durable there.
    pub(super) matched: Index,
    /// What to send next.
    pub(super) next: Index,
    pub(super) stage: Stage,
    pub(super) inflights: Inflights,
    /// Frames were asked of the disk.
    pub(super) is_fetching: bool,
    /// When it last answered.
    pub(super) heard: Tick,
    /// The last heartbeat that it answered.
    pub(super) round: u64,
    /// Had been sent when that round began; not there two rounds later means lost.
    sent: Option<(u64, Index)>,
    /// The last round of heartbeats, and the last one before the probe that waits.
    pulsed: u64,
    probed: u64,
}

/// Rounds after which what was sent before should be there.
const ROUNDS_MAX: u64 = 2;

impl Progress {
    /// Nothing is known; a first guess is that it has everything before `next`.
    pub(super) fn new(next: Index, now: Tick) -> Self {
        Self {
            matched: Index::ORIGIN,
            next,
            stage: Stage::Probe { is_waiting: false },
            inflights: Inflights::default(),
            is_fetching: false,
            heard: now,
            round: 0,
            sent: None,
            pulsed: 0,
            probed: 0,
        }
    }

    /// Frames up to `end` were sent.
    pub(super) fn sent(&mut self, end: Index, bytes: usize) {
        self.next = end.next();
        self.inflights.add(end, bytes);
        if let Stage::Probe { .. } = self.stage {
            self.wait();
        }
    }

    /// Nothing more is sent before an answer comes, to this or to a later heartbeat.
    pub(super) const fn wait(&mut self) {
        self.stage = Stage::Probe { is_waiting: true };
        self.probed = self.pulsed;
    }

    /// A round of heartbeats begins.
    pub(super) fn pulse(&mut self, round: u64) {
        self.pulsed = round;
        if self.sent.is_none() && !self.inflights.ends.is_empty() {
            self.sent = Some((round, before(self.next)));
        }
    }

    /// It has the log up to `durable` for good and up to `received` for now. Returns whether `matched` rose.
    pub(super) fn acknowledge(&mut self, durable: Index, received: Index, round: u64) -> bool {
        // A guess that was not confirmed yet stays one.
        if received.next() >= self.next && self.stage != Stage::Snapshot {
            self.stage = Stage::Replicate;
        }
        let rose = durable > self.matched;
        self.matched = self.matched.max(durable);
        self.next = self.next.max(received.next()).max(self.matched.next());
        self.inflights.free_to(durable);
        match self.sent {
            Some((_, end)) if received >= end => self.sent = None,
            Some((began, _)) if round >= began + ROUNDS_MAX => self.retreat(received),
            _ => {}
        }
        rose
    }

    /// Starts over after `to`, or after what is known to be there.
    pub(super) fn retreat(&mut self, to: Index) {
        self.next = to.max(self.matched).next();
        self.stage = Stage::Probe { is_waiting: false };
        self.inflights.clear();
        self.sent = None;
    }

    /// It has to wait for a snapshot.
    pub(super) fn await_snapshot(&mut self) {
        self.retreat(self.matched);
        self.stage = Stage::Snapshot;
    }

    /// A heartbeat was answered that was sent after the probe: whatever that waits for, it need not any longer.
    /// Answers to earlier ones may come in hundreds when a link works again; each would send the probe anew.
    pub(super) const fn nudge(&mut self, round: u64) {
        if let Stage::Probe { is_waiting } = &mut self.stage
            && round > self.probed
        {
            *is_waiting = false;
        }
    }

    /// P1.
    pub(super) fn fault(&self) -> Option<&'static str> {
        (self.matched >= self.next).then_some("matched is before next (P1)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_old_answers_sends_a_probe_once() {
        let mut peer = Progress::new(Index::new(5), Tick::ZERO);
        (1..=300).for_each(|round| peer.pulse(round));
        peer.sent(Index::new(9), 100);
        (1..=300).for_each(|round| peer.nudge(round));
        assert_eq!(peer.stage, Stage::Probe { is_waiting: true });
        peer.pulse(301);
        peer.nudge(301);
        assert_eq!(peer.stage, Stage::Probe { is_waiting: false }, "the probe was lost");
    }
}
