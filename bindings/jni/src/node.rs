//! Natives of `Node`: opening, submitting, completions, closing.

use crate::config::{Config, STEPS_BYTES_MAX};
use crate::guard::{count, filled, handle, maybe, native, number, outcome, success, unsigned, word};
use crate::queue::{length, memory};
use crate::wire::Wire;
use duochain::ffi::node::{
    duo_completion, duo_node_close, duo_node_destroy, duo_node_open, duo_node_poll_completions,
    duo_node_submit, duo_node_submit_flat, duo_node_submit_wait,
};
use duochain::ffi::status::duo_status;
use jni_sys::{jboolean, jbyteArray, jint, jlong, jobject};
use std::ffi::c_void;
use std::ptr;

/// Most completions that one call hands over.
const COMPLETIONS_MAX: usize = 8192;

native! {
    /// `long nodeOpen(byte[] steps)`
    fn Java_io_duochain_Natives_nodeOpen(env, steps: jbyteArray) -> jlong, 0; {
        let config = Config::from_steps(&env.bytes(steps, STEPS_BYTES_MAX)?)?;
        let mut node = ptr::null_mut();
        // SAFETY: a live configuration, and `node` is writable.
        success(unsafe { duo_node_open(config.raw(), &mut node) })?;
        Ok(word(node))
    }

    /// `boolean nodeClose(Object owner, long node, long timeoutNanos)`
    fn Java_io_duochain_Natives_nodeClose(_env, _owner: jobject, node: jlong, timeout: jlong) -> jboolean, false; {
        // SAFETY: any number is accepted.
        let status = outcome(unsafe { duo_node_close(handle(node), timeout) })?;
        Ok(status == duo_status::DUO_OK)
    }

    /// `void nodeDestroy(long node)`
    fn Java_io_duochain_Natives_nodeDestroy(_env, node: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_node_destroy(handle(node)) })
    }

    /// `long nodeSubmit(Object owner, long node, int chain, int lane, byte[] tx, int offset, int length)`
    fn Java_io_duochain_Natives_nodeSubmit(
        env, _owner: jobject, node: jlong, chain: jint, lane: jint, tx: jbyteArray, offset: jint, length: jint
    ) -> jlong, 0; {
        env.with_bytes(tx, offset, length, |bytes, len| {
            let mut op = 0;
            // SAFETY: any number is accepted, the bytes are readable, `op` is writable.
            let status = unsafe { duo_node_submit(handle(node), unsigned(chain), unsigned(lane), bytes, len, &mut op) };
            number(status, op)
        })
    }

    /// `long nodeSubmitWait(..., long timeoutNanos)`
    fn Java_io_duochain_Natives_nodeSubmitWait(
        env, _owner: jobject, node: jlong, chain: jint, lane: jint, tx: jbyteArray, offset: jint, length: jint,
        timeout: jlong
    ) -> jlong, 0; {
        env.with_bytes(tx, offset, length, |bytes, len| {
            let mut op = 0;
            // SAFETY: any number is accepted, the bytes are readable, `op` is writable.
            let status = unsafe {
                duo_node_submit_wait(handle(node), unsigned(chain), unsigned(lane), bytes, len, timeout, &mut op)
            };
            number(status, op)
        })
    }

    /// `long nodeSubmitDirect(Object owner, long node, int chain, int lane, Object memory, long address, int length)`
    fn Java_io_duochain_Natives_nodeSubmitDirect(
        _env, _owner: jobject, node: jlong, chain: jint, lane: jint, _memory: jobject, address: jlong, len: jint
    ) -> jlong, 0; {
        let mut op = 0;
        let bytes: *const c_void = memory(address);
        // SAFETY: any number is accepted; Java keeps `memory` alive, and the bytes lie inside of it.
        let status = unsafe {
            duo_node_submit(handle(node), unsigned(chain), unsigned(lane), bytes, length(len), &mut op)
        };
        number(status, op)
    }

    /// `long nodeSubmitFlat(Object owner, long node, int chain, int lane, Object memory, long data, long lengths, int count, long ops)`
    fn Java_io_duochain_Natives_nodeSubmitFlat(
        _env, _owner: jobject, node: jlong, chain: jint, lane: jint, _memory: jobject, data: jlong, lengths: jlong,
        items: jint, ops: jlong
    ) -> jlong, 0; {
        let mut done = 0;
        let (bytes, lens, ops): (*mut c_void, *mut u32, *mut u64) = (memory(data), memory(lengths), memory(ops));
        let (node, chain, lane) = (handle(node), unsigned(chain), unsigned(lane));
        // SAFETY: any number is accepted; Java keeps `memory` alive, which holds bytes, lengths and numbers.
        let status = unsafe {
            duo_node_submit_flat(node, chain, lane, bytes, 0, lens, length(items), ops, &mut done)
        };
        number(status, done as u64)
    }

    /// `byte[] nodePollCompletions(Object owner, long node, int max, long timeoutNanos)`
    fn Java_io_duochain_Natives_nodePollCompletions(
        env, _owner: jobject, node: jlong, max: jint, timeout: jlong
    ) -> jbyteArray, ptr::null_mut(); {
        let max = count(max, COMPLETIONS_MAX);
        let (status, completions) = filled(max, |first: *mut duo_completion, n| {
            // SAFETY: any number is accepted, and there is room for `max`.
            unsafe { duo_node_poll_completions(handle(node), first, max, timeout, n) }
        });
        let mut wire = Wire::default();
        for completion in &completions {
            wire.u64(completion.op).u64(completion.submitted_ns).u64(completion.finalized_ns);
            wire.u64(completion.height).u32(completion.index).i32(completion.status).u32(completion.chain);
            wire.raw(&completion.tx);
        }
        maybe(env, status, wire.as_bytes())
    }
}
