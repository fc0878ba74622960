//! A simulator of agreement: the cores of validators, some of whom lie, in a world that is made up from one number.
//!
//! # Model
//! ```text
//!   hosts: blocks by hash, log of votes, store of final blocks
//!    |  ^                                   network, disks, clocks, signers: simulated, and broken on purpose
//!    v  |
//!   cores <---messages---> cores            actors: seats whose owner says what it likes
//!                   |
//!   checkers: what must hold of every signature and of every final block, one file each
//! ```
//! A run has a safety phase, in which things break as its [`Options`] say and no promise may be broken; then everything
//! is healed, and the chain has to grow at every honest validator.
//!
//! # Invariants
//! S1 and S2 of [`crate::sim`].

mod beginning;
mod block;
mod blocks;
mod byzantine;
mod checker;
mod crime;
mod disk;
mod event;
mod faults;
mod healing;
mod host;
mod keys;
mod link;
mod node;
mod options;
#[cfg(test)]
mod sim_test;
mod trace;
mod world;

pub use byzantine::Sin;
pub use faults::FaultKind;
pub use options::{HostOptions, Options};

use super::{Plan, Report};
use crate::bft::Mutant;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use world::World;

impl super::Mistake for Mutant {
    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn name(self) -> &'static str {
        match self {
            Self::VotesNotLogged => "votes-not-logged",
            Self::VotesForgotten => "votes-forgotten",
            Self::NoGuardP => "no-guard-p",
            Self::NoGuardC => "no-guard-c",
            Self::CertificateIsFinal => "certificate-is-final",
            Self::CertificateBeatsVotes => "certificate-beats-votes",
            Self::VotesInLeftViews => "votes-in-left-views",
            Self::VotesNotReported => "votes-not-reported",
        }
    }
}

/// Runs one seed. A panic of a core is a violation like others, told as `assertion`.
pub fn run(plan: Plan<Mutant>) -> Report {
    let mut world = World::new(Options::of(plan.seed), plan);
    if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(|| world.run())) {
        world.accuse("assertion", super::said(&*panic));
    }
    report(world)
}

fn report(mut world: World) -> Report {
    let now = world.agenda.now();
    let violation = world.checkers.verdict().cloned();
    if let Some(violation) = &violation {
        world.trace.note(now, format_args!("VIOLATION {violation}"));
    }
    let (lines, digest) = world.trace.finish();
    let fates = world.network.fates();
    world.counts.extend(fates.named().into_iter().filter(|(_, times)| *times > 0));
    let views = world.nodes.iter().map(|node| node.view.get()).max().unwrap_or(0);
    Report {
        options: world.options.to_string(),
        violation,
        lines,
        digest,
        events: world.agenda.happened(),
        virtual_time: Duration::from_nanos(now),
        results: world.facts.highest().get(),
        periods: views,
        lost: fates.lost + fates.cut,
        counts: world.counts,
        convergence: world
            .healed_at
            .zip(world.converged_at)
            .map(|(begin, end)| Duration::from_nanos(end - begin)),
    }
}
