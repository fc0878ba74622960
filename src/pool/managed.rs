//! One pool for each kind of object, with sizes that fit the kind.
//!
//! # Limits
//! A kind has between 10,000 and 100,000 buffers at most, over its four sizes. Larger objects than its
//! largest size are allocated one by one: up to 1 MiB each, 64 MiB in all; none where memory keeps its addresses.

use super::kind::{KIND_MAX_CEILING, KIND_MAX_FLOOR};
use super::upkeep::Maintenance;
use super::{BufferPool, Error, OverflowSettings, PoolKind, PoolSettings, Upkeep};
use crate::types::Tick;
use std::sync::Arc;

/// Objects beyond the classes of their kind.
const OVERFLOW: OverflowSettings = OverflowSettings { buffer_bytes_max: 1 << 20, total_bytes_max: 64 << 20 };

/// Sizes of one kind, in buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindSettings {
    /// Keep their memory once they have it; from 0 to `max`.
    pub initial: usize,
    /// Most at a time, 10,000 to 100,000. Too few: `NO_MEMORY` in bursts.
    pub max: usize,
}

/// Sizes of all kinds, and how their pools are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedSettings {
    /// By position in [`PoolKind::ALL`].
    pub kinds: [KindSettings; 4],
    /// For all pools; its [`initial`](Upkeep::initial) is not looked at, since each kind has its own.
    pub upkeep: Upkeep,
}

impl Default for ManagedSettings {
    fn default() -> Self {
        let kind = |kind: PoolKind| KindSettings { initial: kind.initial_default(), max: kind.max_default() };
        Self { kinds: PoolKind::ALL.map(kind), upkeep: Upkeep::default() }
    }
}

impl ManagedSettings {
    /// The pool of one kind.
    ///
    /// # Errors
    /// [`Error::Config`] for sizes out of range; else as [`BufferPool::with_upkeep`].
    pub fn pool(&self, kind: PoolKind) -> Result<Arc<BufferPool>, Error> {
        let KindSettings { initial, max } = self.kinds[kind.index()];
        let name = kind.name();
        if !(KIND_MAX_FLOOR..=KIND_MAX_CEILING).contains(&max) {
            return Err(Error::Config(format!(
                "{name}: at most {max} buffers; {KIND_MAX_FLOOR} to {KIND_MAX_CEILING} are possible"
            )));
        }
        if initial > max {
            return Err(Error::Config(format!("{name}: {initial} initial buffers, at most {max}")));
        }
        let overflow = if self.upkeep.keep_addresses { OverflowSettings::default() } else { OVERFLOW };
        let settings = PoolSettings { classes: kind.classes(max), overflow };
        BufferPool::with_upkeep(
            settings,
            &Upkeep { initial: kind.split_within(initial, max), ..self.upkeep.clone() },
        )
    }
}

/// A pool for each [`PoolKind`].
///
/// ```
/// use duochain::pool::{ManagedPools, ManagedSettings, PoolKind};
/// let pools = ManagedPools::new(&ManagedSettings::default())?;
/// let mut vote = pools.of(PoolKind::ConsensusMessage).acquire(200)?;
/// vote.fill(7);
/// assert_eq!(pools.of(PoolKind::ConsensusMessage).stats().in_use, 1);
/// # Ok::<(), duochain::pool::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ManagedPools {
    pools: [Arc<BufferPool>; 4],
}

impl ManagedPools {
    /// All four pools.
    ///
    /// # Errors
    /// As [`ManagedSettings::pool`].
    pub fn new(settings: &ManagedSettings) -> Result<Self, Error> {
        let [request, proposal, message, entry] = PoolKind::ALL.map(|kind| settings.pool(kind));
        Ok(Self { pools: [request?, proposal?, message?, entry?] })
    }

    /// The pool of a kind.
    pub fn of(&self, kind: PoolKind) -> &Arc<BufferPool> {
        &self.pools[kind.index()]
    }

    /// As [`BufferPool::maintain`], for all; answers by position in [`PoolKind::ALL`].
    pub fn maintain(&self, now: Tick) -> [Maintenance; 4] {
        self.pools.each_ref().map(|pool| pool.maintain(now))
    }
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use super::*;
    use crate::types::Status;

    fn sized(initial: usize, max: usize) -> ManagedSettings {
        ManagedSettings { kinds: [KindSettings { initial, max }; 4], ..ManagedSettings::default() }
    }

    #[test]
    fn every_kind_has_a_pool_of_its_own_with_its_default_size() {
        let pools = ManagedPools::new(&ManagedSettings::default()).expect("defaults are valid");
        for kind in PoolKind::ALL {
            let classes = pools.of(kind).class_stats();
            assert_eq!(classes.iter().map(|class| class.initial).sum::<u64>(), kind.initial_default() as u64);
            assert_eq!(classes.iter().map(|class| class.count_max).sum::<u64>(), kind.max_default() as u64);
            let lease = pools.of(kind).acquire(200).expect("there is one");
            let used: Vec<u64> = PoolKind::ALL.map(|other| pools.of(other).stats().in_use).into();
            assert_eq!(used.iter().sum::<u64>(), 1, "{kind:?}");
            drop(lease);
        }
        assert_eq!(pools.maintain(Tick::ZERO).len(), 4);
    }

    #[test]
    fn sizes_out_of_range_are_refused_by_the_name_of_the_kind() {
        let largest = sized(0, KIND_MAX_CEILING);
        for settings in [sized(KIND_MAX_FLOOR, KIND_MAX_FLOOR), largest] {
            for kind in PoolKind::ALL {
                settings.pool(kind).expect("at the limit");
            }
        }
        for (initial, max) in [(0, KIND_MAX_FLOOR - 1), (0, KIND_MAX_CEILING + 1), (10_001, 10_000)] {
            let error = sized(initial, max).pool(PoolKind::LogEntry).unwrap_err();
            assert_eq!(error.status(), Status::Config);
            assert!(error.to_string().contains("log_entry"), "{error}");
        }
    }

    #[test]
    fn an_object_beyond_the_sizes_of_its_kind_is_served_by_the_overflow() {
        let pool = sized(0, KIND_MAX_FLOOR).pool(PoolKind::ConsensusMessage).expect("valid");
        let large = pool.acquire(100_000).expect("below 1 MiB");
        assert_eq!((large.len(), pool.stats().overflow_in_use), (100_000, 1));
        assert_eq!(pool.acquire((1 << 20) + 1).unwrap_err().status(), Status::TooLarge);
    }
}
