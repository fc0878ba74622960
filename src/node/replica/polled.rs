//! A replica whose host asks for what is committed, by position, instead of being handed it.
//!
//! # Model
//! ```text
//!  first, restored ...... from ............ applied ...... committed
//!        '--- poll(from) shows these, -------'
//!    '        repetitions left out          `-- and waits for this to reach `from`
//!    '-- Gone: the newest snapshot has what is at or before here
//! ```
//! A host that keeps its own position and asks for what is behind it gets every entry once, in the order of
//! the log, from whichever node it asks: all of them leave out the same.
//!
//! A host that gives its state from time to time ([`PolledReplica::give_snapshot`]) has the log cut for it, as one that
//! is handed what is applied. Whoever then asks for what is no longer there (`Gone`) takes the newest snapshot
//! ([`PolledReplica::open_snapshot`]) and goes on behind its index: a reader that is far behind, a new node, one that was
//! sent the snapshot of another, and after an opening whoever is not as far as it. Which entries before it are repetitions
//! is not known any more.
//!
//! # Limits
//! Where repetitions are is remembered: 32 bytes for each run of them, for as long as it is open and the log has them. So
//! are the frames that were read last, until a reader is through with them: a batch that is taken in small pieces is
//! read and checked once. Each opening reads the newest snapshot, and goes through the log behind it before entries are
//! shown. Without snapshots that is all of the log, which is never cut then.

use super::{Applied, Apply, Pending, Replica, ReplicaConfig, ReplicaError, SubmitOptions};
use crate::env::{Clock, SystemClock};
use crate::frame::{ENTRY_ID_BYTES, Entry, FRAME_HEADER_BYTES, Frame, FrameKind, Origin, extra_bytes_max};
use crate::raft::Refusal;
use crate::types::{Index, Term, UnixNanos};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Indexes that are not shown, in runs that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs(
    /// By the first of each run the index behind its last.
    BTreeMap<u64, u64>,
);

impl Runs {
    /// Adds `first..end`, which is behind all that is known.
    fn add(&mut self, first: u64, end: u64) {
        match self.0.last_entry() {
            Some(mut last) if *last.get() == first => *last.get_mut() = end,
            _ => drop(self.0.insert(first, end)),
        }
    }

    /// The run that `index` is in.
    fn run_of(&self, index: u64) -> Option<(u64, u64)> {
        let before = self.0.range(..=index).next_back()?;
        (index < *before.1).then_some((*before.0, *before.1))
    }

    /// `index`, or what comes behind its run.
    fn behind(&self, index: Index) -> Index {
        self.run_of(index.get()).map_or(index, |(_, end)| Index::new(end))
    }

    /// Nobody asks for what is before `first` any more.
    pub(super) fn forget(&mut self, first: Index) {
        let begins_there = self.run_of(first.get());
        self.0 = self.0.split_off(&first.get());
        self.0.extend(begins_there);
    }

    /// Those that have a part in `begin..end`.
    fn within(&self, begin: u64, end: u64) -> Self {
        let inside = self.0.range(begin..end).map(|(first, end)| (*first, *end));
        Self(self.run_of(begin).into_iter().chain(inside).collect())
    }
}

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
                runs.add(next, index.get());
            }
            next = index.get() + 1;
        }
        let end = batch.last().index.get() + 1;
        if next < end {
            runs.add(next, end);
        }
    }

    /// Nothing before it is shown from here on. The state itself is for whoever opens the snapshot.
    fn restore(&mut self, _state: &mut dyn Read) -> io::Result<()> {
        *self.0.lock() = Runs::default();
        Ok(())
    }
}

/// What the entries of a batch are known by against repetition. An [`Origin`] alone is one, too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identities<'a> {
    /// Of the first entry; the others follow on.
    pub first: Origin,
    /// One for each entry, all zeros for one that has none; empty: none of them has.
    pub ids: &'a [[u8; ENTRY_ID_BYTES]],
}

impl From<Origin> for Identities<'_> {
    fn from(first: Origin) -> Self {
        Self { first, ids: &[] }
    }
}

/// A replica that is read by position. Otherwise a [`Replica`].
#[derive(Debug)]
pub struct PolledReplica {
    pub(super) replica: Replica,
    pub(super) left_out: Arc<Mutex<Runs>>,
    entries_max: usize,
    /// Of the entries of a batch with what a frame adds.
    bytes_max: usize,
    /// What was read last.
    recent: Mutex<Option<PolledBatch>>,
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
        let left_out = Arc::<Mutex<Runs>>::default();
        let entries_max = config.raft.frame_entries_max.min(config.batch.entries_max) as usize;
        let bytes_max = config.raft.frame_bytes_max.saturating_sub(FRAME_HEADER_BYTES);
        let note = Box::new(Note(Arc::clone(&left_out)));
        let replica = Replica::open(ReplicaConfig { applied: Index::ORIGIN, ..config }, note)?;
        Ok(Self { replica, left_out, entries_max, bytes_max, recent: Mutex::new(None) })
    }

    /// As [`Replica::submit`], known by `identities`.
    ///
    /// # Errors
    /// As [`Replica::submit`], `Invalid` also for ids that are not as many as the entries; `TooLarge` instead of it for
    /// more than a frame holds.
    pub fn submit_all<'a>(
        &self,
        items: &[&[u8]],
        identities: impl Into<Identities<'a>>,
        options: SubmitOptions,
    ) -> Result<Pending, ReplicaError> {
        let Identities { first, ids } = identities.into();
        let data: usize = items.iter().map(|item| item.len()).sum();
        let bytes = data + extra_bytes_max(items.len());
        if items.len() > self.entries_max || bytes > self.bytes_max {
            return Err(ReplicaError::TooLarge);
        }
        if !ids.is_empty() && ids.len() != items.len() {
            return Err(ReplicaError::Refused(Refusal::Invalid));
        }
        let id_of = ids.iter().map(Some).chain(std::iter::repeat(None));
        let numbered = (0_u64..)
            .zip(items.iter().zip(id_of))
            .map(|(at, (bytes, id))| Some(Entry { bytes, origin: first.forward(at)?, id }));
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
    /// first. Ask next from the last one's index + 1. A closed replica shows what [`Replica::read`] gives.
    ///
    /// # Errors
    /// `Timeout` when none came; `Gone` when the newest snapshot is to be taken first; `Storage`, `Closed`, `Failed`.
    pub fn poll(
        &self,
        from: Index,
        bytes_max: usize,
        timeout: Duration,
    ) -> Result<PolledBatch, ReplicaError> {
        if self.replica.shared.is_of_parent() {
            return Err(ReplicaError::Closed);
        }
        let clock = SystemClock::new();
        let end = clock.now().after(timeout);
        let mut next = from.max(Index::ORIGIN.next());
        loop {
            // Without reading them: a follower at the end looks often, and repetitions may be many.
            let behind = self.left_out.lock().behind(next);
            self.check_shown(next)?;
            next = behind;
            let applied = self.applied();
            if next <= applied {
                let batch = self.batch(next, applied, bytes_max)?;
                if batch.entries().next().is_some() {
                    return Ok(batch);
                }
                // Nothing for the host in it: frames of the cluster itself, and what is left out behind them.
                next = batch.end;
                continue;
            }
            // Whoever waits here is through with what ends here.
            drop(self.recent.lock().take_if(|batch| batch.end == next));
            if let Err(error) = self.replica.shared.wait_applied(next, end.since(clock.now()))
                && self.applied() < next
            {
                return Err(error);
            }
        }
    }

    /// Whoever looks at what is left out comes here after that. Nothing is forgotten there before `first` is above it: a
    /// snapshot of a peer resets the log before the applier hears of it, which clears the runs, and stores `restored`, in
    /// this order; and a host that gives its state has those before `first` forgotten. So what was found there is all of
    /// it, or `from` is gone.
    fn check_shown(&self, from: Index) -> Result<(), ReplicaError> {
        let is_gone = from < self.first() || from <= self.restored();
        if is_gone { Err(ReplicaError::Gone(from)) } else { Ok(()) }
    }

    /// Everything up to here was in the snapshot that this replica began with.
    fn restored(&self) -> Index {
        // Acquire, with the applier's Release.
        Index::new(self.replica.shared.restored.load(Ordering::Acquire))
    }

    fn batch(&self, from: Index, applied: Index, bytes_max: usize) -> Result<PolledBatch, ReplicaError> {
        let is_fresh = |batch: &&PolledBatch| batch.has(from) && !(batch.was_all && batch.end <= applied);
        if let Some(batch) = self.recent.lock().as_ref().filter(is_fresh) {
            return Ok(PolledBatch { from, ..batch.clone() });
        }
        let mut frames = self.read(from, bytes_max)?;
        let known = frames.iter().take_while(|frame| frame.last().index <= applied).count();
        frames.truncate(known);
        let Some(last) = frames.last() else { return Err(ReplicaError::Gone(from)) };
        let (begin, end) = (frames[0].base().get(), last.last().index.next());
        let left_out = Arc::new(self.left_out.lock().within(begin, end.get()));
        self.check_shown(from)?;
        let batch = PolledBatch { frames: frames.into(), from, end, was_all: end > applied, left_out };
        *self.recent.lock() = Some(batch.clone());
        Ok(batch)
    }
}

/// Committed entries. They share the memory that they were read into.
#[derive(Clone, Debug)]
pub struct PolledBatch {
    frames: Arc<[Frame]>,
    from: Index,
    /// Behind the last frame.
    end: Index,
    /// No more was applied when it was read.
    was_all: bool,
    left_out: Arc<Runs>,
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
        let before = self.frames.partition_point(|frame| frame.last().index < self.from);
        let of_hosts = self.frames[before..].iter().filter(|frame| frame.kind() == FrameKind::Entries);
        let all = of_hosts.flat_map(|frame| {
            let (term, time) = (frame.term(), frame.time());
            let numbered = (frame.base().get()..).zip(frame.entries());
            numbered.map(move |(index, entry)| Committed { index: Index::new(index), term, time, entry })
        });
        let is_shown = |index: Index| index >= self.from && self.left_out.run_of(index.get()).is_none();
        all.filter(move |committed| is_shown(committed.index))
    }

    fn has(&self, index: Index) -> bool {
        self.frames[0].base() <= index && index < self.end
    }
}

#[cfg(test)]
#[path = "polled_test.rs"]
mod tests;
