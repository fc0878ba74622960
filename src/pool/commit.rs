//! Taking memory before it is needed.
//!
//! # Model
//! Buffers without memory, hollow ones first, get theirs and go on the free lists. Their pages, and the cache
//! lines of their headers, have been written to by then, so whoever takes them waits for nothing.

use super::header::Header;
use super::region;
use super::slab::{Class, Slow};
use crate::sync::atomic::Ordering;

impl Class {
    /// Sees to it that `wanted` buffers, in use or not, have their memory; answers how many got it now. Fewer
    /// than wanted when the system refuses.
    pub(super) fn commit(&self, headers: &[Header], slow: &mut Slow, wanted: u64) -> u64 {
        let mut made = Vec::new();
        self.note_commit(headers, slow, |slow| {
            while self.furnished(headers) < wanted.min(u64::from(self.count)) {
                let mut run = self.bare_run(headers);
                let asked = run.len();
                run.retain(|index| self.furnish(headers, *index).is_some());
                // The others are counted as missed, and are hollow again.
                slow.internal += run.len() as u64;
                slow.in_hand += run.len() as u64;
                made.extend_from_slice(&run);
                if run.len() < asked || asked == 0 {
                    break;
                }
            }
        });
        self.prefault(headers, &made);
        // The lowest on top, and a slab at a time: a push of all would be tried again as a whole.
        for run in made.rchunks(self.slab_slots as usize) {
            self.free.push_run(headers, run);
        }
        slow.in_hand = 0;
        made.len() as u64
    }

    /// Buffers that were given memory and have it still.
    fn furnished(&self, headers: &[Header]) -> u64 {
        u64::from(self.fresh.load(Ordering::Relaxed)).saturating_sub(self.hollow.depth(headers))
    }

    /// Buffers without memory: of the hollow ones as many as a slab has, else the fresh ones of one slab.
    fn bare_run(&self, headers: &[Header]) -> Vec<u32> {
        let mut run = vec![0; self.slab_slots as usize];
        let count = self.hollow.pop_run(headers, &mut run);
        if count > 0 {
            run.truncate(count);
            return run;
        }
        let end = |fresh: u32| ((fresh / self.slab_slots + 1) * self.slab_slots).min(self.count);
        let claim = |fresh: u32| (fresh < self.count).then(|| end(fresh));
        // Relaxed: as in `take_bare`.
        match self.fresh.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim) {
            Ok(fresh) => (self.base + fresh..self.base + end(fresh)).collect(),
            Err(_) => Vec::new(),
        }
    }

    fn prefault(&self, headers: &[Header], made: &[u32]) {
        for run in made.chunk_by(|a, b| self.slab_of(*a) == self.slab_of(*b)) {
            let slab = self.slabs.peek(self.slab_of(run[0]));
            // SAFETY: a slab of this size, which is there while we have a buffer of it (S1).
            if unsafe { region::populate(slab, self.slabs.bytes()) } {
                continue;
            }
            for index in run {
                // SAFETY: on no list yet, so ours, with `stride` bytes of its slab.
                unsafe { region::touch(headers[*index as usize].body().data, self.stride) };
            }
        }
    }
}
