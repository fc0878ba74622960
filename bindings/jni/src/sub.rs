//! Natives of `Subscription`.

use crate::config::terminated;
use crate::env::SMALL_BYTES_MAX;
use crate::guard::{count, filled, handle, maybe, native, outcome, success, unsigned, word};
use crate::wire::Wire;
use duochain::ffi::status::duo_status;
use duochain::ffi::sub::{
    duo_event, duo_sub_ack, duo_sub_create, duo_sub_destroy, duo_sub_lag, duo_sub_options, duo_sub_poll,
    duo_sub_seek, duo_sub_wait, duo_sub_wake,
};
use jni_sys::{jboolean, jbyteArray, jint, jlong, jlongArray, jobject};
use std::ptr;

/// Most events that one call hands over.
const EVENTS_MAX: usize = 4096;

native! {
    /// `long subCreate(Object owner, long node, int chains, int start, byte[] name)`
    fn Java_io_duochain_Natives_subCreate(
        env, _owner: jobject, node: jlong, chain: jint, start: jint, name: jbyteArray
    ) -> jlong, 0; {
        let text = terminated(&env.bytes(name, SMALL_BYTES_MAX)?)?;
        let options = duo_sub_options {
            struct_size: size_of::<duo_sub_options>() as u32,
            flags: 0,
            chain: unsigned(chain),
            start: unsigned(start),
            name: if name.is_null() { ptr::null() } else { text.as_ptr() },
        };
        let mut sub = ptr::null_mut();
        // SAFETY: any number is accepted, the options state their size and the name is terminated.
        success(unsafe { duo_sub_create(handle(node), &options, &mut sub) })?;
        Ok(word(sub))
    }

    /// `void subDestroy(long sub)`
    fn Java_io_duochain_Natives_subDestroy(_env, sub: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_sub_destroy(handle(sub)) })
    }

    /// `byte[] subPoll(Object owner, long sub, int max)`
    fn Java_io_duochain_Natives_subPoll(env, _owner: jobject, sub: jlong, max: jint) -> jbyteArray, ptr::null_mut(); {
        let max = count(max, EVENTS_MAX);
        // SAFETY: any number is accepted, and there is room for `max`.
        let (status, events) =
            filled(max, |first: *mut duo_event, n| unsafe { duo_sub_poll(handle(sub), first, max, n) });
        let mut wire = Wire::default();
        for event in &events {
            wire.u32(event.chain).u32(event.kind).u32(event.health).u32(event.tx_count);
            wire.u64(event.sequence).u64(event.height).u64(event.time_unix_ns).raw(&event.hash);
            wire.fixed(&event.detail);
        }
        maybe(env, status, wire.as_bytes())
    }

    /// `boolean subWait(Object owner, long sub, long timeoutNanos)`
    fn Java_io_duochain_Natives_subWait(_env, _owner: jobject, sub: jlong, timeout: jlong) -> jboolean, false; {
        // SAFETY: any number is accepted.
        Ok(outcome(unsafe { duo_sub_wait(handle(sub), timeout) })? == duo_status::DUO_OK)
    }

    /// `void subWake(Object owner, long sub)`
    fn Java_io_duochain_Natives_subWake(_env, _owner: jobject, sub: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_sub_wake(handle(sub)) })
    }

    /// `void subAck(Object owner, long sub, int chain, long sequence)`
    fn Java_io_duochain_Natives_subAck(_env, _owner: jobject, sub: jlong, chain: jint, sequence: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_sub_ack(handle(sub), unsigned(chain), sequence.cast_unsigned()) })
    }

    /// `void subSeek(Object owner, long sub, int chain, long sequence)`
    fn Java_io_duochain_Natives_subSeek(_env, _owner: jobject, sub: jlong, chain: jint, sequence: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_sub_seek(handle(sub), unsigned(chain), sequence.cast_unsigned()) })
    }

    /// `long[] subLag(Object owner, long sub)`: waiting on Alpha and Delta, then lost on Alpha and Delta
    fn Java_io_duochain_Natives_subLag(env, _owner: jobject, sub: jlong) -> jlongArray, ptr::null_mut(); {
        let mut lag = [0_u64; 4];
        for chain in 0..2 {
            let (mut waiting, mut dropped) = (0, 0);
            // SAFETY: any number is accepted, and both places are writable.
            success(unsafe { duo_sub_lag(handle(sub), chain as u32 + 1, &mut waiting, &mut dropped) })?;
            (lag[chain], lag[chain + 2]) = (waiting, dropped);
        }
        Ok(env.long_array(&lag.map(u64::cast_signed))?)
    }
}
