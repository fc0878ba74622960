//! `_native.Node`: a running node, without futures and iterators, which the package adds.

use crate::arguments::{Chain, invalid, lane, position, size, timeout, tx_id};
use crate::block::{Block, Proof};
use crate::boundary::{Aside, Gate, Own, caught, wait};
use crate::bytes::{BytesLike, with_slices};
use crate::claim::Claim;
use crate::config::Config;
use crate::fault::{OrRaise, fault};
use crate::health::{Health, Metric};
use crate::queue::QueueStats;
use crate::view::{Completion, Head, TxStatus};
use duochain::node;
use duochain::types::{Height, Status};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use std::sync::Arc;

/// Seconds that leaving a `with` block waits for the chains to stop.
const CLOSE_SECONDS: f64 = 30.0;

/// Both chains, running.
#[pyclass(frozen, subclass, weakref, module = "duochain._native")]
pub(crate) struct Node {
    gate: Gate,
    inner: Own<Arc<node::Node>>,
}

impl Node {
    /// The node behind, shared with what was made from it.
    pub(crate) fn inner(&self) -> &Arc<node::Node> {
        &self.inner
    }

    /// Refuses when the node cannot be used.
    pub(crate) fn enter<R>(&self, py: Python<'_>, call: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        self.gate.enter(py, call)
    }
}

/// Opens a node aside, so that a signal is heard while a long log is read. When one comes, the node is dropped,
/// which closes it, as soon as it is open.
fn open(py: Python<'_>, settings: node::Settings) -> PyResult<node::Node> {
    let opener = Aside::start("duo-open", || node::Node::open(settings));
    let opener = opener
        .map_err(|error| fault(py, Status::Io, format!("cannot start a thread to open the node: {error}")))?;
    opener.wait(py)?.or_raise(py)
}

#[pymethods]
impl Node {
    #[new]
    fn new(py: Python<'_>, config: &Config) -> PyResult<Self> {
        let settings = config.build(py)?;
        let node = caught(py, || open(py, settings))??;
        Ok(Self { gate: Gate::new("node"), inner: Own::new(Arc::new(node)) })
    }

    /// Accepts a transaction into a lane of a chain's queue, without waiting; the number of the submission.
    #[pyo3(signature = (chain, data, lane=0))]
    fn submit(&self, py: Python<'_>, chain: Chain, data: BytesLike<'_, '_>, lane: i64) -> PyResult<u64> {
        self.gate.enter(py, || {
            let lane = self::lane(py, lane)?;
            Ok(self.inner.submit(chain.0, lane, data.as_slice(py)).or_raise(py)?.get())
        })
    }

    /// As `submit`, waiting for room up to `timeout` seconds, or for ever.
    #[pyo3(signature = (chain, data, lane=0, timeout=None))]
    fn submit_wait(
        &self,
        py: Python<'_>,
        chain: Chain,
        data: BytesLike<'_, '_>,
        lane: i64,
        timeout: Option<f64>,
    ) -> PyResult<u64> {
        self.gate.enter(py, || {
            let (lane, timeout) = (self::lane(py, lane)?, self::timeout(py, timeout)?);
            let room = |error: &node::Error| {
                matches!(error.status(), Status::Again | Status::Timeout | Status::NoMemory)
            };
            // There is room nearly always, and then neither a copy nor the lock's round trip is needed.
            match self.inner.submit(chain.0, lane, data.as_slice(py)) {
                Err(error) if room(&error) => {}
                answer => return Ok(answer.or_raise(py)?.get()),
            }
            let bytes = data.detached(py);
            let attempt = |slice| self.inner.submit_wait(chain.0, lane, &bytes, slice);
            Ok(wait(py, timeout, attempt, room)?.or_raise(py)?.get())
        })
    }

    /// Accepts transactions in order, up to the first that is refused; the numbers of the accepted ones.
    /// Raises when not even the first was accepted.
    #[pyo3(signature = (chain, items, lane=0))]
    fn submit_batch(
        &self,
        py: Python<'_>,
        chain: Chain,
        items: &Bound<'_, PyAny>,
        lane: i64,
    ) -> PyResult<Vec<u64>> {
        self.gate.enter(py, || {
            let lane = self::lane(py, lane)?;
            with_slices(py, items, |slices| {
                let mut ops = Vec::with_capacity(slices.len());
                self.inner.submit_batch(chain.0, lane, slices, &mut ops).or_raise(py)?;
                Ok(ops.into_iter().map(|op| op.get()).collect())
            })
        })
    }

    /// A buffer of exactly `length` bytes to write a transaction into.
    #[pyo3(signature = (chain, length, lane=0))]
    fn claim(&self, py: Python<'_>, chain: Chain, length: i64, lane: i64) -> PyResult<Claim> {
        self.gate.enter(py, || {
            let (length, lane) = (size(py, "length", length)?, self::lane(py, lane)?);
            let claim = self.inner.claim(chain.0, lane, length).or_raise(py)?;
            Ok(Claim::new(Arc::clone(&self.inner), claim))
        })
    }

    /// Up to `max` completions, waiting up to `timeout` seconds, or for ever, for the first; empty when
    /// none came. Works on a closed node until everything was handed out, then raises `EndError`.
    #[pyo3(signature = (max=1024, timeout=0.0))]
    fn poll_completions(&self, py: Python<'_>, max: i64, timeout: Option<f64>) -> PyResult<Vec<Completion>> {
        self.gate.enter_closed(py, || {
            let (max, timeout) = (size(py, "max", max)?, self::timeout(py, timeout)?);
            let attempt = |slice| {
                let mut out = Vec::new();
                self.inner.poll_completions(&mut out, max, slice).map(|()| out)
            };
            match wait(py, timeout, attempt, |error| error.status() == Status::Timeout)? {
                Err(error) if error.status() == Status::Timeout => Ok(Vec::new()),
                answer => Ok(answer.or_raise(py)?.into_iter().map(Completion).collect()),
            }
        })
    }

    /// Refuses as `poll_completions` does, and does nothing else: for completions that the package keeps.
    fn _check(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.enter_closed(py, || Ok(()))
    }

    /// A descriptor that is readable while completions may be there; the node's own.
    fn completion_fd(&self, py: Python<'_>) -> PyResult<i32> {
        self.gate.enter(py, || self.inner.completion_fd().or_raise(py))
    }

    /// How far the transaction with this id got.
    fn tx_status(&self, py: Python<'_>, chain: Chain, id: &Bound<'_, PyBytes>) -> PyResult<TxStatus> {
        self.gate.enter(py, || {
            let id = tx_id(id)?;
            py.detach(|| self.inner.tx_status(chain.0, &id)).or_raise(py).map(TxStatus)
        })
    }

    /// Where a chain stands.
    fn head(&self, py: Python<'_>, chain: Chain) -> PyResult<Head> {
        self.gate.enter(py, || Ok(Head(self.inner.head(chain.0))))
    }

    /// The block at a height.
    fn block(&self, py: Python<'_>, chain: Chain, height: i64) -> PyResult<Block> {
        self.gate.enter(py, || {
            let height = Height::new(position(py, "height", height)?);
            py.detach(|| self.inner.block(chain.0, height)).or_raise(py).map(Block)
        })
    }

    /// Proof that the transaction with this id is in its block.
    fn proof(&self, py: Python<'_>, chain: Chain, id: &Bound<'_, PyBytes>) -> PyResult<Proof> {
        self.gate.enter(py, || {
            let id = tx_id(id)?;
            py.detach(|| self.inner.proof(chain.0, &id)).or_raise(py).map(Proof)
        })
    }

    /// How well both chains do.
    fn health(&self, py: Python<'_>) -> PyResult<Health> {
        self.gate.enter(py, || Ok(Health(py.detach(|| self.inner.health()))))
    }

    /// All metrics.
    fn metrics(&self, py: Python<'_>) -> PyResult<Vec<Metric>> {
        self.gate.enter(py, || Ok(py.detach(|| self.inner.metrics()).into_iter().map(Metric).collect()))
    }

    /// All metrics as OpenMetrics text.
    fn metrics_text(&self, py: Python<'_>) -> PyResult<String> {
        self.gate.enter(py, || Ok(py.detach(|| self.inner.metrics_text())))
    }

    /// Counters of a chain's queue.
    fn queue_stats(&self, py: Python<'_>, chain: Chain) -> PyResult<QueueStats> {
        self.gate.enter(py, || Ok(QueueStats(py.detach(|| self.inner.queue(chain.0).stats()))))
    }

    /// Stops accepting, wakes everybody who waits, stops both chains and releases the directory. May be
    /// repeated. Submissions in no final block end as `CANCELLED`.
    #[pyo3(signature = (timeout=CLOSE_SECONDS), text_signature = "($self, timeout=30.0)")]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let timeout = self::timeout(py, timeout)?;
        self.gate.close(py, || {
            let again = |error: &node::Error| error.status() == Status::Timeout;
            wait(py, timeout, |slice| self.inner.close(slice), again)?.or_raise(py)
        })
    }

    /// True once `close` was called.
    #[getter]
    fn closed(&self) -> bool {
        self.gate.is_closed()
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().gate.enter(slf.py(), || Ok(()))?;
        Ok(slf)
    }

    #[pyo3(signature = (*_raised), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(slf: &Bound<'_, Self>, _raised: &Bound<'_, PyTuple>) -> PyResult<()> {
        // By name, so that a subclass closes what it added too.
        slf.call_method0("close").map(drop)
    }

    fn __repr__(&self) -> String {
        let directory = &self.inner.settings().storage.data_dir;
        let state = if self.gate.is_closed() { "closed" } else { "open" };
        format!("<duochain.Node {state} {:?}>", directory.display().to_string())
    }
}

/// The chains' start positions of a subscription, as Python writes them.
pub(crate) fn start(py: Python<'_>, start: Option<&str>, named: bool) -> PyResult<node::Start> {
    match start {
        None if named => Ok(node::Start::Cursor),
        None | Some("oldest") => Ok(node::Start::Oldest),
        Some("cursor") => Ok(node::Start::Cursor),
        Some("latest") => Ok(node::Start::Latest),
        Some(other) => Err(invalid(py, format!("start `{other}` is not cursor, oldest or latest"))),
    }
}
