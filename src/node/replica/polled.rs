//! A replica whose host asks for what is committed, by position, instead of being handed it.
//!
//! # Model
//! ```text
//!  first ............ from ............ applied ...... committed
//!    '--- poll(from) shows these, -------'
//!         repetitions left out          `-- and waits for this to reach `from`
//! ```
//! A host that keeps its own position and asks for what is behind it gets every entry once, in the order of
//! the log, from whichever node it asks: all of them leave out the same.
//!
//! # Limits
//! Where repetitions are is remembered: 32 bytes for each run of them. The log is never cut at its front.

use super::{Applied, Apply, Pending, Replica, ReplicaConfig, ReplicaError, SubmitOptions};
use crate::env::{Clock, SystemClock};
use crate::frame::{Entry, FRAME_HEADER_BYTES, Frame, FrameKind, Origin, extra_bytes_max};
use crate::raft::Refusal;
use crate::types::{Index, Term, UnixNanos};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// Indexes that are not shown: the first of each run, and the one behind its last.
type Runs = BTreeMap<u64, u64>;

/// Notes what is left out, and applies nothing.
struct Note(Arc<Mutex<Runs>>);

impl Apply for Note {
    fn apply(&mut self, batch: &Applied<'_>) {
        if batch.left_out() == 0 {
            return;
        }
        let mut runs = self.0.lock();
        let mut next = batch.frame().base().get();
        for (index, _) in batch.entries() {
            if next < index.get() {
                runs.insert(next, index.get());
            }
            next = index.get() + 1;
        }
        let end = batch.last().index.get() + 1;
        if next < end {
            runs.insert(next, end);
        }
    }
}

/// A replica that is read by position. Otherwise a [`Replica`].
#[derive(Debug)]
pub struct PolledReplica {
    replica: Replica,
    left_out: Arc<Mutex<Runs>>,
    entries_max: usize,
    /// Of the entries of a batch with what a frame adds.
    bytes_max: usize,
}

impl Deref for PolledReplica {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        &self.replica
    }
}

impl PolledReplica {
    /// As [`Replica::open`]. `config.applied` is not looked at: the position is the host's.
    ///
    /// # Errors
    /// As [`Replica::open`].
    pub fn open(config: ReplicaConfig) -> Result<Self, ReplicaError> {
        let left_out = Arc::default();
        let entries_max = config.raft.frame_entries_max.min(config.batch.entries_max) as usize;
        let bytes_max = config.raft.frame_bytes_max.saturating_sub(FRAME_HEADER_BYTES);
        let note = Box::new(Note(Arc::clone(&left_out)));
        let replica = Replica::open(ReplicaConfig { applied: Index::ORIGIN, ..config }, note)?;
        Ok(Self { replica, left_out, entries_max, bytes_max })
    }

    /// As [`Replica::submit`], numbered on from `first` on.
    ///
    /// # Errors
    /// As [`Replica::submit`]; `TooLarge` instead of `Invalid` for more than a frame holds.
    pub fn submit_all(
        &self,
        items: &[&[u8]],
        first: Origin,
        options: SubmitOptions,
    ) -> Result<Pending, ReplicaError> {
        let data: usize = items.iter().map(|item| item.len()).sum();
        let bytes = data + extra_bytes_max(items.len());
        if items.len() > self.entries_max || bytes > self.bytes_max {
            return Err(ReplicaError::TooLarge);
        }
        let numbered = (0_u64..)
            .zip(items)
            .map(|(at, bytes)| Some(Entry { bytes, origin: first.forward(at)?, id: None }));
        // The numbers of the session end inside of the batch.
        let entries: Option<Vec<_>> = numbered.collect();
        let entries = entries.ok_or(ReplicaError::Refused(Refusal::Invalid))?;
        // `forward` knows no numbers of nobody.
        if first.session == 0 && first.sequence != 0 {
            return Err(ReplicaError::Refused(Refusal::Invalid));
        }
        self.replica.submit(&entries, options)
    }

    /// Committed entries from `from` on, of about `bytes_max` bytes of the log and at least one; waits for the
    /// first. Ask next from the last one's index + 1. A closed replica shows what it had.
    ///
    /// # Errors
    /// `Timeout` when none came, `Gone`, `Storage`, `Closed`, `Failed`.
    pub fn poll(
        &self,
        from: Index,
        bytes_max: usize,
        timeout: Duration,
    ) -> Result<PolledBatch, ReplicaError> {
        let clock = SystemClock::new();
        let end = clock.now().after(timeout);
        let mut next = from.max(Index::ORIGIN.next());
        loop {
            if next < self.first() {
                return Err(ReplicaError::Gone(next));
            }
            let applied = self.applied();
            if next <= applied {
                let batch = self.batch(next, applied, bytes_max)?;
                if batch.entries().next().is_some() {
                    return Ok(batch);
                }
                // Nothing for the host in it: frames of the cluster itself, repetitions.
                next = batch.end;
            } else if let Err(error) = self.replica.shared.wait_applied(next, end.since(clock.now()))
                && self.applied() < next
            {
                return Err(error);
            }
        }
    }

    fn batch(&self, from: Index, applied: Index, bytes_max: usize) -> Result<PolledBatch, ReplicaError> {
        let mut frames = self.read(from, bytes_max)?;
        let known = frames.iter().take_while(|frame| frame.last().index <= applied).count();
        frames.truncate(known);
        let Some(last) = frames.last() else { return Err(ReplicaError::Gone(from)) };
        let (begin, end) = (frames[0].base().get(), last.last().index.next());
        let runs = self.left_out.lock();
        // A run lies within one frame.
        let left_out = runs.range(begin..end.get()).map(|(first, end)| (*first, *end)).collect();
        Ok(PolledBatch { frames, from, end, left_out })
    }
}

/// Committed entries. They share the memory that they were read into.
#[derive(Clone, Debug)]
pub struct PolledBatch {
    frames: Vec<Frame>,
    from: Index,
    /// Behind the last frame.
    end: Index,
    left_out: Runs,
}

/// A committed entry.
#[derive(Clone, Copy, Debug)]
pub struct Committed<'a> {
    /// Its place.
    pub index: Index,
    /// Term of the leader that put it there.
    pub term: Term,
    /// Log time.
    pub time: UnixNanos,
    /// Its bytes, and who made it.
    pub entry: Entry<'a>,
}

impl PolledBatch {
    /// The entries in order.
    pub fn entries(&self) -> impl Iterator<Item = Committed<'_>> {
        let of_hosts = self.frames.iter().filter(|frame| frame.kind() == FrameKind::Entries);
        let all = of_hosts.flat_map(|frame| {
            let (term, time) = (frame.term(), frame.time());
            let numbered = (frame.base().get()..).zip(frame.entries());
            numbered.map(move |(index, entry)| Committed { index: Index::new(index), term, time, entry })
        });
        all.filter(|committed| committed.index >= self.from && !self.is_left_out(committed.index))
    }

    fn is_left_out(&self, index: Index) -> bool {
        let before = self.left_out.range(..=index.get()).next_back();
        before.is_some_and(|(_, end)| index.get() < *end)
    }
}
