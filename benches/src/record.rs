//! One line of the outcome: a scenario, our figure, a peer's figure.

use crate::sample::{Spread, Summary};
use crate::table::figure;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which way a unit points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    /// Times.
    Lower,
    /// Throughputs.
    Higher,
}

/// What must be true of a row. `None` in a row means that it only informs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// Our figure, in the row's unit, is not above this.
    OursAtMost(f64),
    /// Our figure, in the row's unit, is not above the peer's by more than this.
    OursAtMostAbovePeer(f64),
    /// Our figure, in the row's unit, is not below this.
    OursAtLeast(f64),
    /// One of both is enough: the figure where the machine allows it, else the ratio to its limit.
    OursOrRatioAtLeast { ours: f64, ratio: f64 },
    /// Neither our figure nor the ratio is below its bound.
    OursAndRatioAtLeast { ours: f64, ratio: f64 },
    /// The ratio is not below this.
    RatioAtLeast(f64),
    /// Our worst repetition is not below this share of our median.
    WorstAtLeast(f64),
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OursAtMost(bound) => write!(f, "ours ≤ {bound}"),
            Self::OursAtMostAbovePeer(more) => write!(f, "ours ≤ peer + {more}"),
            Self::OursAtLeast(bound) => write!(f, "ours ≥ {}", figure(*bound)),
            Self::OursOrRatioAtLeast { ours, ratio } => {
                write!(f, "{} or {}", Self::OursAtLeast(*ours), Self::RatioAtLeast(*ratio))
            }
            Self::OursAndRatioAtLeast { ours, ratio } => {
                write!(f, "{} and {}", Self::OursAtLeast(*ours), Self::RatioAtLeast(*ratio))
            }
            Self::RatioAtLeast(bound) => write!(f, "ratio ≥ {}", figure(*bound)),
            Self::WorstAtLeast(share) => write!(f, "our worst ≥ {share} of ours"),
        }
    }
}

/// What a peer is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Does the same job.
    Peer,
    /// What the crossing alone costs: the part of our figure that no work of ours can remove.
    Floor,
}

/// How far the repetitions lie apart: the middle half of each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spreads {
    /// Of our figure.
    pub(crate) ours: Spread,
    /// Of the peer's.
    pub(crate) peer: Spread,
    /// Of the ratio within one round.
    pub(crate) ratio: Spread,
}

/// A line of the table. Its fields are the format of `target/bench/<suite>.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    /// Median of the repetitions.
    pub(crate) ours: f64,
    /// Median of the repetitions.
    pub(crate) peer: f64,
    pub(crate) peer_name: String,
    pub(crate) peer_version: String,
    pub(crate) role: Role,
    pub(crate) unit: String,
    pub(crate) better: Better,
    /// How many times faster we are; below 1 the peer is faster.
    pub(crate) ratio: f64,
    pub(crate) goal: Option<Goal>,
    pub(crate) met: Option<bool>,
    pub(crate) repetitions: usize,
    /// Repetitions that time ran out for; their figures are those of what got through.
    #[serde(default)]
    pub(crate) stalled: Stalled,
    pub(crate) spread: Spreads,
}

/// How many repetitions stalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stalled {
    /// Of ours.
    pub(crate) ours: usize,
    /// Of the peer's.
    pub(crate) peer: usize,
}

/// How a comparison went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Faster,
    Lost,
    Floor,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Faster => "faster",
            Self::Lost => "LOST",
            Self::Floor => "floor",
        })
    }
}

impl Row {
    /// What scenarios of the same kind have in common: their name up to a colon.
    pub(crate) fn section(&self) -> &str {
        self.scenario.split_once(": ").map_or(&self.scenario, |(section, _)| section)
    }

    /// Who was faster.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.role {
            Role::Floor => Verdict::Floor,
            Role::Peer if self.ratio >= 1.0 => Verdict::Faster,
            Role::Peer => Verdict::Lost,
        }
    }
}

/// How many times `ours` is better than `peer`.
pub(crate) fn ratio(better: Better, ours: f64, peer: f64) -> f64 {
    match better {
        Better::Lower => peer / ours,
        Better::Higher => ours / peer,
    }
}

/// The ratios of rounds that both sides have finished.
pub(crate) fn ratios(better: Better, ours: &[f64], peer: &[f64]) -> Vec<f64> {
    ours.iter().zip(peer).map(|(ours, peer)| ratio(better, *ours, *peer)).collect()
}

/// What a goal is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) ours: f64,
    pub(crate) peer: f64,
    pub(crate) ratio: f64,
    /// The share of our median that our worst repetition reaches.
    pub(crate) worst: f64,
}

/// Whether the goal is reached.
pub(crate) fn met(goal: Goal, outcome: Outcome) -> bool {
    let Outcome { ours, peer, ratio, worst } = outcome;
    match goal {
        Goal::OursAtMost(bound) => ours <= bound,
        Goal::OursAtMostAbovePeer(more) => ours <= peer + more,
        Goal::OursAtLeast(bound) => ours >= bound,
        Goal::OursOrRatioAtLeast { ours: bound, ratio: share } => ours >= bound || ratio >= share,
        Goal::OursAndRatioAtLeast { ours: bound, ratio: share } => ours >= bound && ratio >= share,
        Goal::RatioAtLeast(bound) => ratio >= bound,
        Goal::WorstAtLeast(share) => worst >= share,
    }
}

/// The share of the median that the worst value reaches.
pub(crate) fn worst_share(better: Better, values: &[f64], median: f64) -> f64 {
    values.iter().map(|value| ratio(better, *value, median)).fold(f64::INFINITY, f64::min)
}

/// The ratio of two medians, so that a reader who divides the columns gets the same.
pub(crate) fn compare(better: Better, ours: &Summary, peer: &Summary) -> f64 {
    ratio(better, ours.median, peer.median)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn a_ratio_above_one_means_that_we_are_faster() {
        assert!((ratio(Better::Lower, 10.0, 25.0) - 2.5).abs() < 1e-12);
        assert!((ratio(Better::Higher, 10.0, 25.0) - 0.4).abs() < 1e-12);
    }

    #[test]
    fn goals_hold_at_their_bound() {
        let outcome = |ours, ratio, worst| Outcome { ours, peer: 50.0, ratio, worst };
        assert!(met(Goal::OursAtMost(100.0), outcome(100.0, 0.1, 1.0)));
        assert!(!met(Goal::OursAtMost(100.0), outcome(100.1, 9.0, 1.0)));
        assert!(met(Goal::OursAtMostAbovePeer(20.0), outcome(70.0, 0.1, 1.0)));
        assert!(!met(Goal::OursAtMostAbovePeer(20.0), outcome(70.1, 9.0, 1.0)));
        assert!(met(Goal::OursAtLeast(100.0), outcome(100.0, 0.1, 1.0)));
        assert!(!met(Goal::OursAtLeast(100.0), outcome(99.9, 9.0, 1.0)));
        assert!(met(Goal::RatioAtLeast(2.0), outcome(1e9, 2.0, 1.0)));
        assert!(!met(Goal::RatioAtLeast(2.0), outcome(0.1, 1.99, 1.0)));
        assert!(met(Goal::WorstAtLeast(0.8), outcome(1.0, 0.1, 0.8)));
        assert!(!met(Goal::WorstAtLeast(0.8), outcome(1.0, 9.0, 0.79)));
    }

    #[test]
    fn of_two_bounds_one_is_enough_or_both_are_needed() {
        let either = Goal::OursOrRatioAtLeast { ours: 2_100_000.0, ratio: 0.8 };
        let both = Goal::OursAndRatioAtLeast { ours: 2_100_000.0, ratio: 0.8 };
        for (ours, ratio, one, all) in [
            (2_100_000.0, 0.8, true, true),
            (2_200_000.0, 0.79, true, false),
            (1_900_000.0, 0.9, true, false),
            (2_099_999.0, 0.79, false, false),
        ] {
            let outcome = Outcome { ours, peer: 1.0, ratio, worst: 1.0 };
            assert_eq!((met(either, outcome), met(both, outcome)), (one, all), "{ours}, {ratio}");
        }
        assert_eq!(either.to_string(), "ours ≥ 2,100,000 or ratio ≥ 0.800");
        let text = serde_json::to_string(&either).expect("plain data");
        assert_eq!(serde_json::from_str::<Goal>(&text).expect("its own text"), either, "{text}");
    }

    #[test]
    fn the_worst_repetition_is_the_slowest_one() {
        assert!((worst_share(Better::Higher, &[10.0, 5.0, 20.0], 10.0) - 0.5).abs() < 1e-12);
        assert!((worst_share(Better::Lower, &[10.0, 5.0, 20.0], 10.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn rounds_are_paired_in_order() {
        let paired = ratios(Better::Lower, &[1.0, 2.0, 4.0], &[2.0, 2.0]);
        assert_eq!(paired, [2.0, 1.0]);
    }

    #[test]
    fn a_floor_is_neither_won_nor_lost() {
        let mut row = sample_row();
        assert_eq!(row.verdict(), Verdict::Lost);
        row.role = Role::Floor;
        assert_eq!(row.verdict(), Verdict::Floor);
        (row.role, row.ratio) = (Role::Peer, 1.0);
        assert_eq!(row.verdict(), Verdict::Faster);
    }

    #[test]
    fn the_format_names_every_field_and_reads_itself() {
        let row = sample_row();
        let text = serde_json::to_string(&row).expect("plain data");
        for field in [
            "scenario",
            "ours",
            "peer",
            "peer_name",
            "peer_version",
            "unit",
            "ratio",
            "goal",
            "met",
            "repetitions",
            "spread",
        ] {
            assert!(text.contains(&format!("\"{field}\":")), "{field} is missing in {text}");
        }
        assert!(text.contains(r#""goal":{"ours_at_most":100.0}"#), "{text}");
        assert_eq!(serde_json::from_str::<Row>(&text).expect("its own text"), row);
    }

    /// A row for the tests of whoever prints rows.
    pub(crate) fn sample_row() -> Row {
        let spread = Spread { low: 9.0, high: 11.0 };
        Row {
            scenario: "C: enqueue <256 B> & go".into(),
            ours: 10.0,
            peer: 5.0,
            peer_name: "ring".into(),
            peer_version: "1.2".into(),
            role: Role::Peer,
            unit: "ns".into(),
            better: Better::Lower,
            ratio: 0.5,
            goal: Some(Goal::OursAtMost(100.0)),
            met: Some(true),
            repetitions: 7,
            stalled: Stalled::default(),
            spread: Spreads { ours: spread, peer: spread, ratio: spread },
        }
    }
}
