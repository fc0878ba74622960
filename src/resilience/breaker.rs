//! A circuit breaker: calls a peer as long as that makes sense.
//!
//! # Model
//! ```text
//!            failure rate >= threshold, with min_requests seen
//!   ┌────────┐ ───────────────────────────────► ┌──────┐
//!   │ closed │                                  │ open │◄─────────────┐
//!   └────────┘                                  └──────┘              │ one failure
//!        ▲ successes_to_close successes            │ first call after │
//!        │         ┌───────────┐   probe           ▼ timeout          │
//!        └──────── │ half-open │ ◄────────────────────────────────────┘
//!                  └───────────┘ at most probes_max calls at a time
//! ```
//! The state is one word; each change of state starts a new generation, and a report on a call of an
//! earlier generation changes nothing.
//! ```text
//!  63                  22 21       12 11      2 1     0
//! |      generation      | successes |  probes  | state |
//! ```
//! Judging takes place at failures: a success alone never opens a breaker.
//!
//! # Invariants
//! I1 no more than `probes_max` calls of one half-open generation are out at a time.
//! I2 one outcome per permit: reporting consumes it, dropping it reports [`Outcome::Abandoned`].
//! I3 who sees the breaker open sees until when (`until` is raised before the word says open).
//! I4 a half-open breaker whose probes are never reported starts a new generation after `timeout`.
//!
//! # Limits
//! One breaker takes [`BREAKER_BYTES_MAX`] bytes at most, whatever its settings. A clock that goes backwards
//! keeps an open breaker open for longer, and never closes or opens one.
use super::Error;
use super::permit::{BreakerState, Decision, Outcome, Permit, Ticket};
use super::settings::{Adaptive, BreakerSettings};
use super::window::{Counts, Window};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, has_mutant, weakened};
use crate::types::Tick;
use std::time::Duration;

/// No breaker is larger.
pub const BREAKER_BYTES_MAX: usize = 1_536;
// A checker's atomics are larger.
#[cfg(not(modelled))]
const _: () = assert!(size_of::<Breaker>() <= BREAKER_BYTES_MAX);

const STATE: u64 = 3;
const PROBE: u64 = 1 << 2;
const SUCCESS: u64 = 1 << 12;
const GENERATION: u64 = 1 << 22;
const FIELD: u64 = 0x3ff;
const _: () = assert!(super::settings::PROBES_MAX as u64 <= FIELD);
const _: () = assert!(super::settings::SUCCESSES_MAX as u64 <= FIELD);

/// A breaker's figures at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerStats {
    /// What it lets through.
    pub state: BreakerState,
    /// Calls in the window.
    pub window_calls: u64,
    /// Failures in the window.
    pub window_failures: u64,
    /// Calls that were reported, probes not included.
    pub calls: u64,
    /// Failures among them.
    pub failures: u64,
    /// Calls that were not let through.
    pub rejected: u64,
    /// How often it opened.
    pub opened: u64,
    /// While it is not closed: when the next change by time is due.
    pub until: Tick,
}

/// Counts outcomes and decides. Share it by reference or `Arc`; all calls are lock-free.
#[derive(Debug)]
pub struct Breaker {
    pub(super) word: AtomicU64,
    /// When an open breaker lets a probe through, or a half-open one gives up on its probes. Never falls.
    pub(super) until: AtomicU64,
    /// When it was last closed by probes.
    pub(super) closed_at: AtomicU64,
    window: Window,
    settings: BreakerSettings,
    rejected: AtomicU64,
    pub(super) opened: AtomicU64,
}

const fn state(word: u64) -> u64 {
    word & STATE
}

const fn probes(word: u64) -> u64 {
    (word / PROBE) & FIELD
}

const fn successes(word: u64) -> u64 {
    (word / SUCCESS) & FIELD
}

const fn generation(word: u64) -> u64 {
    word / GENERATION
}

const fn ticket_of(word: u64) -> Ticket {
    Ticket::new(generation(word), state(word) != CLOSED)
}

/// The next generation after `word`, in `state`.
const fn next(word: u64, state: BreakerState) -> u64 {
    (generation(word) + 1) * GENERATION + state as u64
}

const CLOSED: u64 = BreakerState::Closed as u64;
const OPEN: u64 = BreakerState::Open as u64;

impl Breaker {
    /// A closed breaker.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting outside of its range.
    pub fn new(settings: BreakerSettings) -> Result<Self, Error> {
        settings.check()?;
        Ok(Self {
            word: AtomicU64::new(CLOSED),
            until: AtomicU64::new(0),
            closed_at: AtomicU64::new(0),
            window: Window::new(settings.window),
            settings,
            rejected: AtomicU64::new(0),
            opened: AtomicU64::new(0),
        })
    }

    /// Its settings.
    pub const fn settings(&self) -> &BreakerSettings {
        &self.settings
    }

    /// Asks for a call.
    #[inline]
    pub fn ask(&self, now: Tick) -> Decision<'_> {
        match self.ask_ticket(now) {
            Ok(ticket) if ticket.is_probe() => Decision::Probe(Permit { breaker: self, ticket }),
            Ok(ticket) => Decision::Allow(Permit { breaker: self, ticket }),
            Err(until) => Decision::Reject { until },
        }
    }

    /// As [`Breaker::ask`], for callers that cannot hold a reference: answers with a word to give to
    /// [`Breaker::report`], or with the time of a rejection.
    ///
    /// # Errors
    /// The call is not allowed; ask again then.
    #[inline]
    pub fn ask_ticket(&self, now: Tick) -> Result<Ticket, Tick> {
        // Acquire pairs with the Release of whoever changed the state: I3, and the cleared window.
        let word = self.word.load(weakened(Mutant::AskRelaxed, Ordering::Acquire));
        if state(word) == CLOSED {
            return Ok(ticket_of(word));
        }
        self.ask_not_closed(now, word)
    }

    #[cold]
    fn ask_not_closed(&self, now: Tick, mut word: u64) -> Result<Ticket, Tick> {
        loop {
            let until = Tick::from_nanos(self.until.load(Ordering::Relaxed));
            let half_open = next(word, BreakerState::HalfOpen);
            let wanted = match state(word) {
                CLOSED => return Ok(ticket_of(word)),
                OPEN if now >= until => half_open + PROBE,
                OPEN => return Err(self.reject(until)),
                _ if probes(word) < u64::from(self.settings.probes_max) => word + PROBE,
                _ if now >= until => half_open + PROBE, // I4
                _ => return Err(self.reject(until)),
            };
            if generation(wanted) != generation(word) {
                self.raise_until(now);
            }
            // AcqRel: pairs with the Acquire of whoever asks next, and with the last change (see above).
            match self.word.compare_exchange_weak(word, wanted, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(ticket_of(wanted)),
                Err(current) => word = current,
            }
        }
    }

    fn reject(&self, until: Tick) -> Tick {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        until
    }

    fn raise_until(&self, now: Tick) {
        let until = now.after(self.settings.timeout);
        // Relaxed: published by the change of state that follows.
        self.until.fetch_max(until.as_nanos(), Ordering::Relaxed);
    }

    /// Says how the call of a ticket ended. A ticket of an earlier state changes nothing, and neither does
    /// the second report on a call of a closed breaker's, except that it is counted again: permits
    /// ([`Breaker::ask`]) cannot be reported twice.
    #[inline]
    pub fn report(&self, now: Tick, ticket: Ticket, outcome: Outcome) {
        if ticket.is_probe() {
            return self.report_probe(now, ticket, outcome);
        }
        if outcome == Outcome::Abandoned {
            return;
        }
        // Relaxed: a report that comes late by a change of state is as good as one that came before it.
        if !self.is_current(ticket) {
            return;
        }
        self.window.count(now, outcome == Outcome::Failure);
        if outcome == Outcome::Failure {
            self.judge(now);
        }
    }

    /// True while the state that gave out the ticket lasts.
    pub fn is_current(&self, ticket: Ticket) -> bool {
        generation(self.word.load(Ordering::Relaxed)) == ticket.generation()
    }

    #[cold]
    fn judge(&self, now: Tick) {
        // Acquire pairs with the Release that closed it: the window was cleared before.
        let word = self.word.load(Ordering::Acquire);
        if state(word) == CLOSED && self.is_too_much(self.window.judge(now), now) {
            self.open(now, word);
        }
    }

    fn is_too_much(&self, Counts { total, failures }: Counts, now: Tick) -> bool {
        total >= u64::from(self.settings.min_requests)
            && failures * 1_000 >= total * u64::from(self.threshold_per_mille(now))
    }

    /// The failure rate that opens it at `now`, in thousandths.
    pub fn threshold_per_mille(&self, now: Tick) -> u32 {
        let full = self.settings.threshold_per_mille;
        let closed_at = self.closed_at.load(Ordering::Relaxed);
        match self.settings.adaptive {
            Some(Adaptive { floor_per_mille, recovery }) if closed_at > 0 => {
                let span = recovery.as_nanos().max(1);
                let since = now.since(Tick::from_nanos(closed_at)).as_nanos().min(span);
                let regained = u128::from(full - floor_per_mille) * since / span;
                floor_per_mille + regained as u32
            }
            _ => full,
        }
    }

    /// Opens it, unless its state is no longer `word`.
    fn open(&self, now: Tick, word: u64) -> bool {
        if !has_mutant(Mutant::UntilLate) {
            self.raise_until(now); // I3
        }
        let open = next(word, BreakerState::Open);
        // Release pairs with the Acquire in `ask_ticket`.
        let changed = self.word.compare_exchange(word, open, Ordering::Release, Ordering::Relaxed).is_ok();
        if changed {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
        if has_mutant(Mutant::UntilLate) {
            self.raise_until(now);
        }
        changed
    }

    #[cold]
    fn report_probe(&self, now: Tick, ticket: Ticket, outcome: Outcome) {
        let mut word = self.word.load(Ordering::Acquire);
        // A restored or reset breaker has no probes out, whatever the ticket says.
        while generation(word) == ticket.generation() && probes(word) > 0 {
            let wanted = match outcome {
                Outcome::Failure if self.open(now, word) => return,
                Outcome::Failure => {
                    word = self.word.load(Ordering::Acquire);
                    continue;
                }
                Outcome::Abandoned => word - PROBE,
                Outcome::Success if successes(word) + 1 < u64::from(self.settings.successes_to_close) => {
                    word - PROBE + SUCCESS
                }
                Outcome::Success => {
                    self.begin_anew(now);
                    next(word, BreakerState::Closed)
                }
            };
            // Release pairs with the Acquire in `ask_ticket`: the cleared window.
            match self.word.compare_exchange_weak(word, wanted, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(current) => word = current,
            }
        }
    }

    fn begin_anew(&self, now: Tick) {
        self.window.clear();
        self.closed_at.store(now.as_nanos().max(1), Ordering::Relaxed);
    }

    /// Opens it by hand, for `timeout`, as if the threshold had been passed.
    pub fn trip(&self, now: Tick) {
        while !self.open(now, self.word.load(Ordering::Acquire)) {}
    }

    /// Closes it by hand and forgets the window.
    pub fn reset(&self) {
        self.window.clear();
        let mut word = self.word.load(Ordering::Acquire);
        // Release pairs with the Acquire in `ask_ticket`.
        while let Err(current) = self.word.compare_exchange_weak(
            word,
            next(word, BreakerState::Closed),
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            word = current;
        }
    }

    /// What it lets through now. A breaker stays open until somebody asks after its time-out.
    pub fn state(&self) -> BreakerState {
        let word = self.word.load(Ordering::Acquire);
        BreakerState::from_number(state(word)).unwrap_or(BreakerState::Open)
    }

    /// How long an open breaker, or a half-open one with all probes out, will still reject; zero otherwise.
    pub fn rejects_for(&self, now: Tick) -> Duration {
        let word = self.word.load(Ordering::Acquire);
        let free = probes(word) < u64::from(self.settings.probes_max);
        if state(word) == CLOSED || (state(word) != OPEN && free) {
            return Duration::ZERO;
        }
        Tick::from_nanos(self.until.load(Ordering::Relaxed)).since(now)
    }

    /// Its figures.
    pub fn stats(&self, now: Tick) -> BreakerStats {
        let (window, lifetime) = (self.window.sum(now), self.window.lifetime());
        BreakerStats {
            state: self.state(),
            window_calls: window.total,
            window_failures: window.failures,
            calls: lifetime.total,
            failures: lifetime.failures,
            rejected: self.rejected.load(Ordering::Relaxed),
            opened: self.opened.load(Ordering::Relaxed),
            until: Tick::from_nanos(self.until.load(Ordering::Relaxed)),
        }
    }

    /// Puts it into a state, with nothing counted. For saved state.
    pub(super) fn set(&self, to: BreakerState, until: Tick, closed_at: Tick, opened: u64) {
        self.window.clear();
        self.until.store(until.as_nanos(), Ordering::Relaxed);
        self.closed_at.store(closed_at.as_nanos(), Ordering::Relaxed);
        self.opened.store(opened, Ordering::Relaxed);
        let word = self.word.load(Ordering::Relaxed);
        // Release pairs with the Acquire in `ask_ticket`.
        self.word.store(next(word, to), Ordering::Release);
    }
}

#[cfg(all(test, not(modelled)))]
#[path = "breaker_test.rs"]
mod tests;
