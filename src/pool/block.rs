//! Free buffers that change hands together.
//!
//! # Model
//! ```text
//! blocks (shared list) -> head          its header holds the indexes 1..=6 of the block,
//!                          +- 1st       the header of the 1st those from 7 on,
//!                          +- 2nd       and so forth: six headers hold 31 indexes.
//! ```
//! The headers are reached in two steps: the head's, then the others' all at once. Who spills has just written to
//! them, and who refills is about to.
//!
//! # Invariants
//! B1 what the pool knows of a free buffer stands in headers, never in the buffer's bytes: a host that writes to
//!    a buffer after giving it back spoils what is in it, and nothing else.
//! B2 a block belongs whole to who has taken its head off the list.

use super::Meta;
use super::header::{Body, Header};
use super::magazine::{BLOCK_MAX, SIZE};
use super::slab::Class;
use crate::sync::{Place, reached};

/// Indexes that one header holds, where a buffer in use has its length and words.
const HELD: usize = 6;

// The head's header leads to all others that hold indexes.
const _: () = assert!((BLOCK_MAX - 1).div_ceil(HELD) <= HELD + 1);

impl Body {
    fn hold(&mut self, others: [u32; HELD]) {
        let [a, b, c, d, e, f] = others;
        self.meta = Meta { tag: joined(a, b), stamp: joined(c, d) };
        (self.len, self.next) = (e, f);
    }

    fn held(&self) -> [u32; HELD] {
        let ([a, b], [c, d]) = (parted(self.meta.tag), parted(self.meta.stamp));
        [a, b, c, d, self.len, self.next]
    }
}

const fn joined(low: u32, high: u32) -> u64 {
    (high as u64) << u32::BITS | low as u64
}

const fn parted(pair: u64) -> [u32; 2] {
    [pair as u32, (pair >> u32::BITS) as u32]
}

/// Notes a block in the headers of its first buffers.
///
/// # Safety
/// The caller owns all of these buffers.
unsafe fn write(headers: &[Header], indexes: &[u32; BLOCK_MAX]) {
    for (holder, others) in indexes[1..].chunks(HELD).enumerate() {
        let mut held = [0; HELD];
        held[..others.len()].copy_from_slice(others);
        // SAFETY: the caller's buffer.
        unsafe { headers[indexes[holder] as usize].update(|body| body.hold(held)) };
    }
}

/// The indexes of a block, `head` first.
///
/// # Safety
/// The caller has taken the block off its list (B2).
pub(super) unsafe fn read(headers: &[Header], head: u32, indexes: &mut [u32; BLOCK_MAX]) {
    indexes[0] = head;
    for holder in 0..(BLOCK_MAX - 1).div_ceil(HELD) {
        // SAFETY: of the caller's block. What `write` noted is seen: the pop's Acquire pairs with the Release of
        // the push behind it.
        let held = unsafe { headers[indexes[holder] as usize].body() }.held();
        let others = &mut indexes[1 + holder * HELD..];
        let count = others.len().min(HELD);
        others[..count].copy_from_slice(&held[..count]);
    }
}

impl Class {
    /// Fills an empty magazine: with a block, else with a run off the lists, else with fresh buffers. Answers how many
    /// there are.
    #[cold]
    pub(super) fn refill(&self, headers: &[Header], indexes: &mut [u32; SIZE]) -> usize {
        let (block, _) = indexes.split_first_chunk_mut().expect("a magazine is larger than a block");
        if self.open_block(headers, block) {
            return BLOCK_MAX;
        }
        let mut count = self.free.pop_run(headers, block);
        if count == 0 {
            count = self.open_fresh(headers, block);
        }
        self.magazines.note_refill(count);
        count
    }

    /// Takes a block and its indexes; false when there is no block.
    pub(super) fn open_block(&self, headers: &[Header], indexes: &mut [u32; BLOCK_MAX]) -> bool {
        let Some(head) = self.blocks.pop(headers) else { return false };
        reached(Place::BlockOpened);
        // SAFETY: popped, so ours.
        unsafe { read(headers, head, indexes) };
        true
    }

    /// Puts the oldest of a magazine, a block of them, on the list of blocks.
    #[cold]
    pub(super) fn close_block(&self, headers: &[Header], indexes: &[u32]) {
        let block = indexes.first_chunk().expect("a full magazine is larger than a block");
        // SAFETY: they come from this thread's magazine, so they are ours (M1).
        unsafe { write(headers, block) };
        self.blocks.push(headers, block[0]);
        reached(Place::BlockClosed);
    }

    /// Free buffers that lie in blocks.
    pub(super) fn in_blocks(&self, headers: &[Header]) -> u64 {
        self.blocks.depth(headers) * BLOCK_MAX as u64
    }
}
