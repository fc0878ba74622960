//! `Stage`: one producer's transactions, collected and published together.

use crate::arguments::{size, timeout};
use crate::boundary::{Gate, Own};
use crate::bytes::BytesLike;
use crate::fault::OrRaise;
use duochain::pool::Meta;
use duochain::queue::{self, Error, StageSettings};
use duochain::types::LaneId;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Collects the transactions of one producer for one lane of a queue; made by `TxQueue.stage`.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Stage {
    gate: Gate,
    /// The lock is held for the length of a copy, and nobody waits inside.
    inner: Own<Mutex<Option<queue::Stage>>>,
}

impl Stage {
    pub(crate) fn open(
        py: Python<'_>,
        queue: &Arc<queue::TxQueue>,
        lane: LaneId,
        count: Option<i64>,
        age: f64,
    ) -> PyResult<Self> {
        let count = count.map_or(Ok(queue.run_max()), |count| size(py, "count", count))?;
        // An age that no clock can count never comes.
        let age = timeout(py, Some(age))?.unwrap_or(Duration::MAX);
        let stage = queue.stage(lane, StageSettings { count, age }).or_raise(py)?;
        Ok(Self { gate: Gate::new("stage"), inner: Own::new(Mutex::new(Some(stage))) })
    }

    fn lock(&self) -> MutexGuard<'_, Option<queue::Stage>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<R>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut queue::Stage) -> Result<R, Error>,
    ) -> PyResult<R> {
        self.gate.enter(py, || {
            let result = match &mut *self.lock() {
                Some(stage) => work(stage),
                None => Err(Error::Closed),
            };
            // Not under the lock: making an exception may run finalizers, and they may come back here.
            result.or_raise(py)
        })
    }
}

#[pymethods]
impl Stage {
    /// Stages a copy, and publishes if it is time to. Raises `FullError` when the stage is full and the lane
    /// too; the transaction is not staged then. A refusal after it was staged is no error.
    fn enqueue(&self, py: Python<'_>, data: BytesLike<'_, '_>) -> PyResult<()> {
        self.with(py, |stage| stage.enqueue(data.as_slice(py), Meta::default()))
    }

    /// Publishes what is staged; how many. Raises `FullError` and `ClosedError`: everything stays staged.
    fn flush(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, queue::Stage::flush)
    }

    /// As `flush` if the oldest is of age, else nothing. For a producer that pauses.
    fn flush_aged(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, queue::Stage::flush_aged)
    }

    /// Hands back what is staged, oldest first, and forgets it.
    fn take_back<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let mut staged = Vec::new();
        self.with(py, |stage| Ok(stage.take_back(|bytes, _| staged.push(bytes.to_vec()))))?;
        PyList::new(py, staged.iter().map(|bytes| PyBytes::new(py, bytes)))
    }

    /// How many are staged.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.gate.enter_closed(py, || Ok(self.lock().as_ref().map_or(0, queue::Stage::len)))
    }

    /// An open stage is true, empty or not.
    fn __bool__(&self) -> bool {
        !self.gate.is_closed()
    }

    /// Publishes what is staged as far as the lane takes it, and forgets the rest: `flush` first to know, or
    /// `take_back` to keep it. May be repeated.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.close(py, || {
            drop(self.lock().take());
            Ok(())
        })
    }

    /// True once closed.
    #[getter]
    fn closed(&self) -> bool {
        self.gate.is_closed()
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_raised), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}
