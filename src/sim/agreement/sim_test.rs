//! Runs as a whole: the same twice, clean, with everything in them, and each mistake noticed.

use super::*;
use crate::sim::{Mistake, Tracing, Violation, Watching};
use std::collections::BTreeMap;

/// Seeds of these tests; `make test-sim` runs many more.
const SEEDS: u64 = 60;

fn simulate(seed: u64, tracing: Tracing, mutant: Option<Mutant>) -> Report {
    run(Plan { seed, tracing, mutant, watching: Watching::Everything })
}

#[test]
fn two_runs_of_one_seed_are_the_same_byte_for_byte() {
    for seed in [0, 3, 17] {
        let first = simulate(seed, Tracing::Lines, None);
        let second = simulate(seed, Tracing::Lines, None);
        assert!(first.lines.len() > 100, "seed {seed} has a trace");
        assert_eq!(first.lines, second.lines);
        assert_eq!(first.digest, second.digest);
    }
    let digest = |seed| simulate(seed, Tracing::Digest, None).digest;
    assert_ne!(digest(0), digest(3));
}

#[test]
fn looking_at_a_run_does_not_change_it() {
    let (traced, silent) = (simulate(5, Tracing::Lines, None), simulate(5, Tracing::Off, None));
    assert_eq!(
        (traced.events, traced.results, traced.counts),
        (silent.events, silent.results, silent.counts)
    );
}

#[test]
fn a_few_dozen_seeds_are_clean_and_have_every_fault_in_them() {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        let report = simulate(seed, Tracing::Off, None);
        assert_eq!(report.violation, None, "{}", report.options);
        assert!(report.results > 0 && report.convergence.is_some(), "{}", report.options);
        report.counts.into_iter().for_each(|(what, times)| *counts.entry(what).or_default() += times);
    }
    let expected = FaultKind::ALL.map(FaultKind::name).into_iter().chain([
        "cut message",
        "doubled message",
        "entered view",
        "held message",
        "late message",
        "left view",
        "lost message",
        "lost power",
        "observer",
        "overtaking message",
        "refused message",
        "torn record",
    ]);
    for what in expected {
        assert!(counts.get(what).is_some_and(|times| *times > 1), "`{what}` hardly happens: {counts:?}");
    }
}

/// The first seed at which a checker speaks about a mistake, and which one.
fn caught(mutant: Mutant) -> (u64, Violation) {
    let found =
        (0..SEEDS).find_map(|seed| Some((seed, simulate(seed, Tracing::Off, Some(mutant)).violation?)));
    found.unwrap_or_else(|| panic!("{} survives {SEEDS} seeds", mutant.name()))
}

/// Each mistake, and the checker that has to notice it.
#[test]
fn each_mistake_is_noticed_by_the_checker_of_its_property() {
    let speaks = |mutant: Mutant| match mutant {
        Mutant::VotesNotLogged | Mutant::VotesForgotten | Mutant::VotesInLeftViews => "votes",
        Mutant::NoGuardP | Mutant::NoGuardC => "guards",
        Mutant::CertificateIsFinal => "proofs",
        Mutant::CertificateBeatsVotes | Mutant::VotesNotReported => "accusation",
    };
    // That a certificate beats later votes takes a schedule that hardly comes by chance: `tests/bft_adversary` has it.
    for mutant in Mutant::ALL.into_iter().filter(|mutant| *mutant != Mutant::CertificateBeatsVotes) {
        let (seed, violation) = caught(mutant);
        assert_eq!(violation.checker, speaks(mutant), "{} at seed {seed}: {violation}", mutant.name());
    }
}
