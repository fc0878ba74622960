//! The thread that writes this node's own snapshots, and lets the log go in front of them.

use super::post::Taken;
use super::{DEDUP, HOST, KEPT, MEMBERS, Snapshots};
use crate::env::log::{self, Level};
use crate::node::replica::core::Shared;
use crate::raft::Snapshot;
use crate::storage::Error;
use crate::storage::snapshots::{SectionError, SnapshotFile, SnapshotHead, Until};
use crate::types::Index;
use std::fmt;
use std::io::Read;
use std::time::Duration;

/// A state that is to be written.
pub(in crate::node::replica) struct Take {
    pub(in crate::node::replica) snapshot: Snapshot,
    pub(in crate::node::replica) dedup: Vec<u8>,
    pub(in crate::node::replica) state: Box<dyn Read + Send>,
}

impl fmt::Debug for Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Take").field("snapshot", &self.snapshot).finish_non_exhaustive()
    }
}

pub(super) fn run(shared: &Shared) {
    loop {
        match shared.snapshots.takes.take(Duration::MAX) {
            Taken::Item(take) => keep(shared, take),
            Taken::Nothing => {}
            Taken::Closed => return,
        }
    }
}

/// A snapshot that cannot be written costs nothing but the space of the log: there will be another.
fn keep(shared: &Shared, take: Take) {
    let last = take.snapshot.last;
    let snapshots = &shared.snapshots;
    match write(shared, take) {
        Ok(file) => {
            log::emit(Level::Info, "log", format_args!("snapshot to {last}: {} bytes", file.bytes));
            let Some((before, damaged)) = snapshots.renew(&file) else { return };
            let removed = damaged.map_or(Ok(()), |damaged| snapshots.shelf.remove(damaged));
            let pruned = removed.and_then(|()| snapshots.shelf.prune(last.index, KEPT));
            if let Err(error) = pruned.and_then(|()| cut(shared, before)) {
                log::emit(Level::Warn, "log", format_args!("the log was not cut: {error}"));
            }
        }
        Err(_) if snapshots.is_over() => {}
        Err(error) => log::emit(Level::Error, "log", format_args!("no snapshot to {last}: {error}")),
    }
}

fn write(shared: &Shared, mut take: Take) -> Result<SnapshotFile, SectionError> {
    let Snapshot { last, time, membership } = &take.snapshot;
    let mut members = Vec::new();
    membership.encode(&mut members);
    let head = SnapshotHead { cluster: shared.cluster, last: *last, time: *time };
    let mut writer = shared.snapshots.shelf.write(head)?;
    writer.section(MEMBERS, &mut &members[..])?;
    writer.section(DEDUP, &mut &take.dedup[..])?;
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
