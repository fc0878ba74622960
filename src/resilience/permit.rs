//! What a breaker answers, and the right to one call.

use super::breaker::Breaker;
use crate::types::Tick;
use std::mem::ManuallyDrop;

/// What a breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BreakerState {
    /// Everything.
    Closed = 0,
    /// Nothing.
    Open = 1,
    /// A few probes.
    HalfOpen = 2,
}

impl BreakerState {
    /// From its number.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Closed),
            1 => Some(Self::Open),
            2 => Some(Self::HalfOpen),
            _ => None,
        }
    }

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The peer did what it should.
    Success,
    /// The peer failed, or took too long.
    Failure,
    /// Says nothing about the peer: the call was not made, or the caller was at fault.
    Abandoned,
}

/// May this call be made?
#[derive(Debug)]
#[must_use]
pub enum Decision<'a> {
    /// Yes; report how it ended.
    Allow(Permit<'a>),
    /// Yes, and much depends on it.
    Probe(Permit<'a>),
    /// No.
    Reject {
        /// Ask again then; no answer before it differs unless a probe ends.
        until: Tick,
    },
}

/// A call that a breaker allowed, as a word for callers that cannot hold a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

impl Ticket {
    pub(super) const fn new(generation: u64, is_probe: bool) -> Self {
        Self(generation << 1 | is_probe as u64)
    }

    /// From [`Ticket::get`]. Any number is harmless: one that was never given out counts as a call of another
    /// state, or as one more of this.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// True for a probe of a half-open breaker.
    pub const fn is_probe(self) -> bool {
        self.0 & 1 == 1
    }

    pub(super) const fn generation(self) -> u64 {
        self.0 >> 1
    }
}

/// The right to make one call. Report its outcome; dropped without, it is [`Outcome::Abandoned`].
#[derive(Debug)]
#[must_use = "a permit that is dropped says nothing about the peer"]
pub struct Permit<'a> {
    pub(super) breaker: &'a Breaker,
    pub(super) ticket: Ticket,
}

impl Permit<'_> {
    /// Says how the call ended.
    #[inline]
    pub fn report(self, now: Tick, outcome: Outcome) {
        let this = ManuallyDrop::new(self);
        this.breaker.report(now, this.ticket, outcome);
    }

    /// True while the state that gave it out lasts.
    pub fn is_current(&self) -> bool {
        self.breaker.is_current(self.ticket)
    }

    /// Takes the word out, for [`Breaker::report`].
    #[inline]
    pub fn into_ticket(self) -> Ticket {
        ManuallyDrop::new(self).ticket
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_probe() {
            // A probe given back needs no time.
            self.breaker.report(Tick::ZERO, self.ticket, Outcome::Abandoned);
        }
    }
}
