//! Natives of `SharedLanes`. Producers in Java need none: they map the segment themselves.

use crate::env::SMALL_BYTES_MAX;
use crate::guard::{Stop, handle, native, success, word};
use crate::wire::{Steps, Wire};
use duochain::ffi::lane::{
    duo_lane, duo_lane_close, duo_lane_counts, duo_lane_counts_t, duo_lane_options, duo_lane_path,
    duo_queue_lane_open,
};
use jni_sys::{jbyteArray, jlong, jobject};
use std::ffi::{CString, c_char};
use std::ptr;

/// Paths are shorter.
const PATH_BYTES_MAX: usize = 4096;

native! {
    /// `long laneOpen(Object owner, long queue, byte[] options)`: cells of a lane, seats, bytes of a part,
    /// path or nothing
    fn Java_io_duochain_Natives_laneOpen(env, _owner: jobject, queue: jlong, options: jbyteArray) -> jlong, 0; {
        let bytes = env.bytes(options, SMALL_BYTES_MAX)?;
        let mut steps = Steps(&bytes);
        let (cells, seats, part) = (steps.u32(), steps.u32(), steps.u32());
        let (Some(cells), Some(seats), Some(part), Some(path)) = (cells, seats, part, steps.blob()) else {
            return Err(Stop::Refused("the options end early".to_owned()));
        };
        let path = (!path.is_empty()).then(|| CString::new(path)).transpose();
        let path = path.map_err(|_| Stop::Refused("the path holds a zero byte".to_owned()))?;
        let options = duo_lane_options {
            struct_size: size_of::<duo_lane_options>() as u32,
            flags: 0,
            path: path.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
            lane_cells: cells as usize,
            seats: seats as usize,
            part_bytes: part as usize,
        };
        let mut lane = ptr::null_mut();
        // SAFETY: any number is accepted; the options state their size and the path is readable.
        success(unsafe { duo_queue_lane_open(handle(queue), &options, &mut lane) })?;
        Ok(word(lane))
    }

    /// `void laneClose(long lane)`
    fn Java_io_duochain_Natives_laneClose(_env, lane: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_lane_close(handle(lane)) })
    }

    /// `byte[] lanePath(Object owner, long lane)`
    fn Java_io_duochain_Natives_lanePath(env, _owner: jobject, lane: jlong) -> jbyteArray, ptr::null_mut(); {
        let lane: *mut duo_lane = handle(lane);
        let (mut path, mut length) = ([0_u8; PATH_BYTES_MAX], 0);
        let first = path.as_mut_ptr().cast::<c_char>();
        // SAFETY: any number is accepted; the array is writable.
        success(unsafe { duo_lane_path(lane, first, path.len(), &mut length) })?;
        Ok(env.byte_array(&path[..length])?)
    }

    /// `byte[] laneCounts(Object owner, long lane)`
    fn Java_io_duochain_Natives_laneCounts(env, _owner: jobject, lane: jlong) -> jbyteArray, ptr::null_mut(); {
        let mut counts = duo_lane_counts_t {
            struct_size: size_of::<duo_lane_counts_t>() as u32,
            flags: 0,
            accepted: 0,
            bytes: 0,
            corrupt: 0,
            gaps: 0,
            tails: 0,
            seats: 0,
            seats_taken: 0,
            seats_recovered: 0,
        };
        // SAFETY: any number is accepted; the record states its size.
        success(unsafe { duo_lane_counts(handle(lane), &mut counts) })?;
        let mut wire = Wire::default();
        wire.u64(counts.accepted).u64(counts.bytes).u64(counts.corrupt).u64(counts.gaps).u64(counts.tails);
        wire.u64(counts.seats).u64(counts.seats_taken).u64(counts.seats_recovered);
        Ok(env.byte_array(wire.as_bytes())?)
    }
}
