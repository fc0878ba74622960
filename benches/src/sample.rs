//! Figures of repetitions, and the order in which sides take turns.

use crate::AnyError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The middle half of the repetitions: from the first quartile to the third.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// First quartile.
    pub(crate) low: f64,
    /// Third quartile.
    pub(crate) high: f64,
}

/// What is said about one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) spread: Spread,
    pub(crate) repetitions: usize,
}

impl Summary {
    /// `None` without values.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let spread = Spread { low: quantile(&sorted, 0.25)?, high: quantile(&sorted, 0.75)? };
        Some(Self { median: quantile(&sorted, 0.5)?, spread, repetitions: values.len() })
    }
}

/// The value at `share` of an ascending list, between two neighbours when it falls there.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor()))
}

/// Figures by scenario and side, one for each round, and the version of each side.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    values: BTreeMap<(String, String), Vec<f64>>,
    versions: BTreeMap<String, String>,
    stalls: BTreeMap<(String, String), usize>,
}

impl Samples {
    /// Adds the figure of one round.
    pub(crate) fn add(&mut self, scenario: &str, side: &str, value: f64) {
        self.values.entry((scenario.to_owned(), side.to_owned())).or_default().push(value);
    }

    /// Notes that time ran out for a side in one round.
    pub(crate) fn note_stall(&mut self, scenario: &str, side: &str) {
        *self.stalls.entry((scenario.to_owned(), side.to_owned())).or_default() += 1;
    }

    /// Rounds in which time ran out for a side.
    pub(crate) fn stalls(&self, scenario: &str, side: &str) -> usize {
        self.stalls.get(&(scenario.to_owned(), side.to_owned())).copied().unwrap_or(0)
    }

    /// Notes which version of a side was measured.
    pub(crate) fn set_version(&mut self, side: &str, version: &str) {
        self.versions.insert(side.to_owned(), version.to_owned());
    }

    /// The figures of a side, in the order of the rounds.
    pub(crate) fn values(&self, scenario: &str, side: &str) -> Result<&[f64], AnyError> {
        let key = (scenario.to_owned(), side.to_owned());
        let values = self.values.get(&key).ok_or_else(|| format!("{scenario}: no figure of '{side}'"))?;
        Ok(values)
    }

    /// The version of a side.
    pub(crate) fn version(&self, side: &str) -> Result<&str, AnyError> {
        Ok(self.versions.get(side).ok_or_else(|| format!("'{side}' did not say its version"))?)
    }
}

/// In which order `sides` take their turns in a round. Each round begins with the next one, so that none
/// always runs in the wake of the same other. This is why no benchmark library drives the rounds: those at
/// hand finish one side before they begin the next.
pub(crate) fn turns(sides: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..sides).map(move |turn| (turn + round) % sides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let summary = Summary::of(&[4.0, 1.0, 3.0, 2.0]).expect("four values");
        assert!((summary.median - 2.5).abs() < 1e-12);
        assert_eq!(summary.spread, Spread { low: 1.75, high: 3.25 });
        assert_eq!(summary.repetitions, 4);
    }

    #[test]
    fn one_outlier_moves_neither_median_nor_spread_far() {
        let summary = Summary::of(&[10.0, 11.0, 12.0, 13.0, 9_000.0]).expect("five values");
        assert!((summary.median - 12.0).abs() < 1e-12);
        assert_eq!(summary.spread, Spread { low: 11.0, high: 13.0 });
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[7.0]).expect("one value").median.to_bits(), 7.0_f64.to_bits());
    }

    #[test]
    fn every_side_takes_every_place() {
        let rounds: Vec<Vec<usize>> = (0..3).map(|round| turns(3, round).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }

    #[test]
    fn a_missing_side_is_named() {
        let mut samples = Samples::default();
        samples.add("push", "ours", 1.0);
        assert_eq!(samples.values("push", "ours").expect("it is there"), [1.0]);
        assert!(samples.values("push", "ring").expect_err("it is not").to_string().contains("ring"));
    }
}
