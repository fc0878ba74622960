//! Giving slabs back to the system, least recently used first.
//!
//! # Model
//! ```text
//! look at all slabs -> count what is on the lists of each -> those that are there whole are idle, oldest first
//!   -> as many as may go, a hand at a time: take their buffers off the lists
//!        -> all there: unmap, buffers become hollow
//!        -> one missing (taken just now): all go back, and the next idle slab takes its place
//! ```
//! A slab with a buffer in use or in the magazine of a thread is never chosen, so it keeps no other one from
//! going.
//!
//! # Limits
//! One buffer in use, or in the magazine of a thread, keeps its slab. While it runs, nobody can take the buffers
//! of one hand (a [`HAND_PART`]th of the class, a slab at least) and one chain at a time of the others (64
//! buffers, or 64 blocks).

use super::block;
use super::header::Header;
use super::magazine::BLOCK_MAX;
use super::slab::{Class, Slow};
use crate::sync::atomic::Ordering;
use crate::sync::{Place, reached};
use std::ptr;

/// At most one in so many buffers of a class is taken off the lists at a time, so that others find the rest.
const HAND_PART: u32 = 8;
/// Most hands of a call. Twice as many as empty a class: slabs may turn out to be used after all.
const HANDS_MAX: usize = 2 * HAND_PART as usize;

/// What a call gave back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evicted {
    pub(super) slabs: u64,
    pub(super) bytes: usize,
}

impl Class {
    /// Gives slabs back while at least `keep_free` free buffers keep their memory.
    pub(super) fn trim(&self, headers: &[Header], keep_free: usize) -> Evicted {
        let mut slow = self.slow.lock();
        let keep = self.in_use(headers).saturating_add(keep_free as u64);
        self.evict(headers, &mut slow, keep)
    }

    /// Notes which slabs were used since the last look.
    pub(super) fn look(&self, headers: &[Header], slow: &mut Slow) {
        let complete = self.complete_slabs();
        slow.idle.look((0..complete).map(|position| self.slots(headers, position).fold(0, sum)));
    }

    /// Gives slabs back while at least `keep` buffers, free or not, keep their memory.
    pub(super) fn evict(&self, headers: &[Header], slow: &mut Slow, keep: u64) -> Evicted {
        let mut evicted = Evicted::default();
        if self.resident() <= keep {
            return evicted;
        }
        self.look(headers, slow);
        let mut idle = self.idle_slabs(headers, slow);
        for _ in 0..HANDS_MAX {
            let spare = self.resident().saturating_sub(keep).min(self.hand_max());
            let chosen = self.choose(&mut idle, spare);
            if chosen.is_empty() {
                break;
            }
            let mut hand = self.gather(headers, slow, &chosen);
            hand.sort_unstable();
            for run in hand.chunk_by(|a, b| self.slab_of(*a) == self.slab_of(*b)) {
                let position = self.slab_of(run[0]);
                if run.len() == self.slots_in(position) && self.free_slab(headers, position, run) {
                    self.hollow.push_all(headers, run);
                    evicted.slabs += 1;
                    evicted.bytes += self.slabs.bytes();
                } else {
                    self.put_back(headers, run);
                }
            }
        }
        slow.evictions += evicted.slabs;
        evicted
    }

    /// Most buffers in a hand.
    fn hand_max(&self) -> u64 {
        u64::from((self.count / HAND_PART).max(self.slab_slots))
    }

    /// Slabs of which every buffer was used before (S2); one used to its end has only such.
    fn complete_slabs(&self) -> usize {
        let fresh = self.fresh.load(Ordering::Relaxed);
        if fresh == self.count { self.slabs.len() } else { self.slab_of(self.base + fresh) }
    }

    fn slots<'a>(&self, headers: &'a [Header], position: usize) -> impl Iterator<Item = &'a Header> {
        let first = self.base as usize + position * self.slab_slots as usize;
        headers[first..first + self.slots_in(position)].iter()
    }

    /// Positions of slabs of which every buffer is on a list, least recently used first. A hint, like all that is
    /// learnt without holding the buffers: holding every one confirms it (S1).
    fn idle_slabs(&self, headers: &[Header], slow: &mut Slow) -> Vec<usize> {
        let is_free = |position: &usize| {
            !self.slabs.peek(*position).is_null() && self.slots(headers, *position).all(Header::is_free)
        };
        let mut positions: Vec<usize> = (0..self.complete_slabs()).filter(is_free).collect();
        if positions.is_empty() {
            return positions;
        }
        // What lies in a thread's magazine is free too.
        let listed = self.count_listed(headers, slow);
        positions.retain(|position| listed[*position] as usize >= self.slots_in(*position));
        slow.idle.sort(&mut positions);
        positions
    }

    /// How many buffers of each slab are on lists and in blocks.
    fn count_listed(&self, headers: &[Header], slow: &mut Slow) -> Vec<u32> {
        let mut listed = vec![0; self.slabs.len()];
        let mut note = |indexes: &[u32]| {
            indexes.iter().for_each(|index| listed[self.slab_of(*index)] += 1_u32);
            0
        };
        let turn = slow.turn();
        self.blocks.sift(headers, turn, |heads| {
            for head in &*heads {
                let mut block = [0; BLOCK_MAX];
                // SAFETY: `sift` has taken the block off its list.
                unsafe { block::read(headers, *head, &mut block) };
                note(&block);
            }
            0
        });
        slow.internal += self.free.sift(headers, turn, |chain| note(chain));
        slow.internal += self.hollow.sift(headers, |chain| note(chain));
        listed
    }

    /// Takes the first of the idle slabs that go, with `spare` buffers at most; answers them ascending.
    fn choose(&self, idle: &mut Vec<usize>, mut spare: u64) -> Vec<usize> {
        let mut chosen = Vec::new();
        idle.retain(|position| {
            let slots = self.slots_in(*position) as u64;
            let goes = slots <= spare;
            if goes {
                spare -= slots;
                chosen.push(*position);
            }
            !goes
        });
        chosen.sort_unstable();
        chosen
    }

    /// Takes all that is free of the chosen slabs off the lists.
    fn gather(&self, headers: &[Header], slow: &mut Slow, chosen: &[usize]) -> Vec<u32> {
        let is_chosen = |index: u32| chosen.binary_search(&self.slab_of(index)).is_ok();
        let turn = slow.turn();
        let mut hand = Vec::new();
        // Blocks first: what they hold besides goes on the lists.
        self.blocks.sift(headers, turn, |heads| {
            move_last(heads, |head| {
                let mut block = [0; BLOCK_MAX];
                // SAFETY: `sift` has taken the block off its list.
                unsafe { block::read(headers, head, &mut block) };
                let broken = block.iter().any(|index| is_chosen(*index));
                if broken {
                    let (others, kept) = split_last(&mut block, is_chosen);
                    self.free.push_run(headers, others);
                    hand.extend_from_slice(kept);
                }
                broken
            })
        });
        slow.internal += self.free.sift(headers, turn, |chain| {
            let (_, kept) = split_last(chain, is_chosen);
            hand.extend_from_slice(kept);
            kept.len()
        });
        // A slab that came back for one buffer has others that are hollow still.
        slow.internal += self.hollow.sift(headers, |chain| {
            let (_, kept) = split_last(chain, is_chosen);
            hand.extend_from_slice(kept);
            kept.len()
        });
        hand
    }

    /// Lists buffers of one slab again, where they belong.
    fn put_back(&self, headers: &[Header], run: &[u32]) {
        for index in run {
            // SAFETY: off every list, so ours.
            let body = unsafe { headers[*index as usize].body() };
            if super::header::has_memory(&body) {
                self.free.push(headers, *index);
            } else {
                self.hollow.push_all(headers, &[*index]);
            }
        }
    }

    /// Gives the memory of a slab back, all of whose buffers are in the hand. False when it has none.
    fn free_slab(&self, headers: &[Header], position: usize, run: &[u32]) -> bool {
        // SAFETY: every buffer of it is off every list, so ours; they are furnished anew before they are used.
        if !unsafe { self.slabs.evict(position) } {
            return false;
        }
        reached(Place::SlabFreed);
        for index in run {
            // SAFETY: off every list, so ours.
            unsafe {
                headers[*index as usize].update(|body| {
                    body.data = ptr::null_mut();
                    body.capacity = 0;
                });
            }
        }
        true
    }
}

impl Slow {
    /// Changes with each call of `sift`.
    fn turn(&mut self) -> usize {
        self.turn ^= 1;
        self.turn
    }
}

fn sum(sum: u64, header: &Header) -> u64 {
    sum.wrapping_add(header.generation())
}

/// Moves the elements that `is_kept` picks to the end, and answers both parts.
fn split_last(chain: &mut [u32], is_kept: impl Fn(u32) -> bool) -> (&[u32], &[u32]) {
    let kept = move_last(chain, is_kept);
    chain.split_at(chain.len() - kept)
}

/// Moves the elements that `is_kept` picks to the end, the others keep their order; answers how many moved.
fn move_last(chain: &mut [u32], mut is_kept: impl FnMut(u32) -> bool) -> usize {
    let mut others = 0;
    for at in 0..chain.len() {
        if !is_kept(chain[at]) {
            chain.swap(others, at);
            others += 1;
        }
    }
    chain.len() - others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_moves_to_the_end_and_the_rest_stays_in_order() {
        let mut chain = [1, 2, 3, 4, 5, 6];
        let (others, kept) = split_last(&mut chain, |n| n % 3 == 0);
        assert_eq!(others, [1, 2, 4, 5]);
        assert_eq!(kept.iter().sum::<u32>(), 9);
        assert_eq!(move_last(&mut [7; 4], |_| true), 4);
        assert_eq!(move_last(&mut [], |_| true), 0);
    }
}
