//! `duo_retry`: whether to try again, and when.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{destroy, library, on};
use super::breaker::{or, span_or};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::record::{self, Record};
use super::status::duo_status;
use crate::resilience::{Backoff, Deadline, Fault, RetryPolicy, RetrySettings};
use crate::types::{Status, Tick};
use std::sync::Arc;

/// A retry policy.
pub struct duo_retry {
    _private: [u8; 0],
}

pub(super) struct RetryObject {
    pub(super) policy: Arc<RetryPolicy>,
}

impl Object for RetryObject {
    const KIND: Kind = Kind::Retry;
    type Opaque = duo_retry;
}

/// The peer's fault, and it may pass: try again.
pub const DUO_FAULT_RETRYABLE: u32 = 0;
/// The peer's fault, and it will not pass.
pub const DUO_FAULT_PERMANENT: u32 = 1;
/// The caller's fault: says nothing about the peer.
pub const DUO_FAULT_CALLER: u32 = 2;

fn fault(number: u32) -> Result<Fault, Failure> {
    match number {
        DUO_FAULT_RETRYABLE => Ok(Fault::Retryable),
        DUO_FAULT_PERMANENT => Ok(Fault::Permanent),
        DUO_FAULT_CALLER => Ok(Fault::Caller),
        _ => Err(Failure::argument(format!("{number} is not a DUO_FAULT_*"))),
    }
}

/// How often, how long, how far apart. 0 stands for the default of a field.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_retry_options {
    /// `sizeof(duo_retry_options)`.
    pub struct_size: u32,
    /// 0, or `DUO_RETRY_NO_JITTER`.
    pub flags: u32,
    /// Delay after the first failure; default 100 ms.
    pub delay_min_ns: u64,
    /// No delay is longer, jitter aside; up to 24 h; default 5 s.
    pub delay_max_ns: u64,
    /// Time for all attempts, up to 24 h; default 10 s.
    pub total_ns: u64,
    /// Growth from one delay to the next, up to 100; default 2.
    pub multiplier: u32,
    /// Each delay is longer or shorter by up to so many percent, up to 100; default 25.
    pub jitter_percent: u32,
    /// Attempts, the first included, up to 1,000; default 3.
    pub attempts: u32,
    /// 0.
    pub reserved: u32,
}

/// Delays without chance.
pub const DUO_RETRY_NO_JITTER: u32 = 1;

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_retry_options {
    const NAME: &'static str = "duo_retry_options";
    const FLAGS: u32 = DUO_RETRY_NO_JITTER;
}

/// A policy's figures.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct duo_retry_stats_t {
    /// `sizeof(duo_retry_stats_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Attempts after a failure.
    pub retries: u64,
    /// Calls given up because the failure does not pass.
    pub not_retryable: u64,
    /// Calls given up because all attempts were used up.
    pub attempts_spent: u64,
    /// Calls given up because the total time was.
    pub time_spent: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_retry_stats_t {
    const NAME: &'static str = "duo_retry_stats_t";
}

/// Makes a policy. `options` may be NULL. `DUO_ERR_CONFIG` names a field outside of its range.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_retry_create(
    options: *const duo_retry_options,
    retry: *mut *mut duo_retry,
) -> duo_status {
    library(Some(Kind::Retry), || {
        let target = out(retry, "retry")?;
        // SAFETY: the header's contract.
        let options = unsafe { record::read(options) }?;
        let default = RetrySettings::default();
        let jitter = or(options.jitter_percent, default.jitter_percent);
        let settings = RetrySettings {
            backoff: Backoff {
                min: span_or(options.delay_min_ns, default.backoff.min),
                max: span_or(options.delay_max_ns, default.backoff.max),
                multiplier: or(options.multiplier, default.backoff.multiplier),
            },
            jitter_percent: if options.flags & DUO_RETRY_NO_JITTER == 0 { jitter } else { 0 },
            attempts: or(options.attempts, default.attempts),
            total: span_or(options.total_ns, default.total),
        };
        let policy = Arc::new(RetryPolicy::new(settings)?);
        target.put(handle::insert(RetryObject { policy })?);
        Ok(Status::Ok)
    })
}

/// What to do after the `failures`th failure in a row, 1-based, `elapsed_ns` after the start of the first
/// attempt. `DUO_OK`: try again after `delay_ns`. `DUO_END`: give up. `entropy` is any number by chance.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_retry_after(
    retry: *const duo_retry,
    failures: u32,
    elapsed_ns: i64,
    fault: u32,
    entropy: u64,
    delay_ns: *mut i64,
) -> duo_status {
    on(retry, |object: &RetryObject| {
        let target = out(delay_ns, "delay_ns")?;
        let fault = self::fault(fault)?;
        if failures == 0 || elapsed_ns < 0 {
            return Err(Failure::argument("failures is 1 or more, elapsed_ns 0 or more"));
        }
        let now = Tick::ZERO.after(argument::timeout(elapsed_ns));
        let end = Deadline::after(Tick::ZERO, object.policy.settings().total);
        match object.policy.after(now, end, failures, fault, entropy) {
            Ok(at) => {
                target.put(at.since(now).as_nanos() as i64);
                Ok(Status::Ok)
            }
            Err(_) => Ok(Status::End),
        }
    })
}

/// Its figures.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_retry_stats(
    retry: *const duo_retry,
    stats: *mut duo_retry_stats_t,
) -> duo_status {
    on(retry, |object: &RetryObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(stats) }?;
        let stats = object.policy.stats();
        target.put(duo_retry_stats_t {
            struct_size: 0,
            flags: 0,
            retries: stats.retries,
            not_retryable: stats.not_retryable,
            attempts_spent: stats.attempts_spent,
            time_spent: stats.time_spent,
        });
        Ok(Status::Ok)
    })
}

/// Frees the policy; stacks that have it keep it. NULL is accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_retry_destroy(retry: *mut duo_retry) -> duo_status {
    destroy::<RetryObject>(retry)
}
