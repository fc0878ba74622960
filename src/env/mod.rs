//! Seams to the outside: the clock and the log. `system` alone reads the operating system.
//!
//! # Model
//! Whoever needs time takes a [`Clock`]; protocol code does not even do that, it is told the time.
//! Log records go to one optional sink per process; without a sink they are dropped, because a guest
//! prints nothing on its own.

pub mod fork;
pub mod log;
pub mod panic;
pub mod patience;
mod system;

pub use system::SystemClock;

use crate::types::{Tick, UnixNanos};

/// Source of time.
pub trait Clock: Send + Sync {
    /// Monotonic time since this clock was made.
    fn now(&self) -> Tick;
    /// Wall-clock time; may jump.
    fn unix(&self) -> UnixNanos;
}
