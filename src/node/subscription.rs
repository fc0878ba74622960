//! Reading a node's event streams, with cursors that survive a restart.
//!
//! # Model
//! Each chain numbers its own events; a subscription keeps one position per chain and reads the event
//! logs directly. A slow subscriber costs nothing and loses nothing that is still retained.
//!
//! # Invariants
//! I1 a position moves past an event only when that event is handed out, or retired and counted in
//! `dropped`; so a fault of one chain's log takes nothing from the other's stream or from its own.
//! I2 `wait` answers true, and the descriptor stays readable, only when `poll` has something to say.
//!
//! # Limits
//! Cursor names are 1 to [`CURSOR_NAME_BYTES_MAX`] bytes of letters, digits, `.`, `_` and `-`.

use super::Error;
use super::shared::Shared;
use super::signal::Watch;
use crate::dual::Event;
use crate::env::Clock;
use crate::storage::{Batch, Family, LogReader};
use crate::types::{ChainId, Sequence, Status};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Longest name of a durable cursor.
pub const CURSOR_NAME_BYTES_MAX: usize = 64;

/// Which chains' events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChainSelect {
    /// Both chains, each in its own order.
    #[default]
    Both,
    /// One chain.
    One(ChainId),
}

impl ChainSelect {
    const fn contains(self, chain: ChainId) -> bool {
        match self {
            Self::Both => true,
            Self::One(only) => only as u8 == chain as u8,
        }
    }
}

/// Where to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// After the last acknowledged event of the named cursor; from the oldest when it has none.
    Cursor,
    /// At the oldest retained event.
    #[default]
    Oldest,
    /// After the newest event.
    Latest,
}

/// What to follow, and from where.
#[derive(Clone, Debug, Default)]
pub struct SubscribeOptions {
    /// Which chains.
    pub chains: ChainSelect,
    /// Name of the durable cursor that [`Subscription::ack`] moves.
    pub name: Option<String>,
    /// Where to begin.
    pub start: Start,
}

/// A reader of events. Owned by one thread at a time; `wait` and `wake` may be called from others.
#[derive(Debug)]
pub struct Subscription {
    shared: Arc<Shared>,
    chains: ChainSelect,
    name: Option<String>,
    next: [Sequence; 2],
    dropped: [u64; 2],
    first: usize,
    /// A fault that came after events, which were handed out; the next `poll` reports it.
    fault: Option<Error>,
    woken: AtomicBool,
    watch: OnceLock<Watch>,
}

impl Subscription {
    pub(super) fn new(shared: Arc<Shared>, options: SubscribeOptions) -> Result<Self, Error> {
        let SubscribeOptions { chains, name, start } = options;
        check_name(name.as_deref(), start)?;
        let mut next = [Sequence::ORIGIN.next(); 2];
        for chain in ChainId::ALL.into_iter().filter(|chain| chains.contains(*chain)) {
            let views = shared.views(chain)?;
            next[chain.index()] = match (start, &name) {
                (Start::Latest, _) => shared.cell(chain).last_event().next(),
                (Start::Cursor, Some(name)) => match views.store.get(Family::Cursors, name.as_bytes())? {
                    Some(value) => cursor(chain, name, &value)?.next(),
                    None => Sequence::ORIGIN.next(),
                },
                _ => Sequence::new(views.events.first().max(1)),
            };
        }
        let woken = AtomicBool::new(false);
        let watch = OnceLock::new();
        Ok(Self { shared, chains, name, next, dropped: [0; 2], first: 0, fault: None, woken, watch })
    }

    /// Up to `max` events, each chain's in order without gaps; empty when there are none yet.
    ///
    /// # Errors
    /// `Closed`; `Io` and `Corruption` from the log, once the events before the fault and those of the
    /// other chain were handed out. The position is unchanged then.
    pub fn poll(&mut self, max: usize) -> Result<Vec<Event>, Error> {
        self.shared.running()?;
        if let Some(watch) = self.watch.get() {
            watch.clear();
        }
        let outcome = match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.collect(max),
        };
        if let Some(watch) = self.watch.get().filter(|_| self.available()) {
            // It was cleared: say again that there is more.
            watch.raise();
        }
        outcome
    }

    fn collect(&mut self, max: usize) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        // The chains take turns in being first, so a busy one does not hide the other.
        let first = ChainId::ALL[self.first % 2];
        self.first += 1;
        let mut outcome = self.read(first, max.div_ceil(2), &mut events);
        // The fault of one chain does not stop the other.
        outcome = outcome.and(self.read(first.peer(), max - events.len(), &mut events));
        if outcome.is_ok() {
            outcome = self.read(first, max - events.len(), &mut events);
        }
        match outcome {
            Err(fault) if events.is_empty() => Err(fault),
            outcome => {
                self.fault = outcome.err();
                Ok(events)
            }
        }
    }

    /// I1: moves the position event by event, so it is right wherever this ends.
    fn read(&mut self, chain: ChainId, max: usize, out: &mut Vec<Event>) -> Result<(), Error> {
        if !self.chains.contains(chain) || max == 0 {
            return Ok(());
        }
        let Ok(views) = self.shared.views(chain) else {
            // The chain restarts from its log: its events are there again in a moment.
            return Ok(());
        };
        let log = views.events.as_ref();
        let full = out.len() + max;
        self.skip_retired(chain, log);
        while out.len() < full && self.next[chain.index()] <= self.shared.cell(chain).last_event() {
            let sequence = self.next[chain.index()];
            match log.read(sequence.get())? {
                Some(bytes) => {
                    out.push(decode(chain, sequence, &bytes)?);
                    self.next[chain.index()] = sequence.next();
                }
                // Retired since this reader looked.
                None if self.skip_retired(chain, log) => {}
                // The chain was started again since `views` was taken: the new log has it.
                None if sequence.get() > log.last() => break,
                None => return Err(Error::corrupt(format!("{chain} event {sequence} is missing"))),
            }
        }
        Ok(())
    }

    /// Moves on to the oldest event there is; false when the next one is still there.
    fn skip_retired(&mut self, chain: ChainId, log: &dyn LogReader) -> bool {
        let (first, next) = (Sequence::new(log.first().max(1)), self.next[chain.index()]);
        if next >= first {
            return false;
        }
        self.dropped[chain.index()] += first.get() - next.get();
        self.next[chain.index()] = first;
        true
    }

    /// Waits up to `timeout` for an event; false when none came or [`Subscription::wake`] was called.
    ///
    /// # Errors
    /// `Closed`, also while waiting.
    pub fn wait(&self, timeout: Duration) -> Result<bool, Error> {
        let common = &self.shared.common;
        let deadline = common.clock.now().after(timeout);
        loop {
            let seen = common.announced.epoch();
            self.shared.running()?;
            if self.available() {
                return Ok(true);
            }
            let now = common.clock.now();
            // Acquire: pairs with the Release in `wake`.
            if self.woken.swap(false, Ordering::Acquire) || now >= deadline {
                return Ok(false);
            }
            common.announced.wait_past(seen, deadline.since(now));
        }
    }

    /// Ends a `wait` of another thread, or the next one.
    pub fn wake(&self) {
        // Release: pairs with the Acquire in `wait`.
        self.woken.store(true, Ordering::Release);
        self.shared.common.announced.notify();
    }

    /// Moves the durable cursor: everything of `chain` up to `sequence` has been dealt with. Durable when
    /// this returns.
    ///
    /// # Errors
    /// `InvalidArgument` without a cursor name or beyond the newest event; else as [`Subscription::poll`].
    pub fn ack(&self, chain: ChainId, sequence: Sequence) -> Result<(), Error> {
        let invalid = |what: String| Err(Error::new(Status::InvalidArgument, what));
        let Some(name) = &self.name else {
            return invalid("this subscription has no cursor name".into());
        };
        let last = self.shared.cell(chain).last_event();
        if !self.chains.contains(chain) || sequence > last {
            return invalid(format!("{chain} event {sequence} was not delivered here; the newest is {last}"));
        }
        let store = self.shared.views(chain)?.store;
        let mut batch = Batch::new();
        batch.put(Family::Cursors, name.as_bytes(), &sequence.get().to_le_bytes());
        store.write(batch)?;
        Ok(store.sync()?)
    }

    /// Goes to an event: the next `poll` begins with it, or with the oldest retained one.
    ///
    /// # Errors
    /// `InvalidArgument` beyond the event after the newest.
    pub fn seek(&mut self, chain: ChainId, sequence: Sequence) -> Result<(), Error> {
        let limit = self.shared.cell(chain).last_event().next();
        if !self.chains.contains(chain) || sequence > limit || sequence == Sequence::ORIGIN {
            let what = format!("cannot seek to {chain} event {sequence}; 1 to {limit} are allowed");
            return Err(Error::new(Status::InvalidArgument, what));
        }
        self.next[chain.index()] = sequence;
        // It may have been about what is left behind now.
        self.fault = None;
        Ok(())
    }

    /// Events that wait to be polled, per chain.
    pub fn lag(&self) -> [u64; 2] {
        ChainId::ALL.map(|chain| {
            let last = self.shared.cell(chain).last_event().get();
            if self.chains.contains(chain) {
                (last + 1).saturating_sub(self.next[chain.index()].get())
            } else {
                0
            }
        })
    }

    /// Events that were retired before they were polled, per chain.
    pub const fn dropped(&self) -> [u64; 2] {
        self.dropped
    }

    /// A descriptor that is readable while events may be there. Owned by this subscription.
    ///
    /// # Errors
    /// `Io` when the system has no descriptor left.
    pub fn event_fd(&self) -> Result<RawFd, Error> {
        if self.watch.get().is_none() {
            let watch = self.shared.common.announced.watch().map_err(|error| {
                Error::new(Status::Io, format!("cannot make an event descriptor: {error}"))
            })?;
            if self.available() {
                // Announced before there was a descriptor to say so.
                watch.raise();
            }
            // Another thread's may have come first; this one is closed then.
            let _ = self.watch.set(watch);
        }
        Ok(self.watch.get().expect("set above or by another thread").fd())
    }

    /// I2: what a chain that is down holds cannot be read; it is announced when the chain is up again.
    fn available(&self) -> bool {
        let readable =
            |(chain, lag): (ChainId, u64)| lag > 0 && self.shared.cell(chain).views.read().is_some();
        self.fault.is_some() || ChainId::ALL.into_iter().zip(self.lag()).any(readable)
    }
}

fn decode(chain: ChainId, sequence: Sequence, bytes: &[u8]) -> Result<Event, Error> {
    Event::decode(bytes).map_err(|error| Error::corrupt(format!("{chain} event {sequence}: {error}")))
}

fn check_name(name: Option<&str>, start: Start) -> Result<(), Error> {
    let invalid = |what: String| Err(Error::new(Status::InvalidArgument, what));
    let Some(name) = name else {
        return if start == Start::Cursor {
            invalid("starting at a cursor needs its name".into())
        } else {
            Ok(())
        };
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > CURSOR_NAME_BYTES_MAX || !name.bytes().all(allowed) {
        return invalid(format!(
            "a cursor name is 1 to {CURSOR_NAME_BYTES_MAX} letters, digits, dots, underscores and dashes"
        ));
    }
    Ok(())
}

fn cursor(chain: ChainId, name: &str, value: &[u8]) -> Result<Sequence, Error> {
    let bytes = <[u8; 8]>::try_from(value)
        .map_err(|_| Error::corrupt(format!("{chain}: the cursor `{name}` is malformed")))?;
    Ok(Sequence::new(u64::from_le_bytes(bytes)))
}

#[cfg(test)]
#[path = "subscription_test.rs"]
mod tests;
