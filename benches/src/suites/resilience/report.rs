//! The figures of ten stacks as text.

use crate::record::Better;
use crate::sample::{Samples, turns};
use crate::scenario::{OURS, Peer, Scenario};
use crate::suites::Plan;
use duochain::env::{Clock, SystemClock};
use duochain::resilience::{
    Breaker, BreakerSettings, Bulkhead, BulkheadSettings, Limiter, LimiterSettings, Registry, RetryPolicy,
    RetrySettings, Stack, StackStats,
};
use duochain::types::Tick;
use std::hint::black_box;
use std::sync::Arc;

const SERDE: &str = "serde_json";

/// Microseconds for ten stacks.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "ten stacks as JSON",
        unit: "us",
        better: Better::Lower,
        peers: &[Peer::new(SERDE).ours_at_most(1_000.0)],
    },
    Scenario {
        name: "ten stacks for Prometheus",
        unit: "us",
        better: Better::Lower,
        peers: &[Peer::new(SERDE).ours_at_most(1_000.0)],
    },
];

const ROUNDS: usize = 9;
const REPORTS: usize = 500;

fn registry() -> Registry {
    let registry = Registry::new();
    for number in 0..10 {
        let bulkhead = BulkheadSettings { permits: 8, queue: 8 };
        let stack = Stack {
            breaker: Some(Arc::new(Breaker::new(BreakerSettings::default()).expect("within range"))),
            limiter: Some(Arc::new(Limiter::new(LimiterSettings::per_second(1_000)).expect("within range"))),
            bulkhead: Some(Arc::new(Bulkhead::new(bulkhead).expect("within range"))),
            retry: Some(Arc::new(RetryPolicy::new(RetrySettings::default()).expect("within range"))),
        };
        registry.register(&format!("peer-{number}"), stack).expect("a new name");
    }
    registry
}

/// The same figures through a tree of values.
fn by_serde(registry: &Registry) -> String {
    let stacks: Vec<_> = registry
        .all()
        .iter()
        .filter_map(|(name, stack)| {
            let StackStats { breaker, limiter, bulkhead, retry } = stack.stats(Tick::ZERO);
            let (b, l, p, r) = (breaker?, limiter?, bulkhead?, retry?);
            Some(serde_json::json!({
                "name": name,
                "breaker": {
                    "state": b.state.name(), "window_calls": b.window_calls,
                    "window_failures": b.window_failures, "calls": b.calls, "failures": b.failures,
                    "rejected": b.rejected, "opened": b.opened, "changes_in_ns": 0,
                },
                "limiter": {
                    "available": l.available, "burst": l.burst, "tokens": l.tokens,
                    "period_ns": l.period.as_nanos() as u64, "refused": l.refused,
                },
                "bulkhead": {
                    "permits": p.permits, "in_use": p.in_use, "waiting": p.waiting, "taken": p.taken,
                    "refused": p.refused, "left": p.left,
                },
                "retry": {
                    "retries": r.retries, "not_retryable": r.not_retryable,
                    "attempts_spent": r.attempts_spent, "time_spent": r.time_spent,
                },
            }))
        })
        .collect();
    serde_json::json!({ "stacks": stacks }).to_string()
}

fn micros(make: impl Fn() -> String) -> f64 {
    let clock = SystemClock::new();
    for _ in 0..REPORTS {
        black_box(make());
    }
    clock.now().as_nanos() as f64 / 1e3 / REPORTS as f64
}

/// Measures both forms beside one peer.
pub(super) fn measure(plan: Plan, samples: &mut Samples) {
    let registry = registry();
    samples.set_version(SERDE, "1");
    for round in 0..plan.rounds(ROUNDS) {
        for turn in turns(3, round) {
            match turn {
                0 => samples.add(SCENARIOS[0].name, OURS, micros(|| registry.json(Tick::ZERO))),
                1 => samples.add(SCENARIOS[1].name, OURS, micros(|| registry.prometheus(Tick::ZERO))),
                _ => {
                    let figure = micros(|| by_serde(&registry));
                    SCENARIOS.iter().for_each(|scenario| samples.add(scenario.name, SERDE, figure));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_say_the_same() {
        let registry = registry();
        let ours: serde_json::Value = serde_json::from_str(&registry.json(Tick::ZERO)).expect("JSON");
        let theirs: serde_json::Value = serde_json::from_str(&by_serde(&registry)).expect("JSON");
        assert_eq!(ours, theirs);
    }
}
