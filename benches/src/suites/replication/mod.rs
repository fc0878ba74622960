//! The replicated log on three nodes: batches of entries of 256 B from one thread until a majority has them.
//!
//! All nodes are in this process, but for one where a disk is slow and for those of etcd, and share cores and disk. Ours and the
//! ceiling talk over loopback TCP; `raft` talks through channels. `durable` flushes every group on all of them; `memory` keeps the
//! same files in memory. A repetition runs after 512 MiB of batches of 1,000 and a tenth of its own load that are not measured.
//! Latency is from the handing over of a batch to its commit. etcd gets a tenth of the load, through its own interface, at its
//! leader, and of what goes before it only the tenth: it has no files that are used again.
//! What a leader holds while a follower is behind is what its own figures say: frames in memory, entries without a frame, and what
//! waits for sockets, where frames in memory count again.

mod apart;
mod ceiling;
mod etcd;
mod kept;
mod load;
mod ours;
mod tikv;

use super::{Plan, etcd as etcd_processes};
use crate::record::{Better, Row};
use crate::sample::{Samples, turns};
use crate::scenario::{self, OURS, Peer, Scenario};
use crate::scratch::Scratch;
use crate::{AnyError, versions};
pub(crate) use apart::{NODE, run as run_node, slow_sync};
use ceiling::{Ceiling, Turns};
use etcd::Etcd;
use kept::Disk;
use load::{Figures, Load};
use ours::Ours;
pub(crate) use ours::{Nothing, addresses, config};
use std::io::Write;
use std::time::Duration;
use tikv::Tikv;

const ROUNDS: usize = 5;

const CEILING: &str = "no consensus";
const SEQUENTIAL: &str = "one follower after the other";
const ENGINE: &str = "raft on raft-engine";
#[cfg(feature = "rocksdb")]
const ROCKS: &str = "raft on RocksDB";
const MEMORY: &str = "raft in memory";
const ETCD: &str = "etcd";
const ETCD_CLOSED: &str = "etcd, 64 under way";
/// Of ours, so many entries are etcd's: it takes as long for these.
const ETCD_SHARE: usize = 10;
const OURS_OF_THREE: &str = "three nodes";
const ALIKE: &str = "disks alike";
const LIMITS: &str = "what its settings allow";

const MIB: f64 = (1 << 20) as f64;

/// A slow disk, for one flush.
const DELAY: Duration = Duration::from_millis(100);

/// A replicated log that is open, with a leader.
trait Side {
    /// Puts a batch in; its place, which counts up.
    fn submit(&mut self, entries: &[&[u8]]) -> Result<u64, AnyError>;

    /// Waits until more than `after` is committed; how far.
    fn wait(&mut self, after: u64) -> Result<u64, AnyError>;

    /// Waits until every node has all of it: one that had stopped would have left its share of the machine to the others.
    fn settle(&mut self) -> Result<(), AnyError> {
        Ok(())
    }

    /// Bytes that the leader holds for what is not everywhere yet, where that is measured.
    fn held(&self) -> usize {
        0
    }
}

/// Where the nodes, which are three, have their logs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Disk,
    Memory,
    /// On disk, and ours are five.
    Five,
    /// On disk, one of them in a process of its own; each flush of that takes [`DELAY`] longer where ours is measured.
    OneApart,
}

/// One load, and what is compared of it.
struct Part {
    place: Place,
    load: Load,
    rate: Scenario,
    p50: Option<Scenario>,
    held: Option<Scenario>,
    p99: Scenario,
}

impl Part {
    /// Ours and every peer that is here.
    fn sides(&self, gone: &[&str]) -> Vec<&'static str> {
        let mut sides = vec![OURS];
        for peer in self.rate.peers.iter().chain(self.p99.peers) {
            if !sides.contains(&peer.name) && !gone.contains(&peer.name) {
                sides.push(peer.name);
            }
        }
        sides
    }
}

const fn rate(name: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit: "entries/s", better: Better::Higher, peers }
}

const fn millis(name: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit: "ms", better: Better::Lower, peers }
}

const fn load(batch: usize, window: usize, count: usize) -> Load {
    Load { batch, window, count, pace: None }
}

// G1 to G5 and G8 of the replicated log.
const PARTS: &[Part] = &[
    Part {
        place: Place::Disk,
        load: load(1_000, 16, 2_000),
        rate: rate(
            "durable, batches of 1,000, 16 under way",
            &[
                Peer::floor(CEILING).ours_or_ratio_at_least(2_100_000.0, 0.8),
                Peer::new(SEQUENTIAL).ratio_at_least(1.5),
                Peer::new(ENGINE).ratio_at_least(3.5),
                #[cfg(feature = "rocksdb")]
                Peer::new(ROCKS).ratio_at_least(7.0),
                Peer::new(ETCD).ratio_at_least(40.0),
            ],
        ),
        p50: None,
        held: None,
        p99: millis(
            "durable, batches of 1,000, 16 under way: p99",
            &[
                Peer::floor(CEILING).ours_at_most(10.0),
                Peer::new(SEQUENTIAL),
                Peer::new(ENGINE),
                #[cfg(feature = "rocksdb")]
                Peer::new(ROCKS),
                Peer::new(ETCD),
            ],
        ),
    },
    Part {
        place: Place::Disk,
        load: load(64, 64, 15_000),
        rate: rate(
            "durable, batches of 64, 64 under way",
            &[Peer::floor(CEILING), Peer::new(ENGINE), Peer::new(ETCD)],
        ),
        p50: None,
        held: None,
        p99: millis(
            "durable, batches of 64, 64 under way: p99",
            &[Peer::floor(CEILING), Peer::new(ENGINE), Peer::new(ETCD)],
        ),
    },
    Part {
        place: Place::Disk,
        load: load(10_000, 4, 200),
        rate: rate("durable, batches of 10,000, 4 under way", &[Peer::floor(CEILING), Peer::new(ENGINE)]),
        p50: None,
        held: None,
        p99: millis(
            "durable, batches of 10,000, 4 under way: p99",
            &[Peer::floor(CEILING), Peer::new(ENGINE)],
        ),
    },
    Part {
        place: Place::Disk,
        load: load(1, 256, 200_000),
        rate: rate(
            "durable, one by one, 256 under way",
            &[
                Peer::floor(CEILING).ours_and_ratio_at_least(340_000.0, 0.75),
                Peer::new(ENGINE).ratio_at_least(1.5),
                Peer::new(ETCD).ratio_at_least(25.0),
            ],
        ),
        p50: None,
        held: None,
        p99: millis(
            "durable, one by one, 256 under way: p99",
            &[Peer::floor(CEILING).ours_at_most(1.3), Peer::new(ENGINE), Peer::new(ETCD)],
        ),
    },
    Part {
        place: Place::Memory,
        load: load(1_000, 16, 4_000),
        rate: rate(
            "memory, batches of 1,000, 16 under way",
            &[
                Peer::floor(CEILING).ours_and_ratio_at_least(5_000_000.0, 0.75),
                Peer::new(MEMORY).ratio_at_least(2.7),
            ],
        ),
        p50: None,
        held: None,
        p99: millis(
            "memory, batches of 1,000, 16 under way: p99",
            &[Peer::floor(CEILING), Peer::new(MEMORY)],
        ),
    },
    Part {
        place: Place::Memory,
        load: load(1, 256, 400_000),
        rate: rate(
            "memory, one by one, 256 under way",
            &[
                Peer::floor(CEILING).ours_and_ratio_at_least(800_000.0, 0.72),
                Peer::new(MEMORY).ratio_at_least(1.4),
            ],
        ),
        p50: None,
        held: None,
        p99: millis("memory, one by one, 256 under way: p99", &[Peer::floor(CEILING), Peer::new(MEMORY)]),
    },
    Part {
        place: Place::Disk,
        load: Load { batch: 1, window: 100_000, count: 200_000, pace: Some(70_000.0) },
        rate: rate("durable, 70,000 a second", &[Peer::floor(CEILING), Peer::new(ENGINE)]),
        p50: Some(millis(
            "durable, 70,000 a second: p50",
            &[Peer::floor(CEILING).ours_at_most(0.6), Peer::new(ENGINE)],
        )),
        held: None,
        p99: millis(
            "durable, 70,000 a second: p99",
            &[
                Peer::floor(CEILING).ours_at_most(2.0),
                Peer::new(ENGINE),
                Peer::new(ETCD_CLOSED).ratio_at_least(8.0),
            ],
        ),
    },
    Part {
        place: Place::Five,
        load: load(1_000, 16, 2_000),
        rate: rate("durable, batches of 1,000, five nodes", &[Peer::floor(OURS_OF_THREE)]),
        p50: None,
        held: None,
        p99: millis("durable, batches of 1,000, five nodes: p99", &[Peer::floor(OURS_OF_THREE)]),
    },
    Part {
        place: Place::OneApart,
        // Long enough for some dozens of slow flushes.
        load: load(1_000, 16, 6_000),
        rate: rate(
            "durable, batches of 1,000, one follower 100 ms slower",
            &[Peer::floor(ALIKE).ratio_at_least(0.95)],
        ),
        p50: None,
        held: Some(Scenario {
            name: "durable, batches of 1,000, one follower 100 ms slower: held by the leader, at most",
            unit: "MiB",
            better: Better::Lower,
            peers: &[Peer::floor(LIMITS).ratio_at_least(1.0), Peer::floor(ALIKE)],
        }),
        p99: millis("durable, batches of 1,000, one follower 100 ms slower: p99", &[Peer::floor(ALIKE)]),
    },
];

/// Measures every load, its sides in turns.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    for side in [CEILING, SEQUENTIAL, OURS_OF_THREE, ALIKE, LIMITS] {
        samples.set_version(side, &versions::locked("duochain")?);
    }
    samples
        .set_version(ENGINE, &format!("{}, {}", versions::locked("raft")?, versions::locked("raft-engine")?));
    samples.set_version(MEMORY, &versions::locked("raft")?);
    #[cfg(feature = "rocksdb")]
    samples.set_version(ROCKS, &format!("{}, {}", versions::locked("raft")?, versions::locked("rocksdb")?));
    let gone = match etcd_processes::version() {
        Some(version) => {
            [ETCD, ETCD_CLOSED].iter().for_each(|side| samples.set_version(side, &version));
            &[][..]
        }
        None => {
            writeln!(std::io::stderr(), "replication: without etcd, which is not installed (etcd-server)")?;
            &[ETCD, ETCD_CLOSED]
        }
    };
    let mut scenarios = Vec::new();
    for part in PARTS {
        let sides = part.sides(gone);
        for round in 0..plan.rounds(ROUNDS) {
            for turn in turns(sides.len(), round) {
                let figures = measure(sides[turn], part, plan)?;
                samples.add(part.rate.name, sides[turn], figures.entries_a_second);
                samples.add(part.p99.name, sides[turn], figures.p99_ms);
                if let Some(p50) = &part.p50 {
                    samples.add(p50.name, sides[turn], figures.p50_ms);
                }
                if let Some(held) = &part.held {
                    samples.add(held.name, sides[turn], figures.held_mib);
                }
            }
            if let Some(held) = &part.held {
                samples.add(held.name, LIMITS, ours::held_max()? as f64 / MIB);
            }
        }
        let of_part = [part.rate].into_iter().chain(part.p50).chain([part.p99]).chain(part.held);
        scenarios.extend(of_part.map(|scenario| scenario.without(gone)));
    }
    scenario::rows(&scenarios, &samples)
}

fn open(name: &str, place: Place, scratch: &Scratch) -> Result<Box<dyn Side>, AnyError> {
    Ok(match name {
        OURS if place == Place::OneApart => Box::new(Ours::with_one_apart(scratch, DELAY)?),
        OURS if place == Place::Five => Box::new(Ours::start(scratch, 5)?),
        OURS | OURS_OF_THREE => Box::new(Ours::start(scratch, ours::THREE)?),
        ALIKE => Box::new(Ours::with_one_apart(scratch, Duration::ZERO)?),
        CEILING => Box::new(Ceiling::start(scratch, Turns::Together)?),
        SEQUENTIAL => Box::new(Ceiling::start(scratch, Turns::OneByOne)?),
        ETCD | ETCD_CLOSED => Box::new(Etcd::start()?),
        ENGINE => Box::new(Tikv::start(scratch, Disk::Engine)?),
        #[cfg(feature = "rocksdb")]
        ROCKS => Box::new(Tikv::start(scratch, Disk::Rocks)?),
        _ => Box::new(Tikv::start(scratch, Disk::Memory)?),
    })
}

fn measure(name: &str, part: &Part, plan: Plan) -> Result<Figures, AnyError> {
    let scratch = match part.place {
        Place::Memory => Scratch::in_memory()?,
        Place::Disk | Place::Five | Place::OneApart => Scratch::new("replication")?,
    };
    let mut side = open(name, part.place, &scratch)?;
    let load = Load { count: plan.count(part.load.count), ..part.load };
    let figures = match name {
        ETCD => load::run_once(&mut *side, Load { count: load.count / ETCD_SHARE, ..load }),
        // As fast as so many clients are, not at the pace of the others.
        ETCD_CLOSED => {
            let count = load.count / ETCD_SHARE;
            load::run_once(&mut *side, Load { window: 64, pace: None, count, ..load })
        }
        _ => load::run(&mut *side, load),
    };
    figures.map_err(|error| format!("{}, {name}: {error}", part.rate.name).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// But for those that write a gigabyte before they begin, or need a program of their own.
    const SMALL: &[&str] = &[
        OURS,
        CEILING,
        SEQUENTIAL,
        MEMORY,
        #[cfg(feature = "rocksdb")]
        ROCKS,
        ETCD,
    ];

    #[test]
    fn every_side_takes_single_entries_and_batches() {
        let gone = if etcd_processes::version().is_some() { &[][..] } else { &[ETCD] };
        for name in SMALL.iter().filter(|name| !gone.contains(*name)) {
            for batch in [1, 100] {
                let scratch = Scratch::new("replication").expect("a folder");
                let mut side = open(name, Place::Disk, &scratch).expect("it opens");
                let figures = load::run_once(&mut *side, load(batch, 4, 20));
                let figures = figures.unwrap_or_else(|error| panic!("{name}, {batch}: {error}"));
                assert!(figures.entries_a_second > 0.0 && figures.p99_ms >= figures.p50_ms, "{name}");
            }
        }
    }

    #[test]
    fn what_is_not_here_has_no_turn() {
        for part in PARTS {
            let sides = part.sides(&[ETCD, ETCD_CLOSED]);
            assert_eq!(sides[0], OURS);
            assert!(!sides.contains(&ETCD) && !sides.contains(&ETCD_CLOSED), "{sides:?}");
            let all = part.sides(&[]);
            assert!(part.p99.peers.iter().all(|peer| all.contains(&peer.name)), "{all:?}");
        }
    }
}
