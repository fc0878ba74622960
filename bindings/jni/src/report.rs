//! Natives about what a node says of itself.

use crate::env::SMALL_BYTES_MAX;
use crate::guard::{Stop, handle, maybe, native, outcome, success, unsigned};
use crate::wire::Wire;
use duochain::ffi::dequeue::duo_lane_stats_t;
use duochain::ffi::node::duo_node;
use duochain::ffi::pool::duo_pool_stats_t;
use duochain::ffi::status::duo_status;
use duochain::ffi::view::{
    duo_head, duo_health, duo_metric, duo_node_block, duo_node_head, duo_node_health, duo_node_lane_stats,
    duo_node_metrics, duo_node_metrics_text, duo_node_proof, duo_node_tx_status, duo_tx_status,
};
use jni_sys::{jbyteArray, jint, jlong, jobject};
use std::ffi::c_void;
use std::ptr;

/// First room for a block, a proof or a text; larger ones come in a second call.
const ROOM_BYTES: usize = 1 << 17;

/// A result of the C layer, all zero but for its size.
macro_rules! empty {
    ($record:ty) => {{
        // SAFETY: integers and arrays of them.
        let mut record: $record = unsafe { std::mem::zeroed() };
        record.struct_size = size_of::<$record>() as u32;
        record
    }};
}
pub(crate) use empty;

/// Calls `fill` with room, and once more with as much as it asked for.
fn sized(mut fill: impl FnMut(*mut c_void, usize, &mut usize) -> duo_status) -> (duo_status, Vec<u8>) {
    let mut room = Vec::<u8>::with_capacity(ROOM_BYTES);
    loop {
        let mut length = 0;
        let status = fill(room.as_mut_ptr().cast(), room.capacity(), &mut length);
        if status == duo_status::DUO_ERR_TOO_LARGE && length >= room.capacity() {
            // One more, for the NUL of a text.
            room = Vec::with_capacity(length + 1);
            continue;
        }
        if status == duo_status::DUO_OK {
            // SAFETY: the call has written that many bytes to the front.
            unsafe { room.set_len(length.min(room.capacity())) };
        }
        return (status, room);
    }
}

pub(crate) fn pool_stats(wire: &mut Wire, stats: &duo_pool_stats_t) {
    wire.u64(stats.in_use).u64(stats.in_use_high).u64(stats.free_buffers).u64(stats.reserved_bytes);
    wire.u64(stats.acquired).u64(stats.released).u64(stats.exhausted).u64(stats.stale_refused);
    wire.u64(stats.resident_buffers).u64(stats.slabs).u64(stats.evictions).u64(stats.huge_pages);
    wire.u64(stats.unmaps_refused);
}

/// Appends the statistics of every lane that there is.
pub(crate) fn lanes(
    wire: &mut Wire,
    mut read: impl FnMut(u32, &mut duo_lane_stats_t) -> duo_status,
) -> Result<(), Stop> {
    for lane in 0.. {
        let mut stats = empty!(duo_lane_stats_t);
        if outcome(read(lane, &mut stats))? == duo_status::DUO_NOT_FOUND {
            break;
        }
        wire.u64(stats.accepted)
            .u64(stats.refused)
            .u64(stats.dequeued)
            .u64(stats.depth)
            .u64(stats.depth_high);
    }
    Ok(())
}

fn chain_health(wire: &mut Wire, health: &duo_health) {
    wire.u32(health.chain).u32(health.state).u64(health.final_lag_blocks).u64(health.since_block_ns);
    wire.u64(health.restarts).u64(health.height).fixed(&health.reason);
}

fn metrics(node: jlong) -> Result<Vec<duo_metric>, Stop> {
    let node: *mut duo_node = handle(node);
    let mut values = Vec::<duo_metric>::with_capacity(64);
    loop {
        let mut count = 0;
        // SAFETY: any number is accepted, and there is as much room as stated.
        let status = unsafe { duo_node_metrics(node, values.as_mut_ptr(), values.capacity(), &mut count) };
        if status == duo_status::DUO_ERR_TOO_LARGE {
            values = Vec::with_capacity(count);
            continue;
        }
        success(status)?;
        // SAFETY: the call has written that many values.
        unsafe { values.set_len(count) };
        return Ok(values);
    }
}

native! {
    /// `byte[] nodeTxStatus(Object owner, long node, int chain, byte[] id)`
    fn Java_io_duochain_Natives_nodeTxStatus(
        env, _owner: jobject, node: jlong, chain: jint, id: jbyteArray
    ) -> jbyteArray, ptr::null_mut(); {
        let id = hash(&env.bytes(id, SMALL_BYTES_MAX)?)?;
        let mut status = empty!(duo_tx_status);
        // SAFETY: any number is accepted, the id has its length, `status` states its size.
        success(unsafe { duo_node_tx_status(handle(node), unsigned(chain), id.as_ptr(), &mut status) })?;
        let mut wire = Wire::default();
        wire.u32(status.state).u64(status.height).u32(status.index);
        Ok(env.byte_array(wire.as_bytes())?)
    }

    /// `byte[] nodeHead(Object owner, long node, int chain)`
    fn Java_io_duochain_Natives_nodeHead(env, _owner: jobject, node: jlong, chain: jint) -> jbyteArray, ptr::null_mut(); {
        let mut head = empty!(duo_head);
        // SAFETY: any number is accepted, `head` states its size.
        success(unsafe { duo_node_head(handle(node), unsigned(chain), &mut head) })?;
        let mut wire = Wire::default();
        wire.u64(head.height).raw(&head.hash).u64(head.final_height).raw(&head.final_hash).raw(&head.state_root);
        wire.u64(head.time_unix_ns).u64(head.slot).i64(head.slot_drift_ns);
        wire.u64(head.transactions).u64(head.final_transactions).u64(head.restarts);
        Ok(env.byte_array(wire.as_bytes())?)
    }

    /// `byte[] nodeBlock(Object owner, long node, int chain, long height)`
    fn Java_io_duochain_Natives_nodeBlock(
        env, _owner: jobject, node: jlong, chain: jint, height: jlong
    ) -> jbyteArray, ptr::null_mut(); {
        let (status, block) = sized(|room, capacity, length| {
            let height = height.cast_unsigned();
            // SAFETY: any number is accepted, and there is as much room as stated.
            unsafe { duo_node_block(handle(node), unsigned(chain), height, room, capacity, length) }
        });
        maybe(env, status, &block)
    }

    /// `byte[] nodeProof(Object owner, long node, int chain, byte[] id)`
    fn Java_io_duochain_Natives_nodeProof(
        env, _owner: jobject, node: jlong, chain: jint, id: jbyteArray
    ) -> jbyteArray, ptr::null_mut(); {
        let id = hash(&env.bytes(id, SMALL_BYTES_MAX)?)?;
        let (status, proof) = sized(|room, capacity, length| {
            // SAFETY: any number is accepted, the id has its length, and there is as much room as stated.
            unsafe { duo_node_proof(handle(node), unsigned(chain), id.as_ptr(), room, capacity, length) }
        });
        maybe(env, status, &proof)
    }

    /// `byte[] nodeHealth(Object owner, long node)`
    fn Java_io_duochain_Natives_nodeHealth(env, _owner: jobject, node: jlong) -> jbyteArray, ptr::null_mut(); {
        let mut health = [empty!(duo_health), empty!(duo_health)];
        for (chain, health) in (1..).zip(&mut health) {
            // SAFETY: any number is accepted, `health` states its size.
            success(unsafe { duo_node_health(handle(node), chain, health) })?;
        }
        let [alpha, delta] = &health;
        let mut wire = Wire::default();
        // Two calls, so the worse of both is taken from what they say of their chains.
        wire.u32(alpha.state.max(delta.state)).u32(delta.ratio_alarm);
        chain_health(&mut wire, alpha);
        chain_health(&mut wire, delta);
        Ok(env.byte_array(wire.as_bytes())?)
    }

    /// `byte[] nodeMetrics(Object owner, long node)`
    fn Java_io_duochain_Natives_nodeMetrics(env, _owner: jobject, node: jlong) -> jbyteArray, ptr::null_mut(); {
        let mut wire = Wire::default();
        for metric in metrics(node)? {
            wire.u32(metric.chain).u32(metric.kind).f64(metric.value);
            // SAFETY: static texts of the library.
            unsafe { wire.c_text(metric.name).c_text(metric.help) };
        }
        Ok(env.byte_array(wire.as_bytes())?)
    }

    /// `byte[] nodeMetricsText(Object owner, long node)`
    fn Java_io_duochain_Natives_nodeMetricsText(env, _owner: jobject, node: jlong) -> jbyteArray, ptr::null_mut(); {
        let (status, text) = sized(|room, capacity, length| {
            // SAFETY: any number is accepted, and there is as much room as stated.
            unsafe { duo_node_metrics_text(handle(node), room.cast(), capacity, length) }
        });
        success(status)?;
        Ok(env.byte_array(&text)?)
    }

    /// `byte[] nodeLanes(Object owner, long node, int chain)`
    fn Java_io_duochain_Natives_nodeLanes(env, _owner: jobject, node: jlong, chain: jint) -> jbyteArray, ptr::null_mut(); {
        let mut wire = Wire::default();
        lanes(&mut wire, |lane, stats| {
            // SAFETY: any number is accepted, `stats` states its size.
            unsafe { duo_node_lane_stats(handle(node), unsigned(chain), lane, stats) }
        })?;
        Ok(env.byte_array(wire.as_bytes())?)
    }
}

fn hash(bytes: &[u8]) -> Result<[u8; 32], Stop> {
    bytes.try_into().map_err(|_| Stop::Refused(format!("an id has 32 bytes, not {}", bytes.len())))
}
