//! Room for records in the part of a seat.
//!
//! # Model
//! A record goes where `write` is. Room behind it is looked for a stretch at a time:
//! ```text
//! clean ..in use.. write ..known to be free.. | not looked at, or in use
//! ```
//! When nothing waits, a look begins at the front of the part again.
//!
//! # Invariants
//! R1 the consumer frees the records of one producer and one lane in their order. So while all records since
//!    `clean` are of one lane, one of them that is freed says that those before it are, or wait for nobody: one
//!    look passes over a stretch of them.
//! R2 where `write` lies in the part is kept along with it, so that a record costs no division.

use super::SharedError;
use super::part::{CLEAN, Part, WRITE};
use super::segment::{FREED, IN_USE, Segment, State};
use crate::sync::atomic::Ordering;

/// Every how many refusals the record that blocks a part is looked for (`part`, P4).
const RESCAN_EVERY: u32 = 256;

/// Room that is looked for in one go, in granules: 16 KiB. What was freed that long ago is in a cache still, so it
/// is used again before the rest of a large part.
const STRETCH: u64 = if cfg!(modelled) { 1 } else { 256 };

/// A record for whose sake those before it are not looked at (R1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    handle: u64,
    /// The state that says that it is freed.
    freed: State,
    /// Position behind it.
    end: u64,
}

impl Part {
    /// The handle at a position from `clean` to `write`.
    #[inline]
    pub(super) fn handle(&self, position: u64) -> u64 {
        let before = self.write.wrapping_sub(position);
        let wrapped = if before > self.next { self.granules } else { 0 };
        self.first + (self.next + wrapped - before)
    }

    /// Granules of the record at `position`, if it is one inside the part and before `write`.
    #[inline]
    pub(super) fn check(&self, handle: u64, position: u64, state: State) -> Option<u64> {
        let granules = state.granules();
        let to_end = self.first + self.granules - handle;
        let sensible = matches!(state.kind(), IN_USE | FREED)
            && granules > 0
            && granules <= to_end.min(self.write.wrapping_sub(position));
        sensible.then_some(granules)
    }

    /// Room for a record of `granules` for a lane, in use from now on; `None` when the part has none. Answers its
    /// handle.
    ///
    /// # Errors
    /// [`SharedError::Damaged`] when somebody wrote over the records.
    #[inline]
    pub(super) fn reserve(
        &mut self,
        segment: &Segment,
        lane: usize,
        granules: u64,
    ) -> Result<Option<u64>, SharedError> {
        if lane != self.lane {
            (self.lane, self.pure) = (lane, self.write);
        }
        if granules > self.known && !self.make_room(segment, granules)? {
            return Ok(None);
        }
        self.known -= granules;
        let handle = self.append(segment, State::new(IN_USE, granules));
        self.latest = Some(handle);
        Ok(Some(handle))
    }

    /// True when a reservation would have to look for freed records.
    #[cfg(modelled)]
    pub(super) fn is_used_up(&self) -> bool {
        self.write.wrapping_sub(self.clean) == self.granules
    }

    #[inline]
    fn append(&mut self, segment: &Segment, state: State) -> u64 {
        let handle = self.first + self.next;
        // Release, and the next one: `part`, P2; they pair with the Acquires of `settle`.
        segment.state(handle).store(state.0, Ordering::Release);
        self.write = self.write.wrapping_add(state.granules());
        self.next += state.granules();
        if self.next == self.granules {
            self.next = 0;
        }
        segment.seat_word(self.seat, WRITE).store(self.write, Ordering::Release);
        handle
    }

    /// Looks for room for a record, and for more than that; false when there is none.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, segment: &Segment, granules: u64) -> Result<bool, SharedError> {
        if segment.seat_owner(self.seat) != self.me {
            return Err(SharedError::Damaged("somebody else holds the producer's seat"));
        }
        // What follows may fail half way, and what was known is not so any more.
        self.known = 0;
        if !self.pass_all(segment) {
            self.pass_mark(segment);
        }
        loop {
            let free = self.granules - self.write.wrapping_sub(self.clean);
            let to_end = self.granules - self.next;
            if free == self.granules && self.next != 0 {
                // Nothing waits: the part from its begin, which a cache still knows.
                self.append(segment, State::new(FREED, to_end));
                self.publish_clean(segment, self.write);
            } else if granules > to_end && free >= to_end {
                self.append(segment, State::new(FREED, to_end));
            } else if granules <= to_end && free >= granules {
                self.known = to_end.min(free).min(granules.max(STRETCH));
                self.set_mark(granules);
                return Ok(true);
            } else if !self.reclaim(segment)? {
                return Ok(false);
            }
        }
    }

    /// True when all records since `clean` are of one lane.
    fn is_pure(&self) -> bool {
        self.clean.wrapping_sub(self.pure) as i64 >= 0
    }

    /// Moves over all records if the latest was freed; true when it was (R1).
    fn pass_all(&mut self, segment: &Segment) -> bool {
        let Some(latest) = self.latest.filter(|_| self.is_pure()) else { return false };
        // Acquire: as in `reclaim`.
        let freed = State(segment.state(latest).load(Ordering::Acquire)).kind() == FREED;
        if freed {
            self.mark = None;
            self.publish_clean(segment, self.write);
        }
        freed
    }

    /// Remembers the record that comes next (R1).
    fn set_mark(&mut self, granules: u64) {
        if self.mark.is_none() && self.is_pure() {
            self.mark = Some(Mark {
                handle: self.first + self.next,
                freed: State::new(FREED, granules),
                end: self.write.wrapping_add(granules),
            });
        }
    }

    /// Moves over the marked record, and with it over those before it, if it was freed.
    fn pass_mark(&mut self, segment: &Segment) {
        let Some(mark) = self.mark else { return };
        // Acquire: as in `reclaim`.
        if segment.state(mark.handle).load(Ordering::Acquire) == mark.freed.0 {
            self.mark = None;
            if mark.end.wrapping_sub(self.clean) as i64 > 0 {
                self.publish_clean(segment, mark.end);
            }
        }
    }

    /// Moves over freed records; false when there is none.
    fn reclaim(&mut self, segment: &Segment) -> Result<bool, SharedError> {
        let mut clean = self.clean;
        while clean != self.write {
            let handle = self.handle(clean);
            // Acquire: pairs with the consumer's Release when it frees: its reads came before.
            let state = State(segment.state(handle).load(Ordering::Acquire));
            let granules = self.check(handle, clean, state);
            let granules = granules.ok_or(SharedError::Damaged("a record makes no sense to its producer"))?;
            if state.kind() == IN_USE && !self.is_left_over(segment, handle) {
                break;
            }
            clean = clean.wrapping_add(granules);
        }
        let moved = clean != self.clean;
        if moved {
            self.publish_clean(segment, clean);
        }
        Ok(moved)
    }

    fn publish_clean(&mut self, segment: &Segment, clean: u64) {
        self.clean = clean;
        // Release: `part`, P2; pairs with the Acquire of `settle`.
        segment.seat_word(self.seat, CLEAN).store(clean, Ordering::Release);
    }

    /// `part`, P4: true when the oldest record waits for nobody.
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
        if self.mark.is_some_and(|mark| mark.end == self.write) {
            self.mark = None;
        }
        self.latest = None;
        self.write = self.write.wrapping_sub(granules);
        // A record does not wrap: one that ended with the part began before it.
        self.next = if self.next == 0 { self.granules } else { self.next } - granules;
        self.known += granules;
        // Release: as in `append`.
        segment.seat_word(self.seat, WRITE).store(self.write, Ordering::Release);
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
