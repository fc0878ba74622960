//! `duo_limiter`: a rate limiter.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{destroy, library, on};
use super::breaker::{clock, or, refused, span_or};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::record::{self, Record};
use super::status::duo_status;
use crate::env::{Clock, SystemClock};
use crate::resilience::{LimitedWait, Limiter, LimiterSettings, Refusal};
use crate::types::Status;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A rate limiter.
pub struct duo_limiter {
    _private: [u8; 0],
}

pub(super) struct LimiterObject {
    pub(super) limiter: Arc<Limiter>,
    clock: SystemClock,
    closing: AtomicBool,
}

impl Object for LimiterObject {
    const KIND: Kind = Kind::Limiter;
    type Opaque = duo_limiter;

    fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

/// Longest sleep of a waiting call before it looks whether the object is being destroyed.
pub(super) const SLICE: Duration = Duration::from_millis(20);

/// What a waiting call is told whose object is being destroyed.
pub(super) fn closed() -> Failure {
    Failure::new(Status::Closed, "destroyed while a call was waiting")
}

/// How many tokens come, and how many can be saved up. 0 stands for the default of a field.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_limiter_options {
    /// `sizeof(duo_limiter_options)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Tokens that come in each period, at most one per nanosecond; default 100.
    pub tokens: u32,
    /// Tokens that can be saved up, up to 2^30; default a tenth of `tokens`, at least 1.
    pub burst: u32,
    /// The period, up to 366 days; default 1 s.
    pub period_ns: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_limiter_options {
    const NAME: &'static str = "duo_limiter_options";
}

/// A limiter's figures.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct duo_limiter_stats_t {
    /// `sizeof(duo_limiter_stats_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Tokens that could be had at once.
    pub available: u32,
    /// Tokens that can be saved up.
    pub burst: u32,
    /// Calls refused so far because of the rate.
    pub refused: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_limiter_stats_t {
    const NAME: &'static str = "duo_limiter_stats_t";
}

/// Makes a limiter with a full burst. `options` may be NULL. `DUO_ERR_CONFIG` names a field outside of its
/// range.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_limiter_create(
    options: *const duo_limiter_options,
    limiter: *mut *mut duo_limiter,
) -> duo_status {
    library(Some(Kind::Limiter), || {
        let target = out(limiter, "limiter")?;
        // SAFETY: the header's contract.
        let options = unsafe { record::read(options) }?;
        let tokens = or(options.tokens, 100);
        let settings = LimiterSettings {
            tokens,
            period: span_or(options.period_ns, Duration::from_secs(1)),
            burst: or(options.burst, (tokens / 10).max(1)),
        };
        let limiter = Arc::new(Limiter::new(settings)?);
        let closing = AtomicBool::new(false);
        target.put(handle::insert(LimiterObject { limiter, clock: clock(), closing })?);
        Ok(Status::Ok)
    })
}

/// Takes `n` tokens, or none. `DUO_AGAIN`: there are fewer now. `DUO_ERR_TOO_LARGE`: more than the burst,
/// which never comes.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_limiter_acquire(limiter: *const duo_limiter, n: u32) -> duo_status {
    on(limiter, |object: &LimiterObject| {
        let granted = object.limiter.acquire(object.clock.now(), n);
        granted.map_err(|limited| refused(Refusal::Limited(limited)))?;
        Ok(Status::Ok)
    })
}

/// As `duo_limiter_acquire`, waiting for the tokens. `DUO_TIMEOUT`: they would come later than in
/// `timeout_ns` (negative: for ever); then it returns at once.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_limiter_acquire_wait(
    limiter: *const duo_limiter,
    n: u32,
    timeout_ns: i64,
) -> duo_status {
    on(limiter, |object: &LimiterObject| {
        let end = object.clock.now().after(argument::timeout(timeout_ns));
        loop {
            let now = object.clock.now();
            let ready = object.limiter.ready_at(now, n).map_err(|l| refused(Refusal::Limited(l)))?;
            let wait = ready.since(now);
            if ready > end && !wait.is_zero() {
                return Ok(Status::Timeout);
            }
            if object.closing.load(Ordering::Relaxed) {
                return Err(closed());
            }
            if wait > SLICE {
                std::thread::sleep(SLICE);
                continue;
            }
            match object.limiter.acquire_blocking(&object.clock, n, wait) {
                Ok(()) => return Ok(Status::Ok),
                Err(LimitedWait::Timeout) => {} // somebody was faster
                Err(LimitedWait::Limited(limited)) => return Err(refused(Refusal::Limited(limited))),
            }
        }
    })
}

/// In how many nanoseconds `n` tokens will be there if nobody takes any; 0 for now. Takes none.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_limiter_ready_in(
    limiter: *const duo_limiter,
    n: u32,
    wait_ns: *mut i64,
) -> duo_status {
    on(limiter, |object: &LimiterObject| {
        let target = out(wait_ns, "wait_ns")?;
        let now = object.clock.now();
        let ready = object.limiter.ready_at(now, n).map_err(|l| refused(Refusal::Limited(l)))?;
        target.put(i64::try_from(ready.since(now).as_nanos()).unwrap_or(i64::MAX));
        Ok(Status::Ok)
    })
}

/// Its figures.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_limiter_stats(
    limiter: *const duo_limiter,
    stats: *mut duo_limiter_stats_t,
) -> duo_status {
    on(limiter, |object: &LimiterObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(stats) }?;
        let stats = object.limiter.stats(object.clock.now());
        let (available, burst, refused) = (stats.available, stats.burst, stats.refused);
        target.put(duo_limiter_stats_t { struct_size: 0, flags: 0, available, burst, refused });
        Ok(Status::Ok)
    })
}

/// Frees the limiter; waiting calls return with `DUO_ERR_CLOSED`. Stacks that have it keep it. NULL is
/// accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_limiter_destroy(limiter: *mut duo_limiter) -> duo_status {
    destroy::<LimiterObject>(limiter)
}
