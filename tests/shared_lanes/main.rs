//! Shared lanes between real processes: the page that describes them, and producers that are killed.

mod kill;
mod page;
mod record;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/workshop.rs"]
mod workshop;

use duochain::pool::{ClassSettings, OverflowSettings, PoolSettings};
use duochain::queue::{Consumers, QueueSettings, TxQueue};
use std::sync::Arc;

/// A queue of `lanes` lanes for transactions of up to 4 KiB.
fn queue(lanes: usize) -> Arc<TxQueue> {
    let settings = QueueSettings {
        lane_cells: vec![256; lanes],
        consumers: Consumers::One,
        ageing: 0,
        run_max: 1,
        transaction_bytes_max: 4096,
        pool: PoolSettings {
            classes: vec![ClassSettings { buffer_bytes: 4096, count_max: 256 }],
            overflow: OverflowSettings { buffer_bytes_max: 0, total_bytes_max: 0 },
        },
    };
    TxQueue::new(settings).expect("valid")
}
