//! Small worlds, tried in full: four validators, one of whom lies.

use crate::exhaustive::{Outcome, Search};
use crate::rule::{Choice, Setting};

fn four() -> Setting {
    Setting::new(&[1; 4], 0)
}

fn holds<const V: usize, const H: usize>(states: usize) {
    match Search::<V, H>::new(&four()).run() {
        // The number is that of the model: another one is another model.
        Outcome::Complete { states: found } => assert_eq!(found, states),
        Outcome::Broken { path, .. } => panic!("{}", path.join("\n")),
    }
}

fn breaks<const V: usize, const H: usize>(setting: &Setting) {
    let found = Search::<V, H>::new(setting).run();
    assert!(matches!(found, Outcome::Broken { .. }), "it was not noticed: {found:?}");
}

#[test]
fn two_views_of_one_height_hold() {
    holds::<2, 1>(11_969);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "too slow without optimisation; suite `agreement` runs it")]
fn three_views_of_one_height_hold() {
    holds::<3, 1>(1_868_004);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "too slow without optimisation; suite `agreement` runs it")]
fn two_views_of_two_heights_hold() {
    holds::<2, 2>(12_920_323);
}

#[test]
fn mistakes_of_two_views_are_found() {
    breaks::<2, 1>(&four().fast_at(3).choosing(Choice::CertificatesOnly));
    breaks::<2, 1>(&four().fast_at(3).choosing(Choice::Plurality));
    breaks::<2, 1>(&four().choosing(Choice::VotesFirst));
    breaks::<2, 1>(&four().choosing(Choice::CandidateInTies));
    breaks::<2, 1>(&four().choosing(Choice::CandidateNeedsMore));
    breaks::<2, 1>(&four().choosing(Choice::CandidateNeedsLess));
    breaks::<2, 2>(&four().without_guard_p());
}

#[test]
#[cfg_attr(debug_assertions, ignore = "too slow without optimisation; suite `agreement` runs it")]
fn mistakes_of_later_views_and_heights_are_found() {
    breaks::<3, 1>(&four().choosing(Choice::CertificateFirst));
    breaks::<2, 2>(&four().without_guard_c());
}

#[test]
fn a_broken_state_is_reached_step_by_step() {
    let setting = four().fast_at(3).choosing(Choice::CertificatesOnly);
    let Outcome::Broken { path, .. } = Search::<2, 1>::new(&setting).run() else {
        panic!("it breaks");
    };
    // Counterexample A, and nothing shorter.
    let steps = ["R0 votes for a at height 1 in view 0", "R1 votes for a at height 1 in view 0"];
    assert_eq!(path[..2], steps, "{path:#?}");
    assert_eq!(path.len(), 8, "{path:#?}");
}
