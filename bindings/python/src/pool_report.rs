//! What pools say of themselves.

use duochain::pool::{self, ClassStats, Held, Maintenance};
use pyo3::prelude::*;

/// Counters of a pool.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct PoolStats(pub(crate) pool::PoolStats);

/// Counters of one size of a pool.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct PoolClassStats(pub(crate) ClassStats);

macro_rules! counters {
    ($class:ident { $($(#[$doc:meta])* $name:ident $(: $type:ty)?),+ $(,)? }) => {
        #[pymethods]
        impl $class {
            $($(#[$doc])* #[getter] fn $name(&self) -> counters!(@ $($type)?) { self.0.$name })+

            fn __repr__(&self) -> String {
                let fields = [$(format!("{}={}", stringify!($name), self.0.$name)),+];
                format!("{}({})", stringify!($class), fields.join(", "))
            }
        }
    };
    (@) => { u64 };
    (@ $type:ty) => { $type };
}
pub(crate) use counters;

counters!(PoolStats {
    /// Buffers that are out.
    in_use,
    /// Most that were out at once.
    in_use_high,
    /// Buffers that were used before and are free.
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
    /// Buffers with memory behind them.
    resident,
    /// Pieces that this memory comes in.
    slabs,
    /// Slabs given back to the system.
    evictions,
    /// The system took the advice to use huge pages for all slabs.
    huge_pages: bool,
    /// Slabs given back of which the system refused the addresses: the process has as many mappings as it may.
    unmaps_refused,
});

counters!(PoolClassStats {
    /// Bytes of a buffer.
    buffer_bytes,
    /// Most buffers.
    count_max,
    /// Buffers whose memory `maintain` never gives back.
    initial,
    /// Buffers that are out.
    in_use,
    /// Most that were out at once.
    in_use_high,
    /// Buffers that were used before and are free.
    free,
    /// Buffers with memory behind them.
    resident,
    /// Pieces that this memory comes in.
    slabs,
    /// Their memory, in bytes.
    reserved_bytes,
    /// Buffers handed out.
    acquired,
    /// Buffers taken back.
    released,
    /// Slabs given back to the system.
    evictions,
});

/// What one `maintain` did.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct PoolMaintenance(pub(crate) Maintenance);

#[pymethods]
impl PoolMaintenance {
    /// Buffers that got memory ahead of demand.
    #[getter]
    fn grown_buffers(&self) -> u64 {
        self.0.grown
    }

    /// Slabs given back to the system.
    #[getter]
    fn evicted_slabs(&self) -> u64 {
        self.0.evicted
    }

    /// Their memory, in bytes.
    #[getter]
    fn evicted_bytes(&self) -> usize {
        self.0.evicted_bytes
    }

    fn __repr__(&self) -> String {
        let Maintenance { grown, evicted, evicted_bytes } = self.0;
        format!(
            "PoolMaintenance(grown_buffers={grown}, evicted_slabs={evicted}, evicted_bytes={evicted_bytes})"
        )
    }
}

/// A buffer that is out.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct HeldBuffer(pub(crate) Held);

#[pymethods]
impl HeldBuffer {
    /// Its number.
    #[getter]
    fn handle(&self) -> u64 {
        self.0.handle.get()
    }

    /// Bytes that were asked for.
    #[getter]
    fn length(&self) -> usize {
        self.0.len
    }

    /// Seconds since it was acquired.
    #[getter]
    fn age(&self) -> f64 {
        self.0.age.as_secs_f64()
    }

    /// Who acquired it: file, line and function.
    #[getter]
    fn site(&self) -> String {
        self.0.site.to_string()
    }

    fn __repr__(&self) -> String {
        let Held { len, age, site, .. } = &self.0;
        format!("HeldBuffer(length={len}, age={:.3}, site={:?})", age.as_secs_f64(), site.to_string())
    }
}
