//! Taking memory before it is needed.
//!
//! # Model
//! Buffers without memory, hollow ones first, get theirs and go on the free lists. Their pages, and the cache
//! lines of their headers, have been written to by then, so whoever takes them waits for nothing. Much memory is
//! taken in steps, so that others find what is ready, and what is not yet taken, meanwhile.

use super::header::Header;
use super::region;
use super::settings::BUFFER_BYTES_CEILING;
use super::slab::{Class, Slow};
use crate::sync::atomic::Ordering;

/// Most memory that is taken before others can have it, and that one `maintain` takes or gives back: a slab at
/// least, and what completes one. Its pages are made and zeroed meanwhile.
pub(super) const STEP_BYTES_MAX: usize = 64 << 20;

// The largest slab is one buffer, or a huge page.
const _: () = assert!(STEP_BYTES_MAX >= BUFFER_BYTES_CEILING && STEP_BYTES_MAX >= region::HUGE_BYTES);

impl Class {
    /// Sees to it that `wanted` buffers, in use or not, have their memory; answers how many got it now. Fewer
    /// than wanted when the system refuses.
    pub(super) fn commit(&self, headers: &[Header], slow: &mut Slow, wanted: u64) -> u64 {
        let wanted = wanted.min(u64::from(self.count));
        let mut made = 0;
        loop {
            let had = self.furnished(headers);
            let next = wanted.min(had + self.slots_of(STEP_BYTES_MAX));
            if next > had {
                made += self.commit_step(headers, slow, next);
            }
            if next == wanted || self.furnished(headers) < next {
                return made;
            }
        }
    }

    /// As `commit`, with all of it in hand until it is ready.
    fn commit_step(&self, headers: &[Header], slow: &mut Slow, wanted: u64) -> u64 {
        let mut made = Vec::new();
        self.note_commit(headers, slow, |slow| {
            while self.furnished(headers) < wanted {
                let mut run = self.bare_run(headers);
                let asked = run.len();
                run.retain(|index| self.furnish(headers, *index).is_some());
                // The others are counted as missed, and are hollow again.
                slow.internal += run.len() as u64;
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
        made.len() as u64
    }

    /// Buffers of as many slabs as `bytes` have room for.
    pub(super) fn slots_of(&self, bytes: usize) -> u64 {
        (bytes / self.slabs.bytes()) as u64 * u64::from(self.slab_slots)
    }

    /// Buffers that were given memory and have it still.
    pub(super) fn furnished(&self, headers: &[Header]) -> u64 {
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
