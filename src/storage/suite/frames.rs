//! What every log of frames does.

use super::batches::{COUNTS, frame, frames, read_all, seal};
use super::{FramesCase, TestDir, assert_all_closed, cases};
use crate::frame::{Body, Frame, FrameKind, FrameLimits};
use crate::storage::Error;
#[cfg(feature = "rocksdb")]
use crate::storage::StoreOptions;
use crate::storage::faulty::Faults;
use crate::storage::frames::{
    FaultyFrameLog, FrameHead, FrameLog, FrameLogOptions, FrameReader, MemoryFrameLog, SegmentFrameLog,
};
use crate::types::{Index, Status, Term};
use std::path::Path;

const LIMITS: FrameLimits = FrameLimits { body_bytes_max: 2048, entries_max: 100 };

fn fill(log: &mut dyn FrameLog, last: u64) -> Vec<Frame> {
    let frames = frames(log.last().get() + 1, last);
    for group in frames.chunks(3) {
        log.append(group).unwrap();
        assert_eq!(log.last(), group.last().unwrap().last().index);
    }
    assert_eq!(log.sync().unwrap().get(), last);
    frames
}

fn assert_ends(log: &dyn FrameLog, first: u64, last: u64) {
    let reader = log.reader();
    assert_eq!((log.first().get(), log.last().get(), log.durable().get()), (first, last, last));
    assert_eq!((reader.first().get(), reader.last().get()), (first, last));
    for outside in [first - 1, last + 1] {
        assert_eq!(log.term_at(Index::new(outside)), None);
        assert_eq!(reader.read(Index::new(outside), 1 << 20).unwrap(), []);
    }
}

fn an_empty_log_ends_before_it_begins(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    assert_ends(&*log, 1, 0);
    assert_eq!(log.sync().unwrap(), Index::ORIGIN);
}

fn frames_are_read_back_as_they_were_in_pieces_of_any_size(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    let written = fill(&mut *log, 400);
    assert_ends(&*log, 1, 400);
    for bytes_max in [0, 1, 900, 5000, 1 << 20] {
        assert_eq!(read_all(&*log.reader(), bytes_max), written);
        let pieces = log.reader().read(Index::new(1), bytes_max).unwrap();
        let bytes: usize = pieces.iter().map(Frame::encoded_bytes).sum();
        assert!(bytes <= bytes_max || pieces.len() == 1, "{bytes} bytes for {bytes_max}");
    }
    for frame in &written {
        for index in frame.base().get()..=frame.last().index.get() {
            assert_eq!(log.reader().read(Index::new(index), 0).unwrap(), std::slice::from_ref(frame));
            assert_eq!(log.term_at(Index::new(index)), Some(frame.term()));
            assert_eq!(log.reader().term_at(Index::new(index)), Some(frame.term()));
        }
    }
}

fn heads_name_each_frame_without_reading_it(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    let mut written = fill(&mut *log, 100);
    written.push(seal(9, 101, Body::membership(b"a, b")));
    written.push(seal(10, 102, Body::blank()));
    written.push(seal(10, 103, Body::membership(b"a, b, c")));
    log.append(&written[written.len() - 3..]).unwrap();
    log.sync().unwrap();
    let heads = |reader: &dyn FrameReader, from| {
        let mut heads: Vec<FrameHead> = Vec::new();
        reader
            .heads(Index::new(from), &mut |head| {
                heads.push(head);
                head.base < Index::new(103)
            })
            .unwrap();
        heads.iter().map(|head| (head.base, head.count, head.term, head.kind)).collect::<Vec<_>>()
    };
    let expected = |from: u64| {
        let behind = written.iter().filter(|frame| frame.last().index.get() >= from);
        behind.map(|frame| (frame.base(), frame.count(), frame.term(), frame.kind())).collect::<Vec<_>>()
    };
    let check = |log: &dyn FrameLog| {
        let reader = log.reader();
        for from in [0, 1, 50, 102] {
            assert_eq!(heads(&*reader, from), expected(from), "from {from}");
        }
        assert_eq!(reader.memberships(), [Index::new(101), Index::new(103)]);
        let membership = &reader.read(Index::new(103), 0).unwrap()[0];
        assert_eq!(membership.kind(), FrameKind::Membership);
        assert_eq!(membership.entries().next().unwrap().bytes, b"a, b, c");
    };
    check(&*log);
    if case.survives {
        drop(log);
        log = (case.open)(dir.path()).unwrap();
        check(&*log);
    }
    log.truncate_back(Index::new(102)).unwrap();
    assert_eq!(log.reader().memberships(), [Index::new(101)]);
}

fn a_frame_is_readable_only_once_it_is_durable(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    let reader = log.reader();
    fill(&mut *log, 5);
    log.append(&[frame(2, 6, 4)]).unwrap();
    assert_eq!((log.last().get(), log.durable().get(), reader.last().get()), (9, 5, 5));
    assert_eq!(log.term_at(Index::new(9)), Some(Term::new(2)));
    assert_eq!(reader.read(Index::new(6), 1).unwrap(), []);
    log.sync().unwrap();
    assert_eq!(reader.read(Index::new(6), 1).unwrap(), [frame(2, 6, 4)]);
}

fn a_reopened_log_holds_what_was_synced_and_goes_on(case: FramesCase) {
    if !case.survives {
        return;
    }
    let dir = TestDir::new();
    let mut written = Vec::new();
    for round in 1..=5 {
        let mut log = (case.open)(dir.path()).unwrap();
        assert_ends(&*log, 1, (round - 1) * 60);
        assert_eq!(read_all(&*log.reader(), 3000), written);
        written.extend(fill(&mut *log, round * 60));
        assert_eq!(log.term_at(Index::new(round * 60)), Some(written.last().unwrap().term()));
    }
}

fn frames_without_sync_are_absent_or_whole_after_reopen(case: FramesCase) {
    if !case.survives {
        return;
    }
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    let mut written = fill(&mut *log, 50);
    let more = frames(51, 90);
    log.append(&more).unwrap();
    written.extend(more);
    drop(log);
    let log = (case.open)(dir.path()).unwrap();
    let found = read_all(&*log.reader(), 1 << 20);
    assert!(log.last().get() >= 50 && found == written[..found.len()]);
}

fn frames_that_do_not_follow_are_refused_and_nothing_changes(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    let written = fill(&mut *log, 60);
    let before = log.term_at(Index::new(60)).unwrap().get();
    let refused = [
        vec![frame(before, 60, 1)],
        vec![frame(before, 62, 1)],
        vec![frame(before - 1, 61, 1)],
        vec![frame(before, 61, 1), frame(before, 61, 1)],
        vec![frame(before + 1, 61, 1), frame(before, 62, 1)],
    ];
    for frames in refused {
        let error = log.append(&frames).unwrap_err();
        assert!(matches!(error, Error::OutOfOrder(_)), "{error}");
        assert_eq!(error.status(), Status::InvalidArgument);
    }
    log.append(&[]).unwrap();
    log.sync().unwrap();
    assert_ends(&*log, 1, 60);
    assert_eq!(read_all(&*log.reader(), 100), written);
}

fn an_oversize_frame_is_refused_and_nothing_changes(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    fill(&mut *log, 5);
    let fits = seal(2, 6, Body::membership(&[7; 2048 - 8]));
    let error = log.append(&[fits.clone(), seal(2, 7, Body::membership(&[7; 2048]))]).unwrap_err();
    assert!(matches!(error, Error::TooLarge { what: "frame", len: 2056, max: 2048 }), "{error}");
    assert_eq!(log.last().get(), 5);
    log.append(std::slice::from_ref(&fits)).unwrap();
    log.sync().unwrap();
    assert_eq!(log.reader().read(Index::new(6), 0).unwrap(), [fits]);
}

fn the_back_is_cut_exactly_and_written_again(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    fill(&mut *log, 400);
    let mut ends: Vec<u64> = frames(1, 400).iter().map(|frame| frame.last().index.get()).collect();
    ends.retain(|end| end % 3 == 0 || *end < 30);
    ends.insert(0, 0);
    for (round, keep_to) in (20..).zip(ends.into_iter().rev()) {
        let mut kept = read_all(&*log.reader(), 1 << 20);
        kept.retain(|frame| frame.last().index.get() <= keep_to);
        let reader = log.reader();
        log.truncate_back(Index::new(keep_to)).unwrap();
        assert_ends(&*log, 1, keep_to);
        assert_eq!(read_all(&*reader, 1 << 20), kept);
        drop(reader);
        if case.survives {
            drop(log);
            log = (case.open)(dir.path()).unwrap();
            assert_ends(&*log, 1, keep_to);
            assert_eq!(read_all(&*log.reader(), 1 << 20), kept);
        }
        // Of the size of what stood there, so that old bytes lie where new ones end.
        log.append(&[frame(round, keep_to + 1, COUNTS[(keep_to as usize + 1) % 4])]).unwrap();
        log.sync().unwrap();
        assert_eq!(log.reader().read(Index::new(keep_to + 1), 0).unwrap()[0].term().get(), round);
        log.truncate_back(Index::new(keep_to)).unwrap();
    }
}

fn a_cut_through_a_frame_is_refused_and_nothing_changes(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    log.append(&[frame(1, 1, 5), frame(1, 6, 5), frame(2, 11, 5)]).unwrap();
    for keep_to in [1, 4, 6, 9, 12] {
        let error = log.truncate_back(Index::new(keep_to)).unwrap_err();
        assert!(matches!(error, Error::OutOfOrder(_)), "{error}");
    }
    assert_ends(&*log, 1, 15);
    log.truncate_back(Index::new(u64::MAX - 1)).unwrap();
    log.truncate_back(Index::new(10)).unwrap();
    assert_ends(&*log, 1, 10);
}

fn the_front_is_cut_and_everything_asked_for_stays(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    let written = fill(&mut *log, 600);
    let mut before = 1;
    for keep_from in [1, 2, 300, 300, 100, 601] {
        log.purge_front(Index::new(keep_from)).unwrap();
        let first = log.first().get();
        assert!((before..=keep_from.max(before)).contains(&first), "{first} for {keep_from}");
        assert_ends(&*log, first, 600);
        let kept: Vec<_> = written.iter().filter(|frame| frame.base().get() >= first).cloned().collect();
        assert_eq!(read_all(&*log.reader(), 2000), kept);
        before = first;
    }
    assert!(before > 300, "cutting a long log gives entries back");
    if case.survives {
        drop(log);
        log = (case.open)(dir.path()).unwrap();
        if before <= 600 {
            assert_ends(&*log, before, 600);
        }
    }
    fill(&mut *log, 700);
    assert_ends(&*log, before, 700);
    let error = log.truncate_back(Index::new(before - 2)).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { .. }), "{error}");
    let error = log.purge_front(Index::new(702)).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { .. }), "{error}");
    log.truncate_back(Index::new(before - 1)).unwrap();
    assert_ends(&*log, before, before - 1);
}

fn a_log_that_was_reset_begins_where_it_was_told(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    fill(&mut *log, 300);
    log.append(&[frame(50, 301, 2)]).unwrap();
    for next in [1000, 10, 1, 5000] {
        let reader = log.reader();
        log.reset(Index::new(next)).unwrap();
        assert_ends(&*log, next, next - 1);
        assert_eq!(reader.first().get(), next);
        drop(reader);
        if case.survives {
            drop(log);
            log = (case.open)(dir.path()).unwrap();
            assert_ends(&*log, next, next - 1);
        }
        let written = fill(&mut *log, next + 200);
        assert_eq!(read_all(&*log.reader(), 1 << 20), written);
    }
    let error = log.reset(Index::ORIGIN).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { .. }), "{error}");
}

fn a_file_made_ready_ahead_changes_nothing(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    let mut written = Vec::new();
    for round in 1..=20 {
        if let Some(preparation) = log.prepare_next() {
            std::thread::spawn(move || preparation.run()).join().unwrap().unwrap();
        }
        written.extend(fill(&mut *log, round * 40));
    }
    assert_eq!(read_all(&*log.reader(), 1 << 20), written);
}

fn readers_run_beside_the_writer(case: FramesCase) {
    let dir = TestDir::new();
    let mut log = (case.open)(dir.path()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let reader = log.reader();
            scope.spawn(move || {
                while reader.last().get() < 800 {
                    let (first, last) = (reader.first().get(), reader.last().get());
                    for index in [first, last, u64::midpoint(first, last)].map(Index::new) {
                        // Frames may be cut between the two calls; what is there is right.
                        let found = reader.read(index, 2000).unwrap();
                        for frame in &found {
                            let (base, count) = (frame.base().get(), frame.count());
                            assert_eq!(*frame, self::frame(frame.term().get(), base, count));
                        }
                        let follows = |pair: &[Frame]| pair[0].last().index.next() == pair[1].base();
                        assert!(found.windows(2).all(follows));
                    }
                }
            });
        }
        for round in 1..=80 {
            let base = round * 10 - 9;
            log.append(&[frame(round, base, 10), frame(round, base + 10, 5)]).unwrap();
            log.sync().unwrap();
            log.truncate_back(Index::new(base + 9)).unwrap();
            log.purge_front(Index::new(base.saturating_sub(90))).unwrap();
        }
    });
    assert_eq!(log.last().get(), 800);
}

fn open_and_close_cycles_leak_no_descriptor(case: FramesCase) {
    let dir = TestDir::new();
    for cycle in 0..30 {
        let mut log = (case.open)(dir.path()).unwrap();
        if cycle % 10 == 0 {
            let last = log.last().get() + 50;
            fill(&mut *log, last);
            log.reader().read(Index::new(1), 1).unwrap();
            log.prepare_next();
        }
        drop(log);
        assert_all_closed(dir.path(), &format!("after cycle {cycle}"));
    }
}

macro_rules! frames_suite {
    ($backend:ident, $case:expr) => {
        mod $backend {
            use super::*;

            const CASE: FramesCase = $case;

            cases! { CASE;
                an_empty_log_ends_before_it_begins,
                frames_are_read_back_as_they_were_in_pieces_of_any_size,
                heads_name_each_frame_without_reading_it,
                a_frame_is_readable_only_once_it_is_durable,
                a_reopened_log_holds_what_was_synced_and_goes_on,
                frames_without_sync_are_absent_or_whole_after_reopen,
                frames_that_do_not_follow_are_refused_and_nothing_changes,
                an_oversize_frame_is_refused_and_nothing_changes,
                the_back_is_cut_exactly_and_written_again,
                a_cut_through_a_frame_is_refused_and_nothing_changes,
                the_front_is_cut_and_everything_asked_for_stays,
                a_log_that_was_reset_begins_where_it_was_told,
                a_file_made_ready_ahead_changes_nothing,
                readers_run_beside_the_writer,
                open_and_close_cycles_leak_no_descriptor,
            }
        }
    };
}

fn segments(dir: &Path, recent_bytes_max: usize) -> Result<Box<dyn FrameLog>, Error> {
    // Small files, so that every case crosses several of them.
    let options = FrameLogOptions { segment_bytes: 8192, limits: LIMITS, recent_bytes_max };
    Ok(Box::new(SegmentFrameLog::open_sized(dir, &options)?))
}

fn without_faults(dir: &Path) -> Result<Box<dyn FrameLog>, Error> {
    Ok(Box::new(FaultyFrameLog::new(segments(dir, 0)?, LIMITS, Faults::new())))
}

frames_suite!(of_memory, FramesCase { open: |_| Ok(Box::new(MemoryFrameLog::new(LIMITS))), survives: false });
frames_suite!(of_segments, FramesCase { open: |dir| segments(dir, 0), survives: true });
// A part of what most cases write.
frames_suite!(of_segments_and_memory, FramesCase { open: |dir| segments(dir, 20 << 10), survives: true });
frames_suite!(of_faulty, FramesCase { open: without_faults, survives: true });

#[cfg(feature = "rocksdb")]
fn rocks(dir: &Path) -> Result<Box<dyn FrameLog>, Error> {
    Ok(Box::new(crate::storage::frames::RocksFrameLog::open(dir, LIMITS, &StoreOptions::default())?))
}

#[cfg(feature = "rocksdb")]
frames_suite!(of_rocksdb, FramesCase { open: rocks, survives: true });
