//! `Pool` and `PooledBuffer`: reusable memory with the buffer protocol.

use crate::arguments::{invalid, size};
use crate::boundary::{Gate, Own};
use crate::export::Exported;
use crate::fault::{OrRaise, fault};
use crate::pool_report::{HeldBuffer, PoolClassStats, PoolMaintenance, PoolStats};
use duochain::env::{Clock, SystemClock};
use duochain::pool::{
    BufferPool, ClassSettings, HugePages, Lease, OverflowSettings, PoolSettings, Site, Upkeep,
};
use duochain::types::{Status, Tick};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

/// Most buffers of one batch.
const BATCH_MAX: usize = 65_536;

/// One size: bytes, most buffers, and how many keep their memory.
struct Class(i64, i64, i64);

impl<'py> FromPyObject<'_, 'py> for Class {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if obj.len().is_ok_and(|len| len == 3) {
            let (bytes, count, initial) = obj.extract()?;
            return Ok(Self(bytes, count, initial));
        }
        let (bytes, count) = obj.extract()?;
        Ok(Self(bytes, count, 0))
    }
}

/// Buffers of a few sizes, handed out and taken back without allocating.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Pool {
    gate: Gate,
    inner: Own<Arc<BufferPool>>,
    clock: SystemClock,
}

impl Pool {
    pub(crate) fn of(gate: Gate, pool: Arc<BufferPool>) -> Self {
        Self { gate, inner: Own::new(pool), clock: SystemClock::new() }
    }

    fn buffer(lease: Lease) -> PooledBuffer {
        PooledBuffer { gate: Gate::new("buffer"), memory: Own::new(Exported::new(lease)) }
    }

    /// The Python code that calls, when the pool wants to know.
    fn site(&self, py: Python<'_>) -> PyResult<Option<Site>> {
        if self.inner.tracks_leaks() { caller(py).map(Some) } else { Ok(None) }
    }
}

/// File, line and function of the Python frame that runs.
fn caller(py: Python<'_>) -> PyResult<Site> {
    let frame = py.import("sys")?.call_method0("_getframe")?;
    let code = frame.getattr("f_code")?;
    let file: String = code.getattr("co_filename")?.extract()?;
    let function: String = code.getattr("co_name")?.extract()?;
    let line: u32 = frame.getattr("f_lineno")?.extract()?;
    // What matters most comes first, and long names of files begin with what matters least.
    let file = file.rsplit('/').next().unwrap_or_default();
    Ok(Site::named(&format!("{file}:{line} {function}")))
}

/// Seconds of a clock.
fn tick(py: Python<'_>, seconds: f64) -> PyResult<Tick> {
    Duration::try_from_secs_f64(seconds)
        .map(|time| Tick::ZERO.after(time))
        .map_err(|_| invalid(py, format!("a time of {seconds} seconds")))
}

fn span(py: Python<'_>, what: &str, seconds: f64) -> PyResult<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return Err(invalid(py, format!("{what} of {seconds} seconds")));
    }
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[pymethods]
impl Pool {
    /// `classes`: (bytes, most buffers) or (bytes, most buffers, initial) of each size, ascending. What no class
    /// can serve is allocated up to `overflow_bytes_max` in all, `overflow_buffer_bytes_max` each. `shrink_after`:
    /// seconds of low demand, 0 for never. `huge_pages`: "off", "try" or "require". `leak_tracking`: None is what
    /// the build of the library presets.
    #[new]
    #[pyo3(signature = (classes, *, overflow_buffer_bytes_max=0, overflow_bytes_max=0, warm_up=false,
        shrink_after=60.0, huge_pages="off", leak_tracking=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        classes: Vec<Class>,
        overflow_buffer_bytes_max: i64,
        overflow_bytes_max: i64,
        warm_up: bool,
        shrink_after: f64,
        huge_pages: &str,
        leak_tracking: Option<bool>,
    ) -> PyResult<Self> {
        let gate = Gate::new("pool");
        let inner = gate.enter(py, || {
            let class = |class: &Class| {
                let (buffer_bytes, count_max) =
                    (size(py, "buffer size", class.0)?, size(py, "count", class.1)?);
                Ok(ClassSettings { buffer_bytes, count_max })
            };
            let overflow = OverflowSettings {
                buffer_bytes_max: size(py, "overflow_buffer_bytes_max", overflow_buffer_bytes_max)?,
                total_bytes_max: size(py, "overflow_bytes_max", overflow_bytes_max)?,
            };
            let upkeep = Upkeep {
                initial: classes
                    .iter()
                    .map(|class| size(py, "initial count", class.2))
                    .collect::<PyResult<_>>()?,
                warm_up,
                shrink_after: span(py, "shrink_after", shrink_after)?,
                huge_pages: match huge_pages {
                    "off" => HugePages::Off,
                    "try" => HugePages::Try,
                    "require" => HugePages::Require,
                    other => {
                        return Err(invalid(py, format!("huge_pages is {other:?}, not off, try or require")));
                    }
                },
                leak_tracking: leak_tracking.unwrap_or(Upkeep::default().leak_tracking),
                ..Upkeep::default()
            };
            let classes = classes.iter().map(class).collect::<PyResult<_>>()?;
            let settings = PoolSettings { classes, overflow };
            py.detach(|| BufferPool::with_upkeep(settings, &upkeep)).or_raise(py)
        })?;
        Ok(Self::of(gate, inner))
    }

    /// A buffer of exactly `length` bytes; its content is what an earlier user left.
    fn acquire(&self, py: Python<'_>, length: i64) -> PyResult<PooledBuffer> {
        self.gate.enter(py, || {
            let length = size(py, "length", length)?;
            let lease = match self.site(py)? {
                Some(site) => self.inner.acquire_at(length, || site),
                None => self.inner.acquire(length),
            };
            Ok(Self::buffer(lease.or_raise(py)?))
        })
    }

    /// Up to `count` buffers of `length` bytes each, 65536 at most: as many as there are, one at least.
    fn acquire_batch(&self, py: Python<'_>, length: i64, count: i64) -> PyResult<Vec<PooledBuffer>> {
        self.gate.enter(py, || {
            let (length, count) = (size(py, "length", length)?, size(py, "count", count)?);
            if !(1..=BATCH_MAX).contains(&count) {
                return Err(invalid(py, format!("{count} buffers; 1 to {BATCH_MAX} are possible")));
            }
            let mut leases = Vec::new();
            match self.site(py)? {
                None => drop(self.inner.acquire_batch(length, count, &mut leases).or_raise(py)?),
                Some(site) => {
                    while leases.len() < count {
                        match self.inner.acquire_at(length, || site.clone()) {
                            Ok(lease) => leases.push(lease),
                            Err(error) if leases.is_empty() => return Err(error).or_raise(py),
                            Err(_) => break,
                        }
                    }
                }
            }
            Ok(leases.into_iter().map(Self::buffer).collect())
        })
    }

    /// Gives unused memory back to the system, least recently used first, except for `keep_free` buffers of each
    /// size; how many bytes that was.
    #[pyo3(signature = (keep_free=0))]
    fn trim(&self, py: Python<'_>, keep_free: i64) -> PyResult<usize> {
        self.gate.enter(py, || {
            let keep_free = size(py, "keep_free", keep_free)?;
            Ok(py.detach(|| self.inner.trim(keep_free)))
        })
    }

    /// Takes memory for `count` buffers, in use or not, of the size that serves `length`, and touches it; how many
    /// buffers got memory now.
    fn warm_up(&self, py: Python<'_>, length: i64, count: i64) -> PyResult<u64> {
        self.gate.enter(py, || {
            let (length, count) = (size(py, "length", length)?, size(py, "count", count)?);
            py.detach(|| self.inner.warm_up(length, count)).or_raise(py)
        })
    }

    /// Lets memory follow demand; to be called every second or so. `now`: seconds of any monotonic clock, always of
    /// the same one; without it the pool's own.
    #[pyo3(signature = (now=None))]
    pub(crate) fn maintain(&self, py: Python<'_>, now: Option<f64>) -> PyResult<PoolMaintenance> {
        self.gate.enter(py, || {
            let now = now.map_or_else(|| Ok(self.clock.now()), |now| tick(py, now))?;
            Ok(PoolMaintenance(py.detach(|| self.inner.maintain(now))))
        })
    }

    /// Buffers that have been out for `older_than` seconds or longer, longest first; 0 lists all.
    #[pyo3(signature = (older_than=0.0))]
    fn held(&self, py: Python<'_>, older_than: f64) -> PyResult<Vec<HeldBuffer>> {
        self.gate.enter(py, || {
            let held = self.inner.held(span(py, "an age", older_than)?).or_raise(py)?;
            Ok(held.into_iter().map(HeldBuffer).collect())
        })
    }

    /// Counters.
    fn stats(&self, py: Python<'_>) -> PyResult<PoolStats> {
        self.gate.enter(py, || Ok(PoolStats(py.detach(|| self.inner.stats()))))
    }

    /// Counters of each size, smallest buffers first.
    fn class_stats(&self, py: Python<'_>) -> PyResult<Vec<PoolClassStats>> {
        self.gate.enter(py, || {
            let classes = py.detach(|| self.inner.class_stats());
            Ok(classes.into_iter().map(PoolClassStats).collect())
        })
    }

    /// Refuses further `acquire`. Buffers that are out stay good. May be repeated.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
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

    #[pyo3(signature = (*_raised), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) -> PyResult<()> {
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

    #[pyo3(signature = (*_raised), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) -> PyResult<()> {
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
