//! The segments of a queue as its consumers ask for them.
//!
//! # Model
//! A queue keeps its segments in one list under a lock. A consumer of a queue without any pays one load. One
//! with some takes the lock for each look, and when it is alone for a run of transactions at a time: up to 32 in a
//! drain (`run`), up to 8 in a `dequeue` (`queue::ahead`). Nobody holds it for longer than their copies take. Other processes never wait for it: they know nothing of it.

use super::SharedError;
use super::inlet::{Drawn, Inlet};
use super::layout::at;
use super::run::{Run, Taken};
use super::segment::Segment;
use crate::env::fork;
use crate::pool::BufferPool;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::types::LANES_MAX;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Most segments of one queue.
pub const SHARED_SEGMENTS_MAX: usize = 8;

/// Longest sleep of a consumer while segments are open: a producer without system calls, such as Java's,
/// cannot wake it.
pub const SHARED_NAP: Duration = Duration::from_millis(2);
/// Its first sleep after something came; each next one is twice as long.
pub(super) const NAP_FIRST: Duration = Duration::from_micros(50);

/// Every how many looks a consumer that never runs dry tends its segments: what hides the items of one lane
/// must not stay because another is busy.
const TEND_EVERY: u32 = 1024;

/// Every how many looks in a row that found nothing. Before a sleep it is always done.
const TEND_EVERY_IDLE: u32 = 16;

/// The segments of one queue.
#[derive(Debug, Default)]
pub(crate) struct Inlets {
    count: AtomicUsize,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    inlets: Vec<Inlet>,
    /// Taken out of a segment and put back by a consumer that was told to stop: the next to be handed out.
    returned: [VecDeque<Taken>; LANES_MAX],
    /// Where the next take begins, so that no segment is always last.
    turn: usize,
    /// The pool had no buffer at the last take: looking again at once would not help.
    starved: bool,
    looks: u32,
    /// Naps since something came.
    naps: u32,
    /// Looks in a row that found nothing.
    idle: u32,
    /// Of the process that opened them.
    forks: u32,
}

impl List {
    /// The child of a fork lets go of its parent's segments and changes nothing in them.
    fn is_ours(&mut self) -> bool {
        if self.forks != fork::generation() {
            self.inlets.clear();
            // The parent hands these out. Their buffers here are copies, and of no use to anybody.
            self.returned.iter_mut().for_each(VecDeque::clear);
        }
        !self.inlets.is_empty()
    }

    fn tend(&mut self) {
        if self.is_ours() {
            self.inlets.retain_mut(|inlet| !inlet.tend());
        }
    }

    /// Segments, and one more for what was put back.
    fn count(&self) -> usize {
        self.inlets.len() + usize::from(self.returned.iter().any(|lane| !lane.is_empty()))
    }
}

impl Inlets {
    /// True when there is a segment.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        // Acquire: pairs with the Release in `add`; also what a caller was told about a segment before.
        self.count.load(Ordering::Acquire) != 0
    }

    pub(super) fn add(&self, inlet: Inlet) -> Result<(), SharedError> {
        let list = &mut *self.list.lock();
        // Those that have ended make room.
        list.tend();
        if list.inlets.len() == SHARED_SEGMENTS_MAX {
            return Err(SharedError::Segments(SHARED_SEGMENTS_MAX));
        }
        list.forks = fork::generation();
        list.inlets.push(inlet);
        // Release: pairs with the Acquire in `any`.
        self.count.store(list.count(), Ordering::Release);
        Ok(())
    }

    /// Lanes in which the next take may find something, one bit each.
    #[cold]
    pub(crate) fn ready_lanes(&self) -> u64 {
        let mut list = self.list.lock();
        list.looks = list.looks.wrapping_add(1);
        if list.looks.is_multiple_of(TEND_EVERY) {
            self.tend_locked(&mut list);
        }
        let ours = list.is_ours();
        let returned = (0..LANES_MAX).filter(|lane| !list.returned[*lane].is_empty());
        let returned = returned.fold(0, |lanes, lane| lanes | 1 << lane);
        if !ours {
            return returned;
        }
        let lanes = list
            .inlets
            .iter()
            .flat_map(|inlet| (0..inlet.segment.geometry.lanes).filter(|lane| inlet.has_something(*lane)));
        lanes.fold(returned, |lanes, lane| lanes | 1 << lane)
    }

    /// True when a consumer should look instead of sleeping.
    pub(crate) fn has_something(&self) -> bool {
        self.any() && self.ready_lanes() != 0 && !self.list.lock().starved
    }

    /// Takes the oldest transaction of a lane, from each segment in its turn: buffer and position.
    #[cold]
    pub(crate) fn take(&self, lane: usize, pool: &BufferPool) -> Option<Taken> {
        self.take_locked(&mut self.list.lock(), lane, pool)
    }

    /// As often [`take`](Self::take) under one lock, up to `max` times.
    #[cold]
    pub(crate) fn take_run<'a>(&'a self, lane: usize, pool: &BufferPool, max: usize) -> Run<'a> {
        let list = &mut *self.list.lock();
        let run = Run::collect(self, lane, max, || self.take_locked(list, lane, pool));
        // A pool that ran dry on the way is none for who has something to hand out.
        list.starved &= run.is_empty();
        run
    }

    /// What was taken ahead and is not handed out after all, the last first.
    pub(crate) fn put_back(&self, lane: usize, items: impl Iterator<Item = Taken>) {
        let list = &mut *self.list.lock();
        items.for_each(|item| list.returned[lane].push_front(item));
        // Release: as in `add`.
        self.count.store(list.count(), Ordering::Release);
    }

    fn take_locked(&self, list: &mut List, lane: usize, pool: &BufferPool) -> Option<Taken> {
        let ours = list.is_ours();
        if let Some(item) = list.returned[lane].pop_front() {
            // Release: as in `add`.
            self.count.store(list.count(), Ordering::Release);
            return Some(item);
        }
        if !ours {
            return None;
        }
        let count = list.inlets.len();
        for step in 0..count {
            let inlet = &mut list.inlets[(list.turn + step) % count];
            if lane >= inlet.segment.geometry.lanes {
                continue;
            }
            match inlet.take(lane, |len| pool.lend(len).ok()) {
                Drawn::Item { bytes: loan, meta, sequence } => {
                    list.turn = (list.turn + step + 1) % count;
                    (list.starved, list.idle, list.naps) = (false, 0, 0);
                    return Some((loan.into_slot(meta), sequence));
                }
                Drawn::NoBuffer => {
                    list.starved = true;
                    return None;
                }
                Drawn::Empty => {}
            }
        }
        None
    }

    /// Gives what was put back to the pool: nobody will ask for it any more.
    pub(crate) fn abandon(&self, pool: &BufferPool) {
        let list = &mut *self.list.lock();
        list.returned.iter_mut().flat_map(|lane| lane.drain(..)).for_each(|(slot, _)| pool.give(slot));
    }

    /// For a consumer that found nothing: now and then as [`tend`](Self::tend), which reads the very cells that
    /// producers write next.
    #[cold]
    pub(crate) fn tend_idle(&self) {
        let list = &mut *self.list.lock();
        list.idle = list.idle.wrapping_add(1);
        if list.idle.is_multiple_of(TEND_EVERY_IDLE) {
            self.tend_locked(list);
        }
    }

    /// Mends what hides items, ends what was closed.
    #[cold]
    pub(crate) fn tend(&self) {
        self.tend_locked(&mut self.list.lock());
    }

    fn tend_locked(&self, list: &mut List) {
        list.tend();
        // Release: as in `add`.
        self.count.store(list.count(), Ordering::Release);
    }

    /// Refuses producers from now on.
    pub(crate) fn close(&self) {
        let list = &mut *self.list.lock();
        if list.is_ours() {
            for inlet in &list.inlets {
                inlet.close();
            }
        }
    }

    /// True when the last take found something, and no buffer for it.
    pub(crate) fn are_starved(&self) -> bool {
        self.any() && self.list.lock().starved
    }

    /// True once everything was closed and handed out.
    pub(crate) fn have_ended(&self) -> bool {
        if self.any() {
            self.tend();
        }
        !self.any()
    }

    /// Prepares a sleep of at most `limit`.
    pub(crate) fn nap(&self, limit: Duration) -> Nap {
        if !self.any() {
            return Nap { limit, segments: Vec::new(), words: Vec::new() };
        }
        let mut list = self.list.lock();
        self.tend_locked(&mut list);
        let longest = NAP_FIRST.saturating_mul(1 << list.naps.min(16)).min(SHARED_NAP);
        list.naps = list.naps.saturating_add(1);
        let segments: Vec<_> = list.inlets.iter().map(|inlet| Arc::clone(&inlet.segment)).collect();
        drop(list);
        let words = segments.iter().map(|segment| {
            let word = segment.word(at::WAKE);
            let seen = word.load(Ordering::SeqCst) as u32;
            // SeqCst: before the look at the cells, against `wake`.
            segment.word(at::ASLEEP).store(1, Ordering::SeqCst);
            (word.as_ptr().cast_const().cast::<u32>(), seen)
        });
        let words = words.collect();
        Nap { limit: limit.min(longest), segments, words }
    }
}

/// A sleep that producers of other processes can end.
pub(crate) struct Nap {
    pub(crate) limit: Duration,
    /// Keep the words mapped.
    #[expect(dead_code, reason = "held, not read")]
    segments: Vec<Arc<Segment>>,
    /// The low half of each WAKE word, on a little-endian machine its first four bytes, and its value.
    pub(crate) words: Vec<(*const u32, u32)>,
}

const _: () = assert!(cfg!(target_endian = "little"), "segments are little-endian, and so are the machines");
