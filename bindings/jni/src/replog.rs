//! Natives of `ReplicatedLog`.

use crate::config::terminated;
use crate::env::SMALL_BYTES_MAX;
use crate::guard::{Stop, filled, handle, maybe, native, number, outcome, success, unsigned, whole, word};
use crate::queue::memory;
use crate::wire::{Steps, Wire};
use duochain::ffi::replog::{
    DUO_REPLOG_MEMBERS_MAX, duo_replog, duo_replog_close, duo_replog_destroy, duo_replog_member,
    duo_replog_open, duo_replog_options, duo_replog_transfer,
};
use duochain::ffi::replog_append::{
    DUO_REPLOG_ADD, DUO_REPLOG_ID_BYTES, duo_replog_append_options, duo_replog_change_t, duo_replog_receipt,
};
use duochain::ffi::replog_pending::{
    duo_replog_await, duo_replog_forget, duo_replog_submit, duo_replog_submit_change, duo_replog_submit_read,
};
use duochain::ffi::replog_read::{duo_replog_entry, duo_replog_read_ids};
use duochain::ffi::replog_tls::duo_replog_reload_tls;
use duochain::ffi::replog_view::{
    duo_replog_json, duo_replog_member_t, duo_replog_members, duo_replog_peer, duo_replog_peers,
    duo_replog_prometheus, duo_replog_status, duo_replog_status_t, duo_replog_wait_status,
};
use duochain::ffi::status::duo_status;
use duochain::frame::BODY_BYTES_CEILING;
use jni_sys::{jboolean, jbyteArray, jint, jintArray, jlong, jlongArray, jobject};
use std::ffi::{CString, c_void};
use std::ptr;

/// Most entries that one read hands over.
const ENTRIES_MAX: usize = 4096;
/// Settings of an opening, in the order of `ReplicatedLogOptions.open`.
const SETTINGS: usize = 25;

/// The id of an entry in words of this machine, which Java takes apart the same way.
type Id = [u64; DUO_REPLOG_ID_BYTES / size_of::<u64>()];

fn cut_short() -> Stop {
    Stop::Refused("the arguments do not fit together".to_owned())
}

fn text(steps: &mut Steps<'_>) -> Result<CString, Stop> {
    terminated(steps.blob().ok_or_else(cut_short)?)
}

/// One that does not fit becomes one that the C layer refuses.
fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn u64_at(steps: &mut Steps<'_>) -> Result<u64, Stop> {
    let (low, high) = (steps.u32().ok_or_else(cut_short)?, steps.u32().ok_or_else(cut_short)?);
    Ok(u64::from(high) << 32 | u64::from(low))
}

/// As C reads them, for as long as `nodes` are there.
fn listed(nodes: &[(u64, CString)]) -> Vec<duo_replog_member> {
    let member =
        |(node, address): &(u64, CString)| duo_replog_member { node: *node, address: address.as_ptr() };
    nodes.iter().map(member).collect()
}

fn no_status() -> duo_replog_status_t {
    // SAFETY: integers and an array of them.
    let mut status: duo_replog_status_t = unsafe { std::mem::zeroed() };
    status.struct_size = size_of::<duo_replog_status_t>() as u32;
    status
}

/// As `LogStatus` reads it.
fn encoded(status: &duo_replog_status_t) -> Wire {
    let mut wire = Wire::default();
    wire.u32(status.role).u64(status.node).u64(status.term).u64(status.leader).u64(status.first);
    wire.u64(status.last).u64(status.durable).u64(status.commit).u64(status.uncommitted_bytes);
    wire.u64(status.snapshot)
        .u64(status.applied)
        .u64(status.last_term)
        .u64(status.window_bytes)
        .u64(status.changes);
    wire.fixed(&status.leader_address).fixed(&status.address);
    wire
}

native! {
    /// `long replogOpen(byte[] options, long[] settings)`: directory, address, cluster, how many files of TLS and these,
    /// how many contacts and these, members; numbers
    fn Java_io_duochain_Natives_replogOpen(env, options: jbyteArray, settings: jlongArray) -> jlong, 0; {
        let (bytes, settings) = (env.bytes(options, SMALL_BYTES_MAX)?, env.longs(settings)?);
        let settings: [jlong; SETTINGS] = settings.try_into().map_err(|_| cut_short())?;
        let [
            node, heartbeat, min, max, stall, batch, uncommitted, segment, entries, tail, repair, close, live, sessions, ids, hello,
            latency, staged, batch_inflight, peer_inflight, window, reads, chunk, chunks_inflight,
            backend
        ] = settings.map(jlong::cast_unsigned);
        let mut steps = Steps(&bytes);
        let (dir, listen) = (text(&mut steps)?, text(&mut steps)?);
        let cluster: [u8; 16] =
            steps.blob().and_then(|name| name.try_into().ok()).ok_or_else(cut_short)?;
        let files = match steps.u32().ok_or_else(cut_short)? {
            0 => None,
            3 => Some([text(&mut steps)?, text(&mut steps)?, text(&mut steps)?]),
            _ => return Err(cut_short()),
        };
        let file = |at: usize| files.as_ref().map_or(ptr::null(), |files| files[at].as_ptr());
        let mut contacts = Vec::new();
        for _ in 0..steps.u32().ok_or_else(cut_short)? {
            contacts.push((u64_at(&mut steps)?, text(&mut steps)?));
        }
        let mut members = Vec::new();
        while !steps.0.is_empty() {
            members.push((u64_at(&mut steps)?, text(&mut steps)?));
        }
        // The texts stay with their owners.
        let (contacts_c, members_c) = (listed(&contacts), listed(&members));
        let options = duo_replog_options {
            struct_size: size_of::<duo_replog_options>() as u32,
            flags: 0,
            dir: dir.as_ptr(),
            listen: listen.as_ptr(),
            members: members_c.as_ptr(),
            members_len: members_c.len(),
            node,
            cluster,
            heartbeat_ns: heartbeat,
            election_min_ns: min,
            election_max_ns: max,
            disk_stall_max_ns: stall,
            batch_bytes_max: batch,
            uncommitted_bytes_max: uncommitted,
            segment_bytes: segment,
            batch_entries_max: small(entries),
            log_backend: small(backend),
            tls_certificate: file(0),
            tls_key: file(1),
            tls_authority: file(2),
            tail_entries: tail,
            contacts: contacts_c.as_ptr(),
            contacts_len: contacts_c.len(),
            repair_within_ns: repair,
            close_within_ns: close,
            time_to_live_ns: live,
            sessions_max: small(sessions),
            ids_max: small(ids),
            hello_timeout_ns: hello,
            batch_latency_ns: latency,
            batch_staged_bytes_max: staged,
            batch_inflight_bytes_max: batch_inflight,
            peer_inflight_bytes_max: peer_inflight,
            window_bytes_max: window,
            reads_max: reads,
            snapshot_chunk_bytes: small(chunk),
            snapshot_chunks_inflight_max: small(chunks_inflight),
        };
        let mut log = ptr::null_mut();
        // SAFETY: the options state their size; texts and members live until the end of the call.
        success(unsafe { duo_replog_open(&options, &mut log) })?;
        Ok(word(log))
    }

    /// `boolean replogClose(Object owner, long log, long timeoutNanos)`
    fn Java_io_duochain_Natives_replogClose(_env, _owner: jobject, log: jlong, timeout: jlong) -> jboolean, false; {
        // SAFETY: any number is accepted.
        Ok(outcome(unsafe { duo_replog_close(handle(log), timeout) })? == duo_status::DUO_OK)
    }

    /// `void replogDestroy(long log)`
    fn Java_io_duochain_Natives_replogDestroy(_env, log: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_replog_destroy(handle(log)) })
    }

    /// `long replogSubmit(Object owner, long log, byte[] bytes, int[] lengths, int level, int flags, long session,
    /// long sequence, byte[] ids)`
    fn Java_io_duochain_Natives_replogSubmit(
        env, _owner: jobject, log: jlong, bytes: jbyteArray, lengths: jintArray, level: jint, flags: jint,
        session: jlong, sequence: jlong, ids: jbyteArray
    ) -> jlong, 0; {
        let (bytes, lens) = (env.bytes(bytes, BODY_BYTES_CEILING)?, env.lengths(lengths)?);
        let ids = env.bytes(ids, BODY_BYTES_CEILING)?;
        if lens.iter().map(|len| u64::from(*len)).sum::<u64>() != bytes.len() as u64 {
            return Err(cut_short());
        }
        let options = duo_replog_append_options {
            struct_size: size_of::<duo_replog_append_options>() as u32,
            flags: unsigned(flags),
            wait: unsigned(level),
            reserved: 0,
            session: session.cast_unsigned(),
            sequence: sequence.cast_unsigned(),
            ids: if ids.is_empty() { ptr::null() } else { ids.as_ptr().cast() },
            ids_len: ids.len(),
        };
        let mut op = 0;
        // SAFETY: any number is accepted; the bytes are as many as the lengths say, the ids as their length says, and the
        // place is writable.
        let status = unsafe {
            duo_replog_submit(handle(log), bytes.as_ptr().cast(), lens.as_ptr(), lens.len(), &options, &mut op)
        };
        number(status, op)
    }

    /// `long[] replogAwait(Object owner, long log, long op, long timeoutNanos)`: index, term, repeated, stale, and 1 when
    /// a voter may lack it; one number that is a refusal; `null` when there is no answer yet
    fn Java_io_duochain_Natives_replogAwait(
        env, _owner: jobject, log: jlong, op: jlong, timeout: jlong
    ) -> jlongArray, ptr::null_mut(); {
        let mut receipt = duo_replog_receipt { index: 0, term: 0, repeated: 0, stale: 0 };
        // SAFETY: any number is accepted, and the place is writable.
        let status = unsafe { duo_replog_await(handle(log), op.cast_unsigned(), timeout, &mut receipt) };
        match outcome(status)? {
            duo_status::DUO_TIMEOUT => Ok(ptr::null_mut()),
            status @ (duo_status::DUO_OK | duo_status::DUO_PARTIAL) => {
                let is_partial = u64::from(status == duo_status::DUO_PARTIAL);
                let (repeated, stale) = (receipt.repeated.into(), receipt.stale.into());
                let numbers = [receipt.index, receipt.term, repeated, stale, is_partial];
                Ok(env.long_array(&numbers.map(u64::cast_signed))?)
            }
            refused => Ok(env.long_array(&[number(refused, 0)?])?),
        }
    }

    /// `void replogForget(Object owner, long log, long op)`
    fn Java_io_duochain_Natives_replogForget(_env, _owner: jobject, log: jlong, op: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_replog_forget(handle(log), op.cast_unsigned()) })
    }

    /// `long[] replogRead(Object owner, long log, long from, int max, Object memory, long data, long room,
    /// long timeoutNanos)`: for each entry index, term, time, session, number, offset, length and the four words of its
    /// id; one number that is what the first needs; `null` when none came
    fn Java_io_duochain_Natives_replogRead(
        env, _owner: jobject, log: jlong, from: jlong, max: jint, _memory: jobject, data: jlong, room: jlong,
        timeout: jlong
    ) -> jlongArray, ptr::null_mut(); {
        let max = crate::guard::count(max, ENTRIES_MAX);
        let room = usize::try_from(room).unwrap_or(0);
        let mut len = 0;
        let (from, bytes): (u64, *mut c_void) = (from.cast_unsigned(), memory(data));
        let ((status, entries), ids) = filled(max, |ids: *mut Id, named| {
            // SAFETY: any number is accepted; there is room for `max`, and Java keeps `memory` alive with its bytes.
            filled(max, |first: *mut duo_replog_entry, n| unsafe {
                let status = duo_replog_read_ids(
                    handle(log), from, first, ids.cast(), max, bytes, room, timeout, n, &mut len);
                *named = *n;
                status
            })
        });
        match status {
            duo_status::DUO_ERR_TOO_LARGE => Ok(env.long_array(&[len as jlong])?),
            duo_status::DUO_TIMEOUT => Ok(ptr::null_mut()),
            status => {
                success(status)?;
                let numbers = entries.iter().zip(&ids).flat_map(|(entry, id)| {
                    let head = [entry.index, entry.term, entry.time_unix_ns, entry.session, entry.sequence];
                    let place = [entry.offset as u64, entry.len as u64];
                    head.into_iter().chain(place).chain(*id).map(u64::cast_signed)
                });
                Ok(env.long_array(&numbers.collect::<Vec<_>>())?)
            }
        }
    }

    /// `void replogReloadTls(Object owner, long log)`
    fn Java_io_duochain_Natives_replogReloadTls(_env, _owner: jobject, log: jlong) -> (), (); {
        // SAFETY: any number is accepted.
        success(unsafe { duo_replog_reload_tls(handle(log)) })
    }

    /// `long replogSubmitRead(Object owner, long log)`: the index comes by `replogAwait`
    fn Java_io_duochain_Natives_replogSubmitRead(_env, _owner: jobject, log: jlong) -> jlong, 0; {
        let mut op = 0;
        // SAFETY: any number is accepted, and the place is writable.
        number(unsafe { duo_replog_submit_read(handle(log), &mut op) }, op)
    }

    /// `long replogTransfer(Object owner, long log, long to, long timeoutNanos)`
    fn Java_io_duochain_Natives_replogTransfer(
        _env, _owner: jobject, log: jlong, to: jlong, timeout: jlong
    ) -> jlong, 0; {
        // SAFETY: any number is accepted.
        number(unsafe { duo_replog_transfer(handle(log), to.cast_unsigned(), timeout) }, 0)
    }

    /// `long replogSubmitChange(Object owner, long log, byte[] parts)`: of each part what, node, address; the answer comes
    /// by `replogAwait`
    fn Java_io_duochain_Natives_replogSubmitChange(
        env, _owner: jobject, log: jlong, parts: jbyteArray
    ) -> jlong, 0; {
        let bytes = env.bytes(parts, SMALL_BYTES_MAX)?;
        let mut steps = Steps(&bytes);
        let mut parts = Vec::new();
        while !steps.0.is_empty() {
            let what = steps.u32().ok_or_else(cut_short)?;
            parts.push((what, u64_at(&mut steps)?, text(&mut steps)?));
        }
        let change = |(what, node, address): &(u32, u64, CString)| duo_replog_change_t {
            node: *node,
            address: if *what == DUO_REPLOG_ADD { address.as_ptr() } else { ptr::null() },
            what: *what,
            reserved: 0,
        };
        let changes: Vec<_> = parts.iter().map(change).collect();
        let mut op = 0;
        // SAFETY: any number is accepted; the changes and their texts live until the end of the call, and the place is
        // writable.
        let status = unsafe {
            duo_replog_submit_change(handle(log), changes.as_ptr(), changes.len(), &mut op)
        };
        number(status, op)
    }

    /// `byte[] replogStatus(Object owner, long log)`
    fn Java_io_duochain_Natives_replogStatus(env, _owner: jobject, log: jlong) -> jbyteArray, ptr::null_mut(); {
        let mut status = no_status();
        // SAFETY: any number is accepted; the struct states its size.
        success(unsafe { duo_replog_status(handle(log), &mut status) })?;
        Ok(env.byte_array(encoded(&status).as_bytes())?)
    }

    /// `byte[] replogWaitStatus(Object owner, long log, long seen, long timeoutNanos)`: `null` while nothing has changed
    fn Java_io_duochain_Natives_replogWaitStatus(
        env, _owner: jobject, log: jlong, seen: jlong, timeout: jlong
    ) -> jbyteArray, ptr::null_mut(); {
        let mut status = no_status();
        // SAFETY: any number is accepted; the struct states its size.
        let outcome = unsafe { duo_replog_wait_status(handle(log), seen.cast_unsigned(), timeout, &mut status) };
        maybe(env, outcome, encoded(&status).as_bytes())
    }

    /// `byte[] replogPeers(Object owner, long log)`
    fn Java_io_duochain_Natives_replogPeers(env, _owner: jobject, log: jlong) -> jbyteArray, ptr::null_mut(); {
        // SAFETY: any number is accepted, and there is room for all.
        let (status, peers) = filled(DUO_REPLOG_MEMBERS_MAX, |first: *mut duo_replog_peer, n| unsafe {
            duo_replog_peers(handle(log), first, DUO_REPLOG_MEMBERS_MAX, n)
        });
        success(status)?;
        let mut wire = Wire::default();
        for peer in &peers {
            wire.u64(peer.node).u64(peer.matched).u64(peer.next).u64(peer.inflight_bytes).u64(peer.silent_ns);
            wire.u32(peer.in_snapshot);
        }
        Ok(env.byte_array(wire.as_bytes())?)
    }

    /// `byte[] replogMembers(Object owner, long log)`
    fn Java_io_duochain_Natives_replogMembers(env, _owner: jobject, log: jlong) -> jbyteArray, ptr::null_mut(); {
        // SAFETY: any number is accepted, and there is room for all.
        let (status, members) = filled(DUO_REPLOG_MEMBERS_MAX, |first: *mut duo_replog_member_t, n| unsafe {
            duo_replog_members(handle(log), first, DUO_REPLOG_MEMBERS_MAX, n)
        });
        success(status)?;
        let mut wire = Wire::default();
        for member in &members {
            wire.u64(member.node).u32(member.parts).fixed(&member.address);
        }
        Ok(env.byte_array(wire.as_bytes())?)
    }

    /// `byte[] replogJson(Object owner, long log)`
    fn Java_io_duochain_Natives_replogJson(env, _owner: jobject, log: jlong) -> jbyteArray, ptr::null_mut(); {
        let log: *mut duo_replog = handle(log);
        // SAFETY: any number is accepted; there is as much room as is said.
        let text = whole(|to, room, len| unsafe { duo_replog_json(log, to.cast(), room, len) })?;
        Ok(env.byte_array(&text)?)
    }

    /// `byte[] replogPrometheus(Object owner, long log)`
    fn Java_io_duochain_Natives_replogPrometheus(env, _owner: jobject, log: jlong) -> jbyteArray, ptr::null_mut(); {
        let log: *mut duo_replog = handle(log);
        // SAFETY: any number is accepted; there is as much room as is said.
        let text = whole(|to, room, len| unsafe { duo_replog_prometheus(log, to.cast(), room, len) })?;
        Ok(env.byte_array(&text)?)
    }
}
