//! `SharedLanes` and `SharedProducer`: lanes in a file mapping, for producers of other processes.

use crate::arguments::{lane, timeout};
use crate::boundary::{Gate, Own, wait};
use crate::bytes::BytesLike;
use crate::fault::OrRaise;
use crate::pool_report::counters;
use duochain::env::{Clock, SystemClock};
use duochain::pool::Meta;
use duochain::queue;
use duochain::types::{LaneId, Tick};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Lanes of a queue that other processes put into; made by `TxQueue.open_shared`.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct SharedLanes {
    gate: Gate,
    inner: Own<queue::SharedLanes>,
}

impl SharedLanes {
    pub(crate) fn new(lanes: queue::SharedLanes) -> Self {
        Self { gate: Gate::new("segment of shared lanes"), inner: Own::new(lanes) }
    }
}

#[pymethods]
impl SharedLanes {
    /// What producers open: the file, or for lanes in memory `/proc/PID/fd/N`, which is good while this
    /// lives and for processes that see the same `/proc`.
    #[getter]
    fn path(&self) -> PathBuf {
        self.inner.path().to_owned()
    }

    /// Counters.
    fn stats(&self, py: Python<'_>) -> PyResult<SharedStats> {
        self.gate.enter_closed(py, || Ok(SharedStats(self.inner.stats())))
    }

    /// Refuses producers from now on. What they committed still comes out of the queue. May be repeated.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.close(py, || {
            self.inner.close();
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

/// Puts transactions into shared lanes, in the queue's process or another of the same user.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct SharedProducer {
    gate: Gate,
    /// The lock is held for the length of a copy, and nobody waits inside.
    inner: Own<Mutex<Option<queue::SharedProducer>>>,
    lanes: usize,
    transaction_bytes_max: usize,
}

impl SharedProducer {
    fn enqueue_once(&self, lane: LaneId, bytes: &[u8]) -> Result<(), queue::Error> {
        match &mut *self.inner.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(producer) => producer.enqueue(lane, bytes, Meta::default()),
            None => Err(queue::Error::Closed),
        }
    }

    /// Waits for room, not under the lock: other threads, which have the interpreter's, may want it.
    fn put_in(
        &self,
        lane: LaneId,
        bytes: &[u8],
        pause: &mut queue::SharedPause,
        slice: Duration,
    ) -> Result<(), queue::Error> {
        let clock = SystemClock::new();
        loop {
            match self.enqueue_once(lane, bytes) {
                Err(queue::Error::Full) => {}
                decided => return decided,
            }
            let left = slice.saturating_sub(clock.now().since(Tick::ZERO));
            if left.is_zero() {
                return Err(queue::Error::Timeout);
            }
            pause.pause(left);
        }
    }
}

#[pymethods]
impl SharedProducer {
    /// Attaches to the segment at `path`.
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let gate = Gate::new("shared producer");
        let producer = gate.enter(py, || py.detach(|| queue::SharedProducer::attach(path)).or_raise(py))?;
        let (lanes, transaction_bytes_max) = (producer.lanes(), producer.transaction_bytes_max());
        Ok(Self { gate, inner: Own::new(Mutex::new(Some(producer))), lanes, transaction_bytes_max })
    }

    /// Copies a transaction into a lane. Raises `FullError` when the lane is full, or this producer's room.
    #[pyo3(signature = (data, lane=0))]
    fn enqueue(&self, py: Python<'_>, data: BytesLike<'_, '_>, lane: i64) -> PyResult<()> {
        self.gate.enter(py, || {
            let lane = self::lane(py, lane)?;
            // Not raised under the lock: making an exception may run finalizers, and they may come back here.
            self.enqueue_once(lane, data.as_slice(py)).or_raise(py)
        })
    }

    /// As `enqueue`, waiting for room up to `timeout` seconds, or for ever. Raises `TimeoutError`, and `ClosedError`
    /// soon after the lanes or this producer were closed.
    #[pyo3(signature = (data, lane=0, timeout=None))]
    fn enqueue_wait(
        &self,
        py: Python<'_>,
        data: BytesLike<'_, '_>,
        lane: i64,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        self.gate.enter(py, || {
            let (lane, timeout) = (self::lane(py, lane)?, self::timeout(py, timeout)?);
            let bytes = data.detached(py);
            let mut pause = queue::SharedPause::new();
            let attempt = |slice| self.put_in(lane, &bytes, &mut pause, slice);
            wait(py, timeout, attempt, |error| *error == queue::Error::Timeout)?.or_raise(py)
        })
    }

    /// Number of lanes.
    #[getter]
    fn lanes(&self) -> usize {
        self.lanes
    }

    /// Largest transaction in bytes.
    #[getter]
    fn transaction_bytes_max(&self) -> usize {
        self.transaction_bytes_max
    }

    /// Gives the seat back. What was put in stays. May be repeated.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.close(py, || {
            self.inner.lock().unwrap_or_else(PoisonError::into_inner).take();
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

/// Counters of shared lanes.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct SharedStats(queue::SharedStats);

counters!(SharedStats {
    /// Transactions taken out.
    accepted,
    /// Their bytes.
    bytes,
    /// Words that made no sense, passed over or written again.
    corrupt,
    /// Places in a lane passed over because later ones were filled.
    gaps,
    /// Times that a tail was corrected.
    tails,
    /// Seats for producers.
    seats,
    /// Seats that are taken.
    seats_taken,
    /// Seats taken over from processes that had ended.
    seats_recovered,
});
