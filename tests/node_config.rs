//! The ends of every range open a node: what the configuration accepts, the layers below accept too.

mod support;

use duochain::node::{Config, KEYS, Key, Kind, Node};
use support::{PATIENCE, Scratch};

/// Other keys that must move along for a value to fit. Real time, so that the shortest interval fits.
fn companions(key: &str) -> &'static [(&'static str, &'static str)] {
    match key {
        // The most cells are written once each: one lane of them is enough.
        "queue.cells" => &[("queue.lanes", "1")],
        "time.scale" => &[("delta.block_interval_ms", "3600000")],
        "block.bytes_max" => &[("transaction.bytes_max", "4092")],
        "health.degraded_intervals" => &[("health.stalled_intervals", "10000")],
        "health.stalled_intervals" => &[("health.degraded_intervals", "1")],
        "supervisor.restart_delay_ms" => &[("supervisor.restart_delay_max_ms", "3600000")],
        "supervisor.restart_delay_max_ms" => &[("supervisor.restart_delay_ms", "1")],
        "pool.transaction_request.initial" => &[("pool.transaction_request.max", "100000")],
        "pool.transaction_request.max" => &[("pool.transaction_request.initial", "0")],
        "pool.block_proposal.initial" => &[("pool.block_proposal.max", "100000")],
        "pool.block_proposal.max" => &[("pool.block_proposal.initial", "0")],
        "pool.consensus_message.initial" => &[("pool.consensus_message.max", "100000")],
        "pool.consensus_message.max" => &[("pool.consensus_message.initial", "0")],
        "pool.log_entry.initial" => &[("pool.log_entry.max", "100000")],
        "pool.log_entry.max" => &[("pool.log_entry.initial", "0")],
        _ => &[],
    }
}

fn ends(key: &Key) -> Option<[u64; 2]> {
    match key.kind {
        Kind::Integer { min, max } | Kind::PowerOfTwo { min, max } => Some([min, max]),
        _ => None,
    }
}

#[test]
fn a_node_opens_at_both_ends_of_every_range() {
    let mut opened = 0;
    for key in KEYS {
        for value in ends(key).into_iter().flatten() {
            let scratch = Scratch::new("range");
            let mut config = Config::new();
            // What only the disk reads is tried on a disk.
            if key.name.starts_with("storage.") || key.name.starts_with("log.") {
                config.set("data_dir", &scratch.path().to_string_lossy()).expect("valid");
            } else {
                config.set("storage.backend", "memory").expect("valid");
            }
            for (name, companion) in companions(key.name) {
                config.set(name, companion).expect("in range");
            }
            config.set(key.name, &value.to_string()).expect("in range");
            let what = format!("{} = {value}", key.name);
            let settings = config.build().unwrap_or_else(|error| panic!("{what}: {error}"));
            let node = Node::open(settings).unwrap_or_else(|error| panic!("{what}: {error}"));
            node.close(PATIENCE).unwrap_or_else(|error| panic!("{what}: {error}"));
            opened += 1;
        }
    }
    assert!(opened >= 40, "{opened} ends of ranges");
}
