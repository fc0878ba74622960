//! A whole node, from submit to final, beside a ledger on SQLite.
//!
//! Two questions for each place of storage. How many transactions a second become final when they are
//! submitted as fast as they are taken; and how long one takes at a steady rate that both sides can keep,
//! where a queue in front of them does not hide the answer. After each run, outside the measured time, every
//! final transaction is read back and must be one that was sent, once.
//!
//! Our latency is paced: a transaction waits for its block and three more. [`ours`] runs a thousand times
//! faster than real time; at the real pace the same waits are a thousand times longer by design.

mod load;
mod ours;
mod sqlite;

use super::Plan;
use crate::record::{Better, Row};
use crate::sample::{Samples, quantile, turns};
use crate::scenario::{self, OURS, Peer, Scenario};
use crate::{AnyError, paths};
use load::{Load, Outcome};
use std::path::{Path, PathBuf};

const MEMORY: &str = "SQLite in memory";
const WAL: &str = "SQLite WAL, synchronous=FULL";
/// Transactions a second of the steady rate.
const RATE: u32 = 20_000;

/// What one round of a suite's part measures.
struct Part {
    load: fn(Plan) -> Load,
    on_disk: bool,
    /// Median and p99 of the latency, or the throughput alone.
    scenarios: Scenarios,
}

enum Scenarios {
    Throughput(Scenario),
    Latency { p50: Scenario, p99: Scenario },
}

/// Sizes of so many transactions, as a real block has them.
pub(super) fn real_sizes(count: usize) -> Vec<usize> {
    Load::of_real_sizes(count).transactions.iter().map(Vec::len).collect()
}

const fn throughput(name: &'static str, peers: &'static [Peer]) -> Scenarios {
    Scenarios::Throughput(Scenario { name, unit: "tx/s", better: Better::Higher, peers })
}

const fn latency(p50: &'static str, p99: &'static str, peers: &'static [Peer]) -> Scenarios {
    let p99 = Scenario { name: p99, unit: "ms", better: Better::Lower, peers };
    Scenarios::Latency { p50: Scenario { name: p50, ..p99 }, p99 }
}

const PARTS: &[Part] = &[
    Part {
        load: |plan| Load::of_size(256, plan.count(200_000)),
        on_disk: false,
        scenarios: throughput("memory: 256 B, at full speed", &[Peer::new(MEMORY).ratio_at_least(1.0)]),
    },
    Part {
        load: |plan| Load::of_size(256, plan.count(20_000)).at(RATE),
        on_disk: false,
        scenarios: latency(
            "memory: 256 B, 20,000/s, p50 to final",
            "memory: 256 B, 20,000/s, p99 to final",
            &[Peer::new(MEMORY)],
        ),
    },
    Part {
        load: |plan| Load::of_real_sizes(plan.count(100_000)),
        on_disk: false,
        scenarios: throughput("memory: sizes of a real block, at full speed", &[Peer::new(MEMORY)]),
    },
    Part {
        load: |plan| Load::of_size(256, plan.count(200_000)),
        on_disk: true,
        scenarios: throughput("fjall: 256 B, at full speed", &[Peer::new(WAL).ratio_at_least(1.0)]),
    },
    Part {
        load: |plan| Load::of_size(256, plan.count(20_000)).at(RATE),
        on_disk: true,
        scenarios: latency(
            "fjall: 256 B, 20,000/s, p50 to final",
            "fjall: 256 B, 20,000/s, p99 to final",
            &[Peer::new(WAL)],
        ),
    },
    Part {
        load: |plan| Load::of_real_sizes(plan.count(100_000)),
        on_disk: true,
        scenarios: throughput("fjall: sizes of a real block, at full speed", &[Peer::new(WAL)]),
    },
];

/// Measures every part, its two sides in turns.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    for peer in [MEMORY, WAL] {
        samples.set_version(peer, sqlite::version());
    }
    let mut scenarios = Vec::new();
    for part in PARTS {
        let load = (part.load)(plan);
        for round in 0..plan.rounds(7) {
            for turn in turns(2, round) {
                measure(part, &load, turn == 0, &mut samples)?;
            }
        }
        match part.scenarios {
            Scenarios::Throughput(scenario) => scenarios.push(scenario),
            Scenarios::Latency { p50, p99 } => scenarios.extend([p50, p99]),
        }
    }
    scenario::rows(&scenarios, &samples)
}

/// One run of one side.
fn measure(part: &Part, load: &Load, is_ours: bool, samples: &mut Samples) -> Result<(), AnyError> {
    let directory = part.on_disk.then(Directory::new).transpose()?;
    let place = directory.as_ref().map(|directory| directory.0.as_path());
    let (side, outcome) = match (is_ours, part.on_disk) {
        (true, _) => (OURS, ours::run(load, place)?),
        (false, true) => (WAL, sqlite::run(load, place)?),
        (false, false) => (MEMORY, sqlite::run(load, place)?),
    };
    let Outcome { seconds, mut latencies } = outcome;
    match part.scenarios {
        Scenarios::Throughput(scenario) => {
            samples.add(scenario.name, side, load.transactions.len() as f64 / seconds);
        }
        Scenarios::Latency { p50, p99 } => {
            latencies.sort_by(f64::total_cmp);
            for (scenario, share) in [(p50, 0.5), (p99, 0.99)] {
                samples.add(scenario.name, side, quantile(&latencies, share).ok_or("nothing became final")?);
            }
        }
    }
    Ok(())
}

/// A fresh folder on the disk that the project is on, gone with this value.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self, AnyError> {
        let path = paths::workshop("node")?.join(format!("ledger-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(path: &Path) {
    // What stays behind is in the folder of build products.
    let _ = std::fs::remove_dir_all(path);
}
