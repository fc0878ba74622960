//! Many buffers with one call.

use super::header::{CLASS_OVERFLOW, Header};
use super::slab::Class;
use super::{BufferPool, Error, Handle, Lease, Site, Slot};
use std::sync::{Arc, Weak};

/// Buffers that go between a list and a caller with one swap.
const CHAIN: usize = 32;

impl BufferPool {
    /// Appends up to `count` buffers with `len` bytes in use each to `leases`; answers how many.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), when there is not even one.
    #[track_caller]
    pub fn acquire_batch(
        self: &Arc<Self>,
        len: usize,
        count: usize,
        leases: &mut Vec<Lease>,
    ) -> Result<usize, Error> {
        let before = leases.len();
        let mut chain = [0; CHAIN];
        for class in self.classes.iter().filter(|class| class.buffer_bytes >= len) {
            loop {
                let left = count - (leases.len() - before);
                let taken = class.take_run(&self.headers, &self.me, &mut chain[..left.min(CHAIN)]);
                for index in &chain[..taken] {
                    self.headers[*index as usize].lease();
                    leases.push(Lease::first(Arc::clone(self), Slot { index: *index }, len));
                }
                if taken < CHAIN {
                    break;
                }
            }
        }
        while leases.len() - before < count {
            match self.acquire_plain(len) {
                Ok(lease) => leases.push(lease),
                Err(error) if leases.len() == before => return Err(error),
                Err(_) => break,
            }
        }
        if self.tracker.is_some() {
            let site = Site::caller();
            leases[before..].iter().for_each(|lease| self.track(lease.index(), len, site.clone()));
        }
        Ok(leases.len() - before)
    }

    /// Buffers of one class, not leased yet: in front of `indexes`, and how many.
    #[inline]
    pub(super) fn take_run_of(&self, class: &Class, indexes: &mut [u32]) -> usize {
        class.take_run(&self.headers, &self.me, indexes)
    }

    /// Gives the buffers of handles back in order, up to the first that is refused; answers how many.
    ///
    /// # Errors
    /// As [`release`](Self::release), when there is not even one.
    pub fn release_batch(&self, handles: &[Handle]) -> Result<usize, Error> {
        let mut chain = Chain { pool: self, class: CLASS_OVERFLOW, indexes: [0; CHAIN], len: 0 };
        for (done, handle) in handles.iter().enumerate() {
            match self.reclaim(*handle) {
                Ok(slot) => chain.give(slot),
                Err(error) if done == 0 => return Err(error),
                Err(_) => return Ok(done),
            }
        }
        Ok(handles.len())
    }
}

/// Buffers of one class on their way back.
struct Chain<'a> {
    pool: &'a BufferPool,
    class: u8,
    indexes: [u32; CHAIN],
    len: usize,
}

impl Chain<'_> {
    fn give(&mut self, slot: Slot) {
        let header = self.pool.header(slot.index);
        // SAFETY: the slot owns the buffer.
        let class = unsafe { header.body() }.class;
        let listed = self.pool.classes.get(usize::from(class)).is_some_and(|class| !class.has_magazines());
        if !listed {
            return self.pool.give(slot);
        }
        if class != self.class || self.len == CHAIN {
            self.flush();
        }
        header.retire();
        self.class = class;
        self.indexes[self.len] = slot.index;
        self.len += 1;
    }

    fn flush(&mut self) {
        if let Some(class) = self.pool.classes.get(usize::from(self.class)) {
            class.free.push_run(&self.pool.headers, &self.indexes[..self.len]);
        }
        self.len = 0;
    }
}

impl Drop for Chain<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Class {
    fn has_magazines(&self) -> bool {
        self.magazines.are_used()
    }

    /// As `take`, for several; answers how many are in front of `indexes`.
    fn take_run(&self, headers: &[Header], pool: &Weak<BufferPool>, indexes: &mut [u32]) -> usize {
        let mut taken = if self.has_magazines() {
            self.magazines.pop_run(
                indexes,
                |all| self.refill(headers, all),
                || (self.number, Weak::clone(pool)),
            )
        } else {
            self.free.pop_run(headers, indexes)
        };
        while taken < indexes.len() {
            let Some(index) = self.take(headers, pool) else { break };
            indexes[taken] = index;
            taken += 1;
        }
        taken
    }
}
