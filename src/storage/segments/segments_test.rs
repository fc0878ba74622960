//! What the files look like after damage, and what opening them says.

use super::frame;
use super::*;
use crate::storage::suite::{TestDir, descriptors_in};
use crate::types::Status;
use std::fs;
use std::ops::Range;

const OPTIONS: LogOptions = LogOptions { segment_bytes: 4096, record_bytes_max: 64 << 10 };
const FIRST: &str = "00000000000000000001.seg";

fn open(dir: &Path) -> Result<SegmentLog, Error> {
    SegmentLog::open(dir, &OPTIONS)
}

fn record(index: u64) -> Vec<u8> {
    vec![index as u8; 30 + index as usize % 7]
}

/// A closed log of `count` records in groups of `group`, and where each record is.
fn written(dir: &Path, count: u64, group: u64) -> Vec<Range<usize>> {
    let mut log = open(dir).unwrap();
    for index in 1..=count {
        log.append(&[&record(index)]).unwrap();
        if index % group == 0 {
            log.sync().unwrap();
        }
    }
    log.sync().unwrap();
    let newest = log.shared.newest();
    let ends = newest.offsets.iter().skip(1).map(|end| *end as usize).chain([newest.end]);
    newest.offsets.iter().map(|start| *start as usize).zip(ends).map(|(start, end)| start..end).collect()
}

fn assert_holds(log: &SegmentLog, last: u64) {
    assert_eq!(log.last(), last);
    for index in log.first()..=last {
        assert_eq!(log.reader().read(index).unwrap(), Some(record(index)), "record {index}");
    }
}

fn assert_corrupt(outcome: Result<SegmentLog, Error>, file: &Path, at: Range<usize>) {
    match outcome.map(|log| log.last()) {
        Err(Error::Corrupt { path, offset, .. }) => {
            assert_eq!(path, file);
            assert!(at.contains(&(offset as usize)), "{offset} is not in {at:?}");
        }
        other => panic!("{other:?} for damage at {at:?}"),
    }
}

#[test]
fn a_torn_tail_is_cut_at_every_length_of_the_last_record() {
    let dir = TestDir::new();
    let file = dir.path().join(FIRST);
    let places = written(dir.path(), 10, 1);
    let whole = fs::read(&file).unwrap();
    let last = places[9].clone();
    for length in last.start..whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        let kept = if length < last.end { 9 } else { 10 };
        let mut log = open(dir.path()).unwrap();
        assert_holds(&log, kept);
        log.append(&[&record(kept + 1)]).unwrap();
        log.sync().unwrap();
        drop(log);
        assert_holds(&open(dir.path()).unwrap(), kept + 1);
    }
}

#[test]
fn a_tail_of_zeros_or_noise_is_cut() {
    let dir = TestDir::new();
    let file = dir.path().join(FIRST);
    let places = written(dir.path(), 10, 1);
    let whole = fs::read(&file).unwrap();
    let noise: Vec<u8> = (0..500_u32).map(|at| (at * 97 % 251) as u8).collect();
    for (keep, kept) in
        [(whole.len(), 10), (places[9].end, 10), (places[9].start, 9), (places[9].start + 9, 9)]
    {
        for tail in [&[0; 500][..], &noise] {
            fs::write(&file, [&whole[..keep], tail].concat()).unwrap();
            assert_holds(&open(dir.path()).unwrap(), kept);
        }
    }
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_durable_record_is_refused_with_its_place() {
    let dir = TestDir::new();
    let file = dir.path().join(FIRST);
    // One group: only the mark of the last sync tells that all of it was durable.
    for group in [1, 10] {
        let places = written(dir.path(), 10, group);
        let whole = fs::read(&file).unwrap();
        for place in &places {
            for at in place.clone() {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                fs::write(&file, bytes).unwrap();
                assert_corrupt(open(dir.path()), &file, place.start..place.start + 1);
            }
        }
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn damage_in_a_group_whose_mark_a_power_failure_lost_is_cut_unless_a_later_group_proves_it() {
    let dir = TestDir::new();
    let file = dir.path().join(FIRST);
    let places = written(dir.path(), 10, 5);
    let mut bytes = fs::read(&file).unwrap();
    bytes.truncate(places[9].end);
    bytes[places[6].start + 3] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert_holds(&open(dir.path()).unwrap(), 6);

    bytes[places[2].start + 3] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert_corrupt(open(dir.path()), &file, places[2].start..places[2].start + 1);
}

#[test]
fn a_payload_that_looks_like_a_later_frame_is_no_proof() {
    let dir = TestDir::new();
    let file = dir.path().join(FIRST);
    written(dir.path(), 3, 1);
    let mut log = open(dir.path()).unwrap();
    let mut payload = Vec::new();
    for durable in [3, 4, 9] {
        // The attacker knows everything but the salt.
        frame::encode(&mut payload, 0, 9, durable, &[b"later"], 5);
    }
    log.append(&[&payload, &[0; 8]]).unwrap();
    log.sync().unwrap();
    let end = log.shared.newest().end;
    drop(log);
    fs::File::options().write(true).open(&file).unwrap().set_len(end as u64 - 4).unwrap();
    assert_holds(&open(dir.path()).unwrap(), 3);
}

#[test]
fn damage_to_a_complete_file_is_refused_wherever_it_is() {
    let dir = TestDir::new();
    written(dir.path(), 200, 1);
    let file = dir.path().join(FIRST);
    let whole = fs::read(&file).unwrap();
    for at in [frame::FILE_HEADER_BYTES, whole.len() / 2, whole.len() - frame::HEADER_BYTES - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&file, bytes).unwrap();
        assert_corrupt(open(dir.path()), &file, at.saturating_sub(60)..at + 1);
    }
    // A short file misses records too, but its mark is no loss.
    fs::write(&file, &whole[..whole.len() - frame::HEADER_BYTES - 1]).unwrap();
    assert_corrupt(open(dir.path()), &file, whole.len() - 90..whole.len());
    fs::write(&file, &whole[..whole.len() - 5]).unwrap();
    assert_holds(&open(dir.path()).unwrap(), 200);
}

#[test]
fn damage_after_opening_is_found_by_the_reader() {
    let dir = TestDir::new();
    let file = dir.path().join(FIRST);
    let places = written(dir.path(), 10, 1);
    let log = open(dir.path()).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[places[4].start + 30] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let error = log.reader().read(5).unwrap_err();
    assert!(matches!(&error, Error::Corrupt { path, offset, .. }
        if *path == file && *offset == places[4].start as u64));
    assert_eq!(error.status(), Status::Corruption);
    assert_eq!(log.reader().read(4).unwrap(), Some(record(4)));
}

#[test]
fn a_read_that_a_cut_overtakes_counts_for_nothing_and_keeps_no_file_open() {
    let dir = TestDir::new();
    written(dir.path(), 300, 10);
    let log = open(dir.path()).unwrap();
    let before = descriptors_in(dir.path());
    let place = log.shared.find(1).unwrap();
    // The reader gets there after the cut and before the file is removed.
    log.shared.remove_front(250).unwrap();
    assert!(log.shared.read_uncut(&place, 1).is_none());
    assert_eq!(descriptors_in(dir.path()), before);
}

#[test]
fn a_missing_file_in_the_middle_is_refused_naming_the_records() {
    let dir = TestDir::new();
    written(dir.path(), 300, 10);
    let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 2);
    fs::remove_file(&files[1]).unwrap();
    assert_corrupt(open(dir.path()), &files[1], 0..1);
    let Err(error) = open(dir.path()) else { panic!("opened") };
    assert!(error.to_string().contains("missing: records "), "{error}");
}

#[test]
fn a_newer_a_damaged_and_a_misplaced_header_are_told_apart() {
    let dir = TestDir::new();
    let file = dir.path().join(FIRST);
    written(dir.path(), 3, 1);
    let whole = fs::read(&file).unwrap();

    let mut newer = whole.clone();
    newer[8..12].copy_from_slice(&7_u32.to_le_bytes());
    let crc = crc32fast::hash(&newer[..36]);
    newer[36..40].copy_from_slice(&crc.to_le_bytes());
    fs::write(&file, newer).unwrap();
    let Err(error) = open(dir.path()) else { panic!("opened") };
    assert!(matches!(&error, Error::FormatTooNew { path, found: 7, supported: 1 } if *path == file));

    for at in 0..frame::FILE_HEADER_BYTES {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&file, bytes).unwrap();
        assert_corrupt(open(dir.path()), &file, 0..frame::FILE_HEADER_BYTES);
    }
    fs::write(&file, &whole[..10]).unwrap();
    assert_corrupt(open(dir.path()), &file, 0..1);

    let elsewhere = dir.path().join("00000000000000000009.seg");
    fs::remove_file(&file).unwrap();
    fs::write(&elsewhere, &whole).unwrap();
    assert_corrupt(open(dir.path()), &elsewhere, 16..17);
}

#[test]
fn what_an_interrupted_creation_left_is_removed_and_strangers_are_left_alone() {
    let dir = TestDir::new();
    written(dir.path(), 3, 1);
    let left = dir.path().join("00000000000000000004.seg.tmp");
    let stranger = dir.path().join("notes.txt");
    fs::write(&left, "half").unwrap();
    fs::write(&stranger, "mine").unwrap();
    assert_holds(&open(dir.path()).unwrap(), 3);
    assert!(!left.exists() && stranger.exists());
    fs::write(dir.path().join("4.seg"), "").unwrap();
    assert_corrupt(open(dir.path()), &dir.path().join("4.seg"), 0..1);
}

#[test]
fn a_large_group_is_written_ahead_in_pieces_and_shown_after_the_sync() {
    let dir = TestDir::new();
    let options = LogOptions { segment_bytes: 8 << 20, record_bytes_max: 1 << 20 };
    let mut log = SegmentLog::open(dir.path(), &options).unwrap();
    let reader = log.reader();
    for _ in 0..50 {
        log.append(&[&[5; 100_000]]).unwrap();
        assert!(log.active.buffered() <= BUFFER_BYTES_MAX + 100_100);
    }
    assert_eq!(reader.last(), 0);
    log.sync().unwrap();
    assert_eq!(reader.last(), 50);
    assert_eq!(reader.read(50).unwrap().map(|record| record.len()), Some(100_000));
}

#[test]
fn options_out_of_range_are_refused() {
    let dir = TestDir::new();
    for (segment_bytes, record_bytes_max) in [(0, 1), (2 << 30, 1), (4096, 0), (4096, 2 << 30)] {
        let outcome = SegmentLog::open(dir.path(), &LogOptions { segment_bytes, record_bytes_max });
        assert_eq!(outcome.map(drop).unwrap_err().status(), Status::Config);
    }
}
