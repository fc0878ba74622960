//! `duo_replog`: entries in, and changes of its members.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, DUO_BATCH_MAX, Out, array, duo_iovec, out};
use super::boundary::on;
use super::failure::Failure;
use super::record::{self, Record};
use super::replog::{ReplogObject, duo_replog, node};
use super::status::duo_status;
use crate::frame::{BODY_BYTES_CEILING, ENTRY_ID_BYTES, Origin};
use crate::node::replica::{Identities, Lane, Pending, Receipt, ReplicaError, SubmitOptions, WaitFor};
use crate::raft::Change;
use crate::types::Status;
use std::ffi::{c_char, c_void};

/// `duo_replog_append_options`: wait until a majority has it on disk; then nothing takes it away.
pub const DUO_REPLOG_WAIT_QUORUM: u32 = 0;
/// `duo_replog_append_options`: wait until the leader has it on disk; a new leader may still drop it.
pub const DUO_REPLOG_WAIT_LOCAL: u32 = 1;
/// `duo_replog_append_options`: wait until every voter has it on disk. `DUO_PARTIAL` when it is committed and this
/// node, which leads no longer or ends, cannot know of every voter.
pub const DUO_REPLOG_WAIT_ALL: u32 = 2;

/// Length of the id of an entry in bytes.
pub const DUO_REPLOG_ID_BYTES: usize = 32;

const _: () = assert!(DUO_REPLOG_ID_BYTES == ENTRY_ID_BYTES);

/// Flag of `duo_replog_append_options`: before what is normal and has no place yet.
pub const DUO_REPLOG_CRITICAL: u32 = 1;

/// `duo_replog_change_t`: this node becomes a learner, or stays what it is with a new address.
pub const DUO_REPLOG_ADD: u32 = 1;
/// `duo_replog_change_t`: this learner becomes a voter.
pub const DUO_REPLOG_PROMOTE: u32 = 2;
/// `duo_replog_change_t`: this voter becomes a learner.
pub const DUO_REPLOG_DEMOTE: u32 = 3;
/// `duo_replog_change_t`: this member leaves.
pub const DUO_REPLOG_REMOVE: u32 = 4;

/// How to append. All zero is the usual way.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_append_options {
    /// `sizeof(duo_replog_append_options)`.
    pub struct_size: u32,
    /// 0, or `DUO_REPLOG_CRITICAL`.
    pub flags: u32,
    /// A `DUO_REPLOG_WAIT_*`.
    pub wait: u32,
    /// 0.
    pub reserved: u32,
    /// Who makes the entries; 0: nobody, they are not protected against repetition.
    pub session: u64,
    /// Number of the first entry in its session; the others follow on. 0 without a session.
    pub sequence: u64,
    /// What the entries are known by beside that, end to end: `DUO_REPLOG_ID_BYTES` for each, all zeros for one that has
    /// none. NULL: none of them has. Read during the call only.
    pub ids: *const c_void,
    /// How many bytes these are; 0 without them. As many as the entries need, or `DUO_ERR_INVALID_ARGUMENT`.
    pub ids_len: usize,
}

// SAFETY: integers and a raw pointer, struct_size and flags first.
unsafe impl Record for duo_replog_append_options {
    const NAME: &'static str = "duo_replog_append_options";
    const FLAGS: u32 = DUO_REPLOG_CRITICAL;
}

/// What became of an append.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_receipt {
    /// Place of its last entry.
    pub index: u64,
    /// The term of the leader that put it there.
    pub term: u64,
    /// So many of its entries were there before under the same session and number, or the same id: they are read once.
    pub repeated: u32,
    /// So many came so late in their session that nobody knows whether they were there before: they are not read.
    pub stale: u32,
}

/// One part of a change of members.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_change_t {
    /// Which node.
    pub node: u64,
    /// Where it is found, for `DUO_REPLOG_ADD`; otherwise NULL. Read during the call only.
    pub address: *const c_char,
    /// A `DUO_REPLOG_ADD`, `_PROMOTE`, `_DEMOTE` or `_REMOVE`.
    pub what: u32,
    /// 0.
    pub reserved: u32,
}

impl From<Receipt> for duo_replog_receipt {
    fn from(receipt: Receipt) -> Self {
        let (index, term) = (receipt.id.index.get(), receipt.id.term.get());
        Self { index, term, repeated: receipt.repeated, stale: receipt.stale }
    }
}

impl duo_replog_append_options {
    /// Those of `count` entries, or none.
    ///
    /// # Safety
    /// `ids` are NULL or as many readable bytes as `ids_len` says.
    unsafe fn ids_of<'a>(&self, count: usize) -> Result<&'a [[u8; DUO_REPLOG_ID_BYTES]], Failure> {
        if self.ids.is_null() && self.ids_len == 0 {
            return Ok(&[]);
        }
        let needed = count.saturating_mul(DUO_REPLOG_ID_BYTES);
        if self.ids_len != needed {
            let message = format!("ids of {} bytes, {count} entries need {needed}", self.ids_len);
            return Err(Failure::argument(message));
        }
        // SAFETY: passed on.
        unsafe { array(self.ids.cast(), count, DUO_BATCH_MAX, "ids") }
    }
}

impl ReplogObject {
    /// All of `items` in one batch.
    pub(super) fn submit<'a>(
        &self,
        items: impl Iterator<Item = Result<&'a [u8], Failure>>,
        options: *const duo_replog_append_options,
    ) -> Result<Pending, Failure> {
        // SAFETY: the header's contract.
        let options = unsafe { record::read(options) }?;
        let wait = match options.wait {
            DUO_REPLOG_WAIT_QUORUM => WaitFor::Quorum,
            DUO_REPLOG_WAIT_LOCAL => WaitFor::Local,
            DUO_REPLOG_WAIT_ALL => WaitFor::All,
            other => return Err(Failure::argument(format!("{other} is nothing to wait for"))),
        };
        let is_critical = options.flags & DUO_REPLOG_CRITICAL != 0;
        let lane = if is_critical { Lane::Critical } else { Lane::Normal };
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let first = Origin { session: options.session, sequence: options.sequence };
        // SAFETY: as above.
        let identities = Identities { first, ids: unsafe { options.ids_of(items.len()) }? };
        Ok(self.replica.submit_all(&items, identities, SubmitOptions { lane, wait })?)
    }

    fn append<'a>(
        &self,
        items: impl Iterator<Item = Result<&'a [u8], Failure>>,
        options: *const duo_replog_append_options,
        timeout_ns: i64,
        receipt: *mut duo_replog_receipt,
    ) -> Result<Status, Failure> {
        let target = out(receipt, "receipt")?;
        answered(self.submit(items, options)?.wait(argument::timeout(timeout_ns)), target)
    }
}

/// What is committed has a receipt, whoever has it.
pub(super) fn answered(
    answer: Result<Receipt, ReplicaError>,
    target: Out<duo_replog_receipt>,
) -> Result<Status, Failure> {
    let (receipt, status) = match answer {
        Ok(receipt) => (receipt, Status::Ok),
        Err(ReplicaError::NotEverywhere(receipt)) => (receipt, Status::Partial),
        Err(error) => return Err(error.into()),
    };
    target.put(receipt.into());
    Ok(status)
}

/// Appends an entry and waits until it is committed. `options` may be NULL. With a session and a number, or an id, it
/// can be appended again, on any node, when the answer got lost: it is read once, and `receipt` says so.
///
/// Nothing of it is in the log after `DUO_AGAIN` (too much waits, or leadership changes: ask again),
/// `DUO_ERR_NOT_LEADER` (`duo_last_error` says who leads: ask there), `DUO_ERR_CONFLICT` (it had a place, and
/// a new leader has put something else there), `DUO_ERR_TOO_LARGE` and `DUO_ERR_INVALID_ARGUMENT`. It is in the log
/// for ever after `DUO_OK` and `DUO_PARTIAL` (asked for `DUO_REPLOG_WAIT_ALL`: a voter may lack it; nothing is to be
/// tried again, whatever `duo_status_class` says of that number); `receipt` is filled in by these two. After any
/// other status nobody knows: `DUO_TIMEOUT`, and when this node ends meanwhile `DUO_ERR_CLOSED` or
/// `DUO_ERR_POISONED`; it may be committed, now or later.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_append(
    log: *const duo_replog,
    entry: *const c_void,
    len: usize,
    options: *const duo_replog_append_options,
    timeout_ns: i64,
    receipt: *mut duo_replog_receipt,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::bytes(entry, len, BODY_BYTES_CEILING, "the entry") }?;
        log.append([Ok(bytes)].into_iter(), options, timeout_ns, receipt)
    })
}

/// As `duo_replog_append` for `n` entries, all or none; they get the indexes up to that of `receipt`. `DUO_ERR_TOO_LARGE`
/// when they are more, or have more bytes, than a batch of this log.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_append_batch(
    log: *const duo_replog,
    entries: *const duo_iovec,
    n: usize,
    options: *const duo_replog_append_options,
    timeout_ns: i64,
    receipt: *mut duo_replog_receipt,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let items = unsafe { array(entries, n, DUO_BATCH_MAX, "entries") }?;
        let bytes = items
            .iter()
            // SAFETY: as above.
            .map(|item| unsafe { argument::bytes(item.data, item.len, BODY_BYTES_CEILING, "an entry") });
        log.append(bytes, options, timeout_ns, receipt)
    })
}

/// As `duo_replog_append_batch` with all entries in one buffer, end to end: entry i has `lens[i]` bytes.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_append_flat(
    log: *const duo_replog,
    bytes: *const c_void,
    lens: *const u32,
    n: usize,
    options: *const duo_replog_append_options,
    timeout_ns: i64,
    receipt: *mut duo_replog_receipt,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let lens = unsafe { array(lens, n, DUO_BATCH_MAX, "lens") }?;
        // SAFETY: as above.
        let items = unsafe { flat(bytes, lens) }?;
        log.append(items, options, timeout_ns, receipt)
    })
}

/// Changes who is in the cluster, all of `changes` in one step; asked of the leader. Returns once that is
/// committed, and for voters once the step between (both majorities decide) is over. A node that becomes a voter
/// is added first, and promoted once it has caught up. `DUO_AGAIN`, and nothing is done, while another change is under
/// way, while the node to be promoted lacks much of the log, and while leadership is handed over; other statuses as for
/// `duo_replog_append`.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_change(
    log: *const duo_replog,
    changes: *const duo_replog_change_t,
    n: usize,
    timeout_ns: i64,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let change = unsafe { change(changes, n) }?;
        log.replica.change(change, argument::timeout(timeout_ns))?;
        Ok(Status::Ok)
    })
}

/// # Safety
/// `bytes` are as many readable ones as `lens` says.
pub(super) unsafe fn flat(
    bytes: *const c_void,
    lens: &[u32],
) -> Result<impl Iterator<Item = Result<&[u8], Failure>>, Failure> {
    let total: u64 = lens.iter().map(|len| u64::from(*len)).sum();
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    // SAFETY: passed on.
    let mut left = unsafe { argument::bytes(bytes, total, BODY_BYTES_CEILING, "the entries") }?;
    Ok(lens.iter().map(move |len| {
        let (item, rest) = left.split_at(*len as usize);
        left = rest;
        Ok(item)
    }))
}

/// # Safety
/// `changes` are `n` readable ones with readable texts.
pub(super) unsafe fn change(changes: *const duo_replog_change_t, n: usize) -> Result<Change, Failure> {
    let mut change = Change::default();
    // SAFETY: passed on.
    for part in unsafe { array(changes, n, super::replog::DUO_REPLOG_MEMBERS_MAX, "changes") }? {
        let node = node(part.node)?;
        match part.what {
            DUO_REPLOG_ADD => {
                // SAFETY: passed on.
                let address = unsafe { argument::text(part.address, "the address of a member") }?;
                change.add.insert(node, address.to_owned());
            }
            DUO_REPLOG_PROMOTE => drop(change.promote.insert(node)),
            DUO_REPLOG_DEMOTE => drop(change.demote.insert(node)),
            DUO_REPLOG_REMOVE => drop(change.remove.insert(node)),
            other => return Err(Failure::argument(format!("{other} is not a change of members"))),
        }
    }
    Ok(change)
}
