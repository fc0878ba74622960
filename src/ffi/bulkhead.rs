//! `duo_bulkhead`: so many calls at a time, so many more in line.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{destroy, library, on};
use super::breaker::{clock, or};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::limiter::{SLICE, closed};
use super::record::{self, Record};
use super::status::duo_status;
use crate::env::{Clock, SystemClock};
use crate::resilience::{Bulkhead, BulkheadSettings, Crowded};
use crate::types::Status;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bounds concurrency.
pub struct duo_bulkhead {
    _private: [u8; 0],
}

pub(super) struct BulkheadObject {
    pub(super) bulkhead: Arc<Bulkhead>,
    clock: SystemClock,
    closing: AtomicBool,
}

impl Object for BulkheadObject {
    const KIND: Kind = Kind::Bulkhead;
    type Opaque = duo_bulkhead;

    fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

impl From<Crowded> for Failure {
    fn from(crowded: Crowded) -> Self {
        Self::new(crowded.status(), "")
    }
}

/// How many calls at a time, and how many in line. 0 stands for the default of `permits`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_bulkhead_options {
    /// `sizeof(duo_bulkhead_options)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Calls at a time, up to 65,000; default 16.
    pub permits: u32,
    /// Waiters in line, up to 65,000; 0: nobody waits.
    pub queue: u32,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_bulkhead_options {
    const NAME: &'static str = "duo_bulkhead_options";
}

/// A bulkhead's figures.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct duo_bulkhead_stats_t {
    /// `sizeof(duo_bulkhead_stats_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Permits.
    pub permits: u32,
    /// Permits that are out.
    pub in_use: u32,
    /// Callers in line.
    pub waiting: u32,
    /// 0.
    pub reserved: u32,
    /// Permits taken so far.
    pub taken: u64,
    /// Callers sent away.
    pub refused: u64,
    /// Waiters that left before their turn.
    pub left: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_bulkhead_stats_t {
    const NAME: &'static str = "duo_bulkhead_stats_t";
}

/// Makes a bulkhead with all permits in. `options` may be NULL. `DUO_ERR_CONFIG` names a field outside of
/// its range.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_bulkhead_create(
    options: *const duo_bulkhead_options,
    bulkhead: *mut *mut duo_bulkhead,
) -> duo_status {
    library(Some(Kind::Bulkhead), || {
        let target = out(bulkhead, "bulkhead")?;
        // SAFETY: the header's contract.
        let options = unsafe { record::read(options) }?;
        let settings = BulkheadSettings { permits: or(options.permits, 16), queue: options.queue };
        let bulkhead = Arc::new(Bulkhead::new(settings)?);
        let closing = AtomicBool::new(false);
        target.put(handle::insert(BulkheadObject { bulkhead, clock: clock(), closing })?);
        Ok(Status::Ok)
    })
}

/// Takes a permit that is free; does not overtake anybody in line. `DUO_AGAIN`: all are out. Give it back
/// with `duo_bulkhead_release`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_bulkhead_acquire(bulkhead: *const duo_bulkhead) -> duo_status {
    on(bulkhead, |object: &BulkheadObject| {
        object.bulkhead.take_one()?;
        Ok(Status::Ok)
    })
}

/// Takes a permit, waiting in line for up to `timeout_ns` (negative: for ever), first come, first served.
/// `DUO_AGAIN`: the line is full. `DUO_TIMEOUT`: it was not this caller's turn.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_bulkhead_acquire_wait(
    bulkhead: *const duo_bulkhead,
    timeout_ns: i64,
) -> duo_status {
    on(bulkhead, |object: &BulkheadObject| {
        if timeout_ns == 0 {
            object.bulkhead.take_one()?;
            return Ok(Status::Ok);
        }
        let Some(place) = object.bulkhead.line_up()? else { return Ok(Status::Ok) };
        let waited = object.wait(place, timeout_ns);
        if !matches!(waited, Ok(Status::Ok)) {
            object.bulkhead.leave_line(place);
        }
        waited
    })
}

impl BulkheadObject {
    /// Waits in slices, keeping the place.
    fn wait(&self, place: u64, timeout_ns: i64) -> Result<Status, Failure> {
        let end = self.clock.now().after(argument::timeout(timeout_ns));
        loop {
            let left = end.since(self.clock.now());
            match self.bulkhead.await_turn(place, &self.clock, left.min(SLICE)) {
                None => return Err(Failure::argument(format!("{place} is not a place in line"))),
                Some(true) => return Ok(Status::Ok),
                Some(false) if left.is_zero() => return Ok(Status::Timeout),
                Some(false) if self.closing.load(Ordering::Relaxed) => return Err(closed()),
                Some(false) => {}
            }
        }
    }
}

/// Takes a permit or a place in line, and waits for nothing. `DUO_OK`: a permit; `place` is 2^64 - 1.
/// `DUO_PARTIAL`: a place; ask `duo_bulkhead_await`, or give it up with `duo_bulkhead_leave`. `DUO_AGAIN`: the
/// line is full.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_bulkhead_line_up(bulkhead: *const duo_bulkhead, place: *mut u64) -> duo_status {
    on(bulkhead, |object: &BulkheadObject| {
        let target = out(place, "place")?;
        match object.bulkhead.line_up()? {
            None => {
                target.put(u64::MAX);
                Ok(Status::Ok)
            }
            Some(place) => {
                target.put(place);
                Ok(Status::Partial)
            }
        }
    })
}

/// Waits for the turn of a place. `DUO_OK`: the permit is yours, and the place is gone. `DUO_TIMEOUT`: it
/// is still in line. One thread at a time waits for a place.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_bulkhead_await(
    bulkhead: *const duo_bulkhead,
    place: u64,
    timeout_ns: i64,
) -> duo_status {
    on(bulkhead, |object: &BulkheadObject| object.wait(place, timeout_ns))
}

/// Gives up a place; a permit that was handed to it goes to the next. `DUO_ERR_INVALID_ARGUMENT` when there
/// is no such place.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_bulkhead_leave(bulkhead: *const duo_bulkhead, place: u64) -> duo_status {
    on(bulkhead, |object: &BulkheadObject| match object.bulkhead.leave_line(place) {
        true => Ok(Status::Ok),
        false => Err(Failure::argument(format!("{place} is not a place in line"))),
    })
}

/// Gives a permit back, to whoever is in front of the line. `DUO_ERR_INVALID_ARGUMENT` when none is out.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_bulkhead_release(bulkhead: *const duo_bulkhead) -> duo_status {
    on(bulkhead, |object: &BulkheadObject| match object.bulkhead.release_one() {
        true => Ok(Status::Ok),
        false => Err(Failure::argument("no permit is out")),
    })
}

/// Its figures.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_bulkhead_stats(
    bulkhead: *const duo_bulkhead,
    stats: *mut duo_bulkhead_stats_t,
) -> duo_status {
    on(bulkhead, |object: &BulkheadObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(stats) }?;
        let stats = object.bulkhead.stats();
        target.put(duo_bulkhead_stats_t {
            struct_size: 0,
            flags: 0,
            permits: stats.permits,
            in_use: stats.in_use,
            waiting: stats.waiting,
            reserved: 0,
            taken: stats.taken,
            refused: stats.refused,
            left: stats.left,
        });
        Ok(Status::Ok)
    })
}

/// Frees the bulkhead; waiting calls return with `DUO_ERR_CLOSED`. Stacks that have it keep it. NULL is
/// accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_bulkhead_destroy(bulkhead: *mut duo_bulkhead) -> duo_status {
    destroy::<BulkheadObject>(bulkhead)
}
