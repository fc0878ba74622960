//! Bytes-like arguments: anything with a contiguous buffer.
//!
//! # Invariants
//! I1 the slice is read only while the interpreter lock is held, so that no Python code changes it
//! meanwhile. What has to outlive that is copied first.
#![expect(unsafe_code, reason = "buffers are raw memory")]

use crate::arguments::invalid;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::borrow::Cow;

/// An argument that holds bytes.
pub(crate) enum BytesLike<'a, 'py> {
    /// The common case, without the buffer protocol's detours. Immutable.
    Bytes(Borrowed<'a, 'py, PyBytes>),
    /// Any other contiguous buffer.
    Buffer(PyUntypedBuffer),
}

impl<'a, 'py> FromPyObject<'a, 'py> for BytesLike<'a, 'py> {
    type Error = PyErr;

    fn extract(obj: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = obj.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes));
        }
        let buffer = PyUntypedBuffer::get(&obj).map_err(|_| {
            let kind = obj.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
            PyTypeError::new_err(format!("a bytes-like object is required, not '{kind}'"))
        })?;
        if !buffer.is_c_contiguous() {
            return Err(invalid(obj.py(), "the buffer is not contiguous"));
        }
        Ok(Self::Buffer(buffer))
    }
}

impl BytesLike<'_, '_> {
    /// The bytes, for use under the interpreter lock.
    #[inline]
    pub(crate) fn as_slice<'s>(&'s self, py: Python<'s>) -> &'s [u8] {
        match self {
            Self::Bytes(bytes) => bytes.as_bytes(),
            Self::Buffer(buffer) => contents(py, buffer),
        }
    }

    /// Bytes that may be read without the interpreter lock.
    pub(crate) fn detached<'s>(&'s self, py: Python<'s>) -> Cow<'s, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes.as_bytes()),
            Self::Buffer(_) => Cow::Owned(self.as_slice(py).to_vec()),
        }
    }
}

/// The bytes of a contiguous buffer, for use under the interpreter lock.
#[inline]
pub(crate) fn contents<'s>(_py: Python<'s>, buffer: &'s PyUntypedBuffer) -> &'s [u8] {
    let (start, len) = (buffer.buf_ptr().cast::<u8>().cast_const(), buffer.len_bytes());
    if start.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: the exporter keeps `len` contiguous bytes in place while `buffer` lives, and the interpreter lock keeps
    // Python code from writing to them (I1).
    unsafe { std::slice::from_raw_parts(start, len) }
}

/// As [`with_slices`], without the interpreter lock, for what waits for locks of the library. Buffers that could
/// change meanwhile are copied.
pub(crate) fn with_detached<R: Send>(
    py: Python<'_>,
    items: &Bound<'_, PyAny>,
    act: impl FnOnce(&[&[u8]]) -> R + Send,
) -> PyResult<R> {
    let items = items.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let buffers = items.iter().map(|item| item.extract()).collect::<PyResult<Vec<BytesLike<'_, '_>>>>()?;
    let bytes: Vec<Cow<'_, [u8]>> = buffers.iter().map(|buffer| buffer.detached(py)).collect();
    let slices: Vec<&[u8]> = bytes.iter().map(AsRef::as_ref).collect();
    Ok(py.detach(|| act(&slices)))
}

/// Hands the bytes of every item of an iterable to `act`. An item of a wrong type is found before that.
pub(crate) fn with_slices<R>(
    py: Python<'_>,
    items: &Bound<'_, PyAny>,
    act: impl FnOnce(&[&[u8]]) -> PyResult<R>,
) -> PyResult<R> {
    // Own references: a buffer written in Python may run code that changes the list.
    let items = items.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let buffers = items.iter().map(|item| item.extract()).collect::<PyResult<Vec<BytesLike<'_, '_>>>>()?;
    let slices: Vec<&[u8]> = buffers.iter().map(|buffer| buffer.as_slice(py)).collect();
    act(&slices)
}
