//! From Python: a plain script with the package as the wheel has it.

use crate::record::Better;
use crate::sample::Samples;
use crate::scenario::{Peer, Scenario};
use crate::suites::Plan;
use crate::{AnyError, artefact, guest, paths};
use std::process::Command;

const CALL: &str = "empty native method";
/// Unbounded; keeps a reference, copies nothing.
const SIMPLE: &str = "queue.SimpleQueue";
/// The only bounded one of the standard library.
const QUEUE: &str = "queue.Queue";
/// No queue between threads, but what many take for one.
const DEQUE: &str = "deque";

/// The names are those that the script prints.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "Python: enqueue of 256 B",
        unit: "ns",
        better: Better::Lower,
        // Ten times the bounded queue; and the copy may cost no more than all that an unbounded one does.
        peers: &[
            Peer::new(QUEUE).ratio_at_least(10.0),
            Peer::new(SIMPLE).ratio_at_least(0.5),
            Peer::new(DEQUE),
            Peer::floor(CALL),
        ],
    },
    Scenario {
        name: "Python: enqueue of 256 B, p99 of single calls",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new(QUEUE), Peer::new(SIMPLE), Peer::new(DEQUE)],
    },
    Scenario {
        name: "Python: batch of 8 x 256 B, per item",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new(QUEUE).ratio_at_least(10.0), Peer::new(SIMPLE), Peer::new(DEQUE)],
    },
    Scenario {
        name: "Python: 256 B from one thread to another",
        unit: "k/s",
        better: Better::Higher,
        peers: &[Peer::new(QUEUE), Peer::new(SIMPLE), Peer::new(DEQUE)],
    },
];

/// Builds the package and runs the script.
pub(super) fn measure(plan: Plan, samples: &mut Samples) -> Result<(), AnyError> {
    let package = artefact::python_package(paths::workshop("python")?)?;
    let mut command = Command::new("python3");
    command.arg(paths::root().join("benches/python/boundary.py")).arg(plan.rounds(31).to_string());
    command.env("PYTHONPATH", package).env("PYTHONDONTWRITEBYTECODE", "1");
    guest::measure(command, samples)
}
