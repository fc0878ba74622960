//! Lock-free stack of free buffers, one word wide.
//!
//! # Model
//! The head is `tag:40 | top:24` (top 0: empty, else index + 1). Each buffer's link is
//! `depth:32 | next:24`, written by who pushes it: `depth` counts the buffers from here down, so the
//! length of the list can be read without counting on the way.
//!
//! A list may be split: `pop_part` takes a chain off its top with one swap, `push_all` puts a chain on.
//!
//! # Invariants
//! I1 a pop raises the tag; a push keeps it. Between the load and the compare-and-swap of a pop the
//!    list can return to the same top only through a pop of it, so an equal word means an equal list.
//! I2 a link is written only while its buffer is off the list and owned by the pusher.
//!
//! # Limits
//! I1 breaks when a thread sleeps between its load and its swap through exactly a multiple of 2^40
//! pops of that list (3 hours at 100 million a second, 12 days at a million) and finds the same top.
//!
//! # Source
//! Treiber, "Systems Programming: Coping with Parallelism" (1986), with a tag against ABA.

use super::header::{Header, INDEX_BITS, INDEX_MASK};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, has_mutant, weakened};

const TAG_MASK: u64 = (1 << 40) - 1;
const DEPTH_SHIFT: u32 = 32;

/// Where the links live.
pub(super) trait Links {
    fn link(&self, index: u32) -> &AtomicU64;
}

impl Links for [Header] {
    #[inline]
    fn link(&self, index: u32) -> &AtomicU64 {
        &self[index as usize].link
    }
}

/// Most buffers that one `pop_part` takes.
pub(super) const PART_MAX: usize = 32;
/// Longest chain that is off the lists while `sift_into` looks through it. Few for random schedules, so that they
/// see lists in several chains; loom has enough to try with one.
const SIFT_MAX: usize = if cfg!(shuttle) { 2 } else { 64 };

/// Buffers taken off a list together.
#[derive(Debug)]
pub(super) struct Part {
    indexes: [u32; PART_MAX],
    len: usize,
}

impl Part {
    pub(super) fn new() -> Self {
        Self { indexes: [0; PART_MAX], len: 0 }
    }

    pub(super) fn indexes(&self) -> &[u32] {
        &self.indexes[..self.len]
    }
}

#[derive(Debug)]
pub(super) struct FreeList {
    head: AtomicU64,
}

const fn pack(tag: u64, top: u64) -> u64 {
    (tag & TAG_MASK) << INDEX_BITS | top
}

fn top_of(word: u64) -> Option<u32> {
    (word & INDEX_MASK).checked_sub(1).map(|index| index as u32)
}

impl FreeList {
    pub(super) fn new() -> Self {
        Self { head: AtomicU64::new(0) }
    }

    #[inline]
    pub(super) fn pop<L: Links + ?Sized>(&self, links: &L) -> Option<u32> {
        // Acquire: pairs with the Release of the push of every buffer now on the list; pops in between
        // are read-modify-writes and continue its release sequence.
        let order = weakened(Mutant::PopRelaxed, Ordering::Acquire);
        let mut word = self.head.load(order);
        loop {
            let index = top_of(word)?;
            // Relaxed: written before the push that the Acquire saw. If the buffer was popped since,
            // this may be anything, and the tag makes the swap fail (I1).
            let next = links.link(index).load(Ordering::Relaxed) & INDEX_MASK;
            let tag = (word >> INDEX_BITS).wrapping_add(u64::from(!has_mutant(Mutant::Untagged)));
            let below = pack(tag, next);
            match self.head.compare_exchange_weak(word, below, order, order) {
                Ok(_) => return Some(index),
                Err(now) => word = now,
            }
        }
    }

    /// Takes up to half of the list, at most [`PART_MAX`], at once: `part` receives it, top first.
    pub(super) fn pop_part<L: Links + ?Sized>(&self, links: &L, part: &mut Part) -> Option<()> {
        // Acquire: as in `pop`.
        let mut word = self.head.load(Ordering::Acquire);
        loop {
            let mut next = u64::from(top_of(word)?) + 1;
            let wanted = (depth_at(links, word) / 2).clamp(1, PART_MAX as u64) as usize;
            part.len = 0;
            // As in `pop`: if the list changed, what we walk over is meaningless, and the swap fails.
            while let Some(index) = top_of(next)
                && part.len < wanted
            {
                part.indexes[part.len] = index;
                part.len += 1;
                next = links.link(index).load(Ordering::Relaxed) & INDEX_MASK;
            }
            let below = pack((word >> INDEX_BITS).wrapping_add(1), next);
            match self.head.compare_exchange_weak(word, below, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(()),
                Err(now) => word = now,
            }
        }
    }

    /// Takes up to `out.len()` buffers at once, top first; answers how many. It counts as so many pops.
    pub(super) fn pop_run<L: Links + ?Sized>(&self, links: &L, out: &mut [u32]) -> usize {
        // Acquire: as in `pop`.
        let mut word = self.head.load(Ordering::Acquire);
        loop {
            let mut next = word & INDEX_MASK;
            let mut count = 0;
            // As in `pop`: if the list changed, what we walk over is meaningless, and the swap fails.
            while count < out.len()
                && let Some(index) = top_of(next)
            {
                out[count] = index;
                count += 1;
                next = links.link(index).load(Ordering::Relaxed) & INDEX_MASK;
            }
            if count == 0 {
                return 0;
            }
            let below = pack((word >> INDEX_BITS).wrapping_add(count as u64), next);
            match self.head.compare_exchange_weak(word, below, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return count,
                Err(now) => word = now,
            }
        }
    }

    /// Looks through what is listed now, a chain at a time. `split` moves those that it keeps to the end of the
    /// chain and answers how many; the others go on the list `to` at once. Answers how many were taken off.
    pub(super) fn sift_into<L: Links + ?Sized>(
        &self,
        links: &L,
        to: &Self,
        mut split: impl FnMut(&mut [u32]) -> usize,
    ) -> u64 {
        let listed = self.depth(links);
        let mut left = listed;
        while left > 0 {
            let mut chain = [0; SIFT_MAX];
            let wanted = left.min(SIFT_MAX as u64) as usize;
            let count = self.pop_run(links, &mut chain[..wanted]);
            if count == 0 {
                break;
            }
            left -= count as u64;
            let kept = split(&mut chain[..count]);
            to.push_all(links, &chain[..count - kept]);
        }
        listed - left
    }

    #[inline]
    pub(super) fn push<L: Links + ?Sized>(&self, links: &L, index: u32) {
        self.push_all(links, &[index]);
    }

    /// Puts owned buffers on the list with one swap, the first on top.
    #[inline]
    pub(super) fn push_all<L: Links + ?Sized>(&self, links: &L, indexes: &[u32]) {
        let Some(first) = indexes.first() else { return };
        let mut word = self.head.load(Ordering::Acquire);
        loop {
            let (mut next, mut depth) = (word & INDEX_MASK, depth_at(links, word));
            for index in indexes.iter().rev() {
                depth += 1;
                links.link(*index).store(depth << DEPTH_SHIFT | next, Ordering::Relaxed);
                next = u64::from(*index) + 1;
            }
            let above = word & !INDEX_MASK | (u64::from(*first) + 1);
            // Release: pairs with the Acquire in `pop`; whoever takes these buffers sees all we did to
            // them. Acquire on failure: the new top's link is read next.
            let order = weakened(Mutant::PushRelaxed, Ordering::Release);
            match self.head.compare_exchange_weak(word, above, order, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// The bare word. Equal words at two instants, tag included, mean that no pop happened in between.
    pub(super) fn word(&self) -> u64 {
        // Acquire: a later look at this list sees at least what led to this word.
        self.head.load(Ordering::Acquire)
    }

    /// Length at one instant, or a value near it while others are busy.
    pub(super) fn depth<L: Links + ?Sized>(&self, links: &L) -> u64 {
        let mut depth = 0;
        for _ in 0..4 {
            let word = self.head.load(Ordering::Acquire);
            depth = depth_at(links, word);
            if self.head.load(Ordering::Relaxed) == word {
                break;
            }
        }
        depth
    }

    /// Pops so far, modulo 2^40.
    pub(super) fn pops(&self) -> u64 {
        self.head.load(Ordering::Relaxed) >> INDEX_BITS
    }
}

/// Depth noted by the buffer on top of `word`. Exact if `word` is still the head afterwards (I1, I2).
#[inline]
fn depth_at<L: Links + ?Sized>(links: &L, word: u64) -> u64 {
    top_of(word).map_or(0, |top| links.link(top).load(Ordering::Relaxed) >> DEPTH_SHIFT)
}

/// A 40-bit count made whole again: `pops` is `last` plus less than 2^40.
pub(super) const fn extend_pops(last: u64, pops: u64) -> u64 {
    last.wrapping_add(pops.wrapping_sub(last) & TAG_MASK)
}
