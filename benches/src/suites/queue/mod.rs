//! The queue beside its peers: throughput, latency of an enqueue, and the transactions of a real block.
//!
//! For throughput and latency ours is the ring bare, and all carry numbers. Every side takes as many as it can
//! by its own best way (`drain` where it has one). A repetition is a fixed number of items, more of them for the
//! fast sides than for those that are known to be slow, in a fresh queue; a side that does not finish in
//! [`load::Load::SECONDS_MAX`] seconds has stalled, which its rows say. `lfqueue` is the lock-free SCQ that is kept
//! best; moodycamel keeps no order across producers and, in the form measured, no bound.

mod block;
mod cpp;
mod latency;
mod load;
mod shapes;
mod side;

use super::Plan;
use super::ticks::Ticks;
use crate::record::Row;
use crate::sample::{Samples, turns};
use crate::scenario::{self, OURS, Scenario};
use crate::{AnyError, versions};
use block::{Block, Laps};
use concurrent_queue::ConcurrentQueue;
use crossbeam_queue::ArrayQueue;
use latency::Histogram;
use lfqueue::AllocBoundedQueue;
use load::{Outcome, run_by_runs};
use shapes::{ALONE, AMORTISED, AMORTISED_BY_RUNS, CROWDED, SHAPES, Shape};
use side::{CrossfireMpmc, CrossfireMpsc, Flume, Kanal, Locked, RUN, Runs, Single};
use std::io::Write;

const ROUNDS: usize = 5;
/// Items of a repetition: several times the largest room.
const FAST: usize = 8_000_000;
const MEDIUM: usize = 4_000_000;
const SLOW: usize = 1_500_000;
const BY_RUNS: usize = 24_000_000;
/// Laps of the real block in a repetition.
const LAPS: usize = 100;

/// Measures everything.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let cpp = cpp::Peers::compile()?;
    let mut samples = Samples::default();
    name_versions(&cpp, &mut samples)?;
    let mut scenarios = Vec::new();
    for shape in SHAPES {
        measure_throughput(plan, shape, &cpp, &mut samples)?;
    }
    scenarios.extend(SHAPES.iter().map(|shape| shape.single));
    scenarios.extend(SHAPES.iter().filter_map(|shape| shape.runs));
    measure_latency(plan, &mut samples)?;
    scenarios.extend(ALONE.iter().chain(&CROWDED).chain([&AMORTISED, &AMORTISED_BY_RUNS]));
    match Block::load()? {
        Some(block) => scenarios.extend(measure_block(plan, &block, &mut samples)?),
        None => writeln!(std::io::stdout(), "The real block is not there: left out.\n")?,
    }
    scenario::rows(&scenarios, &samples)
}

fn name_versions(cpp: &cpp::Peers, samples: &mut Samples) -> Result<(), AnyError> {
    for (side, package) in [
        (shapes::ARRAY, "crossbeam-queue"),
        (shapes::CONCURRENT, "concurrent-queue"),
        (shapes::MPSC, "crossfire"),
        (shapes::MPMC, "crossfire"),
        (shapes::FLUME, "flume"),
        (shapes::KANAL, "kanal"),
        (shapes::SCQ, "lfqueue"),
        (shapes::LOCKED, "parking_lot"),
        (shapes::ARRAY_COPY, "crossbeam-queue"),
        (shapes::LOCKED_COPY, "parking_lot"),
    ] {
        samples.set_version(side, &versions::locked(package)?);
    }
    let [moodycamel, boost] = cpp.versions()?;
    samples.set_version(shapes::MOODYCAMEL, &moodycamel);
    samples.set_version(shapes::BOOST, &boost);
    Ok(())
}

/// All sides of a shape in turns.
fn measure_throughput(
    plan: Plan,
    shape: &Shape,
    cpp: &cpp::Peers,
    samples: &mut Samples,
) -> Result<(), AnyError> {
    let [fast, medium, slow] = [FAST, MEDIUM, SLOW].map(|items| shape.with(plan.count(items)));
    let crossfire = if shape.has_one_consumer() { shapes::MPSC } else { shapes::MPMC };
    for round in 0..plan.rounds(ROUNDS) {
        for turn in turns(10, round) {
            let (side, outcome) = match turn {
                0 => (OURS, load::run::<Single>(fast)),
                1 => (shapes::ARRAY, load::run::<ArrayQueue<u32>>(fast)),
                2 => (shapes::CONCURRENT, load::run::<ConcurrentQueue<u32>>(fast)),
                3 if shape.has_one_consumer() => (crossfire, load::run::<CrossfireMpsc>(fast)),
                3 => (crossfire, load::run::<CrossfireMpmc>(fast)),
                4 => (shapes::MOODYCAMEL, cpp.run("moodycamel", fast)),
                5 => (shapes::BOOST, cpp.run("boost", slow)),
                6 => (shapes::FLUME, load::run::<Flume>(medium)),
                7 => (shapes::KANAL, load::run::<Kanal>(medium)),
                8 => (shapes::SCQ, load::run::<AllocBoundedQueue<u32>>(slow)),
                _ => (shapes::LOCKED, load::run::<Locked>(medium)),
            };
            let outcome = outcome?;
            note(samples, shape.single, side, outcome);
            match shape.runs {
                Some(runs) if side == OURS => {
                    note(samples, runs, OURS, run_by_runs::<Runs, RUN>(shape.with(plan.count(BY_RUNS)))?);
                }
                Some(runs) => note(samples, runs, side, outcome),
                None => (),
            }
        }
    }
    Ok(())
}

fn note(samples: &mut Samples, scenario: Scenario, side: &str, outcome: Outcome) {
    // A side that let nothing through is shown as one item: a ratio needs a figure.
    samples.add(scenario.name, side, outcome.items.max(1) as f64 / outcome.seconds / 1e6);
    if outcome.stalled {
        samples.note_stall(scenario.name, side);
    }
}

fn measure_latency(plan: Plan, samples: &mut Samples) -> Result<(), AnyError> {
    let ticks = Ticks::calibrate();
    let mut add = |scenarios: &[Scenario; 3], side: &str, times: &Histogram| {
        for (scenario, share) in scenarios.iter().zip([0.5, 0.99, 0.999]) {
            let value = times.quantile(share).ok_or_else(|| format!("{side} accepted nothing"))?;
            samples.add(scenario.name, side, latency::nanos(&ticks, value));
        }
        Ok::<_, AnyError>(())
    };
    for round in 0..plan.rounds(ROUNDS) {
        for turn in turns(4, round) {
            let (side, alone, crowded) = match turn {
                0 => (OURS, latency::alone::<Single>(plan), latency::crowded::<Single>(plan)),
                1 => (
                    shapes::ARRAY,
                    latency::alone::<ArrayQueue<u32>>(plan),
                    latency::crowded::<ArrayQueue<u32>>(plan),
                ),
                2 => (
                    shapes::SCQ,
                    latency::alone::<AllocBoundedQueue<u32>>(plan),
                    latency::crowded::<AllocBoundedQueue<u32>>(plan),
                ),
                _ => (shapes::KANAL, latency::alone::<Kanal>(plan), latency::crowded::<Kanal>(plan)),
            };
            add(&ALONE, side, &alone)?;
            add(&CROWDED, side, &crowded)?;
        }
    }
    measure_amortised(plan, samples);
    Ok(())
}

fn measure_amortised(plan: Plan, samples: &mut Samples) {
    for round in 0..plan.rounds(ROUNDS) {
        for turn in turns(4, round) {
            let (side, each) = match turn {
                0 => (OURS, latency::amortised::<Single>(plan)),
                1 => (shapes::ARRAY, latency::amortised::<ArrayQueue<u32>>(plan)),
                2 => (shapes::SCQ, latency::amortised::<AllocBoundedQueue<u32>>(plan)),
                _ => (shapes::KANAL, latency::amortised::<Kanal>(plan)),
            };
            samples.add(AMORTISED.name, side, each);
            let by_runs = if side == OURS { latency::amortised_by_runs::<Runs>(plan) } else { each };
            samples.add(AMORTISED_BY_RUNS.name, side, by_runs);
        }
    }
}

fn measure_block(plan: Plan, block: &Block, samples: &mut Samples) -> Result<Vec<Scenario>, AnyError> {
    let laps = plan.count(LAPS);
    let mut kept = Laps::new(block, laps);
    for (producers, [bytes, transactions]) in shapes::BLOCK {
        for round in 0..plan.rounds(ROUNDS) {
            for turn in turns(3, round) {
                let (side, seconds) = match turn {
                    0 => (OURS, block::run::<block::Ours>(block, producers, &mut kept)?),
                    1 => (shapes::ARRAY_COPY, block::run::<block::Array>(block, producers, &mut kept)?),
                    _ => (shapes::LOCKED_COPY, block::run::<block::Locked>(block, producers, &mut kept)?),
                };
                samples.add(bytes.name, side, block.bytes_of(laps) as f64 / seconds / 1e9);
                samples.add(transactions.name, side, block.transactions_of(laps) as f64 / seconds / 1e6);
            }
        }
    }
    let of_kind = |kind: usize| shapes::BLOCK.iter().map(move |(_, scenarios)| scenarios[kind]);
    Ok(of_kind(0).chain(of_kind(1)).collect())
}
