//! `duo_stack`: circuit, rate and bulkhead in one call.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::out;
use super::boundary::{destroy, library, on};
use super::breaker::{BreakerObject, clock, duo_breaker, outcome, refused};
use super::bulkhead::{BulkheadObject, duo_bulkhead};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::limiter::{LimiterObject, duo_limiter};
use super::retry::{RetryObject, duo_retry};
use super::status::duo_status;
use crate::env::{Clock, SystemClock};
use crate::resilience::{Stack, Ticket};
use crate::types::Status;
use std::sync::Arc;

/// Policies in the order circuit, rate, bulkhead, retry.
pub struct duo_stack {
    _private: [u8; 0],
}

pub(super) struct StackObject {
    pub(super) stack: Arc<Stack>,
    clock: SystemClock,
}

impl Object for StackObject {
    const KIND: Kind = Kind::Stack;
    type Opaque = duo_stack;
}

impl StackObject {
    pub(super) fn of(stack: Arc<Stack>) -> Self {
        Self { stack, clock: clock() }
    }
}

/// What `handle` names, if it is not NULL.
fn part<T: Object, P>(
    handle: *const T::Opaque,
    part: impl FnOnce(&T) -> Arc<P>,
) -> Result<Option<Arc<P>>, Failure> {
    if handle.is_null() { Ok(None) } else { handle::with(handle.addr() as u64, part).map(Some) }
}

/// Makes a stack of parts, each of which may be NULL, may be in several stacks, and may be destroyed before
/// them. `retry` takes no part in `duo_stack_enter`; it is there for reports.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_stack_create(
    breaker: *const duo_breaker,
    limiter: *const duo_limiter,
    bulkhead: *const duo_bulkhead,
    retry: *const duo_retry,
    stack: *mut *mut duo_stack,
) -> duo_status {
    library(Some(Kind::Stack), || {
        let target = out(stack, "stack")?;
        let stack = Stack {
            breaker: part(breaker, |object: &BreakerObject| Arc::clone(&object.breaker))?,
            limiter: part(limiter, |object: &LimiterObject| Arc::clone(&object.limiter))?,
            bulkhead: part(bulkhead, |object: &BulkheadObject| Arc::clone(&object.bulkhead))?,
            retry: part(retry, |object: &RetryObject| Arc::clone(&object.policy))?,
        };
        target.put(handle::insert(StackObject::of(Arc::new(stack)))?);
        Ok(Status::Ok)
    })
}

/// Asks circuit, rate and bulkhead for a call, with one reading of the clock. `DUO_OK`: make it, then give
/// `ticket` to `duo_stack_leave` once. `DUO_ERR_BUSY`: the circuit is open. `DUO_AGAIN`: no token or no
/// permit. What refuses costs nothing, except that a token is not given back when the bulkhead is full.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_stack_enter(stack: *const duo_stack, ticket: *mut u64) -> duo_status {
    on(stack, |object: &StackObject| {
        let target = out(ticket, "ticket")?;
        target.put(object.stack.enter_ticket(object.clock.now()).map_err(refused)?.get());
        Ok(Status::Ok)
    })
}

/// Gives the permit back and says how the call ended (`DUO_OUTCOME_*`).
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_stack_leave(stack: *const duo_stack, ticket: u64, outcome: u32) -> duo_status {
    on(stack, |object: &StackObject| {
        let outcome = self::outcome(outcome)?;
        object.stack.leave(object.clock.now(), Ticket::from_raw(ticket), outcome);
        Ok(Status::Ok)
    })
}

/// Frees the stack; a registry that has it keeps it. NULL is accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_stack_destroy(stack: *mut duo_stack) -> duo_status {
    destroy::<StackObject>(stack)
}
