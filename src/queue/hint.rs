//! Where a thread without a producer handle last succeeded, per ring.
//!
//! # Invariants
//! H1 entries are keyed by a number that no two rings of this process ever share. An address would not
//!    do: a new ring at an old address would inherit a hint from beyond its own tail.
//!
//! # Limits
//! [`ENTRIES`] rings a thread; rings that collide forget each other's hint, which costs a start from the
//! shared tail, nothing else.

use crate::sync::thread_value;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

const ENTRIES: usize = 16;

/// The next unused number. Not a model's atomic: it must differ between all executions of a model too.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Numbers for `count` rings, the first of consecutive ones.
pub(super) fn ring_numbers(count: usize) -> u64 {
    NEXT.fetch_add(count as u64, Ordering::Relaxed)
}

/// What one thread remembers.
#[derive(Debug)]
pub(crate) struct Hints([Cell<(u64, u64)>; ENTRIES]);

impl Hints {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self([const { Cell::new((0, 0)) }; ENTRIES])
    }

    /// Runs `work` with the hint for the ring, and keeps what it makes of it.
    #[inline]
    pub(super) fn with<R>(&self, ring: u64, work: impl FnOnce(&mut u64) -> R) -> R {
        let entry = &self.0[ring as usize % ENTRIES];
        let (owner, known) = entry.get();
        let mut hint = if owner == ring { known } else { 0 };
        let result = work(&mut hint);
        entry.set((ring, hint));
        result
    }
}

thread_value! {
    static HINTS: Hints = Hints::new();
}

/// Runs `work` with this thread's hint for the ring, and keeps what it makes of it.
#[inline]
pub(super) fn with_hint<R>(ring: u64, work: impl FnOnce(&mut u64) -> R) -> R {
    HINTS.with(|hints| hints.with(ring, work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ring_numbers_never_repeat() {
        let first = ring_numbers(4);
        assert!(ring_numbers(1) >= first + 4);
    }

    #[cfg(not(modelled))]
    #[test]
    fn a_hint_is_kept_for_its_ring_and_not_shown_to_another() {
        let ring = ring_numbers(ENTRIES + 1);
        with_hint(ring, |hint| *hint = 7);
        assert_eq!(with_hint(ring, |hint| *hint), 7);
        let collides = ring + ENTRIES as u64;
        assert_eq!(with_hint(collides, |hint| *hint), 0);
        assert_eq!(with_hint(ring, |hint| *hint), 0, "forgotten, not mixed up");
    }
}
