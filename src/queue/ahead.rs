//! Transactions that a lone consumer took out of segments before it was asked for them.
//!
//! # Invariants
//! A1 only a consumer that is alone takes ahead: beside others it would be overtaken, or they would take the queue
//!    for ended.
//! A2 what is here comes before all that is left of its lane in segments.
//! A3 a consumer that goes gives it back, in order, to whoever consumes next. The child of a fork lets go of it: its
//!    parent hands it out.
//!
//! # Limits
//! [`AHEAD_MAX`] of a lane, which hold a buffer of the pool each.

use super::shared::{Inlets, Run};
use crate::env::fork;
use crate::pool::Slot;
use crate::types::LANES_MAX;
use std::collections::VecDeque;

/// Most that a single `dequeue` takes out of a segment under one lock.
pub(super) const AHEAD_MAX: usize = 8;

/// A buffer and its position in the lane.
type Taken = (Slot, u64);

#[derive(Debug)]
pub(super) struct Ahead {
    /// Lanes with something, one bit each.
    lanes: u64,
    items: [VecDeque<Taken>; LANES_MAX],
    forks: u32,
}

impl Ahead {
    pub(super) fn new() -> Self {
        Self { lanes: 0, items: Default::default(), forks: fork::generation() }
    }

    #[inline]
    pub(super) const fn lanes(&self) -> u64 {
        self.lanes
    }

    /// The next one of a lane.
    #[inline]
    pub(super) fn pop(&mut self, lane: usize) -> Option<Taken> {
        if self.lanes >> lane & 1 == 0 {
            return None;
        }
        self.pop_held(lane)
    }

    fn pop_held(&mut self, lane: usize) -> Option<Taken> {
        self.forget_parents();
        let item = self.items[lane].pop_front();
        if self.items[lane].is_empty() {
            self.lanes &= !(1 << lane);
        }
        item
    }

    /// Keeps what is left of a run for the next calls.
    pub(super) fn keep(&mut self, lane: usize, run: &mut Run<'_>) {
        self.forget_parents();
        while let Some(item) = run.next() {
            self.items[lane].push_back(item);
            self.lanes |= 1 << lane;
        }
    }

    /// A3.
    pub(super) fn give_back(&mut self, inlets: &Inlets) {
        self.forget_parents();
        for lane in (0..LANES_MAX).filter(|lane| self.lanes >> lane & 1 == 1) {
            inlets.put_back(lane, self.items[lane].drain(..).rev());
        }
        self.lanes = 0;
    }

    fn forget_parents(&mut self) {
        if self.forks != fork::generation() {
            // The buffers here are copies, and of no use to anybody.
            self.items.iter_mut().for_each(VecDeque::clear);
            self.lanes = 0;
            self.forks = fork::generation();
        }
    }
}
