//! Natives of `ReplicatedLog` for snapshots of a host's state.

use crate::guard::{handle, native, number, outcome, success};
use crate::queue::memory;
use duochain::ffi::replog_pieces::{
    duo_replog_snapshot_begin, duo_replog_snapshot_end, duo_replog_snapshot_write,
};
use duochain::ffi::replog_snapshot::{
    duo_replog_snapshot_read, duo_replog_snapshot_t, duo_replog_submit_snapshot,
};
use duochain::ffi::status::duo_status;
use jni_sys::{jlong, jlongArray, jobject};
use std::ptr;

/// A length from Java; a negative one becomes too large.
fn length(value: jlong) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

native! {
    /// `long replogSubmitSnapshot(Object owner, long log, long index, Object memory, long data, long length)`: the index
    /// that the newest one is of then comes by `replogAwait`
    fn Java_io_duochain_Natives_replogSubmitSnapshot(
        _env, _owner: jobject, log: jlong, index: jlong, _memory: jobject, data: jlong, bytes: jlong
    ) -> jlong, 0; {
        let mut op = 0;
        // SAFETY: any number is accepted; Java keeps `memory` alive with its bytes, and the place is writable.
        let status = unsafe {
            let state: *const u8 = memory(data);
            duo_replog_submit_snapshot(handle(log), index.cast_unsigned(), state.cast(), length(bytes), &mut op)
        };
        number(status, op)
    }

    /// `long replogSnapshotBegin(Object owner, long log, long index)`: as above
    fn Java_io_duochain_Natives_replogSnapshotBegin(
        _env, _owner: jobject, log: jlong, index: jlong
    ) -> jlong, 0; {
        let mut op = 0;
        // SAFETY: any number is accepted, and the place is writable.
        let status = unsafe { duo_replog_snapshot_begin(handle(log), index.cast_unsigned(), &mut op) };
        number(status, op)
    }

    /// `long replogSnapshotWrite(Object owner, long log, long op, Object memory, long data, long length, long timeoutNanos)`:
    /// 0, or a refusal
    fn Java_io_duochain_Natives_replogSnapshotWrite(
        _env, _owner: jobject, log: jlong, op: jlong, _memory: jobject, data: jlong, bytes: jlong, timeout: jlong
    ) -> jlong, 0; {
        // SAFETY: any number is accepted; Java keeps `memory` alive with its bytes.
        let status = unsafe {
            let piece: *const u8 = memory(data);
            duo_replog_snapshot_write(handle(log), op.cast_unsigned(), piece.cast(), length(bytes), timeout)
        };
        number(status, 0)
    }

    /// `void replogSnapshotEnd(Object owner, long log, long op)`
    fn Java_io_duochain_Natives_replogSnapshotEnd(_env, _owner: jobject, log: jlong, op: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_replog_snapshot_end(handle(log), op.cast_unsigned()) })
    }

    /// `long[] replogSnapshotRead(Object owner, long log, long index, long offset, Object memory, long data, long room)`:
    /// how many bytes came, the snapshot's index and its length; one 0 when another one is read now; `null` when there is
    /// none
    fn Java_io_duochain_Natives_replogSnapshotRead(
        env, _owner: jobject, log: jlong, index: jlong, offset: jlong, _memory: jobject, data: jlong, room: jlong
    ) -> jlongArray, ptr::null_mut(); {
        let (mut len, mut snapshot) = (0, duo_replog_snapshot_t { index: 0, bytes: 0 });
        // SAFETY: any number is accepted; Java keeps `memory` alive with its bytes, and the places are writable.
        let status = unsafe {
            let (index, offset) = (index.cast_unsigned(), offset.cast_unsigned());
            duo_replog_snapshot_read(
                handle(log), index, offset, memory(data), length(room), &mut len, &mut snapshot)
        };
        if status == duo_status::DUO_ERR_CONFLICT {
            return Ok(env.long_array(&[0])?);
        }
        match outcome(status)? {
            duo_status::DUO_NOT_FOUND => Ok(ptr::null_mut()),
            status => {
                success(status)?;
                let numbers = [len as u64, snapshot.index, snapshot.bytes];
                Ok(env.long_array(&numbers.map(u64::cast_signed))?)
            }
        }
    }
}
