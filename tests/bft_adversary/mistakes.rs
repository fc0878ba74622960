//! Mistakes made on purpose. An adversary that misses one of them would miss it in the library, too.

use crate::rule::{Choice, Quorums, Setting};
use crate::survival::WEIGHTED;
use crate::{Adversary, Nobody, is_caught, schedules, tell};

const SINGLE: u64 = 400_000;
const CHAINED: u64 = 1_000_000;

fn four() -> Setting {
    Setting::new(&[1; 4], 0)
}

fn six() -> Setting {
    Setting::new(&[1; 6], 1)
}

fn seven() -> Setting {
    Setting::new(&[1; 7], 0)
}

/// Rules of one height, each with its name in `docs/agreement.md`.
fn of_one_height() -> Vec<(&'static str, Setting)> {
    let five = Quorums { slow: 4, fast: 4, view_change: 4 };
    vec![
        (
            "final by 2f+1 prepares, certificates only, n=4",
            four().fast_at(3).choosing(Choice::CertificatesOnly),
        ),
        ("final by 2f+1 prepares, plurality, n=4", four().fast_at(3).choosing(Choice::Plurality)),
        ("final by 2f+1 prepares, plurality, n=7", seven().fast_at(5).choosing(Choice::Plurality)),
        ("certificate first, n=4", four().choosing(Choice::CertificateFirst)),
        ("certificate first, n=6 c=1", six().choosing(Choice::CertificateFirst)),
        ("votes first, n=4", four().choosing(Choice::VotesFirst)),
        ("votes first, weights, c=3", Setting::new(&WEIGHTED, 3).choosing(Choice::VotesFirst)),
        ("candidate wins ties, n=4", four().choosing(Choice::CandidateInTies)),
        ("candidate needs one more, n=4", four().choosing(Choice::CandidateNeedsMore)),
        ("candidate needs one less, n=4", four().choosing(Choice::CandidateNeedsLess)),
        ("fast at n-1 without slack, n=7", seven().fast_at(6)),
        ("fast at 4, n=6 c=1", six().fast_at(4)),
        ("too few: n=5 f=1 c=1", six().only(5, five)),
        ("votes where all is final, n=4", four().without_floor()),
    ]
}

/// Rules of two heights.
fn of_two_heights() -> Vec<(&'static str, Setting)> {
    vec![
        ("without guard P, n=4", four().without_guard_p()),
        ("without guard P, n=6 c=1", six().without_guard_p()),
        ("without guard P, n=7", seven().without_guard_p()),
        ("without guard C, n=4", four().without_guard_c()),
        ("without guard C, n=6 c=1", six().without_guard_c()),
        ("without guard C, n=7", seven().without_guard_c()),
        ("without both, n=4", four().without_guard_p().without_guard_c()),
        ("without both, n=6 c=1", six().without_guard_p().without_guard_c()),
        ("without both, n=7", seven().without_guard_p().without_guard_c()),
    ]
}

/// Rules of three heights.
fn of_three_heights() -> Vec<(&'static str, Setting)> {
    vec![("proofs with gaps, n=4", four().with_gaps()), ("proofs with gaps, n=7", seven().with_gaps())]
}

fn all_are_caught(names: &str) {
    let named =
        |rules: Vec<(&'static str, Setting)>| rules.into_iter().filter(|(name, _)| name.starts_with(names));
    let mut count = 0;
    for (name, setting) in named(of_one_height()) {
        count += 1;
        is_caught::<1>(name, &setting, SINGLE);
    }
    for (name, setting) in named(of_two_heights()) {
        count += 1;
        is_caught::<2>(name, &setting, CHAINED);
    }
    assert_ne!(count, 0, "no mistake is named {names}");
}

#[test]
fn a_commit_on_two_thirds_with_certificates_only_is_caught() {
    all_are_caught("final by 2f+1 prepares, certificates only");
}

#[test]
fn a_commit_on_two_thirds_with_a_plurality_of_votes_is_caught() {
    all_are_caught("final by 2f+1 prepares, plurality");
}

#[test]
fn certificates_before_votes_are_caught() {
    all_are_caught("certificate first");
}

#[test]
fn votes_before_certificates_are_caught() {
    all_are_caught("votes first");
}

#[test]
fn a_candidate_that_is_one_off_is_caught() {
    all_are_caught("candidate");
}

#[test]
fn a_fast_quorum_that_is_too_small_is_caught() {
    all_are_caught("fast at");
}

#[test]
fn too_few_validators_are_caught() {
    all_are_caught("too few");
}

#[test]
fn votes_where_all_is_final_are_caught() {
    all_are_caught("votes where all is final");
}

#[test]
fn votes_that_stand_on_nothing_are_caught() {
    all_are_caught("without guard P");
}

#[test]
fn commits_that_stand_on_nothing_are_caught() {
    all_are_caught("without guard C");
}

#[test]
fn votes_and_commits_that_stand_on_nothing_are_caught() {
    all_are_caught("without both");
}

#[test]
fn what_is_caught_is_told_step_by_step() {
    let setting = four().fast_at(3).choosing(Choice::CertificatesOnly);
    let seed = crate::first_violation::<1>(&setting, 40_000).expect("it is frequent");
    let tale = tell::<1>(&setting, seed);
    let (opening, steps) = tale.split_once('\n').expect("lines");
    assert!(
        opening.starts_with(&format!("seed {seed}, R")) && opening.ends_with("lie: Some(Two { height: 0 })")
    );
    assert!(steps.lines().last().is_some_and(|line| line.starts_with("==> ")), "{steps}");
    assert!(
        steps.contains(" votes for a at height 1 in view ") && steps.contains(" asks for view "),
        "{steps}"
    );
}

fn rate<const H: usize>(name: &str, setting: &Setting, count: u64) -> String {
    let mut adversary = Adversary::<H>::new(setting);
    let found = (0..count).filter(|seed| adversary.play(*seed, &mut Nobody).is_some()).count();
    format!("| {name} | {found} | {count} |")
}

#[test]
#[ignore = "counts for docs/agreement.md: --ignored --nocapture"]
fn rates() {
    for (name, setting) in of_one_height() {
        println!("{}", rate::<1>(name, &setting, schedules(SINGLE)));
    }
    for (name, setting) in of_two_heights() {
        println!("{}", rate::<2>(name, &setting, schedules(CHAINED)));
    }
    for (name, setting) in of_three_heights() {
        println!("{}", rate::<3>(name, &setting, schedules(CHAINED)));
    }
}
