//! Names, reports within their bounds, and saved state by name.

use super::*;
use crate::resilience::{
    Breaker, BreakerSettings, BreakerState, Bulkhead, BulkheadSettings, Limiter, LimiterSettings,
    RetryPolicy, RetrySettings,
};

fn stack() -> Stack {
    Stack {
        breaker: Some(Arc::new(Breaker::new(BreakerSettings::default()).expect("valid"))),
        limiter: Some(Arc::new(Limiter::new(LimiterSettings::per_second(100)).expect("valid"))),
        bulkhead: Some(Arc::new(Bulkhead::new(BulkheadSettings { permits: 8, queue: 8 }).expect("valid"))),
        retry: Some(Arc::new(RetryPolicy::new(RetrySettings::default()).expect("valid"))),
    }
}

fn registry(stacks: usize) -> Registry {
    let registry = Registry::new();
    for number in 0..stacks {
        registry.register(&format!("peer-{number}"), stack()).expect("a new name");
    }
    registry
}

#[test]
fn a_name_is_registered_once_and_found_until_removed() {
    let registry = registry(2);
    assert_eq!(
        registry.register("peer-1", stack()).expect_err("taken"),
        Error::NameTaken("peer-1".to_owned())
    );
    let held = registry.get("peer-1").expect("registered");
    assert!(registry.remove("peer-1").is_some());
    assert!(registry.get("peer-1").is_none() && registry.remove("peer-1").is_none());
    drop(held.enter(Tick::ZERO).expect("whoever has it goes on with it"));
    assert_eq!(registry.all().len(), 1);
}

#[test]
fn bad_names_and_one_too_many_are_refused() {
    let registry = registry(0);
    for name in ["", "a b", "a\"", "a\n", "ä", &"x".repeat(NAME_BYTES_MAX + 1)] {
        assert!(matches!(registry.register(name, Stack::default()), Err(Error::Config { .. })), "{name:?}");
    }
    for number in 0..STACKS_MAX {
        registry.register(&format!("a/b.c:d_{number}"), Stack::default()).expect("room");
    }
    let full = registry.register("z", Stack::default()).expect_err("full");
    assert_eq!(full, Error::RegistryFull { max: STACKS_MAX });
}

/// Ten services in at most 50 kB: their memory, and each form of their report.
const SERVICES_BYTES_MAX: usize = 50_000;

#[test]
fn ten_services_stay_below_their_bound_in_memory_and_in_text() {
    let each = size_of::<Stack>()
        + size_of::<Breaker>()
        + size_of::<Limiter>()
        + size_of::<Bulkhead>()
        + size_of::<RetryPolicy>()
        + NAME_BYTES_MAX
        + 6 * 16;
    assert!(10 * each < SERVICES_BYTES_MAX, "{each} bytes each");
    let registry = Registry::new();
    for number in 0..10 {
        let stack = stack();
        for _ in 0..1_000 {
            let _ = stack.enter(Tick::from_nanos(u64::MAX)).map(drop);
        }
        registry.register(&format!("{number}{}", "x".repeat(NAME_BYTES_MAX - 1)), stack).expect("room");
    }
    let (json, text) = (registry.json(Tick::ZERO), registry.prometheus(Tick::ZERO));
    assert!(json.len() < 10 * 1_300, "{} bytes of JSON", json.len());
    assert!(text.len() < 10 * 3_000, "{} bytes for Prometheus", text.len());
    assert!(json.len().max(text.len()) < SERVICES_BYTES_MAX);
}

#[test]
fn json_names_every_part_that_is_there() {
    let registry = registry(1);
    registry
        .register("alone", Stack { breaker: None, limiter: None, bulkhead: None, ..stack() })
        .expect("new");
    let expected = concat!(
        r#"{"stacks":[{"name":"alone","retry":{"retries":0,"not_retryable":0,"#,
        r#""attempts_spent":0,"time_spent":0}},{"name":"peer-0","#,
        r#""breaker":{"state":"closed","window_calls":0,"window_failures":0,"calls":0,"failures":0,"#,
        r#""rejected":0,"opened":0,"changes_in_ns":0},"#,
        r#""limiter":{"available":10,"burst":10,"tokens":100,"period_ns":1000000000,"refused":0},"#,
        r#""bulkhead":{"permits":8,"in_use":0,"waiting":0,"taken":0,"refused":0,"left":0},"#,
        r#""retry":{"retries":0,"not_retryable":0,"attempts_spent":0,"time_spent":0}}]}"#,
    );
    assert_eq!(registry.json(Tick::ZERO), expected);
    assert_eq!(Registry::new().json(Tick::ZERO), r#"{"stacks":[]}"#);
}

#[test]
fn prometheus_text_has_one_head_per_metric_and_one_line_per_stack() {
    let registry = registry(3);
    registry.get("peer-1").expect("registered").breaker.as_ref().expect("there is one").trip(Tick::ZERO);
    let text = registry.prometheus(Tick::ZERO);
    let state = "# HELP duochain_breaker_state 0 closed, 1 open, 2 half-open.\n\
        # TYPE duochain_breaker_state gauge\n\
        duochain_breaker_state{stack=\"peer-0\"} 0\n\
        duochain_breaker_state{stack=\"peer-1\"} 1\n\
        duochain_breaker_state{stack=\"peer-2\"} 0\n";
    assert!(text.starts_with(state), "{text}");
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    assert_eq!(heads.len() * 5, text.lines().count());
    for head in heads {
        let counter = head.ends_with("counter");
        assert_eq!(head.contains("_total "), counter, "{head}");
    }
    assert_eq!(Registry::new().prometheus(Tick::ZERO), "");
}

#[test]
fn breakers_come_back_by_name_and_strangers_are_counted() {
    let before = registry(3);
    before.get("peer-2").expect("registered").breaker.as_ref().expect("there is one").trip(Tick::ZERO);
    let bytes = before.save(Tick::ZERO, UnixNanos::new(5));
    let after = registry(3);
    after.remove("peer-0");
    let done = after.restore(Tick::ZERO, UnixNanos::new(5), &bytes).expect("good bytes");
    assert_eq!(done, Restored { restored: 2, unknown: 1 });
    let state = |name| after.get(name).expect("registered").breaker.as_ref().expect("there is one").state();
    assert_eq!((state("peer-1"), state("peer-2")), (BreakerState::Closed, BreakerState::Open));
}

#[test]
fn saved_state_that_lies_is_refused_before_any_breaker_changes() {
    let registry = registry(2);
    registry.get("peer-0").expect("registered").breaker.as_ref().expect("there is one").trip(Tick::ZERO);
    let good = registry.save(Tick::ZERO, UnixNanos::new(0));
    let with = |at: usize, value: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    };
    let cases = [
        (vec![], "version"),
        (with(0, &[9]), "version"),
        (with(1, &[255; 4]), "count"),
        (with(5, &[255; 4]), "name"),
        (with(9, &[0xff]), "name"),
        (good[..good.len() - 1].to_vec(), "breaker"),
        ([&good[..], &[0]].concat(), "end"),
    ];
    let fresh = self::registry(2);
    for (bytes, field) in cases {
        let Err(Error::Saved(malformed)) = fresh.restore(Tick::ZERO, UnixNanos::new(0), &bytes) else {
            panic!("{field} was accepted")
        };
        assert_eq!(malformed.field, field);
    }
    let state = fresh.get("peer-0").expect("registered").breaker.as_ref().expect("there is one").state();
    assert_eq!(state, BreakerState::Closed);
}
