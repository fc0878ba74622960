//! The free buffers of a class, spread over several lists so that threads do not meet at one word.
//!
//! # Model
//! Each thread has a home stripe. It takes from there and gives back there. When its home is empty it
//! takes a chain off another stripe, up to half of it, uses the first and moves the others home. So a
//! consumer that only gives back and a producer that only takes meet once for many buffers.
//!
//! Two more lists are nobody's home. Who looks for certain buffers (`sift`) moves the others there, a chain
//! at a time, so that all but one chain can be taken by others meanwhile.
//!
//! # Invariants
//! P1 one pop of any list, of one buffer or of a chain, is one buffer handed out: the tags count.
//! P2 "empty" is exact but for chains on their way home, and for what threads keep in their magazines: all lists were empty at one instant, because none
//!    of their words changed between two looks at all of them.

use super::freelist::{FreeList, Part, extend_pops};
use super::header::Header;
use crossbeam::utils::CachePadded;

/// Number of stripes. Threads beyond it share.
const STRIPES: usize = if cfg!(modelled) { 2 } else { 16 };
/// Lists that are nobody's home: one to move buffers out of, one to move them to. Loom has
/// enough to try without them.
const RESERVES: usize = if cfg!(loom) { 0 } else { 2 };
const LISTS: usize = STRIPES + RESERVES;

#[derive(Debug)]
pub(super) struct Stripes {
    lists: [CachePadded<FreeList>; LISTS],
}

impl Stripes {
    pub(super) fn new() -> Self {
        Self { lists: std::array::from_fn(|_| CachePadded::new(FreeList::new())) }
    }

    #[inline]
    pub(super) fn pop(&self, headers: &[Header]) -> Option<u32> {
        let home = home();
        self.lists[home].pop(headers).or_else(|| self.pop_elsewhere(headers, home))
    }

    #[cold]
    #[inline(never)]
    fn pop_elsewhere(&self, headers: &[Header], home: usize) -> Option<u32> {
        let mut before = self.words();
        loop {
            for away in 1..LISTS {
                let list = &self.lists[(home + away) % LISTS];
                let mut part = Part::new();
                if list.pop_part(headers, &mut part).is_some() {
                    self.lists[home].push_all(headers, &part.indexes()[1..]);
                    return Some(part.indexes()[0]);
                }
            }
            // Buffers may have moved around us: then somebody else made progress, and we look again (P2).
            let after = self.words();
            if after == before {
                return None;
            }
            if let Some(index) = self.lists[home].pop(headers) {
                return Some(index);
            }
            before = after;
        }
    }

    /// Takes up to `out.len()` buffers at once, from the first list that has some, own list first; of
    /// another's list about half. Answers how many; 0 does not prove that all were empty together.
    pub(super) fn pop_run(&self, headers: &[Header], out: &mut [u32]) -> usize {
        let home = home();
        let count = self.lists[home].pop_run(headers, out);
        if count > 0 {
            return count;
        }
        (1..LISTS)
            .map(|away| {
                let list = &self.lists[(home + away) % LISTS];
                let half = list.depth(headers).div_ceil(2).min(out.len() as u64) as usize;
                list.pop_run(headers, &mut out[..half])
            })
            .find(|count| *count > 0)
            .unwrap_or(0)
    }

    /// Gives owned buffers back together.
    pub(super) fn push_run(&self, headers: &[Header], indexes: &[u32]) {
        self.lists[home()].push_all(headers, indexes);
    }

    /// Looks through what is listed now, a chain at a time. `split` moves those that it keeps to the end of
    /// the chain and answers how many; the rest is listed again. Answers how many were taken off lists.
    ///
    /// One caller at a time; `turn` changes with each call.
    pub(super) fn sift(
        &self,
        headers: &[Header],
        turn: usize,
        mut split: impl FnMut(&mut [u32]) -> usize,
    ) -> u64 {
        let mut popped = 0;
        let target = STRIPES + turn % RESERVES.max(1);
        for (position, list) in self.lists.iter().enumerate().filter(|(position, _)| *position != target) {
            let back = if RESERVES > 0 { &self.lists[target] } else { &self.lists[position] };
            popped += list.sift_into(headers, back, &mut split);
        }
        popped
    }

    fn words(&self) -> [u64; LISTS] {
        std::array::from_fn(|stripe| self.lists[stripe].word())
    }

    #[inline]
    pub(super) fn push(&self, headers: &[Header], index: u32) {
        self.lists[home()].push(headers, index);
    }

    /// Free buffers, exact while nobody else is busy.
    pub(super) fn depth(&self, headers: &[Header]) -> u64 {
        self.lists.iter().map(|list| list.depth(headers)).sum()
    }

    /// Brings the counts of pops up to date and answers their sum.
    pub(super) fn pops(&self, counts: &mut PopCounts) -> u64 {
        for (count, list) in counts.0.iter_mut().zip(&self.lists) {
            *count = extend_pops(*count, list.pops());
        }
        counts.0.iter().sum()
    }
}

/// `FreeList::pops` of each stripe, made whole.
#[derive(Debug, Default)]
pub(super) struct PopCounts([u64; LISTS]);

/// The stripe of this thread.
#[cfg(not(modelled))]
#[inline]
fn home() -> usize {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static HOME: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    HOME.with(|home| {
        if home.get() == usize::MAX {
            home.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        home.get()
    })
}

/// Numbered anew in each execution of a model, so that all executions are alike.
#[cfg(modelled)]
fn home() -> usize {
    crate::sync::thread_number() % STRIPES
}
