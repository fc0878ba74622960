//! What is compared in the suite "queue", and the goals.
//!
//! A goal against the best peer stands at every peer it covers: it is reached when all of them are met.

use super::load::Load;
use crate::record::Better;
use crate::scenario::{Peer, Scenario};

pub(super) const ARRAY: &str = "crossbeam ArrayQueue";
pub(super) const CONCURRENT: &str = "concurrent-queue";
pub(super) const MPSC: &str = "crossfire mpsc";
pub(super) const MPMC: &str = "crossfire mpmc";
pub(super) const FLUME: &str = "flume";
pub(super) const KANAL: &str = "kanal";
pub(super) const SCQ: &str = "lfqueue (SCQ)";
pub(super) const LOCKED: &str = "Mutex<VecDeque>";
pub(super) const MOODYCAMEL: &str = "moodycamel + tokens";
pub(super) const BOOST: &str = "Boost lockfree::queue";

/// Threads, room, and the scenarios that are measured with them.
pub(super) struct Shape {
    load: Load,
    /// One item at a time.
    pub(super) single: Scenario,
    /// Ours by runs, the best peers one at a time.
    pub(super) runs: Option<Scenario>,
}

impl Shape {
    const fn of(load: (usize, usize, usize), name: &'static str, peers: &'static [Peer]) -> Self {
        let (producers, consumers, cells) = load;
        let load = Load { producers, consumers, cells, items: 0 };
        Self { load, single: Scenario { name, unit: "M/s", better: Better::Higher, peers }, runs: None }
    }

    const fn and_runs(self, name: &'static str) -> Self {
        Self { runs: Some(Scenario { name, unit: "M/s", better: Better::Higher, peers: RUN_PEERS }), ..self }
    }

    /// With so many items a repetition.
    pub(super) const fn with(&self, items: usize) -> Load {
        Load { items: items as u64, ..self.load }
    }

    pub(super) const fn has_one_consumer(&self) -> bool {
        self.load.consumers == 1
    }
}

/// The best peers, which have no runs.
const RUN_PEERS: &[Peer] = &[
    Peer::new(ARRAY).ratio_at_least(2.0),
    Peer::new(CONCURRENT).ratio_at_least(2.0),
    Peer::new(MPSC).ratio_at_least(2.0),
    Peer::new(MOODYCAMEL).ratio_at_least(2.0),
];

/// Goals against the peers for many producers: any of them, and those that are lock-free and in order.
const fn peers(crossfire: &'static str, any: f64, lock_free: f64) -> [Peer; 9] {
    [
        Peer::new(ARRAY).ratio_at_least(any),
        Peer::new(CONCURRENT).ratio_at_least(any),
        Peer::new(crossfire).ratio_at_least(any),
        Peer::new(FLUME).ratio_at_least(any),
        Peer::new(KANAL).ratio_at_least(any),
        Peer::new(SCQ).ratio_at_least(lock_free),
        Peer::new(LOCKED).ratio_at_least(any),
        Peer::new(MOODYCAMEL).ratio_at_least(any),
        Peer::new(BOOST).ratio_at_least(lock_free),
    ]
}

/// No goal is set.
const fn no_goals(crossfire: &'static str) -> [Peer; 9] {
    let mut peers = peers(crossfire, 0.0, 0.0);
    let mut n = 0;
    while n < peers.len() {
        peers[n].goal = None;
        n += 1;
    }
    peers
}

/// The worst repetition of ours is held against our own median at the row of the lock, where the ratio is not
/// in doubt.
const fn with_worst(mut peers: [Peer; 9]) -> [Peer; 9] {
    peers[6] = Peer::new(LOCKED).worst_at_least(0.8);
    peers
}

const LARGE: usize = 262_144;
const SMALL: usize = 1_024;

pub(super) const SHAPES: &[Shape] = &[
    Shape::of((1, 1, LARGE), "262,144 cells: 1P1C", const { &peers(MPSC, 1.2, 1.2) })
        .and_runs("runs of 16, room for 262,144: 1P1C"),
    Shape::of((2, 1, LARGE), "262,144 cells: 2P1C", const { &peers(MPSC, 1.2, 1.2) }),
    Shape::of((4, 1, LARGE), "262,144 cells: 4P1C", const { &peers(MPSC, 1.1, 3.0) })
        .and_runs("runs of 16, room for 262,144: 4P1C"),
    Shape::of((64, 1, LARGE), "262,144 cells: 64P1C", const { &peers(MPSC, 1.0, 3.0) })
        .and_runs("runs of 16, room for 262,144: 64P1C"),
    Shape::of((256, 1, LARGE), "262,144 cells: 256P1C", const { &with_worst(peers(MPSC, 1.0, 3.0)) })
        .and_runs("runs of 16, room for 262,144: 256P1C"),
    Shape::of((4, 4, LARGE), "262,144 cells: 4P4C", const { &peers(MPMC, 1.0, 1.0) }),
    Shape::of((1, 1, SMALL), "1,024 cells: 1P1C", const { &peers(MPSC, 1.3, 1.3) }),
    Shape::of((2, 1, SMALL), "1,024 cells: 2P1C", const { &no_goals(MPSC) }),
    Shape::of((4, 1, SMALL), "1,024 cells: 4P1C", const { &peers(MPSC, 1.7, 1.7) }),
    Shape::of((64, 1, SMALL), "1,024 cells: 64P1C", const { &no_goals(MPSC) }),
    Shape::of((256, 1, SMALL), "1,024 cells: 256P1C", const { &peers(MPSC, 1.2, 1.2) }),
    Shape::of((4, 4, SMALL), "1,024 cells: 4P4C", const { &peers(MPMC, 1.1, 1.1) }),
];

const fn nanos(name: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit: "ns", better: Better::Lower, peers }
}

const TAIL_PEERS: &[Peer] = &[Peer::new(ARRAY), Peer::new(SCQ), Peer::new(KANAL)];

/// p50, p99 and p99.9 of one enqueue into an empty queue.
pub(super) const ALONE: [Scenario; 3] = [
    nanos("enqueue, 1 producer: p50", TAIL_PEERS),
    nanos("enqueue, 1 producer: p99", TAIL_PEERS),
    nanos("enqueue, 1 producer: p99.9", TAIL_PEERS),
];

/// The same among 256 producers.
pub(super) const CROWDED: [Scenario; 3] = [
    nanos(
        "enqueue, 256 producers: p50",
        &[Peer::new(ARRAY).ours_at_most(100.0), Peer::new(SCQ), Peer::new(KANAL)],
    ),
    nanos("enqueue, 256 producers: p99", TAIL_PEERS),
    nanos(
        "enqueue, 256 producers: p99.9",
        &[Peer::new(ARRAY).ratio_at_least(1_000.0), Peer::new(SCQ).ratio_at_least(1.0), Peer::new(KANAL)],
    ),
];

pub(super) const AMORTISED: Scenario = nanos(
    "enqueue, uncontended: 262,144 in a row",
    // At most 0.6 of ArrayQueue's time.
    &[Peer::new(ARRAY).ratio_at_least(1.0 / 0.6), Peer::new(SCQ), Peer::new(KANAL)],
);
pub(super) const AMORTISED_BY_RUNS: Scenario = nanos(
    "enqueue, uncontended: 262,144 by runs of 16, each",
    &[Peer::new(ARRAY).ours_at_most(3.0), Peer::new(SCQ), Peer::new(KANAL)],
);

pub(super) const BLOCK_PEERS: &[Peer] = &[Peer::new(ARRAY_COPY), Peer::new(LOCKED_COPY)];
pub(super) const ARRAY_COPY: &str = "ArrayQueue<Box<[u8]>>";
pub(super) const LOCKED_COPY: &str = "Mutex<VecDeque<Box<[u8]>>>";

/// Threads that send the real block; bytes and transactions a second.
pub(super) const BLOCK: [(usize, [Scenario; 2]); 3] = [
    (1, block("real block, GB/s: 1 producer", "real block, transactions: 1 producer")),
    (4, block("real block, GB/s: 4 producers", "real block, transactions: 4 producers")),
    (64, block("real block, GB/s: 64 producers", "real block, transactions: 64 producers")),
];

const fn block(bytes: &'static str, transactions: &'static str) -> [Scenario; 2] {
    let of = Scenario { name: bytes, unit: "GB/s", better: Better::Higher, peers: BLOCK_PEERS };
    [of, Scenario { name: transactions, unit: "M/s", ..of }]
}
