//! Segments on a queue: opening one, and what its consumers ask.
//!
//! # Model
//! A queue keeps its segments in one list under a lock. A consumer of a queue without any pays one load. One
//! with some takes the lock for each look, which nobody holds for longer than the copy of a transaction.
//! Other processes never wait for it: they know nothing of it.

use super::inlet::{Counters, Drawn, Inlet};
use super::layout::{Choice, Geometry, at};
use super::memory::{Memory, create};
use super::owner::{self, Owner};
use super::producer::remove_abandoned;
use super::segment::Segment;
use super::{SharedError, SharedPlace, SharedSettings, SharedStats};
use crate::env::fork;
use crate::pool::{BufferPool, Slot};
use crate::queue::{Error, TxQueue};
use crate::sync::atomic::{AtomicUsize, Ordering};
use parking_lot::Mutex;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Most segments of one queue.
pub const SHARED_SEGMENTS_MAX: usize = 8;

/// Longest sleep of a consumer while segments are open: a producer without system calls, such as Java's,
/// cannot wake it.
pub const SHARED_NAP: Duration = Duration::from_millis(2);
/// Its first sleep after something came; each next one is twice as long.
const NAP_FIRST: Duration = Duration::from_micros(50);

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
        if !self.inlets.is_empty() && self.forks != fork::generation() {
            self.inlets.clear();
        }
        !self.inlets.is_empty()
    }

    fn tend(&mut self) {
        if self.is_ours() {
            self.inlets.retain_mut(|inlet| !inlet.tend());
        }
    }
}

impl Inlets {
    /// True when there is a segment.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        // Acquire: pairs with the Release in `add`; also what a caller was told about a segment before.
        self.count.load(Ordering::Acquire) != 0
    }

    fn add(&self, inlet: Inlet) -> Result<(), SharedError> {
        let list = &mut *self.list.lock();
        // Those that have ended make room.
        list.tend();
        if list.inlets.len() == SHARED_SEGMENTS_MAX {
            return Err(SharedError::Segments(SHARED_SEGMENTS_MAX));
        }
        list.forks = fork::generation();
        list.inlets.push(inlet);
        // Release: pairs with the Acquire in `any`.
        self.count.store(list.inlets.len(), Ordering::Release);
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
        if !list.is_ours() {
            return 0;
        }
        let lanes = list
            .inlets
            .iter()
            .flat_map(|inlet| (0..inlet.segment.geometry.lanes).filter(|lane| inlet.has_something(*lane)));
        lanes.fold(0, |lanes, lane| lanes | 1 << lane)
    }

    /// True when a consumer should look instead of sleeping.
    pub(crate) fn has_something(&self) -> bool {
        self.any() && self.ready_lanes() != 0 && !self.list.lock().starved
    }

    /// Takes the oldest transaction of a lane, from each segment in its turn: buffer and position.
    #[cold]
    pub(crate) fn take(&self, lane: usize, pool: &Arc<BufferPool>) -> Option<(Slot, u64)> {
        let list = &mut *self.list.lock();
        if !list.is_ours() {
            return None;
        }
        let count = list.inlets.len();
        for step in 0..count {
            let inlet = &mut list.inlets[(list.turn + step) % count];
            if lane >= inlet.segment.geometry.lanes {
                continue;
            }
            match inlet.take(lane, |len| pool.acquire(len).ok()) {
                Drawn::Item { bytes: mut lease, meta, sequence } => {
                    list.turn = (list.turn + step + 1) % count;
                    (list.starved, list.idle, list.naps) = (false, 0, 0);
                    lease.set_meta(meta);
                    lease.set_lane(lane as u8);
                    return Some((lease.into_parts().1, sequence));
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
        self.count.store(list.inlets.len(), Ordering::Release);
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

impl TxQueue {
    /// Opens shared lanes on this queue, as many as it has lanes: what other processes put into lane `n`
    /// comes out of it with its own transactions of lane `n`.
    ///
    /// # Errors
    /// [`Error::Closed`]; [`Error::Shared`] when the settings are beyond a limit, when the file exists or
    /// cannot be made, or when the queue has [`SHARED_SEGMENTS_MAX`] segments.
    pub fn open_shared(self: &Arc<Self>, settings: &SharedSettings) -> Result<SharedLanes, Error> {
        if self.is_closed() {
            return Err(Error::Closed);
        }
        let choice = Choice {
            lanes: self.lanes(),
            lane_cells: settings.lane_cells,
            seats: settings.seats,
            part_bytes: settings.part_bytes,
            transaction_bytes_max: self.transaction_bytes_max(),
        };
        let geometry = Geometry::choose(&choice)?;
        let file =
            create(&settings.place, geometry.segment_bytes).or_else(|error| match &settings.place {
                SharedPlace::File(path) if remove_abandoned(path) => {
                    create(&settings.place, geometry.segment_bytes)
                }
                _ => Err(error),
            })?;
        let made = Made::new(&settings.place);
        let path = match &settings.place {
            SharedPlace::File(path) => path.clone(),
            SharedPlace::Memory => {
                PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()))
            }
        };
        let memory = Memory::map(file, geometry.segment_bytes)?;
        let segment = Arc::new(Segment { memory, geometry });
        let header = segment.geometry.header(Owner::this_process().0, owner::pid_namespace());
        segment.format(&header);
        let inlet = Inlet::new(Arc::clone(&segment), header, self.transaction_bytes_max());
        let counters = Arc::clone(&inlet.counters);
        let lanes = SharedLanes { segment, counters, path, made };
        self.inlets().add(inlet)?;
        // A close that came between the look above and the list has not seen this segment.
        if self.is_closed() {
            self.inlets().close();
            return Err(Error::Closed);
        }
        Ok(lanes)
    }
}

/// A segment of lanes that other processes put into. Dropping it closes it: producers are refused from then
/// on, and what was committed is still delivered by the queue.
#[derive(Debug)]
pub struct SharedLanes {
    segment: Arc<Segment>,
    counters: Arc<Counters>,
    path: PathBuf,
    made: Made,
}

/// The file of a segment, which is removed once: another may be made at its place afterwards.
#[derive(Debug)]
struct Made {
    file: Mutex<Option<PathBuf>>,
    forks: u32,
}

impl Made {
    fn new(place: &SharedPlace) -> Self {
        let file = match place {
            SharedPlace::File(path) => Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            SharedPlace::Memory => None,
        };
        Self { file: Mutex::new(file), forks: fork::generation() }
    }

    fn remove(&self) {
        if self.forks == fork::generation()
            && let Some(file) = self.file.lock().take()
        {
            // Producers that are attached keep their mapping. A file that is gone already is fine.
            let _ = std::fs::remove_file(file);
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.remove();
    }
}

impl SharedLanes {
    /// What producers open. For a segment in memory it is good while this value lives, and for processes
    /// that see `/proc` as this one does: afterwards the same path may name another file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// First byte of the mapping, good while this lives.
    pub fn as_ptr(&self) -> *const u8 {
        self.segment.memory.start()
    }

    /// Bytes of the mapping.
    pub fn bytes(&self) -> usize {
        self.segment.geometry.segment_bytes as usize
    }

    /// Largest transaction in bytes.
    pub fn transaction_bytes_max(&self) -> usize {
        self.segment.geometry.transaction_bytes_max
    }

    /// What happened so far.
    pub fn stats(&self) -> SharedStats {
        let taken = |seat: &usize| self.segment.seat_owner(*seat) != Owner::NOBODY;
        let seats = self.segment.geometry.seats;
        self.counters.stats(SharedStats {
            seats: seats as u64,
            seats_taken: (0..seats).filter(taken).count() as u64,
            seats_recovered: self.segment.word(at::RECOVERED).load(Ordering::Relaxed),
            closed: self.counters.is_closing(),
            ..SharedStats::default()
        })
    }

    #[cfg(test)]
    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Refuses producers from now on. What was committed is still delivered.
    pub fn close(&self) {
        if self.made.forks == fork::generation() {
            self.counters.begin_closing();
            self.segment.close();
            self.made.remove();
        }
    }
}

impl AsFd for SharedLanes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.segment.memory.file().as_fd()
    }
}

impl Drop for SharedLanes {
    fn drop(&mut self) {
        self.close();
    }
}
