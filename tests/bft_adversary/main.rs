//! An adversary against the rules of agreement: it draws schedules and lies, and looks for two blocks that could both be
//! shown to be final.
//!
//! # Model
//! [`world`] is what validators signed, with the library's own selection, guards and thresholds. [`schedule`] draws from
//! a seed who lies, who votes, asks, enters and learns when, and what the liars show to whom: coordinators that give each
//! validator another NEW-VIEW, made of view changes that exist and of lies. [`exhaustive`] draws nothing and tries
//! everything, in a smaller world. [`counterexamples`] and [`gaps`] are plays that are written down.
//!
//! A rule that should hold has to survive, a mistake made on purpose has to be caught within as many schedules. A seed is
//! a schedule: what is found is told step by step. `DUO_SCHEDULES=n` plays that many of each.
//!
//! # Limits
//! Five views, nine validators, two heights or three, three blocks at the first; the liars are as many as may be. Random:
//! no proof. `docs/agreement.md` has the proof, and what was counted.

mod counterexamples;
mod dice;
mod exhaustive;
mod gaps;
mod mistakes;
mod moves;
mod peer;
mod rule;
mod schedule;
mod small;
mod survival;
mod tale;
mod world;

use rule::Setting;
use schedule::{Adversary, tell};
use tale::Nobody;

/// How many schedules to play where an optimised build plays `optimised`.
fn schedules(optimised: u64) -> u64 {
    let wanted =
        std::env::var("DUO_SCHEDULES").ok().map(|count| count.parse().expect("DUO_SCHEDULES is a number"));
    wanted.unwrap_or(if cfg!(debug_assertions) { optimised / 100 } else { optimised })
}

/// The first seed below `count` whose schedule breaks agreement.
fn first_violation<const H: usize>(setting: &Setting, count: u64) -> Option<u64> {
    let mut adversary = Adversary::<H>::new(setting);
    (0..count).find(|seed| adversary.play(*seed, &mut Nobody).is_some())
}

/// No schedule breaks agreement, nor makes a block final whose parent could not be.
fn survives<const H: usize>(setting: &Setting, optimised: u64) {
    let mut adversary = Adversary::<H>::new(setting);
    for seed in 0..schedules(optimised) {
        let violation = adversary.play(seed, &mut Nobody);
        if violation.is_some() || adversary.world.had_orphan {
            panic!("{}", tell::<H>(setting, seed));
        }
    }
}

/// One of the schedules does.
fn is_caught<const H: usize>(name: &str, setting: &Setting, optimised: u64) {
    // The rarest is one in a few hundred: an unoptimised build finds each, too.
    let count = schedules(optimised).max(40_000);
    let found = first_violation::<H>(setting, count);
    let tale =
        tell::<H>(setting, found.unwrap_or_else(|| panic!("{name}: {count} schedules have not noticed it")));
    assert!(tale.matches("==> ").count() >= 2, "{name}: it ends with the second decision:\n{tale}");
}
