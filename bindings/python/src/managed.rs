//! `ManagedPools`: a pool for each kind of object.

use crate::boundary::Gate;
use crate::config::Config;
use crate::fault::{OrRaise, fault};
use crate::pool::Pool;
use crate::pool_report::PoolMaintenance;
use duochain::node;
use duochain::pool::PoolKind;
use duochain::types::Status;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A pool for each `PoolKind`, of the sizes that the configuration gives.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct ManagedPools {
    pools: Vec<Py<Pool>>,
}

/// A kind, or its number.
struct Kind(PoolKind);

impl<'py> FromPyObject<'_, 'py> for Kind {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let number = obj.extract::<u32>().or_else(|error| {
            // A number that is not even a u32 is out of range like any other.
            if error.is_instance_of::<PyOverflowError>(obj.py()) { Ok(0) } else { Err(error) }
        })?;
        let unknown = || fault(obj.py(), Status::InvalidArgument, format!("{} is not a kind of pool", *obj));
        PoolKind::from_code(number).map(Self).ok_or_else(unknown)
    }
}

#[pymethods]
impl ManagedPools {
    /// All four pools. Without a configuration they have their default sizes.
    #[new]
    #[pyo3(signature = (config=None))]
    fn new(py: Python<'_>, config: Option<&Config>) -> PyResult<Self> {
        let gate = Gate::new("pools");
        let pools = gate.enter(py, || {
            let config = config.map_or_else(|| Ok(node::Config::new()), |config| config.current(py))?;
            let settings = config.managed_pools().or_raise(py)?;
            let make = |kind| {
                let made = py.detach(|| settings.pool(kind)).or_raise(py)?;
                Py::new(py, Pool::of(Gate::new("pool"), made))
            };
            PoolKind::ALL.into_iter().map(make).collect()
        })?;
        Ok(Self { pools })
    }

    /// The pool of a kind.
    fn __getitem__(&self, py: Python<'_>, kind: Kind) -> Py<Pool> {
        self.pools[kind.0.code() as usize - 1].clone_ref(py)
    }

    /// As `Pool.maintain`, for all, by number of the kind.
    #[pyo3(signature = (now=None))]
    fn maintain(&self, py: Python<'_>, now: Option<f64>) -> PyResult<Vec<PoolMaintenance>> {
        self.pools.iter().map(|pool| pool.get().maintain(py, now)).collect()
    }

    /// As `Pool.close`, for all.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.pools.iter().try_for_each(|pool| pool.get().close(py))
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_raised), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}
