//! From C: a program that is linked to the shared library, as a host's would be.

use crate::record::Better;
use crate::sample::Samples;
use crate::scenario::{Peer, Scenario};
use crate::suites::Plan;
use crate::{AnyError, artefact, guest, paths};
use std::path::{Path, PathBuf};
use std::process::Command;

const CALL: &str = "empty call";
const CK: &str = "ck_ring MPSC + malloc";
const MUTEX: &str = "ring under a mutex";

/// The names are those that the program prints.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "C: enqueue of 256 B",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new(CK).ours_at_most(100.0), Peer::new(MUTEX).ratio_at_least(1.0), Peer::floor(CALL)],
    },
    Scenario {
        name: "C: enqueue of 256 B, p99 of single calls",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new(CK), Peer::new(MUTEX)],
    },
    Scenario {
        name: "C: enqueue of 256 B, 10,000 deep",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new(CK).ours_at_most(100.0), Peer::new(MUTEX)],
    },
    Scenario {
        name: "C: batch of 8 x 256 B, per item",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new(CK).ours_at_most(20.0), Peer::new(MUTEX)],
    },
    Scenario {
        name: "C: 256 B from one thread to another",
        unit: "M/s",
        better: Better::Higher,
        peers: &[Peer::new(CK), Peer::new(MUTEX)],
    },
];

/// Builds and runs the program.
pub(super) fn measure(plan: Plan, samples: &mut Samples) -> Result<(), AnyError> {
    let folder = artefact::shared_library(paths::workshop("c")?)?;
    let program = compile(&folder)?;
    let mut command = Command::new(program);
    command.arg(plan.rounds(31).to_string()).env("LD_LIBRARY_PATH", &folder);
    guest::measure(command, samples)
}

fn compile(folder: &Path) -> Result<PathBuf, AnyError> {
    let program = folder.join("boundary");
    let sources = paths::root().join("benches/c");
    let mut command = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    command.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]);
    command.arg("-I").arg(paths::root().join("include"));
    for name in ["boundary.c", "duochain_side.c", "ck_side.c", "mutex_side.c"] {
        command.arg(sources.join(name));
    }
    command.arg("-o").arg(&program).arg("-L").arg(folder).args(["-lduochain", "-lpthread"]);
    guest::answer(&mut command)?;
    Ok(program)
}
