//! The log of the replicated log alone: batches of entries of 256 B made durable, one flush for each batch.
//!
//! Each side gets the entries one by one and has them on the disk at the end of a batch. The floor is a file that
//! was written with zeros before: a batch that already lies in one piece gets a CRC-32C, one `pwrite` and one
//! `fdatasync`, over and over the same 64 MiB, without an index, a roll or anything to recover by.
//!
//! What is measured is a log that has run for a while: each side writes 320 MiB first, so that files are used again
//! instead of laid out, as they are for most of a node's life.

mod engine;
mod ours;
mod raw;
#[cfg(feature = "rocksdb")]
mod rocks;

use super::Plan;
use crate::record::{Better, Row};
use crate::sample::{Samples, turns};
use crate::scenario::{self, OURS, Peer, Scenario};
use crate::scratch::Scratch;
use crate::{AnyError, versions};
use duochain::env::{Clock, SystemClock};
use std::path::Path;

const ROUNDS: usize = 5;
const ENTRY_BYTES: usize = 256;
/// Before the clock starts: more than five files of 64 MiB.
const WARM_BATCHES: usize = 1_280;
const WARM_BATCH: usize = 1_000;

const RAW: &str = "pwrite and fdatasync";
const ENGINE: &str = "raft-engine";
#[cfg(feature = "rocksdb")]
const ROCKS: &str = "RocksDB";
#[cfg(feature = "rocksdb")]
const OURS_IN_ROCKS: &str = "our frames in RocksDB";

/// One size of batches.
struct Part {
    batch: usize,
    /// Batches of a repetition.
    count: usize,
    scenario: Scenario,
}

const fn part(batch: usize, count: usize, name: &'static str, peers: &'static [Peer]) -> Part {
    Part { batch, count, scenario: Scenario { name, unit: "entries/s", better: Better::Higher, peers } }
}

// G7 of the replicated log: 80 % of a raw file, and where batches are large 2.9 and 4.5 M/s, 2.3 and 2.4
// times raft-engine, 5 and 7 times RocksDB.
const PARTS: &[Part] = &[
    part(
        1,
        2_000,
        "batches of 1",
        &[
            Peer::floor(RAW).ratio_at_least(0.8),
            Peer::new(ENGINE),
            #[cfg(feature = "rocksdb")]
            Peer::new(ROCKS),
            #[cfg(feature = "rocksdb")]
            Peer::new(OURS_IN_ROCKS),
        ],
    ),
    part(
        64,
        1_500,
        "batches of 64",
        &[
            Peer::floor(RAW).ratio_at_least(0.8),
            Peer::new(ENGINE),
            #[cfg(feature = "rocksdb")]
            Peer::new(ROCKS),
            #[cfg(feature = "rocksdb")]
            Peer::new(OURS_IN_ROCKS),
        ],
    ),
    part(
        1_000,
        800,
        "batches of 1,000",
        &[
            Peer::floor(RAW).ours_and_ratio_at_least(2_900_000.0, 0.8),
            Peer::new(ENGINE).ratio_at_least(2.3),
            #[cfg(feature = "rocksdb")]
            Peer::new(ROCKS).ratio_at_least(5.0),
            #[cfg(feature = "rocksdb")]
            Peer::new(OURS_IN_ROCKS),
        ],
    ),
    part(
        10_000,
        200,
        "batches of 10,000",
        &[
            Peer::floor(RAW).ours_and_ratio_at_least(4_500_000.0, 0.8),
            Peer::new(ENGINE).ratio_at_least(2.4),
            #[cfg(feature = "rocksdb")]
            Peer::new(ROCKS).ratio_at_least(7.0),
            #[cfg(feature = "rocksdb")]
            Peer::new(OURS_IN_ROCKS),
        ],
    ),
];

/// A side that is open: makes one batch durable. `number` counts from 0.
trait Side {
    fn append(&mut self, entries: &[&[u8]], number: usize) -> Result<(), AnyError>;
}

/// Measures every part, its sides in turns.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    samples.set_version(RAW, "of the system");
    samples.set_version(ENGINE, &versions::locked("raft-engine")?);
    #[cfg(feature = "rocksdb")]
    for side in [ROCKS, OURS_IN_ROCKS] {
        samples.set_version(side, &versions::locked("rocksdb")?);
    }
    let scenarios: Vec<Scenario> = PARTS.iter().map(|part| part.scenario).collect();
    for part in PARTS {
        let payload = payload(part.batch);
        let entries: Vec<&[u8]> = payload.chunks(ENTRY_BYTES).collect();
        let sides: Vec<&str> =
            [OURS].into_iter().chain(part.scenario.peers.iter().map(|peer| peer.name)).collect();
        for round in 0..plan.rounds(ROUNDS) {
            for turn in turns(sides.len(), round) {
                let figure = measure(sides[turn], &entries, plan.count(part.count))?;
                samples.add(part.scenario.name, sides[turn], figure);
            }
        }
    }
    scenario::rows(&scenarios, &samples)
}

/// Bytes of as many entries.
fn payload(entries: usize) -> Vec<u8> {
    (0..entries * ENTRY_BYTES).map(|at| (at * 31 % 251) as u8).collect()
}

fn open(side: &str, directory: &Path) -> Result<Box<dyn Side>, AnyError> {
    Ok(match side {
        OURS => Box::new(ours::Ours::open(directory)?),
        RAW => Box::new(raw::Raw::open(directory)?),
        #[cfg(feature = "rocksdb")]
        ROCKS => Box::new(rocks::Plain::open(directory)?),
        #[cfg(feature = "rocksdb")]
        OURS_IN_ROCKS => Box::new(ours::Ours::in_rocksdb(directory)?),
        _ => Box::new(engine::RaftEngine::open(directory)?),
    })
}

/// Entries a second.
fn measure(side: &str, entries: &[&[u8]], count: usize) -> Result<f64, AnyError> {
    let directory = Scratch::new("log")?;
    let mut side = open(side, directory.path())?;
    let payload = payload(WARM_BATCH);
    let warm: Vec<&[u8]> = payload.chunks(ENTRY_BYTES).collect();
    for number in 0..WARM_BATCHES {
        side.append(&warm, number)?;
    }
    let clock = SystemClock::new();
    let begun = clock.now();
    for number in 0..count {
        side.append(entries, number)?;
    }
    let seconds = clock.now().since(begun).as_secs_f64();
    Ok((entries.len() * count) as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// But for the one that writes a gigabyte before it begins.
    const SMALL: &[&str] = &[
        OURS,
        RAW,
        #[cfg(feature = "rocksdb")]
        ROCKS,
        #[cfg(feature = "rocksdb")]
        OURS_IN_ROCKS,
    ];

    #[test]
    fn every_side_takes_batches_and_is_cut() {
        let entries = [&[7; 8][..]; 1_000];
        for name in SMALL {
            let directory = Scratch::new("log").expect("a folder");
            let mut side = open(name, directory.path()).expect("it opens");
            for number in 0..320 {
                side.append(&entries, number).unwrap_or_else(|error| panic!("{name}, {number}: {error}"));
            }
        }
    }
}
