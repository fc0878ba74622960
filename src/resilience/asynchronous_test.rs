//! Calls that wait as futures, in virtual time.

use super::*;
use crate::env::Clock;
use crate::resilience::{
    Backoff, Breaker, BreakerSettings, BreakerState, BulkheadSettings, GiveUp, LimiterSettings, RetryPolicy,
    RetrySettings,
};
use crate::types::UnixNanos;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Wake, Waker};

#[path = "asynchronous_world.rs"]
mod world;

use world::{Tasks, World};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

fn at(span: Duration) -> Tick {
    Tick::ZERO.after(span)
}

/// Ten tokens a second, five at once; two calls at a time and `queue` in line; three attempts a second apart.
fn stack(queue: u32) -> Arc<Stack> {
    let breaker = BreakerSettings { min_requests: 3, ..BreakerSettings::default() };
    let limiter = LimiterSettings { tokens: 10, period: SECOND, burst: 5 };
    let backoff = Backoff { min: SECOND, max: SECOND, multiplier: 1 };
    let retry = RetrySettings { backoff, jitter_percent: 0, attempts: 3, total: SECOND * 10 };
    Arc::new(Stack {
        breaker: Some(Arc::new(Breaker::new(breaker).expect("valid"))),
        limiter: Some(Arc::new(Limiter::new(limiter).expect("valid"))),
        bulkhead: Some(Arc::new(Bulkhead::new(BulkheadSettings { permits: 2, queue }).expect("valid"))),
        retry: Some(Arc::new(RetryPolicy::new(retry).expect("valid"))),
    })
}

/// Permits that are out, and callers in line.
fn held(stack: &Stack) -> (u32, u32) {
    let stats = stack.bulkhead.as_ref().expect("there is one").stats();
    (stats.in_use, stats.waiting)
}

fn breaker(stack: &Stack) -> &Breaker {
    stack.breaker.as_ref().expect("there is one")
}

fn spend(stack: &Stack, now: Tick) {
    stack.limiter.as_ref().expect("there is one").acquire(now, 5).expect("a full burst");
}

/// A call that takes `span` and succeeds.
async fn busy(stack: Arc<Stack>, world: &World, span: Duration) -> Result<(), CallError<u32>> {
    let work = |_| async {
        world.sleep(span).await;
        Ok(())
    };
    stack.call_async(&world, SECOND * 60, || 0, |_| Fault::Retryable, work).await
}

#[test]
fn a_failing_call_is_tried_again_after_its_delays_and_counts_once() {
    let (world, stack) = (&World::default(), stack(1));
    let mut tasks = Tasks::new(world);
    for succeeds_at in [3, 9] {
        let stack = Arc::clone(&stack);
        tasks.spawn(async move {
            let work = async |number| if number < succeeds_at { Err(number) } else { Ok(number) };
            stack.call_async(&world, SECOND, || 0, |_| Fault::Retryable, work).await
        });
    }
    tasks.run_until(at(SECOND * 9));
    assert_eq!(tasks.ended.len(), 2);
    assert_eq!(tasks.ended[0], (0, at(SECOND * 2), Ok(3)));
    assert_eq!(tasks.ended[1], (1, at(SECOND * 2), Err(CallError::Failed(3, GiveUp::Attempts))));
    let stats = stack.stats(world.now()).breaker.expect("there is one");
    assert_eq!((stats.calls, stats.failures), (2, 1));
    assert_eq!(held(&stack), (0, 0));
}

#[test]
fn a_failure_of_the_caller_ends_it_and_says_nothing_about_the_peer() {
    let (world, stack) = (&World::default(), stack(1));
    let mut tasks = Tasks::new(world);
    tasks.spawn({
        let stack = Arc::clone(&stack);
        async move {
            stack.call_async(&world, SECOND, || 0, |_| Fault::Caller, async |_| Err::<(), _>("mine")).await
        }
    });
    tasks.run_until(Tick::ZERO);
    assert_eq!(tasks.ended, [(0, Tick::ZERO, Err(CallError::Failed("mine", GiveUp::NotRetryable)))]);
    assert_eq!(stack.stats(world.now()).breaker.expect("there is one").calls, 0);
}

#[test]
fn without_a_policy_there_is_one_attempt() {
    let (world, stack) = (&World::default(), Arc::new(Stack::default()));
    let mut tasks = Tasks::new(world);
    tasks.spawn(async move {
        stack.call_async(&world, SECOND, || 0, |_| Fault::Retryable, async |_| Err::<(), _>("no")).await
    });
    tasks.run_until(Tick::ZERO);
    assert_eq!(tasks.ended, [(0, Tick::ZERO, Err(CallError::Failed("no", GiveUp::Attempts)))]);
}

#[test]
fn tokens_are_waited_for_and_not_beyond_the_time_out() {
    let (world, stack) = (&World::default(), stack(1));
    spend(&stack, Tick::ZERO);
    let mut tasks = Tasks::new(world);
    for timeout in [99 * MILLI, 101 * MILLI] {
        let stack = Arc::clone(&stack);
        tasks.spawn(async move {
            stack.enter_within(&world, timeout).await.map(|pass| pass.report(world.now(), Outcome::Success))
        });
    }
    tasks.run_until(at(SECOND));
    assert_eq!(tasks.ended[0], (0, Tick::ZERO, Err(Refusal::LimitedTimeout)), "it is known at once");
    let (number, ended, outcome) = &tasks.ended[1];
    assert_eq!((*number, *outcome), (1, Ok(())));
    assert!((at(100 * MILLI)..at(101 * MILLI)).contains(ended), "{ended:?}");
    assert_eq!(held(&stack), (0, 0));
}

#[test]
fn more_tokens_than_the_burst_are_never_waited_for() {
    let (world, stack) = (&World::default(), stack(1));
    let mut tasks = Tasks::new(world);
    tasks.spawn(async move {
        let limiter = stack.limiter.as_ref().expect("there is one");
        limiter.acquire_within(&world, 6, Duration::MAX).await
    });
    tasks.run_until(Tick::ZERO);
    let never = LimitedWait::Limited(Limited::OverBurst { asked: 6, burst: 5 });
    assert_eq!(tasks.ended, [(0, Tick::ZERO, Err(never))]);
}

#[test]
fn who_waits_in_line_gets_the_permit_that_comes_back_or_goes_when_time_is_up() {
    let (world, stack) = (&World::default(), stack(2));
    let mut tasks = Tasks::new(world);
    for span in [SECOND, SECOND * 3] {
        tasks.spawn(busy(Arc::clone(&stack), world, span));
    }
    tasks.spawn(busy(Arc::clone(&stack), world, SECOND));
    tasks.spawn({
        let stack = Arc::clone(&stack);
        async move {
            let work = async |_| Ok::<(), u32>(());
            stack.call_async(&world, 1_500 * MILLI, || 0, |_| Fault::Retryable, work).await
        }
    });
    tasks.spawn(busy(Arc::clone(&stack), world, SECOND));
    tasks.run_until(at(SECOND / 2));
    assert_eq!(held(&stack), (2, 2));
    tasks.run_until(at(SECOND * 9));
    let crowded = |why| Err(CallError::Refused(Refusal::Crowded(why)));
    assert_eq!(
        tasks.ended,
        [
            (4, Tick::ZERO, crowded(Crowded::LineFull)),
            (0, at(SECOND), Ok(())),
            (3, at(1_500 * MILLI), crowded(Crowded::Timeout)),
            (2, at(SECOND * 2), Ok(())),
            (1, at(SECOND * 3), Ok(())),
        ]
    );
    assert_eq!(held(&stack), (0, 0));
    assert!(
        world.sleepers.lock().expect("nobody panics").is_empty(),
        "a timer that nobody waits for is gone"
    );
}

#[test]
fn without_a_time_out_nothing_is_waited_for() {
    let (world, stack) = (&World::default(), stack(2));
    let passes = [stack.enter(Tick::ZERO), stack.enter(Tick::ZERO)];
    let mut tasks = Tasks::new(world);
    let asked = Arc::clone(&stack);
    tasks.spawn(async move { asked.enter_within(&world, Duration::ZERO).await.map(drop) });
    tasks.run_until(Tick::ZERO);
    assert_eq!(tasks.ended, [(0, Tick::ZERO, Err(Refusal::Crowded(Crowded::Busy)))]);
    drop(passes);
}

#[test]
fn a_call_that_stood_in_line_asks_the_circuit_again() {
    let (world, stack) = (&World::default(), stack(1));
    let mut tasks = Tasks::new(world);
    for _ in 0..2 {
        tasks.spawn(busy(Arc::clone(&stack), world, SECOND));
    }
    tasks.spawn(busy(Arc::clone(&stack), world, SECOND));
    tasks.run_until(at(SECOND / 2));
    breaker(&stack).trip(world.now());
    tasks.run_until(at(SECOND));
    let (_, ended, outcome) = tasks.ended.iter().find(|(number, ..)| *number == 2).expect("it has ended");
    assert_eq!(*ended, at(SECOND), "as soon as it was its turn");
    assert!(matches!(outcome, Err(CallError::Refused(Refusal::Open { .. }))), "{outcome:?}");
    assert_eq!(held(&stack), (0, 0));
}

#[test]
fn a_call_that_is_dropped_anywhere_gives_back_what_it_has() {
    // For a token, in line, at work, between two attempts.
    for stop in 0..4 {
        let (world, stack) = (&World::default(), stack(1));
        breaker(&stack).trip(Tick::ZERO);
        let begun = at(SECOND * 5);
        *world.now.lock().expect("nobody panics") = begun;
        let others =
            (stop == 1).then(|| [1, 2].map(|_| stack.bulkhead.as_ref().expect("it is there").take_one()));
        if stop == 0 {
            spend(&stack, begun);
        }
        let attempts = &AtomicU32::new(0);
        let mut tasks = Tasks::new(world);
        let asked = Arc::clone(&stack);
        tasks.spawn(async move {
            let work = |_| async {
                attempts.fetch_add(1, Ordering::Relaxed);
                if stop == 2 {
                    world.sleep(SECOND).await;
                }
                Err::<(), _>("no")
            };
            asked.call_async(&world, SECOND, || 0, |_| Fault::Retryable, work).await
        });
        tasks.run_until(begun.after(50 * MILLI));
        assert!(tasks.ended.is_empty(), "{stop}: {:?}", tasks.ended);
        assert_eq!(attempts.load(Ordering::Relaxed), u32::from(stop >= 2), "{stop}");
        assert!(stack.enter(world.now()).is_err(), "{stop}: the probe is out");
        tasks.cancel(0);
        if others.is_some() {
            (0..2).for_each(|_| assert!(stack.bulkhead.as_ref().expect("it is there").release_one()));
        }
        assert_eq!(held(&stack), (0, 0), "{stop}");
        assert_eq!(breaker(&stack).state(), BreakerState::HalfOpen, "{stop}: it says nothing about the peer");
        let later = world.now().after(SECOND);
        stack.enter(later).expect("the probe was given back").report(later, Outcome::Success);
    }
}

#[test]
fn many_calls_keep_to_rate_and_permits_and_all_come_to_their_end() {
    let (world, stack) = (&World::default(), stack(40));
    let (running, most) = (&AtomicU32::new(0), &AtomicU32::new(0));
    let mut tasks = Tasks::new(world);
    for _ in 0..40 {
        let stack = Arc::clone(&stack);
        tasks.spawn(async move {
            let work = |_| async {
                most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                world.sleep(10 * MILLI).await;
                running.fetch_sub(1, Ordering::Relaxed);
                Ok::<_, u32>(world.now())
            };
            stack.call_async(&world, SECOND * 60, || 0, |_| Fault::Retryable, work).await
        });
    }
    tasks.run_until(at(SECOND * 60));
    assert!(tasks.tasks.iter().all(Option::is_none), "all have ended");
    let mut ends: Vec<Tick> = tasks.ended.iter().map(|(_, _, end)| end.expect("none was refused")).collect();
    ends.sort_unstable();
    assert!(most.load(Ordering::Relaxed) <= 2);
    // Five at once, then ten a second.
    assert!(ends[39] >= at(SECOND * 35 / 10), "{:?}", ends[39]);
    assert!(ends[39] < at(SECOND * 4), "{:?}", ends[39]);
}

#[test]
fn a_timer_that_is_early_makes_nobody_early() {
    let (world, stack) = (&World { early: 3, ..World::default() }, stack(1));
    spend(&stack, Tick::ZERO);
    let mut tasks = Tasks::new(world);
    tasks.spawn({
        let stack = Arc::clone(&stack);
        async move {
            let work = async |number| if number < 2 { Err(number) } else { Ok(world.now()) };
            stack.call_async(&world, SECOND, || 0, |_| Fault::Retryable, work).await
        }
    });
    tasks.run_until(at(SECOND * 9));
    let (_, ended, outcome) = &tasks.ended[0];
    assert_eq!(*outcome, Ok(*ended));
    assert!(*ended >= at(1_100 * MILLI), "a token after 100 ms, a delay of a second: {ended:?}");
    assert!(*ended < at(1_110 * MILLI), "{ended:?}");
}

#[test]
fn what_waits_can_be_sent_between_threads() {
    fn is_sent<T: Send>(_: &T) {}
    let (world, stack) = (&World::default(), stack(1));
    is_sent(&stack.enter_within(&world, SECOND));
    is_sent(&stack.call_async(&world, SECOND, || 0, |_: &()| Fault::Caller, async |_| Ok(())));
}
