//! Opening shared lanes on a queue, and what their owner holds.

use super::inlet::{Counters, Inlet};
use super::layout::{Choice, Geometry, at};
use super::memory::{Draft, Memory, create};
use super::owner::{self, Owner};
use super::producer::remove_abandoned;
use super::segment::Segment;
use super::{SharedError, SharedPlace, SharedSettings, SharedStats};
use crate::env::fork;
use crate::queue::{Error, TxQueue};
use crate::sync::atomic::Ordering;
use parking_lot::Mutex;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl TxQueue {
    /// Opens shared lanes on this queue, as many as it has lanes: what other processes put into lane `n`
    /// comes out of it with its own transactions of lane `n`.
    ///
    /// # Errors
    /// [`Error::Closed`]; [`Error::Shared`] when the settings are beyond a limit, when the file exists or
    /// cannot be made, or when the queue has [`SHARED_SEGMENTS_MAX`](super::SHARED_SEGMENTS_MAX) segments.
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
        let (file, draft) = create(&settings.place, geometry.segment_bytes)?;
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
        publish(draft, &settings.place)?;
        // From here on it is a segment as any other, whose end is told by that of its process.
        let _ = segment.memory.file().unlock();
        let made = Made::new(&settings.place);
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

/// Lets a finished segment be found, at the place of one whose process has ended if need be.
/// The draft's name is gone before the lock: afterwards it may be somebody else's.
fn publish(draft: Draft, place: &SharedPlace) -> Result<(), SharedError> {
    let SharedPlace::File(path) = place else { return Ok(()) };
    draft.publish(path).or_else(|error| if remove_abandoned(path) { draft.publish(path) } else { Err(error) })
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
