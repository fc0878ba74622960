//! `duo_sub`: a reader of a node's events.
//!
//! # Model
//! Polling only: an event descriptor and `duo_sub_wait` say when, `duo_sub_poll` hands out copies. There
//! is no callback form, because it would be a thread around these two calls that the host can make
//! better: it knows which thread may run its code.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, DUO_BATCH_MAX, out, out_array};
use super::boundary::{destroy, on};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::log::fixed;
use super::node::{NodeObject, duo_node};
use super::record::{self, Record};
use super::status::duo_status;
use crate::node::{ChainSelect, Event, Start, SubscribeOptions, Subscription};
use crate::types::{Sequence, Status};
use parking_lot::RwLock;
use std::ffi::c_char;
use std::sync::atomic::{AtomicBool, Ordering};

/// `duo_sub_options`: begin at the oldest retained event.
pub const DUO_START_OLDEST: u32 = 0;
/// `duo_sub_options`: begin after the last acknowledged event of the named cursor.
pub const DUO_START_CURSOR: u32 = 1;
/// `duo_sub_options`: begin after the newest event.
pub const DUO_START_LATEST: u32 = 2;

/// `duo_event`: an Alpha block is final.
pub const DUO_EVENT_ALPHA_BLOCK_FINALIZED: u32 = 1;
/// `duo_event`: a Delta block is final.
pub const DUO_EVENT_DELTA_BLOCK_FINALIZED: u32 = 2;
/// `duo_event`: a cross-chain lock is attested.
pub const DUO_EVENT_SAX_LOCK_ATTESTED: u32 = 3;
/// `duo_event`: a cross-chain lock is released.
pub const DUO_EVENT_SAX_UNLOCKED: u32 = 4;
/// `duo_event`: a governance decision took effect.
pub const DUO_EVENT_GOVERNANCE_EXECUTED: u32 = 5;
/// `duo_event`: a governance decision missed its window.
pub const DUO_EVENT_GOVERNANCE_EXPIRED: u32 = 6;
/// `duo_event`: both chains reached the end of an epoch.
pub const DUO_EVENT_EPOCH_BOUNDARY_REACHED: u32 = 7;
/// `duo_event`: a change of epoch was put off.
pub const DUO_EVENT_EPOCH_ABORTED: u32 = 8;
/// `duo_event`: the chain's service got worse.
pub const DUO_EVENT_CHAIN_DEGRADED: u32 = 9;
/// `duo_event`: the chain's service got better.
pub const DUO_EVENT_CHAIN_RECOVERED: u32 = 10;
/// `duo_event`: a validator lost stake.
pub const DUO_EVENT_VALIDATOR_SLASHED: u32 = 11;
/// `duo_event`: a validator was excluded for a while.
pub const DUO_EVENT_VALIDATOR_JAILED: u32 = 12;

/// A reader of events.
pub struct duo_sub {
    _private: [u8; 0],
}

pub(super) struct SubObject {
    /// Written by poll and seek, which never wait for it; all others share it.
    subscription: RwLock<Subscription>,
    closed: AtomicBool,
}

impl Object for SubObject {
    const KIND: Kind = Kind::Sub;
    type Opaque = duo_sub;

    fn close(&self) {
        // Release pairs with the Acquire in duo_sub_wait.
        self.closed.store(true, Ordering::Release);
        if let Some(subscription) = self.subscription.try_read_recursive() {
            subscription.wake();
        }
    }
}

/// What to follow, and from where. All zero means both chains from the oldest event, without a cursor.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_sub_options {
    /// `sizeof(duo_sub_options)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// A `DUO_CHAIN_*`; 0: both.
    pub chain: u32,
    /// A `DUO_START_*`.
    pub start: u32,
    /// Name of the durable cursor that `duo_sub_ack` moves; NULL: none. Read during the call only.
    pub name: *const c_char,
}

// SAFETY: integers and a raw pointer, struct_size and flags first.
unsafe impl Record for duo_sub_options {
    const NAME: &'static str = "duo_sub_options";
}

/// One entry of a chain's event stream.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_event {
    /// Its number in the chain's stream, from 1 without gaps.
    pub sequence: u64,
    /// The block concerned; for health, the highest final one.
    pub height: u64,
    /// Header time of a final block, otherwise the time of the change, in nanoseconds since 1970.
    pub time_unix_ns: u64,
    /// The chain whose stream it is in.
    pub chain: u32,
    /// A `DUO_EVENT_*`.
    pub kind: u32,
    /// Transactions in the block; 0 for other kinds.
    pub tx_count: u32,
    /// The chain's `DUO_HEALTH_*` after a change; 0 for other kinds.
    pub health: u32,
    /// Hash of the block.
    pub hash: [u8; 32],
    /// A short text for people, NUL-terminated; empty for final blocks.
    pub detail: [c_char; 184],
}

impl From<&Event> for duo_event {
    fn from(event: &Event) -> Self {
        Self {
            sequence: event.sequence.get(),
            height: event.height.get(),
            time_unix_ns: event.time.get(),
            chain: u32::from(event.chain.wire()),
            kind: u32::from(event.kind.code()),
            tx_count: event.tx_count,
            health: event.health.map_or(0, |state| state as u32),
            hash: *event.hash.as_bytes(),
            detail: fixed(&event.detail),
        }
    }
}

/// # Safety
/// The name is NULL or readable.
unsafe fn options(options: &duo_sub_options) -> Result<SubscribeOptions, Failure> {
    let chains = match options.chain {
        0 => ChainSelect::Both,
        chain => ChainSelect::One(argument::chain(chain)?),
    };
    let start = match options.start {
        DUO_START_OLDEST => Start::Oldest,
        DUO_START_CURSOR => Start::Cursor,
        DUO_START_LATEST => Start::Latest,
        other => return Err(Failure::argument(format!("{other} is not a start of a subscription"))),
    };
    let name = if options.name.is_null() {
        None
    } else {
        // SAFETY: passed on.
        Some(unsafe { argument::text(options.name, "name") }?.to_owned())
    };
    Ok(SubscribeOptions { chains, name, start })
}

/// Makes a reader of a node's events. `sub_options` may be NULL.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_sub_create(
    node: *const duo_node,
    sub_options: *const duo_sub_options,
    sub: *mut *mut duo_sub,
) -> duo_status {
    on(node, |node: &NodeObject| {
        let target = out(sub, "sub")?;
        // SAFETY: the header's contract.
        let options = unsafe { options(&record::read(sub_options)?) }?;
        let subscription = RwLock::new(node.0.subscribe(options)?);
        let sub = handle::insert(SubObject { subscription, closed: AtomicBool::new(false) })?;
        target.put(sub);
        Ok(Status::Ok)
    })
}

/// Lets waiting calls return with `DUO_ERR_CLOSED` and frees the reader. The node may be gone already.
/// NULL is accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_sub_destroy(sub: *mut duo_sub) -> duo_status {
    destroy::<SubObject>(sub)
}

fn busy() -> Failure {
    Failure::new(Status::Busy, "another thread is inside a call on this duo_sub")
}

/// Copies up to `cap` events, each chain's in order without gaps; `n` says how many. `DUO_AGAIN` when
/// there are none yet. `DUO_ERR_BUSY` while another thread polls, seeks or waits.
///
/// [one-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_sub_poll(
    sub: *const duo_sub,
    events: *mut duo_event,
    cap: usize,
    n: *mut usize,
) -> duo_status {
    on(sub, |sub: &SubObject| {
        let n = out(n, "n")?;
        let mut target = out_array(events, cap, "events")?;
        let mut subscription = sub.subscription.try_write().ok_or_else(busy)?;
        let polled = subscription.poll(cap.min(DUO_BATCH_MAX))?;
        polled.iter().for_each(|event| target.push(event.into()));
        n.put(target.filled());
        Ok(if polled.is_empty() { Status::Again } else { Status::Ok })
    })
}

/// Waits up to `timeout_ns` until there are events to poll. `DUO_TIMEOUT` when there are none, or after
/// `duo_sub_wake`; `DUO_ERR_CLOSED` when the reader or the node ends; `DUO_ERR_BUSY` while another thread
/// polls or seeks.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_sub_wait(sub: *const duo_sub, timeout_ns: i64) -> duo_status {
    on(sub, |sub: &SubObject| {
        let subscription = sub.subscription.try_read_recursive().ok_or_else(busy)?;
        // Acquire pairs with the Release in close, on both sides of the wait: the wake of a close is
        // either still to come or its mark is seen here.
        let closed = || sub.closed.load(Ordering::Acquire);
        if !closed() && subscription.wait(argument::timeout(timeout_ns))? {
            return Ok(Status::Ok);
        }
        if closed() {
            return Err(Failure::new(Status::Closed, "the duo_sub is being destroyed"));
        }
        Ok(Status::Timeout)
    })
}

/// Ends a `duo_sub_wait` of another thread, or the next one.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_sub_wake(sub: *const duo_sub) -> duo_status {
    on(sub, |sub: &SubObject| {
        sub.subscription.read_recursive().wake();
        Ok(Status::Ok)
    })
}

/// Moves the durable cursor: everything of `chain` up to `sequence` has been dealt with. Durable when
/// this returns.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_sub_ack(sub: *const duo_sub, chain: u32, sequence: u64) -> duo_status {
    on(sub, |sub: &SubObject| {
        let chain = argument::chain(chain)?;
        sub.subscription.read_recursive().ack(chain, Sequence::new(sequence))?;
        Ok(Status::Ok)
    })
}

/// Goes to an event: the next poll begins with it, or with the oldest retained one.
///
/// [one-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_sub_seek(sub: *const duo_sub, chain: u32, sequence: u64) -> duo_status {
    on(sub, |sub: &SubObject| {
        let chain = argument::chain(chain)?;
        let mut subscription = sub.subscription.try_write().ok_or_else(busy)?;
        subscription.seek(chain, Sequence::new(sequence))?;
        Ok(Status::Ok)
    })
}

/// How many events of a chain wait to be polled, and how many were retired before they were. Either
/// place may be NULL.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_sub_lag(
    sub: *const duo_sub,
    chain: u32,
    waiting: *mut u64,
    dropped: *mut u64,
) -> duo_status {
    on(sub, |sub: &SubObject| {
        let chain = argument::chain(chain)?;
        let (lag, lost) = {
            let subscription = sub.subscription.read_recursive();
            (subscription.lag()[chain.index()], subscription.dropped()[chain.index()])
        };
        for (target, value, name) in [(waiting, lag, "waiting"), (dropped, lost, "dropped")] {
            if !target.is_null() {
                out(target, name)?.put(value);
            }
        }
        Ok(Status::Ok)
    })
}

/// A descriptor that is readable while events may be there; for poll(2) and epoll(7). It belongs to the
/// reader and ends with it: neither read nor close it, and take it out of poll sets before
/// `duo_sub_destroy`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_sub_event_fd(sub: *const duo_sub, fd: *mut i32) -> duo_status {
    on(sub, |sub: &SubObject| {
        let fd = out(fd, "fd")?;
        fd.put(sub.subscription.read_recursive().event_fd()?);
        Ok(Status::Ok)
    })
}

#[cfg(test)]
mod tests {
    use crate::node::EventKind;

    #[test]
    fn every_kind_of_event_has_its_constant() {
        let source = include_str!("sub.rs");
        for kind in EventKind::ALL {
            let row = format!("DUO_EVENT_{}: u32 = {};", kind.name().to_uppercase(), kind.code());
            assert!(source.contains(&row), "missing: {row}");
        }
    }
}
