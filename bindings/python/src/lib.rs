//! The extension module `duochain._native`: what the Python package `duochain` is made of.
//!
//! # Model
//! | module | is |
//! |---|---|
//! | [`boundary`] | the gate of every object: closed, poisoned, forked; panics caught; waits in slices |
//! | [`fault`] | statuses become exceptions |
//! | [`arguments`], [`bytes`], [`export`] | Python values in, buffers in, buffers out |
//! | [`tables`] | the tables of statuses, kinds and keys, for the package and its tests |
//! | one module per class | [`config`], [`node`], [`claim`], [`view`], [`block`], [`health`], [`subscription`], [`queue`], [`stage`], [`shared`], [`pool`], [`managed`] |
//! | [`replog`], [`replog_ids`], [`replog_pending`] | one machine's part of a replicated log; what its entries are known by; what is on its way there |
//! | [`resilience`] | policies, which the package's `resilience` wraps |
//! | [`pool_report`] | what pools say of themselves |
//!
//! # Invariants
//! I1 a Rust panic becomes `PanicError` and poisons its object; it never reaches Python as another type.
//! I2 a call that may wait does so without the interpreter lock, for at most [`boundary::SLICE`] between
//! two looks at pending signals.
//! I3 no lock of the library is waited for, for longer than a few instructions, while the interpreter
//! lock is held.
//! I4 library threads never run Python code or touch a Python object.

mod arguments;
mod block;
mod boundary;
mod bytes;
mod claim;
mod config;
mod export;
mod fault;
mod health;
mod managed;
mod node;
mod pool;
mod pool_report;
mod queue;
mod replog;
mod replog_ids;
mod replog_options;
mod replog_pending;
mod replog_snapshot;
mod replog_status;
mod resilience;
mod shared;
mod stage;
mod subscription;
mod tables;
mod view;

use pyo3::prelude::*;

/// `duochain._native`.
// Bytes-like arguments are read under the interpreter lock (see `bytes`): a free-threaded interpreter
// has to keep it.
#[pymodule(gil_used = true)]
mod _native {
    use super::*;

    #[pymodule_export]
    use crate::{
        block::{Block, Proof},
        claim::Claim,
        config::Config,
        health::{ChainHealth, Health, Metric},
        managed::ManagedPools,
        node::Node,
        pool::{Pool, PooledBuffer},
        pool_report::{HeldBuffer, PoolClassStats, PoolMaintenance, PoolStats},
        queue::{LaneStats, QueueStats, TxQueue},
        replog::ReplicatedLog,
        replog_pending::PendingAppend,
        replog_snapshot::{_log_snapshot, _log_state, _log_state_into},
        replog_status::_log_wait_status,
        resilience::{PyBreaker, PyBulkhead, PyLimiter, PyRegistry, PyRetry},
        shared::{SharedLanes, SharedProducer, SharedStats},
        stage::Stage,
        subscription::Subscription,
        tables::{
            _chains, _config_keys, _event_kinds, _features, _health_states, _pool_kinds, _statuses,
            _tx_states,
        },
        view::{Completion, Event, Head, TxStatus, transaction_id},
    };

    #[cfg(feature = "faults")]
    #[pymodule_export]
    use crate::boundary::_inject_panic;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let in_child = pyo3::wrap_pyfunction!(crate::boundary::_after_fork_in_child, module)?;
        let keywords = pyo3::types::PyDict::new(py);
        keywords.set_item("after_in_child", in_child)?;
        py.import("os")?.call_method("register_at_fork", (), Some(&keywords))?;
        Ok(())
    }
}
