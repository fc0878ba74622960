//! The figures of all stacks as text: JSON for people and scripts, Prometheus for monitoring.
//!
//! # Limits
//! Text grows with the number of stacks: below 1,300 bytes of JSON and 3,000 of Prometheus each. A shared part
//! appears under each stack that has it.

use super::breaker::BreakerStats;
use super::bulkhead::BulkheadStats;
use super::limiter::LimiterStats;
use super::registry::Registry;
use super::retry::RetryStats;
use super::stack::Stack;
use crate::types::Tick;
use std::fmt::{Display, Write};
use std::time::Duration;

/// The figures of one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackStats {
    /// Of the breaker.
    pub breaker: Option<BreakerStats>,
    /// Of the limiter.
    pub limiter: Option<LimiterStats>,
    /// Of the bulkhead.
    pub bulkhead: Option<BulkheadStats>,
    /// Of the retry policy.
    pub retry: Option<RetryStats>,
}

impl Stack {
    /// Its figures.
    pub fn stats(&self, now: Tick) -> StackStats {
        StackStats {
            breaker: self.breaker.as_ref().map(|breaker| breaker.stats(now)),
            limiter: self.limiter.as_ref().map(|limiter| limiter.stats(now)),
            bulkhead: self.bulkhead.as_ref().map(|bulkhead| bulkhead.stats()),
            retry: self.retry.as_ref().map(|retry| retry.stats()),
        }
    }
}

impl Registry {
    /// The figures of all stacks as one JSON object, `{"stacks":[{"name":…,"breaker":{…},…},…]}`. Times are
    /// nanoseconds. A part that a stack lacks is absent.
    pub fn json(&self, now: Tick) -> String {
        let all = self.all();
        let mut out = String::with_capacity(32 + all.len() * 1_024);
        out.push_str("{\"stacks\":[");
        for (at, (name, stack)) in all.iter().enumerate() {
            out.push_str(if at == 0 { "{\"name\":\"" } else { ",{\"name\":\"" });
            out.push_str(name);
            out.push('"');
            stack.stats(now).json(now, &mut out);
            out.push('}');
        }
        out.push_str("]}");
        out
    }

    /// The figures of all stacks in Prometheus's text format, with `stack="name"` as label.
    pub fn prometheus(&self, now: Tick) -> String {
        let all = self.all();
        let figures: Vec<_> = all.iter().map(|(name, stack)| (&**name, stack.stats(now))).collect();
        let mut out = String::with_capacity(4_096 + all.len() * 2_048);
        for metric in METRICS {
            metric.write(&figures, &mut out);
        }
        out
    }
}

/// Appends `,"name":{"a":1,…}`.
fn object(out: &mut String, name: &str, fields: &[(&str, &dyn Display)]) {
    write!(out, ",\"{name}\":{{").expect("a string takes everything");
    for (at, (field, value)) in fields.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}\"{field}\":{value}").expect("a string takes everything");
    }
    out.push('}');
}

/// Whole nanoseconds; spans here are bounded by a year.
fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl StackStats {
    fn json(&self, now: Tick, out: &mut String) {
        if let Some(s) = &self.breaker {
            let state = format!("\"{}\"", s.state.name());
            let fields: [(&str, &dyn Display); 8] = [
                ("state", &state),
                ("window_calls", &s.window_calls),
                ("window_failures", &s.window_failures),
                ("calls", &s.calls),
                ("failures", &s.failures),
                ("rejected", &s.rejected),
                ("opened", &s.opened),
                ("changes_in_ns", &nanos(s.until.since(now))),
            ];
            object(out, "breaker", &fields);
        }
        if let Some(s) = &self.limiter {
            let fields: [(&str, &dyn Display); 5] = [
                ("available", &s.available),
                ("burst", &s.burst),
                ("tokens", &s.tokens),
                ("period_ns", &nanos(s.period)),
                ("refused", &s.refused),
            ];
            object(out, "limiter", &fields);
        }
        if let Some(s) = &self.bulkhead {
            let fields: [(&str, &dyn Display); 6] = [
                ("permits", &s.permits),
                ("in_use", &s.in_use),
                ("waiting", &s.waiting),
                ("taken", &s.taken),
                ("refused", &s.refused),
                ("left", &s.left),
            ];
            object(out, "bulkhead", &fields);
        }
        if let Some(s) = &self.retry {
            let fields: [(&str, &dyn Display); 4] = [
                ("retries", &s.retries),
                ("not_retryable", &s.not_retryable),
                ("attempts_spent", &s.attempts_spent),
                ("time_spent", &s.time_spent),
            ];
            object(out, "retry", &fields);
        }
    }
}

/// One metric, and where its value comes from.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: fn(&StackStats) -> Option<u64>,
}

impl Metric {
    fn write(&self, figures: &[(&str, StackStats)], out: &mut String) {
        let Self { name, kind, help, value } = self;
        let mut head = Some(format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        for (stack, stats) in figures {
            if let Some(value) = value(stats) {
                out.push_str(&head.take().unwrap_or_default());
                writeln!(out, "{name}{{stack=\"{stack}\"}} {value}").expect("a string takes everything");
            }
        }
    }
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&StackStats) -> Option<u64>) -> Metric {
    Metric { name, kind: "gauge", help, value }
}

const fn counter(name: &'static str, help: &'static str, value: fn(&StackStats) -> Option<u64>) -> Metric {
    Metric { name, kind: "counter", help, value }
}

const METRICS: &[Metric] = &[
    gauge("duochain_breaker_state", "0 closed, 1 open, 2 half-open.", |s| Some(s.breaker?.state as u64)),
    gauge("duochain_breaker_window_calls", "Calls in the window.", |s| Some(s.breaker?.window_calls)),
    gauge("duochain_breaker_window_failures", "Failures in the window.", |s| {
        Some(s.breaker?.window_failures)
    }),
    counter("duochain_breaker_calls_total", "Calls reported, without probes.", |s| Some(s.breaker?.calls)),
    counter("duochain_breaker_failures_total", "Failures among them.", |s| Some(s.breaker?.failures)),
    counter("duochain_breaker_rejected_total", "Calls not let through.", |s| Some(s.breaker?.rejected)),
    counter("duochain_breaker_opened_total", "How often it opened.", |s| Some(s.breaker?.opened)),
    gauge("duochain_limiter_available", "Tokens that could be had.", |s| {
        Some(u64::from(s.limiter?.available))
    }),
    gauge("duochain_limiter_burst", "Tokens that can be saved up.", |s| Some(u64::from(s.limiter?.burst))),
    counter("duochain_limiter_refused_total", "Calls over the rate.", |s| Some(s.limiter?.refused)),
    gauge("duochain_bulkhead_permits", "Calls at a time.", |s| Some(u64::from(s.bulkhead?.permits))),
    gauge("duochain_bulkhead_in_use", "Permits that are out.", |s| Some(u64::from(s.bulkhead?.in_use))),
    gauge("duochain_bulkhead_waiting", "Callers in line.", |s| Some(u64::from(s.bulkhead?.waiting))),
    counter("duochain_bulkhead_taken_total", "Permits taken.", |s| Some(s.bulkhead?.taken)),
    counter("duochain_bulkhead_refused_total", "Callers sent away.", |s| Some(s.bulkhead?.refused)),
    counter("duochain_bulkhead_left_total", "Waiters that left before their turn.", |s| {
        Some(s.bulkhead?.left)
    }),
    counter("duochain_retry_retries_total", "Attempts after a failure.", |s| Some(s.retry?.retries)),
    counter("duochain_retry_not_retryable_total", "Given up: the failure does not pass.", |s| {
        Some(s.retry?.not_retryable)
    }),
    counter("duochain_retry_attempts_spent_total", "Given up: no attempts left.", |s| {
        Some(s.retry?.attempts_spent)
    }),
    counter("duochain_retry_time_spent_total", "Given up: no time left.", |s| Some(s.retry?.time_spent)),
];
