//! `Claim`: a transaction written in place.

use crate::boundary::{Gate, Own};
use crate::export::Exported;
use crate::fault::{OrRaise, fault};
use duochain::node::{self, NodeClaim};
use duochain::types::Status;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A writable buffer of the chain's pool. Committing it submits it; leaving a `with` block commits it
/// too, unless an exception leaves the block: then it is given back.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Claim {
    gate: Gate,
    length: usize,
    op: AtomicU64,
    memory: Own<Exported<NodeClaim>>,
    /// Keeps the node open while the claim lives.
    _node: Own<Arc<node::Node>>,
}

impl Claim {
    pub(crate) fn new(node: Arc<node::Node>, claim: NodeClaim) -> Self {
        Self {
            gate: Gate::new("claim"),
            length: claim.len(),
            op: AtomicU64::new(0),
            memory: Own::new(Exported::new(claim)),
            _node: Own::new(node),
        }
    }

    fn gone(py: Python<'_>) -> PyErr {
        fault(py, Status::BadHandle, "the claim was committed or aborted")
    }
}

#[pymethods]
impl Claim {
    /// Submits the buffer; the number of the submission. When it is refused the claim stays as it is.
    fn commit(&self, py: Python<'_>) -> PyResult<u64> {
        self.gate.enter(py, || {
            let claim = self.memory.take(py)?.ok_or_else(|| Self::gone(py))?;
            match claim.commit() {
                Ok(op) => {
                    self.op.store(op.get(), Ordering::Relaxed);
                    Ok(op.get())
                }
                Err((claim, error)) => {
                    self.memory.put_back(claim);
                    Err(error).or_raise(py)
                }
            }
        })
    }

    /// Gives the buffer back.
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.enter_always(py, || self.memory.take(py)?.map(drop).ok_or_else(|| Self::gone(py)))
    }

    /// The submission that the commit made; `None` before.
    #[getter]
    fn op(&self) -> Option<u64> {
        Some(self.op.load(Ordering::Relaxed)).filter(|op| *op != 0)
    }

    fn __len__(&self) -> usize {
        self.length
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*raised), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(&self, py: Python<'_>, raised: &Bound<'_, PyTuple>) -> PyResult<()> {
        let open = self.memory.with(|_| ()).is_some();
        let failed = raised.iter().any(|part| !part.is_none());
        match (open, failed) {
            (false, _) => Ok(()),
            (true, false) => self.commit(py).map(drop),
            // A view that the exception's traceback keeps alive must not hide the exception: the buffer
            // goes back when the claim does.
            (true, true) => self.gate.enter_always(py, || {
                drop(self.memory.take(py));
                Ok(())
            }),
        }
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

    fn __repr__(&self) -> String {
        format!("Claim(length={}, op={:?})", self.length, self.op())
    }
}
