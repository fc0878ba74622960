//! The word of a ring cell and the tickets that select it.
//!
//! # Model
//! A cell is `turn:40 | value:24`. Value 0 is empty, all ones is closed, anything between is a buffer
//! index + 1. Ticket `t` of a ring with `2^order` cells uses cell `t mod 2^order` in turn
//! `t >> order`. A cell runs through (0, empty) (0, value) (1, empty) (1, value) ...
//!
//! # Limits
//! Turns wrap after 2^40 laps and are compared for equality or by their wrapped distance. A producer
//! that sleeps between its load and its swap through exactly 2^40 laps of its ring would be fooled: with
//! one cell that takes 3 hours at 100 million items a second, with 1024 cells 130 days, and the same
//! cell has to be empty at that instant.

use crate::pool::{INDEX_BITS, INDEX_MASK};

const TURN_MASK: u64 = (1 << (64 - INDEX_BITS)) - 1;
const EMPTY: u64 = 0;
const CLOSED: u64 = INDEX_MASK;

/// What a cell says about one ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing yet; the ticket before in this cell has been consumed.
    Vacant,
    /// It holds the buffer with this index.
    Filled(u32),
    /// The cell still holds the ticket of the lap before.
    Behind,
    /// Filled and consumed.
    Passed,
    /// The ring ends at this ticket.
    Closed,
}

/// Number of cells as a power of two, with the arithmetic of tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order(u32);

impl Order {
    /// `cells` is a power of two.
    pub(super) const fn of(cells: usize) -> Self {
        debug_assert!(cells.is_power_of_two());
        Self(cells.trailing_zeros())
    }

    pub(super) const fn cells(self) -> u64 {
        1 << self.0
    }

    /// Its exponent of two.
    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    #[inline]
    pub(super) const fn position(self, ticket: u64) -> usize {
        (ticket & (self.cells() - 1)) as usize
    }

    #[inline]
    const fn turn(self, ticket: u64) -> u64 {
        (ticket >> self.0) & TURN_MASK
    }

    /// The word that a producer replaces at `ticket`.
    #[inline]
    pub(super) const fn vacant(self, ticket: u64) -> u64 {
        self.turn(ticket) << INDEX_BITS | EMPTY
    }

    /// The word of a buffer at `ticket`.
    #[inline]
    pub(super) const fn filled(self, ticket: u64, index: u32) -> u64 {
        self.turn(ticket) << INDEX_BITS | (index as u64 + 1)
    }

    /// The word that ends the ring at `ticket`.
    pub(super) const fn closed(self, ticket: u64) -> u64 {
        self.turn(ticket) << INDEX_BITS | CLOSED
    }

    /// The word that a consumer leaves behind at `ticket`.
    #[inline]
    pub(super) const fn consumed(self, ticket: u64) -> u64 {
        (self.turn(ticket).wrapping_add(1) & TURN_MASK) << INDEX_BITS | EMPTY
    }

    /// The index that a word carries, whatever its turn.
    pub(super) const fn any_handle(self, word: u64) -> Option<u32> {
        match word & INDEX_MASK {
            EMPTY | CLOSED => None,
            value => Some((value - 1) as u32),
        }
    }

    /// A ticket after `ticket`, at most the first unfilled one, by a word that was seen passed there: the
    /// cell's last consumed ticket, plus one.
    pub(super) const fn after(self, word: u64, ticket: u64) -> u64 {
        let ahead = (word >> INDEX_BITS).wrapping_sub(self.turn(ticket)) & TURN_MASK;
        ticket.wrapping_add((ahead.saturating_sub(1)) << self.0).wrapping_add(1)
    }

    #[inline]
    pub(super) const fn is_empty(self, word: u64) -> bool {
        word & INDEX_MASK == EMPTY
    }

    #[inline]
    pub(super) const fn phase(self, word: u64, ticket: u64) -> Phase {
        let ahead = (word >> INDEX_BITS).wrapping_sub(self.turn(ticket)) & TURN_MASK;
        match (ahead, word & INDEX_MASK) {
            (0, EMPTY) => Phase::Vacant,
            (0, CLOSED) => Phase::Closed,
            (0, value) => Phase::Filled((value - 1) as u32),
            (1..=HALF_TURNS, _) => Phase::Passed,
            _ => Phase::Behind,
        }
    }
}

/// Distances up to this are ahead, larger ones behind.
const HALF_TURNS: u64 = TURN_MASK / 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_runs_through_its_phases_in_every_ring_size() {
        for order in [Order::of(1), Order::of(2), Order::of(1 << 23)] {
            for ticket in [0, 1, 5, order.cells(), (1 << 45) + 3, u64::MAX >> 2] {
                assert_eq!(order.phase(order.vacant(ticket), ticket), Phase::Vacant);
                assert_eq!(order.phase(order.filled(ticket, 0), ticket), Phase::Filled(0));
                let last = (INDEX_MASK - 2) as u32;
                assert_eq!(order.phase(order.filled(ticket, last), ticket), Phase::Filled(last));
                assert_eq!(order.phase(order.closed(ticket), ticket), Phase::Closed);
                assert_eq!(order.phase(order.consumed(ticket), ticket), Phase::Passed);
                let next = ticket + order.cells();
                assert_eq!(order.consumed(ticket), order.vacant(next));
                assert_eq!(order.phase(order.filled(ticket, 7), next), Phase::Behind);
                assert_eq!(order.position(ticket), order.position(next));
            }
        }
    }

    #[test]
    fn turns_wrap_without_a_gap() {
        let order = Order::of(1);
        let last = TURN_MASK;
        assert_eq!(order.consumed(last), order.vacant(last + 1));
        assert_eq!(order.phase(order.filled(last, 3), last + 1), Phase::Behind);
        assert_eq!(order.phase(order.filled(last + 1, 3), last), Phase::Passed);
    }
}
