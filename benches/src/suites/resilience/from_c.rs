//! What the C interface adds to each policy: the same calls from a program that is linked to the shared library, and in
//! this process.

use super::load::cost;
use super::side::{OurBulkhead, OurLimiter, ReadingTwice, StackReadingTwice};
use super::{CALLS, Measure, ROUNDS};
use crate::record::Better;
use crate::sample::{Samples, turns};
use crate::scenario::{Peer, Scenario};
use crate::suites::Plan;
use crate::{AnyError, artefact, guest, paths, versions};
use std::path::{Path, PathBuf};
use std::process::Command;

const INSIDE: &str = "the same calls in Rust";

/// Of one policy, whatever number of C calls it takes.
const fn nanos(name: &'static str) -> Scenario {
    const PEERS: &[Peer] = &[Peer::floor(INSIDE).ours_at_most_above(5.0)];
    Scenario { name, unit: "ns", better: Better::Lower, peers: PEERS }
}

/// The names are those that the program prints.
pub(super) const SCENARIOS: &[Scenario] = &[
    nanos("C: rate limiter"),
    nanos("C: breaker"),
    nanos("C: bulkhead"),
    nanos("C: circuit + rate + bulkhead"),
];

/// The same, in the order of the scenarios; they read the clock as often as the C functions do.
const SAME: [Measure; 4] = [
    |calls| cost::<OurLimiter>(1, calls),
    |calls| cost::<ReadingTwice>(1, calls),
    |calls| cost::<OurBulkhead>(1, calls),
    |calls| cost::<StackReadingTwice>(1, calls),
];

/// Builds the program; then it and this process take turns.
pub(super) fn measure(plan: Plan, samples: &mut Samples) -> Result<(), AnyError> {
    samples.set_version(INSIDE, &versions::locked("duochain")?);
    let folder = artefact::shared_library(paths::workshop("c")?)?;
    let program = compile(&folder)?;
    let calls = plan.count(CALLS);
    for round in 0..plan.rounds(ROUNDS) {
        for turn in turns(2, round) {
            if turn == 0 {
                let mut command = Command::new(&program);
                command.arg(calls.to_string()).env("LD_LIBRARY_PATH", &folder);
                guest::measure(command, samples)?;
            } else {
                for (scenario, same) in SCENARIOS.iter().zip(SAME) {
                    samples.add(scenario.name, INSIDE, same(calls));
                }
            }
        }
    }
    Ok(())
}

fn compile(folder: &Path) -> Result<PathBuf, AnyError> {
    let program = folder.join("resilience");
    let mut command = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    command.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]);
    command.arg("-I").arg(paths::root().join("include"));
    command.arg(paths::root().join("benches/c/resilience.c"));
    command.arg("-o").arg(&program).arg("-L").arg(folder).args(["-lduochain", "-lpthread"]);
    guest::answer(&mut command)?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_program_names_every_scenario() {
        let source = fs::read_to_string(paths::root().join("benches/c/resilience.c")).expect("it is there");
        for scenario in SCENARIOS {
            assert!(source.contains(&format!("measure(\"{}\"", scenario.name)), "{}", scenario.name);
        }
        assert_eq!(source.matches("    measure(").count(), SCENARIOS.len());
    }
}
