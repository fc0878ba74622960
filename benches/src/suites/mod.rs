//! The list of suites.

mod boundary;
mod etcd;
pub(crate) mod failover;
mod gc;
mod jvm_queue;
mod log;
mod node;
mod pool;
mod queue;
pub(crate) mod replication;
mod resilience;
#[cfg(feature = "rocksdb")]
mod rocks;
pub(crate) mod stability;
mod ticks;
mod validators;

use crate::AnyError;
use crate::record::Row;

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    /// Few repetitions, for whoever works on the harness.
    pub(crate) quick: bool,
}

impl Plan {
    /// `full` repetitions, or the few of a quick run.
    pub(crate) fn rounds(self, full: usize) -> usize {
        if self.quick { full.min(3) } else { full }
    }

    /// How much to do in one repetition: a quarter in a quick run.
    pub(crate) fn count(self, full: usize) -> usize {
        if self.quick { full / 4 } else { full }
    }
}

/// Scenarios that are measured together.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The word of `make bench B=…`.
    pub(crate) name: &'static str,
    /// In one sentence.
    pub(crate) about: &'static str,
    /// Measures.
    pub(crate) run: fn(Plan) -> Result<Vec<Row>, AnyError>,
}

/// All of them, in the order of a full run.
pub(crate) const ALL: &[Suite] = &[
    Suite {
        name: "boundary",
        about: "What a call and an enqueue cost from C, Java and Python.",
        run: boundary::run,
    },
    Suite {
        name: "queue",
        about: "Items through the queue from many threads, beside queues of Rust and C++.",
        run: queue::run,
    },
    Suite {
        name: "pool",
        about: "Buffers taken and given back, beside allocators and pools of other crates.",
        run: pool::run,
    },
    Suite {
        name: "node",
        about: "Transactions from submit to final through a whole node, each one checked by the host.",
        run: node::run,
    },
    Suite {
        name: "resilience",
        about: "What a breaker, a rate limiter, a bulkhead and all three together add to a call.",
        run: resilience::run,
    },
    Suite {
        name: "log",
        about: "Batches of entries made durable by the log of the replicated log alone, beside a raw file.",
        run: log::run,
    },
    Suite {
        name: "replication",
        about: "Batches until a majority of three nodes has them, beside no consensus at all and another Raft.",
        run: replication::run,
    },
    Suite {
        name: "failover",
        about: "How long nobody can write after the leader of three processes was killed, beside etcd.",
        run: failover::run,
    },
    Suite {
        name: "stability",
        about: "Ten minutes at full load on disks that stall: does the leader stay one?",
        run: stability::run,
    },
    Suite {
        name: "validators",
        about: "Random numbers and signatures beside other crates, draws of leaders, memory of a validator.",
        run: validators::run,
    },
    Suite {
        name: "jvm-queue",
        about: "Queues between threads of a JVM: ours through JNI beside those of the JVM's own.",
        run: jvm_queue::run,
    },
    Suite {
        name: "gc",
        about: "What a JVM's collector does while transactions come in: objects beside pooled buffers.",
        run: gc::run,
    },
];

/// The suite of that name.
pub(crate) fn find(name: &str) -> Result<&'static Suite, String> {
    ALL.iter().find(|suite| suite.name == name).ok_or_else(|| {
        let known: Vec<&str> = ALL.iter().map(|suite| suite.name).collect();
        format!("no suite '{name}'; there are: {}", known.join(", "))
    })
}
