//! What is going to happen, in order of virtual time.
//!
//! # Invariants
//! A1 of two events at one instant, the one that was noted first happens first: the order never depends
//! on a heap's layout.

use super::client::{Answer, Request};
use super::disk::Image;
use super::faults::{FaultKind, Relief};
use super::node::Seat;
use crate::frame::Frame;
use crate::raft::{Message, Timer};
use crate::types::{LogId, NodeId, Term};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Virtual time in nanoseconds since the run began.
pub(super) type Nanos = u64;

pub(super) const MICROSECOND: Nanos = 1_000;
pub(super) const MILLISECOND: Nanos = 1_000_000;
pub(super) const SECOND: Nanos = 1_000_000_000;

/// Something that happens to the process on one seat. It is void once that process is another one.
#[derive(Debug)]
pub(super) enum Local {
    /// A timer that was armed for the `arming`-th time.
    Timer { timer: Timer, arming: u64 },
    /// The disk has done what it was given: its `sync`-th sync.
    Synced { sync: u64 },
    /// The applier takes its next frames.
    Apply,
    /// What clients sent becomes a batch.
    Flush,
    /// Frames were read from disk.
    Fetched { to: NodeId, frames: Vec<Frame> },
    /// A snapshot of the own state is on disk.
    SnapshotTaken(Arc<Image>),
    /// The stream of a snapshot to a peer has ended.
    SnapshotSent { to: NodeId, arrived: Option<LogId> },
}

/// Everything that can happen to the replicated log.
#[derive(Debug)]
pub(super) enum Event {
    /// To a process, by its number of starts.
    Local { seat: Seat, run: u32, what: Local },
    /// A message reaches its receiver, if the connection still is the one that it was sent on.
    Deliver { from: Seat, to: Seat, connection: u32, bytes: usize, message: Message },
    /// The whole of a snapshot reaches its receiver.
    Stream { from: Seat, run: u32, to: Seat, connection: u32, term: Term, image: Arc<Image> },
    /// A process notices that the link to a peer broke.
    Unreachable { seat: Seat, peer: NodeId },
    /// A process is started on what its disk holds.
    Start(Seat),
    /// A client's request reaches a node.
    Request { seat: Seat, request: Request },
    /// A node's answer reaches a client.
    Answer { client: usize, operation: u64, answer: Answer },
    /// A client has waited long enough for an attempt.
    Patience { client: usize, operation: u64, attempt: u32 },
    /// A client begins its next operation, or tries the one it has again.
    Wake { client: usize, operation: u64 },
    /// A paused process goes on.
    Resume(Seat),
    /// Something breaks.
    Fault(FaultKind),
    /// Something that broke works again.
    Relief(Relief),
    /// The operator looks after members and lost machines.
    Operate,
    /// Everything is made whole.
    Heal,
    /// Has it converged?
    Poll,
}

struct Entry<E> {
    at: Nanos,
    order: u64,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    /// The earliest is the greatest, because the heap hands out the greatest (A1).
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

/// The events to come, and the time.
pub(super) struct Agenda<E> {
    now: Nanos,
    noted: u64,
    happened: u64,
    heap: BinaryHeap<Entry<E>>,
}

impl<E> Agenda<E> {
    /// At the beginning, with nothing to come.
    pub(super) const fn new() -> Self {
        Self { now: 0, noted: 0, happened: 0, heap: BinaryHeap::new() }
    }

    /// The virtual time.
    pub(super) const fn now(&self) -> Nanos {
        self.now
    }

    /// Events so far.
    pub(super) const fn happened(&self) -> u64 {
        self.happened
    }

    /// Notes that `event` happens at `at`; the past is now.
    pub(super) fn at(&mut self, at: Nanos, event: E) {
        self.noted += 1;
        self.heap.push(Entry { at: at.max(self.now), order: self.noted, event });
    }

    /// Notes that `event` happens in `span`.
    pub(super) fn after(&mut self, span: Nanos, event: E) {
        self.at(self.now.saturating_add(span), event);
    }

    /// Lets the next event happen.
    pub(super) fn next(&mut self) -> Option<E> {
        let entry = self.heap.pop()?;
        self.now = entry.at;
        self.happened += 1;
        Some(entry.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_instant_keep_the_order_in_which_they_were_noted() {
        let mut agenda = Agenda::new();
        for seat in 0..50 {
            agenda.at(7, Event::Start(seat));
        }
        agenda.at(3, Event::Poll);
        assert!(matches!(agenda.next(), Some(Event::Poll)));
        for expected in 0..50 {
            assert!(matches!(agenda.next(), Some(Event::Start(seat)) if seat == expected));
        }
        assert_eq!(agenda.now(), 7);
        agenda.at(1, Event::Poll);
        agenda.next();
        assert_eq!(agenda.now(), 7, "time does not go back");
    }
}
