//! `TxQueue`: the transaction queue on its own.

use crate::arguments::{invalid, lane, size, timeout};
use crate::boundary::{Gate, Own, wait};
use crate::bytes::{BytesLike, with_slices};
use crate::fault::{OrRaise, fault};
use crate::pool_report::{PoolStats, counters};
use crate::shared::SharedLanes;
use crate::stage::Stage;
use duochain::pool::Meta;
use duochain::queue::{Consumer, Consumers, Error, Item};
use duochain::types::{LaneId, Status};
use duochain::{node, queue};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A bounded queue of transactions with priority lanes, for any number of threads.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct TxQueue {
    gate: Gate,
    inner: Own<Inner>,
}

struct Inner {
    queue: Arc<queue::TxQueue>,
    /// One is taken for each call and put back after it, so that a waiting call blocks no other.
    idle: Mutex<Vec<Consumer>>,
}

impl Inner {
    fn consume<R>(&self, call: impl FnOnce(&mut Consumer) -> R) -> Result<R, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut consumer = idle.map_or_else(|| self.queue.consumer(), Ok)?;
        let result = call(&mut consumer);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(consumer);
        Ok(result)
    }
}

impl TxQueue {
    fn prefix(py: Python<'_>, (accepted, error): (usize, Option<Error>)) -> PyResult<usize> {
        match error {
            Some(error) if accepted == 0 => Err(error).or_raise(py),
            _ => Ok(accepted),
        }
    }

    fn batch(&self, py: Python<'_>, lane: LaneId, slices: &[&[u8]]) -> PyResult<usize> {
        Self::prefix(py, self.inner.queue.enqueue_batch(lane, slices, |_| Meta::default()))
    }

    fn ended(&self) -> Result<bool, Error> {
        Ok(self.inner.queue.is_closed() && self.inner.consume(|consumer| consumer.is_ended())?)
    }
}

#[pymethods]
impl TxQueue {
    /// An empty queue; the arguments are those of the configuration keys of the same names. With a `run_max` of
    /// more than 1 only one thread at a time takes out: `BusyError`.
    #[new]
    #[pyo3(signature = (
        *, lanes=4, cells=65_536, ageing=16, transaction_bytes_max=1_048_576, pool_bytes_max=268_435_456,
        run_max=1
    ))]
    fn new(
        py: Python<'_>,
        lanes: i64,
        cells: i64,
        ageing: i64,
        transaction_bytes_max: i64,
        pool_bytes_max: i64,
        run_max: i64,
    ) -> PyResult<Self> {
        let gate = Gate::new("queue");
        let queue = gate.enter(py, || {
            let mut config = node::Config::new();
            config.set("storage.backend", "memory").or_raise(py)?;
            let given = [
                ("queue.lanes", lanes),
                ("queue.cells", cells),
                ("queue.ageing", ageing),
                ("transaction.bytes_max", transaction_bytes_max),
                ("pool.bytes_max", pool_bytes_max),
                ("queue.run_max", run_max),
            ];
            for (key, value) in given {
                config.set(key, &value.to_string()).or_raise(py)?;
            }
            let mut settings = config.build().or_raise(py)?.queue;
            settings.consumers = if settings.run_max > 1 { Consumers::One } else { Consumers::Many };
            queue::TxQueue::new(settings).or_raise(py)
        })?;
        Ok(Self { gate, inner: Own::new(Inner { queue, idle: Mutex::default() }) })
    }

    /// Copies a transaction into a lane, without waiting.
    #[pyo3(signature = (data, lane=0))]
    fn enqueue(&self, py: Python<'_>, data: BytesLike<'_, '_>, lane: i64) -> PyResult<()> {
        self.gate.enter(py, || {
            let lane = self::lane(py, lane)?;
            self.inner.queue.enqueue(lane, data.as_slice(py), Meta::default()).or_raise(py)
        })
    }

    /// As `enqueue`, waiting for room up to `timeout` seconds, or for ever.
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
            let attempt = |slice| self.inner.queue.enqueue_wait(lane, &bytes, Meta::default(), slice);
            wait(py, timeout, attempt, |error| matches!(error, Error::Timeout | Error::NoMemory))?
                .or_raise(py)
        })
    }

    /// Copies transactions into a lane in order, up to the first that is refused; how many were accepted.
    /// Raises when not even the first was accepted.
    #[pyo3(signature = (items, lane=0))]
    fn enqueue_many(&self, py: Python<'_>, items: &Bound<'_, PyAny>, lane: i64) -> PyResult<usize> {
        self.gate.enter(py, || {
            let lane = self::lane(py, lane)?;
            with_slices(py, items, |slices| self.batch(py, lane, slices))
        })
    }

    /// As `enqueue_many`, from one buffer that holds the transactions one after the other, and their
    /// lengths: a buffer of 32-bit unsigned integers or a sequence of `int`.
    #[pyo3(signature = (data, lengths, lane=0))]
    fn enqueue_flat(
        &self,
        py: Python<'_>,
        data: BytesLike<'_, '_>,
        lengths: &Bound<'_, PyAny>,
        lane: i64,
    ) -> PyResult<usize> {
        self.gate.enter(py, || {
            let lane = self::lane(py, lane)?;
            let lengths: Vec<u32> = match PyBuffer::get(lengths) {
                Ok(buffer) => buffer.to_vec(py)?,
                Err(_) => lengths.extract()?,
            };
            let bytes = data.as_slice(py);
            let sum: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
            if sum != bytes.len() as u64 {
                return Err(invalid(
                    py,
                    format!("lengths add up to {sum}, the data has {} bytes", bytes.len()),
                ));
            }
            let mut rest = bytes;
            let slices: Vec<&[u8]> = lengths
                .iter()
                .map(|length| {
                    let (item, after) = rest.split_at(*length as usize);
                    rest = after;
                    item
                })
                .collect();
            self.batch(py, lane, &slices)
        })
    }

    /// The next transaction, waiting up to `timeout` seconds, or for ever; `None` when none came. Works
    /// on a closed queue until it is empty, then raises `EndError`.
    #[pyo3(signature = (timeout=0.0))]
    fn dequeue<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.gate.enter_closed(py, || {
            if let Some(item) = self.inner.consume(Consumer::dequeue).or_raise(py)? {
                return Ok(Some(PyBytes::new(py, &item)));
            }
            let timeout = self::timeout(py, timeout)?;
            if timeout.is_some_and(|timeout| timeout.is_zero()) && !self.inner.queue.is_closed() {
                return Ok(None);
            }
            let attempt = |slice| self.inner.consume(|consumer| consumer.dequeue_wait(slice))?;
            match wait(py, timeout, attempt, |error| matches!(error, Error::Timeout))? {
                Err(Error::Timeout) => Ok(None),
                answer => Ok(Some(PyBytes::new(py, &answer.or_raise(py)?))),
            }
        })
    }

    /// Up to `max` transactions that are there. Raises `EndError` when the queue is closed and empty.
    #[pyo3(signature = (max=1024))]
    fn drain<'py>(&self, py: Python<'py>, max: i64) -> PyResult<Bound<'py, PyList>> {
        self.gate.enter_closed(py, || {
            let max = size(py, "max", max)?;
            let mut items: Vec<Item> = Vec::new();
            let taken =
                self.inner.consume(|consumer| consumer.drain(max, |item| items.push(item.into_item())));
            if taken.or_raise(py)? == 0 && max > 0 && self.ended().or_raise(py)? {
                return Err(fault(py, Status::End, "the queue is closed and empty"));
            }
            PyList::new(py, items.iter().map(|item| PyBytes::new(py, item)))
        })
    }

    /// A stage, which collects the transactions of one producer for a lane and publishes them together: once
    /// `count` are staged (at most and by default the queue's `run_max`), and once the oldest is staged for
    /// `age` seconds, looked at during calls (0: never).
    #[pyo3(signature = (lane=0, *, count=None, age=0.0))]
    fn stage(&self, py: Python<'_>, lane: i64, count: Option<i64>, age: f64) -> PyResult<Stage> {
        self.gate.enter(py, || Stage::open(py, &self.inner.queue, self::lane(py, lane)?, count, age))
    }

    /// Opens shared lanes, as many as the queue has: what a `SharedProducer` in any process of the same user
    /// puts into one comes out with the queue's own transactions of that lane. In memory, or in a new file
    /// at `path`, best in `/dev/shm`. `part_bytes` is the room of each of the `seats` producers.
    #[pyo3(signature = (path=None, *, lane_cells=4096, seats=16, part_bytes=1_048_576))]
    fn open_shared(
        &self,
        py: Python<'_>,
        path: Option<PathBuf>,
        lane_cells: i64,
        seats: i64,
        part_bytes: i64,
    ) -> PyResult<SharedLanes> {
        self.gate.enter(py, || {
            let settings = queue::SharedSettings {
                place: path.map_or(queue::SharedPlace::Memory, queue::SharedPlace::File),
                lane_cells: size(py, "lane_cells", lane_cells)?,
                seats: size(py, "seats", seats)?,
                part_bytes: size(py, "part_bytes", part_bytes)?,
            };
            Ok(SharedLanes::new(self.inner.queue.open_shared(&settings).or_raise(py)?))
        })
    }

    /// Refuses further transactions and wakes everybody who waits. What was accepted can still be taken.
    /// May be repeated.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.close(py, || {
            self.inner.queue.close();
            Ok(())
        })
    }

    /// True once closed.
    #[getter]
    fn closed(&self) -> bool {
        self.gate.is_closed()
    }

    /// Number of lanes.
    #[getter]
    fn lanes(&self) -> usize {
        self.inner.queue.lanes()
    }

    /// Cells of all lanes together.
    #[getter]
    fn capacity(&self) -> usize {
        self.inner.queue.capacity()
    }

    /// Transactions that wait in one lane.
    fn lane_len(&self, py: Python<'_>, lane: i64) -> PyResult<usize> {
        self.gate.enter_closed(py, || Ok(self.inner.queue.lane_len(self::lane(py, lane)?)))
    }

    /// Counters.
    fn stats(&self, py: Python<'_>) -> PyResult<QueueStats> {
        self.gate.enter_closed(py, || Ok(QueueStats(py.detach(|| self.inner.queue.stats()))))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.gate.enter_closed(py, || Ok(self.inner.queue.len()))
    }

    /// An open queue is true, empty or not.
    fn __bool__(&self) -> bool {
        !self.gate.is_closed()
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_raised), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}

/// Counters of a queue.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct QueueStats(pub(crate) queue::QueueStats);

#[pymethods]
impl QueueStats {
    /// One entry a lane, most urgent first.
    #[getter]
    fn lanes(&self) -> Vec<LaneStats> {
        self.0.lanes.iter().copied().map(LaneStats).collect()
    }

    /// The buffers behind it.
    #[getter]
    fn pool(&self) -> PoolStats {
        PoolStats(self.0.pool)
    }

    /// Transactions that wait in all lanes.
    #[getter]
    fn depth(&self) -> u64 {
        self.0.lanes.iter().map(|lane| lane.depth).sum()
    }

    /// True once the queue was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.0.closed
    }

    fn __repr__(&self) -> String {
        format!("QueueStats(lanes={}, depth={}, closed={})", self.0.lanes.len(), self.depth(), self.0.closed)
    }
}

/// Counters of one lane.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct LaneStats(queue::LaneStats);

counters!(LaneStats {
    /// Transactions accepted.
    accepted,
    /// Transactions refused for want of room.
    refused,
    /// Transactions handed out.
    dequeued,
    /// Transactions that wait.
    depth,
    /// Most that were seen waiting.
    depth_high,
});
