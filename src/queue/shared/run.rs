//! Transactions that a drain takes out of a segment ahead, under one lock.
//!
//! Only a lone consumer takes ahead: beside others it would be overtaken.
//!
//! # Invariants
//! R1 whatever ends a drain early, its caller or a panic, what was taken ahead and not handed out goes back,
//!    before anything else of its lane, and is found by whoever consumes next.

use super::inlets::Inlets;
use crate::pool::Slot;

/// Most transactions that are taken out under one lock.
pub(super) const SHARED_RUN_MAX: usize = 32;

/// A buffer and its position in the lane.
pub(super) type Taken = (Slot, u64);

/// Transactions of one lane, to be handed out one by one.
pub(crate) struct Run<'a> {
    inlets: &'a Inlets,
    lane: usize,
    /// In their order, without a gap.
    items: [Option<Taken>; SHARED_RUN_MAX],
    next: usize,
}

impl<'a> Run<'a> {
    /// Up to `max` of what `take` gives.
    pub(super) fn collect(
        inlets: &'a Inlets,
        lane: usize,
        max: usize,
        mut take: impl FnMut() -> Option<Taken>,
    ) -> Self {
        let mut items = [const { None }; SHARED_RUN_MAX];
        for place in items.iter_mut().take(max) {
            *place = take();
            if place.is_none() {
                break;
            }
        }
        Self { inlets, lane, items, next: 0 }
    }

    /// The next one.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Taken> {
        let item = self.items.get_mut(self.next)?.take();
        self.next += usize::from(item.is_some());
        item
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.get(self.next).is_none_or(Option::is_none)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if !self.is_empty() {
            let left = self.items[self.next..].iter_mut().rev();
            self.inlets.put_back(self.lane, left.filter_map(Option::take));
        }
    }
}
