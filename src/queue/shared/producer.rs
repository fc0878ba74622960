//! The enqueuing side: any process that may open the segment.

use super::SharedError;
use super::layout::{FIXED_WORDS, Geometry, at};
use super::memory::{Memory, is_named};
use super::owner::{self, Owner};
use super::part::{Origin, Part};
use super::pause::SharedPause;
use super::segment::{Head, Segment};
use crate::env::fork;
use crate::pool::Meta;
use crate::queue::Error;
use crate::queue::ring::Refusal;
use crate::queue::wait::Deadline;
use crate::sync::atomic::Ordering;
use crate::types::{LANES_MAX, LaneId};
use std::fmt;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

/// Every how many refusals a producer looks whether anybody still drains.
const GONE_EVERY: u32 = 64;

/// Puts transactions into shared lanes, from any process of the same user. Belongs to one thread at a time;
/// each has a seat of its own in the segment, so make one a thread.
///
/// A process that is killed at any moment leaves nothing half done: what it committed is delivered, what it
/// did not is not, and the next producer that attaches gets its seat.
pub struct SharedProducer {
    segment: Segment,
    part: Part,
    hints: [u64; LANES_MAX],
    refusals: u32,
    forks: u32,
}

/// A record that is being written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedWriting {
    handle: u64,
    pub(crate) lane: usize,
    pub(crate) len: usize,
}

impl SharedProducer {
    /// Attaches to the segment at `path`, which may be the `/proc/PID/fd/N` of one in memory.
    ///
    /// # Errors
    /// [`Error::Shared`] with what is wrong: no such file, not a segment, another version, an impossible
    /// shape, cut short, not of this user, all seats taken, the queue's process gone. [`Error::Closed`].
    pub fn attach(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::attach_file(Memory::open(path.as_ref())?)
    }

    /// As [`attach`](Self::attach), to a descriptor that the queue's process passed on.
    ///
    /// # Errors
    /// As there.
    pub fn attach_fd(descriptor: OwnedFd) -> Result<Self, Error> {
        Self::attach_file(File::from(descriptor))
    }

    fn attach_file(file: File) -> Result<Self, Error> {
        fork::watch();
        let segment = open(file)?;
        let namespace = segment.word(at::PID_NAMESPACE).load(Ordering::Relaxed);
        let here = owner::pid_namespace();
        if namespace != 0 && here != 0 && namespace != here {
            return Err(SharedError::OtherNamespace.into());
        }
        if !segment.is_open() {
            return Err(Error::Closed);
        }
        if queue_of(&segment).has_ended() {
            return Err(SharedError::Gone.into());
        }
        let (part, origin) = Part::claim(&segment, Owner::this_process(), Owner::has_ended)?;
        if origin == Origin::Orphaned {
            segment.word(at::RECOVERED).fetch_add(1, Ordering::Relaxed);
        }
        Ok(Self { segment, part, hints: [0; LANES_MAX], refusals: 0, forks: fork::generation() })
    }

    /// Copies a transaction into the lane.
    ///
    /// # Errors
    /// [`Error::NoSuchLane`], [`Error::Empty`], [`Error::TooLarge`], [`Error::Closed`]; [`Error::Full`] when
    /// the lane has no cell or this producer's part of the segment no room; [`Error::Shared`] when the
    /// queue's process is gone, this one was forked, or somebody wrote over this producer's records.
    #[inline]
    pub fn enqueue(&mut self, lane: LaneId, bytes: &[u8], meta: Meta) -> Result<(), Error> {
        let writing = self.begin(lane, bytes.len())?;
        self.segment.write_bytes(writing.handle, bytes);
        self.finish(writing, meta).inspect_err(|_| self.abort(writing))
    }

    /// As [`enqueue`](Self::enqueue), waiting for room up to `timeout`: spinning first, then yielding, then in sleeps
    /// of 0.05 to 2 ms ([`SharedPause`]), for nobody wakes a producer. It ends when the segment is closed or the
    /// queue's process has ended, a few sleeps later at most (64 sleeps for a process).
    ///
    /// # Errors
    /// As there, but [`Error::Timeout`] instead of [`Error::Full`].
    pub fn enqueue_wait(
        &mut self,
        lane: LaneId,
        bytes: &[u8],
        meta: Meta,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.enqueue_until(lane, bytes, meta, timeout, || false)
    }

    /// As [`enqueue_wait`](Self::enqueue_wait); [`Error::Closed`] soon after `given_up` says so.
    pub(crate) fn enqueue_until(
        &mut self,
        lane: LaneId,
        bytes: &[u8],
        meta: Meta,
        timeout: Duration,
        given_up: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let (mut deadline, mut pause) = (None, SharedPause::new());
        loop {
            match self.enqueue(lane, bytes, meta) {
                Err(Error::Full) => {}
                decided => return decided,
            }
            if given_up() {
                return Err(Error::Closed);
            }
            let deadline = deadline.get_or_insert_with(|| Deadline::after(timeout));
            pause.pause(deadline.left().ok_or(Error::Timeout)?);
        }
    }

    /// Room in the segment to write a transaction of `len` bytes in place.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue).
    pub fn claim(&mut self, lane: LaneId, len: usize) -> Result<SharedClaim<'_>, Error> {
        let writing = self.begin(lane, len)?;
        Ok(SharedClaim { producer: self, writing, open: true })
    }

    /// Number of lanes.
    pub fn lanes(&self) -> usize {
        self.segment.geometry.lanes
    }

    /// Largest transaction in bytes: the queue's maximum, or what a part holds.
    pub fn transaction_bytes_max(&self) -> usize {
        self.segment.geometry.transaction_bytes_max
    }

    /// The seat that this producer has.
    pub fn seat(&self) -> usize {
        self.part.seat
    }

    #[inline]
    pub(crate) fn begin(&mut self, lane: LaneId, len: usize) -> Result<SharedWriting, Error> {
        let geometry = &self.segment.geometry;
        if lane.index() >= geometry.lanes {
            return Err(Error::NoSuchLane { lane, lanes: geometry.lanes });
        }
        if len == 0 {
            return Err(Error::Empty);
        }
        if len > geometry.transaction_bytes_max {
            return Err(Error::TooLarge { len, max: geometry.transaction_bytes_max });
        }
        if self.forks != fork::generation() {
            return Err(SharedError::Forked.into());
        }
        if !self.segment.is_open() {
            return Err(Error::Closed);
        }
        // Before the copy: a refused transaction should cost little.
        if self.segment.looks_full(lane.index(), &mut self.hints[lane.index()]) {
            return Err(self.full());
        }
        match self.part.reserve(&self.segment, lane.index(), Geometry::granules_for(len))? {
            Some(handle) => Ok(SharedWriting { handle, lane: lane.index(), len }),
            None => Err(self.full()),
        }
    }

    /// Commits: the one compare-and-swap in it is the moment from which the transaction will be delivered.
    #[inline]
    pub(crate) fn finish(&mut self, writing: SharedWriting, meta: Meta) -> Result<(), Error> {
        if self.forks != fork::generation() {
            return Err(SharedError::Forked.into());
        }
        let SharedWriting { handle, lane, len } = writing;
        self.segment.write_head(handle, Head { len, lane, meta });
        match self.segment.push(lane, &mut self.hints[lane], handle) {
            Ok(()) => {
                self.segment.wake();
                Ok(())
            }
            Err(Refusal::Full) => Err(self.full()),
            Err(Refusal::Closed) => Err(Error::Closed),
        }
    }

    pub(crate) fn abort(&mut self, writing: SharedWriting) {
        if self.forks == fork::generation() {
            self.part.abort(&self.segment, Geometry::granules_for(writing.len));
        }
    }

    /// First byte of a record that is being written.
    pub(crate) fn bytes_of(&self, writing: SharedWriting) -> *mut u8 {
        self.segment.bytes_at(writing.handle)
    }

    #[cold]
    fn full(&mut self) -> Error {
        self.refusals = self.refusals.wrapping_add(1);
        if self.refusals % GONE_EVERY == 1 && queue_of(&self.segment).has_ended() {
            return SharedError::Gone.into();
        }
        Error::Full
    }
}

fn queue_of(segment: &Segment) -> Owner {
    Owner(segment.word(at::OWNER).load(Ordering::Relaxed))
}

/// Maps a file that says of itself that it is a segment, if what it says can be true.
fn open(file: File) -> Result<Segment, SharedError> {
    let bytes = Memory::inspect(&file)?;
    let needed = (FIXED_WORDS * 8) as u64;
    if bytes < needed {
        return Err(SharedError::Truncated { bytes, needed });
    }
    let header = Memory::map(file, needed)?;
    let mut words = [0; FIXED_WORDS];
    for (offset, word) in (0..).step_by(8).zip(&mut words) {
        *word = header.word(offset).load(Ordering::Relaxed);
    }
    let geometry = Geometry::parse(&words, bytes)?;
    let memory = header.again(geometry.segment_bytes)?;
    Ok(Segment { memory, geometry })
}

/// Removes a segment's file if the process that drained it has certainly ended; true when it did.
pub(super) fn remove_abandoned(path: &Path) -> bool {
    let (Ok(file), Ok(opened)) = (Memory::open(path), Memory::open(path)) else { return false };
    // Of several who find the same old file one removes it, and none a new one that took its place.
    if file.try_lock().is_err() || !is_named(&file, path) {
        return false;
    }
    let abandoned = open(opened).is_ok_and(|segment| {
        let namespace = segment.word(at::PID_NAMESPACE).load(Ordering::Relaxed);
        namespace != 0 && namespace == owner::pid_namespace() && queue_of(&segment).has_ended()
    });
    abandoned && std::fs::remove_file(path).is_ok()
}

impl Drop for SharedProducer {
    fn drop(&mut self) {
        // In the child of a fork the seat is the parent's.
        if self.forks == fork::generation() {
            self.part.leave(&self.segment);
        }
    }
}

impl fmt::Debug for SharedProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedProducer").field("seat", &self.seat()).finish_non_exhaustive()
    }
}

/// Room in a segment for one transaction. Dropping it gives the room back.
///
/// It takes no place in the lane: whoever commits first is first.
#[derive(Debug)]
pub struct SharedClaim<'a> {
    producer: &'a mut SharedProducer,
    writing: SharedWriting,
    open: bool,
}

impl SharedClaim<'_> {
    /// Copies `bytes` to `offset`.
    ///
    /// # Panics
    /// When they reach beyond the claimed length.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset.checked_add(bytes.len());
        let len = self.len();
        assert!(end.is_some_and(|end| end <= len), "{} bytes at {offset} do not fit into {len}", bytes.len());
        // SAFETY: inside the record, which is ours until the commit; the source is not in the segment, of
        // which no reference is ever made.
        unsafe { self.as_mut_ptr().add(offset).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    /// First byte of the room; good until the commit, the abort or the drop.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.producer.bytes_of(self.writing)
    }

    /// Bytes claimed.
    pub const fn len(&self) -> usize {
        self.writing.len
    }

    /// Never: an empty claim is refused.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Appends the transaction to its lane.
    ///
    /// # Errors
    /// Hands the claim back, bytes and all, with [`Error::Full`], [`Error::Closed`] or [`Error::Shared`].
    pub fn commit(mut self, meta: Meta) -> Result<(), (Self, Error)> {
        match self.producer.finish(self.writing, meta) {
            Ok(()) => {
                self.open = false;
                Ok(())
            }
            Err(error) => Err((self, error)),
        }
    }
}

impl Drop for SharedClaim<'_> {
    fn drop(&mut self) {
        if self.open {
            self.producer.abort(self.writing);
        }
    }
}
