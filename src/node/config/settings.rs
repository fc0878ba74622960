//! The typed form of a configuration: every relation between keys holds.

use super::key::Key;
use super::{Config, ConfigError, pools};
use crate::dual::{ALPHA_DELTA_RATIO, ChainSettings};
use crate::pool::{ManagedSettings, Upkeep};
use crate::queue::{Consumers, QueueSettings};
use crate::resilience::Backoff;
use crate::storage::Backend;
use crate::types::ChainId;
use std::path::PathBuf;
use std::time::Duration;

/// Shortest scaled Delta interval: below this a thread cannot keep a schedule.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// Everything that a node needs to know, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where data lives and how.
    pub storage: StorageSettings,
    /// Timing and finality of both chains, by [`ChainId::index`].
    pub chains: [ChainSettings; 2],
    /// Shape of each chain's queue and pool.
    pub queue: QueueSettings,
    /// How each chain's pool is kept.
    pub upkeep: Upkeep,
    /// The host's managed pools. The node makes none itself.
    pub managed: ManagedSettings,
    /// Most transactions in one block.
    pub block_transactions_max: usize,
    /// Most body bytes in one block.
    pub block_bytes_max: usize,
    /// Most submissions whose outcome was not polled.
    pub completions_max: u64,
    /// Events kept for replay, per chain.
    pub events_retained: u64,
    /// Delay between restarts of a failed chain thread.
    pub restart: Backoff,
    /// Cores of each chain's thread, by [`ChainId::index`]; empty for any.
    pub cores: [Vec<usize>; 2],
    /// The configuration this was built from.
    pub config: Config,
}

/// Where data lives.
#[derive(Clone, Debug)]
pub struct StorageSettings {
    /// The data directory; empty only with [`Backend::Memory`].
    pub data_dir: PathBuf,
    /// The state store.
    pub backend: Backend,
    /// Cache of each state store in bytes.
    pub cache_bytes: usize,
    /// Size of a log segment in bytes.
    pub segment_bytes: usize,
}

/// Values by key, in their types.
pub(super) struct Values<'a>(pub(super) &'a Config);

impl Values<'_> {
    fn key(name: &str) -> &'static Key {
        Key::find(name).expect("names in this file are in the table")
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.0.value(Self::key(name))
    }

    pub(super) fn number(&self, name: &str) -> u64 {
        Self::key(name).parse_integer(self.text(name)).expect("checked by Config::set (I1)")
    }

    pub(super) fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name))
    }

    pub(super) fn size(&self, name: &str) -> usize {
        usize::try_from(self.number(name)).expect("ranges fit 64-bit machines")
    }

    fn cores(&self, name: &str) -> Vec<usize> {
        Self::key(name).parse_cores(self.text(name)).expect("checked by Config::set (I1)")
    }
}

impl Settings {
    pub(super) fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let values = Values(config);
        check_relations(&values)?;
        Ok(Self {
            storage: storage(&values)?,
            chains: ChainId::ALL.map(|chain| chain_settings(&values, chain)),
            queue: queue(&values),
            upkeep: pools::upkeep(&values),
            managed: pools::managed(&values)?,
            block_transactions_max: values.size("block.transactions_max"),
            block_bytes_max: values.size("block.bytes_max"),
            completions_max: values.number("completions.max"),
            events_retained: values.number("events.retained"),
            restart: Backoff {
                min: values.millis("supervisor.restart_delay_ms"),
                max: values.millis("supervisor.restart_delay_max_ms"),
                multiplier: 2,
            },
            cores: [values.cores("alpha.cores"), values.cores("delta.cores")],
            config: config.clone(),
        })
    }
}

fn delta_interval(values: &Values<'_>) -> Duration {
    values.millis("delta.block_interval_ms")
        / u32::try_from(values.number("time.scale")).expect("at most 10000")
}

fn chain_settings(values: &Values<'_>, chain: ChainId) -> ChainSettings {
    let interval = match chain {
        ChainId::Alpha => delta_interval(values) * ALPHA_DELTA_RATIO,
        ChainId::Delta => delta_interval(values),
    };
    ChainSettings {
        chain,
        interval,
        finality_depth: values.number("finality.depth"),
        skew: values.millis("clock.skew_ms"),
        degraded_intervals: values.number("health.degraded_intervals"),
        stalled_intervals: values.number("health.stalled_intervals"),
        recovery_blocks: values.number("health.recovery_blocks"),
    }
}

fn storage(values: &Values<'_>) -> Result<StorageSettings, ConfigError> {
    let backend = Key::parse_backend(values.text("storage.backend"));
    let data_dir = PathBuf::from(values.text("data_dir"));
    if data_dir.as_os_str().is_empty() && backend != Backend::Memory {
        let rule = format!("storage.backend = {} needs a data directory", values.text("storage.backend"));
        return Err(ConfigError::Relation { key: "data_dir", other: "storage.backend", rule });
    }
    let (cache_bytes, segment_bytes) = (values.size("storage.cache_bytes"), values.size("log.segment_bytes"));
    Ok(StorageSettings { data_dir, backend, cache_bytes, segment_bytes })
}

fn queue(values: &Values<'_>) -> QueueSettings {
    let lanes = values.size("queue.lanes");
    QueueSettings {
        lane_cells: vec![values.size("queue.cells"); lanes],
        consumers: Consumers::One,
        ageing: u32::try_from(values.number("queue.ageing")).expect("at most 65536"),
        run_max: values.size("queue.run_max"),
        transaction_bytes_max: values.size("transaction.bytes_max"),
        pool: pools::pool(values),
    }
}

fn check_relations(values: &Values<'_>) -> Result<(), ConfigError> {
    let relation = |key, other, rule: String| Err(ConfigError::Relation { key, other, rule });
    let (block, transaction) = (values.number("block.bytes_max"), values.number("transaction.bytes_max"));
    if block < transaction + 4 {
        let rule =
            format!("a block of {block} bytes cannot hold a transaction of {transaction} and its length");
        return relation("block.bytes_max", "transaction.bytes_max", rule);
    }
    let interval = delta_interval(values);
    if interval < INTERVAL_MIN {
        let rule = format!("a scaled Delta interval of {interval:?} is below {INTERVAL_MIN:?}");
        return relation("time.scale", "delta.block_interval_ms", rule);
    }
    let (degraded, stalled) =
        (values.number("health.degraded_intervals"), values.number("health.stalled_intervals"));
    if stalled <= degraded {
        let rule =
            format!("stalled after {stalled} intervals must come later than degraded after {degraded}");
        return relation("health.stalled_intervals", "health.degraded_intervals", rule);
    }
    let (min, max) =
        (values.number("supervisor.restart_delay_ms"), values.number("supervisor.restart_delay_max_ms"));
    if max < min {
        let rule = format!("the largest delay of {max} ms is below the first of {min} ms");
        return relation("supervisor.restart_delay_max_ms", "supervisor.restart_delay_ms", rule);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let mut config = Config::new();
        config.set("storage.backend", "memory").expect("valid");
        for (key, value) in pairs {
            config.set(key, value).expect("in range");
        }
        config.build()
    }

    #[test]
    fn alpha_keeps_five_delta_intervals_at_any_scale() {
        for scale in ["1", "100", "1000"] {
            let settings = with(&[("time.scale", scale)]).expect("valid");
            let [alpha, delta] = &settings.chains;
            assert_eq!(alpha.interval, delta.interval * 5);
        }
        assert_eq!(with(&[]).expect("valid").chains[0].interval, Duration::from_secs(15));
    }

    #[test]
    fn relations_name_both_keys() {
        type Case = (&'static [(&'static str, &'static str)], &'static str, &'static str);
        let cases: [Case; 4] = [
            (&[("block.bytes_max", "4096")], "block.bytes_max", "transaction.bytes_max"),
            (&[("time.scale", "10000")], "time.scale", "delta.block_interval_ms"),
            (&[("health.stalled_intervals", "3")], "health.stalled_intervals", "health.degraded_intervals"),
            (
                &[("supervisor.restart_delay_max_ms", "1")],
                "supervisor.restart_delay_max_ms",
                "supervisor.restart_delay_ms",
            ),
        ];
        for (pairs, first, second) in cases {
            match with(pairs) {
                Err(ConfigError::Relation { key, other, .. }) => assert_eq!((key, other), (first, second)),
                other => panic!("{pairs:?}: {other:?}"),
            }
        }
        let error = Config::new().build().unwrap_err();
        assert!(matches!(error, ConfigError::Relation { key: "data_dir", .. }), "{error}");
    }
}
