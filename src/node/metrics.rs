//! Metrics: one list, as values and as OpenMetrics text.

use super::health;
use super::shared::Shared;
use crate::types::ChainId;
use std::fmt::Write;
use std::sync::atomic::Ordering;

/// How a value moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows while the node is open.
    Counter,
    /// Moves both ways.
    Gauge,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Name without the suffix that the text form adds to counters.
    pub name: &'static str,
    /// The chain it is about; `None` for the node.
    pub chain: Option<ChainId>,
    /// How it moves.
    pub kind: MetricKind,
    /// The value.
    pub value: f64,
    /// What it is, with its unit.
    pub help: &'static str,
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floating point; counters stay exact below 2^53")]
const fn float(value: u64) -> f64 {
    value as f64
}

pub(super) fn collect(shared: &Shared) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for chain in ChainId::ALL {
        chain_metrics(shared, chain, &mut metrics);
    }
    let node = |name, value, help| Metric { name, chain: None, kind: MetricKind::Gauge, value, help };
    metrics.push(node(
        "duochain_ratio_drift_blocks",
        float(health::ratio_drift(shared)),
        "distance of the heights from five Delta blocks per Alpha block",
    ));
    metrics
}

fn chain_metrics(shared: &Shared, chain: ChainId, out: &mut Vec<Metric>) {
    let cell = shared.cell(chain);
    let head = *cell.head.read();
    let (queue, counters) = (cell.queue.stats(), &cell.counters);
    let report = &health::report(shared).chains[chain.index()];
    let mut gauge = |name, value: f64, help| {
        out.push(Metric { name, chain: Some(chain), kind: MetricKind::Gauge, value, help });
    };
    gauge(
        "duochain_completions_outstanding",
        float(cell.credits.outstanding()),
        "submissions whose completion was not polled yet",
    );
    gauge("duochain_height_blocks", float(head.height.get()), "height of the last block");
    gauge(
        "duochain_final_height_blocks",
        float(head.final_height.get()),
        "height of the highest final block",
    );
    #[expect(clippy::cast_precision_loss, reason = "a drift beyond 2^53 ns is 104 days")]
    let drift = head.slot_drift_nanos as f64 / 1e9;
    gauge("duochain_slot_drift_seconds", drift, "lateness of the last block against its schedule");
    gauge(
        "duochain_health_state",
        float(report.state as u64),
        "1 healthy, 2 recovering, 3 degraded, 4 stalled",
    );
    gauge("duochain_since_block_seconds", report.since_block.as_secs_f64(), "time since the last block");
    let depth: u64 = queue.lanes.iter().map(|lane| lane.depth).sum();
    gauge("duochain_queue_depth_transactions", float(depth), "transactions in all lanes");
    gauge("duochain_pool_in_use_buffers", float(queue.pool.in_use), "buffers that hold a transaction");
    gauge("duochain_pool_in_use_high_buffers", float(queue.pool.in_use_high), "most such buffers at a time");
    gauge("duochain_pool_resident_buffers", float(queue.pool.resident), "buffers with memory behind them");
    gauge("duochain_pool_reserved_bytes", float(queue.pool.reserved_bytes), "memory of the pool");
    gauge("duochain_pool_slabs", float(queue.pool.slabs), "pieces that this memory comes in");
    gauge(
        "duochain_pool_huge_pages",
        float(u64::from(queue.pool.huge_pages)),
        "1 when it lies on huge pages",
    );
    let mut counter = |name, value: u64, help| {
        out.push(Metric { name, chain: Some(chain), kind: MetricKind::Counter, value: float(value), help });
    };
    let relaxed = Ordering::Relaxed;
    counter("duochain_transactions", head.transactions, "transactions in all blocks");
    counter("duochain_final_transactions", head.final_transactions, "transactions in final blocks");
    counter("duochain_accepted", queue.lanes.iter().map(|lane| lane.accepted).sum(), "submissions accepted");
    counter(
        "duochain_refused",
        queue.lanes.iter().map(|lane| lane.refused).sum(),
        "submissions refused by a full lane",
    );
    counter(
        "duochain_duplicates",
        counters.duplicates.load(relaxed),
        "submissions that were in a block already",
    );
    counter(
        "duochain_blocks",
        counters.blocks.load(relaxed),
        "blocks made durable since the node was opened",
    );
    counter("duochain_block_bytes", counters.block_bytes.load(relaxed), "bytes of those blocks");
    counter("duochain_events", cell.last_event().get(), "events announced");
    counter("duochain_restarts", report.restarts, "starts of the chain's thread after a failure");
    counter("duochain_reanchors", counters.reanchors.load(relaxed), "times the schedule gave up catching up");
    counter("duochain_pool_exhausted", queue.pool.exhausted, "submissions refused for want of memory");
    counter("duochain_pool_acquired_buffers", queue.pool.acquired, "buffers handed out");
    counter("duochain_pool_released_buffers", queue.pool.released, "buffers given back");
    counter("duochain_pool_evicted_slabs", queue.pool.evictions, "idle slabs given back to the system");
    counter(
        "duochain_pool_stale_refused",
        queue.pool.stale_refused,
        "handles refused because they were not out",
    );
    counter(
        "duochain_finality_count",
        counters.finality_count.load(relaxed),
        "submissions that became final",
    );
    let nanos = float(counters.finality_nanos.load(relaxed));
    out.push(Metric {
        name: "duochain_finality_seconds_sum",
        chain: Some(chain),
        kind: MetricKind::Counter,
        value: nanos / 1e9,
        help: "time from submit to final, summed over duochain_finality_count submissions",
    });
}

/// OpenMetrics 1.0 text: families together, `_total` on counters, `# EOF` at the end.
pub(super) fn text(metrics: &[Metric]) -> String {
    let mut out = String::new();
    let mut names: Vec<&'static str> = Vec::new();
    for metric in metrics {
        if !names.contains(&metric.name) {
            names.push(metric.name);
        }
    }
    for name in names {
        let family: Vec<_> = metrics.iter().filter(|metric| metric.name == name).collect();
        let (kind, suffix) = match family[0].kind {
            MetricKind::Counter => ("counter", "_total"),
            MetricKind::Gauge => ("gauge", ""),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# TYPE {name} {kind}\n# HELP {name} {}", family[0].help);
        for metric in family {
            let label = metric.chain.map_or_else(String::new, |chain| format!("{{chain=\"{chain}\"}}"));
            let _ = writeln!(out, "{name}{suffix}{label} {}", metric.value);
        }
    }
    out.push_str("# EOF\n");
    out
}
