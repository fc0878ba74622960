//! A seat and the room behind it: who may write where, and what happens to the room of one that died.
//!
//! # Model
//! ```text
//! seat:  owner | clean | write          part:  ..free.. [record][record][filler] ..free..
//!                                                       ^ clean                 ^ write
//! ```
//! The part is a circular buffer in granules. `clean` only grows; `write` grows, and goes back over a record
//! that was not committed. Between them lie records, one behind the other: in use, or freed by the consumer,
//! or fillers, which are freed from the start and reach to the end of the part. `room` is how its owner finds
//! room in it.
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
//!
//! # Limits
//! Taking over costs a scan of all cells, and only when records are in use.

use super::SharedError;
use super::owner::Owner;
use super::room::{Mark, free};
#[cfg(modelled)]
use super::segment::Fault;
use super::segment::{IN_USE, Segment, State};
use crate::sync::atomic::Ordering;

/// Positions in a seat, from its offset.
const OWNER: u64 = 0;
pub(super) const CLEAN: u64 = 8;
pub(super) const WRITE: u64 = 16;

/// The right to write one part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) seat: usize,
    pub(super) me: Owner,
    pub(super) clean: u64,
    pub(super) write: u64,
    /// Granules of the part, and the handle of its first.
    pub(super) granules: u64,
    pub(super) first: u64,
    /// Where in the part `write` lies: below `granules`.
    pub(super) next: u64,
    /// Granules from there on that are free, as far as was looked; none beyond the end of the part.
    pub(super) known: u64,
    /// Lane of the latest record, and from where on all are of that lane (`room`, R1).
    pub(super) lane: usize,
    pub(super) pure: u64,
    pub(super) mark: Option<Mark>,
    /// The latest record, unless it was taken back.
    pub(super) latest: Option<u64>,
    pub(super) blocked: u32,
}

/// How a seat was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Free,
    /// From a process that has ended.
    Orphaned,
}

impl Segment {
    pub(super) fn seat_word(&self, seat: usize, position: u64) -> &crate::sync::atomic::AtomicU64 {
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
        // Acquire: pairs with the Releases of `append` and `publish_clean`, for P2.
        let clean = segment.seat_word(seat, CLEAN).load(Ordering::Acquire);
        let write = segment.seat_word(seat, WRITE).load(Ordering::Acquire);
        let granules = segment.geometry.part_granules();
        let mut part = Self {
            seat,
            me,
            clean,
            write,
            granules,
            first: seat as u64 * granules,
            next: write % granules,
            known: 0,
            lane: 0,
            pure: write,
            mark: None,
            latest: None,
            blocked: 0,
        };
        match part.records_in_use(segment) {
            Some(records) => part.free_uncommitted(segment, &records),
            None => part.start_anew(segment)?,
        }
        // Of which lanes those before are nobody asked.
        (part.next, part.pure) = (part.write % granules, part.write);
        Ok(part)
    }

    /// Records in use, oldest first, as handle and the position behind it; `None` when one cannot walk.
    fn records_in_use(&self, segment: &Segment) -> Option<Vec<(u64, u64)>> {
        let used = self.write.wrapping_sub(self.clean);
        if used > self.granules {
            return None;
        }
        let (mut records, mut position) = (Vec::new(), self.clean);
        while position != self.write {
            let handle = self.handle(position);
            // Acquire: pairs with the consumer's Release when it frees.
            let state = State(segment.state(handle).load(Ordering::Acquire));
            let granules = self.check(handle, position, state)?;
            position = position.wrapping_add(granules);
            if state.kind() == IN_USE {
                records.push((handle, position));
            }
        }
        Some(records)
    }

    fn free_uncommitted(&mut self, segment: &Segment, records: &[(u64, u64)]) {
        let mut named = vec![false; self.granules as usize];
        if !records.is_empty() {
            self.for_each_named(segment, |offset| named[offset] = true);
        }
        #[cfg(modelled)]
        if segment.fault == Fault::ScanLeftOut {
            named.fill(false);
        }
        let mut end = self.clean;
        for (handle, behind) in records {
            if named[(handle - self.first) as usize] {
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
        segment.for_each_filled(|handle| {
            if (self.first..self.first + self.granules).contains(&handle) {
                found((handle - self.first) as usize);
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
