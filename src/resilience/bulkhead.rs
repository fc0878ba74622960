//! A bulkhead: so many calls at a time, so many more in line.
//!
//! # Model
//! ```text
//!  63          32 31        16 15         0
//! |    taken     |  waiting   |   in use   |
//! ```
//! Taking a permit that is free is one compare-and-swap, giving one back one subtraction. Who finds none
//! joins the line ([`WaitList`]), under a lock that only waiters and those who serve them take. Whoever gives
//! a permit back and sees waiters hands it to the one in front.
//!
//! # Invariants
//! I1 never more than `permits` are out.
//! I2 while anybody waits, nobody gets a permit but the waiter in front: the line is first come, first served.
//! I3 a permit that is free is not left to lie while anybody waits: joining and giving back change one word,
//!    so one of the two sees the other.
//! I4 what was done under a permit happened before what is done under it next.
//!
//! # Limits
//! [`PERMITS_MAX`] permits, [`QUEUE_MAX`] waiters; who comes then is refused. A waiter that leaves gives up
//! its place, and passes on a permit that it was handed and had not yet taken.

use super::Error;
use super::error::in_range;
use super::waiters::{Key, Standing, WaitList};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, Mutex, has_mutant, weakened};
use crate::types::Status;
use crossbeam::utils::CachePadded;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::task::Waker;

/// Most permits.
pub const PERMITS_MAX: u32 = 65_000;
/// Most waiters.
pub const QUEUE_MAX: u32 = 65_000;

const WAITER: u64 = 1 << 16;
const FIELD: u64 = 0xffff;
const TAKEN_SHIFT: u32 = 32;
const TAKEN: u64 = 1 << TAKEN_SHIFT;
const _: () = assert!(PERMITS_MAX as u64 <= FIELD && QUEUE_MAX as u64 <= FIELD);

/// How many calls at a time, and how many in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadSettings {
    /// Calls at a time, 1 to [`PERMITS_MAX`]. Too many: the peer is overrun. Too few: it idles.
    pub permits: u32,
    /// Waiters in line, up to [`QUEUE_MAX`]; 0: nobody waits. Too many: callers wait for what they no longer
    /// need.
    pub queue: u32,
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Crowded {
    /// All permits are out, or others were in line before.
    #[error("all permits are out")]
    Busy,
    /// All permits are out and the line is full.
    #[error("all permits are out and the line is full")]
    LineFull,
    /// The time given to a waiting call ran out.
    #[error("timed out in line")]
    Timeout,
}

impl Crowded {
    /// The status that all languages share.
    pub const fn status(self) -> Status {
        match self {
            Self::Busy | Self::LineFull => Status::Again,
            Self::Timeout => Status::Timeout,
        }
    }
}

/// A bulkhead's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkheadStats {
    /// Permits.
    pub permits: u32,
    /// Permits that are out.
    pub in_use: u32,
    /// Callers in line.
    pub waiting: u32,
    /// Permits taken so far.
    pub taken: u64,
    /// Callers sent away because everything was taken, or the line full.
    pub refused: u64,
    /// Waiters that left before their turn: timed out or cancelled.
    pub left: u64,
}

/// Bounds concurrency. Share it by reference or `Arc`.
#[derive(Debug)]
pub struct Bulkhead {
    word: CachePadded<AtomicU64>,
    permits: u64,
    settings: BulkheadSettings,
    /// Laps of the word's count of permits taken.
    laps: AtomicU64,
    refused: AtomicU64,
    left: AtomicU64,
    line: Mutex<WaitList>,
}

const fn in_use(word: u64) -> u64 {
    word & FIELD
}

const fn waiting(word: u64) -> u64 {
    (word / WAITER) & FIELD
}

/// What joining the line gave.
pub(super) enum Joined {
    /// A permit at once.
    Permit,
    /// A place.
    Place(Key),
}

impl Bulkhead {
    /// A bulkhead with all permits in.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting outside of its range.
    pub fn new(settings: BulkheadSettings) -> Result<Self, Error> {
        in_range("bulkhead permits", settings.permits, 1, PERMITS_MAX)?;
        in_range("bulkhead queue", settings.queue, 0, QUEUE_MAX)?;
        Ok(Self {
            word: CachePadded::new(AtomicU64::new(0)),
            permits: u64::from(settings.permits),
            settings,
            laps: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            left: AtomicU64::new(0),
            line: Mutex::new(WaitList::new()),
        })
    }

    /// Its settings.
    pub const fn settings(&self) -> &BulkheadSettings {
        &self.settings
    }

    /// Takes a permit that is free; does not overtake anybody in line.
    ///
    /// # Errors
    /// [`Crowded::Busy`].
    #[inline]
    pub fn try_acquire(&self) -> Result<Slot<'_>, Crowded> {
        if self.take() { Ok(Slot { bulkhead: self }) } else { Err(self.refuse(Crowded::Busy)) }
    }

    /// As [`Bulkhead::try_acquire`] for a permit without a lifetime.
    ///
    /// # Errors
    /// [`Crowded::Busy`].
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedSlot, Crowded> {
        let slot = self.try_acquire()?;
        Ok(slot.into_owned(self))
    }

    /// Takes a permit if one is free, for [`Bulkhead::give_back`].
    #[inline]
    pub(super) fn take(&self) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while in_use(word) < self.permits && waiting(word) == 0 {
            let next = word.wrapping_add(TAKEN + 1);
            // Acquire pairs with the Release in `give_back`: I4.
            let order = weakened(Mutant::TakePermitRelaxed, Ordering::Acquire);
            match self.word.compare_exchange_weak(word, next, order, Ordering::Relaxed) {
                Ok(_) => {
                    self.count_lap(next);
                    return true;
                }
                Err(current) => word = current,
            }
        }
        false
    }

    #[inline(always)]
    fn count_lap(&self, word: u64) {
        if word >> TAKEN_SHIFT == 0 {
            self.laps.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[cold]
    pub(super) fn refuse(&self, why: Crowded) -> Crowded {
        self.refused.fetch_add(1, Ordering::Relaxed);
        why
    }

    /// Gives a permit back, to the waiter in front if there is one.
    #[inline]
    pub(super) fn give_back(&self) {
        let order = weakened(Mutant::GiveBackRelaxed, Ordering::Release);
        // Release pairs with the Acquire in `take` and `serve`: I4.
        let before = self.word.fetch_sub(1, order);
        debug_assert!(in_use(before) > 0, "a permit is given back once");
        if waiting(before) > 0 && !has_mutant(Mutant::WaitersUnseen) {
            self.serve();
        }
    }

    /// As [`Bulkhead::give_back`] for callers that may give back what they do not have: then `false`.
    pub(super) fn give_back_checked(&self) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while in_use(word) > 0 {
            // Release pairs with the Acquire in `take` and `serve`: I4.
            match self.word.compare_exchange_weak(word, word - 1, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => {
                    if waiting(word) > 0 {
                        self.serve();
                    }
                    return true;
                }
                Err(current) => word = current,
            }
        }
        false
    }

    /// Hands free permits to those in front.
    #[cold]
    fn serve(&self) {
        while let Some(wake) = self.serve_one() {
            // Outside of the lock: a waker may come straight back.
            if let Some(wake) = wake {
                wake.wake();
            }
        }
    }

    fn serve_one(&self) -> Option<Option<Waker>> {
        let mut line = self.line.lock();
        let mut word = self.word.load(Ordering::Relaxed);
        while in_use(word) < self.permits && waiting(word) > 0 {
            let next = word.wrapping_add(TAKEN + 1) - WAITER;
            // Acquire pairs with the Release in `give_back`; the lock passes it on to the waiter: I4.
            match self.word.compare_exchange_weak(word, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    self.count_lap(next);
                    return Some(line.grant_front().expect("the word counts the line, under its lock"));
                }
                Err(current) => word = current,
            }
        }
        None
    }

    /// Takes a permit or a place in line.
    pub(super) fn join(&self, wake: Option<&Waker>) -> Result<Joined, Crowded> {
        let mut line = self.line.lock();
        loop {
            if self.take() {
                return Ok(Joined::Permit);
            }
            let word = self.word.load(Ordering::Relaxed);
            if in_use(word) < self.permits && waiting(word) == 0 {
                continue;
            }
            if waiting(word) >= u64::from(self.settings.queue) {
                drop(line);
                return Err(self.refuse(Crowded::LineFull));
            }
            // Relaxed: the line is published by its lock. The word decides who sees whom (I3).
            let exchange =
                self.word.compare_exchange_weak(word, word + WAITER, Ordering::Relaxed, Ordering::Relaxed);
            if exchange.is_ok() {
                return Ok(Joined::Place(line.push(wake.cloned())));
            }
        }
    }

    /// True once the waiter's turn has come: then it has a permit and its place is gone. Until then, `wake`
    /// is woken when it does.
    pub(super) fn is_served(&self, key: Key, wake: Option<&Waker>) -> Option<bool> {
        let mut line = self.line.lock();
        match line.look(key, wake) {
            Standing::Waiting => Some(false),
            Standing::Granted => {
                line.take(key);
                Some(true)
            }
            Standing::Unknown => None,
        }
    }

    /// Gives up a place, and the permit with it if its turn had come. False for a place that is not there.
    pub(super) fn leave(&self, key: Key) -> bool {
        let standing = {
            let mut line = self.line.lock();
            let standing = line.take(key);
            if standing == Standing::Waiting {
                // Relaxed: as in `join`.
                self.word.fetch_sub(WAITER, Ordering::Relaxed);
            }
            standing
        };
        if standing != Standing::Unknown {
            self.left.fetch_add(1, Ordering::Relaxed);
        }
        if standing == Standing::Granted && !has_mutant(Mutant::LeaverKeeps) {
            self.give_back();
        }
        standing != Standing::Unknown
    }

    /// Its figures.
    pub fn stats(&self) -> BulkheadStats {
        let (laps, word) = loop {
            let laps = self.laps.load(Ordering::Acquire);
            let word = self.word.load(Ordering::Acquire);
            if laps == self.laps.load(Ordering::Acquire) {
                break (laps, word);
            }
        };
        BulkheadStats {
            permits: self.settings.permits,
            in_use: in_use(word) as u32,
            waiting: waiting(word) as u32,
            taken: laps << (64 - TAKEN_SHIFT) | word >> TAKEN_SHIFT,
            refused: self.refused.load(Ordering::Relaxed),
            left: self.left.load(Ordering::Relaxed),
        }
    }
}

/// One permit; dropped, it is given back.
#[derive(Debug)]
#[must_use = "dropping it gives it back"]
pub struct Slot<'a> {
    bulkhead: &'a Bulkhead,
}

impl<'a> Slot<'a> {
    pub(super) const fn of(bulkhead: &'a Bulkhead) -> Self {
        Self { bulkhead }
    }

    /// The same permit without a lifetime; `bulkhead` is the one that it is of.
    ///
    /// # Panics
    /// When it is of another.
    pub fn into_owned(self, bulkhead: &Arc<Bulkhead>) -> OwnedSlot {
        assert!(std::ptr::eq(self.bulkhead, Arc::as_ptr(bulkhead)), "a permit of another bulkhead");
        self.keep();
        OwnedSlot { bulkhead: Arc::clone(bulkhead) }
    }

    /// The permit stays out until somebody calls [`Bulkhead::release_one`].
    pub(super) fn keep(self) {
        let _ = ManuallyDrop::new(self);
    }
}

impl Drop for Slot<'_> {
    #[inline]
    fn drop(&mut self) {
        self.bulkhead.give_back();
    }
}

/// One permit that keeps its bulkhead alive.
#[derive(Debug)]
#[must_use = "dropping it gives it back"]
pub struct OwnedSlot {
    bulkhead: Arc<Bulkhead>,
}

impl OwnedSlot {
    pub(super) const fn of(bulkhead: Arc<Bulkhead>) -> Self {
        Self { bulkhead }
    }
}

impl Drop for OwnedSlot {
    fn drop(&mut self) {
        self.bulkhead.give_back();
    }
}

#[cfg(all(test, not(modelled)))]
#[path = "bulkhead_test.rs"]
mod tests;
