//! A simulator of the replicated log: the core itself in a world that is made up from one number.
//!
//! # Model
//! ```text
//!  clients --requests--> hosts --inputs--> raft core
//!     ^                   |  ^                |
//!     '----answers--------'  '---effects------'     network, disks, clocks: simulated, and broken on purpose
//!                         |
//!                      checkers: what must hold, one file each
//! ```
//! A run has a safety phase, in which things break as its [`Options`] say, and then everything is healed
//! and has to come together. Time is virtual: an agenda of events in order. `docs/simulation.md` has the
//! faults with their rates, the checkers, and the mistakes that they were seen to notice.
//!
//! # Invariants
//! S1 a run is a function of its seed: no clock, no thread, no order of a hash map. Two runs of one seed
//! have the same trace, byte for byte, which its digest proves.
//! S2 a checker only looks: a run without checkers would be the same run.
//!
//! # Limits
//! Messages travel through the wire codec, but not through sockets; a snapshot travels as a whole. At most
//! [`node::SEATS_MAX`] machines. Damage to durable bytes strikes one machine at a time.

mod agenda;
pub mod agreement;
mod checker;
mod client;
mod clock;
mod cuts;
mod disk;
mod faults;
mod healing;
mod host;
mod keeping;
mod link;
mod log;
mod machine;
mod network;
mod node;
mod operator;
mod options;
mod random;
mod serving;
#[cfg(test)]
mod sim_test;
mod trace;
mod world;

pub use checker::{Violation, Watching};
pub use faults::FaultKind;
pub use options::{DiskOptions, NetworkOptions, Options, RaftOptions};
pub use trace::Tracing;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use world::World;

/// A mistake of the simulated host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostMutant {
    /// Sessions expire by the wall clock of each node.
    DedupByWallClock,
    /// A torn frame at the end of the log is taken for a whole one.
    TornTailAccepted,
    /// Reads are answered with what is there, without asking whether that is the latest.
    ReadWithoutAsking,
    /// Each committed frame is handed over twice.
    ApplyTwice,
    /// The frames kept for followers have no limit.
    WindowUnbounded,
}

impl HostMutant {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::DedupByWallClock,
        Self::TornTailAccepted,
        Self::ReadWithoutAsking,
        Self::ApplyTwice,
        Self::WindowUnbounded,
    ];
}

/// A mistake made on purpose, for a checker to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// In the core.
    Core(crate::raft::Mutant),
    /// In the host.
    Host(HostMutant),
}

/// Mistakes that a world knows.
pub trait Mistake: Copy {
    /// All of them.
    fn all() -> Vec<Self>;

    /// Its name on the command line.
    fn name(self) -> &'static str;
}

impl Mistake for Mutant {
    fn all() -> Vec<Self> {
        let of_core = crate::raft::Mutant::ALL.into_iter().map(Self::Core);
        of_core.chain(HostMutant::ALL.map(Self::Host)).collect()
    }

    fn name(self) -> &'static str {
        use crate::raft::Mutant as Core;
        match self {
            Self::Core(Core::VoteNotPersisted) => "vote-not-persisted",
            Self::Core(Core::CommitOldTerm) => "commit-old-term",
            Self::Core(Core::AcknowledgeBeforeSync) => "acknowledge-before-sync",
            Self::Core(Core::NoPreVote) => "no-pre-vote",
            Self::Host(HostMutant::DedupByWallClock) => "dedup-by-wall-clock",
            Self::Host(HostMutant::TornTailAccepted) => "torn-tail-accepted",
            Self::Host(HostMutant::ReadWithoutAsking) => "read-without-asking",
            Self::Host(HostMutant::ApplyTwice) => "apply-twice",
            Self::Host(HostMutant::WindowUnbounded) => "window-unbounded",
        }
    }
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Plan<M = Mutant> {
    /// The seed, from which the options come too.
    pub seed: u64,
    /// How much of the run is kept.
    pub tracing: Tracing,
    /// A mistake that every node makes.
    pub mutant: Option<M>,
    /// Which checkers look.
    pub watching: Watching,
}

/// What a run was like.
#[derive(Debug)]
pub struct Report {
    /// What the seed stands for, for people.
    pub options: String,
    /// What a checker found; `None` when nothing.
    pub violation: Option<Violation>,
    /// The trace's lines, if they were kept.
    pub lines: Vec<String>,
    /// The trace's digest in hexadecimal, unless nothing was kept.
    pub digest: Option<String>,
    /// Events that happened.
    pub events: u64,
    /// Virtual time that passed.
    pub virtual_time: Duration,
    /// What the run achieved: operations of clients that were answered, or blocks that are final.
    pub results: u64,
    /// The highest term, or view.
    pub periods: u64,
    /// Messages that the network lost.
    pub lost: u64,
    /// What happened how often, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// Virtual time from healing until all was one again.
    pub convergence: Option<Duration>,
}

/// Runs one seed. A panic of the core is a violation like others, told as `assertion`.
pub fn run(plan: Plan) -> Report {
    let mut world = World::new(Options::of(plan.seed), plan);
    if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(|| world.run())) {
        world.checkers.accuse(world.agenda.now(), "assertion", said(&*panic));
    }
    report(world)
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn report(mut world: World) -> Report {
    let now = world.agenda.now();
    let violation = world.checkers.verdict().cloned();
    if let Some(violation) = &violation {
        world.trace.note(now, format_args!("VIOLATION {violation}"));
    }
    let (lines, digest) = world.trace.finish();
    let span = |(begin, end): (u64, u64)| Duration::from_nanos(end - begin);
    let fates = world.network.fates();
    world.counts.extend(fates.named().into_iter().filter(|(_, times)| *times > 0));
    Report {
        violation,
        lines,
        digest,
        events: world.agenda.happened(),
        virtual_time: Duration::from_nanos(now),
        results: world.history.iter().filter(|record| record.answered.is_some()).count() as u64,
        periods: world.checkers.terms(),
        lost: fates.lost + fates.cut,
        counts: world.counts,
        convergence: world.healed_at.zip(world.converged_at).map(span),
        options: world.options.to_string(),
    }
}
