//! `_native._log_snapshot`, `_log_state` and `_log_state_into`: snapshots of a host's state, given and taken.

use crate::arguments::{invalid, position, timeout};
use crate::boundary::wait;
use crate::bytes::{BytesLike, contents};
use crate::fault::fault;
use crate::replog::ReplicatedLog;
use crate::replog_pending::{is_timeout, raise};
use duochain::env::{Clock, SystemClock};
use duochain::node::replica::{PolledState, ReplicaError, STATE_BYTES_MAX, StateWriter, copy_of};
use duochain::types::{Index, Status, Tick};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyString};
use std::borrow::Cow;
use std::time::Duration;

/// Bytes of a state that are read, or handed over, between two looks at pending signals.
const PIECE_BYTES: usize = 4 << 20;

/// A time that several waits share.
struct Limit {
    clock: SystemClock,
    span: Option<Duration>,
}

impl Limit {
    fn left(&self) -> Option<Duration> {
        self.span.map(|span| span.saturating_sub(self.clock.now().since(Tick::ZERO)))
    }
}

/// Gives the host's state as of all entries up to `index`, in one piece or in those of an iterable; the index that the
/// newest snapshot is of then.
#[pyfunction]
pub(crate) fn _log_snapshot(
    py: Python<'_>,
    log: &ReplicatedLog,
    index: i64,
    state: &Bound<'_, PyAny>,
    timeout: Option<f64>,
) -> PyResult<u64> {
    log.gate.enter(py, || {
        let index = Index::new(position(py, "index", index)?);
        let limit = Limit { clock: SystemClock::new(), span: self::timeout(py, timeout)? };
        let told = match state.extract::<BytesLike<'_, '_>>() {
            Ok(whole) => give(py, log, index, &whole, &limit)?,
            Err(error) => write_all(py, log, index, &pieces(state, error)?, &limit)?,
        };
        match told {
            Ok(newest) => Ok(newest.get()),
            Err(ReplicaError::Timeout) => {
                Err(fault(py, Status::Timeout, "the snapshot is being written still"))
            }
            Err(error) => Err(raise(py, &error)),
        }
    })
}

/// What a wait for the answer came to.
type Told = Result<Index, ReplicaError>;

fn give(
    py: Python<'_>,
    log: &ReplicatedLog,
    index: Index,
    state: &BytesLike<'_, '_>,
    limit: &Limit,
) -> PyResult<Told> {
    let len = state.as_slice(py).len();
    if len > STATE_BYTES_MAX {
        let message = format!("the state is {len} bytes long, the maximum is {STATE_BYTES_MAX}");
        return Err(fault(py, Status::TooLarge, message));
    }
    let log = &log.inner;
    let giving = match state {
        BytesLike::Bytes(bytes) => {
            let bytes = bytes.as_bytes();
            py.detach(|| log.give_snapshot_by(index, || copy_of(bytes)))
        }
        // Others could write to it without the interpreter lock: nothing else runs while it is copied.
        BytesLike::Buffer(buffer) => {
            py.detach(|| log.give_snapshot_by(index, || Python::attach(|py| copy_of(contents(py, buffer)))))
        }
    };
    let giving = giving.map_err(|error| raise(py, &error))?;
    wait(py, limit.left(), |slice| giving.wait(slice), is_timeout)
}

/// The pieces of a state that is not bytes-like, as `error` says.
fn pieces<'py>(state: &Bound<'py, PyAny>, error: PyErr) -> PyResult<Bound<'py, PyIterator>> {
    // Text is no state in pieces either, and a buffer is none in numbers.
    if !error.is_instance_of::<PyTypeError>(state.py()) || state.is_instance_of::<PyString>() {
        return Err(error);
    }
    state.try_iter().map_err(|_| error)
}

/// What raises, or is late, on its way has the state given up.
fn write_all(
    py: Python<'_>,
    log: &ReplicatedLog,
    index: Index,
    pieces: &Bound<'_, PyIterator>,
    limit: &Limit,
) -> PyResult<Told> {
    let writer = py.detach(|| log.inner.begin_snapshot(index)).map_err(|error| raise(py, &error))?;
    let told = write_pieces(py, &writer, pieces, limit);
    // It takes a lock to give it up.
    py.detach(|| drop(writer));
    told
}

fn write_pieces(
    py: Python<'_>,
    writer: &StateWriter,
    pieces: &Bound<'_, PyIterator>,
    limit: &Limit,
) -> PyResult<Told> {
    for piece in pieces {
        let piece = piece?;
        let piece: BytesLike<'_, '_> = piece.extract()?;
        let mut at = 0;
        while let Some(part) = part(py, &piece, at)? {
            let written = wait(py, limit.left(), |slice| writer.write(&part, slice), is_timeout)?;
            match written {
                Ok(()) => at += part.len(),
                Err(ReplicaError::Timeout) => {
                    return Err(fault(py, Status::Timeout, "given up: the state was not taken in time"));
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }
    writer.finish();
    wait(py, limit.left(), |slice| writer.wait(slice), is_timeout)
}

/// Bytes of a piece from `at` on that may be read without the interpreter lock; `None` at its end.
fn part<'s>(py: Python<'s>, piece: &'s BytesLike<'_, '_>, at: usize) -> PyResult<Option<Cow<'s, [u8]>>> {
    let rest = piece.as_slice(py).get(at..).unwrap_or_default();
    let part = &rest[..rest.len().min(PIECE_BYTES)];
    Ok(match piece {
        _ if part.is_empty() => None,
        BytesLike::Bytes(_) => Some(Cow::Borrowed(part)),
        // Others could write to it.
        BytesLike::Buffer(_) => {
            let mut copy = Vec::new();
            copy.try_reserve_exact(part.len())
                .map_err(|_| fault(py, Status::NoMemory, "there is no memory for a copy of a piece"))?;
            copy.extend_from_slice(part);
            Some(Cow::Owned(copy))
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

/// The state in the newest snapshot, given to `write` in pieces; the last entry in it, `None` where there is none.
#[pyfunction]
pub(crate) fn _log_state_into(
    py: Python<'_>,
    log: &ReplicatedLog,
    write: &Bound<'_, PyAny>,
) -> PyResult<Option<u64>> {
    log.gate.enter_closed(py, || {
        let opened = py.detach(|| log.inner.open_snapshot()).map_err(|error| raise(py, &error))?;
        let Some(mut opened) = opened else { return Ok(None) };
        let mut done = 0;
        while done < opened.bytes() {
            let left = usize::try_from(opened.bytes() - done).unwrap_or(usize::MAX);
            let piece = PyBytes::new_with(py, left.min(PIECE_BYTES), |to| {
                let read = py.detach(|| opened.read_at(done, to));
                done += read.map_err(|error| raise(py, &error))? as u64;
                Ok(())
            })?;
            write.call1((piece,))?;
            py.check_signals()?;
        }
        Ok(Some(opened.index().get()))
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
