//! The rule of the library against the adversary.

use crate::rule::Setting;
use crate::schedule::{Adversary, tell};
use crate::survives;
use crate::tale::Census;

/// Schedules of one height, and of two with pipelining.
const SINGLE: u64 = 400_000;
const CHAINED: u64 = 1_000_000;

pub(crate) const WEIGHTED: [u64; 8] = [7, 5, 4, 3, 3, 2, 1, 1];

#[test]
fn four_validators_agree() {
    survives::<1>(&Setting::new(&[1; 4], 0), SINGLE);
}

#[test]
fn six_validators_with_a_slack_of_one_agree() {
    survives::<1>(&Setting::new(&[1; 6], 1), SINGLE);
}

#[test]
fn seven_validators_agree() {
    survives::<1>(&Setting::new(&[1; 7], 0), SINGLE);
}

#[test]
fn nine_validators_with_a_slack_of_one_agree() {
    survives::<1>(&Setting::new(&[1; 9], 1), SINGLE);
}

#[test]
fn validators_of_different_powers_agree() {
    survives::<1>(&Setting::new(&WEIGHTED, 0), SINGLE);
}

#[test]
fn validators_of_different_powers_with_a_slack_of_three_agree() {
    survives::<1>(&Setting::new(&WEIGHTED, 3), SINGLE);
}

#[test]
fn four_validators_agree_on_a_chain() {
    survives::<2>(&Setting::new(&[1; 4], 0), CHAINED);
}

#[test]
fn six_validators_with_a_slack_of_one_agree_on_a_chain() {
    survives::<2>(&Setting::new(&[1; 6], 1), CHAINED);
}

#[test]
fn seven_validators_agree_on_a_chain() {
    survives::<2>(&Setting::new(&[1; 7], 0), CHAINED);
}

#[test]
fn four_validators_agree_on_a_longer_chain() {
    survives::<3>(&Setting::new(&[1; 4], 0), CHAINED);
}

#[test]
fn a_seed_is_a_schedule() {
    let setting = Setting::new(&[1; 7], 0);
    let tale = tell::<2>(&setting, 7);
    assert_eq!(tale, tell::<2>(&setting, 7));
    assert_ne!(tale, tell::<2>(&setting, 8));
}

/// An adversary that decides nothing, or never has to choose, would find nothing.
#[test]
fn the_adversary_comes_to_every_case_of_the_rule() {
    for setting in [Setting::new(&[1; 4], 0), Setting::new(&[1; 7], 0), Setting::new(&WEIGHTED, 3)] {
        let mut census = Census::default();
        let mut adversary = Adversary::<2>::new(&setting);
        for seed in 0..4_000 {
            adversary.play(seed, &mut census);
        }
        let counts = [
            census.fast,
            census.slow,
            census.later,
            census.proven,
            census.certified,
            census.candidates,
            census.free,
            census.orphans,
            census.full,
            census.learned,
        ];
        assert!(counts.iter().all(|count| *count >= 50), "{census:?}");
    }
}
