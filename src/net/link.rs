//! The way to one peer: a connection that is made again when it breaks, and what waits for it.

use super::hello::Hello;
use super::line::{Failure, Line};
use super::outbox::Outbox;
use super::packet::Packet;
use super::socket::{bell, hung_up, nap, ring};
use super::tcp::Counters;
use super::tls::Tls;
use super::{Limits, PeerNet, Refusal};
use crate::env::{Clock, SystemClock};
use crate::resilience::{Backoff, RetryPolicy, RetrySettings};
use crate::types::{NodeId, Tick};
use parking_lot::{Mutex, MutexGuard};
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Each delay before an attempt to connect is longer or shorter by up to so much, so that nodes that lost a
/// peer together do not come back together.
const JITTER_PERCENT: u32 = 25;

/// The delays between attempts to connect.
pub(super) fn redial_of(limits: &Limits) -> io::Result<RetryPolicy> {
    let invalid = |rule: &str| io::Error::new(io::ErrorKind::InvalidInput, rule);
    limits.check().map_err(invalid)?;
    let backoff = Backoff { min: limits.redial_min, max: limits.redial_max, multiplier: 2 };
    let settings = RetrySettings { backoff, jitter_percent: JITTER_PERCENT, ..RetrySettings::default() };
    RetryPolicy::new(settings).map_err(|error| invalid(&error.to_string()))
}

#[derive(Debug)]
struct State {
    address: String,
    line: Option<Line>,
    outbox: Outbox,
    is_closing: bool,
    /// Attempts to connect that failed, and connections that did not last, in a row.
    failures: u32,
    refusal: Option<Refusal>,
    redial_at: Tick,
    outbox_bytes_high: usize,
    sent: u64,
    sent_bytes: u64,
    dropped: u64,
    busy: Duration,
    stalled: Duration,
}

/// The way to one peer.
#[derive(Debug)]
pub(super) struct Link {
    hello: Hello,
    limits: Limits,
    redial: Arc<RetryPolicy>,
    tls: Arc<Option<Tls>>,
    clock: SystemClock,
    state: Mutex<State>,
    /// Something waits, or the link is to end.
    bell: OwnedFd,
    counters: Arc<Counters>,
}

impl Link {
    pub(super) fn new(
        hello: Hello,
        address: String,
        (limits, redial, tls): (Limits, Arc<RetryPolicy>, Arc<Option<Tls>>),
        clock: SystemClock,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let state = State {
            address,
            line: None,
            outbox: Outbox::default(),
            is_closing: false,
            failures: 0,
            refusal: None,
            redial_at: Tick::ZERO,
            outbox_bytes_high: 0,
            sent: 0,
            sent_bytes: 0,
            dropped: 0,
            busy: Duration::ZERO,
            stalled: Duration::ZERO,
        };
        let (state, bell) = (Mutex::new(state), bell()?);
        Ok(Self { hello, limits, redial, tls, clock, state, bell, counters })
    }

    pub(super) const fn peer(&self) -> NodeId {
        self.hello.to
    }

    pub(super) fn set_address(&self, address: &str) {
        let mut state = self.state.lock();
        if state.address != address {
            address.clone_into(&mut state.address);
        }
    }

    pub(super) fn stats(&self) -> PeerNet {
        let state = self.state.lock();
        PeerNet {
            node: self.peer(),
            is_connected: state.line.is_some(),
            failures: if state.line.is_some() { 0 } else { state.failures },
            redial_in: state.redial_at.since(self.clock.now()),
            refusal: state.refusal,
            outbox_bytes: state.outbox.bytes,
            outbox_bytes_high: state.outbox_bytes_high,
            sent: state.sent,
            sent_bytes: state.sent_bytes,
            dropped: state.dropped,
            busy: state.busy,
            stalled: state.stalled,
        }
    }

    /// Sends without waiting; what the socket does not take now waits for the link's thread. `false` when the
    /// packet was dropped.
    pub(super) fn send(&self, packet: Packet, is_urgent: bool) -> bool {
        let mut state = self.state.lock();
        let has_room = state.outbox.bytes + packet.left() <= self.limits.outbox_bytes_max;
        if state.line.is_none() || !has_room {
            state.dropped += 1;
            return false;
        }
        let (was_empty, bytes) = (state.outbox.is_empty(), packet.left() as u64);
        state.outbox.push(packet, is_urgent);
        state.outbox_bytes_high = state.outbox_bytes_high.max(state.outbox.bytes);
        state.sent_bytes += bytes;
        self.counters.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        // Behind others, the thread sends it: whoever finds the socket full need not try again.
        if was_empty && self.push_out(&mut state).is_err() {
            ring(&self.bell);
        }
        true
    }

    /// Gives the system what it takes now.
    fn push_out(&self, state: &mut State) -> io::Result<()> {
        let State { line: Some(line), outbox, .. } = state else { return Ok(()) };
        let began = self.clock.now();
        let (whole, outcome) = outbox.send(line);
        state.busy += self.clock.now().since(began);
        state.sent += whole;
        self.counters.sent.fetch_add(whole, Ordering::Relaxed);
        outcome
    }

    /// Ends the link's thread.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closing = true;
        if let Some(line) = state.line.take() {
            let _ = line.stream.shutdown(Shutdown::Both);
        }
        ring(&self.bell);
    }

    /// The body of the link's thread. `broken` is told of each connection that is lost.
    pub(super) fn run(&self, broken: impl Fn(NodeId)) {
        for attempt in 0.. {
            match self.connect() {
                Ok(line) => {
                    if !self.serve(line) {
                        return;
                    }
                    broken(self.peer());
                }
                Err(failure) => self.note(&failure),
            }
            if self.pause(attempt) {
                return;
            }
        }
    }

    fn note(&self, failure: &Failure) {
        let mut state = self.state.lock();
        state.failures = state.failures.saturating_add(1);
        (state.refusal, _) = match failure {
            Failure::Unreachable => (None, self.counters.unreachable.fetch_add(1, Ordering::Relaxed)),
            Failure::Refused(refusal) => {
                let count = &self.counters.turned_away[refusal.index()];
                (Some(*refusal), count.fetch_add(1, Ordering::Relaxed))
            }
        };
    }

    /// Waits before the next attempt. `true` when the link is to end.
    fn pause(&self, attempt: u64) -> bool {
        let mut state = self.state.lock();
        let delay = self.redial.delay(state.failures.max(1), self.chance(attempt));
        state.redial_at = self.clock.now().after(delay);
        while !state.is_closing {
            let left = state.redial_at.since(self.clock.now());
            if left.is_zero() {
                return false;
            }
            MutexGuard::unlocked(&mut state, || nap(&self.bell, left));
        }
        true
    }

    /// Differs between links and attempts, which is all that jitter needs; the same on each run.
    fn chance(&self, attempt: u64) -> u64 {
        let [from, to] = [self.hello.from, self.hello.to].map(|node| node.get().to_le_bytes());
        let bytes = [from, to, attempt.to_le_bytes()].concat();
        u64::from(crc32c::crc32c(&bytes)) << 32
    }

    fn connect(&self) -> Result<Line, Failure> {
        let address = self.state.lock().address.clone();
        Line::connect(&address, &self.hello, (*self.tls).as_ref(), (&self.limits, &self.clock))
    }

    /// Sends what waits until the connection breaks, which is noticed whether or not anything waits: a link may be
    /// quiet for days, and the first message after that is a vote. `false` when the link is to end.
    fn serve(&self, line: Line) -> bool {
        let stream = Arc::clone(&line.stream);
        let mut state = self.state.lock();
        if state.is_closing {
            return false;
        }
        state.line = Some(line);
        state.refusal = None;
        // Not before: who sees it counted may send.
        self.counters.connected.fetch_add(1, Ordering::Relaxed);
        let since = self.clock.now();
        while !state.is_closing {
            let is_full = match self.push_out(&mut state) {
                Ok(()) => false,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
                Err(_) => break,
            };
            let began = self.clock.now();
            let is_over = MutexGuard::unlocked(&mut state, || hung_up(&stream, is_full, &self.bell));
            if is_full {
                state.stalled += self.clock.now().since(began);
            }
            if is_over {
                break;
            }
        }
        state.line = None;
        let lost = std::mem::take(&mut state.outbox).len();
        state.dropped += lost;
        self.counters.dropped.fetch_add(lost, Ordering::Relaxed);
        let _ = stream.shutdown(Shutdown::Both);
        if state.is_closing {
            return false;
        }
        self.counters.broken.fetch_add(1, Ordering::Relaxed);
        // A peer that lets in and hangs up is not called as often as one that just broke.
        let has_lasted = self.clock.now().since(since) >= self.limits.redial_max;
        state.failures = if has_lasted { 0 } else { state.failures.saturating_add(1) };
        true
    }
}
