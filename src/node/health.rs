//! Health as a host asks for it: what the chain said last, and how long ago that was.

use super::shared::Shared;
use crate::dual::HealthState;
use crate::env::Clock;
use crate::types::{ChainId, Height};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Health of one chain.
#[derive(Clone, Debug)]
pub struct ChainHealth {
    /// Which chain.
    pub chain: ChainId,
    /// How it does.
    pub state: HealthState,
    /// Why; empty while healthy from the start.
    pub reason: String,
    /// Blocks that are not final yet.
    pub final_lag_blocks: u64,
    /// Time since the last block, or since the node was opened when it has made none.
    pub since_block: Duration,
    /// How often its thread was started again.
    pub restarts: u64,
    /// Height of the last block.
    pub height: Height,
}

/// Health of the node.
#[derive(Clone, Debug)]
pub struct Health {
    /// The worse of the two.
    pub state: HealthState,
    /// By [`ChainId::index`].
    pub chains: [ChainHealth; 2],
    /// `|5 * Alpha's height - Delta's height|` above the alarm of 10: the chains run apart.
    pub ratio_alarm: bool,
}

/// Drift of the 5:1 ratio, in Delta blocks, above which it is worth an alarm.
pub const RATIO_DRIFT_ALARM: u64 = 10;

pub(super) fn report(shared: &Shared) -> Health {
    let chains = ChainId::ALL.map(|chain| chain_health(shared, chain));
    let state = chains[0].state.max(chains[1].state);
    Health { state, ratio_alarm: ratio_drift(shared) > RATIO_DRIFT_ALARM, chains }
}

/// `|5 * Alpha's height - Delta's height|`.
pub(super) fn ratio_drift(shared: &Shared) -> u64 {
    let height = |chain| shared.cell(chain).head.read().height.get();
    let ratio = u64::from(crate::dual::ALPHA_DELTA_RATIO);
    height(ChainId::Alpha).saturating_mul(ratio).abs_diff(height(ChainId::Delta))
}

fn chain_health(shared: &Shared, chain: ChainId) -> ChainHealth {
    let cell = shared.cell(chain);
    let head = *cell.head.read();
    let condition = cell.condition.lock().clone();
    let since_block = shared.common.clock.now().since(condition.progress);
    let limit = |intervals: u64| {
        cell.settings.interval.saturating_mul(u32::try_from(intervals).unwrap_or(u32::MAX).saturating_add(1))
    };
    // A thread that hangs cannot say so itself.
    let silent = if since_block > limit(cell.settings.stalled_intervals) {
        HealthState::Stalled
    } else if since_block > limit(cell.settings.degraded_intervals) {
        HealthState::Degraded
    } else {
        HealthState::Healthy
    };
    let (state, reason) = if shared.is_closed() {
        (HealthState::Stalled, "the node is closed".to_owned())
    } else if silent > condition.health {
        (silent, format!("no block for {since_block:.1?}"))
    } else {
        (condition.health, condition.reason)
    };
    let final_lag_blocks = head.height.get() - head.final_height.get().min(head.height.get());
    let restarts = cell.counters.restarts.load(Ordering::Relaxed);
    ChainHealth { chain, state, reason, final_lag_blocks, since_block, restarts, height: head.height }
}
