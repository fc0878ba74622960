//! `duo_replog`: snapshots of the host's state, given and taken.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, Out, OutArray, out, out_array};
use super::boundary::on;
use super::failure::Failure;
use super::replog::{ReplogObject, duo_replog};
use super::replog_pending::Request;
use super::status::duo_status;
use crate::node::replica::{Giving, PolledState, ReplicaError, STATE_BYTES_MAX, copy_of};
use crate::types::{Index, Status};
use parking_lot::Mutex;
use std::ffi::c_void;

/// Largest state that `duo_replog_snapshot` takes, in bytes.
pub const DUO_REPLOG_SNAPSHOT_BYTES_MAX: usize = 1_073_741_824;

const _: () = assert!(DUO_REPLOG_SNAPSHOT_BYTES_MAX == STATE_BYTES_MAX);

/// Bytes that are copied at a time.
const PIECE_BYTES: usize = 256 << 10;
/// Bytes that one call copies at most, since others wait for it.
const CALL_BYTES_MAX: usize = 4 << 20;

/// A snapshot of a host's state.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_snapshot_t {
    /// The last entry in it: ask next for what is behind this.
    pub index: u64,
    /// Length of the state in bytes.
    pub bytes: u64,
}

/// The state that is being read.
#[derive(Default)]
pub(super) struct Opened(Mutex<Option<PolledState>>);

/// Gives the host's state as of all entries up to `index`, one that was read, and none behind it: `len` bytes, which are
/// copied. Returns once the snapshot is on disk; from then on the log may be cut before it, so that a host that does this
/// from time to time has a log that does not grow for ever: it reaches back to the snapshot before the newest, and at
/// least `tail_entries` of the options before the newest. A new node, and one that is far behind, is sent the snapshot
/// instead of the log: all nodes of a cluster should do the same. Nothing is written where the newest snapshot stands
/// for as much of the log already.
///
/// `DUO_TIMEOUT`: it is being written still. `DUO_AGAIN`: one is being written, and another waits.
/// `DUO_ERR_INVALID_ARGUMENT` when the entry at `index` cannot be read here yet; `DUO_ERR_TOO_LARGE` above
/// `DUO_REPLOG_SNAPSHOT_BYTES_MAX`, for which there is `duo_replog_snapshot_begin`; `DUO_ERR_NO_MEMORY` when there is none
/// for the copy. Nothing ends, and the log is not cut, after `DUO_ERR_IO` when the disk takes no more,
/// `DUO_ERR_PERMISSION` when it is read-only, `DUO_ERR_CORRUPTION` when what the snapshot would go on from is damaged,
/// and `DUO_NOT_FOUND` when the log no longer has that: give a state of a later entry then.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_snapshot(
    log: *const duo_replog,
    index: u64,
    state: *const c_void,
    len: usize,
    timeout_ns: i64,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let giving = unsafe { log.give(index, state, len) }?;
        match giving.wait(argument::timeout(timeout_ns)) {
            Ok(_) => Ok(Status::Ok),
            Err(ReplicaError::Timeout) => Ok(Status::Timeout),
            Err(error) => Err(error.into()),
        }
    })
}

/// As `duo_replog_snapshot`, without waiting: `duo_replog_await` gives the answer, with the index that the newest
/// snapshot is of then in that of the receipt. `DUO_AGAIN` also as for `duo_replog_submit`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_submit_snapshot(
    log: *const duo_replog,
    index: u64,
    state: *const c_void,
    len: usize,
    op: *mut u64,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        log.request(op, || Ok(Request::Snapshot(unsafe { log.give(index, state, len) }?)))
    })
}

/// Copies bytes of a snapshot's state from `offset` on: what a host begins with when `duo_replog_read` gives
/// `DUO_NOT_FOUND`. With `index` 0 it is the newest one; `snapshot` says which, and how long it is. Ask for the rest by
/// its index, until `len`, which gets how many bytes were copied, is 0; there may be fewer than `cap` also before the end.
/// The snapshot stays the same while newer ones come, and the node lets go of it where a read copies nothing: ask from
/// offset `UINT64_MAX` on to give it up. One snapshot of a log is read at a time. With `cap` 0 only `snapshot` is of
/// interest, and nothing is kept for more.
///
/// `DUO_NOT_FOUND` when there is none. `DUO_ERR_CONFLICT` when it is no longer open and another is the newest: begin
/// again, with `index` 0. `DUO_ERR_CORRUPTION` when it is damaged.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_snapshot_read(
    log: *const duo_replog,
    index: u64,
    offset: u64,
    buf: *mut c_void,
    cap: usize,
    len: *mut usize,
    snapshot: *mut duo_replog_snapshot_t,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        let (len, about) = (out(len, "len")?, out(snapshot, "snapshot")?);
        let target = out_array(buf.cast::<u8>(), cap, "buf")?;
        log.read_state((index, offset), target, (len, about))
    })
}

impl ReplogObject {
    /// # Safety
    /// `state` points to `len` readable bytes.
    unsafe fn give(&self, index: u64, state: *const c_void, len: usize) -> Result<Giving, Failure> {
        // SAFETY: passed on.
        let state = unsafe { argument::bytes(state, len, DUO_REPLOG_SNAPSHOT_BYTES_MAX, "the state") }?;
        // The copy is made last: it may be large.
        Ok(self.replica.give_snapshot_by(Index::new(index), || copy_of(state))?)
    }

    fn read_state(
        &self,
        (index, offset): (u64, u64),
        mut target: OutArray<u8>,
        (len, about): (Out<usize>, Out<duo_replog_snapshot_t>),
    ) -> Result<Status, Failure> {
        let mut opened = self.opened.0.lock();
        let newest = self.replica.snapshot_index().get();
        let known = opened.take_if(|state| {
            let found = state.index().get();
            found == index || (index == 0 && found == newest)
        });
        let was_open = known.is_some();
        let found = if was_open { known } else { self.open_state(index)? };
        let Some(mut state) = found else { return Ok(Status::NotFound) };
        let room = target.capacity().min(CALL_BYTES_MAX);
        let mut piece = vec![0; room.min(PIECE_BYTES)];
        while target.filled() < room {
            let end = piece.len().min(room - target.filled());
            let count = state.read_at(offset.saturating_add(target.filled() as u64), &mut piece[..end])?;
            if count == 0 {
                break;
            }
            target.extend(&piece[..count]);
        }
        about.put(duo_replog_snapshot_t { index: state.index().get(), bytes: state.bytes() });
        len.put(target.filled());
        // Whoever is at its end needs the file no longer, which may be gone from its directory.
        if target.filled() > 0 || (room == 0 && was_open) {
            *opened = Some(state);
        }
        Ok(Status::Ok)
    }

    /// The newest state, which has to be the one of that index, or any for 0.
    fn open_state(&self, index: u64) -> Result<Option<PolledState>, Failure> {
        let newest = self.replica.open_snapshot()?;
        match &newest {
            Some(state) if index != 0 && state.index().get() != index => {
                let message = format!("the newest snapshot is to {}", state.index());
                Err(Failure::new(Status::Conflict, message))
            }
            _ => Ok(newest),
        }
    }
}
