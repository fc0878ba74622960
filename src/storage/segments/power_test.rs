//! Every step of a log's life is once the last one of its process, or a sync that fails; then the power
//! fails, at once or after the next process has gone on. What anybody was shown must still be there.

use super::*;
use crate::storage::platter::{self, Fate, Luck, Platter};
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

    /// Takes down what a reader sees now.
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

fn open(dir: &Path) -> SegmentLog {
    SegmentLog::open(dir, &OPTIONS).unwrap_or_else(|error| panic!("{error}"))
}

/// The power fails in several ways: each time the log opens, is right, and goes on.
fn fail_power(platter: &Platter, history: &History, what: &str) {
    for luck in [Luck::Nothing, Luck::Everything, Luck::Some(1), Luck::Some(platter.steps)] {
        let what = format!("{what}, then {luck:?} arrives");
        let dir = TestDir::new();
        platter.after_power_failure(luck, dir.path());
        platter::install(dir.path(), None);
        let mut log = match SegmentLog::open(dir.path(), &OPTIONS) {
            Ok(log) => log,
            Err(error) => panic!("{what}: {error}"),
        };
        history.check(&log, &what);
        history.clone().group(&mut log, 1).unwrap();
    }
}

/// One life that meets `fate` at step `at`; false when it ended before.
fn run(fate: Fate, at: u64) -> bool {
    let what = format!("{fate:?} at step {at}");
    let dir = TestDir::new();
    platter::install(dir.path(), Some((at, fate)));
    let mut history = History::default();
    let Ok(mut log) = SegmentLog::open(dir.path(), &OPTIONS) else {
        fail_power(&platter::look(), &history, &what);
        return true;
    };
    let outcome = history.live(&mut log);
    history.see(&log);
    drop(log);
    let at_once = platter::look();
    platter::revive();

    // The next process sees the page cache.
    let mut log = open(dir.path());
    history.check(&log, &format!("{what}, reopened"));
    let before = history.clone();
    history.see(&log);
    let (reopened, seen) = (platter::look(), history.clone());
    history.group(&mut log, 2).unwrap();
    history.see(&log);
    let gone_on = platter::look();

    fail_power(&at_once, &before, &what);
    fail_power(&reopened, &seen, &format!("{what}, reopened"));
    fail_power(&gone_on, &history, &format!("{what}, reopened and gone on"));
    platter::remove();
    outcome.is_err()
}

fn at_every_step(fate: Fate) {
    let steps = (1..).take_while(|at| run(fate, *at)).count();
    assert!(steps > 80, "{steps} steps");
}

#[test]
fn what_was_shown_survives_a_kill_at_every_step_and_a_power_failure() {
    at_every_step(Fate::Killed);
}

#[test]
fn what_was_shown_survives_every_failed_sync_and_a_power_failure() {
    at_every_step(Fate::SyncFails);
}

#[test]
fn a_strangers_temporary_file_is_left_alone() {
    let dir = TestDir::new();
    let (ours, strangers) = (dir.path().join("00000000000000000009.seg.tmp"), dir.path().join("notes.tmp"));
    fs::write(&ours, "half").unwrap();
    fs::write(&strangers, "mine").unwrap();
    open(dir.path());
    assert!(!ours.exists() && strangers.exists());
}
