//! The life of a log whose every step is once the last.

use super::*;
use crate::storage::life::{Life, at_every_step};
use crate::storage::platter::Fate;
use crate::storage::suite::TestDir;
use std::collections::BTreeMap;
use std::fs;

const OPTIONS: LogOptions = LogOptions { segment_bytes: 4096, record_bytes_max: 4096 };

/// What was written and what was shown.
#[derive(Clone, Default)]
struct History {
    /// What may stand at an index: everything written there that was not cut for good.
    written: BTreeMap<u64, Vec<Vec<u8>>>,
    /// What readers saw last: it must stay.
    shown: BTreeMap<u64, Vec<u8>>,
    /// No record before it may come back.
    first: u64,
    count: u64,
}

impl History {
    /// Lengths repeat, so that what is left of an old record may lie where a new one ends.
    fn group(&mut self, log: &mut SegmentLog, count: u64) -> Result<(), Error> {
        for _ in 0..count {
            self.count += 1;
            let (index, length) = (log.last() + 1, [600, 600, 850][self.count as usize % 3]);
            let content: Vec<u8> = (0..length).map(|at| (self.count * 31 + at) as u8).collect();
            self.written.entry(index).or_default().push(content.clone());
            log.append(&[&content])?;
        }
        log.sync()
    }

    fn cut_front(&mut self, log: &mut SegmentLog, keep_from: u64) -> Result<(), Error> {
        log.truncate_front(keep_from)?;
        self.first = log.first();
        Ok(())
    }

    fn cut_back(&mut self, log: &mut SegmentLog, keep_to: u64) -> Result<(), Error> {
        log.truncate_back(keep_to)?;
        self.written.retain(|index, _| *index <= keep_to);
        Ok(())
    }
}

impl Life for History {
    type Log = SegmentLog;

    fn open(dir: &Path) -> Result<SegmentLog, Error> {
        SegmentLog::open(dir, &OPTIONS)
    }

    /// Crosses files, cuts within one and across several, and writes again over what was cut.
    fn live(&mut self, log: &mut SegmentLog) -> Result<(), Error> {
        for count in [1, 3, 2, 9, 1, 4, 3] {
            self.group(log, count)?;
        }
        self.cut_front(log, 12)?;
        self.group(log, 2)?;
        self.cut_back(log, 23)?;
        self.group(log, 2)?;
        self.cut_back(log, 16)?;
        self.group(log, 7)?;
        self.cut_front(log, 21)?;
        self.group(log, 1)
    }

    fn go_on(&mut self, log: &mut SegmentLog) {
        self.group(log, 2).unwrap();
    }

    fn see(&mut self, log: &SegmentLog) {
        let reader = log.reader();
        let read = |index| (index, reader.read(index).unwrap().expect("a record in the range"));
        self.shown = (reader.first()..=reader.last()).map(read).collect();
    }

    fn check(&self, log: &SegmentLog, what: &str) {
        let reader = log.reader();
        assert!(reader.first() >= self.first, "{what}: record {} came back", reader.first());
        for (index, content) in &self.shown {
            let found = reader.read(*index).unwrap();
            assert!(found.as_ref() == Some(content), "{what}: record {index} was shown; now {found:?}");
        }
        for index in reader.first()..=reader.last() {
            let found = reader.read(index).unwrap().expect("a record in the range");
            assert!(self.written[&index].contains(&found), "{what}: record {index} is of nobody's making");
        }
    }
}

#[test]
fn what_was_shown_survives_a_kill_at_every_step_and_a_power_failure() {
    at_every_step::<History>(Fate::Killed, 80);
}

#[test]
fn what_was_shown_survives_every_failed_sync_and_a_power_failure() {
    at_every_step::<History>(Fate::SyncFails, 80);
}

#[test]
fn a_strangers_temporary_file_is_left_alone() {
    let dir = TestDir::new();
    let (ours, strangers) = (dir.path().join("00000000000000000009.seg.tmp"), dir.path().join("notes.tmp"));
    fs::write(&ours, "half").unwrap();
    fs::write(&strangers, "mine").unwrap();
    History::open(dir.path()).unwrap();
    assert!(!ours.exists() && strangers.exists());
}
