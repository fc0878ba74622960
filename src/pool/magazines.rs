//! The magazines of one class, over all threads.

use super::BufferPool;
use super::magazine::{self, CLASS_MIN, Magazine, Miss, SHARE, SIZE};
use crate::env::fork::{self, ForkMutex};
use crate::sync::{Place, reached};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// Their number, what they hold, and what they have handed out.
#[derive(Debug)]
pub(super) struct Magazines {
    number: u64,
    /// Most at a time; 0: none are used.
    count_max: usize,
    open: ForkMutex<Vec<Arc<Magazine>>>,
    /// Length of `open`, for threads that would be one too many and need not wait for the lock to learn it.
    opened: AtomicUsize,
    /// Handed out by magazines that are closed.
    closed_taken: AtomicU64,
    refilled: AtomicU64,
}

/// Sums over all magazines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MagazineCount {
    pub(super) held: u64,
    pub(super) taken: u64,
    /// Indexes that went from the lists to magazines, which the lists count as handed out.
    pub(super) refilled: u64,
}

impl Magazines {
    pub(super) fn new(buffers: u32) -> Self {
        let count_max = if buffers < CLASS_MIN { 0 } else { buffers as usize / SIZE / SHARE };
        // Before the first lock of the pool: its child finds all of them unlocked.
        fork::watch();
        Self {
            number: magazine::class_number(),
            count_max,
            open: ForkMutex::new(Vec::new()),
            opened: AtomicUsize::new(0),
            closed_taken: AtomicU64::new(0),
            refilled: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn are_used(&self) -> bool {
        self.count_max > 0
    }

    /// An index from this thread's magazine; `None` when there is none at hand.
    #[inline(always)]
    pub(super) fn pop(&self) -> Option<u32> {
        magazine::pop(self.number)
    }

    /// Keeps an index in this thread's magazine; false when there is no room at hand.
    #[inline(always)]
    pub(super) fn push(&self, index: u32) -> bool {
        magazine::push(self.number, index)
    }

    /// After [`pop`](Self::pop): an index from the refilled magazine; `None` when the shared lists have to serve.
    pub(super) fn pop_refilled(
        &self,
        refill: impl FnOnce(&mut [u32; SIZE]) -> usize,
        owner: impl FnOnce() -> (u8, Weak<BufferPool>),
    ) -> Option<u32> {
        match magazine::pop_refilled(self.number, refill) {
            Ok(index) => Some(index),
            Err(Miss::Absent) => {
                // The next call finds it; this one is served by the lists.
                self.open(owner);
                None
            }
            Err(Miss::Empty) => None,
        }
    }

    /// Indexes from this thread's magazine, in front of `wanted`; how many.
    pub(super) fn pop_run(
        &self,
        wanted: &mut [u32],
        refill: impl FnMut(&mut [u32; SIZE]) -> usize,
        owner: impl FnOnce() -> (u8, Weak<BufferPool>),
    ) -> usize {
        match magazine::pop_run(self.number, wanted, refill) {
            Ok(taken) => taken,
            Err(Miss::Absent) => {
                self.open(owner);
                0
            }
            Err(Miss::Empty) => 0,
        }
    }

    /// After [`push`](Self::push): keeps an index in the magazine, from which a block is spilled; false when the
    /// index has to go to the shared lists.
    pub(super) fn push_spilled(
        &self,
        index: u32,
        spill: impl FnOnce(&[u32]),
        owner: impl FnOnce() -> (u8, Weak<BufferPool>),
    ) -> bool {
        match magazine::push_spilled(self.number, index, spill) {
            Ok(()) => true,
            Err(Miss::Absent) => {
                self.open(owner);
                false
            }
            Err(Miss::Empty) => false,
        }
    }

    #[cold]
    fn open(&self, owner: impl FnOnce() -> (u8, Weak<BufferPool>)) {
        if self.opened.load(Ordering::Relaxed) >= self.count_max {
            return;
        }
        let magazine = {
            let mut open = self.open.lock();
            if open.len() >= self.count_max {
                return;
            }
            let (class, pool) = owner();
            let magazine = Arc::new(Magazine::new(self.number, usize::from(class), pool));
            open.push(Arc::clone(&magazine));
            self.opened.store(open.len(), Ordering::Relaxed);
            magazine
        };
        if !magazine::open(Arc::clone(&magazine)) {
            self.forget(&magazine, || ());
        }
    }

    /// A magazine is closed; `give_back` gives back what it held, within the lock, so that
    /// a count finds it in one place.
    pub(super) fn forget(&self, magazine: &Arc<Magazine>, give_back: impl FnOnce()) {
        reached(Place::MagazineClosed);
        let mut open = self.open.lock();
        give_back();
        if let Some(position) = open.iter().position(|known| Arc::ptr_eq(known, magazine)) {
            open.swap_remove(position);
            self.opened.store(open.len(), Ordering::Relaxed);
            self.closed_taken.fetch_add(magazine.taken(), Ordering::Relaxed);
        }
    }

    pub(super) fn note_refill(&self, count: usize) {
        reached(Place::RunTaken);
        self.refilled.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> MagazineCount {
        self.count_with(|| ()).1
    }

    /// The sums, and what `look` finds while no magazine closes.
    pub(super) fn count_with<R>(&self, look: impl FnOnce() -> R) -> (R, MagazineCount) {
        let open = self.open.lock();
        let found = look();
        let mut count = MagazineCount {
            taken: self.closed_taken.load(Ordering::Relaxed),
            refilled: self.refilled.load(Ordering::Relaxed),
            held: 0,
        };
        for magazine in open.iter() {
            count.held += magazine.held();
            count.taken += magazine.taken();
        }
        (found, count)
    }
}
