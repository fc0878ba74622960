//! The magazines of one class, over all threads.

use super::BufferPool;
use super::magazine::{self, CLASS_MIN, Ledger, Miss, SHARE, SIZE};
use crate::sync::{Mutex, Place, reached};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Their number, what they hold, and what they have handed out.
#[derive(Debug)]
pub(super) struct Magazines {
    number: u64,
    /// Most at a time; 0: none are used.
    count_max: usize,
    ledgers: Mutex<Vec<Arc<Ledger>>>,
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
        Self {
            number: magazine::class_number(),
            count_max,
            ledgers: Mutex::new(Vec::new()),
            closed_taken: AtomicU64::new(0),
            refilled: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(super) fn are_used(&self) -> bool {
        self.count_max > 0
    }

    /// An index from this thread's magazine; `None` when the shared lists have to serve.
    #[inline]
    pub(super) fn take(
        &self,
        refill: impl FnOnce(&mut [u32; SIZE]) -> usize,
        owner: impl FnOnce() -> (u8, Weak<BufferPool>),
    ) -> Option<u32> {
        match magazine::take(self.number, refill) {
            Ok(index) => Some(index),
            Err(Miss::Absent) => {
                // The next call finds it; this one is served by the lists.
                self.open(owner);
                None
            }
            Err(Miss::Empty | Miss::Away) => None,
        }
    }

    /// Indexes from this thread's magazine, in front of `wanted`; how many.
    #[inline]
    pub(super) fn take_run(
        &self,
        wanted: &mut [u32],
        refill: impl FnMut(&mut [u32; SIZE]) -> usize,
        owner: impl FnOnce() -> (u8, Weak<BufferPool>),
    ) -> usize {
        match magazine::take_run(self.number, wanted, refill) {
            Ok(taken) => taken,
            Err(Miss::Absent) => {
                self.open(owner);
                0
            }
            Err(Miss::Empty | Miss::Away) => 0,
        }
    }

    /// Keeps an index in this thread's magazine; false when it has to go to the shared lists.
    #[inline]
    pub(super) fn give(
        &self,
        index: u32,
        block: usize,
        spill: impl FnOnce(&[u32]),
        owner: impl FnOnce() -> (u8, Weak<BufferPool>),
    ) -> bool {
        match magazine::give(self.number, index, block, spill) {
            Ok(()) => true,
            Err(Miss::Absent) => {
                self.open(owner);
                false
            }
            Err(Miss::Empty | Miss::Away) => false,
        }
    }

    #[cold]
    fn open(&self, owner: impl FnOnce() -> (u8, Weak<BufferPool>)) {
        let ledger = {
            let mut ledgers = self.ledgers.lock();
            if ledgers.len() >= self.count_max {
                return;
            }
            let ledger = Arc::new(Ledger::default());
            ledgers.push(Arc::clone(&ledger));
            ledger
        };
        let (class, pool) = owner();
        if !magazine::open(self.number, usize::from(class), pool, Arc::clone(&ledger)) {
            self.forget(&ledger, || ());
        }
    }

    /// The magazine with this ledger is closed; `give_back` gives back what it held, within the lock, so that
    /// a count finds it in one place.
    pub(super) fn forget(&self, ledger: &Arc<Ledger>, give_back: impl FnOnce()) {
        reached(Place::MagazineClosed);
        let mut ledgers = self.ledgers.lock();
        give_back();
        if let Some(position) = ledgers.iter().position(|known| Arc::ptr_eq(known, ledger)) {
            ledgers.swap_remove(position);
            self.closed_taken.fetch_add(ledger.taken.load(Ordering::Relaxed), Ordering::Relaxed);
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
        let ledgers = self.ledgers.lock();
        let found = look();
        let mut count = MagazineCount {
            taken: self.closed_taken.load(Ordering::Relaxed),
            refilled: self.refilled.load(Ordering::Relaxed),
            held: 0,
        };
        for ledger in ledgers.iter() {
            count.held += ledger.held.load(Ordering::Relaxed);
            count.taken += ledger.taken.load(Ordering::Relaxed);
        }
        (found, count)
    }
}
