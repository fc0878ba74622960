//! A snapshot takes a log's place: every step of that is once the last one of its process, then the power fails.

use super::snapshots_test::{head, of_blocks};
use super::*;
use crate::frame::FrameLimits;
use crate::storage::Error;
use crate::storage::frames::{FrameLog, FrameLogOptions, SegmentFrameLog, follow_snapshot};
use crate::storage::platter::{self, Fate, Luck};
use crate::storage::suite::TestDir;
use crate::storage::suite::batches::frame;
use crate::types::Index;
use std::path::Path;

const OPTIONS: FrameLogOptions = FrameLogOptions {
    segment_bytes: 7 << 10,
    limits: FrameLimits { body_bytes_max: 1024, entries_max: 100 },
    recent_bytes_max: 0,
};

/// What somebody was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    #[default]
    Nothing,
    /// The old log's entries.
    Logged,
    /// The snapshot is in place.
    Installed,
    /// An entry behind it.
    GoneOn,
}

const LAST: u64 = 50;
const END: Index = Index::new(1000);

/// A log, a snapshot that comes, and an entry behind it; both in one directory, as the model of a device wants it.
fn live(dir: &Path, snapshot: &[u8], told: &mut Told) -> Result<(), Error> {
    let mut log = SegmentFrameLog::open_sized(dir, &OPTIONS)?;
    let (shelf, _) = SnapshotShelf::open(dir)?;
    for base in (1..LAST).step_by(7) {
        log.append(&[frame(2, base, 7)])?;
    }
    log.sync()?;
    *told = Told::Logged;
    let mut draft = shelf.draft("incoming-1")?;
    draft.write(snapshot, 0)?;
    draft.sync()?;
    let verified = draft.verify(&|| false)?;
    draft.keep(&verified)?;
    log.reset(END.next())?;
    *told = Told::Installed;
    log.append(&[frame(3, END.next().get(), 5)])?;
    log.sync()?;
    *told = Told::GoneOn;
    shelf.prune(END, 1)
}

#[test]
fn nothing_that_was_told_is_missing_after_a_power_failure_at_every_step_of_an_installation() {
    let snapshot = of_blocks(head(END.get()), &[]);
    let steps = {
        let dir = TestDir::new();
        platter::install(dir.path(), None);
        live(dir.path(), &snapshot, &mut Told::default()).unwrap();
        let steps = platter::look().steps;
        platter::remove();
        steps
    };
    let mut seen = std::collections::BTreeSet::new();
    for at in 1..=steps {
        for (fate, luck) in [
            (Fate::Killed, Luck::Nothing),
            (Fate::Killed, Luck::Everything),
            (Fate::Killed, Luck::Some(at)),
            (Fate::SyncFails, Luck::Some(at)),
        ] {
            let what = format!("{fate:?} at step {at}, then {luck:?} arrives");
            let (dir, after) = (TestDir::new(), TestDir::new());
            platter::install(dir.path(), Some((at, fate)));
            let mut told = Told::default();
            let _ = live(dir.path(), &snapshot, &mut told);
            platter::look().after_power_failure(luck, after.path());
            platter::remove();
            let (_, stored) = SnapshotShelf::open(after.path()).unwrap();
            let mut log = SegmentFrameLog::open_sized(after.path(), &OPTIONS).unwrap();
            let newest = stored.newest.map(|file| file.head.last);
            if let Some(last) = newest {
                follow_snapshot(&mut log, last).unwrap();
                assert_eq!(log.first(), END.next(), "{what}");
            }
            assert!(stored.damaged.is_empty(), "{what}");
            match told {
                Told::Nothing => {}
                Told::Logged => assert!(newest.is_some() || log.last().get() >= LAST - 1, "{what}"),
                Told::Installed => assert!(newest.is_some(), "{what}"),
                Told::GoneOn => assert!(newest.is_some() && log.last() > END, "{what}"),
            }
            seen.insert((told, newest.is_some()));
        }
    }
    assert!(seen.contains(&(Told::Logged, true)) && seen.contains(&(Told::Logged, false)), "{seen:?}");
    assert!(seen.contains(&(Told::GoneOn, true)), "{seen:?}");
}

#[test]
fn a_log_that_holds_something_else_where_a_snapshot_ends_is_begun_anew_and_one_that_goes_on_is_not() {
    for (term, ends, is_reset) in [(3, 30, false), (2, 30, true), (3, 7, true)] {
        let dir = TestDir::new();
        let mut log = SegmentFrameLog::open_sized(dir.path(), &OPTIONS).unwrap();
        log.append(&[frame(term, 1, ends)]).unwrap();
        log.sync().unwrap();
        assert_eq!(follow_snapshot(&mut log, head(20).last).unwrap(), is_reset);
        let expected = if is_reset { (21, 20) } else { (1, u64::from(ends)) };
        assert_eq!((log.first().get(), log.last().get()), expected);
        assert!(!follow_snapshot(&mut log, head(20).last).unwrap(), "once");
    }
}
