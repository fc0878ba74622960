//! The helped-slot ring: bounded, first in first out across all producers, one word per cell.
//!
//! # Model
//! A producer looks for the first ticket that is not filled, starting from the furthest it knows, and
//! fills it with one compare-and-swap. That swap publishes: there is no claimed but unpublished cell, so a
//! producer stopped at any instruction blocks nobody. `tail` and `head` are lazy lower bounds that
//! whoever notices a lag moves on.
//!
//! # Invariants
//! I1 tickets are filled without gaps: a ticket is filled only by who knows that all before it are.
//!    A scan starts at a known bound (`tail`, or the producer's own last success) and passes only
//!    filled tickets.
//! I2 `tail` never passes a ticket that is not filled, `head` none that is not consumed.
//! I3 a turn only grows, so a stale swap cannot succeed (bound: see `cell`).
//! I4 full is exact: at the first unfilled ticket `t` (I1) a cell that still holds `t - N` means that
//!    tickets `t - N` to `t - 1` are filled and not consumed, which are N.
//! I5 once the first unfilled ticket is marked closed, nothing is ever filled after it (I1), so what
//!    comes before the mark is all that will ever come.
//!
//! # Caller contract
//! `take_alone` has one caller at a time. A hint belongs to one producer (or consumer) and one ring: a
//! hint of another ring would break I1.
//!
//! # Source
//! Tsigas and Zhang, "A simple, fast and scalable non-blocking concurrent FIFO queue" (SPAA 2001);
//! NBLFQ (HAL hal-04851700).

use super::cell::{Order, Phase};
use super::wait::Contention;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, has_mutant, prefetch_for_write, weakened};
use crossbeam::utils::CachePadded;

/// A scan this far past the bound moves it. Models, which are short, move it all the time.
const LAG_MAX: u64 = if cfg!(modelled) { 2 } else { 64 };
/// Whoever uses a ticket with these bits set moves the bound.
const PUBLISH_MASK: u64 = if cfg!(modelled) { 1 } else { 31 };

/// Cells of a cache line.
const LINE_CELLS: u64 = 8;
/// How far ahead of a push the cells are fetched. A swap waits for its line, and nothing behind it begins
/// meanwhile; that many swaps take about as long as a line from another core.
const PUSH_AHEAD_CELLS: u64 = 4 * LINE_CELLS;
/// The same for a lone consumer, which would fetch a line to read it and then again to write it. Not further:
/// close to the end these are the lines that producers need.
const TAKE_AHEAD_CELLS: u64 = 2 * LINE_CELLS;

/// Why a producer got no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
}

/// What a consumer found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The buffer at this ticket, now the caller's.
    Buffer { index: u32, ticket: u64 },
    /// Nothing to take at this instant.
    Empty,
    /// Nothing, and nothing will ever come (I5).
    Ended,
}

#[derive(Debug)]
pub(super) struct Ring {
    order: Order,
    cells: Box<[AtomicU64]>,
    tail: CachePadded<AtomicU64>,
    head: CachePadded<AtomicU64>,
    depth_high: CachePadded<AtomicU64>,
}

impl Ring {
    /// `cells` is a power of two.
    pub(super) fn new(cells: usize) -> Self {
        let order = Order::of(cells);
        Self {
            order,
            cells: (0..cells as u64).map(|ticket| AtomicU64::new(order.vacant(ticket))).collect(),
            tail: CachePadded::new(AtomicU64::new(0)),
            head: CachePadded::new(AtomicU64::new(0)),
            depth_high: CachePadded::new(AtomicU64::new(0)),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.cells.len()
    }

    #[inline]
    fn cell(&self, ticket: u64) -> &AtomicU64 {
        &self.cells[self.order.position(ticket)]
    }

    /// Appends a buffer; `hint` is the caller's lower bound of unfilled tickets in this ring.
    #[inline]
    pub(super) fn push(&self, hint: &mut u64, index: u32) -> Result<(), Refusal> {
        let ticket = *hint;
        // Relaxed: only compared; what is read through the buffer was never the producer's to read.
        let word = self.cell(ticket).load(Ordering::Relaxed);
        if word == self.order.vacant(ticket) && self.fill(ticket, word, index) {
            *hint = ticket + 1;
            if ticket.is_multiple_of(LINE_CELLS) {
                prefetch_for_write(self.cell(ticket + PUSH_AHEAD_CELLS));
            }
            if ticket & PUBLISH_MASK == PUBLISH_MASK {
                self.publish_tail(ticket + 1);
            }
            return Ok(());
        }
        self.push_from_tail(hint, index)
    }

    #[cold]
    #[inline(never)]
    fn push_from_tail(&self, hint: &mut u64, index: u32) -> Result<(), Refusal> {
        let mut contention = Contention::default();
        let mut bound = self.tail();
        let mut ticket = bound.max(*hint);
        loop {
            // Acquire: pairs with the Release of `fill` and `take_*`. Who walks over a cell sees what its
            // producer or consumer saw, or the next look could be older than this one, and "behind" no
            // longer true (I4).
            let word = self.cell(ticket).load(weakened(Mutant::WalkRelaxed, Ordering::Acquire));
            match self.phase(word, ticket) {
                Phase::Vacant => {
                    if self.fill(ticket, word, index) {
                        *hint = ticket + 1;
                        if ticket - bound >= LAG_MAX / 2 || ticket & PUBLISH_MASK == PUBLISH_MASK {
                            self.publish_tail(ticket + 1);
                        }
                        return Ok(());
                    }
                    contention.pause();
                }
                Phase::Filled(_) | Phase::Passed => {
                    ticket += 1;
                    if ticket - bound >= LAG_MAX {
                        self.publish_tail(ticket);
                        bound = self.tail();
                        ticket = ticket.max(bound);
                    }
                }
                Phase::Behind => {
                    *hint = ticket;
                    self.publish_tail(ticket);
                    return Err(Refusal::Full);
                }
                Phase::Closed => {
                    *hint = ticket;
                    return Err(Refusal::Closed);
                }
            }
        }
    }

    /// True when a push with this hint would certainly be refused as full. Costs one load, of the cell
    /// that a push reads next.
    #[inline]
    pub(super) fn is_full_at(&self, hint: u64) -> bool {
        // I1: all tickets before a hint are filled, so I4 applies. SeqCst: the re-check of a handshake
        // in `signal`; it is a plain load where that matters.
        matches!(self.order.phase(self.cell(hint).load(Ordering::SeqCst), hint), Phase::Behind)
    }

    /// Notes that the ring was seen full.
    pub(super) fn note_full(&self) {
        if self.depth_high.load(Ordering::Relaxed) < self.order.cells() {
            self.depth_high.fetch_max(self.order.cells(), Ordering::Relaxed);
        }
    }

    #[inline]
    fn phase(&self, word: u64, ticket: u64) -> Phase {
        if has_mutant(Mutant::TurnUnchecked) && self.order.is_empty(word) {
            return Phase::Vacant;
        }
        self.order.phase(word, ticket)
    }

    /// One attempt to fill a ticket before which all are filled, and whose cell was seen vacant.
    #[inline]
    fn fill(&self, ticket: u64, vacant: u64, index: u32) -> bool {
        let filled = self.order.filled(ticket, index);
        // Release part: pairs with the consumer's Acquire load of this cell; it sees the whole buffer.
        // Acquire part: pairs with the consumer's Release in `take_*`, so that an enqueue which fits
        // because of a dequeue comes after it. SeqCst: our half of the handshakes in `signal`.
        let order = weakened(Mutant::FillRelaxed, Ordering::SeqCst);
        self.cell(ticket).compare_exchange(vacant, filled, order, Ordering::Relaxed).is_ok()
    }

    fn tail(&self) -> u64 {
        // Acquire: pairs with the Release in `publish_tail`; loads of cells below and at the bound then
        // see at least what the publisher saw, which I1 and I4 need.
        self.tail.load(Ordering::Acquire)
    }

    #[cold]
    fn publish_tail(&self, ticket: u64) {
        let ticket = ticket + u64::from(has_mutant(Mutant::TailBeyond));
        // Release: pairs with the Acquire in `tail`.
        self.tail.fetch_max(ticket, weakened(Mutant::TailRelaxed, Ordering::Release));
        let depth = ticket.saturating_sub(self.head.load(Ordering::Relaxed)).min(self.order.cells());
        if depth > self.depth_high.load(Ordering::Relaxed) {
            self.depth_high.fetch_max(depth, Ordering::Relaxed);
        }
    }

    /// Takes the oldest buffer. One caller at a time; `head` is its own count of tickets taken.
    #[inline]
    pub(super) fn take_alone(&self, head: &mut u64) -> Taken {
        let ticket = *head;
        let cell = self.cell(ticket);
        // Acquire: pairs with the Release of `fill`. SeqCst: our half of the handshakes in `signal`; it
        // is a plain load where that matters.
        let word = cell.load(weakened(Mutant::TakeRelaxed, Ordering::SeqCst));
        match self.order.phase(word, ticket) {
            Phase::Filled(index) => {
                // Release: pairs with the Acquire of the `fill` that reuses the cell.
                let order = weakened(Mutant::FreeRelaxed, Ordering::Release);
                cell.store(self.order.consumed(ticket), order);
                *head = ticket + 1;
                if ticket.is_multiple_of(LINE_CELLS) {
                    prefetch_for_write(self.cell(ticket + TAKE_AHEAD_CELLS));
                }
                // Now and then, for producers read it. Relaxed: statistics, and where the next consumer begins
                // to look, which `Seat` synchronises.
                if ticket & PUBLISH_MASK == PUBLISH_MASK {
                    self.head.store(ticket + 1, Ordering::Relaxed);
                }
                Taken::Buffer { index, ticket }
            }
            Phase::Closed => Taken::Ended,
            _ => {
                self.catch_up(ticket);
                Taken::Empty
            }
        }
    }

    /// Lone consumer, at the end: where it is, so that the depth of a ring that runs dry is told as it is.
    #[inline]
    fn catch_up(&self, ticket: u64) {
        if self.head.load(Ordering::Relaxed) != ticket {
            self.head.store(ticket, Ordering::Relaxed);
        }
    }

    /// Takes the oldest buffer beside other takers; `hint` is the caller's lower bound of tickets that
    /// are not consumed.
    #[inline]
    pub(super) fn take_shared(&self, hint: &mut u64) -> Taken {
        let ticket = *hint;
        // Acquire and SeqCst: as in `take_alone`.
        let word = self.cell(ticket).load(Ordering::SeqCst);
        if let Phase::Filled(index) = self.order.phase(word, ticket)
            && self.consume(ticket, word)
        {
            *hint = ticket + 1;
            if ticket.is_multiple_of(LINE_CELLS) {
                prefetch_for_write(self.cell(ticket + TAKE_AHEAD_CELLS));
            }
            if ticket & PUBLISH_MASK == PUBLISH_MASK {
                self.publish_head(ticket + 1);
            }
            return Taken::Buffer { index, ticket };
        }
        self.take_from_head(hint)
    }

    #[cold]
    #[inline(never)]
    fn take_from_head(&self, hint: &mut u64) -> Taken {
        let mut contention = Contention::default();
        let mut bound = self.head();
        let mut ticket = bound.max(*hint);
        loop {
            // Acquire and SeqCst: as in `take_alone`.
            let word = self.cell(ticket).load(Ordering::SeqCst);
            match self.order.phase(word, ticket) {
                Phase::Filled(index) => {
                    if self.consume(ticket, word) {
                        *hint = ticket + 1;
                        if ticket - bound >= LAG_MAX / 2 || ticket & PUBLISH_MASK == PUBLISH_MASK {
                            self.publish_head(ticket + 1);
                        }
                        return Taken::Buffer { index, ticket };
                    }
                    contention.pause();
                }
                Phase::Passed => {
                    ticket += 1;
                    if ticket - bound >= LAG_MAX {
                        self.publish_head(ticket);
                        bound = self.head();
                        ticket = ticket.max(bound);
                    }
                }
                Phase::Vacant | Phase::Behind | Phase::Closed => {
                    *hint = ticket;
                    return if word == self.order.closed(ticket) { Taken::Ended } else { Taken::Empty };
                }
            }
        }
    }

    /// One attempt to take what was seen at a ticket before which all are consumed.
    #[inline]
    fn consume(&self, ticket: u64, filled: u64) -> bool {
        let consumed = self.order.consumed(ticket);
        // Acquire part: pairs with the Release of `fill`. Release part: with the Acquire of the `fill` that reuses
        // the cell.
        self.cell(ticket).compare_exchange(filled, consumed, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    fn head(&self) -> u64 {
        // Acquire: pairs with the Release in `publish_head`, as `tail` with `publish_tail`.
        self.head.load(Ordering::Acquire)
    }

    #[cold]
    fn publish_head(&self, ticket: u64) {
        // Release: pairs with the Acquire in `head`.
        self.head.fetch_max(ticket, Ordering::Release);
    }

    /// Ends the ring at the consumer's position `at` if nothing is there; false when something is.
    /// All tickets before `at` are consumed.
    pub(super) fn seal(&self, at: u64) -> bool {
        let closed = self.order.closed(at);
        // AcqRel: the mark orders nothing by itself; as strong as `fill`, against which it races (I5).
        match self.cell(at).compare_exchange(
            self.order.vacant(at),
            closed,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => true,
            Err(word) => word == closed,
        }
    }

    /// First ticket that is not filled: how many buffers were ever accepted.
    pub(super) fn accepted(&self) -> u64 {
        let mut ticket = self.tail();
        while let Phase::Filled(_) | Phase::Passed =
            self.order.phase(self.cell(ticket).load(Ordering::Relaxed), ticket)
        {
            ticket += 1;
        }
        ticket
    }

    /// First ticket that is not consumed: how many buffers were ever taken.
    pub(super) fn consumed(&self) -> u64 {
        let mut ticket = self.head();
        // Acquire: pairs with the Release of `take_*`. Who finds that nothing is left sees what those did before who
        // took the last.
        while self.order.phase(self.cell(ticket).load(Ordering::Acquire), ticket) == Phase::Passed {
            ticket += 1;
        }
        ticket
    }

    /// Buffers waiting, at an instant during the call.
    pub(super) fn len(&self) -> u64 {
        let consumed = self.consumed();
        self.accepted().saturating_sub(consumed).min(self.order.cells())
    }

    /// True when a taker that knows everything before `from` consumed would find a buffer.
    pub(super) fn has_buffer(&self, from: u64) -> bool {
        let mut ticket = self.head().max(from);
        loop {
            // SeqCst: the re-check of a handshake in `signal`.
            match self.order.phase(self.cell(ticket).load(Ordering::SeqCst), ticket) {
                Phase::Passed => ticket += 1,
                phase => return matches!(phase, Phase::Filled(_)),
            }
        }
    }

    /// Most buffers that were seen waiting: exact when it was full, else up to a lag of 64 below
    /// or, of one that did not run dry, of 31 above.
    pub(super) fn depth_high(&self) -> u64 {
        self.depth_high.fetch_max(self.len(), Ordering::Relaxed).max(self.len())
    }
}
