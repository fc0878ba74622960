//! Long models under random schedules.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --lib shuttle_`
//!
//! Each model runs under schedules of two kinds: at each step any thread (random), or the most urgent one with
//! a few changes of urgency at random steps (PCT; Burckhardt and others, ASPLOS 2010), which finds mistakes
//! that need one thread to stand still for long. `DUOCHAIN_SCHEDULES=n` sets how many of each kind,
//! `DUOCHAIN_SEED=n` from which seed on. A failure names its seed: with that seed and as few schedules as
//! [`PER_SEED`] it comes back.

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Schedules of one kind unless told otherwise.
const SCHEDULES: usize = 1_000;
/// Schedules from one seed. PCT learns the length of the model from the ones before.
const PER_SEED: usize = 50;
/// Changes of urgency in a schedule.
const PCT_DEPTH: usize = 5;
/// A model that takes more steps does not come to an end.
const STEPS_MAX: usize = 1_000_000;

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs the model under many schedules of each kind.
///
/// # Panics
/// With the first schedule that the model fails under.
pub(crate) fn explore(model: impl Fn() + Clone + Send + Sync + 'static) {
    let schedules = number_from("DUOCHAIN_SCHEDULES").map_or(SCHEDULES, |count| count as usize);
    let first = number_from("DUOCHAIN_SEED").unwrap_or(1);
    for (seed, done) in (first..).zip((0..schedules).step_by(PER_SEED)) {
        let count = PER_SEED.min(schedules - done);
        run("random", seed, RandomScheduler::new_from_seed(seed, count), model.clone());
        run("PCT", seed, PctScheduler::new_from_seed(seed, PCT_DEPTH, count), model.clone());
    }
}

fn run(kind: &str, seed: u64, scheduler: impl Scheduler + 'static, model: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 256 << 10;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    let outcome = catch_unwind(AssertUnwindSafe(|| Runner::new(scheduler, config).run(model)));
    if let Err(panic) = outcome {
        let _ = writeln!(
            std::io::stderr(),
            "under a {kind} schedule; again with DUOCHAIN_SEED={seed} DUOCHAIN_SCHEDULES={PER_SEED}"
        );
        resume_unwind(panic);
    }
}
