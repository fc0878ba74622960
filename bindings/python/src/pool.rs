//! `Pool` and `PooledBuffer`: reusable memory with the buffer protocol.

use crate::arguments::{invalid, size};
use crate::boundary::{Gate, Own};
use crate::export::Exported;
use crate::fault::{OrRaise, fault};
use duochain::pool;
use duochain::pool::{BufferPool, ClassSettings, Lease, OverflowSettings, PoolSettings};
use duochain::types::Status;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::ffi::c_int;
use std::sync::Arc;

/// Buffers of a few sizes, handed out and taken back without allocating.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Pool {
    gate: Gate,
    inner: Own<Arc<BufferPool>>,
}

#[pymethods]
impl Pool {
    /// `classes`: (bytes, most buffers) of each size, ascending. What no class can serve is allocated up to
    /// `overflow_bytes_max` in all, `overflow_buffer_bytes_max` each.
    #[new]
    #[pyo3(signature = (classes, *, overflow_buffer_bytes_max=0, overflow_bytes_max=0))]
    fn new(
        py: Python<'_>,
        classes: Vec<(i64, i64)>,
        overflow_buffer_bytes_max: i64,
        overflow_bytes_max: i64,
    ) -> PyResult<Self> {
        let gate = Gate::new("pool");
        let inner = gate.enter(py, || {
            let class = |(bytes, count): (i64, i64)| {
                let (buffer_bytes, count_max) = (size(py, "buffer size", bytes)?, size(py, "count", count)?);
                Ok(ClassSettings { buffer_bytes, count_max })
            };
            let overflow = OverflowSettings {
                buffer_bytes_max: size(py, "overflow_buffer_bytes_max", overflow_buffer_bytes_max)?,
                total_bytes_max: size(py, "overflow_bytes_max", overflow_bytes_max)?,
            };
            let classes = classes.into_iter().map(class).collect::<PyResult<_>>()?;
            BufferPool::new(PoolSettings { classes, overflow }).or_raise(py)
        })?;
        Ok(Self { gate, inner: Own::new(inner) })
    }

    /// A buffer of exactly `length` bytes; its content is what an earlier user left.
    fn acquire(&self, py: Python<'_>, length: i64) -> PyResult<PooledBuffer> {
        self.gate.enter(py, || {
            let lease = self.inner.acquire(size(py, "length", length)?).or_raise(py)?;
            Ok(PooledBuffer { gate: Gate::new("buffer"), memory: Own::new(Exported::new(lease)) })
        })
    }

    /// Gives unused memory back to the system, except `keep_free` buffers; how many buffers that was.
    #[pyo3(signature = (keep_free=0))]
    fn trim(&self, py: Python<'_>, keep_free: i64) -> PyResult<usize> {
        self.gate.enter(py, || {
            let keep_free = size(py, "keep_free", keep_free)?;
            Ok(py.detach(|| self.inner.trim(keep_free)))
        })
    }

    /// Counters.
    fn stats(&self, py: Python<'_>) -> PyResult<PoolStats> {
        self.gate.enter(py, || Ok(PoolStats(py.detach(|| self.inner.stats()))))
    }

    /// Refuses further `acquire`. Buffers that are out stay good. May be repeated.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.close(py, || Ok(()))
    }

    /// True once closed.
    #[getter]
    fn closed(&self) -> bool {
        self.gate.is_closed()
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (_kind, _value, _traceback, /), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: Option<&Bound<'_, PyAny>>,
        _value: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.close(py)
    }
}

/// A writable buffer of a pool, released exactly once: by `release`, by leaving a `with` block, or when
/// it is forgotten.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct PooledBuffer {
    gate: Gate,
    memory: Own<Exported<Lease>>,
}

impl PooledBuffer {
    fn gone(py: Python<'_>) -> PyErr {
        fault(py, Status::BadHandle, "the buffer was released")
    }
}

#[pymethods]
impl PooledBuffer {
    /// Gives the buffer back. Refused while a memoryview of it is alive, and the second time.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.enter_always(py, || self.memory.take(py)?.map(drop).ok_or_else(|| Self::gone(py)))
    }

    /// True once released.
    #[getter]
    fn released(&self) -> bool {
        self.memory.with(|_| ()).is_none()
    }

    /// Bytes that the buffer can hold.
    #[getter]
    fn capacity(&self, py: Python<'_>) -> PyResult<usize> {
        self.memory.with(|lease| lease.capacity()).ok_or_else(|| Self::gone(py))
    }

    /// Changes the length, up to the capacity. Refused while a memoryview of it is alive.
    fn resize(&self, py: Python<'_>, length: i64) -> PyResult<()> {
        self.gate.enter(py, || {
            let length = size(py, "length", length)?;
            let resize = |lease: &mut Lease| {
                let fits = length <= lease.capacity();
                if fits {
                    lease.set_len(length);
                }
                fits
            };
            match self.memory.with_alone(py, resize)? {
                None => Err(Self::gone(py)),
                Some(false) => Err(invalid(py, format!("{length} bytes do not fit into the buffer"))),
                Some(true) => Ok(()),
            }
        })
    }

    /// A copy of the content.
    fn tobytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.gate
            .enter(py, || self.memory.with(|lease| PyBytes::new(py, lease)).ok_or_else(|| Self::gone(py)))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.memory.with(|lease| lease.len()).ok_or_else(|| Self::gone(py))
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (_kind, _value, _traceback, /), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: Option<&Bound<'_, PyAny>>,
        _value: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if self.released() { Ok(()) } else { self.release(py) }
    }

    #[expect(unsafe_code, reason = "the buffer protocol")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        this.gate.enter(py, || {
            // SAFETY: `view` comes from the interpreter and `slf` owns the memory.
            unsafe { this.memory.get_view(slf.as_any(), view, flags, || Self::gone(py)) }
        })
    }

    #[expect(unsafe_code, reason = "the buffer protocol")]
    unsafe fn __releasebuffer__(&self, _view: *mut ffi::Py_buffer) {
        self.memory.release_view();
    }
}

/// Counters of a pool.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct PoolStats(pub(crate) pool::PoolStats);

macro_rules! counters {
    ($class:ident { $($(#[$doc:meta])* $name:ident),+ $(,)? }) => {
        #[pymethods]
        impl $class {
            $($(#[$doc])* #[getter] fn $name(&self) -> u64 { self.0.$name })+

            fn __repr__(&self) -> String {
                let fields = [$((stringify!($name), self.0.$name)),+];
                let fields = fields.map(|(name, value)| format!("{name}={value}"));
                format!("{}({})", stringify!($class), fields.join(", "))
            }
        }
    };
}
pub(crate) use counters;

counters!(PoolStats {
    /// Buffers that are out.
    in_use,
    /// Most that were out at once.
    in_use_high,
    /// Buffers that are in memory and free.
    free,
    /// Memory of all buffers, in bytes.
    reserved_bytes,
    /// Buffers handed out.
    acquired,
    /// Buffers taken back.
    released,
    /// Requests refused for want of memory.
    exhausted,
    /// Overflow buffers that are out.
    overflow_in_use,
    /// Overflow buffers handed out.
    overflow_acquired,
    /// Memory of the overflow buffers that are out, in bytes.
    overflow_bytes,
    /// Stale handles refused.
    stale_refused,
});
