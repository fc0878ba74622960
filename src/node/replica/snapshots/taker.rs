//! The thread that writes this node's own snapshots, and lets the log go in front of them.

use super::given::{Given, keep_given};
use super::post::Taken;
use super::sections::{DEDUP, HOST, MEMBERS, POSITION};
use super::{KEPT, Snapshots};
use crate::env::log::{self, Level};
use crate::node::replica::core::Shared;
use crate::raft::Snapshot;
use crate::storage::Error;
use crate::storage::snapshots::{SectionError, SnapshotFile, SnapshotHead, Until};
use crate::types::Index;
use std::fmt;
use std::io::Read;
use std::time::Duration;

/// What there is to write.
#[derive(Debug)]
pub(in crate::node::replica) enum Work {
    /// The host was asked for it.
    Take(Take),
    Given(Given),
}

impl Work {
    /// Whether it will not be whole any more.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(self, Self::Given(given) if given.is_given_up())
    }
}

/// A state that is to be written.
pub(in crate::node::replica) struct Take {
    pub(in crate::node::replica) snapshot: Snapshot,
    pub(in crate::node::replica) dedup: Vec<u8>,
    /// The last entry that the state stands for, where that is behind the end of the snapshot. Only there: whoever does not
    /// know of positions takes all others.
    pub(in crate::node::replica) position: Option<Index>,
    pub(in crate::node::replica) state: Box<dyn Read + Send>,
}

impl fmt::Debug for Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Take").field("snapshot", &self.snapshot).finish_non_exhaustive()
    }
}

pub(super) fn run(shared: &Shared) {
    let mut lent = None;
    loop {
        match shared.snapshots.takes.take(Duration::MAX) {
            Taken::Item(Work::Take(take)) => keep_taken(shared, take),
            Taken::Item(Work::Given(given)) => keep_given(shared, given, &mut lent),
            Taken::Nothing => {}
            Taken::Closed => return,
        }
    }
}

/// A snapshot that cannot be written costs nothing but the space of the log: there will be another.
fn keep_taken(shared: &Shared, take: Take) {
    let last = take.snapshot.last;
    match keep(shared, take) {
        Err(error) if !shared.snapshots.is_over() => {
            log::emit(Level::Error, "log", format_args!("no snapshot to {last}: {error}"));
        }
        Ok(()) | Err(_) => {}
    }
}

/// Writes it durably; then what it stands for may go.
pub(super) fn keep(shared: &Shared, take: Take) -> Result<(), SectionError> {
    let last = take.snapshot.last;
    let position = take.position.unwrap_or(last.index);
    let snapshots = &shared.snapshots;
    let file = write(shared, take)?;
    log::emit(Level::Info, "log", format_args!("snapshot to {last}: {} bytes", file.bytes));
    let Some((before, damaged)) = snapshots.renew(&file, position) else { return Ok(()) };
    let removed = damaged.map_or(Ok(()), |damaged| snapshots.shelf.remove(damaged));
    let pruned = removed.and_then(|()| snapshots.shelf.prune(last.index, KEPT));
    if let Err(error) = pruned.and_then(|()| cut(shared, before))
        && !snapshots.is_over()
    {
        log::emit(Level::Warn, "log", format_args!("the log was not cut: {error}"));
    }
    Ok(())
}

fn write(shared: &Shared, mut take: Take) -> Result<SnapshotFile, SectionError> {
    let Snapshot { last, time, membership } = &take.snapshot;
    let mut members = Vec::new();
    membership.encode(&mut members);
    let head = SnapshotHead { cluster: shared.cluster, last: *last, time: *time };
    let mut writer = shared.snapshots.shelf.write(head)?;
    writer.section(MEMBERS, &mut &members[..])?;
    writer.section(DEDUP, &mut &take.dedup[..])?;
    if let Some(position) = take.position {
        writer.section(POSITION, &mut &position.get().to_le_bytes()[..])?;
    }
    let is_over = || shared.snapshots.is_over();
    writer.section(HOST, &mut Until::new(&mut take.state, &is_over))?;
    Ok(writer.finish()?)
}

/// Lets the log go in front of the snapshot that ends with `before` (T1), or of the tail that is kept.
fn cut(shared: &Shared, before: Index) -> Result<(), Error> {
    let limit = limit(&shared.snapshots, before);
    // The frame that holds it ends at or before `before`, where another one ends.
    let frame = shared.reader.0.read(limit, 1)?.into_iter().next();
    if let Some(frame) = frame {
        shared.compact(frame.last(), frame.time());
    }
    Ok(())
}

fn limit(snapshots: &Snapshots, before: Index) -> Index {
    let kept = snapshots.end().back(snapshots.options.tail_entries).unwrap_or_default();
    before.min(kept)
}
