//! The consumer's end of one segment. Nothing that it reads there is believed.
//!
//! # Model
//! ```text
//! cell at the head:  vacant -> nothing     filled -> check the record, copy it once, free it, release
//!                    wrong turn, closed by somebody else, bad record -> count, release, go on
//! ```
//! Positions, shape and counts live in private memory. An index, a length, a lane and a state are read
//! once, and the copy of what was read is what is checked and used.
//!
//! # Invariants
//! H1 whatever the words say, a call ends after a bounded number of steps and touches nothing outside of the
//!    segment.
//! H2 an undamaged segment is never repaired: each repair needs evidence that the protocol cannot
//!    produce. A ticket is passed over only when a later one was seen filled before it was seen vacant again
//!    (S1 forbids it), and `tail` is lowered only when it lies beyond a ticket seen vacant after it (S2).
//! H3 what hides items is found: a `tail` or a filled cell beyond a gap. One look compares the tail and one
//!    window of cells; the windows take turns, so that after `cells / 64` looks each cell was seen.

use super::SharedStats;
use super::layout::{FIXED_WORDS, Geometry};
use super::room::free;
#[cfg(modelled)]
use super::segment::Fault;
use super::segment::{Head, IN_USE, Segment, State};
use crate::pool::Meta;
use crate::queue::cell::Phase;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::types::LANES_MAX;
use std::ops::DerefMut;
use std::sync::Arc;

/// Most bad cells that one take passes over.
const REPAIRS_MAX: u32 = 64;
/// Cells of one window (H3).
const WINDOW: u64 = 64;

/// What happened to a segment so far; written by its consumer alone.
#[derive(Debug, Default)]
pub(super) struct Counters {
    accepted: AtomicU64,
    bytes: AtomicU64,
    corrupt: AtomicU64,
    gaps: AtomicU64,
    tails: AtomicU64,
    /// Not the segment's own word for it, which anybody could write.
    closing: AtomicBool,
}

impl Counters {
    /// Fills in what the consumer counts.
    pub(super) fn stats(&self, rest: SharedStats) -> SharedStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SharedStats {
            accepted: read(&self.accepted),
            bytes: read(&self.bytes),
            corrupt: read(&self.corrupt),
            gaps: read(&self.gaps),
            tails: read(&self.tails),
            ..rest
        }
    }

    pub(super) fn begin_closing(&self) {
        // Release: pairs with the Acquire in `is_closing`.
        self.closing.store(true, Ordering::Release);
    }

    pub(super) fn is_closing(&self) -> bool {
        // Acquire: pairs with the Release in `begin_closing`.
        self.closing.load(Ordering::Acquire)
    }
}

/// One consumer at a time counts.
fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}

/// One segment as its consumer sees it.
#[derive(Debug)]
pub(super) struct Inlet {
    pub(super) segment: Arc<Segment>,
    pub(super) counters: Arc<Counters>,
    heads: [u64; LANES_MAX],
    /// Transactions handed out a lane.
    taken: [u64; LANES_MAX],
    /// Windows looked at a lane.
    looks: [u64; LANES_MAX],
    /// Lanes that ended.
    sealed: u64,
    bytes_max: usize,
    /// What the segment's header has to say.
    header: [u64; FIXED_WORDS],
}

/// What a take found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawn<B> {
    /// A transaction, its words, and its position in the lane.
    Item { bytes: B, meta: Meta, sequence: u64 },
    /// Nothing to take at this instant.
    Empty,
    /// Something, but the caller has no buffer for it.
    NoBuffer,
}

/// A record whose words were checked.
struct Checked {
    handle: u64,
    head: Head,
}

impl Inlet {
    pub(super) fn new(segment: Arc<Segment>, header: [u64; FIXED_WORDS], bytes_max: usize) -> Self {
        Self {
            segment,
            counters: Arc::default(),
            heads: [0; LANES_MAX],
            taken: [0; LANES_MAX],
            looks: [0; LANES_MAX],
            sealed: 0,
            bytes_max,
            header,
        }
    }

    /// Refuses producers from now on.
    pub(super) fn close(&self) {
        self.counters.begin_closing();
        self.segment.close();
    }

    fn geometry(&self) -> &Geometry {
        &self.segment.geometry
    }

    /// True when the next take may find something.
    #[inline]
    pub(super) fn has_something(&self, lane: usize) -> bool {
        let ticket = self.heads[lane];
        // SeqCst: the look before a sleep, against `fill`.
        let word = self.segment.cell(lane, ticket).load(Ordering::SeqCst);
        word != self.geometry().order.vacant(ticket) && !self.is_sealed(lane)
    }

    fn is_sealed(&self, lane: usize) -> bool {
        self.sealed >> lane & 1 == 1
    }

    /// Takes the oldest transaction of a lane into a buffer that `acquire` gives for its length.
    pub(super) fn take<B: DerefMut<Target = [u8]>>(
        &mut self,
        lane: usize,
        acquire: impl FnOnce(usize) -> Option<B>,
    ) -> Drawn<B> {
        for _ in 0..REPAIRS_MAX {
            if self.is_sealed(lane) {
                return Drawn::Empty;
            }
            let ticket = self.heads[lane];
            // Acquire: pairs with the Release of `fill`.
            let word = self.segment.cell(lane, ticket).load(Ordering::Acquire);
            match self.geometry().order.phase(word, ticket) {
                Phase::Vacant => return Drawn::Empty,
                Phase::Filled(handle) => match self.check(lane, u64::from(handle)) {
                    Some(checked) => return self.draw(lane, ticket, &checked, acquire),
                    None => self.pass_over(lane, ticket, word),
                },
                // Nobody but us moves a cell to another turn, and none was closed by us.
                Phase::Behind | Phase::Passed | Phase::Closed => self.pass_over(lane, ticket, word),
            }
        }
        Drawn::Empty
    }

    /// A record as its words describe it, if they make sense.
    fn check(&self, lane: usize, handle: u64) -> Option<Checked> {
        let geometry = self.geometry();
        if handle >= geometry.granules() {
            return None;
        }
        let state = State(self.segment.state(handle).load(Ordering::Relaxed));
        let head = self.segment.read_head(handle);
        let to_end = geometry.part_granules() - geometry.within_part(handle);
        let sensible = state.kind() == IN_USE
            && head.lane == lane
            && (1..=self.bytes_max.min(geometry.transaction_bytes_max)).contains(&head.len)
            && state.granules() == Geometry::granules_for(head.len)
            && state.granules() <= to_end;
        sensible.then_some(Checked { handle, head })
    }

    fn draw<B: DerefMut<Target = [u8]>>(
        &mut self,
        lane: usize,
        ticket: u64,
        checked: &Checked,
        acquire: impl FnOnce(usize) -> Option<B>,
    ) -> Drawn<B> {
        let Some(mut bytes) = acquire(checked.head.len) else {
            return Drawn::NoBuffer;
        };
        #[cfg(modelled)]
        match self.segment.fault {
            Fault::FreedEarly => free(&self.segment, checked.handle),
            Fault::ReleasedEarly => self.release(lane, ticket),
            _ => {}
        }
        #[cfg(modelled)]
        let released = self.segment.fault == Fault::ReleasedEarly;
        #[cfg(not(modelled))]
        let released = false;
        self.segment.read_bytes(checked.handle, &mut bytes);
        // In this order: `part`, P3.
        free(&self.segment, checked.handle);
        if !released {
            self.release(lane, ticket);
        }
        self.heads[lane] = ticket.wrapping_add(1);
        let sequence = self.taken[lane];
        self.taken[lane] += 1;
        add(&self.counters.accepted, 1);
        add(&self.counters.bytes, checked.head.len as u64);
        Drawn::Item { bytes, meta: checked.head.meta, sequence }
    }

    fn release(&self, lane: usize, ticket: u64) {
        let consumed = self.geometry().order.consumed(ticket);
        // Release: pairs with the Acquire of the `fill` that reuses the cell, and of a scan for handles.
        self.segment.cell(lane, ticket).store(consumed, Ordering::Release);
    }

    /// Moves over a cell that makes no sense.
    #[cold]
    fn pass_over(&mut self, lane: usize, ticket: u64, word: u64) {
        let consumed = self.geometry().order.consumed(ticket);
        let cell = self.segment.cell(lane, ticket);
        // Release: as in `release`. When the word has changed meanwhile it is looked at again.
        if cell.compare_exchange(word, consumed, Ordering::Release, Ordering::Relaxed).is_ok() {
            self.heads[lane] = ticket.wrapping_add(1);
            add(&self.counters.corrupt, 1);
        }
    }

    /// For a consumer with nothing else to do: puts right what somebody wrote over, as far as it shows. True
    /// when the segment was closed and everything that it accepted has been taken.
    pub(super) fn tend(&mut self) -> bool {
        // In this order: who finds it closed by `close` finds it closing too.
        let state = self.segment.open_state();
        let closing = self.counters.is_closing();
        let wrong = self.segment.restore(&self.header) + self.segment.restore_state(state, closing);
        add(&self.counters.corrupt, wrong);
        for lane in 0..self.geometry().lanes {
            self.mend(lane);
        }
        closing && self.seal()
    }

    /// Looks for signs that items are hidden behind a vacant cell, and brings them into sight. To be
    /// called when a lane seems empty.
    #[cold]
    pub(super) fn mend(&mut self, lane: usize) {
        if self.is_sealed(lane) || !self.is_vacant_at_head(lane) {
            return;
        }
        self.mend_tail(lane);
        let (head, cells) = (self.heads[lane], self.geometry().order.cells());
        let windows = cells.div_ceil(WINDOW);
        let looks = self.looks[lane];
        self.looks[lane] = looks.wrapping_add(1);
        for window in [0, looks % windows] {
            let first = (window * WINDOW).max(1);
            let mut ahead = first..(window * WINDOW + WINDOW).min(cells);
            if let Some(ahead) = ahead.find(|ahead| self.is_filled_ahead(lane, head.wrapping_add(*ahead))) {
                self.close_gap(lane, ahead);
                return;
            }
        }
    }

    /// True when a ticket after the head is filled. A cell in another turn than its ticket's, which nobody
    /// but us gives it, becomes vacant again.
    fn is_filled_ahead(&self, lane: usize, ticket: u64) -> bool {
        let (order, cell) = (self.geometry().order, self.segment.cell(lane, ticket));
        // Acquire: H2; what is filled there was filled after everything before it.
        let word = cell.load(Ordering::Acquire);
        match order.phase(word, ticket) {
            Phase::Vacant => false,
            Phase::Filled(_) => true,
            Phase::Behind | Phase::Passed | Phase::Closed => {
                let vacant = order.vacant(ticket);
                // Release: as in `release`.
                if cell.compare_exchange(word, vacant, Ordering::Release, Ordering::Relaxed).is_ok() {
                    add(&self.counters.corrupt, 1);
                }
                false
            }
        }
    }

    fn is_vacant_at_head(&self, lane: usize) -> bool {
        let ticket = self.heads[lane];
        let word = self.segment.cell(lane, ticket).load(Ordering::Acquire);
        word == self.geometry().order.vacant(ticket)
    }

    fn mend_tail(&self, lane: usize) {
        let head = self.heads[lane];
        let tail = self.segment.tail(lane);
        // Acquire: pairs with the Release of `publish_tail`: the cells below it are filled for us too.
        let found = tail.load(Ordering::Acquire);
        if found > head && self.is_vacant_at_head(lane) {
            // A failure is a tail that moved; the next look sees it.
            if tail.compare_exchange(found, head, Ordering::Release, Ordering::Relaxed).is_ok() {
                add(&self.counters.tails, 1);
            }
        } else if found < head {
            // Lazy, or reset by somebody: nobody has to begin at a cell that was spoiled after it was
            // consumed.
            tail.fetch_max(head, Ordering::Release);
        }
    }

    /// Passes over the vacant tickets before one that was seen filled.
    fn close_gap(&mut self, lane: usize, ahead: u64) {
        let order = self.geometry().order;
        for _ in 0..ahead {
            let ticket = self.heads[lane];
            let cell = self.segment.cell(lane, ticket);
            let (vacant, consumed) = (order.vacant(ticket), order.consumed(ticket));
            // Release: as in `release`. A producer that is about to fill it finds it passed and goes on.
            if cell.compare_exchange(vacant, consumed, Ordering::Release, Ordering::Relaxed).is_err() {
                return;
            }
            self.heads[lane] = ticket.wrapping_add(1);
            add(&self.counters.gaps, 1);
        }
    }

    /// Ends every lane that has nothing more; true once all have ended. For a segment that was closed.
    fn seal(&mut self) -> bool {
        for lane in 0..self.geometry().lanes {
            let ticket = self.heads[lane];
            let order = self.geometry().order;
            if self.is_sealed(lane) {
                continue;
            }
            let (vacant, closed) = (order.vacant(ticket), order.closed(ticket));
            let cell = self.segment.cell(lane, ticket);
            // As strong as `fill`, against which it races: either the item is in, or its producer sees
            // the mark.
            let found = cell.compare_exchange(vacant, closed, Ordering::AcqRel, Ordering::Relaxed);
            // A mark that is there already, by whomever, is as good.
            if found.is_ok() || found == Err(closed) {
                self.sealed |= 1 << lane;
            }
        }
        self.sealed.count_ones() as usize == self.geometry().lanes
    }
}
