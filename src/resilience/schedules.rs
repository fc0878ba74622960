//! Uses of the policies that are too long for every interleaving, under random ones.

use super::*;
use crate::sync::Mutant;
use crate::sync::schedules::explore;
use crate::types::Tick;
use shuttle::sync::atomic::{AtomicU32, Ordering};
use shuttle::thread;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const CALLS: u64 = 12;

/// Takes a permit by one of the ways that there are; gives up the wait now and then.
fn enter(bulkhead: &Arc<Bulkhead>, number: u64) -> Option<OwnedSlot> {
    if number % 3 == 0 {
        return bulkhead.try_acquire_owned().ok();
    }
    let mut waiting = pin!(bulkhead.acquire());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..if number % 3 == 1 { 200 } else { 2 } {
        match waiting.as_mut().poll(&mut context) {
            Poll::Ready(slot) => return slot.ok(),
            Poll::Pending => thread::yield_now(),
        }
    }
    None
}

fn crowd() {
    let bulkhead = Arc::new(Bulkhead::new(BulkheadSettings { permits: 2, queue: 2 }).unwrap());
    let inside = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (bulkhead, inside) = (Arc::clone(&bulkhead), Arc::clone(&inside));
            thread::spawn(move || {
                for number in 0..CALLS {
                    if let Some(slot) = enter(&bulkhead, number) {
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < 2, "two at a time");
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(slot);
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let stats = bulkhead.stats();
    assert_eq!((stats.in_use, stats.waiting), (0, 0), "everything came back");
}

#[test]
fn shuttle_a_crowd_leaves_every_permit_behind() {
    explore(crowd);
}

#[test]
#[should_panic(expected = "everything came back")]
fn shuttle_mutant_that_keeps_the_permit_of_a_leaver_is_noticed() {
    let _made = Mutant::LeaverKeeps.make();
    explore(crowd);
}

#[test]
fn shuttle_a_breaker_under_failures_and_probes_lets_no_more_through_than_allowed() {
    explore(|| {
        let settings = BreakerSettings {
            window: Duration::from_millis(16),
            min_requests: 3,
            threshold_per_mille: 400,
            timeout: Duration::from_millis(1),
            probes_max: 1,
            successes_to_close: 2,
            adaptive: None,
        };
        let breaker = Arc::new(Breaker::new(settings).unwrap());
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let breaker = Arc::clone(&breaker);
                thread::spawn(move || {
                    for number in 0..CALLS {
                        let now = Tick::from_nanos(number * 400_000);
                        if let Ok(ticket) = breaker.ask_ticket(now) {
                            thread::yield_now();
                            let failed = (number + thread) % 3 == 0;
                            let outcome = if failed { Outcome::Failure } else { Outcome::Success };
                            breaker.report(now, ticket, outcome);
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        // Every probe was reported: one that is asked for late is answered.
        let end = Tick::from_nanos(1_000_000_000);
        let ticket = breaker.ask_ticket(end).expect("allowed, or a probe after the time-out");
        breaker.report(end, ticket, Outcome::Success);
        let stats = breaker.stats(end);
        assert!(stats.failures <= stats.calls && stats.calls <= 3 * CALLS + 1, "{stats:?}");
    });
}
