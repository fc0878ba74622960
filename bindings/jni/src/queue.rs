//! Natives of `TxQueue`.

use crate::env::SMALL_BYTES_MAX;
use crate::guard::{Stop, handle, maybe, native, number, success, unsigned, word};
use crate::pool::empty_stats;
use crate::report;
use crate::wire::{Steps, Wire};
use duochain::ffi::dequeue::{
    duo_item, duo_queue_dequeue, duo_queue_dequeue_batch, duo_queue_dequeue_wait, duo_queue_lane_stats,
    duo_queue_len, duo_queue_pool_stats,
};
use duochain::ffi::queue::{
    duo_queue, duo_queue_close, duo_queue_create, duo_queue_destroy, duo_queue_enqueue,
    duo_queue_enqueue_flat, duo_queue_enqueue_wait, duo_queue_options,
};
use duochain::ffi::status::duo_status;
use duochain::types::TRANSACTION_BYTES_CEILING;
use jni_sys::{jbyteArray, jint, jlong, jobject};
use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr;

/// First room for a transaction that is taken out; larger ones come in a second call.
const ROOM_BYTES: usize = 1 << 16;

/// Calls `take` with more and more room, until the next transaction fits.
fn growing(first: usize, mut take: impl FnMut(&mut Vec<u8>) -> duo_status) -> (duo_status, Vec<u8>) {
    let mut room = Vec::with_capacity(first);
    loop {
        let status = take(&mut room);
        if status != duo_status::DUO_ERR_TOO_LARGE || room.capacity() >= TRANSACTION_BYTES_CEILING {
            return (status, room);
        }
        let more = (room.capacity() * 8).min(TRANSACTION_BYTES_CEILING);
        room = Vec::with_capacity(more);
    }
}

// `ItemBatch.java` reads items as they lie in memory.
const _: () = assert!(
    offset_of!(duo_item, offset) == 0
        && offset_of!(duo_item, len) == 8
        && offset_of!(duo_item, tag) == 16
        && offset_of!(duo_item, sequence) == 24
        && offset_of!(duo_item, lane) == 32
        && size_of::<duo_item>() == 40
);

const NO_ITEM: duo_item = duo_item { offset: 0, len: 0, tag: 0, sequence: 0, lane: 0, reserved: 0 };

/// Address of memory that the Java side keeps alive for the length of the call.
pub(crate) fn memory<T>(address: jlong) -> *mut T {
    std::ptr::with_exposed_provenance_mut(address as usize)
}

/// A length from Java; a negative one becomes too large.
pub(crate) fn length(value: jint) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

native! {
    /// `long queueCreate(byte[] options)`: consumers, ageing, largest transaction,
    /// most of a run, cells of each lane
    fn Java_io_duochain_Natives_queueCreate(env, options: jbyteArray) -> jlong, 0; {
        let bytes = env.bytes(options, SMALL_BYTES_MAX)?;
        let mut steps = Steps(&bytes);
        let mut next = || steps.u32();
        let (Some(consumers), Some(ageing), Some(largest), Some(run_max)) = (next(), next(), next(), next())
        else {
            return Err(Stop::Refused("the options end early".to_owned()));
        };
        let lanes: Vec<usize> = std::iter::from_fn(next).map(|cells| cells as usize).collect();
        let options = duo_queue_options {
            struct_size: size_of::<duo_queue_options>() as u32,
            flags: 0,
            lane_cells: lanes.as_ptr(),
            lane_count: lanes.len(),
            consumers,
            ageing,
            transaction_bytes_max: largest as usize,
            pool: ptr::null(),
            run_max: run_max as usize,
        };
        let mut queue = ptr::null_mut();
        // SAFETY: the options state their size and the lanes are readable.
        success(unsafe { duo_queue_create(&options, &mut queue) })?;
        Ok(word(queue))
    }

    /// `void queueClose(Object owner, long queue)`
    fn Java_io_duochain_Natives_queueClose(_env, _owner: jobject, queue: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_queue_close(handle(queue)) })
    }

    /// `void queueDestroy(long queue)`
    fn Java_io_duochain_Natives_queueDestroy(_env, queue: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_queue_destroy(handle(queue)) })
    }

    /// `long queueEnqueue(Object owner, long queue, int lane, byte[] tx, int offset, int length)`
    fn Java_io_duochain_Natives_queueEnqueue(
        env, _owner: jobject, queue: jlong, lane: jint, tx: jbyteArray, offset: jint, length: jint
    ) -> jlong, 0; {
        env.with_bytes(tx, offset, length, |bytes, len| {
            // SAFETY: any number is accepted, the bytes are readable.
            number(unsafe { duo_queue_enqueue(handle(queue), unsigned(lane), bytes, len, 0) }, 0)
        })
    }

    /// `long queueEnqueueWait(Object owner, long queue, int lane, byte[] tx, int offset, int length, long timeoutNanos)`
    fn Java_io_duochain_Natives_queueEnqueueWait(
        env, _owner: jobject, queue: jlong, lane: jint, tx: jbyteArray, offset: jint, length: jint, timeout: jlong
    ) -> jlong, 0; {
        env.with_bytes(tx, offset, length, |bytes, len| {
            // SAFETY: any number is accepted, the bytes are readable.
            number(unsafe { duo_queue_enqueue_wait(handle(queue), unsigned(lane), bytes, len, 0, timeout) }, 0)
        })
    }

    /// `long queueEnqueueDirect(Object owner, long queue, int lane, Object memory, long address, int length)`
    fn Java_io_duochain_Natives_queueEnqueueDirect(
        _env, _owner: jobject, queue: jlong, lane: jint, _memory: jobject, address: jlong, len: jint
    ) -> jlong, 0; {
        let bytes: *const c_void = memory(address);
        // SAFETY: any number is accepted; Java keeps `memory` alive, and the bytes lie inside of it.
        number(unsafe { duo_queue_enqueue(handle(queue), unsigned(lane), bytes, length(len), 0) }, 0)
    }

    /// `long queueEnqueueFlat(Object owner, long queue, int lane, Object memory, long data, long lengths, int count)`
    fn Java_io_duochain_Natives_queueEnqueueFlat(
        _env, _owner: jobject, queue: jlong, lane: jint, _memory: jobject, data: jlong, lengths: jlong, items: jint
    ) -> jlong, 0; {
        let mut done = 0;
        let (bytes, lens): (*mut c_void, *mut u32) = (memory(data), memory(lengths));
        // SAFETY: any number is accepted; Java keeps `memory` alive, which holds lengths and bytes.
        let status = unsafe {
            duo_queue_enqueue_flat(handle(queue), unsigned(lane), bytes, 0, lens, length(items), 0, &mut done)
        };
        number(status, done as u64)
    }

    /// `byte[] queueDequeue(Object owner, long queue, long timeoutNanos)`
    fn Java_io_duochain_Natives_queueDequeue(env, _owner: jobject, queue: jlong, timeout: jlong) -> jbyteArray, ptr::null_mut(); {
        let mut item = NO_ITEM;
        let queue: *mut duo_queue = handle(queue);
        let (status, mut room) = growing(ROOM_BYTES, |room| {
            let (first, capacity) = (room.as_mut_ptr().cast(), room.capacity());
            if timeout == 0 {
                // SAFETY: any number is accepted, and there is as much room as stated.
                unsafe { duo_queue_dequeue(queue, first, capacity, &mut item) }
            } else {
                // SAFETY: as above.
                unsafe { duo_queue_dequeue_wait(queue, first, capacity, timeout, &mut item) }
            }
        });
        if status == duo_status::DUO_OK {
            // SAFETY: the call has written that many bytes to the front.
            unsafe { room.set_len(item.len) };
        }
        maybe(env, status, &room)
    }

    /// `long queueDequeueFlat(Object owner, long queue, Object memory, long items, int max, long data, int bytes)`
    fn Java_io_duochain_Natives_queueDequeueFlat(
        _env, _owner: jobject, queue: jlong, _memory: jobject, items: jlong, max: jint, data: jlong, bytes: jint
    ) -> jlong, 0; {
        let mut taken = 0;
        let (items, room): (*mut duo_item, *mut c_void) = (memory(items), memory(data));
        // SAFETY: any number is accepted; Java keeps `memory` alive, which has room for that many items
        // and bytes.
        let status = unsafe {
            duo_queue_dequeue_batch(handle(queue), room, length(bytes), items, length(max), &mut taken)
        };
        number(status, taken as u64)
    }

    /// `long queueLength(Object owner, long queue)`
    fn Java_io_duochain_Natives_queueLength(_env, _owner: jobject, queue: jlong) -> jlong, 0; {
        let mut length = 0;
        // SAFETY: any number is accepted, `length` is writable.
        success(unsafe { duo_queue_len(handle(queue), &mut length) })?;
        Ok(length.cast_signed())
    }

    /// `byte[] queueStats(Object owner, long queue)`
    fn Java_io_duochain_Natives_queueStats(env, _owner: jobject, queue: jlong) -> jbyteArray, ptr::null_mut(); {
        let mut wire = Wire::default();
        let mut pool = empty_stats();
        // SAFETY: any number is accepted, `pool` states its size.
        success(unsafe { duo_queue_pool_stats(handle(queue), &mut pool) })?;
        report::pool_stats(&mut wire, &pool);
        report::lanes(&mut wire, |lane, stats| {
            // SAFETY: any number is accepted, `stats` states its size.
            unsafe { duo_queue_lane_stats(handle(queue), lane, stats) }
        })?;
        Ok(env.byte_array(wire.as_bytes())?)
    }
}
