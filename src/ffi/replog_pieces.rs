//! `duo_replog`: states that are handed over piece by piece.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument;
use super::boundary::on;
use super::replog::{ReplogObject, duo_replog};
use super::replog_pending::Request;
use super::status::duo_status;
use crate::node::replica::ReplicaError;
use crate::types::{Index, Status};
use std::ffi::c_void;

/// Most bytes of a piece of a state.
pub const DUO_REPLOG_PIECE_BYTES_MAX: usize = 16_777_216;

/// As `duo_replog_submit_snapshot` for a state of any length, which `duo_replog_snapshot_write` hands over piece by piece
/// under the name of `op`. `duo_replog_snapshot_end` says that it is whole, and `duo_replog_await` gives the answer then;
/// `duo_replog_forget` before that gives it up, and nothing of it stays. Other snapshots of this log wait until it is
/// written or given up: whoever cannot go on with it forgets it.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_snapshot_begin(
    log: *const duo_replog,
    index: u64,
    op: *mut u64,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        log.request(op, || Ok(Request::State(log.replica.begin_snapshot(Index::new(index))?)))
    })
}

/// Hands over the next `len` bytes of the state, up to `DUO_REPLOG_PIECE_BYTES_MAX`, which are copied; waits up to
/// `timeout_ns` for room. Nothing of them was taken after `DUO_TIMEOUT`, when there was none, `DUO_ERR_NO_MEMORY`,
/// `DUO_ERR_TOO_LARGE` and `DUO_ERR_INVALID_ARGUMENT`, as behind the end of a state. After anything else but `DUO_OK` there
/// will be no snapshot, as `duo_replog_await` says too. One thread at a time hands over a state; another one may forget it.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_snapshot_write(
    log: *const duo_replog,
    op: u64,
    piece: *const c_void,
    len: usize,
    timeout_ns: i64,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let piece = unsafe { argument::bytes(piece, len, DUO_REPLOG_PIECE_BYTES_MAX, "the piece") }?;
        match log.pending.find(op)?.state(op)?.write(piece, argument::timeout(timeout_ns)) {
            Ok(()) => Ok(Status::Ok),
            Err(ReplicaError::Timeout) => Ok(Status::Timeout),
            Err(error) => Err(error.into()),
        }
    })
}

/// The state that is handed over under the name of `op` is whole: nothing can be written behind that.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_snapshot_end(log: *const duo_replog, op: u64) -> duo_status {
    on(log, |log: &ReplogObject| {
        log.pending.find(op)?.state(op)?.finish();
        Ok(Status::Ok)
    })
}
