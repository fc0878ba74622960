//! `duo_breaker`: a circuit breaker. Its time, and that of all policies, is the library's own clock.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{Outcome as Answer, destroy, library, on};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::record::{self, Record};
use super::status::duo_status;
use crate::env::{Clock, SystemClock};
use crate::resilience::{Adaptive, Breaker, BreakerSettings, Error, Outcome, Refusal, SAVED_BYTES, Ticket};
use crate::types::{Status, UnixNanos};
use std::ffi::c_void;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A circuit breaker.
pub struct duo_breaker {
    _private: [u8; 0],
}

pub(super) struct BreakerObject {
    pub(super) breaker: Arc<Breaker>,
    clock: SystemClock,
}

impl Object for BreakerObject {
    const KIND: Kind = Kind::Breaker;
    type Opaque = duo_breaker;
}

/// The one clock of all policies, so that their times can be compared.
pub(super) fn clock() -> SystemClock {
    static CLOCK: OnceLock<SystemClock> = OnceLock::new();
    *CLOCK.get_or_init(SystemClock::new)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(error.status(), &error)
    }
}

/// What a call that is not let through is told. Frequent, so nothing is formatted.
#[cold]
pub(super) fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Open { .. } => Failure::new(Status::Busy, "the circuit is open"),
        Refusal::Limited(limited) if limited.status() == Status::TooLarge => {
            Failure::of(Status::TooLarge, &limited)
        }
        other => Failure::new(other.status(), ""),
    }
}

/// The call succeeded.
pub const DUO_OUTCOME_SUCCESS: u32 = 0;
/// The peer failed, or took too long.
pub const DUO_OUTCOME_FAILURE: u32 = 1;
/// Says nothing about the peer: the call was not made, or the caller was at fault.
pub const DUO_OUTCOME_ABANDONED: u32 = 2;

pub(super) fn outcome(number: u32) -> Result<Outcome, Failure> {
    match number {
        DUO_OUTCOME_SUCCESS => Ok(Outcome::Success),
        DUO_OUTCOME_FAILURE => Ok(Outcome::Failure),
        DUO_OUTCOME_ABANDONED => Ok(Outcome::Abandoned),
        _ => Err(Failure::argument(format!("{number} is not a DUO_OUTCOME_*"))),
    }
}

/// When a breaker opens and closes. 0 stands for the default of a field.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_breaker_options {
    /// `sizeof(duo_breaker_options)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// How far back outcomes count, 10 ms to 24 h; default 10 s.
    pub window_ns: u64,
    /// How long it stays open, 1 ms to 24 h; default 5 s.
    pub timeout_ns: u64,
    /// Calls in the window below which it never opens, up to 20,000; default 10.
    pub min_requests: u32,
    /// Share of failures that opens it, in thousandths, up to 1,000; default 500.
    pub threshold_per_mille: u32,
    /// Calls let through at a time while half-open, up to 1,000; default 1.
    pub probes_max: u32,
    /// Successes that close it, up to 1,000; default 3.
    pub successes_to_close: u32,
    /// With `recovery_ns`: the threshold at the moment of closing, regained in that time. 0: always the full one.
    pub floor_per_mille: u32,
    /// 0.
    pub reserved: u32,
    /// See `floor_per_mille`; up to 24 h.
    pub recovery_ns: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_breaker_options {
    const NAME: &'static str = "duo_breaker_options";
}

/// The given number, or the default for 0.
pub(super) const fn or(value: u32, default: u32) -> u32 {
    if value == 0 { default } else { value }
}

/// The given span, or the default for 0.
pub(super) const fn span_or(nanos: u64, default: Duration) -> Duration {
    if nanos == 0 { default } else { Duration::from_nanos(nanos) }
}

impl duo_breaker_options {
    fn settings(&self) -> BreakerSettings {
        let default = BreakerSettings::default();
        let recovery = Duration::from_nanos(self.recovery_ns);
        BreakerSettings {
            window: span_or(self.window_ns, default.window),
            timeout: span_or(self.timeout_ns, default.timeout),
            min_requests: or(self.min_requests, default.min_requests),
            threshold_per_mille: or(self.threshold_per_mille, default.threshold_per_mille),
            probes_max: or(self.probes_max, default.probes_max),
            successes_to_close: or(self.successes_to_close, default.successes_to_close),
            adaptive: (self.floor_per_mille > 0)
                .then_some(Adaptive { floor_per_mille: self.floor_per_mille, recovery }),
        }
    }
}

/// Everything is let through.
pub const DUO_BREAKER_CLOSED: u32 = 0;
/// Nothing is let through.
pub const DUO_BREAKER_OPEN: u32 = 1;
/// A few probes are let through.
pub const DUO_BREAKER_HALF_OPEN: u32 = 2;

/// A breaker's figures.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct duo_breaker_stats_t {
    /// `sizeof(duo_breaker_stats_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// `DUO_BREAKER_*`.
    pub state: u32,
    /// The failure rate that opens it now, in thousandths.
    pub threshold_per_mille: u32,
    /// Calls in the window.
    pub window_calls: u64,
    /// Failures in the window.
    pub window_failures: u64,
    /// Calls reported so far, without probes.
    pub calls: u64,
    /// Failures among them.
    pub failures: u64,
    /// Calls not let through.
    pub rejected: u64,
    /// How often it opened.
    pub opened: u64,
    /// For how many nanoseconds it will still reject.
    pub rejects_for_ns: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_breaker_stats_t {
    const NAME: &'static str = "duo_breaker_stats_t";
}

/// Makes a closed breaker. `options` may be NULL. `DUO_ERR_CONFIG` names a field outside of its range.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_breaker_create(
    options: *const duo_breaker_options,
    breaker: *mut *mut duo_breaker,
) -> duo_status {
    library(Some(Kind::Breaker), || {
        let target = out(breaker, "breaker")?;
        // SAFETY: the header's contract.
        let options = unsafe { record::read(options) }?;
        let breaker = Arc::new(Breaker::new(options.settings())?);
        target.put(handle::insert(BreakerObject { breaker, clock: clock() })?);
        Ok(Status::Ok)
    })
}

/// Asks for a call. `DUO_OK`: make it, and give `ticket` to `duo_breaker_report` once. `DUO_ERR_BUSY`: the
/// circuit is open; do not make it.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_breaker_ask(breaker: *const duo_breaker, ticket: *mut u64) -> duo_status {
    on(breaker, |object: &BreakerObject| {
        let target = out(ticket, "ticket")?;
        match object.breaker.ask_ticket(object.clock.now()) {
            Ok(ticket) => target.put(ticket.get()),
            Err(until) => return Err(refused(Refusal::Open { until })),
        }
        Ok(Status::Ok)
    })
}

/// Says how the call of a ticket ended (`DUO_OUTCOME_*`). A ticket of an earlier state changes nothing.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_breaker_report(
    breaker: *const duo_breaker,
    ticket: u64,
    outcome: u32,
) -> duo_status {
    on(breaker, |object: &BreakerObject| {
        let outcome = self::outcome(outcome)?;
        object.breaker.report(object.clock.now(), Ticket::from_raw(ticket), outcome);
        Ok(Status::Ok)
    })
}

/// Opens it by hand for its time-out.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_breaker_trip(breaker: *const duo_breaker) -> duo_status {
    on(breaker, |object: &BreakerObject| {
        object.breaker.trip(object.clock.now());
        Ok(Status::Ok)
    })
}

/// Closes it by hand and forgets the window.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_breaker_reset(breaker: *const duo_breaker) -> duo_status {
    on(breaker, |object: &BreakerObject| {
        object.breaker.reset();
        Ok(Status::Ok)
    })
}

/// Its figures.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_breaker_stats(
    breaker: *const duo_breaker,
    stats: *mut duo_breaker_stats_t,
) -> duo_status {
    on(breaker, |object: &BreakerObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(stats) }?;
        let now = object.clock.now();
        let stats = object.breaker.stats(now);
        target.put(duo_breaker_stats_t {
            struct_size: 0,
            flags: 0,
            state: stats.state as u32,
            threshold_per_mille: object.breaker.threshold_per_mille(now),
            window_calls: stats.window_calls,
            window_failures: stats.window_failures,
            calls: stats.calls,
            failures: stats.failures,
            rejected: stats.rejected,
            opened: stats.opened,
            rejects_for_ns: object.breaker.rejects_for(now).as_nanos() as u64,
        });
        Ok(Status::Ok)
    })
}

/// Its state as bytes, to be restored after a restart. `unix_ns` is the wall-clock time now, in nanoseconds
/// since 1970. `len` gets the full size; a `capacity` of 0 asks for the size only.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_breaker_save(
    breaker: *const duo_breaker,
    unix_ns: u64,
    buf: *mut c_void,
    capacity: usize,
    len: *mut usize,
) -> duo_status {
    on(breaker, |object: &BreakerObject| -> Answer {
        let bytes = object.breaker.save(object.clock.now(), UnixNanos::new(unix_ns));
        argument::put_bytes(&bytes, buf, capacity, len)
    })
}

/// Restores what `duo_breaker_save` wrote; the time between counts as time that it was open.
/// `DUO_ERR_CORRUPTION` for other bytes; nothing has changed then.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_breaker_restore(
    breaker: *const duo_breaker,
    unix_ns: u64,
    bytes: *const c_void,
    len: usize,
) -> duo_status {
    on(breaker, |object: &BreakerObject| {
        // SAFETY: the header's contract. One byte more than ever written says that it is too long.
        let bytes = unsafe { argument::bytes(bytes, len.min(SAVED_BYTES + 1), SAVED_BYTES + 1, "bytes") }?;
        object.breaker.restore(object.clock.now(), UnixNanos::new(unix_ns), bytes)?;
        Ok(Status::Ok)
    })
}

/// Frees the breaker; stacks that have it keep it. NULL is accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_breaker_destroy(breaker: *mut duo_breaker) -> duo_status {
    destroy::<BreakerObject>(breaker)
}
