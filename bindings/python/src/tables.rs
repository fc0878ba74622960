//! The library's tables for Python: the package generates from them, its tests compare with them; and
//! the way from a number to a member of a Python enumeration.

use duochain::dual::{EventKind, HealthState};
use duochain::node::{KEYS, Kind, TxState};
use duochain::pool::PoolKind;
use duochain::types::{ChainId, Class, Status};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Number, name, `retryable` and meaning of every status.
#[pyfunction]
pub(crate) fn _statuses() -> Vec<(i32, &'static str, bool, &'static str)> {
    let retryable = |status: &Status| status.class() == Class::Retryable;
    Status::ALL
        .iter()
        .map(|status| (status.code(), status.name(), retryable(status), status.meaning()))
        .collect()
}

/// Number and name of both chains.
#[pyfunction]
pub(crate) fn _chains() -> Vec<(u8, &'static str)> {
    ChainId::ALL.iter().map(|chain| (chain.wire(), chain.name())).collect()
}

/// Number and name of every kind of event.
#[pyfunction]
pub(crate) fn _event_kinds() -> Vec<(u8, &'static str)> {
    EventKind::ALL.iter().map(|kind| (kind.code(), kind.name())).collect()
}

/// Number and name of every state of health.
#[pyfunction]
pub(crate) fn _health_states() -> Vec<(u8, &'static str)> {
    (1..=u8::MAX).map_while(HealthState::from_code).map(|state| (state as u8, state.name())).collect()
}

/// Number and name of every state of a transaction.
#[pyfunction]
pub(crate) fn _tx_states() -> Vec<(u32, &'static str)> {
    let states = [(TxState::Unknown, "unknown"), (TxState::Included, "included"), (TxState::Final, "final")];
    states.map(|(state, name)| (state as u32, name)).to_vec()
}

/// Number and name of every kind of managed pool.
#[pyfunction]
pub(crate) fn _pool_kinds() -> Vec<(u32, &'static str)> {
    PoolKind::ALL.iter().map(|kind| (kind.code(), kind.name())).collect()
}

/// One row of the table of configuration keys: name, kind, words, unit, default, range, meaning,
/// consequence.
type KeyRow = (
    &'static str,
    &'static str,
    Vec<&'static str>,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// Every configuration key.
#[pyfunction]
pub(crate) fn _config_keys() -> Vec<KeyRow> {
    KEYS.iter()
        .map(|key| {
            let words = if let Kind::Word(words) = key.kind { words.to_vec() } else { Vec::new() };
            (key.name, key.kind.name(), words, key.unit, key.default, key.range, key.meaning, key.consequence)
        })
        .collect()
}

/// Optional parts of this build.
#[pyfunction]
pub(crate) fn _features() -> Vec<&'static str> {
    let all = [
        ("rocksdb", cfg!(feature = "rocksdb")),
        ("tls", cfg!(feature = "tls")),
        ("faults", cfg!(feature = "faults")),
    ];
    all.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
}

/// An enumeration of `duochain._enums`, looked up once.
pub(crate) struct Enumeration {
    name: &'static str,
    class: PyOnceLock<Py<PyAny>>,
}

impl Enumeration {
    const fn new(name: &'static str) -> Self {
        Self { name, class: PyOnceLock::new() }
    }

    /// The member with this number.
    pub(crate) fn member(&self, py: Python<'_>, number: i32) -> PyResult<Py<PyAny>> {
        let class = self.class.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
            Ok(py.import("duochain._enums")?.getattr(self.name)?.unbind())
        })?;
        Ok(class.bind(py).call1((number,))?.unbind())
    }
}

static CHAIN: Enumeration = Enumeration::new("Chain");
static EVENT_KIND: Enumeration = Enumeration::new("EventKind");
static HEALTH_STATE: Enumeration = Enumeration::new("HealthState");
static TX_STATE: Enumeration = Enumeration::new("TxState");
static STATUS: Enumeration = Enumeration::new("Status");

/// `duochain.Chain`.
pub(crate) fn chain(py: Python<'_>, chain: ChainId) -> PyResult<Py<PyAny>> {
    CHAIN.member(py, i32::from(chain.wire()))
}

/// `duochain.EventKind`.
pub(crate) fn event_kind(py: Python<'_>, kind: EventKind) -> PyResult<Py<PyAny>> {
    EVENT_KIND.member(py, i32::from(kind.code()))
}

/// `duochain.HealthState`.
pub(crate) fn health_state(py: Python<'_>, state: HealthState) -> PyResult<Py<PyAny>> {
    HEALTH_STATE.member(py, i32::from(state as u8))
}

/// `duochain.TxState`.
pub(crate) fn tx_state(py: Python<'_>, state: TxState) -> PyResult<Py<PyAny>> {
    TX_STATE.member(py, state as i32)
}

/// `duochain.Status`.
pub(crate) fn status(py: Python<'_>, status: Status) -> PyResult<Py<PyAny>> {
    STATUS.member(py, status.code())
}
