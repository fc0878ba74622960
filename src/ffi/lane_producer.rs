//! `duo_lane_producer`: shared lanes, the side of the producers, in any process.
//!
//! # Limits
//! A producer is for one thread at a time; a second one gets `DUO_ERR_BUSY`. It has one claim at a time.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{destroy, library, on};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::queue::{duo_claim, read_claim};
use super::status::duo_status;
use crate::pool::Meta;
use crate::queue::{SharedProducer, SharedWriting};
use crate::types::Status;
use parking_lot::{Mutex, MutexGuard};
use std::ffi::{c_char, c_int, c_void};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// A producer on shared lanes, in any process of the same user.
pub struct duo_lane_producer {
    _private: [u8; 0],
}

struct ProducerObject {
    attached: Mutex<Attached>,
    /// The handle is being freed: a call that waits has to return.
    leaving: AtomicBool,
}

struct Attached {
    producer: SharedProducer,
    /// The claim that is out, and its number.
    claimed: Option<(u64, SharedWriting)>,
    claims: u64,
}

impl Object for ProducerObject {
    const KIND: Kind = Kind::LaneProducer;
    type Opaque = duo_lane_producer;

    fn close(&self) {
        // Relaxed: nothing but the flag itself is passed on.
        self.leaving.store(true, Ordering::Relaxed);
    }
}

impl ProducerObject {
    fn enter(&self) -> Result<MutexGuard<'_, Attached>, Failure> {
        let busy = || Failure::new(Status::Busy, "another thread is using this producer");
        self.attached.try_lock().ok_or_else(busy)
    }
}

impl Attached {
    fn expect_no_claim(&self) -> Result<(), Failure> {
        match self.claimed {
            None => Ok(()),
            Some(_) => {
                Err(Failure::new(Status::Busy, "the producer's claim is neither committed nor aborted"))
            }
        }
    }

    /// The claim that is out, if `handle` names it.
    fn claim(&self, handle: u64) -> Result<SharedWriting, Failure> {
        let claim = self.claimed.filter(|(number, _)| *number == handle);
        let stale = || Failure::new(Status::BadHandle, "the claim was committed or aborted, or never made");
        claim.map(|(_, writing)| writing).ok_or_else(stale)
    }
}

fn attached(producer: SharedProducer) -> Result<*mut duo_lane_producer, Failure> {
    let attached = Mutex::new(Attached { producer, claimed: None, claims: 0 });
    handle::insert(ProducerObject { attached, leaving: AtomicBool::new(false) })
}

/// Attaches to shared lanes of a queue, in this process or another of the same user. `DUO_NOT_FOUND` when
/// there is no such file, `DUO_ERR_CORRUPTION` when it is something else or cut short, `DUO_ERR_UNSUPPORTED`
/// when it is of another version, `DUO_ERR_PERMISSION` when it is not this user's alone, `DUO_ERR_BUSY` when
/// all seats are taken, `DUO_ERR_CLOSED` when it was closed or its queue's process has ended.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_attach(
    path: *const c_char,
    producer: *mut *mut duo_lane_producer,
) -> duo_status {
    library(Some(Kind::LaneProducer), || {
        let target = out(producer, "producer")?;
        // SAFETY: the header's contract.
        let path = unsafe { argument::text(path, "path") }?;
        target.put(attached(SharedProducer::attach(path)?)?);
        Ok(Status::Ok)
    })
}

/// As `duo_lane_attach`, to a descriptor that the queue's process passed on. The descriptor stays the
/// caller's.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_attach_fd(fd: c_int, producer: *mut *mut duo_lane_producer) -> duo_status {
    library(Some(Kind::LaneProducer), || {
        let target = out(producer, "producer")?;
        if fd < 0 {
            return Err(Failure::argument(format!("{fd} is not a descriptor")));
        }
        // SAFETY: not negative; a number that is no open descriptor is refused by the system.
        let own = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned();
        let own = own.map_err(|error| Failure::argument(format!("descriptor {fd}: {error}")))?;
        target.put(attached(SharedProducer::attach_fd(own)?)?);
        Ok(Status::Ok)
    })
}

/// Gives the seat back and frees the handle. A claim that is out is aborted; what was committed stays. NULL is
/// accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_detach(producer: *mut duo_lane_producer) -> duo_status {
    destroy::<ProducerObject>(producer)
}

/// Copies a transaction into a shared lane. `tag` comes back with it. `DUO_AGAIN` when the lane or this
/// producer's room is full, `DUO_ERR_TOO_LARGE`, `DUO_ERR_INVALID_TX` when empty, `DUO_ERR_CLOSED`,
/// `DUO_ERR_CORRUPTION` when somebody wrote over this producer's records: detach and attach again.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_enqueue(
    producer: *const duo_lane_producer,
    lane: u32,
    tx: *const c_void,
    len: usize,
    tag: u64,
) -> duo_status {
    on(producer, |object: &ProducerObject| {
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::transaction(tx, len) }?;
        let mut attached = object.enter()?;
        attached.expect_no_claim()?;
        attached.producer.enqueue(argument::lane(lane)?, bytes, Meta { tag, stamp: 0 })?;
        Ok(Status::Ok)
    })
}

/// As `duo_lane_enqueue`, waiting for room up to `timeout_ns`: `DUO_TIMEOUT`. Nobody wakes a producer: it spins, yields
/// and then sleeps, 2 ms at a time at most. `DUO_ERR_CLOSED` soon after the lanes were closed or the queue's process
/// ended, or another thread detached the producer; any other call on it meanwhile is `DUO_ERR_BUSY`.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_enqueue_wait(
    producer: *const duo_lane_producer,
    lane: u32,
    tx: *const c_void,
    len: usize,
    tag: u64,
    timeout_ns: i64,
) -> duo_status {
    on(producer, |object: &ProducerObject| {
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::transaction(tx, len) }?;
        let mut attached = object.enter()?;
        attached.expect_no_claim()?;
        let (lane, timeout) = (argument::lane(lane)?, argument::timeout(timeout_ns));
        let leaving = || object.leaving.load(Ordering::Relaxed);
        attached.producer.enqueue_until(lane, bytes, Meta { tag, stamp: 0 }, timeout, leaving)?;
        Ok(Status::Ok)
    })
}

/// Takes room for exactly `len` bytes in the segment, to write a transaction in place. A producer has one claim
/// at a time: `DUO_ERR_BUSY`. Otherwise as `duo_lane_enqueue`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_claim(
    producer: *const duo_lane_producer,
    lane: u32,
    len: usize,
    claim: *mut duo_claim,
) -> duo_status {
    on(producer, |object: &ProducerObject| {
        let target = out(claim, "claim")?;
        let attached = &mut *object.enter()?;
        attached.expect_no_claim()?;
        let writing = attached.producer.begin(argument::lane(lane)?, len)?;
        attached.claims += 1;
        attached.claimed = Some((attached.claims, writing));
        let data = attached.producer.bytes_of(writing).cast();
        target.put(duo_claim { data, len, handle: attached.claims, lane, chain: 0 });
        Ok(Status::Ok)
    })
}

/// Puts a claimed transaction into its lane. On `DUO_AGAIN` the claim stays as it is and can be committed
/// again. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before. Only `handle` is looked at.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_commit(
    producer: *const duo_lane_producer,
    claim: *const duo_claim,
    tag: u64,
) -> duo_status {
    on(producer, |object: &ProducerObject| {
        // SAFETY: the header's contract.
        let handle = unsafe { read_claim(claim) }?.handle;
        let attached = &mut *object.enter()?;
        let writing = attached.claim(handle)?;
        attached.producer.finish(writing, Meta { tag, stamp: 0 })?;
        attached.claimed = None;
        Ok(Status::Ok)
    })
}

/// Gives the room of a claim back. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_abort(
    producer: *const duo_lane_producer,
    claim: *const duo_claim,
) -> duo_status {
    on(producer, |object: &ProducerObject| {
        // SAFETY: the header's contract.
        let handle = unsafe { read_claim(claim) }?.handle;
        let attached = &mut *object.enter()?;
        let writing = attached.claim(handle)?;
        attached.producer.abort(writing);
        attached.claimed = None;
        Ok(Status::Ok)
    })
}
