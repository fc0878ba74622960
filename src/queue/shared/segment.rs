//! A segment's words by meaning, and the ring that all processes share.
//!
//! # Model
//! The ring is that of `queue::ring`, on words that somebody else may write over. A producer publishes
//! with one compare-and-swap; `tail` is a lazy lower bound of the first unfilled ticket.
//!
//! # Invariants
//! S1 to S3 are I1 to I3 of `queue::ring`. They hold while everybody keeps to the protocol; whoever reads
//!    here is safe and terminates when nobody does.
//! S4 a producer's hint is the ticket after its own last success, never a value of `tail`, and is forgotten
//!    whenever the ring seems full: so what somebody spoiled is forgotten once the consumer has repaired it.

use super::layout::{self, Geometry, at};
use super::memory::Memory;
use crate::pool::Meta;
use crate::queue::cell::Phase;
use crate::queue::ring::Refusal;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::model_fence;

/// A scan this far past the bound moves it. Models, which are short, move it all the time.
const LAG_MAX: u64 = if cfg!(modelled) { 2 } else { 64 };
/// Whoever fills a ticket with these bits set moves the bound.
const PUBLISH_MASK: u64 = if cfg!(modelled) { 1 } else { 31 };

/// A record that a cell may name.
pub(super) const IN_USE: u64 = 1;
/// Room that its producer may use again.
pub(super) const FREED: u64 = 2;

/// Mistakes that the models have to notice.
#[cfg(modelled)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Filling a cell does not publish the record.
    FillRelaxed,
    /// The record is freed before it was copied.
    FreedEarly,
    /// The cell is released before the record is freed.
    ReleasedEarly,
    /// A new owner of a seat takes everything for uncommitted.
    ScanLeftOut,
}

/// A mapped segment and its shape.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) memory: Memory,
    pub(super) geometry: Geometry,
    #[cfg(modelled)]
    pub(super) fault: Fault,
}

/// The words before a transaction's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) len: usize,
    pub(super) lane: usize,
    pub(super) meta: Meta,
}

/// `kind:8 | granules:56` of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State(pub(super) u64);

impl State {
    pub(super) const fn new(kind: u64, granules: u64) -> Self {
        Self(granules << 8 | kind)
    }

    pub(super) const fn kind(self) -> u64 {
        self.0 & 0xff
    }

    pub(super) const fn granules(self) -> u64 {
        self.0 >> 8
    }
}

impl Segment {
    /// Writes the header of a new segment, whose cells are zero and by that vacant.
    pub(super) fn format(&self, header: &[u64; layout::FIXED_WORDS]) {
        for (offset, word) in (0..).step_by(8).zip(header) {
            self.word(offset).store(*word, Ordering::Relaxed);
        }
        // Release: pairs with the Acquire of `is_open` in a producer that attaches.
        self.word(at::STATE).store(layout::STATE_OPEN, Ordering::Release);
    }

    /// Puts back words of the header that somebody wrote over; answers how many.
    pub(super) fn restore(&self, header: &[u64; layout::FIXED_WORDS]) -> u64 {
        let words = (0..).step_by(8).zip(header.iter().copied());
        let wrong = words.filter(|(offset, word)| self.word(*offset).load(Ordering::Relaxed) != *word);
        wrong.map(|(offset, word)| self.word(offset).store(word, Ordering::Release)).count() as u64
    }

    #[inline]
    pub(super) fn word(&self, offset: u64) -> &AtomicU64 {
        self.memory.word(offset)
    }

    #[inline]
    pub(super) fn cell(&self, lane: usize, ticket: u64) -> &AtomicU64 {
        self.word(self.geometry.cell(lane, ticket))
    }

    pub(super) fn tail(&self, lane: usize) -> &AtomicU64 {
        self.word(self.geometry.tail(lane))
    }

    #[inline]
    pub(super) fn state(&self, handle: u64) -> &AtomicU64 {
        self.word(self.geometry.record(handle))
    }

    /// What the segment says of itself.
    pub(super) fn open_state(&self) -> u64 {
        // Acquire: pairs with the Release of `close`.
        self.word(at::STATE).load(Ordering::Acquire)
    }

    /// Puts back the state that was found, if it is wrong; answers 1 if somebody wrote over it. A segment
    /// that is being closed may still say that it is open.
    pub(super) fn restore_state(&self, found: u64, closing: bool) -> u64 {
        let right = if closing { layout::STATE_CLOSED } else { layout::STATE_OPEN };
        if found == right {
            return 0;
        }
        // A failure is a state that changed meanwhile; the next look sees it.
        let put_back =
            self.word(at::STATE).compare_exchange(found, right, Ordering::Release, Ordering::Relaxed).is_ok();
        u64::from(put_back && !(closing && found == layout::STATE_OPEN))
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        // Acquire: pairs with the Release of `format` and `close`.
        self.word(at::STATE).load(Ordering::Acquire) == layout::STATE_OPEN
    }

    /// Producers that look from now on refuse.
    pub(super) fn close(&self) {
        // Release: pairs with the Acquire of `is_open`.
        self.word(at::STATE).store(layout::STATE_CLOSED, Ordering::Release);
    }

    /// True when a push would be refused as full, or so it seems. Forgets a hint that says so: should it
    /// come from a success in a spoiled cell, the next attempt begins at the tail (S4).
    #[inline]
    pub(super) fn looks_full(&self, lane: usize, hint: &mut u64) -> bool {
        if *hint != 0 && !self.is_behind(lane, *hint) {
            return false;
        }
        *hint = 0;
        self.is_behind(lane, self.read_tail(lane))
    }

    #[inline]
    fn is_behind(&self, lane: usize, ticket: u64) -> bool {
        let word = self.cell(lane, ticket).load(Ordering::Relaxed);
        matches!(self.geometry.order.phase(word, ticket), Phase::Behind)
    }

    /// Producer, after it filled a cell: wakes a consumer that sleeps.
    #[cfg(not(modelled))]
    #[inline]
    pub(super) fn wake(&self) {
        // SeqCst: after the fill, against `nap`: one of the two sees the other.
        if self.word(at::ASLEEP).load(Ordering::SeqCst) != 0 {
            self.wake_up();
        }
    }

    #[cfg(not(modelled))]
    #[cold]
    fn wake_up(&self) {
        self.word(at::ASLEEP).store(0, Ordering::SeqCst);
        let word = self.word(at::WAKE);
        word.fetch_add(1, Ordering::SeqCst);
        crate::queue::gate::wake_shared(word.as_ptr().cast());
    }

    /// First byte of a record's transaction.
    #[cfg(not(modelled))]
    pub(super) fn bytes_at(&self, handle: u64) -> *mut u8 {
        let offset = self.geometry.record(handle) + layout::RECORD_HEAD_BYTES;
        self.memory.start().wrapping_add(offset as usize)
    }

    /// Notes length, lane and words of a record that is ours.
    #[inline]
    pub(super) fn write_head(&self, handle: u64, head: Head) {
        let record = self.geometry.record(handle);
        // Relaxed: published by the Release of `fill`.
        self.word(record + 8).store(head.len as u64 | (head.lane as u64) << 32, Ordering::Relaxed);
        self.word(record + 16).store(head.meta.tag, Ordering::Relaxed);
        self.word(record + 24).store(head.meta.stamp, Ordering::Relaxed);
    }

    /// Copies bytes into a record that is ours; the caller checked that they fit.
    #[inline]
    pub(super) fn write_bytes(&self, handle: u64, bytes: &[u8]) {
        let body = self.geometry.record(handle) + layout::RECORD_HEAD_BYTES;
        let (whole, rest) = bytes.as_chunks::<8>();
        for (word, chunk) in self.memory.words(body, whole.len()).zip(whole) {
            word.store(u64::from_le_bytes(*chunk), Ordering::Relaxed);
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            let offset = body + 8 * whole.len() as u64;
            self.word(offset).store(u64::from_le_bytes(last), Ordering::Relaxed);
        }
    }

    /// Copies a record's bytes out, each read once; the caller checked that they are inside the part.
    #[inline]
    pub(super) fn read_bytes(&self, handle: u64, bytes: &mut [u8]) {
        let body = self.geometry.record(handle) + layout::RECORD_HEAD_BYTES;
        let (whole, rest) = bytes.as_chunks_mut::<8>();
        let end = body + 8 * whole.len() as u64;
        for (word, chunk) in self.memory.words(body, whole.len()).zip(whole) {
            *chunk = word.load(Ordering::Relaxed).to_le_bytes();
        }
        if !rest.is_empty() {
            let last = self.word(end).load(Ordering::Relaxed).to_le_bytes();
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }

    /// A record's description, each word read once and not yet believed.
    #[inline]
    pub(super) fn read_head(&self, handle: u64) -> Head {
        let record = self.geometry.record(handle);
        let load = |offset: u64| self.word(record + offset).load(Ordering::Relaxed);
        let size = load(8);
        Head {
            len: size as u32 as usize,
            lane: (size >> 32) as usize,
            meta: Meta { tag: load(16), stamp: load(24) },
        }
    }

    /// Appends a record to a lane; `hint` is the caller's lower bound of unfilled tickets (S4). A ring that
    /// makes no sense is full until the consumer has repaired it.
    #[inline]
    pub(super) fn push(&self, lane: usize, hint: &mut u64, handle: u64) -> Result<(), Refusal> {
        let ticket = *hint;
        // Relaxed: only compared.
        let word = self.cell(lane, ticket).load(Ordering::Relaxed);
        // No hint is not a hint: a cell that looks like ticket 0 in a ring that is further is spoiled.
        let known = ticket != 0 && word == self.geometry.order.vacant(ticket);
        if known && self.fill(lane, ticket, word, handle) {
            *hint = ticket.wrapping_add(1);
            if ticket & PUBLISH_MASK == PUBLISH_MASK {
                self.publish_tail(lane, ticket.wrapping_add(1));
            }
            return Ok(());
        }
        self.push_from_tail(lane, hint, handle)
    }

    #[cold]
    #[inline(never)]
    fn push_from_tail(&self, lane: usize, hint: &mut u64, handle: u64) -> Result<(), Refusal> {
        let order = self.geometry.order;
        // Twice around, and a swap lost to somebody else each time, is more than the protocol ever takes
        // in a ring that is not being rewritten.
        let mut steps = order.cells().saturating_mul(4) + 4_096;
        let mut bound = self.read_tail(lane);
        let mut ticket = bound.max(*hint);
        while steps > 0 {
            steps -= 1;
            // Acquire: as in `queue::ring`, so that the next look is not older than this one.
            let word = self.cell(lane, ticket).load(Ordering::Acquire);
            match order.phase(word, ticket) {
                Phase::Vacant => {
                    if self.fill(lane, ticket, word, handle) {
                        *hint = ticket.wrapping_add(1);
                        let lag = ticket.wrapping_sub(bound);
                        if lag >= LAG_MAX / 2 || ticket & PUBLISH_MASK == PUBLISH_MASK {
                            self.publish_tail(lane, ticket.wrapping_add(1));
                        }
                        return Ok(());
                    }
                }
                Phase::Filled(_) => ticket = ticket.wrapping_add(1),
                // The ticket before this word's turn was consumed, and with it all tickets before that: a
                // tail that lags by laps, or none known yet, costs one step a lap and not one a ticket.
                Phase::Passed => ticket = order.after(word, ticket),
                Phase::Behind => {
                    *hint = 0;
                    self.publish_tail(lane, ticket);
                    return Err(Refusal::Full);
                }
                Phase::Closed => return Err(Refusal::Closed),
            }
            if ticket.wrapping_sub(bound) >= LAG_MAX {
                self.publish_tail(lane, ticket);
                bound = self.read_tail(lane);
                ticket = ticket.max(bound);
            }
        }
        Err(Refusal::Full)
    }

    /// One attempt to fill a ticket before which all are filled, and whose cell was seen vacant.
    #[inline]
    fn fill(&self, lane: usize, ticket: u64, vacant: u64, handle: u64) -> bool {
        let filled = self.geometry.order.filled(ticket, handle as u32);
        // Release part: pairs with the consumer's Acquire load of the cell, which then sees the whole
        // record. Acquire part: with the consumer's Release of it, so that an enqueue which fits because
        // of a dequeue comes after it. SeqCst: before the look at ASLEEP.
        let order = Ordering::SeqCst;
        #[cfg(modelled)]
        let order = if self.fault == Fault::FillRelaxed { Ordering::Relaxed } else { order };
        let cell = self.cell(lane, ticket);
        let done = cell.compare_exchange(vacant, filled, order, Ordering::Relaxed).is_ok();
        if done {
            model_fence();
        }
        done
    }

    fn read_tail(&self, lane: usize) -> u64 {
        // Acquire: pairs with the Release in `publish_tail`, as in `queue::ring`.
        self.tail(lane).load(Ordering::Acquire)
    }

    fn publish_tail(&self, lane: usize, ticket: u64) {
        // Release: pairs with the Acquire in `read_tail`.
        self.tail(lane).fetch_max(ticket, Ordering::Release);
    }

    /// Calls `found` with each handle that a cell of any lane names.
    pub(super) fn for_each_filled(&self, mut found: impl FnMut(u64)) {
        for lane in 0..self.geometry.lanes {
            for position in 0..self.geometry.order.cells() {
                // Acquire: pairs with the consumer's Release of the cell; whoever sees it released sees
                // the record freed (`part`, P3).
                let word = self.cell(lane, position).load(Ordering::Acquire);
                if let Some(handle) = self.geometry.order.any_handle(word) {
                    found(u64::from(handle));
                }
            }
        }
    }
}
