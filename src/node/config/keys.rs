//! The table of configuration keys. Everything that lists keys, in any language, is made from it.

use super::key::{Key, Kind};
use crate::pool::{KIND_MAX_CEILING, KIND_MAX_FLOOR};
use crate::queue::RUN_MAX;
use crate::storage::SEGMENT_BYTES_CEILING;
use crate::types::{LANES_MAX, TRANSACTION_BYTES_CEILING};

const fn integer(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

/// Every key, grouped by subject.
pub static KEYS: &[Key] = &[
    Key {
        name: "data_dir",
        kind: Kind::Path,
        unit: "",
        default: "",
        range: "a path; may be empty only with storage.backend = memory",
        meaning: "Directory of both chains. Created when missing; one process at a time.",
        consequence: "On a file system without fdatasync a power cut loses what was final.",
    },
    Key {
        name: "storage.backend",
        kind: Kind::Word(&["fjall", "memory", "rocksdb"]),
        unit: "",
        default: "fjall",
        range: "fjall, memory or rocksdb",
        meaning: "Key-value store of the state. `memory` keeps everything, blocks too, in memory only.",
        consequence: "`memory` forgets all at close; `rocksdb` needs a build with that feature.",
    },
    Key {
        name: "storage.cache_bytes",
        kind: integer(1 << 20, 1 << 36),
        unit: "bytes",
        default: "33554432",
        range: "1048576 to 68719476736",
        meaning: "Memory that each chain's state store may use to cache reads.",
        consequence: "Too small: look-ups of old transactions go to the disk.",
    },
    Key {
        name: "log.segment_bytes",
        kind: integer(1 << 16, SEGMENT_BYTES_CEILING as u64),
        unit: "bytes",
        default: "67108864",
        range: "65536 to 1073741824",
        meaning: "Size at which a segment of the block log or event log is closed and the next begun.",
        consequence: "Small: many files. Large: old events are given back in large steps.",
    },
    Key {
        name: "time.scale",
        kind: integer(1, 10_000),
        unit: "times",
        default: "1",
        range: "1 to 10000",
        meaning: "Divides every block interval: 100 runs the chains a hundred times faster than real time.",
        consequence: "Too large: a block takes longer than its interval, the schedule re-anchors all the time.",
    },
    Key {
        name: "delta.block_interval_ms",
        kind: integer(10, 3_600_000),
        unit: "milliseconds",
        default: "3000",
        range: "10 to 3600000",
        meaning: "Target time between Delta blocks before scaling. Alpha's is five times as long.",
        consequence: "Short: more empty blocks and syncs. Long: finality takes as many intervals as finality.depth.",
    },
    Key {
        name: "finality.depth",
        kind: integer(1, 64),
        unit: "blocks",
        default: "3",
        range: "1 to 64",
        meaning: "A block is final when this many blocks follow it.",
        consequence: "Must be the same for the whole life of a data directory to give hosts one meaning of final.",
    },
    Key {
        name: "block.transactions_max",
        kind: integer(1, 1_000_000),
        unit: "transactions",
        default: "65536",
        range: "1 to 1000000",
        meaning: "Most transactions in one block.",
        consequence: "Too large: one block's work exceeds the interval and the slots drift.",
    },
    Key {
        name: "block.bytes_max",
        kind: integer(1 << 12, 1 << 29),
        unit: "bytes",
        default: "33554432",
        range: "4096 to 536870912",
        meaning: "Most bytes of transactions in one block; at least transaction.bytes_max + 4.",
        consequence: "Too large: memory for several such blocks, and slow syncs.",
    },
    Key {
        name: "transaction.bytes_max",
        kind: integer(1, TRANSACTION_BYTES_CEILING as u64),
        unit: "bytes",
        default: "1048576",
        range: "1 to 16777216",
        meaning: "Largest transaction that is accepted.",
        consequence: "Large: a few transactions can use up the pool.",
    },
    Key {
        name: "queue.lanes",
        kind: integer(1, LANES_MAX as u64),
        unit: "lanes",
        default: "4",
        range: "1 to 16",
        meaning: "Priority lanes of each chain's queue; lane 0 is the most urgent.",
        consequence: "More lanes cost memory: queue.cells words each.",
    },
    Key {
        name: "queue.cells",
        kind: Kind::PowerOfTwo { min: 2, max: 1 << 23 },
        unit: "cells a lane",
        default: "262144",
        range: "a power of two from 2 to 8388608",
        meaning: "Cells of one lane, each for a transaction or for a run of a batch.",
        consequence: "Small: bursts are refused with AGAIN. Large: 8 bytes a cell, and longer waits.",
    },
    Key {
        name: "queue.ageing",
        kind: integer(0, 65_536),
        unit: "transactions",
        default: "16",
        range: "0 to 65536",
        meaning: "One of so many transactions is taken from the lowest lane that has any; 0 is strict priority.",
        consequence: "0: a busy urgent lane starves the others.",
    },
    Key {
        name: "queue.run_max",
        kind: integer(1, RUN_MAX as u64),
        unit: "transactions",
        default: "32",
        range: "1 to 32",
        meaning: "Most transactions of one batch that share a cell of the lane and stay together.",
        consequence: "1: batches cost as much as single submissions. More: cells bound runs, the pool bounds transactions.",
    },
    Key {
        name: "pool.bytes_max",
        kind: integer(1 << 20, 1 << 36),
        unit: "bytes",
        default: "268435456",
        range: "1048576 to 68719476736",
        meaning: "Memory of each chain's transaction buffers, allocated as needed.",
        consequence: "Small: submissions are refused with NO_MEMORY before the queue is full.",
    },
    Key {
        name: "pool.initial_percent",
        kind: integer(0, 100),
        unit: "percent",
        default: "0",
        range: "0 to 100",
        meaning: "Share of pool.bytes_max that keeps its memory once it has it.",
        consequence: "0: after a quiet time the next burst waits for the system. 100: memory never goes back.",
    },
    Key {
        name: "pool.warm_up",
        kind: Kind::Word(&["off", "on"]),
        unit: "",
        default: "off",
        range: "off or on",
        meaning: "Whether pools take and touch the memory of their initial sizes when they are made.",
        consequence: "off: the first transactions wait for page faults. on: opening takes longer, an idle process is large.",
    },
    Key {
        name: "pool.shrink_after_ms",
        kind: integer(0, 86_400_000),
        unit: "milliseconds",
        default: "60000",
        range: "0 to 86400000",
        meaning: "How long demand has to stay low before pools give memory back; 0 is never.",
        consequence: "Short: memory comes and goes with each lull. 0: a burst's memory stays for good.",
    },
    Key {
        name: "pool.huge_pages",
        kind: Kind::Word(&["off", "try", "require"]),
        unit: "",
        default: "off",
        range: "off, try or require",
        meaning: "Whether pools ask for huge pages; `require` refuses to open where the system gives none.",
        consequence: "try and require: memory comes and goes in steps of 2 MiB a class. off: more misses of the address cache.",
    },
    Key {
        name: "pool.leak_tracking",
        kind: Kind::Word(&["auto", "off", "on"]),
        unit: "",
        default: "auto",
        range: "auto, off or on",
        meaning: "Whether pools note who acquires each buffer; `auto` is on in debug builds of the library only.",
        consequence: "on: each acquisition takes a lock and an entry of a tree. off: a leak has no place.",
    },
    Key {
        name: "pool.transaction_request.initial",
        kind: integer(0, KIND_MAX_CEILING as u64),
        unit: "buffers",
        default: "5000",
        range: "0 to 100000",
        meaning: "Buffers of the host's managed pool of transaction requests that keep their memory once they have it.",
        consequence: "Too many: an idle process stays large. Too few: bursts wait for the system.",
    },
    Key {
        name: "pool.transaction_request.max",
        kind: integer(KIND_MAX_FLOOR as u64, KIND_MAX_CEILING as u64),
        unit: "buffers",
        default: "50000",
        range: "10000 to 100000",
        meaning: "Most buffers of that pool; at least pool.transaction_request.initial.",
        consequence: "Too few: NO_MEMORY in bursts.",
    },
    Key {
        name: "pool.block_proposal.initial",
        kind: integer(0, KIND_MAX_CEILING as u64),
        unit: "buffers",
        default: "2000",
        range: "0 to 100000",
        meaning: "Buffers of the host's managed pool of block proposals that keep their memory once they have it.",
        consequence: "Too many: an idle process stays large. Too few: bursts wait for the system.",
    },
    Key {
        name: "pool.block_proposal.max",
        kind: integer(KIND_MAX_FLOOR as u64, KIND_MAX_CEILING as u64),
        unit: "buffers",
        default: "10000",
        range: "10000 to 100000",
        meaning: "Most buffers of that pool; at least pool.block_proposal.initial.",
        consequence: "Too few: NO_MEMORY in bursts.",
    },
    Key {
        name: "pool.consensus_message.initial",
        kind: integer(0, KIND_MAX_CEILING as u64),
        unit: "buffers",
        default: "10000",
        range: "0 to 100000",
        meaning: "Buffers of the host's managed pool of consensus messages that keep their memory once they have it.",
        consequence: "Too many: an idle process stays large. Too few: bursts wait for the system.",
    },
    Key {
        name: "pool.consensus_message.max",
        kind: integer(KIND_MAX_FLOOR as u64, KIND_MAX_CEILING as u64),
        unit: "buffers",
        default: "100000",
        range: "10000 to 100000",
        meaning: "Most buffers of that pool; at least pool.consensus_message.initial.",
        consequence: "Too few: NO_MEMORY in bursts.",
    },
    Key {
        name: "pool.log_entry.initial",
        kind: integer(0, KIND_MAX_CEILING as u64),
        unit: "buffers",
        default: "20000",
        range: "0 to 100000",
        meaning: "Buffers of the host's managed pool of log entries that keep their memory once they have it.",
        consequence: "Too many: an idle process stays large. Too few: bursts wait for the system.",
    },
    Key {
        name: "pool.log_entry.max",
        kind: integer(KIND_MAX_FLOOR as u64, KIND_MAX_CEILING as u64),
        unit: "buffers",
        default: "100000",
        range: "10000 to 100000",
        meaning: "Most buffers of that pool; at least pool.log_entry.initial.",
        consequence: "Too few: NO_MEMORY in bursts.",
    },
    Key {
        name: "completions.max",
        kind: integer(1, 1 << 24),
        unit: "submissions",
        default: "262144",
        range: "1 to 16777216",
        meaning: "Submissions to one chain whose outcome has not been polled yet; at the bound, submissions to that chain wait or get AGAIN.",
        consequence: "Small: throughput is bounded by it per finality time. A host that never polls stops here.",
    },
    Key {
        name: "events.retained",
        kind: integer(1_024, 1 << 32),
        unit: "events a chain",
        default: "1048576",
        range: "1024 to 4294967296",
        meaning: "Events that stay readable for replay; older ones are dropped segment by segment.",
        consequence: "Small: a subscriber that was away longer misses events, and is told so.",
    },
    Key {
        name: "clock.skew_ms",
        kind: integer(0, 60_000),
        unit: "milliseconds",
        default: "500",
        range: "0 to 60000",
        meaning: "How far a header's time may lie ahead of the local clock.",
        consequence: "Large: a proposer with a wrong clock can push block times into the future.",
    },
    Key {
        name: "health.degraded_intervals",
        kind: integer(1, 1_000),
        unit: "intervals",
        default: "3",
        range: "1 to 1000",
        meaning: "A chain is degraded when finality is late by more than this.",
        consequence: "Small: alarms at every slow sync.",
    },
    Key {
        name: "health.stalled_intervals",
        kind: integer(2, 10_000),
        unit: "intervals",
        default: "10",
        range: "2 to 10000",
        meaning: "A chain is stalled when finality is late by more than this; more than health.degraded_intervals.",
        consequence: "Large: a dead chain is reported late.",
    },
    Key {
        name: "health.recovery_blocks",
        kind: integer(1, 1_000),
        unit: "blocks",
        default: "16",
        range: "1 to 1000",
        meaning: "On-time final blocks in a row before a recovering chain is healthy again.",
        consequence: "Small: health flaps.",
    },
    Key {
        name: "supervisor.restart_delay_ms",
        kind: integer(1, 60_000),
        unit: "milliseconds",
        default: "50",
        range: "1 to 60000",
        meaning: "Delay before a failed chain thread is started again; doubles with each failure in a row.",
        consequence: "Small: a chain that cannot start burns a core.",
    },
    Key {
        name: "supervisor.restart_delay_max_ms",
        kind: integer(1, 3_600_000),
        unit: "milliseconds",
        default: "5000",
        range: "1 to 3600000",
        meaning: "Upper bound of that delay; at least supervisor.restart_delay_ms.",
        consequence: "Large: the chain stays down long after its fault is gone.",
    },
    Key {
        name: "alpha.cores",
        kind: Kind::Cores,
        unit: "",
        default: "",
        range: "a list such as 0,2-3 of cores 0 to 1023; empty for any",
        meaning: "Cores that Alpha's thread may run on.",
        consequence: "One core shared with Delta lets one chain delay the other.",
    },
    Key {
        name: "delta.cores",
        kind: Kind::Cores,
        unit: "",
        default: "",
        range: "a list such as 0,2-3 of cores 0 to 1023; empty for any",
        meaning: "Cores that Delta's thread may run on.",
        consequence: "One core shared with Alpha lets one chain delay the other.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_acceptable_and_every_range_says_its_bounds() {
        for key in KEYS {
            key.check(key.default).unwrap_or_else(|error| panic!("{error}"));
            if let Kind::Integer { min, max } | Kind::PowerOfTwo { min, max } = key.kind {
                assert!(key.range.ends_with(&format!("{min} to {max}")), "{}: {}", key.name, key.range);
            }
            if let Kind::Word(words) = key.kind {
                assert!(words.iter().all(|word| key.range.contains(word)), "{}", key.name);
            }
            assert!(key.meaning.ends_with('.') && key.consequence.ends_with('.'), "{}", key.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KEYS.len());
    }
}
