//! Every interleaving of small uses of the policies. With the mutants of each.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib loom_`
#![expect(unsafe_code, reason = "a cell that loom watches is reached through a pointer")]

use super::*;
use crate::sync::{Mutant, UnsafeCell};
use crate::types::Tick;
use loom::model::Builder;
use loom::thread;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const WINDOW: u64 = 16 << 20;

const fn at(nanos: u64) -> Tick {
    Tick::from_nanos(nanos)
}

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn breaker(min_requests: u32) -> Arc<Breaker> {
    let settings = BreakerSettings {
        window: Duration::from_nanos(WINDOW),
        min_requests,
        threshold_per_mille: 1_000,
        timeout: Duration::from_millis(1),
        probes_max: 1,
        successes_to_close: 1,
        adaptive: None,
    };
    Arc::new(Breaker::new(settings).unwrap())
}

/// Two threads ask for the last token.
fn last_token() {
    check(|| {
        let settings = LimiterSettings { tokens: 1, period: Duration::from_secs(1), burst: 1 };
        let limiter = Arc::new(Limiter::new(settings).unwrap());
        let theirs = Arc::clone(&limiter);
        let other = thread::spawn(move || theirs.acquire(at(5), 1).is_ok());
        let mine = limiter.acquire(at(5), 1).is_ok();
        assert!(mine ^ other.join().unwrap(), "one token for one of them");
    });
}

#[test]
fn loom_the_last_token_is_granted_once() {
    last_token();
}

#[test]
#[should_panic(expected = "one token for one of them")]
fn loom_mutant_that_stores_a_grant_is_noticed() {
    let _made = Mutant::LimiterTorn.make();
    last_token();
}

/// Two failures in different buckets, both needed to open.
fn last_two_failures() {
    check(|| {
        let breaker = breaker(2);
        let theirs = Arc::clone(&breaker);
        let fail = |breaker: &Breaker, now| {
            if let Ok(ticket) = breaker.ask_ticket(now) {
                breaker.report(now, ticket, Outcome::Failure);
            }
        };
        let other = thread::spawn(move || fail(&theirs, at(WINDOW / 2)));
        fail(&breaker, at(WINDOW));
        other.join().unwrap();
        assert_eq!(breaker.state(), BreakerState::Open, "somebody saw both failures");
    });
}

#[test]
fn loom_of_two_that_fail_one_sees_both() {
    last_two_failures();
}

#[test]
#[should_panic(expected = "somebody saw both failures")]
fn loom_mutant_that_judges_without_a_fence_is_noticed() {
    let _made = Mutant::JudgeUnfenced.make();
    last_two_failures();
}

/// One thread opens it, another asks at the same time.
fn asked_while_opening() {
    check(|| {
        let breaker = breaker(1);
        let theirs = Arc::clone(&breaker);
        // The asker is the second thread: what it sees then depends on how far the opener has come.
        let asker = thread::spawn(move || {
            let answer = theirs.ask_ticket(at(10)).map(Ticket::is_probe);
            assert_ne!(answer, Ok(true), "a probe before its time");
        });
        breaker.trip(at(10));
        asker.join().unwrap();
    });
}

#[test]
fn loom_who_sees_it_open_sees_until_when() {
    asked_while_opening();
}

#[test]
#[should_panic(expected = "a probe before its time")]
fn loom_mutant_that_says_until_when_too_late_is_noticed() {
    let _made = Mutant::UntilLate.make();
    asked_while_opening();
}

#[test]
#[should_panic(expected = "a probe before its time")]
fn loom_mutant_that_asks_without_order_is_noticed() {
    let _made = Mutant::AskRelaxed.make();
    asked_while_opening();
}

#[test]
fn loom_one_probe_at_a_time_gets_through() {
    check(|| {
        let breaker = breaker(1);
        breaker.trip(at(0));
        let later = at(1_000_000);
        let theirs = Arc::clone(&breaker);
        let other = thread::spawn(move || theirs.ask_ticket(later).is_ok());
        let mine = breaker.ask_ticket(later).is_ok();
        assert!(mine ^ other.join().unwrap(), "one probe for one of them");
    });
}

#[test]
fn loom_a_probe_reports_once_while_another_thread_asks() {
    check(|| {
        let breaker = breaker(1);
        breaker.trip(at(0));
        let later = at(1_000_000);
        let probe = breaker.ask_ticket(later).unwrap();
        let theirs = Arc::clone(&breaker);
        let other = thread::spawn(move || theirs.ask_ticket(later).map(Ticket::is_probe));
        breaker.report(later, probe, Outcome::Success);
        assert_ne!(other.join().unwrap(), Ok(true), "the only probe is out, or it is closed");
        assert_eq!(breaker.state(), BreakerState::Closed);
    });
}

struct Guarded {
    bulkhead: Bulkhead,
    inside: UnsafeCell<u32>,
}

fn guarded(queue: u32) -> Arc<Guarded> {
    let bulkhead = Bulkhead::new(BulkheadSettings { permits: 1, queue }).unwrap();
    Arc::new(Guarded { bulkhead, inside: UnsafeCell::new(0) })
}

impl Guarded {
    fn try_once(&self) {
        if let Ok(_slot) = self.bulkhead.try_acquire() {
            self.touch();
        }
    }

    fn touch(&self) {
        // SAFETY: the model reports whoever is inside at the same time.
        self.inside.with_mut(|count| unsafe { *count += 1 });
    }
}

/// Two threads under one permit; loom guards what they touch.
fn one_inside() {
    check(|| {
        let guarded = guarded(0);
        let theirs = Arc::clone(&guarded);
        let other = thread::spawn(move || theirs.try_once());
        guarded.try_once();
        other.join().unwrap();
        guarded.try_once();
    });
}

#[test]
fn loom_what_was_done_under_a_permit_is_seen_under_the_next() {
    one_inside();
}

#[test]
#[should_panic(expected = "Causality violation")]
fn loom_mutant_that_gives_back_without_order_is_noticed() {
    let _made = Mutant::GiveBackRelaxed.make();
    one_inside();
}

#[test]
#[should_panic(expected = "Causality violation")]
fn loom_mutant_that_takes_without_order_is_noticed() {
    let _made = Mutant::TakePermitRelaxed.make();
    one_inside();
}

/// One gives back while another joins the line: afterwards the waiter has its turn.
fn joined_while_given_back() {
    check(|| {
        let bulkhead = Arc::new(Bulkhead::new(BulkheadSettings { permits: 1, queue: 1 }).unwrap());
        let slot = bulkhead.try_acquire_owned().unwrap();
        let other = thread::spawn(move || drop(slot));
        let mut waiting = pin!(bulkhead.acquire());
        let mut context = Context::from_waker(Waker::noop());
        let first = waiting.as_mut().poll(&mut context);
        other.join().unwrap();
        let served = first.is_ready() || waiting.as_mut().poll(&mut context).is_ready();
        assert!(served, "nobody waits for a permit that is free");
    });
}

#[test]
fn loom_a_free_permit_finds_the_waiter() {
    joined_while_given_back();
}

#[test]
#[should_panic(expected = "nobody waits for a permit that is free")]
fn loom_mutant_that_does_not_look_for_waiters_is_noticed() {
    let _made = Mutant::WaitersUnseen.make();
    joined_while_given_back();
}

/// A waiter leaves while its permit is on the way.
fn left_while_given_back() {
    check(|| {
        let bulkhead = Arc::new(Bulkhead::new(BulkheadSettings { permits: 1, queue: 1 }).unwrap());
        let slot = bulkhead.try_acquire_owned().unwrap();
        let mut waiting = Box::pin(bulkhead.acquire());
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Pending));
        let other = thread::spawn(move || drop(slot));
        drop(waiting);
        other.join().unwrap();
        assert!(bulkhead.try_acquire().is_ok(), "the permit is free again");
    });
}

#[test]
fn loom_a_waiter_that_leaves_passes_its_permit_on() {
    left_while_given_back();
}

#[test]
#[should_panic(expected = "the permit is free again")]
fn loom_mutant_that_keeps_the_permit_of_a_leaver_is_noticed() {
    let _made = Mutant::LeaverKeeps.make();
    left_while_given_back();
}
