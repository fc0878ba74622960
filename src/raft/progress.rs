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
use std::time::Duration;

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
    /// What has to arrive.
    watched: Option<Watched>,
    /// The last round of heartbeats, and the last one before the probe that waits.
    pulsed: u64,
    probed: u64,
}

/// What was sent, and since when nothing of it has arrived. Time decides, not rounds of heartbeats: these
/// overtake frames, and reads start as many as they like.
#[derive(Clone, Copy, Debug)]
struct Watched {
    end: Index,
    received: Index,
    since: Tick,
}

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
            watched: None,
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
    pub(super) fn pulse(&mut self, round: u64, now: Tick) {
        self.pulsed = round;
        let is_complete = self.next == self.matched.next() || self.stage == Stage::Snapshot;
        if self.watched.is_none() && !is_complete {
            let (end, received) = (before(self.next), self.matched);
            self.watched = Some(Watched { end, received, since: now });
        }
    }

    /// It has the log up to `durable` for good and up to `received` for now. Returns whether `matched` rose.
    /// When nothing more has arrived for `patience`, what was sent counts as lost.
    pub(super) fn acknowledge(
        &mut self,
        (durable, received): (Index, Index),
        now: Tick,
        patience: Duration,
    ) -> bool {
        // A guess that was not confirmed yet stays one.
        if received.next() >= self.next && self.stage != Stage::Snapshot {
            self.stage = Stage::Replicate;
        }
        let rose = durable > self.matched;
        self.matched = self.matched.max(durable);
        self.next = self.next.max(received.next()).max(self.matched.next());
        self.inflights.free_to(durable);
        match &mut self.watched {
            Some(watched) if received >= watched.end => self.watched = None,
            Some(watched) if received > watched.received => {
                (watched.received, watched.since) = (received, now)
            }
            Some(watched) if now.since(watched.since) >= patience => self.retreat(received),
            _ => {}
        }
        rose
    }

    /// Starts over after `to`, or after what is known to be there.
    pub(super) fn retreat(&mut self, to: Index) {
        self.next = to.max(self.matched).next();
        self.stage = Stage::Probe { is_waiting: false };
        self.inflights.clear();
        self.watched = None;
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
        (1..=300).for_each(|round| peer.pulse(round, Tick::ZERO));
        peer.sent(Index::new(9), 100);
        (1..=300).for_each(|round| peer.nudge(round));
        assert_eq!(peer.stage, Stage::Probe { is_waiting: true });
        peer.pulse(301, Tick::ZERO);
        peer.nudge(301);
        assert_eq!(peer.stage, Stage::Probe { is_waiting: false }, "the probe was lost");
    }

    #[test]
    fn what_arrives_slowly_is_not_sent_again_and_what_does_not_is() {
        let patience = Duration::from_millis(150);
        let at = |millis| Tick::ZERO.after(Duration::from_millis(millis));
        let mut peer = Progress::new(Index::new(1), at(0));
        peer.stage = Stage::Replicate;
        (1..=9).for_each(|end| peer.sent(Index::new(end), 100));
        // Heartbeats overtake frames, and any number of reads starts rounds.
        for (round, millis) in (1..=600).zip(0..) {
            peer.pulse(round, at(millis));
            let received = Index::new(millis / 100);
            peer.acknowledge((Index::ORIGIN, received), at(millis), patience);
            assert_eq!((peer.next, peer.stage), (Index::new(10), Stage::Replicate), "after {millis} ms");
        }
        peer.acknowledge((Index::ORIGIN, Index::new(5)), at(700), patience);
        assert_eq!((peer.next, peer.stage), (Index::new(6), Stage::Probe { is_waiting: false }));
    }

    #[test]
    fn what_a_follower_has_and_does_not_know_any_more_is_sent_again() {
        let patience = Duration::from_millis(150);
        let mut peer = Progress::new(Index::new(1), Tick::ZERO);
        peer.acknowledge((Index::new(5), Index::new(10)), Tick::ZERO, patience);
        assert_eq!((peer.next, peer.inflights.bytes()), (Index::new(11), 0));
        peer.pulse(1, Tick::ZERO);
        let late = Tick::ZERO.after(patience);
        peer.acknowledge((Index::new(5), Index::new(5)), late, patience);
        assert_eq!(peer.next, Index::new(6));
    }
}
