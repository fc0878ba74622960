//! Shapes of pools: each chain's transaction buffers, and the managed pools that hosts make.

use super::ConfigError;
use super::settings::Values;
use crate::pool::{
    ClassSettings, HugePages, KindSettings, ManagedSettings, OverflowSettings, PoolKind, PoolSettings, Upkeep,
};

/// Buffer sizes of the transaction pool in bytes and each one's share of its memory in percent. Real
/// transactions have a median near 225 bytes and a mean near 550.
const POOL_CLASSES: [(usize, u64); 6] =
    [(256, 25), (512, 20), (1_024, 15), (4_096, 15), (16_384, 10), (65_536, 5)];
/// What the classes leave is for single allocations above the largest class.
const OVERFLOW_SHARE: u64 = 10;
const _: () = {
    let mut sum = OVERFLOW_SHARE;
    let mut class = 0;
    while class < POOL_CLASSES.len() {
        sum += POOL_CLASSES[class].1;
        class += 1;
    }
    assert!(sum == 100, "shares cover the pool");
};
/// Handles are 24 bits; all classes together stay below.
const POOL_BUFFERS_MAX: u64 = (1 << 24) - (1 << 16);

/// Each chain's transaction buffers.
pub(super) fn pool(values: &Values<'_>) -> PoolSettings {
    let total = values.number("pool.bytes_max");
    let bytes_max = values.size("transaction.bytes_max");
    let wanted = |(bytes, share): (usize, u64)| (total / 100 * share / bytes as u64).max(1);
    let sum: u64 = POOL_CLASSES.iter().map(|class| wanted(*class)).sum();
    let fit =
        |count: u64| if sum > POOL_BUFFERS_MAX { (count * POOL_BUFFERS_MAX / sum).max(1) } else { count };
    let classes = POOL_CLASSES
        .iter()
        .map(|class| ClassSettings { buffer_bytes: class.0, count_max: fit(wanted(*class)) as usize })
        .collect();
    // One transaction of the largest size always fits, however small the share is.
    let total_bytes_max = ((total / 100 * OVERFLOW_SHARE) as usize).max(bytes_max);
    PoolSettings { classes, overflow: OverflowSettings { buffer_bytes_max: bytes_max, total_bytes_max } }
}

/// How each chain's transaction buffers are kept.
pub(super) fn upkeep(values: &Values<'_>) -> Upkeep {
    let percent = values.size("pool.initial_percent");
    let initial = |class: &ClassSettings| class.count_max * percent / 100;
    Upkeep { initial: pool(values).classes.iter().map(initial).collect(), ..common(values) }
}

/// What all pools have in common.
fn common(values: &Values<'_>) -> Upkeep {
    Upkeep {
        initial: Vec::new(),
        warm_up: values.text("pool.warm_up") == "on",
        shrink_after: values.millis("pool.shrink_after_ms"),
        huge_pages: match values.text("pool.huge_pages") {
            "try" => HugePages::Try,
            "require" => HugePages::Require,
            _ => HugePages::Off,
        },
        keep_addresses: false,
        leak_tracking: match values.text("pool.leak_tracking") {
            "on" => true,
            "off" => false,
            _ => Upkeep::default().leak_tracking,
        },
    }
}

/// Keys of a kind: initial and maximum.
const fn keys(kind: PoolKind) -> (&'static str, &'static str) {
    match kind {
        PoolKind::TransactionRequest => ("pool.transaction_request.initial", "pool.transaction_request.max"),
        PoolKind::BlockProposal => ("pool.block_proposal.initial", "pool.block_proposal.max"),
        PoolKind::ConsensusMessage => ("pool.consensus_message.initial", "pool.consensus_message.max"),
        PoolKind::LogEntry => ("pool.log_entry.initial", "pool.log_entry.max"),
    }
}

/// The managed pools.
///
/// # Errors
/// [`ConfigError::Relation`] for an initial size above its maximum.
pub(super) fn managed(values: &Values<'_>) -> Result<ManagedSettings, ConfigError> {
    let mut settings = ManagedSettings { upkeep: common(values), ..ManagedSettings::default() };
    for (kind, sizes) in PoolKind::ALL.into_iter().zip(&mut settings.kinds) {
        let (key, other) = keys(kind);
        let (initial, max) = (values.size(key), values.size(other));
        if initial > max {
            let rule = format!("{initial} initial buffers of {max} at most");
            return Err(ConfigError::Relation { key, other, rule });
        }
        *sizes = KindSettings { initial, max };
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Config;
    use crate::node::config::Settings;
    use std::time::Duration;

    fn with(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let mut config = Config::new();
        config.set("storage.backend", "memory").expect("valid");
        for (key, value) in pairs {
            config.set(key, value).expect("in range");
        }
        config.build()
    }

    #[test]
    fn the_pool_never_needs_more_handles_than_there_are() {
        let settings = with(&[("pool.bytes_max", "68719476736")]).expect("valid");
        let count: usize = settings.queue.pool.classes.iter().map(|class| class.count_max).sum();
        assert!(count < 1 << 24, "{count}");
    }

    #[test]
    fn the_table_presets_what_the_pools_preset() {
        let settings = with(&[]).expect("valid");
        assert_eq!(settings.managed, ManagedSettings::default());
        let zero = vec![0; settings.queue.pool.classes.len()];
        assert_eq!(settings.upkeep, Upkeep { initial: zero, ..Upkeep::default() });
    }

    #[test]
    fn every_key_of_pools_arrives() {
        let settings = with(&[
            ("pool.initial_percent", "50"),
            ("pool.warm_up", "on"),
            ("pool.shrink_after_ms", "5"),
            ("pool.huge_pages", "try"),
            ("pool.leak_tracking", "on"),
            ("pool.log_entry.initial", "7"),
            ("pool.log_entry.max", "10000"),
        ])
        .expect("valid");
        let upkeep = &settings.upkeep;
        let halves = settings.queue.pool.classes.iter().map(|class| class.count_max / 2);
        assert_eq!(upkeep.initial, halves.collect::<Vec<_>>());
        assert!(upkeep.warm_up && upkeep.leak_tracking);
        assert_eq!((upkeep.shrink_after, upkeep.huge_pages), (Duration::from_millis(5), HugePages::Try));
        assert_eq!(settings.managed.kinds[3], KindSettings { initial: 7, max: 10_000 });
        assert_eq!(settings.managed.upkeep, Upkeep { initial: Vec::new(), ..upkeep.clone() });
        let off =
            with(&[("pool.leak_tracking", "off"), ("pool.huge_pages", "require")]).expect("valid").upkeep;
        assert_eq!((off.leak_tracking, off.huge_pages), (false, HugePages::Require));
    }

    #[test]
    fn an_initial_size_above_the_maximum_names_both_keys() {
        for kind in PoolKind::ALL {
            let (initial, max) = keys(kind);
            assert!(initial.contains(kind.name()) && max.contains(kind.name()));
            match with(&[(initial, "10001"), (max, "10000")]) {
                Err(ConfigError::Relation { key, other, .. }) => assert_eq!((key, other), (initial, max)),
                other => panic!("{initial}: {other:?}"),
            }
        }
    }
}
