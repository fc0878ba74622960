//! The recent final blocks of a chain, readable by the other chain whatever this one is doing.
//!
//! # Limits
//! A cell of 40 bytes is no single atomic word: `AtomicCell` guards its copy by a spin lock that it shares
//! with other cells. Nothing else happens under it.

use crate::types::{BlockHash, Height, PeerReference};
use crossbeam::atomic::AtomicCell;

/// How many are kept.
const KEPT: usize = 256;

/// A ring of the last final blocks, indexed by height.
#[derive(Debug)]
pub(super) struct Finals {
    latest: AtomicCell<u64>,
    ring: [AtomicCell<PeerReference>; KEPT],
}

impl Finals {
    pub(super) fn new() -> Self {
        let none = PeerReference::default();
        Self { latest: AtomicCell::new(0), ring: std::array::from_fn(|_| AtomicCell::new(none)) }
    }

    /// Only the chain's own thread calls this, in order of height.
    pub(super) fn push(&self, height: Height, hash: BlockHash) {
        self.ring[slot(height.get())].store(PeerReference { height, hash });
        self.latest.store(height.get());
    }

    /// The highest final block at `ceiling` or below; height 0 when there is none or it is not kept.
    pub(super) fn at_most(&self, ceiling: u64) -> PeerReference {
        let wanted = self.latest.load().min(ceiling);
        let found = self.ring[slot(wanted)].load();
        if wanted > 0 && found.height.get() == wanted { found } else { PeerReference::default() }
    }
}

fn slot(height: u64) -> usize {
    (height % KEPT as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_at_or_below_the_ceiling_is_found_while_it_is_kept() {
        let finals = Finals::new();
        assert_eq!(finals.at_most(5), PeerReference::default());
        for height in 1..=300 {
            finals.push(Height::new(height), BlockHash::new([height as u8; 32]));
        }
        assert_eq!(finals.at_most(u64::MAX).height.get(), 300);
        assert_eq!(finals.at_most(299).hash, BlockHash::new([43; 32]));
        assert_eq!(finals.at_most(44), PeerReference::default());
        assert_eq!(finals.at_most(45).height.get(), 45);
    }
}
