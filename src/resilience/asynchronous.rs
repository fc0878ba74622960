//! The asynchronous forms of what waits, over a timer of the host's.
//!
//! # Model
//! As the blocking forms, but what they do with a thread is done by a future of the host's runtime: [`Timer`] is a
//! clock whose owner gives futures that are ready later. Nothing here starts a task or a thread; a future does its work
//! in the calls of whoever polls it.
//!
//! # Invariants
//! A1 a future that is dropped gives back what it has: a place in line, a permit, a probe. A token that was taken is
//! spent.
//!
//! # Limits
//! No timer is asked for more than an hour at a time; whoever waits longer looks again.

use super::blocking::{LONGEST, LimitedWait};
use super::bulkhead::{Bulkhead, Crowded, OwnedSlot};
use super::limiter::{Limited, Limiter};
use super::permit::Outcome;
use super::retry::Fault;
use super::stack::{CallError, OwnedPass, Refusal, Stack};
use super::timeout::Deadline;
use crate::env::Clock;
use crate::types::Tick;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// A clock that gives futures to wait with: a host's, around what its runtime has.
pub trait Timer: Clock {
    /// Ready at its time; what waits can be sent between threads if this can.
    type Sleep: Future<Output = ()>;

    /// Ready after about `span` from this call on, not much earlier.
    fn sleep(&self, span: Duration) -> Self::Sleep;
}

/// Ready at `until`.
async fn sleep_until<T: Timer>(timer: &T, until: Tick) {
    loop {
        let left = until.since(timer.now());
        if left.is_zero() {
            return;
        }
        timer.sleep(left.min(LONGEST)).await;
    }
}

impl Limiter {
    /// Takes `n` tokens, waiting for them for up to `timeout`. Tokens that would come later than that are not waited
    /// for. Several waiters are not served in order of arrival.
    ///
    /// # Errors
    /// [`LimitedWait`].
    pub async fn acquire_within<T: Timer>(
        &self,
        timer: &T,
        n: u32,
        timeout: Duration,
    ) -> Result<(), LimitedWait> {
        let mut now = timer.now();
        let end = Deadline::after(now, timeout);
        loop {
            match self.acquire(now, n) {
                Ok(()) => return Ok(()),
                Err(Limited::Until(until)) if until <= end.at() => sleep_until(timer, until).await,
                Err(Limited::Until(_)) => return Err(LimitedWait::Timeout),
                Err(never) => return Err(never.into()),
            }
            now = timer.now();
        }
    }
}

impl Bulkhead {
    /// A permit when there is one, in order of arrival, within `timeout`; 0 waits for nothing.
    ///
    /// # Errors
    /// [`Crowded::LineFull`] at once, [`Crowded::Timeout`]; [`Crowded::Busy`] without a time-out.
    pub async fn acquire_within<T: Timer>(
        self: &Arc<Self>,
        timer: &T,
        timeout: Duration,
    ) -> Result<OwnedSlot, Crowded> {
        if timeout.is_zero() {
            return self.try_acquire_owned();
        }
        let end = Deadline::after(timer.now(), timeout);
        let mut turn = self.acquire();
        let mut over = pin!(sleep_until(timer, end.at()));
        poll_fn(|context| {
            if let Poll::Ready(outcome) = Pin::new(&mut turn).poll(context) {
                return Poll::Ready(outcome);
            }
            over.as_mut().poll(context).map(|()| Err(Crowded::Timeout))
        })
        .await
    }
}

impl Stack {
    /// As [`Stack::enter_blocking`], as a future: waits for tokens and for a permit, up to `timeout` in all. An open
    /// circuit is not waited for.
    ///
    /// # Errors
    /// The first part that refuses.
    pub async fn enter_within<T: Timer>(
        self: &Arc<Self>,
        timer: &T,
        timeout: Duration,
    ) -> Result<OwnedPass, Refusal> {
        let now = timer.now();
        let end = Deadline::after(now, timeout);
        // Holds the ticket from here on (A1).
        let mut pass = self.begin(now)?;
        if let Some(limiter) = &self.limiter {
            limiter.acquire_within(timer, 1, timeout).await?;
        }
        if let Some(bulkhead) = &self.bulkhead {
            pass.slot = Some(bulkhead.acquire_within(timer, end.left(timer.now())).await?);
        }
        pass.ask_again(timer)
    }

    /// As [`Stack::call`], as a future: enters, awaits what `work` gives for each attempt, and retries as the policy says,
    /// waiting in between. `timeout` bounds the time until the first attempt. Dropped, it says nothing about the peer.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call_async<T, E, Attempt>(
        self: &Arc<Self>,
        timer: &impl Timer,
        timeout: Duration,
        mut entropy: impl FnMut() -> u64,
        judge: impl Fn(&E) -> Fault,
        mut work: impl FnMut(u32) -> Attempt,
    ) -> Result<T, CallError<E>>
    where
        Attempt: Future<Output = Result<T, E>>,
    {
        let pass = self.enter_within(timer, timeout).await.map_err(CallError::Refused)?;
        let mut attempts = self.begin_attempts(timer.now());
        let mut number = 1;
        loop {
            let error = match work(number).await {
                Ok(value) => {
                    pass.report(timer.now(), Outcome::Success);
                    return Ok(value);
                }
                Err(error) => error,
            };
            let (now, fault) = (timer.now(), judge(&error));
            match attempts.failed(now, fault, &mut entropy) {
                Ok(at) => sleep_until(timer, at).await,
                Err(why) => {
                    pass.report(now, fault.outcome());
                    return Err(CallError::Failed(error, why));
                }
            }
            number += 1;
        }
    }
}

#[cfg(all(test, not(modelled)))]
#[path = "asynchronous_test.rs"]
mod tests;
