//! Order, giving back, and the call with everything around it.

use super::*;
use crate::resilience::chance::ManualClock;
use crate::resilience::{
    Backoff, BreakerSettings, BreakerState, BulkheadSettings, LimiterSettings, RetrySettings,
};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const SECOND: Duration = Duration::from_secs(1);

fn stack() -> Stack {
    let breaker = BreakerSettings { min_requests: 3, ..BreakerSettings::default() };
    let limiter = LimiterSettings { tokens: 10, period: SECOND, burst: 5 };
    let backoff = Backoff { min: SECOND, max: SECOND, multiplier: 1 };
    let retry = RetrySettings { backoff, jitter_percent: 0, attempts: 3, total: SECOND * 10 };
    Stack {
        breaker: Some(Arc::new(Breaker::new(breaker).expect("valid"))),
        limiter: Some(Arc::new(Limiter::new(limiter).expect("valid"))),
        bulkhead: Some(Arc::new(Bulkhead::new(BulkheadSettings { permits: 2, queue: 1 }).expect("valid"))),
        retry: Some(Arc::new(RetryPolicy::new(retry).expect("valid"))),
    }
}

fn available(stack: &Stack, now: Tick) -> u32 {
    stack.limiter.as_ref().expect("there is one").stats(now).available
}

fn in_use(stack: &Stack) -> u32 {
    stack.bulkhead.as_ref().expect("there is one").stats().in_use
}

#[test]
fn an_open_circuit_takes_neither_token_nor_permit() {
    let stack = stack();
    stack.breaker.as_ref().expect("there is one").trip(Tick::ZERO);
    assert!(matches!(stack.enter(Tick::ZERO), Err(Refusal::Open { .. })));
    assert_eq!((available(&stack, Tick::ZERO), in_use(&stack)), (5, 0));
}

#[test]
fn a_call_without_a_token_takes_no_permit_and_gives_its_probe_back() {
    let stack = stack();
    let breaker = stack.breaker.as_ref().expect("there is one");
    breaker.trip(Tick::ZERO);
    let later = Tick::ZERO.after(SECOND * 5);
    stack.limiter.as_ref().expect("there is one").acquire(later, 5).expect("a full burst");
    assert!(matches!(stack.enter(later), Err(Refusal::Limited(Limited::Until(_)))));
    assert_eq!((breaker.state(), in_use(&stack)), (BreakerState::HalfOpen, 0));
    let pass = stack.enter(later.after(SECOND)).expect("the probe was given back");
    pass.report(later.after(SECOND), Outcome::Failure);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn permits_come_back_by_report_and_by_drop() {
    let stack = stack();
    let first = stack.enter(Tick::ZERO).expect("free");
    let second = stack.enter(Tick::ZERO).expect("free");
    assert_eq!(stack.enter(Tick::ZERO).expect_err("full"), Refusal::Crowded(Crowded::Busy));
    first.report(Tick::ZERO, Outcome::Success);
    drop(second);
    assert_eq!(in_use(&stack), 0);
    assert_eq!(stack.stats(Tick::ZERO).breaker.expect("there is one").calls, 1);
}

#[test]
fn a_stack_without_parts_lets_everything_through() {
    let stack = Stack::default();
    let clock = ManualClock::default();
    stack.enter(Tick::ZERO).expect("nothing refuses").report(Tick::ZERO, Outcome::Failure);
    let result: Result<(), _> =
        stack.call(&clock, SECOND, || 0, |_| Fault::Retryable, |_| Err::<(), _>("no"));
    assert_eq!(result, Err(CallError::Failed("no", GiveUp::Attempts)));
}

#[test]
fn a_failing_call_is_tried_again_and_counts_once() {
    let (stack, clock) = (stack(), ManualClock::default());
    let judge = |error: &u32| if *error == 9 { Fault::Caller } else { Fault::Retryable };
    let third = |number| if number < 3 { Err(number) } else { Ok(number) };
    assert_eq!(stack.call(&clock, SECOND, || 0, judge, third), Ok(3));
    assert_eq!(clock.now(), Tick::ZERO.after(SECOND * 2), "two delays of a second");
    let never = |number| Err::<(), _>(number);
    assert_eq!(stack.call(&clock, SECOND, || 0, judge, never), Err(CallError::Failed(3, GiveUp::Attempts)));
    assert_eq!(
        stack.call(&clock, SECOND, || 0, judge, |_| Err::<(), _>(9)),
        Err(CallError::Failed(9, GiveUp::NotRetryable))
    );
    let stats = stack.stats(clock.now()).breaker.expect("there is one");
    assert_eq!((stats.calls, stats.failures), (2, 1), "the caller's own fault is not counted");
    assert_eq!(in_use(&stack), 0);
}

#[test]
fn a_waiting_call_that_meets_an_open_circuit_is_refused() {
    let (stack, clock) = (stack(), ManualClock::default());
    stack.limiter.as_ref().expect("there is one").acquire(clock.now(), 5).expect("a full burst");
    let late = stack.enter_blocking(&clock, Duration::from_millis(99)).expect_err("100 ms are needed");
    assert_eq!(late, Refusal::LimitedTimeout);
    let pass = stack.enter_blocking(&clock, Duration::from_millis(101)).expect("waited");
    assert!(clock.now() > Tick::ZERO);
    pass.report(clock.now(), Outcome::Success);
}

#[test]
fn a_future_waits_in_line_and_asks_the_circuit_again_when_that_has_changed() {
    let (stack, clock) = (Arc::new(stack()), ManualClock::default());
    let passes = [stack.enter(Tick::ZERO).expect("free"), stack.enter(Tick::ZERO).expect("free")];
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = pin!(stack.enter_async(&clock));
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    stack.breaker.as_ref().expect("there is one").trip(Tick::ZERO);
    drop(passes);
    let Poll::Ready(result) = waiting.as_mut().poll(&mut context) else { panic!("its turn") };
    assert!(matches!(result, Err(Refusal::Open { .. })), "{result:?}");
    assert_eq!(in_use(&stack), 0);
    stack.breaker.as_ref().expect("there is one").reset();
    let Poll::Ready(Ok(pass)) = pin!(stack.enter_async(&clock)).poll(&mut context) else {
        panic!("everything is free")
    };
    pass.report(clock.now(), Outcome::Success);
    assert_eq!(in_use(&stack), 0);
}
