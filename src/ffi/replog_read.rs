//! `duo_replog`: committed entries out.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, OutArray, out, out_array};
use super::boundary::on;
use super::failure::Failure;
use super::replog::{ReplogObject, duo_replog};
use super::replog_append::DUO_REPLOG_ID_BYTES;
use super::status::duo_status;
use crate::node::replica::{Committed, ReplicaError};
use crate::types::{Index, Status};
use std::ffi::c_void;
use std::time::Duration;

/// Bytes that are read of the log at a time: at least and at most.
const READ_BYTES: std::ops::RangeInclusive<usize> = 64 << 10..=4 << 20;

type Id = [u8; DUO_REPLOG_ID_BYTES];

/// A committed entry.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_entry {
    /// Its place in the log.
    pub index: u64,
    /// The term of the leader that put it there.
    pub term: u64,
    /// Log time in nanoseconds since 1970: that of its leader, and never less than that of the entry before.
    pub time_unix_ns: u64,
    /// Who made it; 0: nobody said.
    pub session: u64,
    /// Its number there.
    pub sequence: u64,
    /// Where its bytes begin in the buffer of the call.
    pub offset: usize,
    /// How many they are.
    pub len: usize,
}

/// Copies committed entries from index `from` on, in order, without those of the cluster itself
/// and without repetitions, waiting up to `timeout_ns` for the first. `n` says how many came; their bytes are in `buf`, `len` of
/// them. Ask next from the last one's index + 1: whoever keeps that number gets each entry once, on whichever
/// node and in whichever process.
///
/// `DUO_TIMEOUT` when none came. `DUO_ERR_TOO_LARGE` when `buf` cannot hold the first; `len` says what it needs.
/// `DUO_NOT_FOUND` when it is in the newest snapshot, and the log no longer shows it: take that
/// (`duo_replog_snapshot_read`) and go on behind its index. That is so where entries were cut for snapshots, where this node
/// was sent one by the leader, and after an opening for all that its newest one stands for. `DUO_ERR_CLOSED` behind the
/// last entry of a closed log.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_read(
    log: *const duo_replog,
    from: u64,
    entries: *mut duo_replog_entry,
    cap: usize,
    buf: *mut c_void,
    buf_cap: usize,
    timeout_ns: i64,
    n: *mut usize,
    len: *mut usize,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        let ids = None;
        log.read_into(from, Places { entries, cap, buf, buf_cap, ids, n, len }, timeout_ns)
    })
}

/// As `duo_replog_read`; `ids` has room for `DUO_REPLOG_ID_BYTES` for each of `cap` entries, and gets those of the entries
/// that came, all zeros for one that has none.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_read_ids(
    log: *const duo_replog,
    from: u64,
    entries: *mut duo_replog_entry,
    ids: *mut c_void,
    cap: usize,
    buf: *mut c_void,
    buf_cap: usize,
    timeout_ns: i64,
    n: *mut usize,
    len: *mut usize,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        let ids = Some(ids.cast());
        log.read_into(from, Places { entries, cap, buf, buf_cap, ids, n, len }, timeout_ns)
    })
}

/// Where a host wants what is read.
struct Places {
    entries: *mut duo_replog_entry,
    cap: usize,
    buf: *mut c_void,
    buf_cap: usize,
    /// As many as entries, where they are wanted.
    ids: Option<*mut Id>,
    n: *mut usize,
    len: *mut usize,
}

struct Copied {
    entries: OutArray<duo_replog_entry>,
    ids: Option<OutArray<Id>>,
    bytes: OutArray<u8>,
    /// Of the entry that did not fit.
    needed: usize,
}

impl ReplogObject {
    fn read_into(&self, from: u64, places: Places, timeout_ns: i64) -> Result<Status, Failure> {
        let Places { entries, cap, buf, buf_cap, ids, n, len } = places;
        let (n, len) = (out(n, "n")?, out(len, "len")?);
        let mut copy = Copied {
            entries: out_array(entries, cap, "entries")?,
            ids: ids.map(|ids| out_array(ids, cap, "ids")).transpose()?,
            bytes: out_array(buf.cast::<u8>(), buf_cap, "buf")?,
            needed: 0,
        };
        if from == 0 || cap == 0 {
            return Err(Failure::argument("entries count from 1, and one has to fit"));
        }
        let status = self.copy(Index::new(from), argument::timeout(timeout_ns), &mut copy);
        let is_short = matches!(&status, Err(failure) if failure.status == Status::TooLarge);
        len.put(if is_short { copy.needed } else { copy.bytes.filled() });
        n.put(copy.entries.filled());
        status
    }

    fn copy(&self, from: Index, timeout: Duration, copy: &mut Copied) -> Result<Status, Failure> {
        let bytes_max = copy.bytes.capacity().clamp(*READ_BYTES.start(), *READ_BYTES.end());
        let batch = match self.replica.poll(from, bytes_max, timeout) {
            Ok(batch) => batch,
            Err(ReplicaError::Timeout) => return Ok(Status::Timeout),
            Err(error) => return Err(error.into()),
        };
        batch.entries().take_while(|committed| copy.take(committed)).for_each(drop);
        if copy.entries.filled() == 0 {
            let (needed, room) = (copy.needed, copy.bytes.capacity());
            let message = format!("the entry needs {needed} bytes, buf has room for {room}");
            return Err(Failure::new(Status::TooLarge, message));
        }
        Ok(Status::Ok)
    }
}

impl Copied {
    /// False when there is no room for it.
    fn take(&mut self, committed: &Committed<'_>) -> bool {
        let (offset, entry) = (self.bytes.filled(), &committed.entry);
        if self.entries.filled() == self.entries.capacity() {
            return false;
        }
        if entry.bytes.len() > self.bytes.capacity() - offset {
            self.needed = entry.bytes.len();
            return false;
        }
        self.bytes.extend(entry.bytes);
        self.entries.push(duo_replog_entry {
            index: committed.index.get(),
            term: committed.term.get(),
            time_unix_ns: committed.time.get(),
            session: entry.origin.session,
            sequence: entry.origin.sequence,
            offset,
            len: entry.bytes.len(),
        });
        if let Some(ids) = &mut self.ids {
            ids.push(entry.id.copied().unwrap_or_default());
        }
        true
    }
}
