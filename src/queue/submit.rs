//! The way in, common to the shared form, producers and claims.

use super::lane::Lane;
use super::ring::Refusal;
use super::wait::Deadline;
use super::{Error, TxQueue};
use crate::pool::{BufferPool, Meta, Run, Slot};
use crate::types::LaneId;
use std::time::Duration;

/// A run in the making, which goes back to the pool should the caller's code panic.
struct Building<'a> {
    pool: &'a BufferPool,
    run: Run,
}

impl<'a> Building<'a> {
    fn new(pool: &'a BufferPool) -> Self {
        Self { pool, run: Run::default() }
    }

    /// Copies of `items`, up to the first for which there is no buffer.
    #[inline]
    fn add_all(&mut self, items: &[&[u8]], metas: impl FnMut(usize) -> Meta) -> Result<(), Error> {
        Ok(self.pool.copy_into_run(&mut self.run, items, metas)?)
    }

    fn into_run(mut self) -> Run {
        std::mem::take(&mut self.run)
    }
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        self.pool.give_run(std::mem::take(&mut self.run));
    }
}

impl TxQueue {
    #[inline]
    pub(super) fn lane(&self, lane: LaneId) -> Result<&Lane, Error> {
        self.lanes.get(lane.index()).ok_or(Error::NoSuchLane { lane, lanes: self.lanes.len() })
    }

    /// Checks what does not depend on room.
    #[inline]
    pub(super) fn admit(&self, len: usize) -> Result<(), Error> {
        if len == 0 {
            return Err(Error::Empty);
        }
        if len > self.transaction_bytes_max {
            return Err(Error::TooLarge { len, max: self.transaction_bytes_max });
        }
        if self.is_closed() {
            return Err(Error::Closed);
        }
        Ok(())
    }

    /// Checks of a batch what does not depend on room: how many of the first items pass, and why the next does not.
    fn admit_first(&self, items: &[&[u8]]) -> (usize, Option<Error>) {
        let lengths = 1..=self.transaction_bytes_max;
        let count = items.iter().take_while(|bytes| lengths.contains(&bytes.len())).count();
        if count > 0 && self.is_closed() {
            return (0, Some(Error::Closed));
        }
        (count, items.get(count).and_then(|bytes| self.admit(bytes.len()).err()))
    }

    /// One attempt, without counting a refusal.
    #[inline]
    fn attempt(
        &self,
        target: &Lane,
        hint: &mut u64,
        lane: LaneId,
        bytes: &[u8],
        meta: Meta,
    ) -> Result<(), Error> {
        self.admit(bytes.len())?;
        // Before the copy: a refused transaction should cost little.
        if target.ring.is_full_at(*hint) {
            target.note_full();
            return Err(Error::Full);
        }
        let mut slot = self.pool.take(bytes.len())?;
        self.pool.fill(&mut slot, bytes, meta);
        self.append(target, hint, lane, slot).map_err(|(slot, error)| {
            self.pool.give(slot);
            error
        })
    }

    /// Puts an owned, described buffer into the lane, or hands it back.
    #[inline]
    pub(super) fn append(
        &self,
        target: &Lane,
        hint: &mut u64,
        lane: LaneId,
        slot: Slot,
    ) -> Result<(), (Slot, Error)> {
        let index = slot.into_index();
        match target.ring.push(hint, index) {
            Ok(()) => {
                self.signals.announce(lane.index());
                Ok(())
            }
            Err(refusal) => {
                // SAFETY: the ring did not take the buffer, so it is still ours.
                let slot = unsafe { Slot::from_index(index) };
                Err((slot, self.explain(target, refusal)))
            }
        }
    }

    #[cold]
    fn explain(&self, target: &Lane, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Full => {
                target.note_full();
                Error::Full
            }
            Refusal::Closed => Error::Closed,
        }
    }

    #[inline]
    pub(super) fn submit(
        &self,
        target: &Lane,
        hint: &mut u64,
        lane: LaneId,
        bytes: &[u8],
        meta: Meta,
    ) -> Result<(), Error> {
        let result = self.attempt(target, hint, lane, bytes, meta);
        if matches!(result, Err(Error::Full | Error::NoMemory)) {
            target.note_refused();
        }
        result
    }

    pub(super) fn submit_wait(
        &self,
        target: &Lane,
        hint: &mut u64,
        lane: LaneId,
        bytes: &[u8],
        meta: Meta,
        timeout: Duration,
    ) -> Result<(), Error> {
        let mut deadline = None;
        loop {
            let error = match self.attempt(target, hint, lane, bytes, meta) {
                Err(error @ (Error::Full | Error::NoMemory)) => error,
                decided => return decided,
            };
            let deadline = deadline.get_or_insert_with(|| Deadline::after(timeout));
            let Some(left) = deadline.left() else {
                target.note_refused();
                return Err(if error == Error::NoMemory { error } else { Error::Timeout });
            };
            // A buffer may come back at any time and wakes nobody: then only the slice ends the sleep.
            let at = *hint;
            let still_full = || error == Error::NoMemory || target.ring.is_full_at(at);
            self.signals.sleep_for_space(left, still_full);
        }
    }

    pub(super) fn submit_batch(
        &self,
        target: &Lane,
        hint: &mut u64,
        lane: LaneId,
        items: &[&[u8]],
        mut metas: impl FnMut(usize) -> Meta,
    ) -> (usize, Option<Error>) {
        if self.run_max > 1 {
            return self.submit_runs(target, hint, lane, items, metas);
        }
        for (position, bytes) in items.iter().enumerate() {
            if let Err(error) = self.submit(target, hint, lane, bytes, metas(position)) {
                return (position, Some(error));
            }
        }
        (items.len(), None)
    }

    fn submit_runs(
        &self,
        target: &Lane,
        hint: &mut u64,
        lane: LaneId,
        items: &[&[u8]],
        mut metas: impl FnMut(usize) -> Meta,
    ) -> (usize, Option<Error>) {
        let mut done = 0;
        for chunk in items.chunks(self.run_max) {
            let (count, error) = self.submit_run(target, hint, lane, chunk, |n| metas(done + n));
            done += count;
            if error.is_some() {
                if matches!(error, Some(Error::Full | Error::NoMemory)) {
                    target.note_refused();
                }
                return (done, error);
            }
        }
        (done, None)
    }

    /// Publishes a prefix of `items`, which fit into one run, by one swap.
    fn submit_run(
        &self,
        target: &Lane,
        hint: &mut u64,
        lane: LaneId,
        items: &[&[u8]],
        metas: impl FnMut(usize) -> Meta,
    ) -> (usize, Option<Error>) {
        let (admitted, mut stop) = self.admit_first(items);
        if admitted == 0 {
            return (0, stop);
        }
        // Before the copies: a refused run should cost little.
        if target.ring.is_full_at(*hint) {
            target.note_full();
            return (0, Some(Error::Full));
        }
        let mut building = Building::new(&self.pool);
        if let Err(error) = building.add_all(&items[..admitted], metas) {
            stop = Some(error);
        }
        match self.append_run(target, hint, lane, building.into_run()) {
            Ok(count) => (count, stop),
            Err((run, error)) => {
                self.pool.give_run(run);
                (0, Some(error))
            }
        }
    }

    /// Puts a run into the lane, or hands it back; answers its length.
    #[inline]
    pub(super) fn append_run(
        &self,
        target: &Lane,
        hint: &mut u64,
        lane: LaneId,
        run: Run,
    ) -> Result<usize, (Run, Error)> {
        let count = run.len();
        let Some(first) = self.pool.tie_run(run) else { return Ok(0) };
        match self.append(target, hint, lane, first) {
            Ok(()) => {
                if count > 1 {
                    target.note_followers(count as u64 - 1);
                }
                Ok(count)
            }
            Err((first, error)) => Err((self.pool.untie_run(first), error)),
        }
    }
}
