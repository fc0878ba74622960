//! Pooled memory shown to Python through the buffer protocol.
//!
//! # Invariants
//! I1 the memory stays with its owner while a view of it lives: it can be taken out only when no view
//! is left;
//! I2 no exception is made under the lock: that may run finalizers, and they may come back here.
#![expect(unsafe_code, reason = "the buffer protocol hands out raw memory")]

use crate::fault::fault;
use duochain::types::Status;
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::c_int;
use std::ops::DerefMut;
use std::sync::Mutex;

/// Memory with a count of the views of it.
#[derive(Debug)]
pub(crate) struct Exported<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    value: Option<T>,
    views: usize,
}

impl<T: DerefMut<Target = [u8]> + Send> Exported<T> {
    /// No views yet.
    pub(crate) fn new(value: T) -> Self {
        Self { inner: Mutex::new(Inner { value: Some(value), views: 0 }) }
    }

    /// Reads or changes the value without taking it out; `None` when it is gone.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.lock().value.as_mut().map(look)
    }

    /// Takes the value out, when there is no view of it; `None` when it is gone.
    pub(crate) fn take(&self, py: Python<'_>) -> PyResult<Option<T>> {
        self.alone(|inner| inner.value.take()).map_err(|views| Self::busy(py, views))
    }

    /// As [`Exported::with`], when there is no view of it.
    pub(crate) fn with_alone<R>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut T) -> R,
    ) -> PyResult<Option<R>> {
        self.alone(|inner| inner.value.as_mut().map(change)).map_err(|views| Self::busy(py, views))
    }

    /// Puts back what [`Exported::take`] gave.
    pub(crate) fn put_back(&self, value: T) {
        self.lock().value = Some(value);
    }

    /// `__getbuffer__`: a writable view whose owner is `object`.
    ///
    /// # Safety
    /// `view` is what the interpreter passed to `__getbuffer__`, and `object` is the Python object that
    /// owns `self`.
    pub(crate) unsafe fn get_view(
        &self,
        object: &Bound<'_, PyAny>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
        gone: impl FnOnce() -> PyErr,
    ) -> PyResult<()> {
        let mut inner = self.lock();
        let Some(value) = inner.value.as_mut() else {
            drop(inner);
            return Err(gone());
        };
        let len = isize::try_from(value.len()).expect("pooled buffers are small");
        let data = value.as_mut_ptr().cast();
        // SAFETY: `view` is the interpreter's; the memory stays in place while the view lives (I1), and the
        // view keeps `object` alive.
        if unsafe { ffi::PyBuffer_FillInfo(view, object.as_ptr(), data, len, 0, flags) } != 0 {
            drop(inner);
            return Err(PyErr::fetch(object.py()));
        }
        inner.views += 1;
        Ok(())
    }

    /// `__releasebuffer__`.
    pub(crate) fn release_view(&self) {
        let mut inner = self.lock();
        inner.views = inner.views.saturating_sub(1);
    }

    /// Runs `act` when there is no view; otherwise says how many there are.
    fn alone<R>(&self, act: impl FnOnce(&mut Inner<T>) -> R) -> Result<R, usize> {
        let mut inner = self.lock();
        if inner.views == 0 { Ok(act(&mut inner)) } else { Err(inner.views) }
    }

    fn busy(py: Python<'_>, views: usize) -> PyErr {
        fault(py, Status::Busy, format!("{views} memoryviews of the buffer are still alive"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner<T>> {
        // A panic under the lock poisons the whole object at its gate.
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
