//! Natives of `Pool`.

use crate::config::{Config, STEPS_BYTES_MAX, terminated};
use crate::env::{Env, SMALL_BYTES_MAX};
use crate::guard::{Stop, count, filled, handle, native, outcome, success, unsigned, word};
use crate::report::{self, empty};
use crate::wire::Wire;
use duochain::ffi::argument::DUO_BATCH_MAX;
use duochain::ffi::pool::{
    duo_buf, duo_pool_acquire, duo_pool_acquire_batch, duo_pool_create, duo_pool_destroy, duo_pool_release,
    duo_pool_stats, duo_pool_stats_t, duo_pool_trim,
};
use duochain::ffi::pool_options::{DUO_POOL_KEEP_ADDRESSES, duo_pool_class, duo_pool_options};
use duochain::ffi::status::duo_status;
use duochain::ffi::upkeep::{
    duo_pool_acquire_at, duo_pool_class_stats, duo_pool_class_stats_t, duo_pool_create_managed,
    duo_pool_held, duo_pool_maintain, duo_pool_maintenance_t, duo_pool_warm_up,
};
use jni_sys::{jbyteArray, jint, jlong, jlongArray, jobject};
use std::ptr;

const EMPTY: duo_buf = duo_buf { data: ptr::null_mut(), len: 0, cap: 0, handle: 0 };

/// A count from Java; a negative one becomes too large.
fn size(value: jlong) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

pub(crate) fn empty_stats() -> duo_pool_stats_t {
    duo_pool_stats_t { struct_size: size_of::<duo_pool_stats_t>() as u32, ..Default::default() }
}

/// A buffer as Java takes it: address, capacity, handle.
fn numbers_of(buffer: &duo_buf) -> Result<[jlong; 3], Stop> {
    let capacity = jlong::try_from(buffer.cap).map_err(|error| Stop::Refused(error.to_string()))?;
    Ok([buffer.data.expose_provenance() as jlong, capacity, buffer.handle.cast_signed()])
}

fn put_buffer(env: Env, out: jlongArray, buffer: &duo_buf) -> Result<(), Stop> {
    env.put_longs(out, &numbers_of(buffer)?);
    Ok(())
}

/// First room for a report; a longer one comes in a second call.
const HELD_ROOM: usize = 256;
/// Numbers before the classes in what `Pool.Builder` encodes.
const HEAD: usize = 4;

native! {
    /// `long poolCreate(long[] options)`: warm-up, huge pages, leak tracking, nanoseconds of low demand; then
    /// buffer size, count and initial count of each class
    fn Java_io_duochain_Natives_poolCreate(env, options: jlongArray) -> jlong, 0; {
        let numbers = env.longs(options)?;
        let Some((head, rest)) = numbers.split_first_chunk::<HEAD>() else {
            return Err(Stop::Refused("the pool's options end early".to_owned()));
        };
        let rows = rest.as_chunks::<3>().0;
        let class = |row: &[jlong; 3]| duo_pool_class { buffer_bytes: size(row[0]), count_max: size(row[1]) };
        let classes: Vec<_> = rows.iter().map(class).collect();
        let initial: Vec<_> = rows.iter().map(|row| size(row[2])).collect();
        let small = |number: jlong| u32::try_from(number).unwrap_or(u32::MAX);
        // Views may outlive their buffers: no memory may go away under them.
        let options = duo_pool_options {
            struct_size: size_of::<duo_pool_options>() as u32,
            flags: DUO_POOL_KEEP_ADDRESSES,
            classes: classes.as_ptr(),
            class_count: classes.len(),
            overflow_buffer_bytes_max: 0,
            overflow_total_bytes_max: 0,
            initial: initial.as_ptr(),
            shrink_after_ns: head[3],
            warm_up: small(head[0]),
            huge_pages: small(head[1]),
            leak_tracking: small(head[2]),
            reserved: 0,
        };
        let mut pool = ptr::null_mut();
        // SAFETY: the options state their size; classes and initial counts are readable.
        success(unsafe { duo_pool_create(&options, &mut pool) })?;
        Ok(word(pool))
    }

    /// `long poolCreateManaged(byte[] steps, int kind)`
    fn Java_io_duochain_Natives_poolCreateManaged(env, steps: jbyteArray, kind: jint) -> jlong, 0; {
        let config = Config::from_steps(&env.bytes(steps, STEPS_BYTES_MAX)?)?;
        let mut pool = ptr::null_mut();
        // SAFETY: a live configuration, and `pool` is writable.
        success(unsafe {
            duo_pool_create_managed(config.raw(), unsigned(kind), DUO_POOL_KEEP_ADDRESSES, &mut pool)
        })?;
        Ok(word(pool))
    }

    /// `void poolDestroy(long pool)`
    fn Java_io_duochain_Natives_poolDestroy(_env, pool: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_pool_destroy(handle(pool)) })
    }

    /// `void poolAcquire(Object owner, long pool, int length, long[] out)`
    fn Java_io_duochain_Natives_poolAcquire(env, _owner: jobject, pool: jlong, length: jint, out: jlongArray) -> (), (); {
        let mut buffer = EMPTY;
        // SAFETY: any number is accepted, `buffer` is writable.
        success(unsafe { duo_pool_acquire(handle(pool), size(jlong::from(length)), &mut buffer) })?;
        put_buffer(env, out, &buffer)
    }

    /// `void poolAcquireAt(Object owner, long pool, int length, byte[] site, long[] out)`
    fn Java_io_duochain_Natives_poolAcquireAt(
        env, _owner: jobject, pool: jlong, length: jint, site: jbyteArray, out: jlongArray
    ) -> (), (); {
        let site = terminated(&env.bytes(site, SMALL_BYTES_MAX)?)?;
        let mut buffer = EMPTY;
        // SAFETY: any number is accepted, the site is terminated, `buffer` is writable.
        success(unsafe { duo_pool_acquire_at(handle(pool), size(jlong::from(length)), site.as_ptr(), &mut buffer) })?;
        put_buffer(env, out, &buffer)
    }

    /// `int poolAcquireBatch(Object owner, long pool, int length, int count, long[] out)`
    fn Java_io_duochain_Natives_poolAcquireBatch(
        env, _owner: jobject, pool: jlong, length: jint, wanted: jint, out: jlongArray
    ) -> jint, 0; {
        let wanted = count(wanted, DUO_BATCH_MAX);
        let (status, buffers) = filled(wanted, |first, got| {
            // SAFETY: any number is accepted, and there is as much room as stated.
            unsafe { duo_pool_acquire_batch(handle(pool), size(jlong::from(length)), first, wanted, got) }
        });
        outcome(status)?;
        let mut numbers = Vec::with_capacity(buffers.len() * 3);
        for buffer in &buffers {
            numbers.extend_from_slice(&numbers_of(buffer)?);
        }
        env.put_longs(out, &numbers);
        Ok(jint::try_from(buffers.len()).unwrap_or(jint::MAX))
    }

    /// `long poolTrim(Object owner, long pool, int keepFree)`
    fn Java_io_duochain_Natives_poolTrim(_env, _owner: jobject, pool: jlong, keep_free: jint) -> jlong, 0; {
        let mut trimmed = 0;
        // SAFETY: any number is accepted, `trimmed` is writable.
        success(unsafe { duo_pool_trim(handle(pool), size(jlong::from(keep_free)), &mut trimmed) })?;
        Ok(trimmed as jlong)
    }

    /// `long poolWarmUp(Object owner, long pool, int length, int count)`
    fn Java_io_duochain_Natives_poolWarmUp(_env, _owner: jobject, pool: jlong, length: jint, count: jint) -> jlong, 0; {
        let mut committed = 0;
        // SAFETY: any number is accepted, `committed` is writable.
        success(unsafe {
            duo_pool_warm_up(handle(pool), size(jlong::from(length)), size(jlong::from(count)), &mut committed)
        })?;
        Ok(committed.cast_signed())
    }

    /// `long[] poolMaintain(Object owner, long pool, long nowNanos)`: buffers, slabs, bytes
    fn Java_io_duochain_Natives_poolMaintain(env, _owner: jobject, pool: jlong, now: jlong) -> jlongArray, ptr::null_mut(); {
        let mut done = empty!(duo_pool_maintenance_t);
        // SAFETY: any number is accepted, `done` states its size.
        success(unsafe { duo_pool_maintain(handle(pool), now, &mut done) })?;
        let numbers = [done.grown_buffers, done.evicted_slabs, done.evicted_bytes].map(u64::cast_signed);
        Ok(env.long_array(&numbers)?)
    }

    /// `byte[] poolClassStats(Object owner, long pool)`: of every class
    fn Java_io_duochain_Natives_poolClassStats(env, _owner: jobject, pool: jlong) -> jbyteArray, ptr::null_mut(); {
        let mut wire = Wire::default();
        for class in 0.. {
            let mut stats = empty!(duo_pool_class_stats_t);
            // SAFETY: any number is accepted, `stats` states its size.
            let status = unsafe { duo_pool_class_stats(handle(pool), class, &mut stats) };
            if outcome(status)? == duo_status::DUO_NOT_FOUND {
                break;
            }
            wire.u64(stats.buffer_bytes).u64(stats.count_max).u64(stats.initial);
            wire.u64(stats.in_use).u64(stats.in_use_high).u64(stats.free_buffers).u64(stats.resident_buffers);
            wire.u64(stats.slabs).u64(stats.reserved_bytes);
            wire.u64(stats.acquired).u64(stats.released).u64(stats.evictions);
        }
        Ok(env.byte_array(wire.as_bytes())?)
    }

    /// `byte[] poolHeld(Object owner, long pool, long olderThanNanos, int max)`
    fn Java_io_duochain_Natives_poolHeld(
        env, _owner: jobject, pool: jlong, older_than: jlong, max: jint
    ) -> jbyteArray, ptr::null_mut(); {
        let max = count(max, DUO_BATCH_MAX);
        let mut room = HELD_ROOM.min(max);
        let held = loop {
            let (status, held) = filled(room, |first, got| {
                // SAFETY: any number is accepted, and there is as much room as stated.
                unsafe { duo_pool_held(handle(pool), older_than, first, room, got) }
            });
            if outcome(status)? == duo_status::DUO_OK || room == max {
                break held;
            }
            room = (room * 8).min(max);
        };
        let mut wire = Wire::default();
        for held in &held {
            wire.u64(held.handle).u64(held.len).i64(held.age_ns).fixed(&held.site);
        }
        Ok(env.byte_array(wire.as_bytes())?)
    }

    /// `void poolRelease(Object owner, long pool, long buffer)`
    fn Java_io_duochain_Natives_poolRelease(_env, _owner: jobject, pool: jlong, buffer: jlong) -> (), (); {
        let buffer = duo_buf { data: ptr::null_mut(), len: 0, cap: 0, handle: buffer.cast_unsigned() };
        // SAFETY: any number is accepted, only the buffer's handle is looked at.
        success(unsafe { duo_pool_release(handle(pool), &buffer) })
    }

    /// `byte[] poolStats(Object owner, long pool)`
    fn Java_io_duochain_Natives_poolStats(env, _owner: jobject, pool: jlong) -> jbyteArray, ptr::null_mut(); {
        let mut stats = empty_stats();
        // SAFETY: any number is accepted, `stats` states its size.
        success(unsafe { duo_pool_stats(handle(pool), &mut stats) })?;
        let mut wire = Wire::default();
        report::pool_stats(&mut wire, &stats);
        Ok(env.byte_array(wire.as_bytes())?)
    }
}
