//! When the next block is due: drift compensation against an anchor, and re-anchoring.
//!
//! # Model
//! ```text
//! target(h)  = anchor time + (h - anchor height) * interval
//! start(h+1) = target(h+1), but no nearer to start(h) than 0.9 and no farther than 1.1 intervals,
//!              and never before now
//! ```
//! A late block is caught up by a tenth of an interval per block. Behind by more than five intervals the
//! schedule forgets the past: the anchor moves to now.
//!
//! # Source
//! The stable block time of beacon-kit; a fixed schedule broke under clock skew elsewhere.

use crate::types::{Height, Tick};
use std::time::Duration;

/// Behind by more than this many intervals: re-anchor.
const REANCHOR_INTERVALS: u32 = 5;
/// A correction is at most one part in so many of an interval.
const CORRECTION_PART: u32 = 10;

/// The schedule of one chain.
#[derive(Clone, Debug)]
pub struct Schedule {
    interval: Duration,
    anchor: (Height, Tick),
    last: (Height, Tick),
    reanchors: u64,
}

impl Schedule {
    /// `height` is the tip at `now`; the next block is due one interval later.
    pub const fn new(interval: Duration, height: Height, now: Tick) -> Self {
        Self { interval, anchor: (height, now), last: (height, now), reanchors: 0 }
    }

    /// When the block after the last started one is due.
    pub fn next_start(&self, now: Tick) -> Tick {
        let correction = self.interval / CORRECTION_PART;
        let target = self.target(self.last.0.next());
        let earliest = self.last.1.after(self.interval - correction);
        let latest = self.last.1.after(self.interval + correction);
        target.clamp(earliest, latest).max(now)
    }

    /// Notes that `height` was started at `now`.
    pub fn started(&mut self, height: Height, now: Tick) {
        self.last = (height, now);
        if now.since(self.target(height)) > self.interval * REANCHOR_INTERVALS {
            self.anchor = (height, now);
            self.reanchors += 1;
        }
    }

    /// How far the last started block was from its target: positive when late.
    pub fn drift_nanos(&self) -> i64 {
        let target = self.target(self.last.0);
        let late = self.last.1.since(target).as_nanos();
        let early = target.since(self.last.1).as_nanos();
        let clamp = |nanos: u128| i64::try_from(nanos).unwrap_or(i64::MAX);
        clamp(late) - clamp(early)
    }

    /// How often the schedule gave up catching up.
    pub const fn reanchors(&self) -> u64 {
        self.reanchors
    }

    fn target(&self, height: Height) -> Tick {
        let blocks = height.get().saturating_sub(self.anchor.0.get());
        let nanos = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX).saturating_mul(blocks);
        self.anchor.1.after(Duration::from_nanos(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(3);

    fn at(millis: u64) -> Tick {
        Tick::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn on_time_blocks_keep_the_interval() {
        let mut schedule = Schedule::new(INTERVAL, Height::ORIGIN, at(0));
        for height in 1..=100 {
            let start = schedule.next_start(at(0));
            assert_eq!(start, at(3_000 * height));
            schedule.started(Height::new(height), start);
        }
        assert_eq!((schedule.drift_nanos(), schedule.reanchors()), (0, 0));
    }

    #[test]
    fn a_late_block_is_caught_up_by_a_tenth_of_an_interval_per_block() {
        let mut schedule = Schedule::new(INTERVAL, Height::ORIGIN, at(0));
        schedule.started(Height::new(1), at(4_000));
        assert_eq!(schedule.drift_nanos(), 1_000_000_000);
        let mut starts = vec![at(4_000)];
        for height in 2..=6 {
            let start = schedule.next_start(at(0));
            schedule.started(Height::new(height), start);
            starts.push(start);
        }
        assert_eq!(starts[1..], [at(6_700), at(9_400), at(12_100), at(15_000), at(18_000)]);
        assert_eq!(schedule.drift_nanos(), 0);
    }

    #[test]
    fn behind_by_more_than_five_intervals_the_anchor_moves() {
        let mut schedule = Schedule::new(INTERVAL, Height::ORIGIN, at(0));
        schedule.started(Height::new(1), at(18_000));
        assert_eq!(schedule.reanchors(), 0);
        schedule.started(Height::new(1), at(18_001));
        assert_eq!((schedule.reanchors(), schedule.drift_nanos()), (1, 0));
        assert_eq!(schedule.next_start(at(18_001)), at(21_001));
    }

    #[test]
    fn a_block_is_never_due_in_the_past() {
        let schedule = Schedule::new(INTERVAL, Height::ORIGIN, at(0));
        assert_eq!(schedule.next_start(at(10_000)), at(10_000));
    }
}
