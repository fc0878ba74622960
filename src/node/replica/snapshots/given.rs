//! A state that a host gives, as of an entry that it names: a host that is polled is further back than the replica.
//!
//! # Model
//! ```text
//!  newest snapshot ....... F ............. judged here
//!        |                [b .. index .. l]
//!        '-- dedup: read, and led on by the frames up to b - 1; up to l where index = l
//! ```
//! The state is as of `index`, which may lie within a frame F: who reads in pieces knows nothing of frames. The snapshot
//! ends with F where that does at `index`, and else where F begins: `index` stands beside the state then, as its position. So
//! nothing of F is cut before the host has all of it, F is judged again as a whole behind the snapshot, and whoever
//! begins with the state goes on behind its position.
//!
//! # Invariants
//! G1 what is remembered against repetitions is that of the place where the snapshot ends: a function of the log up to
//! there (D1 of `dedup`), and the log reaches back to the older of two snapshots (T1). Where neither is sound, the applier
//! lends what it remembers: a state of a later place goes on from that, one of an earlier place cannot be kept.

use super::taker::{Take, keep};
use super::{Snapshots, read_dedup, read_members};
use crate::dedup::Dedup;
use crate::env::log::{self, Level};
use crate::frame::Frame;
use crate::node::replica::ReplicaError;
use crate::node::replica::core::Shared;
use crate::node::replica::pending::Waiter;
use crate::node::replica::pieces::{self, Pipe};
use crate::node::replica::waiting::Receipt;
use crate::storage::Error;
use crate::storage::snapshots::SectionError;
use crate::types::{Index, LogId, Term};
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

/// Bytes of the log that are read at a time.
const READ_BYTES_MAX: usize = 4 << 20;

/// A state that is to be written, and who waits for that. Dropped, it is not.
pub(in crate::node::replica) struct Given {
    pub(in crate::node::replica) index: Index,
    pub(in crate::node::replica) state: Box<dyn Read + Send>,
    pub(in crate::node::replica) waiter: Arc<Waiter>,
    /// Through which it comes, where its host hands it over in pieces.
    pub(in crate::node::replica) pipe: Option<Arc<Pipe>>,
}

impl Given {
    /// Whether its host has given it up.
    pub(super) fn is_given_up(&self) -> bool {
        self.pipe.as_ref().is_some_and(|pipe| pipe.is_given_up())
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("index", &self.index).finish_non_exhaustive()
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        // The first outcome stays.
        self.waiter.tell(Err(if self.is_given_up() { given_up() } else { ReplicaError::Closed }));
    }
}

fn given_up() -> ReplicaError {
    ReplicaError::State(Arc::new(pieces::given_up()))
}

/// Makes a snapshot of it, durably, and tells who waits what the newest one stands for then. `lent` is what the applier has
/// lent while no snapshot is sound.
pub(super) fn keep_given(shared: &Shared, mut given: Given, lent: &mut Option<Dedup>) {
    let snapshots = &shared.snapshots;
    let outcome = write(shared, &mut given, lent);
    if outcome.is_ok() {
        *lent = None;
    }
    if snapshots.is_over() && outcome.is_err() {
        return;
    }
    if let Err(error) = &outcome {
        let what = format_args!("no snapshot of the state up to {}: {error}", given.index);
        // Otherwise its host knows, and wanted it so.
        let level = if given.is_given_up() { Level::Info } else { Level::Error };
        log::emit(level, "log", what);
    }
    given.waiter.tell(outcome.map(|()| snapshots.receipt()));
}

impl Snapshots {
    /// What the newest one stands for.
    pub(in crate::node::replica) fn receipt(&self) -> Receipt {
        Receipt { id: LogId::new(Term::ORIGIN, self.position()), repeated: 0, stale: 0 }
    }
}

fn write(shared: &Shared, given: &mut Given, lent: &mut Option<Dedup>) -> Result<(), ReplicaError> {
    let (index, snapshots) = (given.index, &shared.snapshots);
    if given.is_given_up() {
        return Err(given_up());
    }
    if index <= snapshots.position() {
        return Ok(());
    }
    let frame = frame_at(shared, index)?;
    let ends_there = frame.last().index == index;
    let place = if ends_there { index } else { frame.base().back(1).unwrap_or_default() };
    // It would stand for no more of the log.
    if place <= snapshots.end() {
        return Ok(());
    }
    let frame = if ends_there { frame } else { frame_at(shared, place)? };
    // Otherwise one of the leader is about to take the log's place, which is further.
    let Some(snapshot) = shared.snapshot_at(frame.last(), frame.time()) else { return Ok(()) };
    let mut dedup = Vec::new();
    dedup_at(shared, place, lent)?.encode(&mut dedup);
    let state = std::mem::replace(&mut given.state, Box::new(io::empty()));
    let take = Take { snapshot, dedup, position: (index != place).then_some(index), state };
    keep(shared, take).map_err(|error| match error {
        SectionError::Source(error) => ReplicaError::State(Arc::new(error)),
        SectionError::Storage(error) => error.into(),
    })
}

/// The frame that holds `index`, which is committed.
fn frame_at(shared: &Shared, index: Index) -> Result<Frame, ReplicaError> {
    // One frame, however large.
    let frame = shared.reader.0.read(index, 1)?.into_iter().next();
    frame.filter(|frame| frame.base() <= index).ok_or(ReplicaError::Gone(index))
}

/// What is remembered against repetitions behind `upto`, the end of a frame (G1).
fn dedup_at(shared: &Shared, upto: Index, lent: &mut Option<Dedup>) -> Result<Dedup, ReplicaError> {
    let mut dedup = known_before(shared, upto, lent)?;
    while dedup.upto() < upto {
        let next = dedup.upto().next();
        if shared.snapshots.is_over() {
            return Err(ReplicaError::Closed);
        }
        let frames = shared.reader.0.read(next, READ_BYTES_MAX)?;
        let goes_on = frames.first().is_some_and(|frame| frame.base() == next && frame.last().index <= upto);
        if !goes_on {
            return Err(ReplicaError::Gone(next));
        }
        let wanted = frames.iter().take_while(|frame| frame.last().index <= upto);
        wanted.for_each(|frame| drop(dedup.admit(frame)));
    }
    Ok(dedup)
}

/// The same behind the newest snapshot before `upto` that the log goes on from, or before its first entry.
fn known_before(shared: &Shared, upto: Index, lent: &mut Option<Dedup>) -> Result<Dedup, ReplicaError> {
    let (first, snapshots) = (shared.reader.0.first(), &shared.snapshots);
    let mut unsound = None;
    let ends = snapshots.shelf.ends()?;
    for end in ends.into_iter().rev().filter(|end| *end <= upto && end.next() >= first) {
        let error = match known_at(shared, end) {
            Ok(dedup) => return Ok(dedup),
            Err(error) => error,
        };
        log::emit(Level::Warn, "log", format_args!("what the snapshot to {end} knows: {error}"));
        unsound.get_or_insert(error);
        // A damaged one is not counted on (T1).
        if let Some(newest) = snapshots.latest().filter(|newest| newest.head.last.index == end)
            && newest.is_damaged(&|| snapshots.is_over())?
        {
            snapshots.forget(&newest);
        }
    }
    if first == Index::ORIGIN.next() {
        return Ok(Dedup::new(shared.dedup));
    }
    if lent.as_ref().is_none_or(|known| known.upto().next() < first) {
        *lent = Some(snapshots.lending.ask(shared)?);
    }
    // It may be further already. A state that is given later goes on from it then: the log has what is behind it.
    lent.clone().filter(|known| known.upto() <= upto).ok_or_else(|| {
        unsound.map_or_else(|| ReplicaError::Gone(first.back(1).unwrap_or_default()), ReplicaError::from)
    })
}

fn known_at(shared: &Shared, end: Index) -> Result<Dedup, Error> {
    let shelf = &shared.snapshots.shelf;
    let unsound = |what: String| Error::Corrupt { path: shelf.path_of(end), offset: 0, what };
    let mut blocks = shelf.peek(end)?;
    read_members(&mut blocks).map_err(|error| unsound(error.to_string()))?;
    let (bytes, _) = read_dedup(&mut blocks).map_err(|error| unsound(error.to_string()))?;
    let dedup = Dedup::decode(&bytes, shared.dedup).map_err(|fault| unsound(format!("{fault:?}")))?;
    if dedup.upto() != end {
        return Err(unsound("its deduplication ends elsewhere".to_owned()));
    }
    Ok(dedup)
}
