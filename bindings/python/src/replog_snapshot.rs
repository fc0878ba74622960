//! `_native._log_snapshot` and `_log_state`: snapshots of a host's state, given and taken.

use crate::arguments::{invalid, position, timeout};
use crate::boundary::wait;
use crate::bytes::{BytesLike, contents};
use crate::fault::fault;
use crate::replog::ReplicatedLog;
use crate::replog_pending::{is_timeout, raise};
use duochain::node::replica::{PolledState, ReplicaError, STATE_BYTES_MAX, copy_of};
use duochain::types::{Index, Status};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Bytes of a state that are read between two looks at pending signals.
const PIECE_BYTES: usize = 4 << 20;

/// Gives the host's state as of all entries up to `index`; the index that the newest snapshot is of then.
#[pyfunction]
pub(crate) fn _log_snapshot(
    py: Python<'_>,
    log: &ReplicatedLog,
    index: i64,
    state: BytesLike<'_, '_>,
    timeout: Option<f64>,
) -> PyResult<u64> {
    log.gate.enter(py, || {
        let index = Index::new(position(py, "index", index)?);
        let limit = self::timeout(py, timeout)?;
        let len = state.as_slice(py).len();
        if len > STATE_BYTES_MAX {
            let message = format!("the state is {len} bytes long, the maximum is {STATE_BYTES_MAX}");
            return Err(fault(py, Status::TooLarge, message));
        }
        let log = &log.inner;
        let giving = match &state {
            BytesLike::Bytes(bytes) => {
                let bytes = bytes.as_bytes();
                py.detach(|| log.give_snapshot_by(index, || copy_of(bytes)))
            }
            // Others could write to it without the interpreter lock: nothing else runs while it is copied.
            BytesLike::Buffer(buffer) => py.detach(|| {
                log.give_snapshot_by(index, || Python::attach(|py| copy_of(contents(py, buffer))))
            }),
        };
        let giving = giving.map_err(|error| raise(py, &error))?;
        match wait(py, limit, |slice| giving.wait(slice), is_timeout)? {
            Ok(newest) => Ok(newest.get()),
            Err(ReplicaError::Timeout) => {
                Err(fault(py, Status::Timeout, "the snapshot is being written still"))
            }
            Err(error) => Err(raise(py, &error)),
        }
    })
}

/// The newest snapshot: the last entry in it, and the state; `None` where there is none.
#[pyfunction]
pub(crate) fn _log_state<'py>(
    py: Python<'py>,
    log: &ReplicatedLog,
) -> PyResult<Option<(u64, Bound<'py, PyBytes>)>> {
    log.gate.enter_closed(py, || {
        let opened = py.detach(|| log.inner.open_snapshot()).map_err(|error| raise(py, &error))?;
        let Some(mut opened) = opened else { return Ok(None) };
        let bytes = usize::try_from(opened.bytes())
            .map_err(|_| invalid(py, format!("a state of {} bytes", opened.bytes())))?;
        let index = opened.index().get();
        let state = PyBytes::new_with(py, bytes, |to| fill(py, &mut opened, to))?;
        Ok(Some((index, state)))
    })
}

/// Nobody else knows of these bytes yet.
fn fill(py: Python<'_>, opened: &mut PolledState, to: &mut [u8]) -> PyResult<()> {
    let mut done = 0;
    while done < to.len() {
        py.check_signals()?;
        let end = to.len().min(done + PIECE_BYTES);
        let read = py.detach(|| opened.read_at(done as u64, &mut to[done..end]));
        done += read.map_err(|error| raise(py, &error))?;
    }
    Ok(())
}
