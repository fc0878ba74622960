//! How a producer waits for room in a segment.
//!
//! # Model
//! ```text
//! look, spin, look ... 16 times --> look, yield, look ... 16 times --> look, sleep 0.05, 0.1, 0.2 ... 2 ms
//! ```
//! Nobody wakes it. The consumer frees room with plain stores and calls no system for it; a wake-up would need
//! a word in the layout, and producers in runtimes without system calls could not wait on it. So who waits looks for
//! itself, and a longest sleep bounds how late it sees room, a close, and the end of the queue's process.

use super::inlets::{NAP_FIRST, SHARED_NAP};
use crate::sync::spin_hint;
use std::thread;
use std::time::Duration;

/// Pauses before it yields: some ten microseconds, in which a consumer at work frees many places.
const SPINS: u32 = 16;
/// Processor pauses of one of them.
const SPIN_HINTS: u32 = 16;
/// Yields before it sleeps: on a busy core the consumer may be what waits to run.
const YIELDS: u32 = 16;

/// The pauses of one waiting call, each longer than the one before. For hosts that wait by themselves; most call
/// [`SharedProducer::enqueue_wait`](super::SharedProducer::enqueue_wait).
#[derive(Clone, Debug, Default)]
pub struct SharedPause {
    looks: u32,
}

impl SharedPause {
    /// Before the first pause.
    pub const fn new() -> Self {
        Self { looks: 0 }
    }

    /// Spins, yields or sleeps, for at most `left`, and [`SHARED_NAP`] in any case.
    pub fn pause(&mut self, left: Duration) {
        match self.looks {
            0..SPINS => (0..SPIN_HINTS).for_each(|_| spin_hint()),
            SPINS..NAPS => thread::yield_now(),
            _ => thread::sleep(self.nap().min(left)),
        }
        self.looks = self.looks.saturating_add(1);
    }

    /// Length of the next sleep.
    fn nap(&self) -> Duration {
        let naps = self.looks.saturating_sub(NAPS);
        NAP_FIRST.saturating_mul(1 << naps.min(16)).min(SHARED_NAP)
    }
}

/// Pauses before the first sleep.
const NAPS: u32 = SPINS + YIELDS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_begin_after_spins_and_yields_and_grow_up_to_a_bound() {
        let nap = |looks| SharedPause { looks }.nap();
        assert_eq!(nap(NAPS), NAP_FIRST);
        assert_eq!(nap(NAPS + 1), 2 * NAP_FIRST);
        assert_eq!((nap(NAPS + 16), nap(u32::MAX)), (SHARED_NAP, SHARED_NAP));
    }

    #[test]
    fn a_pause_without_time_left_returns_at_once_and_counts() {
        let mut pause = SharedPause::new();
        (0..NAPS + 3).for_each(|_| pause.pause(Duration::ZERO));
        assert_eq!(pause.looks, NAPS + 3);
    }
}
