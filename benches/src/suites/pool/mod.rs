//! Pools of buffers beside allocators and pools of other crates: take a buffer, write its first and last byte,
//! give it back.
//!
//! `hand-over` is what a queue does: half of the threads take, the other half give back, groups of 32 between
//! them through a queue that is the same for all. In `hold 1` and `hold 32` the thread that took gives back, at
//! once or after it has taken 32; the time is that of a core: wall time by the cores at work, divided. Allocators
//! are called by their own functions. Repetitions last a fixed time, since some sides are a thousand times slower
//! than others.

mod load;
mod side;

use super::Plan;
use crate::record::{Better, Row};
use crate::sample::{Samples, turns};
use crate::scenario::{self, OURS, Peer, Scenario};
use crate::{AnyError, guest, versions};
use load::{Pattern, run as repeat};
use side::{Array, Glibc, Jemalloc, Maker, Mimalloc, Ours, ShardedSlab, ThreadLocal};
use std::process::Command;

const ROUNDS: usize = 5;
/// Nanoseconds of a repetition.
const LONG: usize = 60_000_000;

const MIMALLOC: &str = "mimalloc";
const JEMALLOC: &str = "jemalloc";
const GLIBC: &str = "glibc malloc";
const SHARDED: &str = "sharded-slab Pool";
const OPOOL: &str = "opool";
const ARRAY: &str = "pool on ArrayQueue";
const LOCAL: &str = "thread-local Vec";

/// One size and pattern, over numbers of threads.
struct Part {
    bytes: usize,
    pattern: Pattern,
    /// Threads of each scenario.
    scenarios: &'static [(usize, Scenario)],
}

const HAND_OVER_PEERS: &[Peer] = &[
    Peer::new(MIMALLOC).ratio_at_least(2.0),
    Peer::new(JEMALLOC),
    Peer::new(GLIBC),
    Peer::new(SHARDED).ratio_at_least(5.0),
    Peer::new(OPOOL),
    Peer::new(ARRAY),
];

const HOLD_PEERS: &[Peer] = &[
    Peer::new(MIMALLOC).ratio_at_least(1.8),
    Peer::new(JEMALLOC).ratio_at_least(1.8),
    Peer::new(GLIBC).ratio_at_least(1.8),
    Peer::new(SHARDED).ratio_at_least(5.0),
    Peer::new(OPOOL).ratio_at_least(5.0),
    Peer::new(ARRAY).ratio_at_least(5.0),
    // At most 1.2 times its time.
    Peer::floor(LOCAL).ratio_at_least(1.0 / 1.2),
];

const fn hand_over(name: &'static str) -> Scenario {
    Scenario { name, unit: "M/s", better: Better::Higher, peers: HAND_OVER_PEERS }
}

const fn hold(name: &'static str) -> Scenario {
    Scenario { name, unit: "ns", better: Better::Lower, peers: HOLD_PEERS }
}

macro_rules! parts {
    ($(($bytes:literal, $size:literal)),+) => {
        &[$(
            Part {
                bytes: $bytes,
                pattern: Pattern::HandOver,
                scenarios: &[
                    (2, hand_over(concat!("hand-over, ", $size, ": 2 threads"))),
                    (8, hand_over(concat!("hand-over, ", $size, ": 8 threads"))),
                    (64, hand_over(concat!("hand-over, ", $size, ": 64 threads"))),
                ],
            },
            Part {
                bytes: $bytes,
                pattern: Pattern::Hold(1),
                scenarios: &[
                    (1, hold(concat!("hold 1, ", $size, ": 1 thread"))),
                    (2, hold(concat!("hold 1, ", $size, ": 2 threads"))),
                    (8, hold(concat!("hold 1, ", $size, ": 8 threads"))),
                    (64, hold(concat!("hold 1, ", $size, ": 64 threads"))),
                ],
            },
            Part {
                bytes: $bytes,
                pattern: Pattern::Hold(32),
                scenarios: &[
                    (1, hold(concat!("hold 32, ", $size, ": 1 thread"))),
                    (2, hold(concat!("hold 32, ", $size, ": 2 threads"))),
                    (8, hold(concat!("hold 32, ", $size, ": 8 threads"))),
                    (64, hold(concat!("hold 32, ", $size, ": 64 threads"))),
                ],
            },
        )+]
    };
}

const PARTS: &[Part] = parts![(256, "256 B"), (1_024, "1 KiB"), (4_096, "4 KiB")];

/// Measures every part, its sides in turns.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    name_versions(&mut samples)?;
    for part in PARTS {
        for (threads, scenario) in part.scenarios {
            for round in 0..plan.rounds(ROUNDS) {
                for turn in turns(8, round) {
                    measure(plan, part, *threads, scenario, turn, &mut samples);
                }
            }
        }
    }
    let scenarios: Vec<Scenario> =
        PARTS.iter().flat_map(|part| part.scenarios).map(|(_, scenario)| *scenario).collect();
    scenario::rows(&scenarios, &samples)
}

/// A repetition of one side: bytes, threads, pattern, nanoseconds; the buffers that went round, and seconds.
type Repeat = fn(usize, usize, Pattern, u64) -> (u64, f64);

fn measure(plan: Plan, part: &Part, threads: usize, scenario: &Scenario, turn: usize, samples: &mut Samples) {
    let (side, run): (_, Repeat) = match turn {
        0 => (OURS, repeat::<Ours>),
        1 => (MIMALLOC, repeat::<Mimalloc>),
        2 => (JEMALLOC, repeat::<Jemalloc>),
        3 => (GLIBC, repeat::<Glibc>),
        4 => (SHARDED, repeat::<ShardedSlab>),
        5 => (OPOOL, repeat::<opool::Pool<Maker, Box<[u8]>>>),
        6 => (ARRAY, repeat::<Array>),
        // What one thread keeps for itself cannot come from another.
        _ if part.pattern == Pattern::HandOver => return,
        _ => (LOCAL, repeat::<ThreadLocal>),
    };
    let (pairs, seconds) = run(part.bytes, threads, part.pattern, plan.count(LONG) as u64);
    let pairs = pairs.max(1) as f64;
    let figure = match scenario.better {
        Better::Higher => pairs / seconds / 1e6,
        Better::Lower => seconds * 1e9 * threads.min(cores()) as f64 / pairs,
    };
    samples.add(scenario.name, side, figure);
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn name_versions(samples: &mut Samples) -> Result<(), AnyError> {
    for (side, package) in [
        (MIMALLOC, "libmimalloc-sys"),
        (JEMALLOC, "tikv-jemalloc-sys"),
        (SHARDED, "sharded-slab"),
        (OPOOL, "opool"),
        (ARRAY, "crossbeam-queue"),
    ] {
        samples.set_version(side, &versions::locked(package)?);
    }
    let libc = guest::answer(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    samples.set_version(GLIBC, libc.trim_start_matches("glibc "));
    samples.set_version(LOCAL, "std");
    Ok(())
}
