//! What is compared with what.

use crate::AnyError;
use crate::record::{Better, Goal, Outcome, Role, Row, Spreads, Stalled, compare, met, ratios, worst_share};
use crate::sample::{Samples, Summary};

/// The side that is ours, in every suite.
pub(crate) const OURS: &str = "duochain";

/// A job that several sides do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// Unique within its suite.
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) peers: &'static [Peer],
}

impl Scenario {
    /// Without the peers of these names, which are not on this machine.
    pub(crate) fn without(self, gone: &[&str]) -> Self {
        let here = |peer: &&Peer| !gone.contains(&peer.name);
        let peers: Vec<Peer> = self.peers.iter().filter(here).copied().collect();
        // As long as the program, like all scenarios.
        Self { peers: peers.leak(), ..self }
    }
}

/// Another side of a scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) goal: Option<Goal>,
}

impl Peer {
    /// Something that does the same job; no goal is set against it.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, role: Role::Peer, goal: None }
    }

    /// The price of the crossing alone.
    pub(crate) const fn floor(name: &'static str) -> Self {
        Self { name, role: Role::Floor, goal: None }
    }

    /// With a bound on our own figure.
    pub(crate) const fn ours_at_most(self, bound: f64) -> Self {
        Self { goal: Some(Goal::OursAtMost(bound)), ..self }
    }

    /// With a bound on how far our own figure is above the peer's.
    pub(crate) const fn ours_at_most_above(self, more: f64) -> Self {
        Self { goal: Some(Goal::OursAtMostAbovePeer(more)), ..self }
    }

    /// With a bound on our own figure, and one on the ratio that will do as well.
    pub(crate) const fn ours_or_ratio_at_least(self, ours: f64, ratio: f64) -> Self {
        Self { goal: Some(Goal::OursOrRatioAtLeast { ours, ratio }), ..self }
    }

    /// With a bound on our own figure, and one on the ratio.
    pub(crate) const fn ours_and_ratio_at_least(self, ours: f64, ratio: f64) -> Self {
        Self { goal: Some(Goal::OursAndRatioAtLeast { ours, ratio }), ..self }
    }

    /// With a bound on the ratio.
    pub(crate) const fn ratio_at_least(self, bound: f64) -> Self {
        Self { goal: Some(Goal::RatioAtLeast(bound)), ..self }
    }

    /// With a bound on our own worst repetition, as a share of our median.
    pub(crate) const fn worst_at_least(self, share: f64) -> Self {
        Self { goal: Some(Goal::WorstAtLeast(share)), ..self }
    }
}

/// A row for each peer of each scenario.
///
/// # Errors
/// When a side gave no figures or no version: a gap is not to be mistaken for a result.
pub(crate) fn rows(scenarios: &[Scenario], samples: &Samples) -> Result<Vec<Row>, AnyError> {
    let mut rows = Vec::new();
    for scenario in scenarios {
        for peer in scenario.peers {
            rows.push(row(scenario, peer, samples)?);
        }
    }
    Ok(rows)
}

fn row(scenario: &Scenario, peer: &Peer, samples: &Samples) -> Result<Row, AnyError> {
    let (our_values, peer_values) =
        (samples.values(scenario.name, OURS)?, samples.values(scenario.name, peer.name)?);
    let summary = |values| Summary::of(values).ok_or_else(|| format!("{}: no figures", scenario.name));
    let (ours, theirs) = (summary(our_values)?, summary(peer_values)?);
    let paired = summary(&ratios(scenario.better, our_values, peer_values))?;
    let ratio = compare(scenario.better, &ours, &theirs);
    let worst = worst_share(scenario.better, our_values, ours.median);
    let outcome = Outcome { ours: ours.median, peer: theirs.median, ratio, worst };
    Ok(Row {
        scenario: scenario.name.to_owned(),
        ours: ours.median,
        peer: theirs.median,
        peer_name: peer.name.to_owned(),
        peer_version: samples.version(peer.name)?.to_owned(),
        role: peer.role,
        unit: scenario.unit.to_owned(),
        better: scenario.better,
        ratio,
        goal: peer.goal,
        met: peer.goal.map(|goal| met(goal, outcome)),
        repetitions: paired.repetitions,
        stalled: Stalled {
            ours: samples.stalls(scenario.name, OURS),
            peer: samples.stalls(scenario.name, peer.name),
        },
        spread: Spreads { ours: ours.spread, peer: theirs.spread, ratio: paired.spread },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSH: Scenario = Scenario {
        name: "push",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new("ring").ratio_at_least(2.0), Peer::floor("call")],
    };

    fn samples() -> Samples {
        let mut samples = Samples::default();
        for (ours, ring, call) in [(10.0, 30.0, 2.0), (12.0, 24.0, 2.0), (11.0, 33.0, 2.0)] {
            samples.add("push", OURS, ours);
            samples.add("push", "ring", ring);
            samples.add("push", "call", call);
        }
        samples.set_version("ring", "3.1");
        samples.set_version("call", "3.1");
        samples
    }

    #[test]
    fn a_scenario_gives_a_row_for_each_peer() {
        let rows = rows(&[PUSH], &samples()).expect("all sides are there");
        assert_eq!(rows.len(), 2);
        assert!((rows[0].ratio - 30.0 / 11.0).abs() < 1e-12);
        assert_eq!((rows[0].met, rows[0].repetitions), (Some(true), 3));
        assert_eq!((rows[1].met, rows[1].role), (None, Role::Floor));
    }

    #[test]
    fn a_peer_that_is_not_here_has_no_row() {
        let scenario = PUSH.without(&["ring", "nobody"]);
        let rows = rows(&[scenario], &samples()).expect("all sides are there");
        assert_eq!(rows.iter().map(|row| &row.peer_name[..]).collect::<Vec<_>>(), ["call"]);
    }

    #[test]
    fn a_stall_is_counted_for_its_side() {
        let mut samples = samples();
        samples.note_stall("push", "ring");
        samples.note_stall("push", "ring");
        let rows = rows(&[PUSH], &samples).expect("all sides are there");
        assert_eq!(rows[0].stalled, Stalled { ours: 0, peer: 2 });
        assert_eq!(rows[1].stalled, Stalled::default());
    }

    #[test]
    fn a_peer_without_a_version_is_an_error() {
        let mut samples = Samples::default();
        samples.add("push", OURS, 1.0);
        samples.add("push", "ring", 1.0);
        assert!(rows(&[PUSH], &samples).expect_err("no version").to_string().contains("ring"));
    }
}
