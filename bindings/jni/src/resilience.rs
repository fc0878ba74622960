//! Natives of the policies: `CircuitBreaker`, `RateLimiter`, `Bulkhead`, `RetryPolicy`, `Resilience`.

use crate::env::SMALL_BYTES_MAX;
use crate::guard::{Stop, handle, native, outcome, success, unsigned, word};
use duochain::ffi::breaker::{
    duo_breaker_ask, duo_breaker_create, duo_breaker_destroy, duo_breaker_options, duo_breaker_report,
    duo_breaker_reset, duo_breaker_restore, duo_breaker_save, duo_breaker_stats, duo_breaker_stats_t,
    duo_breaker_trip,
};
use duochain::ffi::bulkhead::{
    duo_bulkhead_acquire, duo_bulkhead_await, duo_bulkhead_create, duo_bulkhead_destroy, duo_bulkhead_leave,
    duo_bulkhead_line_up, duo_bulkhead_options, duo_bulkhead_release, duo_bulkhead_stats,
    duo_bulkhead_stats_t,
};
use duochain::ffi::limiter::{
    duo_limiter_acquire, duo_limiter_create, duo_limiter_destroy, duo_limiter_options, duo_limiter_ready_in,
    duo_limiter_stats, duo_limiter_stats_t,
};
use duochain::ffi::retry::{
    DUO_RETRY_NO_JITTER, duo_retry_after, duo_retry_create, duo_retry_destroy, duo_retry_options,
    duo_retry_stats, duo_retry_stats_t,
};
use duochain::ffi::status::duo_status;
use jni_sys::{jboolean, jbyteArray, jint, jlong, jlongArray, jobject};
use std::ffi::c_void;
use std::ptr;

/// Bytes of a saved breaker, and room to spare.
const SAVED_BYTES: usize = 64;

/// The settings of one object, or a refusal.
fn settings<const N: usize>(values: &[jlong]) -> Result<[u64; N], Stop> {
    let words: [jlong; N] =
        values.try_into().map_err(|_| Stop::Refused(format!("{N} settings are needed")))?;
    Ok(words.map(jlong::cast_unsigned))
}

/// One that does not fit becomes one that the C layer refuses by name.
fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

const fn size<T>() -> u32 {
    size_of::<T>() as u32
}

fn longs<const N: usize>(values: [u64; N]) -> [jlong; N] {
    values.map(u64::cast_signed)
}

native! {
    /// `long breakerCreate(long[] settings)`
    fn Java_io_duochain_Natives_breakerCreate(env, values: jlongArray) -> jlong, 0; {
        let [window, timeout, requests, threshold, probes, successes, floor, recovery] =
            settings(&env.longs(values)?)?;
        let options = duo_breaker_options {
            struct_size: size::<duo_breaker_options>(),
            flags: 0,
            window_ns: window,
            timeout_ns: timeout,
            min_requests: small(requests),
            threshold_per_mille: small(threshold),
            probes_max: small(probes),
            successes_to_close: small(successes),
            floor_per_mille: small(floor),
            reserved: 0,
            recovery_ns: recovery,
        };
        let mut breaker = ptr::null_mut();
        // SAFETY: the options state their size.
        success(unsafe { duo_breaker_create(&options, &mut breaker) })?;
        Ok(word(breaker))
    }

    /// `void breakerDestroy(long breaker)`
    fn Java_io_duochain_Natives_breakerDestroy(_env, breaker: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_breaker_destroy(handle(breaker)) })
    }

    /// `long breakerAsk(Object owner, long breaker)`: a ticket, or -1 when the circuit is open
    fn Java_io_duochain_Natives_breakerAsk(_env, _owner: jobject, breaker: jlong) -> jlong, 0; {
        let mut ticket = 0;
        // SAFETY: any number is accepted.
        match unsafe { duo_breaker_ask(handle(breaker), &mut ticket) } {
            duo_status::DUO_ERR_BUSY => Ok(-1),
            status => success(status).map(|()| ticket.cast_signed()),
        }
    }

    /// `void breakerReport(Object owner, long breaker, long ticket, int outcome)`
    fn Java_io_duochain_Natives_breakerReport(
        _env, _owner: jobject, breaker: jlong, ticket: jlong, outcome: jint
    ) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_breaker_report(handle(breaker), ticket.cast_unsigned(), unsigned(outcome)) })
    }

    /// `void breakerTrip(Object owner, long breaker)`
    fn Java_io_duochain_Natives_breakerTrip(_env, _owner: jobject, breaker: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_breaker_trip(handle(breaker)) })
    }

    /// `void breakerReset(Object owner, long breaker)`
    fn Java_io_duochain_Natives_breakerReset(_env, _owner: jobject, breaker: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_breaker_reset(handle(breaker)) })
    }

    /// `long[] breakerStats(Object owner, long breaker)`
    fn Java_io_duochain_Natives_breakerStats(
        env, _owner: jobject, breaker: jlong
    ) -> jlongArray, ptr::null_mut(); {
        let mut stats =
            duo_breaker_stats_t { struct_size: size::<duo_breaker_stats_t>(), ..Default::default() };
        // SAFETY: any number is accepted; the struct states its size.
        success(unsafe { duo_breaker_stats(handle(breaker), &mut stats) })?;
        let (state, threshold) = (u64::from(stats.state), u64::from(stats.threshold_per_mille));
        let window = [stats.window_calls, stats.window_failures];
        let all = [stats.calls, stats.failures, stats.rejected, stats.opened, stats.rejects_for_ns];
        let [calls, failures, rejected, opened, rejects_for] = all;
        let values =
            [state, threshold, window[0], window[1], calls, failures, rejected, opened, rejects_for];
        Ok(env.long_array(&longs(values))?)
    }

    /// `byte[] breakerSave(Object owner, long breaker, long unixNanos)`
    fn Java_io_duochain_Natives_breakerSave(
        env, _owner: jobject, breaker: jlong, unix: jlong
    ) -> jbyteArray, ptr::null_mut(); {
        let (mut bytes, mut length) = ([0_u8; SAVED_BYTES], 0);
        let first = bytes.as_mut_ptr().cast::<c_void>();
        // SAFETY: any number is accepted; the array is writable.
        success(unsafe {
            duo_breaker_save(handle(breaker), unix.cast_unsigned(), first, SAVED_BYTES, &mut length)
        })?;
        Ok(env.byte_array(&bytes[..length])?)
    }

    /// `void breakerRestore(Object owner, long breaker, long unixNanos, byte[] saved)`
    fn Java_io_duochain_Natives_breakerRestore(
        env, _owner: jobject, breaker: jlong, unix: jlong, saved: jbyteArray
    ) -> (), (); {
        let bytes = env.bytes(saved, SMALL_BYTES_MAX)?;
        // SAFETY: any number is accepted; the bytes are readable.
        success(unsafe {
            duo_breaker_restore(handle(breaker), unix.cast_unsigned(), bytes.as_ptr().cast(), bytes.len())
        })
    }

    /// `long limiterCreate(long[] settings)`
    fn Java_io_duochain_Natives_limiterCreate(env, values: jlongArray) -> jlong, 0; {
        let [tokens, period_ns, burst] = settings(&env.longs(values)?)?;
        let struct_size = size::<duo_limiter_options>();
        let (tokens, burst) = (small(tokens), small(burst));
        let options = duo_limiter_options { struct_size, flags: 0, tokens, burst, period_ns };
        let mut limiter = ptr::null_mut();
        // SAFETY: the options state their size.
        success(unsafe { duo_limiter_create(&options, &mut limiter) })?;
        Ok(word(limiter))
    }

    /// `void limiterDestroy(long limiter)`
    fn Java_io_duochain_Natives_limiterDestroy(_env, limiter: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_limiter_destroy(handle(limiter)) })
    }

    /// `boolean limiterAcquire(Object owner, long limiter, int tokens)`
    fn Java_io_duochain_Natives_limiterAcquire(
        _env, _owner: jobject, limiter: jlong, tokens: jint
    ) -> jboolean, false; {
        // SAFETY: any number is accepted.
        Ok(outcome(unsafe { duo_limiter_acquire(handle(limiter), unsigned(tokens)) })? == duo_status::DUO_OK)
    }

    /// `long limiterReadyIn(Object owner, long limiter, int tokens)`
    fn Java_io_duochain_Natives_limiterReadyIn(_env, _owner: jobject, limiter: jlong, tokens: jint) -> jlong, 0; {
        let mut wait = 0;
        // SAFETY: any number is accepted.
        success(unsafe { duo_limiter_ready_in(handle(limiter), unsigned(tokens), &mut wait) })?;
        Ok(wait)
    }

    /// `long[] limiterStats(Object owner, long limiter)`
    fn Java_io_duochain_Natives_limiterStats(
        env, _owner: jobject, limiter: jlong
    ) -> jlongArray, ptr::null_mut(); {
        let mut stats =
            duo_limiter_stats_t { struct_size: size::<duo_limiter_stats_t>(), ..Default::default() };
        // SAFETY: any number is accepted; the struct states its size.
        success(unsafe { duo_limiter_stats(handle(limiter), &mut stats) })?;
        Ok(env.long_array(&longs([stats.available.into(), stats.burst.into(), stats.refused]))?)
    }

    /// `long bulkheadCreate(long[] settings)`
    fn Java_io_duochain_Natives_bulkheadCreate(env, values: jlongArray) -> jlong, 0; {
        let [permits, queue] = settings(&env.longs(values)?)?;
        let struct_size = size::<duo_bulkhead_options>();
        let (permits, queue) = (small(permits), small(queue));
        let options = duo_bulkhead_options { struct_size, flags: 0, permits, queue };
        let mut bulkhead = ptr::null_mut();
        // SAFETY: the options state their size.
        success(unsafe { duo_bulkhead_create(&options, &mut bulkhead) })?;
        Ok(word(bulkhead))
    }

    /// `void bulkheadDestroy(long bulkhead)`
    fn Java_io_duochain_Natives_bulkheadDestroy(_env, bulkhead: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_bulkhead_destroy(handle(bulkhead)) })
    }

    /// `boolean bulkheadAcquire(Object owner, long bulkhead)`
    fn Java_io_duochain_Natives_bulkheadAcquire(_env, _owner: jobject, bulkhead: jlong) -> jboolean, false; {
        // SAFETY: any number is accepted.
        Ok(outcome(unsafe { duo_bulkhead_acquire(handle(bulkhead)) })? == duo_status::DUO_OK)
    }

    /// `long bulkheadLineUp(Object owner, long bulkhead)`: a place, -1 for a permit, -2 when the line is full
    fn Java_io_duochain_Natives_bulkheadLineUp(_env, _owner: jobject, bulkhead: jlong) -> jlong, 0; {
        let mut place = 0;
        // SAFETY: any number is accepted.
        match outcome(unsafe { duo_bulkhead_line_up(handle(bulkhead), &mut place) })? {
            duo_status::DUO_AGAIN => Ok(-2),
            _ => Ok(place.cast_signed()),
        }
    }

    /// `boolean bulkheadAwait(Object owner, long bulkhead, long place, long timeoutNanos)`
    fn Java_io_duochain_Natives_bulkheadAwait(
        _env, _owner: jobject, bulkhead: jlong, place: jlong, timeout: jlong
    ) -> jboolean, false; {
        // SAFETY: any number is accepted.
        let status = unsafe { duo_bulkhead_await(handle(bulkhead), place.cast_unsigned(), timeout) };
        Ok(outcome(status)? == duo_status::DUO_OK)
    }

    /// `void bulkheadLeave(Object owner, long bulkhead, long place)`
    fn Java_io_duochain_Natives_bulkheadLeave(_env, _owner: jobject, bulkhead: jlong, place: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_bulkhead_leave(handle(bulkhead), place.cast_unsigned()) })
    }

    /// `void bulkheadRelease(Object owner, long bulkhead)`
    fn Java_io_duochain_Natives_bulkheadRelease(_env, _owner: jobject, bulkhead: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_bulkhead_release(handle(bulkhead)) })
    }

    /// `long[] bulkheadStats(Object owner, long bulkhead)`
    fn Java_io_duochain_Natives_bulkheadStats(
        env, _owner: jobject, bulkhead: jlong
    ) -> jlongArray, ptr::null_mut(); {
        let mut stats =
            duo_bulkhead_stats_t { struct_size: size::<duo_bulkhead_stats_t>(), ..Default::default() };
        // SAFETY: any number is accepted; the struct states its size.
        success(unsafe { duo_bulkhead_stats(handle(bulkhead), &mut stats) })?;
        let now = [stats.permits, stats.in_use, stats.waiting].map(u64::from);
        let values = [now[0], now[1], now[2], stats.taken, stats.refused, stats.left];
        Ok(env.long_array(&longs(values))?)
    }

    /// `long retryCreate(long[] settings)`
    fn Java_io_duochain_Natives_retryCreate(env, values: jlongArray) -> jlong, 0; {
        let [attempts, delay_min_ns, delay_max_ns, multiplier, jitter, total_ns] =
            settings(&env.longs(values)?)?;
        let options = duo_retry_options {
            struct_size: size::<duo_retry_options>(),
            flags: if jitter == 0 { DUO_RETRY_NO_JITTER } else { 0 },
            delay_min_ns,
            delay_max_ns,
            total_ns,
            multiplier: small(multiplier),
            jitter_percent: small(jitter),
            attempts: small(attempts),
            reserved: 0,
        };
        let mut retry = ptr::null_mut();
        // SAFETY: the options state their size.
        success(unsafe { duo_retry_create(&options, &mut retry) })?;
        Ok(word(retry))
    }

    /// `void retryDestroy(long retry)`
    fn Java_io_duochain_Natives_retryDestroy(_env, retry: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_retry_destroy(handle(retry)) })
    }

    /// `long retryAfter(Object owner, long retry, int failures, long elapsedNanos, int fault, long entropy)`:
    /// nanoseconds, or -1 to give up
    fn Java_io_duochain_Natives_retryAfter(
        _env, _owner: jobject, retry: jlong, failures: jint, elapsed: jlong, fault: jint, entropy: jlong
    ) -> jlong, 0; {
        let mut delay = 0;
        let (failures, entropy) = (unsigned(failures), entropy.cast_unsigned());
        // SAFETY: any number is accepted.
        let status = unsafe {
            duo_retry_after(handle(retry), failures, elapsed, unsigned(fault), entropy, &mut delay)
        };
        Ok(if outcome(status)? == duo_status::DUO_END { -1 } else { delay })
    }

    /// `long[] retryStats(Object owner, long retry)`
    fn Java_io_duochain_Natives_retryStats(env, _owner: jobject, retry: jlong) -> jlongArray, ptr::null_mut(); {
        let mut stats = duo_retry_stats_t { struct_size: size::<duo_retry_stats_t>(), ..Default::default() };
        // SAFETY: any number is accepted; the struct states its size.
        success(unsafe { duo_retry_stats(handle(retry), &mut stats) })?;
        let values = [stats.retries, stats.not_retryable, stats.attempts_spent, stats.time_spent];
        Ok(env.long_array(&longs(values))?)
    }
}
