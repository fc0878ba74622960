//! The thread that judges and applies what is committed, in order, each entry once.
//!
//! # Invariants
//! A1 the deduplication has admitted every frame of the log up to its `upto`, from the log's beginning, whatever the
//! host had applied before: a host that kept its state over a restart does not keep this one. A2 the callers of a
//! frame are answered before the host applies it, so a slow host delays who comes behind it only.

use super::ReplicaError;
use super::core::Shared;
use super::snapshots::{Due, Take, read_dedup, read_members};
use crate::dedup::{Admission, Dedup, Why};
use crate::frame::{Entry, Frame, FrameKind};
use crate::storage::Error;
use crate::storage::frames::FrameReader;
use crate::storage::snapshots::Until;
use crate::types::{Index, LogId, UnixNanos};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Bytes that are read at a time.
const READ_BYTES_MAX: usize = 4 << 20;

/// The host's state machine.
pub trait Apply: Send + 'static {
    /// Entries of a committed frame in order, repetitions left out; none when all of them are. Each index is handed
    /// over at most once as long as the process lives; after a restart it goes on behind what
    /// `ReplicaConfig::applied` said. Frames of the cluster itself are left out.
    fn apply(&mut self, batch: &Applied<'_>);

    /// The state as of the last `apply`, as bytes that can be read while `apply` goes on: a copy, or something that
    /// does not change. `None`: this host keeps no snapshots, and the log is never cut. When the replica ends, it is
    /// read no further; a read that blocks delays the end.
    fn snapshot(&mut self) -> Option<Box<dyn Read + Send>> {
        None
    }

    /// Replaces the state by one that `snapshot` made on this or another node. Reading it fails when the replica ends
    /// meanwhile.
    ///
    /// # Errors
    /// `Unsupported` unless the host says otherwise; what it cannot read or keep. The replica ends then.
    fn restore(&mut self, state: &mut dyn Read) -> io::Result<()> {
        let _ = state;
        Err(io::Error::new(io::ErrorKind::Unsupported, "this host takes no snapshots"))
    }
}

/// A committed frame as a host applies it.
#[derive(Debug)]
pub struct Applied<'a> {
    frame: &'a Frame,
    admission: &'a Admission,
    /// Up to here the host has it already.
    after: Index,
}

impl<'a> Applied<'a> {
    /// Position of the frame's last entry, left out or not: where the state stands once this is applied.
    pub const fn last(&self) -> LogId {
        self.frame.last()
    }

    /// Log time: the same on every node, never less than that of the frame before.
    pub const fn time(&self) -> UnixNanos {
        self.frame.time()
    }

    /// The entries to apply, in order, each with its index.
    pub fn entries(&self) -> impl Iterator<Item = (Index, Entry<'a>)> + use<'a> {
        let (base, after, admission) = (self.frame.base(), self.after, self.admission);
        (0_u32..).zip(self.frame.entries()).filter_map(move |(at, entry)| {
            let index = base.forward(u64::from(at));
            (index > after && admission.why(at).is_none()).then_some((index, entry))
        })
    }

    /// How many entries of the frame are repetitions, or too late to know.
    pub fn left_out(&self) -> u32 {
        let all = 0..self.frame.count();
        self.admission.count(&all, Why::Repeated) + self.admission.count(&all, Why::Stale)
    }

    /// The frame as it stands in the log, with what is left out.
    pub const fn frame(&self) -> &'a Frame {
        self.frame
    }
}

pub(super) struct Applier {
    pub(super) apply: Box<dyn Apply>,
    pub(super) reader: Arc<dyn FrameReader>,
    /// The host has everything up to here.
    pub(super) applied: Index,
    /// What it has admitted is what this thread has read.
    pub(super) dedup: Dedup,
    /// Since the last snapshot.
    pub(super) due: Due,
}

impl Applier {
    pub(super) fn run(mut self, shared: &Shared) {
        // A state that was restored may end behind a log that has to come yet.
        let begin = |applier: &mut Self| applier.advance(applier.applied.min(applier.reader.last()), shared);
        if let Err(error) = self.restore(shared).and_then(|()| begin(&mut self)) {
            return shared.end(error);
        }
        // Release here and in `advance`, with the Acquire of who waits: what was applied can be seen.
        shared.applied.store(self.applied.get(), Ordering::Release);
        loop {
            let committed = {
                let mut core = shared.core.lock();
                let upto = self.dedup.upto();
                shared.progress.wait_while(&mut core, |core| {
                    let is_behind = core.committed > upto && !core.is_installing;
                    let is_asked = shared.snapshots.lending.is_asked();
                    core.ended.is_none() && core.restore.is_none() && !is_behind && !is_asked
                });
                if core.ended.is_some() {
                    return;
                }
                core.committed
            };
            shared.snapshots.lending.answer(&self.dedup);
            if let Err(error) = self.restore(shared).and_then(|()| self.advance(committed, shared)) {
                return shared.end(error);
            }
        }
    }

    /// Takes all frames that end at or before `target`. What is committed is durable here (I5 of the core), so a
    /// reader shows it; and so is what a host says that it has applied.
    fn advance(&mut self, target: Index, shared: &Shared) -> Result<(), ReplicaError> {
        while self.dedup.upto() < target {
            let next = self.dedup.upto().next();
            let mut frames = self.reader.read(next, READ_BYTES_MAX)?;
            if frames.is_empty() && shared.is_replaced() {
                return Ok(());
            }
            if frames.is_empty() {
                return Err(ReplicaError::Failed(format!("entry {next} is not in the log").into()));
            }
            frames.retain(|frame| frame.last().index <= target);
            if frames.is_empty() {
                return Ok(());
            }
            let admissions: Vec<Admission> = frames.iter().map(|frame| self.dedup.admit(frame)).collect();
            shared.judged(&frames, &admissions);
            for (frame, admission) in frames.iter().zip(&admissions) {
                self.apply(frame, admission);
                self.due.add(u64::from(frame.count()), frame.encoded_bytes() as u64);
            }
            self.offer(frames.last().expect("it is not empty"), shared);
            shared.snapshots.lending.answer(&self.dedup);
            if self.publish(shared) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks the host for a snapshot that ends with `frame`, the last one that was applied, if one is due.
    fn offer(&mut self, frame: &Frame, shared: &Shared) {
        let is_due = self.due.is_due(&shared.snapshots.options) || shared.snapshots.is_missed();
        let is_wanted = is_due && shared.snapshots.is_idle();
        if !is_wanted || self.applied != frame.last().index {
            return;
        }
        let Some(snapshot) = shared.snapshot_at(frame.last(), frame.time()) else { return };
        self.due = Due::default();
        shared.snapshots.asked();
        if let Some(state) = self.apply.snapshot() {
            let mut dedup = Vec::new();
            self.dedup.encode(&mut dedup);
            shared.snapshots.take(Take { snapshot, dedup, position: None, state });
        }
    }

    /// Begins with a snapshot, if there is one to begin with. A host that is further keeps what it has.
    fn restore(&mut self, shared: &Shared) -> Result<(), ReplicaError> {
        let Some(file) = shared.core.lock().restore.take() else { return Ok(()) };
        let failed = |error: io::Error| {
            let path = file.path().display();
            ReplicaError::Failed(format!("the snapshot {path} was not restored: {error}").into())
        };
        let mut blocks = match file.read() {
            Ok(blocks) => blocks,
            // A later one has come, and this one is gone.
            Err(Error::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && shared.core.lock().restore.is_some() =>
            {
                return self.restore(shared);
            }
            Err(error) => return Err(error.into()),
        };
        read_members(&mut blocks).map_err(failed)?;
        let (dedup, position) = read_dedup(&mut blocks).map_err(failed)?;
        let invalid = |fault| failed(io::Error::new(io::ErrorKind::InvalidData, format!("{fault:?}")));
        self.dedup = Dedup::decode(&dedup, *self.dedup.limits()).map_err(invalid)?;
        let last = file.head.last.index;
        if self.dedup.upto() != last {
            return Err(failed(io::Error::new(
                io::ErrorKind::InvalidData,
                "its deduplication ends elsewhere",
            )));
        }
        if self.applied < last {
            let is_over = || shared.snapshots.is_over();
            let mut state = Until::new(&mut blocks, &is_over);
            self.apply.restore(&mut state).map_err(failed)?;
            // What the host did not ask for has to be sound as well.
            io::copy(&mut state, &mut io::sink()).map_err(failed)?;
            blocks.verify().map_err(|unsound| failed(unsound.into()))?;
            // Of the frame behind it the host gets what is behind its position.
            self.applied = position;
            // Release, with the Acquire of who polls: it does not take what is no longer noted for shown.
            shared.restored.store(position.get(), Ordering::Release);
        }
        self.due = Due::default();
        self.publish(shared);
        Ok(())
    }

    /// Tells who waits how far it is. `true` when the end has come.
    fn publish(&self, shared: &Shared) -> bool {
        shared.applied.store(self.applied.get(), Ordering::Release);
        // Under the lock, so that who is about to wait is not missed.
        let has_ended = shared.core.lock().ended.is_some();
        shared.progress.notify_all();
        has_ended
    }

    fn apply(&mut self, frame: &Frame, admission: &Admission) {
        let last = frame.last().index;
        if last > self.applied {
            if frame.kind() == FrameKind::Entries {
                self.apply.apply(&Applied { frame, admission, after: self.applied });
            }
            self.applied = last;
        }
    }
}
