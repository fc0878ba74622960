//! Pure policies: asked with a state of affairs, they answer with a decision. They never sleep and
//! never read a clock.
//!
//! # Model
//! ```text
//!                     ┌──────────────── Stack ────────────────┐
//!  call ── now ─────► │ Breaker ► Limiter ► Bulkhead ► retry  │ ──► the peer
//!                     └───────────────────────────────────────┘
//!  Registry: stacks by name, for reports and saved state; not on the way of a call
//! ```
//! | | asked | answers |
//! |---|---|---|
//! | [`Breaker`] | now | allow, probe, or reject until |
//! | [`Limiter`] | now, tokens | granted, or when |
//! | [`Bulkhead`] | | a permit, a place in line, or full |
//! | [`RetryPolicy`] | now, whose fault, chance | when to try again, or why not |
//!
//! Time comes in as a [`Tick`](crate::types::Tick), and one reading serves a whole [`Stack`]. What waits
//! (`*_blocking`) stands apart and waits through [`Sleep`]; [`Bulkhead::acquire`] and [`Stack::enter_async`]
//! are futures that need no runtime, `*_within` and [`Stack::call_async`] ones that need a [`Timer`] of the host's.
//!
//! # Invariants
//! I1 each policy's hot path is one atomic operation on one word, and takes no lock.
//! I2 a permit is reported or given back exactly once; dropping it counts.
//! I3 a clock that goes backwards or stands still makes a policy stricter, never more generous.
//!
//! # Limits
//! Each setting has its range, which its type states and its constructor checks.
//!
//! # Source
//! docs/resilience.md has the formulas, and how to choose values.

mod acquire;
mod asynchronous;
mod backoff;
mod blocking;
mod breaker;
mod bulkhead;
#[cfg(all(test, not(modelled)))]
mod chance;
mod error;
mod limiter;
mod permit;
mod registry;
mod report;
mod retry;
mod saved;
mod scale;
mod settings;
mod stack;
mod timeout;
mod waiters;
mod window;

/// The examples of the documentation, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/resilience.md")]
struct Examples;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, shuttle))]
mod schedules;

pub use acquire::Acquire;
pub use asynchronous::Timer;
pub use backoff::Backoff;
pub use blocking::{LimitedWait, Sleep};
pub use breaker::{BREAKER_BYTES_MAX, Breaker, BreakerStats};
pub use bulkhead::{
    Bulkhead, BulkheadSettings, BulkheadStats, Crowded, OwnedSlot, PERMITS_MAX, QUEUE_MAX, Slot,
};
pub use error::Error;
pub use limiter::{BURST_MAX, Limited, Limiter, LimiterSettings, LimiterStats, PERIOD_MAX};
pub use permit::{BreakerState, Decision, Outcome, Permit, Ticket};
pub use registry::{NAME_BYTES_MAX, Registry, Restored, STACKS_MAX};
pub use report::StackStats;
pub use retry::{
    ATTEMPTS_MAX, Attempts, Fault, GiveUp, JITTER_PERCENT_MAX, MULTIPLIER_MAX, RetryPolicy, RetrySettings,
    RetryStats,
};
pub use saved::SAVED_BYTES;
pub use settings::{
    Adaptive, BreakerSettings, MIN_REQUESTS_MAX, PROBES_MAX, SPAN_MAX, SUCCESSES_MAX, WINDOW_MIN,
};
pub use stack::{CallError, OwnedPass, Pass, Refusal, Stack};
pub use timeout::Deadline;
