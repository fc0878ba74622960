//! A breaker's state as bytes, so that a restart does not hammer a broken peer.
//!
//! # Model
//! All integers little-endian:
//! ```text
//! offset 0   u8   version, 1
//!        1   u8   state: 0 closed, 1 open (a half-open breaker is saved as open, with no time left)
//!        2   u64  wall-clock time of saving, nanoseconds since 1970
//!       10   u64  nanoseconds that it would have stayed open
//!       18   u64  nanoseconds since probes closed it, plus 1; 0: they never did
//!       26   u64  how often it opened
//! ```
//! The window is not saved: outcomes of another process say little about this one's connections.
//! Monotonic clocks of two processes have nothing in common, so the time between is measured by wall clock,
//! which the caller reads. One that went backwards counts as no time.
//!
//! # Limits
//! A breaker never stays open for longer than its own `timeout` after it was restored.

use super::Error;
use super::breaker::Breaker;
use super::permit::BreakerState;
use super::settings::SPAN_MAX;
use crate::codec::{Reader, Writer};
use crate::sync::atomic::Ordering;
use crate::types::{Tick, UnixNanos};
use std::time::Duration;

/// Version of the format.
const VERSION: u8 = 1;
/// Length of a saved breaker.
pub const SAVED_BYTES: usize = 34;

/// What bytes say about a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    state: BreakerState,
    saved_at: UnixNanos,
    open_for: Duration,
    closed_since: Option<Duration>,
    opened: u64,
}

impl Saved {
    /// # Errors
    /// [`Error::Saved`] for anything but what [`Breaker::save`] writes.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let at = reader.clone();
        let version = reader.u8("version")?;
        if version != VERSION {
            return Err(at.fault("version", format!("{version} is not {VERSION}")).into());
        }
        let at = reader.clone();
        let state = match reader.u8("state")? {
            0 => BreakerState::Closed,
            1 => BreakerState::Open,
            other => return Err(at.fault("state", format!("{other} is neither 0 nor 1")).into()),
        };
        let saved_at = UnixNanos::new(reader.u64("saved_at")?);
        let at = reader.clone();
        let open_for = Duration::from_nanos(reader.u64("open_for")?);
        if open_for > SPAN_MAX || (state == BreakerState::Closed && !open_for.is_zero()) {
            return Err(at.fault("open_for", format!("{open_for:?} cannot be")).into());
        }
        let closed_since = reader.u64("closed_since")?.checked_sub(1).map(Duration::from_nanos);
        let opened = reader.u64("opened")?;
        reader.finish("end")?;
        Ok(Self { state, saved_at, open_for, closed_since, opened })
    }

    /// Puts the breaker into the state that it would have now.
    pub(super) fn apply(&self, breaker: &Breaker, now: Tick, wall: UnixNanos) {
        let away = Duration::from_nanos(wall.get().saturating_sub(self.saved_at.get()));
        let left = self.open_for.saturating_sub(away).min(breaker.settings().timeout);
        let closed_since = self.closed_since.map(|since| since.saturating_add(away));
        // Before this clock began is as good as at its beginning: the threshold is regained a little late.
        let closed_at = closed_since.map_or(0, |since| {
            let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
            now.as_nanos().saturating_sub(nanos).max(1)
        });
        breaker.set(self.state, now.after(left), Tick::from_nanos(closed_at), self.opened);
    }
}

impl Breaker {
    /// Its state as [`SAVED_BYTES`] bytes. `wall` is the wall-clock time of `now`.
    pub fn save(&self, now: Tick, wall: UnixNanos) -> Vec<u8> {
        let closed = self.state() == BreakerState::Closed;
        let open_for = match self.state() {
            BreakerState::Open => Tick::from_nanos(self.until.load(Ordering::Relaxed)).since(now),
            _ => Duration::ZERO,
        };
        let closed_at = self.closed_at.load(Ordering::Relaxed);
        let closed_since = match closed_at {
            0 => 0,
            at => now.as_nanos().saturating_sub(at).saturating_add(1),
        };
        let mut bytes = Vec::with_capacity(SAVED_BYTES);
        Writer::new(&mut bytes)
            .u8(VERSION)
            .u8(u8::from(!closed))
            .u64(wall.get())
            .u64(open_for.as_nanos() as u64)
            .u64(closed_since)
            .u64(self.opened.load(Ordering::Relaxed));
        bytes
    }

    /// Restores what [`Breaker::save`] wrote, as if no process had ended in between. Meant for a breaker that
    /// is not used yet; permits that are out become permits of an earlier state.
    ///
    /// # Errors
    /// [`Error::Saved`]; nothing has changed then.
    pub fn restore(&self, now: Tick, wall: UnixNanos, bytes: &[u8]) -> Result<(), Error> {
        Saved::read(bytes)?.apply(self, now, wall);
        Ok(())
    }
}

#[cfg(all(test, not(modelled)))]
#[path = "saved_test.rs"]
mod tests;
