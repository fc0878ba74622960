//! Breakers, limiters, bulkheads, retry policies, stacks and registries, as `duochain.resilience` wraps them.
//!
//! Permits are words and counts here; the Python side pairs taking and giving back.

use crate::arguments::{invalid, timeout};
use crate::boundary::{SLICE, caught};
use crate::fault::{OrRaise, fault};
use duochain::env::{Clock, SystemClock};
use duochain::resilience::{
    Adaptive, Backoff, Breaker, BreakerSettings, Bulkhead, BulkheadSettings, Deadline, Fault, Limited,
    Limiter, LimiterSettings, Outcome, Refusal, Registry, RetryPolicy, RetrySettings, Stack, Ticket,
};
use duochain::types::{Status, Tick};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The one clock of all policies, so that their times can be compared.
fn clock() -> SystemClock {
    static CLOCK: OnceLock<SystemClock> = OnceLock::new();
    *CLOCK.get_or_init(SystemClock::new)
}

fn span(py: Python<'_>, seconds: f64) -> PyResult<Duration> {
    Ok(timeout(py, Some(seconds))?.unwrap_or(Duration::MAX))
}

fn per_mille(py: Python<'_>, share: f64) -> PyResult<u32> {
    if (0.0..=1.0).contains(&share) {
        return Ok((share * 1_000.0).round() as u32);
    }
    Err(invalid(py, format!("a share of {share} is not from 0 to 1")))
}

fn raise(py: Python<'_>, refusal: Refusal) -> PyErr {
    fault(py, refusal.status(), refusal.to_string())
}

fn outcome(py: Python<'_>, number: u32) -> PyResult<Outcome> {
    match number {
        0 => Ok(Outcome::Success),
        1 => Ok(Outcome::Failure),
        2 => Ok(Outcome::Abandoned),
        _ => Err(invalid(py, format!("{number} is not an outcome"))),
    }
}

macro_rules! dictionary {
    ($py:expr, $stats:expr, $($field:ident),+) => {{
        let dictionary = PyDict::new($py);
        $(dictionary.set_item(stringify!($field), $stats.$field)?;)+
        Ok(dictionary)
    }};
}

/// A circuit breaker.
#[pyclass(frozen, module = "duochain._native", name = "Breaker")]
pub(crate) struct PyBreaker(Arc<Breaker>);

#[pymethods]
impl PyBreaker {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        window: f64,
        min_requests: u32,
        threshold: f64,
        timeout: f64,
        probes: u32,
        successes: u32,
        floor: Option<f64>,
        recovery: f64,
    ) -> PyResult<Self> {
        let recovery = span(py, recovery)?;
        let floor = floor.map(|floor| per_mille(py, floor)).transpose()?;
        let settings = BreakerSettings {
            window: span(py, window)?,
            min_requests,
            threshold_per_mille: per_mille(py, threshold)?,
            timeout: span(py, timeout)?,
            probes_max: probes,
            successes_to_close: successes,
            adaptive: floor.map(|floor_per_mille| Adaptive { floor_per_mille, recovery }),
        };
        Ok(Self(Arc::new(Breaker::new(settings).or_raise(py)?)))
    }

    fn ask(&self, py: Python<'_>) -> PyResult<u64> {
        let answer = self.0.ask_ticket(clock().now());
        answer.map(Ticket::get).map_err(|until| raise(py, Refusal::Open { until }))
    }

    fn report(&self, py: Python<'_>, ticket: u64, number: u32) -> PyResult<()> {
        let outcome = outcome(py, number)?;
        self.0.report(clock().now(), Ticket::from_raw(ticket), outcome);
        Ok(())
    }

    fn trip(&self) {
        self.0.trip(clock().now());
    }

    fn reset(&self) {
        self.0.reset();
    }

    #[getter]
    fn state(&self) -> &'static str {
        self.0.state().name()
    }

    fn rejects_for(&self) -> f64 {
        self.0.rejects_for(clock().now()).as_secs_f64()
    }

    fn save<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.save(clock().now(), clock().unix()))
    }

    fn restore(&self, py: Python<'_>, saved: &[u8]) -> PyResult<()> {
        self.0.restore(clock().now(), clock().unix(), saved).or_raise(py)
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.0.stats(clock().now());
        dictionary!(py, stats, window_calls, window_failures, calls, failures, rejected, opened)
    }
}

/// A rate limiter.
#[pyclass(frozen, module = "duochain._native", name = "Limiter")]
pub(crate) struct PyLimiter(Arc<Limiter>);

#[pymethods]
impl PyLimiter {
    #[new]
    fn new(py: Python<'_>, tokens: u32, period: f64, burst: u32) -> PyResult<Self> {
        let settings = LimiterSettings { tokens, period: span(py, period)?, burst };
        Ok(Self(Arc::new(Limiter::new(settings).or_raise(py)?)))
    }

    fn try_acquire(&self, py: Python<'_>, n: u32) -> PyResult<bool> {
        match self.0.acquire(clock().now(), n) {
            Ok(()) => Ok(true),
            Err(Limited::Until(_)) => Ok(false),
            Err(never) => Err(raise(py, Refusal::Limited(never))),
        }
    }

    fn ready_in(&self, py: Python<'_>, n: u32) -> PyResult<f64> {
        let now = clock().now();
        let ready = self.0.ready_at(now, n).map_err(|never| raise(py, Refusal::Limited(never)))?;
        Ok(ready.since(now).as_secs_f64())
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.0.stats(clock().now());
        dictionary!(py, stats, available, burst, tokens, refused)
    }
}

/// A bulkhead.
#[pyclass(frozen, module = "duochain._native", name = "Bulkhead")]
pub(crate) struct PyBulkhead(Arc<Bulkhead>);

#[pymethods]
impl PyBulkhead {
    #[new]
    fn new(py: Python<'_>, permits: u32, queue: u32) -> PyResult<Self> {
        let settings = BulkheadSettings { permits, queue };
        Ok(Self(Arc::new(Bulkhead::new(settings).or_raise(py)?)))
    }

    fn try_acquire(&self) -> bool {
        self.0.take_one().is_ok()
    }

    fn release(&self, py: Python<'_>) -> PyResult<()> {
        if self.0.release_one() { Ok(()) } else { Err(invalid(py, "no permit is out")) }
    }

    /// `None`: a permit. Else a place in line.
    fn line_up(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.0.line_up().map_err(|crowded| raise(py, Refusal::Crowded(crowded)))
    }

    /// Waits for at most a slice; true once the permit is the caller's.
    fn turn(&self, py: Python<'_>, place: u64, seconds: f64) -> PyResult<bool> {
        let limit = span(py, seconds)?.min(SLICE);
        let turn = caught(py, || {
            if limit.is_zero() {
                return self.0.await_turn(place, &clock(), limit);
            }
            py.detach(|| self.0.await_turn(place, &clock(), limit))
        })?;
        turn.ok_or_else(|| invalid(py, format!("{place} is not a place in line")))
    }

    fn leave(&self, place: u64) -> bool {
        self.0.leave_line(place)
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.0.stats();
        dictionary!(py, stats, permits, in_use, waiting, taken, refused, left)
    }
}

/// A retry policy.
#[pyclass(frozen, module = "duochain._native", name = "Retry")]
pub(crate) struct PyRetry(Arc<RetryPolicy>);

#[pymethods]
impl PyRetry {
    #[new]
    fn new(
        py: Python<'_>,
        attempts: u32,
        delay_min: f64,
        delay_max: f64,
        multiplier: u32,
        jitter: f64,
        total: f64,
    ) -> PyResult<Self> {
        let backoff = Backoff { min: span(py, delay_min)?, max: span(py, delay_max)?, multiplier };
        let jitter_percent = per_mille(py, jitter)? / 10;
        let settings = RetrySettings { backoff, jitter_percent, attempts, total: span(py, total)? };
        Ok(Self(Arc::new(RetryPolicy::new(settings).or_raise(py)?)))
    }

    /// Seconds until the next attempt; `None` to give up. Faults: 0 retryable, 1 permanent, 2 the caller's.
    fn after(
        &self,
        py: Python<'_>,
        failures: u32,
        elapsed: f64,
        fault: u32,
        entropy: u64,
    ) -> PyResult<Option<f64>> {
        let fault = match fault {
            0 => Fault::Retryable,
            1 => Fault::Permanent,
            2 => Fault::Caller,
            _ => return Err(invalid(py, format!("{fault} is not a fault"))),
        };
        if failures == 0 {
            return Err(invalid(py, "failures is 1 or more"));
        }
        let now = Tick::ZERO.after(span(py, elapsed)?);
        let end = Deadline::after(Tick::ZERO, self.0.settings().total);
        let answer = self.0.after(now, end, failures, fault, entropy);
        Ok(answer.ok().map(|at| at.since(now).as_secs_f64()))
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.0.stats();
        dictionary!(py, stats, retries, not_retryable, attempts_spent, time_spent)
    }
}

/// Stacks by name, for reports and saved state.
#[pyclass(frozen, module = "duochain._native", name = "Registry")]
pub(crate) struct PyRegistry(Registry);

#[pymethods]
impl PyRegistry {
    #[new]
    fn new() -> Self {
        Self(Registry::new())
    }

    fn add(
        &self,
        py: Python<'_>,
        name: &str,
        breaker: Option<&PyBreaker>,
        limiter: Option<&PyLimiter>,
        bulkhead: Option<&PyBulkhead>,
        retry: Option<&PyRetry>,
    ) -> PyResult<()> {
        let stack = Stack {
            breaker: breaker.map(|part| Arc::clone(&part.0)),
            limiter: limiter.map(|part| Arc::clone(&part.0)),
            bulkhead: bulkhead.map(|part| Arc::clone(&part.0)),
            retry: retry.map(|part| Arc::clone(&part.0)),
        };
        self.0.register(name, stack).or_raise(py).map(drop)
    }

    fn remove(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        let gone = || fault(py, Status::NotFound, format!("no stack is named {name:?}"));
        self.0.remove(name).map(drop).ok_or_else(gone)
    }

    fn json(&self) -> String {
        self.0.json(clock().now())
    }

    fn prometheus(&self) -> String {
        self.0.prometheus(clock().now())
    }

    fn save<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.save(clock().now(), clock().unix()))
    }

    fn restore(&self, py: Python<'_>, saved: &[u8]) -> PyResult<usize> {
        Ok(self.0.restore(clock().now(), clock().unix(), saved).or_raise(py)?.restored)
    }
}
