//! The simulator's command: one seed with its trace, or a range of seeds on all cores.
//!
//! `sim --seed N | --seeds A..B [--mutant NAME] [--watch everything|properties]`

#![allow(unreachable_pub, reason = "a program exports nothing; `pub` marks what its parts use of each other")]

mod options;
mod range;
mod single;

use options::{Options, What};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let outcome = Options::parse(arguments).and_then(|options| match options.what {
        What::Seed(seed) => single::run(options.plan(seed)).map_err(|error| error.to_string()),
        What::Seeds(ref seeds) => range::run(seeds.clone(), &options).map_err(|error| error.to_string()),
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
