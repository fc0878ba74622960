//! Policies composed: circuit, then rate, then bulkhead, then retry.
//!
//! # Model
//! ```text
//!  call ──► circuit ──► rate ──► bulkhead ──► retry ──► the peer
//!           open: no    no token  no permit    again, within attempts and time
//! ```
//! One reading of the clock serves all of [`Stack::enter`]. What a later part refuses, an earlier one takes
//! back: a probe is given back, and a bulkhead that is full is asked only after a token was taken.
//!
//! | wrong order | why |
//! |---|---|
//! | rate before circuit | calls that an open circuit refuses use up tokens; when the peer is back there are none |
//! | bulkhead before circuit | callers stand in line for a peer that nobody may call |
//! | bulkhead before rate | permits are held while waiting for tokens; slow tokens make the bulkhead look full |
//! | retry around circuit | a rejection is retried at once, and attempts are used up without one call |
//! | retry around rate or bulkhead | each retry stands in line again: under load, the retries are the load |
//! | a time-out around each attempt only | attempts times time-out; `RetrySettings::total` bounds all of it |
//!
//! What follows from the right one: the circuit counts calls, not attempts, and a permit is held during the
//! delays between attempts.
//!
//! # Limits
//! A token that was taken is not given back when the bulkhead is full: it is a refusal under load, where a
//! lower rate does no harm.

use super::blocking::{LimitedWait, Sleep, sleep_until};
use super::breaker::Breaker;
use super::bulkhead::{Bulkhead, Crowded, OwnedSlot, Slot};
use super::limiter::{Limited, Limiter};
use super::permit::{Decision, Outcome, Permit, Ticket};
use super::retry::{Attempts, Fault, GiveUp, RetryPolicy};
use super::timeout::Deadline;
use crate::env::Clock;
use crate::types::{Status, Tick};
use std::sync::Arc;
use std::time::Duration;

/// Why a stack lets a call not through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The circuit is open.
    #[error("the circuit is open")]
    Open {
        /// Ask again then.
        until: Tick,
    },
    /// The rate limiter has no token.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The token would come after the time-out of a waiting call.
    #[error("the tokens come after the time-out")]
    LimitedTimeout,
    /// The bulkhead has no permit.
    #[error(transparent)]
    Crowded(#[from] Crowded),
}

impl From<LimitedWait> for Refusal {
    fn from(refusal: LimitedWait) -> Self {
        match refusal {
            LimitedWait::Limited(limited) => Self::Limited(limited),
            LimitedWait::Timeout => Self::LimitedTimeout,
        }
    }
}

impl Refusal {
    /// The status that all languages share.
    pub const fn status(self) -> Status {
        match self {
            Self::Open { .. } => Status::Busy,
            Self::Limited(limited) => limited.status(),
            Self::LimitedTimeout => Status::Timeout,
            Self::Crowded(crowded) => crowded.status(),
        }
    }
}

/// Why [`Stack::call`] or [`Stack::call_async`] ended without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError<E> {
    /// Not let through.
    Refused(Refusal),
    /// The last attempt's failure, and why there was no further one.
    Failed(E, GiveUp),
}

/// The parts of a stack. Each may be left out, and each may be shared with other stacks.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    /// Asked first.
    pub breaker: Option<Arc<Breaker>>,
    /// Asked second.
    pub limiter: Option<Arc<Limiter>>,
    /// Asked third.
    pub bulkhead: Option<Arc<Bulkhead>>,
    /// Around the call itself.
    pub retry: Option<Arc<RetryPolicy>>,
}

/// The right to make one call through a stack. Dropped without a report, it says nothing about the peer.
#[derive(Debug)]
#[must_use = "dropping it gives everything back"]
pub struct Pass<'a> {
    permit: Option<Permit<'a>>,
    slot: Option<Slot<'a>>,
}

impl Pass<'_> {
    /// Gives the permit back and says how the call ended.
    #[inline]
    pub fn report(self, now: Tick, outcome: Outcome) {
        let Self { permit, slot } = self;
        drop(slot);
        if let Some(permit) = permit {
            permit.report(now, outcome);
        }
    }
}

/// As [`Pass`], without a lifetime.
#[derive(Debug)]
#[must_use = "dropping it gives everything back"]
pub struct OwnedPass {
    stack: Arc<Stack>,
    ticket: Option<Ticket>,
    pub(super) slot: Option<OwnedSlot>,
}

impl OwnedPass {
    /// Gives the permit back and says how the call ended.
    pub fn report(mut self, now: Tick, outcome: Outcome) {
        self.end(now, outcome);
    }

    /// Asks the circuit again if that changed while this call stood in line.
    pub(super) fn ask_again(mut self, clock: &dyn Clock) -> Result<Self, Refusal> {
        if let (Some(breaker), Some(ticket)) = (&self.stack.breaker, self.ticket)
            && !breaker.is_current(ticket)
        {
            self.ticket = None;
            self.ticket = self.stack.permit(clock.now())?.map(Permit::into_ticket);
        }
        Ok(self)
    }

    fn end(&mut self, now: Tick, outcome: Outcome) {
        drop(self.slot.take());
        if let (Some(breaker), Some(ticket)) = (&self.stack.breaker, self.ticket.take()) {
            breaker.report(now, ticket, outcome);
        }
    }
}

impl Drop for OwnedPass {
    fn drop(&mut self) {
        // A call given up needs no time.
        self.end(Tick::ZERO, Outcome::Abandoned);
    }
}

impl Stack {
    #[inline]
    fn permit(&self, now: Tick) -> Result<Option<Permit<'_>>, Refusal> {
        match self.breaker.as_ref().map(|breaker| breaker.ask(now)) {
            None => Ok(None),
            Some(Decision::Allow(permit) | Decision::Probe(permit)) => Ok(Some(permit)),
            Some(Decision::Reject { until }) => Err(Refusal::Open { until }),
        }
    }

    /// Asks for a call; waits for nothing. `now` serves all parts.
    ///
    /// # Errors
    /// The first part that refuses.
    #[inline]
    pub fn enter(&self, now: Tick) -> Result<Pass<'_>, Refusal> {
        let permit = self.permit(now)?;
        if let Some(limiter) = &self.limiter {
            limiter.acquire(now, 1)?;
        }
        let slot = match &self.bulkhead {
            Some(bulkhead) => Some(bulkhead.try_acquire()?),
            None => None,
        };
        Ok(Pass { permit, slot })
    }

    /// As [`Stack::enter`], for callers that cannot hold a reference: answers with a word for
    /// [`Stack::leave`].
    ///
    /// # Errors
    /// The first part that refuses.
    #[inline]
    pub fn enter_ticket(&self, now: Tick) -> Result<Ticket, Refusal> {
        let Pass { permit, slot } = self.enter(now)?;
        if let Some(slot) = slot {
            slot.keep();
        }
        Ok(permit.map_or(Ticket::from_raw(0), Permit::into_ticket))
    }

    /// Gives the permit of a ticket back and says how the call ended. Once for each ticket.
    pub fn leave(&self, now: Tick, ticket: Ticket, outcome: Outcome) {
        if let Some(bulkhead) = &self.bulkhead {
            bulkhead.release_one();
        }
        if let Some(breaker) = &self.breaker {
            breaker.report(now, ticket, outcome);
        }
    }

    /// As [`Stack::enter`], waiting with the thread for tokens and for a permit, up to `timeout` in all. An
    /// open circuit is not waited for.
    ///
    /// # Errors
    /// The first part that refuses.
    pub fn enter_blocking(&self, clock: &dyn Sleep, timeout: Duration) -> Result<Pass<'_>, Refusal> {
        let now = clock.now();
        let end = Deadline::after(now, timeout);
        let mut permit = self.permit(now)?;
        if let Some(limiter) = &self.limiter {
            limiter.acquire_blocking(clock, 1, timeout)?;
        }
        let mut slot = None;
        if let Some(bulkhead) = &self.bulkhead {
            slot = Some(bulkhead.acquire_blocking(clock, end.left(clock.now()))?);
        }
        if permit.as_ref().is_some_and(|permit| !permit.is_current()) {
            // The circuit changed while this call stood in line.
            drop(permit);
            permit = self.permit(clock.now())?;
        }
        Ok(Pass { permit, slot })
    }

    /// A call that the circuit lets through so far: what is left of it, and the ticket in safe hands.
    pub(super) fn begin(self: &Arc<Self>, now: Tick) -> Result<OwnedPass, Refusal> {
        let ticket = self.permit(now)?.map(Permit::into_ticket);
        Ok(OwnedPass { stack: Arc::clone(self), ticket, slot: None })
    }

    pub(super) fn begin_attempts(&self, now: Tick) -> Tries<'_> {
        Tries(self.retry.as_ref().map(|policy| policy.begin(now)))
    }

    /// As [`Stack::enter`], waiting for a permit of the bulkhead as a future, for as long as that takes. Needs neither
    /// runtime nor timer. Tokens are not waited for: [`Limited::Until`] says when to come back; with a timer
    /// [`Stack::enter_within`] waits for both.
    ///
    /// # Errors
    /// The first part that refuses.
    pub async fn enter_async(self: &Arc<Self>, clock: &dyn Clock) -> Result<OwnedPass, Refusal> {
        let now = clock.now();
        // Holds the ticket: dropped while it waits, it gives the probe back.
        let mut pass = self.begin(now)?;
        if let Some(limiter) = &self.limiter {
            limiter.acquire(now, 1)?;
        }
        if let Some(bulkhead) = &self.bulkhead {
            pass.slot = Some(bulkhead.acquire().await?);
        }
        pass.ask_again(clock)
    }

    /// Enters, calls `work` with the number of each attempt from 1, and retries as the policy says, sleeping
    /// in between. `judge` says whose fault a failure is; `entropy` gives one number per failure. `timeout`
    /// bounds the time until the first attempt.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call<T, E>(
        &self,
        clock: &dyn Sleep,
        timeout: Duration,
        mut entropy: impl FnMut() -> u64,
        judge: impl Fn(&E) -> Fault,
        mut work: impl FnMut(u32) -> Result<T, E>,
    ) -> Result<T, CallError<E>> {
        let pass = self.enter_blocking(clock, timeout).map_err(CallError::Refused)?;
        let mut attempts = self.begin_attempts(clock.now());
        let mut number = 1;
        loop {
            let error = match work(number) {
                Ok(value) => {
                    pass.report(clock.now(), Outcome::Success);
                    return Ok(value);
                }
                Err(error) => error,
            };
            let (now, fault) = (clock.now(), judge(&error));
            match attempts.failed(now, fault, &mut entropy) {
                Ok(at) => sleep_until(clock, at),
                Err(why) => {
                    pass.report(now, fault.outcome());
                    return Err(CallError::Failed(error, why));
                }
            }
            number += 1;
        }
    }
}

/// The attempts of a call; without a policy there is one.
pub(super) struct Tries<'a>(Option<Attempts<'a>>);

impl Tries<'_> {
    /// As [`Attempts::failed`].
    pub(super) fn failed(
        &mut self,
        now: Tick,
        fault: Fault,
        mut entropy: impl FnMut() -> u64,
    ) -> Result<Tick, GiveUp> {
        match &mut self.0 {
            Some(attempts) => attempts.failed(now, fault, entropy()),
            None if fault == Fault::Retryable => Err(GiveUp::Attempts),
            None => Err(GiveUp::NotRetryable),
        }
    }
}

impl Fault {
    /// What a breaker is told of it.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Retryable | Self::Permanent => Outcome::Failure,
            Self::Caller => Outcome::Abandoned,
        }
    }
}

#[cfg(all(test, not(modelled)))]
#[path = "stack_test.rs"]
mod tests;
