//! What every log does.

use super::{LogCase, TestDir, assert_all_closed, cases};
use crate::storage::faulty::{Faults, FaultyLog};
use crate::storage::{Error, Log, LogKind, LogOptions, LogReader, open_log};
use crate::types::Status;
use std::path::Path;
use std::sync::Arc;

pub(super) const RECORD_BYTES_MAX: usize = 64 << 10;

/// Content that differs by index, of lengths 0 to 299.
fn record(index: u64) -> Vec<u8> {
    (0..index * 37 % 300).map(|at| (index * 7 + at) as u8).collect()
}

fn fill(log: &mut dyn Log, count: u64) {
    for _ in 0..count {
        let expected = log.last() + 1;
        let content = record(expected);
        let (front, back) = content.split_at(content.len() / 2);
        assert_eq!(log.append(&[front, back]).unwrap(), expected);
    }
}

fn assert_holds(reader: &Arc<dyn LogReader>, first: u64, last: u64) {
    assert_eq!((reader.first(), reader.last()), (first, last));
    for index in first..=last {
        assert_eq!(reader.read(index).unwrap().as_deref(), Some(&record(index)[..]), "record {index}");
    }
    assert_eq!(reader.read(last + 1).unwrap(), None);
    assert_eq!(reader.read(first - 1).unwrap(), None);
}

fn an_empty_log_has_last_before_first(case: LogCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    assert_eq!((log.first(), log.last()), (1, 0));
    log.sync().unwrap();
    assert_holds(&log.reader(), 1, 0);
}

fn records_are_numbered_from_one_and_read_back_in_order(case: LogCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    fill(&mut *log, 200);
    log.sync().unwrap();
    assert_eq!((log.first(), log.last()), (1, 200));
    assert_holds(&log.reader(), 1, 200);
}

fn a_record_is_readable_only_once_it_is_durable(case: LogCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    let reader = log.reader();
    fill(&mut *log, 2);
    log.sync().unwrap();
    fill(&mut *log, 1);
    assert_eq!((log.last(), reader.last()), (3, 2));
    assert_eq!(reader.read(3).unwrap(), None);
    log.sync().unwrap();
    assert_holds(&reader, 1, 3);
}

fn a_reopened_log_holds_what_was_synced_and_goes_on(case: LogCase) {
    if !case.survives {
        return;
    }
    let dir = TestDir::new();
    for round in 1..=5 {
        let mut log = (case.open)(dir.path()).unwrap();
        assert_eq!(log.last(), (round - 1) * 60);
        fill(&mut *log, 60);
        log.sync().unwrap();
        assert_holds(&log.reader(), 1, round * 60);
    }
}

fn records_without_sync_are_absent_or_whole_after_reopen(case: LogCase) {
    if !case.survives {
        return;
    }
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    fill(&mut *log, 10);
    log.sync().unwrap();
    fill(&mut *log, 10);
    drop(log);
    let log = (case.open)(dir.path()).unwrap();
    assert!((10..=20).contains(&log.last()));
    assert_holds(&log.reader(), 1, log.last());
}

fn an_oversize_record_is_refused_and_nothing_changes(case: LogCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    fill(&mut *log, 3);
    let big = vec![1; RECORD_BYTES_MAX];
    let error = log.append(&[&big, &[1]]).unwrap_err();
    assert!(matches!(error, Error::TooLarge { len, max, .. } if len == max + 1), "{error}");
    assert_eq!(error.status(), Status::TooLarge);
    fill(&mut *log, 3);
    log.sync().unwrap();
    assert_holds(&log.reader(), 1, 6);
    assert_eq!(log.append(&[&big]).unwrap(), 7);
    log.sync().unwrap();
    assert_eq!(log.reader().read(7).unwrap(), Some(big));
}

fn the_back_is_cut_exactly_and_written_again(case: LogCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    for keep_to in [150, 149, 90, 1, 0] {
        let missing = 160 - log.last();
        fill(&mut *log, missing);
        let reader = log.reader();
        log.truncate_back(keep_to).unwrap();
        assert_eq!(log.last(), keep_to);
        assert_holds(&reader, 1, keep_to);
        drop(reader);
        if case.survives {
            drop(log);
            log = (case.open)(dir.path()).unwrap();
            assert_holds(&log.reader(), 1, keep_to);
        }
        log.append(&[b"another"]).unwrap();
        log.sync().unwrap();
        assert_eq!(log.reader().read(keep_to + 1).unwrap().as_deref(), Some(&b"another"[..]));
        log.truncate_back(keep_to).unwrap();
    }
}

fn the_front_is_cut_and_everything_asked_for_stays(case: LogCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    fill(&mut *log, 160);
    let mut before = 1;
    for keep_from in [1, 2, 80, 80, 40, 161] {
        log.truncate_front(keep_from).unwrap();
        let first = log.first();
        assert!((before..=keep_from.max(before)).contains(&first), "{first} for {keep_from}");
        assert_holds(&log.reader(), first, 160);
        before = first;
    }
    assert!(before > 80, "cutting a long log gives records back");
    if case.survives {
        drop(log);
        log = (case.open)(dir.path()).unwrap();
        assert_holds(&log.reader(), before, 160);
    }
    fill(&mut *log, 5);
    log.sync().unwrap();
    assert_holds(&log.reader(), before, 165);
    log.truncate_back(before - 1).unwrap();
    assert_holds(&log.reader(), before, before - 1);
}

fn cuts_out_of_range_are_refused_and_nothing_changes(case: LogCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    fill(&mut *log, 160);
    log.truncate_front(100).unwrap();
    let first = log.first();
    let front = log.truncate_front(162).unwrap_err();
    let back = log.truncate_back(first - 2).unwrap_err();
    for error in [front, back] {
        assert!(matches!(error, Error::OutOfRange { .. }), "{error}");
        assert_eq!(error.status(), Status::InvalidArgument);
    }
    log.truncate_back(u64::MAX).unwrap();
    log.truncate_front(0).unwrap();
    assert_holds(&log.reader(), first, 160);
}

fn readers_run_beside_the_writer(case: LogCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let reader = log.reader();
            scope.spawn(move || {
                while reader.last() < 400 {
                    let (first, last) = (reader.first(), reader.last());
                    for index in [first, last, (first + last) / 2] {
                        // A record may be cut between the two calls; what is there is right.
                        if let Some(content) = reader.read(index).unwrap() {
                            assert_eq!(content, record(index));
                        }
                    }
                }
            });
        }
        for round in 1..=80 {
            fill(&mut *log, 6);
            log.sync().unwrap();
            log.truncate_back(round * 5).unwrap();
            log.truncate_front((round * 5).saturating_sub(60)).unwrap();
        }
    });
    assert_eq!(log.last(), 400);
}

fn a_hundred_open_and_close_cycles_leak_no_descriptor(case: LogCase) {
    let dir = TestDir::new();
    for cycle in 0..100 {
        let mut log = (case.open)(dir.path()).unwrap();
        if cycle % 25 == 0 {
            fill(&mut *log, 50);
            log.sync().unwrap();
            log.reader().read(1).unwrap();
        }
        drop(log);
        assert_all_closed(dir.path(), &format!("after cycle {cycle}"));
    }
}

macro_rules! log_suite {
    ($backend:ident, $case:expr) => {
        mod $backend {
            use super::*;

            const CASE: LogCase = $case;

            cases! { CASE;
                an_empty_log_has_last_before_first,
                records_are_numbered_from_one_and_read_back_in_order,
                a_record_is_readable_only_once_it_is_durable,
                a_reopened_log_holds_what_was_synced_and_goes_on,
                records_without_sync_are_absent_or_whole_after_reopen,
                an_oversize_record_is_refused_and_nothing_changes,
                the_back_is_cut_exactly_and_written_again,
                the_front_is_cut_and_everything_asked_for_stays,
                cuts_out_of_range_are_refused_and_nothing_changes,
                readers_run_beside_the_writer,
                a_hundred_open_and_close_cycles_leak_no_descriptor,
            }
        }
    };
}

// Small files, so that every case crosses several of them.
const OPTIONS: LogOptions = LogOptions { segment_bytes: 4096, record_bytes_max: RECORD_BYTES_MAX };

fn without_faults(dir: &Path) -> Result<Box<dyn Log>, Error> {
    let inner = open_log(LogKind::Segments, dir, &OPTIONS)?;
    Ok(Box::new(FaultyLog::new(inner, RECORD_BYTES_MAX, Faults::new())))
}

log_suite!(memory, LogCase { open: |dir| open_log(LogKind::Memory, dir, &OPTIONS), survives: false });
log_suite!(segments, LogCase { open: |dir| open_log(LogKind::Segments, dir, &OPTIONS), survives: true });
log_suite!(faulty, LogCase { open: without_faults, survives: true });
