//! Buffers tied together, so that one word can stand for all of them.
//!
//! # Model
//! ```text
//! Run, being built:   first -next-> second -next-> last
//! tied, one Slot:     first (followers: 2)
//! opened:             Slot of the first, and the Rest: second -next-> last
//! ```
//! # Invariants
//! R1 whoever owns the first buffer of a tied run owns all of them.
//! R2 `followers` is not 0 only in the first buffer of a run that was tied and not yet opened. So a buffer
//!    on its own never has to say that it is alone.
//!
//! # Limits
//! [`RUN_MAX`] buffers a run.

use super::header::{INDEX_BITS, INDEX_MASK};
use super::slab::Class;
use super::{BufferPool, Error, Meta, Slot};
use crate::sync::prefetch_for_write;

/// Most buffers of a run.
pub const RUN_MAX: usize = 32;

/// Owned buffers of one pool, in order, being collected.
///
/// Like [`Slot`] it does not name its pool, and must be tied or given back.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Run {
    first: u32,
    last: u32,
    len: u32,
}

impl Run {
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }
}

/// Owned buffers that followed the first one of a run: how many are left, and the next of them.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Rest {
    next: u32,
    left: u32,
}

impl Rest {
    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// Left (8 bits), next (24 bits).
    pub(crate) fn word(&self) -> u32 {
        self.left << INDEX_BITS | self.next
    }

    /// # Safety
    /// The caller owns what [`word`](Self::word) stood for, and gives that ownership away here.
    pub(crate) unsafe fn from_word(word: u32) -> Self {
        Self { next: word & INDEX_MASK as u32, left: word >> INDEX_BITS }
    }
}

/// Buffers of one class that were taken together and are given back unless they are handed out.
struct Reserve<'a> {
    pool: &'a BufferPool,
    indexes: [u32; RUN_MAX],
    next: usize,
    end: usize,
}

impl<'a> Reserve<'a> {
    /// Up to `count` buffers, not more than a run has.
    #[inline]
    fn take(pool: &'a BufferPool, class: Option<&Class>, count: usize) -> Self {
        let mut indexes = [0; RUN_MAX];
        let end = class.map_or(0, |class| pool.take_run_of(class, &mut indexes[..count.min(RUN_MAX)]));
        // Waited for one after the other, the headers would cost as much as the copies.
        indexes[..end].iter().for_each(|index| prefetch_for_write(pool.header(*index)));
        Self { pool, indexes, next: 0, end }
    }

    #[inline]
    fn hand_out(&mut self) -> Option<Slot> {
        let index = *self.indexes[..self.end].get(self.next)?;
        self.next += 1;
        self.pool.header(index).lease();
        // SAFETY: the pool handed the buffer out to this reserve, which does so only here.
        Some(unsafe { Slot::from_index(index) })
    }
}

impl Drop for Reserve<'_> {
    fn drop(&mut self) {
        while let Some(slot) = self.hand_out() {
            self.pool.give(slot);
        }
    }
}

impl BufferPool {
    /// Appends a buffer to a run that is not yet full.
    #[inline]
    pub(crate) fn extend_run(&self, run: &mut Run, slot: Slot) {
        debug_assert!(run.len() < RUN_MAX);
        let index = slot.into_index();
        if run.len == 0 {
            run.first = index;
        } else {
            // SAFETY: the run owns its last buffer.
            unsafe { self.header(run.last).update(|body| body.next = index) };
        }
        run.last = index;
        run.len += 1;
    }

    /// Appends copies of `items`, in order, to a run that has room for them, up to the first for which there is no
    /// buffer.
    ///
    /// # Errors
    /// Why there is none: [`Error::TooLarge`], [`Error::Exhausted`]. What was copied before it stays in the run.
    pub(crate) fn copy_into_run(
        &self,
        run: &mut Run,
        items: &[&[u8]],
        mut metas: impl FnMut(usize) -> Meta,
    ) -> Result<(), Error> {
        let mut done = 0;
        while let Some(first) = items.get(done) {
            // Items of a batch mostly have one size, so that all buffers are taken together.
            let (class, lengths) = self.class_for(first.len());
            let alike = items[done..].iter().take_while(|bytes| lengths.contains(&bytes.len())).count();
            let mut reserve = Reserve::take(self, class, alike);
            for bytes in &items[done..][..reserve.end.max(1)] {
                let meta = metas(done);
                let mut slot = match reserve.hand_out() {
                    Some(slot) => slot,
                    // Its class has none left, or it has no class.
                    None => self.take(bytes.len())?,
                };
                self.fill(&mut slot, bytes, meta);
                self.extend_run(run, slot);
                done += 1;
            }
        }
        Ok(())
    }

    /// Takes the first buffer out of a run being collected.
    pub(crate) fn shift_run(&self, run: &mut Run) -> Option<Slot> {
        run.len = run.len.checked_sub(1)?;
        // SAFETY: the run owned its first buffer; it is the slot's from here on.
        let slot = unsafe { Slot::from_index(run.first) };
        if run.len > 0 {
            // SAFETY: as above.
            run.first = unsafe { self.header(slot.index).body() }.next;
        }
        Some(slot)
    }

    /// The first buffer of a run, which now stands for all; `None` for a run without any.
    #[inline]
    pub(crate) fn tie_run(&self, run: Run) -> Option<Slot> {
        if run.len > 1 {
            // SAFETY: the run owns its first buffer.
            unsafe { self.header(run.first).update(|body| body.followers = (run.len - 1) as u8) };
        }
        // SAFETY: ownership of the whole run moves into the slot of its first buffer (R1).
        (run.len > 0).then(|| unsafe { Slot::from_index(run.first) })
    }

    /// Parts the first buffer of a run from those that follow it.
    #[inline]
    pub(crate) fn open_run(&self, first: &mut Slot) -> Rest {
        // SAFETY: the slot owns the buffer.
        let body = unsafe { self.header(first.index).body() };
        if body.followers == 0 {
            return Rest::default();
        }
        // SAFETY: as above.
        unsafe { self.header(first.index).update(|body| body.followers = 0) };
        Rest { next: body.next, left: u32::from(body.followers) }
    }

    /// The next buffer of what is left of a run.
    #[inline]
    pub(crate) fn take_rest(&self, rest: &mut Rest) -> Option<Slot> {
        rest.left = rest.left.checked_sub(1)?;
        // SAFETY: the rest owned the buffer; the slot does from here on.
        let slot = unsafe { Slot::from_index(rest.next) };
        if rest.left > 0 {
            // SAFETY: as above.
            rest.next = unsafe { self.header(slot.index).body() }.next;
        }
        Some(slot)
    }

    /// Undoes [`tie_run`](Self::tie_run).
    pub(crate) fn untie_run(&self, mut first: Slot) -> Run {
        let mut run = Run::default();
        let mut rest = self.open_run(&mut first);
        self.extend_run(&mut run, first);
        while let Some(slot) = self.take_rest(&mut rest) {
            self.extend_run(&mut run, slot);
        }
        run
    }

    /// Gives all buffers of a run back.
    pub(crate) fn give_run(&self, run: Run) {
        if let Some(first) = self.tie_run(run) {
            self.give_tied(first);
        }
    }

    /// Gives a buffer back, with all that follow it.
    pub(crate) fn give_tied(&self, mut first: Slot) {
        let rest = self.open_run(&mut first);
        self.give(first);
        self.give_rest(rest);
    }

    /// Gives back what is left of a run.
    pub(crate) fn give_rest(&self, mut rest: Rest) {
        while let Some(slot) = self.take_rest(&mut rest) {
            self.give(slot);
        }
    }
}
