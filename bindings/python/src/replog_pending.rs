//! `_native.PendingAppend`: an append whose answer is still to come, and how answers of a log look in Python.

use crate::arguments::timeout;
use crate::boundary::{Gate, wait};
use crate::fault::exception;
use duochain::node::replica::{Pending, Receipt, ReplicaError};
use duochain::types::{NodeId, Status};
use pyo3::prelude::*;

/// The exception of a failure; who leads stands in its `leader`, and what is committed in its `receipt`.
pub(crate) fn raise(py: Python<'_>, error: &ReplicaError) -> PyErr {
    let made = || match error {
        ReplicaError::NotEverywhere(known) => {
            let class = py.import("duochain._errors")?.getattr("NotEverywhereError")?;
            let object = class.call1((error.to_string(),))?;
            object.setattr("receipt", receipt(py, *known)?)?;
            Ok(object)
        }
        error => {
            let object = exception(py, error.status(), &error.to_string())?;
            if error.status() == Status::NotLeader {
                object.setattr("leader", error.leader().map(NodeId::get))?;
            }
            Ok(object)
        }
    };
    made().map_or_else(|error| error, PyErr::from_value)
}

/// As a `LogReceipt` of the package.
fn receipt(py: Python<'_>, receipt: Receipt) -> PyResult<Bound<'_, PyAny>> {
    let (index, term) = (receipt.id.index.get(), receipt.id.term.get());
    let class = py.import("duochain._replog")?.getattr("LogReceipt")?;
    class.call1((index, term, receipt.repeated, receipt.stale))
}

pub(crate) fn is_timeout(error: &ReplicaError) -> bool {
    matches!(error, ReplicaError::Timeout)
}

/// A batch on its way. Dropping it gives up the answer, not the batch.
#[pyclass(frozen, module = "duochain._native")]
pub(crate) struct PendingAppend {
    gate: Gate,
    pending: Pending,
}

impl PendingAppend {
    pub(crate) fn new(pending: Pending) -> Self {
        Self { gate: Gate::new("append"), pending }
    }
}

#[pymethods]
impl PendingAppend {
    /// The receipt, once it is there; after a timeout it can be waited for again.
    #[pyo3(signature = (timeout=None))]
    fn wait<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        self.gate.enter(py, || {
            let limit = self::timeout(py, timeout)?;
            // The answer itself may be that nobody knows.
            let is_open = |error: &_| is_timeout(error) && self.pending.try_wait().is_none();
            let told = wait(py, limit, |slice| self.pending.wait(slice), is_open)?;
            match self.pending.try_wait().unwrap_or(told) {
                Ok(known) => receipt(py, known),
                Err(error) => Err(raise(py, &error)),
            }
        })
    }

    /// As `wait`, without waiting: `None` while there is no answer.
    fn poll<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.gate.enter(py, || match self.pending.try_wait() {
            None => Ok(None),
            Some(Ok(known)) => receipt(py, known).map(Some),
            Some(Err(error)) => Err(raise(py, &error)),
        })
    }
}
