//! How long to wait for what, from measured round trips.
//!
//! # Model
//! `d` is what a round trip to a slow quorum takes: an average of each peer's, plus four deviations; the slowest validators of
//! less power than it takes to keep a quorum from answering do not matter, so liars cannot slow the others down.
//!
//! | wait | span |
//! |---|---|
//! | view | interval + 4 d + execution; doubled from the fourth failed view in a row on, to 64 times at most |
//! | new view | 4 d, doubled with each failed view in a row, to 64 times at most |
//! | again | half of the undoubled view wait |
//! | fast | twice the usual time from a slow to a fast quorum of prepares; 5 ms to d / 2 |
//!
//! # Source
//! RFC 6298 for averages and deviations of round trips.

use super::Settings;
use crate::types::ValidatorIndex;
use std::collections::BTreeMap;
use std::time::Duration;

/// No round trip counts as more.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(10);
/// The fast path is waited for at least so long.
const FAST_MIN: Duration = Duration::from_millis(5);
/// So many views may fail in a row before they get longer.
const PATIENT_VIEWS: u32 = 3;
/// Spans are doubled no more often.
const DOUBLINGS_MAX: u32 = 6;

/// Average and mean deviation of a peer's round trips, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Trip {
    average: u64,
    deviation: u64,
}

/// Measured times, and the spans that follow from them.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    trips: BTreeMap<ValidatorIndex, Trip>,
    /// From a slow quorum of prepares to a fast one, on average.
    gap: Option<Duration>,
    /// Views in a row that made nothing final.
    failures: u32,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { trips: BTreeMap::new(), gap: None, failures: 0 }
    }

    /// One more round trip to a peer of the set.
    pub(super) fn round_trip(&mut self, peer: ValidatorIndex, took: Duration) {
        let took = nanos(took.min(ROUND_TRIP_MAX));
        self.trips
            .entry(peer)
            .and_modify(|trip| {
                let off = took.abs_diff(trip.average);
                trip.deviation = (3 * trip.deviation + off) / 4;
                trip.average = (7 * trip.average + took) / 8;
            })
            .or_insert(Trip { average: took, deviation: took / 8 });
    }

    /// The fast quorum came `gap` after the slow one.
    pub(super) fn fast_came_after(&mut self, gap: Duration) {
        let gap = gap.min(ROUND_TRIP_MAX);
        self.gap = Some(self.gap.map_or(gap, |before| (before * 9 + gap) / 10));
    }

    /// A view ended without anything final.
    pub(super) const fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Something became final.
    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// What it takes to hear from a slow quorum: `d`.
    pub(super) fn round_trip_of_quorum(&self, settings: &Settings) -> Duration {
        let unknown = nanos(settings.round_trip);
        let mut spans: Vec<(u64, ValidatorIndex)> = (0..settings.powers.places())
            .map(|place| ValidatorIndex::new(place as u16))
            .filter(|peer| Some(*peer) != settings.place)
            .map(|peer| {
                (self.trips.get(&peer).map_or(unknown, |trip| trip.average + 4 * trip.deviation), peer)
            })
            .collect();
        spans.sort_unstable();
        let own = settings.place.and_then(|place| settings.powers.of(place)).unwrap_or(0);
        let mut heard = u128::from(own);
        for (span, peer) in spans {
            heard += u128::from(settings.powers.of(peer).unwrap_or(0));
            if heard >= settings.powers.thresholds().slow() {
                return Duration::from_nanos(span);
            }
        }
        settings.round_trip
    }

    pub(super) fn view(&self, settings: &Settings) -> Duration {
        let doublings = self.failures.saturating_sub(PATIENT_VIEWS).min(DOUBLINGS_MAX);
        self.patience(settings) * (1 << doublings)
    }

    pub(super) fn new_view(&self, settings: &Settings) -> Duration {
        self.round_trip_of_quorum(settings) * 4 * (1 << self.failures.min(DOUBLINGS_MAX))
    }

    pub(super) fn again(&self, settings: &Settings) -> Duration {
        self.patience(settings) / 2
    }

    pub(super) fn fast(&self, settings: &Settings) -> Duration {
        let round_trip = self.round_trip_of_quorum(settings);
        let longest = (round_trip / 2).max(FAST_MIN);
        self.gap.map_or(longest, |gap| (gap * 2).clamp(FAST_MIN, longest))
    }

    fn patience(&self, settings: &Settings) -> Duration {
        settings.interval + self.round_trip_of_quorum(settings) * 4 + settings.execution
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bft::{Config, Powers, Tip};

    const MS: Duration = Duration::from_millis(1);

    fn settings() -> Settings {
        let config = Config {
            place: Some(ValidatorIndex::new(0)),
            powers: Powers::new(vec![1; 4], 0).expect("they have power"),
            base: Tip::default(),
            window: 8,
            interval: 1_000 * MS,
            execution: 100 * MS,
            round_trip: 100 * MS,
        };
        config.build().expect("it can be")
    }

    fn steady(pace: &mut Pace, peer: u16, took: Duration) {
        (0..200).for_each(|_| pace.round_trip(ValidatorIndex::new(peer), took));
    }

    #[test]
    fn the_slowest_that_no_quorum_needs_does_not_count() {
        let mut pace = Pace::new();
        steady(&mut pace, 1, 10 * MS);
        steady(&mut pace, 2, 20 * MS);
        assert_eq!(pace.round_trip_of_quorum(&settings()), 20 * MS);
        steady(&mut pace, 3, Duration::from_secs(3_600));
        assert_eq!(pace.round_trip_of_quorum(&settings()), 20 * MS);
        assert_eq!(pace.view(&settings()), 1_180 * MS);
        assert_eq!(pace.again(&settings()), 590 * MS);
    }

    #[test]
    fn what_was_not_measured_is_taken_for_what_was_configured() {
        assert_eq!(Pace::new().round_trip_of_quorum(&settings()), 100 * MS);
        assert_eq!(Pace::new().fast(&settings()), 50 * MS);
    }

    #[test]
    fn views_get_longer_from_the_fourth_failure_on_and_short_again_with_success() {
        let mut pace = Pace::new();
        let (mut views, mut new_views) = (Vec::new(), Vec::new());
        for _ in 0..12 {
            views.push(pace.view(&settings()) / 1_500);
            new_views.push(pace.new_view(&settings()) / 400);
            pace.failed();
        }
        let expected = |units: [u32; 12]| units.map(|unit| MS * unit).to_vec();
        assert_eq!(views, expected([1, 1, 1, 1, 2, 4, 8, 16, 32, 64, 64, 64]));
        assert_eq!(new_views, expected([1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64]));
        pace.succeeded();
        assert_eq!(pace.view(&settings()), 1_500 * MS);
    }

    #[test]
    fn the_fast_path_is_waited_for_as_long_as_it_usually_takes() {
        let mut pace = Pace::new();
        pace.fast_came_after(10 * MS);
        assert_eq!(pace.fast(&settings()), 20 * MS);
        (0..100).for_each(|_| pace.fast_came_after(MS));
        assert_eq!(pace.fast(&settings()), 5 * MS);
        (0..100).for_each(|_| pace.fast_came_after(1_000 * MS));
        assert_eq!(pace.fast(&settings()), 50 * MS);
    }
}
