//! Buffers that were used and have no memory now.
//!
//! # Model
//! Two lists, of which either serves. Who looks for certain buffers moves the others from one list to the other, a
//! chain at a time:
//! ```text
//! fuller list --pop a chain--> in hand --push all but those that are kept--> the other list
//! ```
//!
//! # Invariants
//! H1 no more than a chain (`freelist`), and what is kept, are out of reach while that goes on.
//! H2 "empty" is exact but for these: both lists were empty at one instant, because neither's word changed
//!    between two looks at both. A word comes back only if nothing was popped, and a list that was empty then
//!    was empty all the time.

use super::freelist::{FreeList, extend_pops};
use super::header::Header;

const LISTS: usize = 2;

#[derive(Debug)]
pub(super) struct Hollow {
    lists: [FreeList; LISTS],
}

/// Pops of each list, made whole.
#[derive(Debug, Default)]
pub(super) struct HollowPops([u64; LISTS]);

impl Hollow {
    pub(super) fn new() -> Self {
        Self { lists: std::array::from_fn(|_| FreeList::new()) }
    }

    pub(super) fn pop(&self, headers: &[Header]) -> Option<u32> {
        let mut before = self.words();
        loop {
            if let Some(index) = self.lists.iter().find_map(|list| list.pop(headers)) {
                return Some(index);
            }
            // A chain may have moved around us: then somebody else made progress, and we look again (H2).
            let after = self.words();
            if after == before {
                return None;
            }
            before = after;
        }
    }

    /// Takes up to `out.len()` buffers at once; 0 does not prove that both lists were empty together.
    pub(super) fn pop_run(&self, headers: &[Header], out: &mut [u32]) -> usize {
        self.lists.iter().map(|list| list.pop_run(headers, out)).find(|count| *count > 0).unwrap_or(0)
    }

    pub(super) fn push_all(&self, headers: &[Header], indexes: &[u32]) {
        self.lists[0].push_all(headers, indexes);
    }

    /// As [`FreeList::sift_into`], through both lists; what is not kept is listed again at once.
    ///
    /// One caller at a time.
    pub(super) fn sift(&self, headers: &[Header], split: impl FnMut(&mut [u32]) -> usize) -> u64 {
        let [first, second] = &self.lists;
        let swapped = first.depth(headers) < second.depth(headers);
        let (from, to) = if swapped { (second, first) } else { (first, second) };
        // What was pushed since the last time lies on the other list, and has to be looked at too.
        let gathered = to.sift_into(headers, from, |_| 0);
        gathered + from.sift_into(headers, to, split)
    }

    /// Exact while nobody else is busy.
    pub(super) fn depth(&self, headers: &[Header]) -> u64 {
        self.lists.iter().map(|list| list.depth(headers)).sum()
    }

    /// Brings the counts of pops up to date and answers their sum.
    pub(super) fn pops(&self, counts: &mut HollowPops) -> u64 {
        for (count, list) in counts.0.iter_mut().zip(&self.lists) {
            *count = extend_pops(*count, list.pops());
        }
        counts.0.iter().sum()
    }

    fn words(&self) -> [u64; LISTS] {
        std::array::from_fn(|list| self.lists[list].word())
    }
}
