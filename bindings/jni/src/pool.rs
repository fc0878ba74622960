//! Natives of `Pool`.

use crate::guard::{Stop, handle, native, success, word};
use crate::report;
use crate::wire::Wire;
use duochain::ffi::pool::{
    duo_buf, duo_pool_acquire, duo_pool_class, duo_pool_create, duo_pool_destroy, duo_pool_options,
    duo_pool_release, duo_pool_stats, duo_pool_stats_t,
};
use jni_sys::{jbyteArray, jint, jlong, jlongArray, jobject};
use std::ptr;

/// A count from Java; a negative one becomes too large.
fn size(value: jlong) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

pub(crate) fn empty_stats() -> duo_pool_stats_t {
    duo_pool_stats_t { struct_size: size_of::<duo_pool_stats_t>() as u32, ..Default::default() }
}

native! {
    /// `long poolCreate(long[] classes)`: pairs of buffer size and count
    fn Java_io_duochain_Natives_poolCreate(env, classes: jlongArray) -> jlong, 0; {
        let numbers = env.longs(classes)?;
        let class = |pair: &[jlong; 2]| duo_pool_class { buffer_bytes: size(pair[0]), count_max: size(pair[1]) };
        let classes: Vec<_> = numbers.as_chunks::<2>().0.iter().map(class).collect();
        // No single allocations: their memory goes away at the release, while views of it may be left.
        let options = duo_pool_options {
            struct_size: size_of::<duo_pool_options>() as u32,
            flags: 0,
            classes: classes.as_ptr(),
            class_count: classes.len(),
            overflow_buffer_bytes_max: 0,
            overflow_total_bytes_max: 0,
        };
        let mut pool = ptr::null_mut();
        // SAFETY: the options state their size and the classes are readable.
        success(unsafe { duo_pool_create(&options, &mut pool) })?;
        Ok(word(pool))
    }

    /// `void poolDestroy(long pool)`
    fn Java_io_duochain_Natives_poolDestroy(_env, pool: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_pool_destroy(handle(pool)) })
    }

    /// `void poolAcquire(Object owner, long pool, int length, long[] out)`
    fn Java_io_duochain_Natives_poolAcquire(env, _owner: jobject, pool: jlong, length: jint, out: jlongArray) -> (), (); {
        let mut buffer = duo_buf { data: ptr::null_mut(), len: 0, cap: 0, handle: 0 };
        // SAFETY: any number is accepted, `buffer` is writable.
        success(unsafe { duo_pool_acquire(handle(pool), size(jlong::from(length)), &mut buffer) })?;
        let capacity = jlong::try_from(buffer.cap).map_err(|error| Stop::Refused(error.to_string()))?;
        env.put_longs(out, &[buffer.data.expose_provenance() as jlong, capacity, buffer.handle.cast_signed()]);
        Ok(())
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
