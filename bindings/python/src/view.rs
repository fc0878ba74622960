//! What a node tells about transactions and events: plain, immutable values.

use crate::arguments::Chain;
use crate::boundary::caught;
use crate::bytes::BytesLike;
use crate::fault::exception;
use crate::tables;
use duochain::crypto::hash;
use duochain::types::Status;
use duochain::{dual, node};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Id of a transaction on a chain: the same bytes have different ids on the two chains.
#[pyfunction]
pub(crate) fn transaction_id<'py>(
    py: Python<'py>,
    chain: Chain,
    transaction: BytesLike<'_, '_>,
) -> PyResult<Bound<'py, PyBytes>> {
    caught(py, || PyBytes::new(py, hash::transaction(chain.0, transaction.as_slice(py)).as_bytes()))
}

/// The end of one submission.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Completion(pub(crate) node::Completion);

#[pymethods]
impl Completion {
    /// What `submit` returned.
    #[getter]
    fn op(&self) -> u64 {
        self.0.op.get()
    }

    /// Its chain.
    #[getter]
    fn chain(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::chain(py, self.0.chain)
    }

    /// `OK`: final. `DUPLICATE`: submitted before, and final. `CANCELLED`: the node closed first.
    #[getter]
    fn status(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::status(py, self.0.status)
    }

    /// True when the transaction became final.
    #[getter]
    fn ok(&self) -> bool {
        self.0.status == Status::Ok
    }

    /// Id of the transaction; zero when it was cancelled.
    #[getter]
    fn tx<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.tx.as_bytes())
    }

    /// Height of its block; 0 when it is in none.
    #[getter]
    fn height(&self) -> u64 {
        self.0.height.get()
    }

    /// Position in that block.
    #[getter]
    fn index(&self) -> u32 {
        self.0.index
    }

    /// When it was accepted, in nanoseconds of the node's clock.
    #[getter]
    fn submitted_ns(&self) -> u64 {
        self.0.submitted.as_nanos()
    }

    /// When its outcome was known, in nanoseconds of the node's clock.
    #[getter]
    fn finalized_ns(&self) -> u64 {
        self.0.finalized.as_nanos()
    }

    /// Seconds from submission to outcome.
    #[getter]
    fn latency(&self) -> f64 {
        self.0.finalized.since(self.0.submitted).as_secs_f64()
    }

    /// The exception that says the same; `None` when final.
    fn error(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        if self.ok() {
            return Ok(None);
        }
        let message = format!("submission {} on {}: {}", self.0.op, self.0.chain, self.0.status.meaning());
        Ok(Some(exception(py, self.0.status, &message)?.unbind()))
    }

    fn __repr__(&self) -> String {
        let Self(done) = self;
        let (op, chain, status) = (done.op, done.chain, done.status.name());
        format!(
            "Completion(op={op}, chain={chain}, status={status}, height={}, index={})",
            done.height, done.index
        )
    }
}

/// Where a chain stands.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Head(pub(crate) node::Head);

#[pymethods]
impl Head {
    /// Height of the last block.
    #[getter]
    fn height(&self) -> u64 {
        self.0.height.get()
    }

    /// Its hash.
    #[getter]
    fn hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.hash.as_bytes())
    }

    /// Height of the highest final block.
    #[getter]
    fn final_height(&self) -> u64 {
        self.0.final_height.get()
    }

    /// Its hash.
    #[getter]
    fn final_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.final_hash.as_bytes())
    }

    /// State after the last block.
    #[getter]
    fn state_root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.state_root.as_bytes())
    }

    /// Header time of the last block, in nanoseconds since 1970.
    #[getter]
    fn time_ns(&self) -> u64 {
        self.0.time.get()
    }

    /// Slot of the last block.
    #[getter]
    fn slot(&self) -> u64 {
        self.0.slot
    }

    /// How late the last block was started, in nanoseconds; negative when early.
    #[getter]
    fn slot_drift_ns(&self) -> i64 {
        self.0.slot_drift_nanos
    }

    /// Transactions in all blocks.
    #[getter]
    fn transactions(&self) -> u64 {
        self.0.transactions
    }

    /// Transactions in final blocks.
    #[getter]
    fn final_transactions(&self) -> u64 {
        self.0.final_transactions
    }

    /// How often the chain's thread was started again since the node was opened.
    #[getter]
    fn restarts(&self) -> u64 {
        self.0.restarts
    }

    fn __repr__(&self) -> String {
        format!("Head(height={}, final_height={}, hash={})", self.0.height, self.0.final_height, self.0.hash)
    }
}

/// How far a transaction got.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct TxStatus(pub(crate) node::TxStatus);

#[pymethods]
impl TxStatus {
    /// How far it got.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::tx_state(py, self.0.state)
    }

    /// Height of its block; 0 when unknown.
    #[getter]
    fn height(&self) -> u64 {
        self.0.height.get()
    }

    /// Position in that block.
    #[getter]
    fn index(&self) -> u32 {
        self.0.index
    }

    fn __repr__(&self) -> String {
        format!("TxStatus(state={:?}, height={}, index={})", self.0.state, self.0.height, self.0.index)
    }
}

/// One entry of a chain's event stream.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Event(pub(crate) dual::Event);

#[pymethods]
impl Event {
    /// The chain whose stream it is in.
    #[getter]
    fn chain(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::chain(py, self.0.chain)
    }

    /// Its number in that stream, from 1 without gaps.
    #[getter]
    fn sequence(&self) -> u64 {
        self.0.sequence.get()
    }

    /// What happened.
    #[getter]
    fn kind(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::event_kind(py, self.0.kind)
    }

    /// The block concerned; for health, the highest final one.
    #[getter]
    fn height(&self) -> u64 {
        self.0.height.get()
    }

    /// Hash of that block.
    #[getter]
    fn hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.hash.as_bytes())
    }

    /// Nanoseconds since 1970: the block's header time, or the time of the transition.
    #[getter]
    fn time_ns(&self) -> u64 {
        self.0.time.get()
    }

    /// Transactions in the block; 0 for other kinds.
    #[getter]
    fn tx_count(&self) -> u32 {
        self.0.tx_count
    }

    /// The chain's health after a transition; `None` for other kinds.
    #[getter]
    fn health(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.health.map(|state| tables::health_state(py, state)).transpose()
    }

    /// A short text for people; empty for final blocks.
    #[getter]
    fn detail(&self) -> &str {
        &self.0.detail
    }

    fn __repr__(&self) -> String {
        let Self(event) = self;
        let (chain, kind) = (event.chain, event.kind.name());
        format!("Event(chain={chain}, sequence={}, kind={kind}, height={})", event.sequence, event.height)
    }
}
