//! `duo_node`: what a node tells about its chains.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out, out_array};
use super::boundary::on;
use super::dequeue::{duo_lane_stats_t, lane_stats};
use super::failure::Failure;
use super::log::fixed;
use super::node::{NodeObject, duo_node};
use super::record::{self, Record};
use super::status::duo_status;
use crate::node::{ChainHealth, Head, Metric, MetricKind};
use crate::types::{ChainId, Height, Status};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};

/// `duo_tx_status`: in no block.
pub const DUO_TX_UNKNOWN: u32 = 0;
/// `duo_tx_status`: in a durable block that is not final yet.
pub const DUO_TX_INCLUDED: u32 = 1;
/// `duo_tx_status`: in a final block.
pub const DUO_TX_FINAL: u32 = 2;
/// `duo_health`: as it should be.
pub const DUO_HEALTH_HEALTHY: u32 = 1;
/// `duo_health`: catching up after a fault.
pub const DUO_HEALTH_RECOVERING: u32 = 2;
/// `duo_health`: finality is late; blocks are of half size.
pub const DUO_HEALTH_DEGRADED: u32 = 3;
/// `duo_health`: finality does not advance.
pub const DUO_HEALTH_STALLED: u32 = 4;
/// `duo_metric`: only grows while the node is open.
pub const DUO_METRIC_COUNTER: u32 = 1;
/// `duo_metric`: moves both ways.
pub const DUO_METRIC_GAUGE: u32 = 2;

/// State and place of a transaction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_tx_status {
    /// `sizeof(duo_tx_status)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// A `DUO_TX_*`.
    pub state: u32,
    /// Position in its block.
    pub index: u32,
    /// Height of its block; 0 when unknown.
    pub height: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_tx_status {
    const NAME: &'static str = "duo_tx_status";
}

/// Where a chain stands.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_head {
    /// `sizeof(duo_head)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Height of the last block.
    pub height: u64,
    /// Height of the highest final block.
    pub final_height: u64,
    /// Slot of the last block.
    pub slot: u64,
    /// Header time of the last block in nanoseconds since 1970.
    pub time_unix_ns: u64,
    /// How late the last block was started against its schedule; negative when early.
    pub slot_drift_ns: i64,
    /// Transactions in all blocks.
    pub transactions: u64,
    /// Transactions in final blocks.
    pub final_transactions: u64,
    /// How often the chain's thread was started again.
    pub restarts: u64,
    /// Hash of the last block.
    pub hash: [u8; 32],
    /// Hash of the highest final block.
    pub final_hash: [u8; 32],
    /// State after the last block.
    pub state_root: [u8; 32],
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_head {
    const NAME: &'static str = "duo_head";
}

impl From<&Head> for duo_head {
    fn from(head: &Head) -> Self {
        Self {
            struct_size: 0,
            flags: 0,
            height: head.height.get(),
            final_height: head.final_height.get(),
            slot: head.slot,
            time_unix_ns: head.time.get(),
            slot_drift_ns: head.slot_drift_nanos,
            transactions: head.transactions,
            final_transactions: head.final_transactions,
            restarts: head.restarts,
            hash: *head.hash.as_bytes(),
            final_hash: *head.final_hash.as_bytes(),
            state_root: *head.state_root.as_bytes(),
        }
    }
}

/// How well a chain does.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_health {
    /// `sizeof(duo_health)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// A `DUO_HEALTH_*` of this chain.
    pub state: u32,
    /// The worse one of both chains.
    pub node_state: u32,
    /// Not 0 when the heights of the chains run apart.
    pub ratio_alarm: u32,
    /// The chain.
    pub chain: u32,
    /// Height of the last block.
    pub height: u64,
    /// Blocks that are not final yet.
    pub final_lag_blocks: u64,
    /// Time since the last block.
    pub since_block_ns: u64,
    /// How often the chain's thread was started again.
    pub restarts: u64,
    /// Why, NUL-terminated; empty while healthy from the start.
    pub reason: [c_char; 192],
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_health {
    const NAME: &'static str = "duo_health";
}

/// One value of a node. Texts are static and never freed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_metric {
    /// Name without the suffix that the text form adds to counters.
    pub name: *const c_char,
    /// What it is, with its unit.
    pub help: *const c_char,
    /// The value.
    pub value: f64,
    /// The chain it is about; 0: the node.
    pub chain: u32,
    /// A `DUO_METRIC_*`.
    pub kind: u32,
}

/// How far the transaction with `id` (`DUO_HASH_BYTES` long) got.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_tx_status(
    node: *const duo_node,
    chain: u32,
    id: *const u8,
    status: *mut duo_tx_status,
) -> duo_status {
    on(node, |node: &NodeObject| {
        // SAFETY: the header's contract.
        let (id, target) = unsafe { (argument::tx_id(id)?, record::out(status)?) };
        let place = node.0.tx_status(argument::chain(chain)?, &id)?;
        target.put(duo_tx_status {
            struct_size: 0,
            flags: 0,
            state: place.state as u32,
            index: place.index,
            height: place.height.get(),
        });
        Ok(Status::Ok)
    })
}

/// Where a chain stands. Works on a closed node too: as it was.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_head(node: *const duo_node, chain: u32, head: *mut duo_head) -> duo_status {
    on(node, |node: &NodeObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(head) }?;
        target.put((&node.0.head(argument::chain(chain)?)).into());
        Ok(Status::Ok)
    })
}

/// The encoded block at `height`; see `duo_block_header` and `duo_block_transactions`. `len` gets its
/// size, also with `DUO_ERR_TOO_LARGE` when `cap` is smaller; with `cap` 0 only `len` is written.
/// `DUO_NOT_FOUND` above the head.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_block(
    node: *const duo_node,
    chain: u32,
    height: u64,
    buf: *mut c_void,
    cap: usize,
    len: *mut usize,
) -> duo_status {
    on(node, |node: &NodeObject| {
        let block = node.0.block(argument::chain(chain)?, Height::new(height))?;
        argument::put_bytes(block.as_bytes(), buf, cap, len)
    })
}

/// An encoded proof that the transaction with `id` is in its block; see `duo_proof_verify`. Sizes as
/// for `duo_node_block`. `DUO_NOT_FOUND` when it is in none.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_proof(
    node: *const duo_node,
    chain: u32,
    id: *const u8,
    buf: *mut c_void,
    cap: usize,
    len: *mut usize,
) -> duo_status {
    on(node, |node: &NodeObject| {
        // SAFETY: the header's contract.
        let id = unsafe { argument::tx_id(id) }?;
        let proof = node.0.proof(argument::chain(chain)?, &id)?;
        argument::put_bytes(&proof.encode(), buf, cap, len)
    })
}

/// How well a chain and the node do.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_health(
    node: *const duo_node,
    chain: u32,
    health: *mut duo_health,
) -> duo_status {
    on(node, |node: &NodeObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(health) }?;
        let chain = argument::chain(chain)?;
        let report = node.0.health();
        let of_chain: &ChainHealth = &report.chains[chain.index()];
        target.put(duo_health {
            struct_size: 0,
            flags: 0,
            state: of_chain.state as u32,
            node_state: report.state as u32,
            ratio_alarm: u32::from(report.ratio_alarm),
            chain: u32::from(chain.wire()),
            height: of_chain.height.get(),
            final_lag_blocks: of_chain.final_lag_blocks,
            since_block_ns: u64::try_from(of_chain.since_block.as_nanos()).unwrap_or(u64::MAX),
            restarts: of_chain.restarts,
            reason: fixed(&of_chain.reason),
        });
        Ok(Status::Ok)
    })
}

/// Names and helps as C strings. As many as there are different metrics: a fixed, small number.
static TEXTS: Mutex<Option<HashMap<&'static str, &'static CStr>>> = Mutex::new(None);

fn texts(metrics: &[Metric]) -> Vec<duo_metric> {
    let mut texts = TEXTS.lock();
    let texts = texts.get_or_insert_default();
    let mut text = |text: &'static str| -> *const c_char {
        let stored = texts.entry(text).or_insert_with(|| {
            let owned: Box<CStr> = CString::new(text).unwrap_or_default().into_boxed_c_str();
            Box::leak(owned)
        });
        stored.as_ptr()
    };
    let convert = |metric: &Metric| duo_metric {
        name: text(metric.name),
        help: text(metric.help),
        value: metric.value,
        chain: metric.chain.map_or(0, |chain: ChainId| u32::from(chain.wire())),
        kind: match metric.kind {
            MetricKind::Counter => DUO_METRIC_COUNTER,
            MetricKind::Gauge => DUO_METRIC_GAUGE,
        },
    };
    metrics.iter().map(convert).collect()
}

/// A snapshot of all metrics; `n` gets their number, also with `DUO_ERR_TOO_LARGE` when `cap` is
/// smaller; with `cap` 0 only `n` is written.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_metrics(
    node: *const duo_node,
    metrics: *mut duo_metric,
    cap: usize,
    n: *mut usize,
) -> duo_status {
    on(node, |node: &NodeObject| {
        let n = out(n, "n")?;
        let mut target = out_array(metrics, cap, "metrics")?;
        let values = texts(&node.0.metrics());
        n.put(values.len());
        if cap == 0 {
            return Ok(Status::Ok);
        }
        if values.len() > cap {
            let message = format!("there are {} metrics, room for {cap}", values.len());
            return Err(Failure::new(Status::TooLarge, message));
        }
        target.extend(&values);
        Ok(Status::Ok)
    })
}

/// All metrics as OpenMetrics text with a NUL that `len` does not count. Sizes as for `duo_node_block`,
/// but `cap` needs room for the NUL.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_metrics_text(
    node: *const duo_node,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> duo_status {
    on(node, |node: &NodeObject| argument::put_text(&node.0.metrics_text(), buf, cap, len))
}

/// What happened in one lane of a chain's queue. `DUO_NOT_FOUND` when there is no such lane.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_lane_stats(
    node: *const duo_node,
    chain: u32,
    lane: u32,
    stats: *mut duo_lane_stats_t,
) -> duo_status {
    on(node, |node: &NodeObject| {
        let queue = node.0.queue(argument::chain(chain)?);
        // SAFETY: the header's contract.
        unsafe { lane_stats(queue, lane, stats) }
    })
}
