//! Who should look where: the word of lanes with work, and sleepers on both sides.
//!
//! # Model
//! ```text
//! word: bit 0..15  lane may have items      set by producers, cleared by a consumer that found it empty
//!       bit 16..62 generation of the sleep  raised by each consumer that goes to sleep
//!       bit 63     a consumer may sleep     set by it, cleared by a producer after it has woken it
//! wanted:          a producer may sleep until a cell is free
//! ```
//! # Invariants
//! W1 (store mine, load yours) A producer fills a cell, then reads the word. A consumer changes the word,
//!    then reads the cells again. All four are SeqCst, so at least one side sees the other: a cleared
//!    bit or a sleep never hides an item. Same for space with several consumers: cell and `wanted`.
//! W2 with one consumer the cell is freed by a plain release store, which may become visible after its
//!    load of `wanted`. The consumer therefore fences before it reports an empty queue and at the end of
//!    a drain, and a sleeping producer looks again every [`SPACE_SLICE`]: between two dequeues of a
//!    consumer that then pauses, a wake-up can come that much late, never more.
//!
//! W3 a producer wakes first and clears the flag afterwards, and only the flag of the sleep that it saw.
//!    One that is stopped anywhere in between leaves the flag to the next producer; a flag raised
//!    meanwhile stays. (models/lanes.pml: with the two steps in the other order, a stopped producer
//!    leaves a consumer asleep that nobody else would wake.)
//!
//! # Limits
//! A producer pays one load of the word when nobody sleeps and its lane's bit is set; a consumer one
//! load of `wanted`.

use super::gate::Gate;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutant, model_fence, weakened};
use crate::types::LANES_MAX;
use crossbeam::utils::CachePadded;
use std::time::Duration;

const ASLEEP: u64 = 1 << 63;
const LANE_BITS: u64 = (1 << LANES_MAX) - 1;
const GENERATION: u64 = 1 << LANES_MAX;
const GENERATION_BITS: u64 = !(ASLEEP | LANE_BITS);

/// Longest sleep of a producer before it looks for space (or memory) by itself (W2).
pub(super) const SPACE_SLICE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Signals {
    word: CachePadded<AtomicU64>,
    wanted: CachePadded<AtomicBool>,
    closed: CachePadded<AtomicBool>,
    items: Gate,
    space: Gate,
}

impl Signals {
    pub(super) fn new() -> Self {
        Self {
            word: CachePadded::new(AtomicU64::new(0)),
            wanted: CachePadded::new(AtomicBool::new(false)),
            closed: CachePadded::new(AtomicBool::new(false)),
            items: Gate::new(),
            space: Gate::new(),
        }
    }

    /// Producer, after it filled a cell of `lane`.
    #[inline]
    pub(super) fn announce(&self, lane: usize) {
        let bit = 1 << lane;
        model_fence();
        // SeqCst: W1.
        let order = weakened(Mutant::AnnounceRelaxed, Ordering::SeqCst);
        if self.word.load(order) & (bit | ASLEEP) != bit {
            self.announce_change(bit);
        }
    }

    #[cold]
    fn announce_change(&self, bit: u64) {
        let before = self.word.fetch_or(bit, Ordering::SeqCst);
        if before & ASLEEP != 0 {
            self.items.advance();
            self.clear_sleep(before & GENERATION_BITS);
        }
    }

    /// W3. Relaxed on failure: the word is only compared.
    fn clear_sleep(&self, generation: u64) {
        let clear = |word: u64| {
            let same = word & ASLEEP != 0 && word & GENERATION_BITS == generation;
            same.then_some(word & !ASLEEP)
        };
        // An error says that somebody else cleared it, or that a later sleep has begun.
        let _ = self.word.fetch_update(Ordering::SeqCst, Ordering::Relaxed, clear);
    }

    /// A new generation, and its flag.
    fn begin_sleep(&self) {
        let begin = |word: u64| {
            let generation = word.wrapping_add(GENERATION) & GENERATION_BITS;
            Some(word & LANE_BITS | generation | ASLEEP)
        };
        // SeqCst: W1. It always succeeds: `begin` never declines.
        let _ = self.word.fetch_update(Ordering::SeqCst, Ordering::Relaxed, begin);
    }

    /// Lanes that may have items. A hint: an empty answer does not prove emptiness.
    #[inline]
    pub(super) fn ready_lanes(&self) -> u64 {
        self.word.load(Ordering::Relaxed) & LANE_BITS
    }

    /// Consumer that found `lane` empty: takes it off the list, unless `has_items` says otherwise.
    pub(super) fn settle(&self, lane: usize, has_items: impl FnOnce() -> bool) {
        let bit = 1 << lane;
        // SeqCst: W1.
        self.word.fetch_and(!bit, Ordering::SeqCst);
        model_fence();
        if has_items() {
            self.word.fetch_or(bit, Ordering::SeqCst);
        }
    }

    /// Consumer that found nothing: sleeps for about `limit` unless `has_items` or the queue is closed.
    /// `others` are words of other processes, and what they were before the look.
    pub(super) fn sleep_for_items(
        &self,
        limit: Duration,
        others: &[(*const u32, u32)],
        has_items: impl FnOnce() -> bool,
    ) {
        let seen = self.items.epoch();
        self.begin_sleep();
        model_fence();
        // The flag stays when we do not sleep after all: somebody else may. It costs one idle wake-up.
        if !has_items() && !self.is_closed() {
            self.items.wait_past_any(seen, others, limit);
        }
    }

    /// True when a consumer sleeps, or is about to.
    #[cfg(all(test, not(modelled)))]
    pub(super) fn has_sleeper(&self) -> bool {
        self.word.load(Ordering::SeqCst) & ASLEEP != 0
    }

    /// Wakes consumers, who look at what is not in the lanes too.
    #[cfg(feature = "capi")]
    pub(super) fn nudge(&self) {
        // What was changed before is seen by who reads the advanced epoch; who has read the one before does not
        // fall asleep, or wakes.
        self.items.advance();
    }

    /// Consumer that waits for a buffer: sleeps for about `limit`, or until something is announced.
    pub(super) fn nap(&self, limit: Duration) {
        let seen = self.items.epoch();
        self.items.wait_past(seen, limit);
    }

    /// Producer that was refused: sleeps for about `limit` unless the queue is closed or `still_full`
    /// says no.
    pub(super) fn sleep_for_space(&self, limit: Duration, still_full: impl FnOnce() -> bool) {
        let seen = self.space.epoch();
        // SeqCst: W1.
        self.wanted.store(true, Ordering::SeqCst);
        model_fence();
        if still_full() && !self.is_closed() {
            self.space.wait_past(seen, limit.min(SPACE_SLICE));
        }
    }

    /// Consumer, after it freed a cell.
    #[inline]
    pub(super) fn freed(&self) {
        model_fence();
        // SeqCst: W1; a plain load where that matters.
        if self.wanted.load(Ordering::SeqCst) {
            self.wake_for_space();
        }
    }

    /// Consumer, before it stops looking for a while (W2).
    pub(super) fn freed_fenced(&self) {
        crate::sync::atomic::fence(Ordering::SeqCst);
        self.freed();
    }

    #[cold]
    fn wake_for_space(&self) {
        if self.wanted.swap(false, Ordering::SeqCst) {
            self.space.advance();
        }
    }

    /// Refuses producers from now on and wakes everybody.
    pub(super) fn close(&self) {
        // SeqCst: against the look at the flag just before a sleep, as W1.
        self.closed.store(true, Ordering::SeqCst);
        self.items.advance();
        self.space.advance();
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        // SeqCst: see `close`; a plain load where that matters.
        self.closed.load(Ordering::SeqCst)
    }
}
