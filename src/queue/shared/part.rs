//! A seat and the room behind it: who may write where, and what happens to the room of one that died.
//!
//! # Model
//! ```text
//! seat:  owner | clean | write          part:  ..free.. [record][record][filler] ..free..
//!                                                       ^ clean                 ^ write
//! ```
//! The part is a circular buffer in granules. `clean` only grows; `write` grows, and goes back over a record
//! that was not committed. Between them lie records, one behind the other: in use, or freed by the consumer,
//! or fillers, which are freed from the start and reach to the end of the part.
//!
//! # Invariants
//! P1 one owner writes a part and its seat's positions; the consumer only turns a record from in use to
//!    freed. Taking a seat is one compare-and-swap from nobody, or from a process that has ended.
//! P2 from `clean` to `write` one can walk at any instant: `clean` is published before the room behind it is
//!    written again, a record's state before `write` moves over it, and `write` before anything else.
//! P3 the consumer copies a record, frees it, and releases the cell, in this order. So while a committed
//!    record is in use its cell names it, and a record in use that no cell names, in a scan after its owner
//!    has ended, was never committed. A scan that raced with the consumer is corrected by the state, which
//!    is read again after it.
//! P4 the other way round a cell can name a record that was freed and written anew, for the time between
//!    the consumer's two stores. A new owner that took such a record for a committed one, or whose cell
//!    somebody wrote over, finds out when that record keeps the part full: then it is looked for again.
//!
//! # Limits
//! Taking over costs a scan of all cells, and only when records are in use.

use super::SharedError;
use super::layout::Geometry;
use super::owner::Owner;
#[cfg(modelled)]
use super::segment::Fault;
use super::segment::{FREED, IN_USE, Segment, State};
use crate::sync::atomic::Ordering;

/// Positions in a seat, from its offset.
const OWNER: u64 = 0;
const CLEAN: u64 = 8;
const WRITE: u64 = 16;

/// Every how many refusals the record that blocks a part is looked for (P4).
const RESCAN_EVERY: u32 = 256;

/// The right to write one part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) seat: usize,
    me: Owner,
    clean: u64,
    write: u64,
    blocked: u32,
}

/// How a seat was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Free,
    /// From a process that has ended.
    Orphaned,
}

impl Segment {
    fn seat_word(&self, seat: usize, position: u64) -> &crate::sync::atomic::AtomicU64 {
        self.word(self.geometry.seat(seat) + position)
    }

    /// Who holds a seat.
    pub(super) fn seat_owner(&self, seat: usize) -> Owner {
        // Acquire: pairs with the Release of `leave`.
        Owner(self.seat_word(seat, OWNER).load(Ordering::Acquire))
    }

    pub(super) fn take_seat(&self, seat: usize, from: Owner, me: Owner) -> bool {
        let word = self.seat_word(seat, OWNER);
        // Acquire: pairs with the Release of `leave`, so the part is as its last owner left it. An owner
        // that ended by force left everything that it had done.
        word.compare_exchange(from.0, me.0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl Part {
    /// A seat for `me`: a free one, else one whose owner `has_ended`.
    ///
    /// # Errors
    /// [`SharedError::NoSeat`]; [`SharedError::Damaged`] when there are seats, but with positions that make
    /// no sense and records that still wait.
    pub(super) fn claim(
        segment: &Segment,
        me: Owner,
        has_ended: impl Fn(Owner) -> bool,
    ) -> Result<(Self, Origin), SharedError> {
        let seats = segment.geometry.seats;
        let mut refusal = SharedError::NoSeat(seats);
        for origin in [Origin::Free, Origin::Orphaned] {
            for seat in 0..seats {
                let owner = segment.seat_owner(seat);
                let wanted = match origin {
                    Origin::Free => owner == Owner::NOBODY,
                    Origin::Orphaned => owner != Owner::NOBODY && has_ended(owner),
                };
                if wanted && segment.take_seat(seat, owner, me) {
                    match Self::settle(segment, seat, me) {
                        Ok(part) => return Ok((part, origin)),
                        Err(error) => refusal = error,
                    }
                    Self::vacate(segment, seat, me);
                }
            }
        }
        Err(refusal)
    }

    /// Finds out what a part holds and frees what was never committed (P3).
    fn settle(segment: &Segment, seat: usize, me: Owner) -> Result<Self, SharedError> {
        // Acquire: pairs with the Releases of `reserve` and `reclaim`, for P2.
        let clean = segment.seat_word(seat, CLEAN).load(Ordering::Acquire);
        let write = segment.seat_word(seat, WRITE).load(Ordering::Acquire);
        let mut part = Self { seat, me, clean, write, blocked: 0 };
        match part.records_in_use(segment) {
            Some(records) => part.free_uncommitted(segment, &records),
            None => part.start_anew(segment)?,
        }
        Ok(part)
    }

    /// Records in use, oldest first, as handle and the position behind it; `None` when one cannot walk.
    fn records_in_use(&self, segment: &Segment) -> Option<Vec<(u64, u64)>> {
        let used = self.write.wrapping_sub(self.clean);
        if used > segment.geometry.part_granules() {
            return None;
        }
        let (mut records, mut position) = (Vec::new(), self.clean);
        while position != self.write {
            let handle = self.handle(&segment.geometry, position);
            // Acquire: pairs with the consumer's Release when it frees.
            let state = State(segment.state(handle).load(Ordering::Acquire));
            let granules = self.check(&segment.geometry, position, state)?;
            position = position.wrapping_add(granules);
            if state.kind() == IN_USE {
                records.push((handle, position));
            }
        }
        Some(records)
    }

    fn free_uncommitted(&mut self, segment: &Segment, records: &[(u64, u64)]) {
        let mut named = vec![false; segment.geometry.part_granules() as usize];
        if !records.is_empty() {
            self.for_each_named(segment, |offset| named[offset] = true);
        }
        #[cfg(modelled)]
        if segment.fault == Fault::ScanLeftOut {
            named.fill(false);
        }
        let mut end = self.clean;
        for (handle, behind) in records {
            if named[(handle % segment.geometry.part_granules()) as usize] {
                end = *behind;
            } else {
                free(segment, *handle);
            }
        }
        // What follows the last committed record is free at once, not only when that was taken.
        self.write = end;
        segment.seat_word(self.seat, WRITE).store(end, Ordering::Release);
    }

    /// Calls `found` with the offset in this part of each handle that a cell names.
    fn for_each_named(&self, segment: &Segment, mut found: impl FnMut(usize)) {
        let granules = segment.geometry.part_granules();
        let first = self.seat as u64 * granules;
        segment.for_each_filled(|handle| {
            if (first..first + granules).contains(&handle) {
                found((handle - first) as usize);
            }
        });
    }

    /// The positions or a state were written over: nothing can be told apart any more. Once no cell names
    /// this part, it can begin again.
    fn start_anew(&mut self, segment: &Segment) -> Result<(), SharedError> {
        let mut waiting = 0_usize;
        self.for_each_named(segment, |_| waiting += 1);
        if waiting > 0 {
            return Err(SharedError::Damaged("a seat's positions make no sense while records wait"));
        }
        (self.clean, self.write) = (0, 0);
        segment.seat_word(self.seat, CLEAN).store(0, Ordering::Release);
        segment.seat_word(self.seat, WRITE).store(0, Ordering::Release);
        Ok(())
    }

    #[inline]
    fn handle(&self, geometry: &Geometry, position: u64) -> u64 {
        let granules = geometry.part_granules();
        self.seat as u64 * granules + position % granules
    }

    /// Granules of the record at `position`, if it is one inside the part and before `write`.
    #[inline]
    fn check(&self, geometry: &Geometry, position: u64, state: State) -> Option<u64> {
        let granules = state.granules();
        let to_end = geometry.part_granules() - position % geometry.part_granules();
        let sensible = matches!(state.kind(), IN_USE | FREED)
            && granules > 0
            && granules <= to_end.min(self.write.wrapping_sub(position));
        sensible.then_some(granules)
    }

    /// Room for a record of `granules`, in use from now on; `None` when the part has none. Answers its
    /// handle.
    ///
    /// # Errors
    /// [`SharedError::Damaged`] when somebody wrote over the records.
    #[inline]
    pub(super) fn reserve(&mut self, segment: &Segment, granules: u64) -> Result<Option<u64>, SharedError> {
        let all = segment.geometry.part_granules();
        loop {
            let free = all - self.write.wrapping_sub(self.clean);
            let to_end = all - self.write % all;
            if granules > to_end && free >= to_end {
                self.append(segment, State::new(FREED, to_end));
            } else if granules <= to_end && free >= granules {
                return Ok(Some(self.append(segment, State::new(IN_USE, granules))));
            } else if !self.reclaim(segment)? {
                return Ok(None);
            }
        }
    }

    /// True when a reservation would have to look for freed records.
    #[cfg(modelled)]
    pub(super) fn is_used_up(&self, segment: &Segment) -> bool {
        self.write.wrapping_sub(self.clean) == segment.geometry.part_granules()
    }

    #[inline]
    fn append(&mut self, segment: &Segment, state: State) -> u64 {
        let handle = self.handle(&segment.geometry, self.write);
        // Release, and the next one: P2; they pair with the Acquires of `settle`.
        segment.state(handle).store(state.0, Ordering::Release);
        self.write = self.write.wrapping_add(state.granules());
        segment.seat_word(self.seat, WRITE).store(self.write, Ordering::Release);
        handle
    }

    /// Moves over freed records; false when there is none.
    #[cold]
    fn reclaim(&mut self, segment: &Segment) -> Result<bool, SharedError> {
        if segment.seat_owner(self.seat) != self.me {
            return Err(SharedError::Damaged("somebody else holds the producer's seat"));
        }
        let before = self.clean;
        while self.clean != self.write {
            let handle = self.handle(&segment.geometry, self.clean);
            // Acquire: pairs with the consumer's Release when it frees: its reads came before.
            let state = State(segment.state(handle).load(Ordering::Acquire));
            let granules = self.check(&segment.geometry, self.clean, state);
            let granules = granules.ok_or(SharedError::Damaged("a record makes no sense to its producer"))?;
            if state.kind() == IN_USE && !self.is_left_over(segment, handle) {
                break;
            }
            self.clean = self.clean.wrapping_add(granules);
        }
        // Release: P2; pairs with the Acquire of `settle`.
        segment.seat_word(self.seat, CLEAN).store(self.clean, Ordering::Release);
        Ok(self.clean != before)
    }

    /// P4: true when the oldest record waits for nobody.
    fn is_left_over(&mut self, segment: &Segment, handle: u64) -> bool {
        self.blocked = self.blocked.wrapping_add(1);
        if !self.blocked.is_multiple_of(RESCAN_EVERY) {
            return false;
        }
        let mut named = false;
        segment.for_each_filled(|found| named |= found == handle);
        if !named {
            free(segment, handle);
        }
        !named
    }

    /// Takes back the last reservation, of `granules`, which was not committed.
    pub(super) fn abort(&mut self, segment: &Segment, granules: u64) {
        self.write = self.write.wrapping_sub(granules);
        // Release: as in `append`.
        segment.seat_word(self.seat, WRITE).store(self.write, Ordering::Release);
    }

    /// Gives the seat back. What was committed stays and is taken out.
    pub(super) fn leave(&self, segment: &Segment) {
        Self::vacate(segment, self.seat, self.me);
    }

    fn vacate(segment: &Segment, seat: usize, me: Owner) {
        // Release: pairs with the Acquire of `take_seat`. It fails when somebody wrote over the owner: then
        // the seat may be another's.
        let word = segment.seat_word(seat, OWNER);
        let _ = word.compare_exchange(me.0, Owner::NOBODY.0, Ordering::Release, Ordering::Relaxed);
    }
}

/// In use to freed, if it still is.
pub(super) fn free(segment: &Segment, handle: u64) {
    let word = segment.state(handle);
    let state = State(word.load(Ordering::Acquire));
    if state.kind() == IN_USE {
        let freed = State::new(FREED, state.granules());
        // Release: pairs with the Acquire of `reclaim`. It fails when somebody else freed it.
        let _ = word.compare_exchange(state.0, freed.0, Ordering::Release, Ordering::Relaxed);
    }
}
