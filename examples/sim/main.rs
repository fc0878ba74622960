//! The simulator's command: one seed with its trace, or a range of seeds on all cores.
//!
//! `sim --seed N | --seeds A..B [--world log|agreement] [--mutant NAME] [--watch everything|properties]`

#![allow(unreachable_pub, reason = "a program exports nothing; `pub` marks what its parts use of each other")]

mod options;
mod range;
mod single;

use duochain::sim::{Mistake, Plan, Report, agreement};
use options::{Options, What, World};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let outcome = Options::parse(arguments).and_then(|options| match options.world {
        World::Log => run(&options, duochain::sim::run),
        World::Agreement => run(&options, agreement::run),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "sim: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs what the user asked for. `false` if a checker spoke.
fn run<M: Mistake + Send + Sync>(options: &Options, simulate: fn(Plan<M>) -> Report) -> Result<bool, String> {
    let plan = options.plan()?;
    let done = match &options.what {
        What::Seed(seed) => single::run(|tracing| simulate(Plan { seed: *seed, tracing, ..plan }), options),
        What::Seeds(seeds) => range::run(seeds.clone(), |seed| simulate(Plan { seed, ..plan }), options),
    };
    done.map_err(|error| error.to_string())
}
