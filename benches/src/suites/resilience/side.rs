//! What is put around a call: ours, and that of other crates.

use duochain::env::{Clock, SystemClock};
use duochain::resilience::{
    Breaker, BreakerSettings, Bulkhead, BulkheadSettings, Decision, Limiter, LimiterSettings, Outcome,
    RetryPolicy, RetrySettings, Stack,
};
use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use recloser::Recloser;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Permits, tokens a second and the burst: more than can be used up.
const PLENTY: u32 = 1 << 14;
const TOKENS: u32 = 1_000_000_000;

/// Something around a call.
pub(super) trait Side: Sync {
    fn new() -> Self;

    /// One call that succeeds. False when it was not let through.
    fn once(&self) -> bool;
}

fn limiter() -> Limiter {
    let settings = LimiterSettings { tokens: TOKENS, period: Duration::from_secs(1), burst: 1 << 30 };
    Limiter::new(settings).expect("within range")
}

fn breaker() -> Breaker {
    Breaker::new(BreakerSettings::default()).expect("within range")
}

fn bulkhead() -> Bulkhead {
    Bulkhead::new(BulkheadSettings { permits: PLENTY, queue: 16 }).expect("within range")
}

/// Our limiter, reading the clock.
pub(super) struct OurLimiter(Limiter, SystemClock);

impl Side for OurLimiter {
    fn new() -> Self {
        Self(limiter(), SystemClock::new())
    }

    #[inline]
    fn once(&self) -> bool {
        self.0.acquire(self.1.now(), 1).is_ok()
    }
}

pub(super) type Governor = RateLimiter<NotKeyed, InMemoryState, DefaultClock>;

fn governor() -> Governor {
    let most = NonZeroU32::new(TOKENS).expect("not zero");
    RateLimiter::direct(Quota::per_second(most).allow_burst(NonZeroU32::new(u32::MAX).expect("not zero")))
}

impl Side for Governor {
    fn new() -> Self {
        governor()
    }

    #[inline]
    fn once(&self) -> bool {
        self.check().is_ok()
    }
}

/// Our breaker, reading the clock once.
pub(super) struct OurBreaker(Breaker, SystemClock);

impl Side for OurBreaker {
    fn new() -> Self {
        Self(breaker(), SystemClock::new())
    }

    #[inline]
    fn once(&self) -> bool {
        let now = self.1.now();
        match self.0.ask(now) {
            Decision::Allow(permit) | Decision::Probe(permit) => {
                permit.report(now, Outcome::Success);
                true
            }
            Decision::Reject { .. } => false,
        }
    }
}

/// Our breaker, reading the clock before the call and after it, as a caller has to whose call takes time.
pub(super) struct ReadingTwice(Breaker, SystemClock);

impl Side for ReadingTwice {
    fn new() -> Self {
        Self(breaker(), SystemClock::new())
    }

    #[inline]
    fn once(&self) -> bool {
        match self.0.ask(self.1.now()) {
            Decision::Allow(permit) | Decision::Probe(permit) => {
                permit.report(self.1.now(), Outcome::Success);
                true
            }
            Decision::Reject { .. } => false,
        }
    }
}

impl Side for Recloser {
    fn new() -> Self {
        Recloser::default()
    }

    #[inline]
    fn once(&self) -> bool {
        self.call(|| Ok::<(), ()>(())).is_ok()
    }
}

type Policy = failsafe::failure_policy::OrElse<
    failsafe::failure_policy::SuccessRateOverTimeWindow<failsafe::backoff::EqualJittered>,
    failsafe::failure_policy::ConsecutiveFailures<failsafe::backoff::EqualJittered>,
>;

/// failsafe's breaker.
pub(super) struct Failsafe(failsafe::StateMachine<Policy, ()>);

impl Side for Failsafe {
    fn new() -> Self {
        Self(failsafe::Config::new().build())
    }

    #[inline]
    fn once(&self) -> bool {
        use failsafe::CircuitBreaker;
        self.0.call(|| Ok::<(), ()>(())).is_ok()
    }
}

/// Our bulkhead; it needs no clock.
pub(super) struct OurBulkhead(Bulkhead);

impl Side for OurBulkhead {
    fn new() -> Self {
        Self(bulkhead())
    }

    #[inline]
    fn once(&self) -> bool {
        self.0.try_acquire().is_ok()
    }
}

impl Side for Semaphore {
    fn new() -> Self {
        Semaphore::new(PLENTY as usize)
    }

    #[inline]
    fn once(&self) -> bool {
        self.try_acquire().is_ok()
    }
}

/// All of ours, with one reading of the clock.
pub(super) struct OurStack(Stack, SystemClock);

impl Side for OurStack {
    fn new() -> Self {
        let stack = Stack {
            breaker: Some(Arc::new(breaker())),
            limiter: Some(Arc::new(limiter())),
            bulkhead: Some(Arc::new(bulkhead())),
            retry: Some(Arc::new(RetryPolicy::new(RetrySettings::default()).expect("within range"))),
        };
        Self(stack, SystemClock::new())
    }

    #[inline]
    fn once(&self) -> bool {
        let now = self.1.now();
        match self.0.enter(now) {
            Ok(pass) => {
                pass.report(now, Outcome::Success);
                true
            }
            Err(_) => false,
        }
    }
}

/// All of ours, reading the clock before the call and after it.
pub(super) struct StackReadingTwice(OurStack);

impl Side for StackReadingTwice {
    fn new() -> Self {
        Self(OurStack::new())
    }

    #[inline]
    fn once(&self) -> bool {
        let OurStack(stack, clock) = &self.0;
        match stack.enter(clock.now()) {
            Ok(pass) => {
                pass.report(clock.now(), Outcome::Success);
                true
            }
            Err(_) => false,
        }
    }
}

/// The three other crates, in the same order.
pub(super) struct TheirStack {
    breaker: Recloser,
    limiter: Governor,
    bulkhead: Semaphore,
}

impl Side for TheirStack {
    fn new() -> Self {
        Self { breaker: Side::new(), limiter: governor(), bulkhead: Side::new() }
    }

    #[inline]
    fn once(&self) -> bool {
        let call = || {
            self.limiter.check().map_err(drop)?;
            self.bulkhead.try_acquire().map(drop).map_err(drop)
        };
        self.breaker.call(call).is_ok()
    }
}

/// A reading of the clock, which all but the bulkheads need.
pub(super) struct ClockAlone(SystemClock);

impl Side for ClockAlone {
    fn new() -> Self {
        Self(SystemClock::new())
    }

    #[inline]
    fn once(&self) -> bool {
        std::hint::black_box(self.0.now());
        true
    }
}
