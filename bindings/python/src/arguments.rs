//! Python values in: chains, lanes, sizes, times and digests, with their ranges.

use crate::fault::fault;
use duochain::types::{ChainId, LaneId, Status, TxId};
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::time::Duration;

/// `Chain.ALPHA` or `Chain.DELTA`, or their numbers.
#[derive(Clone, Copy)]
pub(crate) struct Chain(pub(crate) ChainId);

impl<'py> FromPyObject<'_, 'py> for Chain {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let number = obj.extract::<i64>().or_else(|error| {
            // A number that is not even an i64 is out of range like any other.
            if error.is_instance_of::<PyOverflowError>(obj.py()) { Ok(-1) } else { Err(error) }
        })?;
        u8::try_from(number)
            .ok()
            .and_then(ChainId::from_wire)
            .map(Self)
            .ok_or_else(|| invalid(obj.py(), format!("{} is not a chain", *obj)))
    }
}

/// The exception for an argument of the right type and a wrong value.
#[cold]
pub(crate) fn invalid(py: Python<'_>, message: impl Into<String>) -> PyErr {
    fault(py, Status::InvalidArgument, message)
}

/// A lane; the queue checks it against its count.
#[inline]
pub(crate) fn lane(py: Python<'_>, number: i64) -> PyResult<LaneId> {
    u8::try_from(number)
        .map(LaneId::new)
        .map_err(|_| invalid(py, format!("lane {number} is not in 0 to 255")))
}

/// A count or size.
pub(crate) fn size(py: Python<'_>, what: &str, number: i64) -> PyResult<usize> {
    usize::try_from(number).map_err(|_| invalid(py, format!("{what} {number} is negative")))
}

/// A position that is never negative: a height or a sequence.
pub(crate) fn position(py: Python<'_>, what: &str, number: i64) -> PyResult<u64> {
    u64::try_from(number).map_err(|_| invalid(py, format!("{what} {number} is negative")))
}

/// Seconds to wait; `None`, infinity and what no clock can count are for ever.
pub(crate) fn timeout(py: Python<'_>, seconds: Option<f64>) -> PyResult<Option<Duration>> {
    match seconds {
        None => Ok(None),
        Some(seconds) if seconds.is_nan() || seconds < 0.0 => {
            Err(invalid(py, format!("a timeout of {seconds} seconds")))
        }
        Some(seconds) => Ok(Duration::try_from_secs_f64(seconds).ok()),
    }
}

/// The id of a transaction: 32 bytes.
pub(crate) fn tx_id(id: &Bound<'_, PyBytes>) -> PyResult<TxId> {
    let bytes = <[u8; 32]>::try_from(id.as_bytes()).map_err(|_| {
        invalid(id.py(), format!("a transaction id is 32 bytes, not {}", id.as_bytes().len()))
    })?;
    Ok(TxId::new(bytes))
}
