//! What the files look like after damage, what opening them says, and how peers' frames mend it.

use super::*;
use crate::frame::{Body, FrameLimits};
use crate::storage::suite::TestDir;
use crate::storage::suite::batches::{frame, read_all, seal};
use std::fs;

const OPTIONS: FrameLogOptions = FrameLogOptions {
    segment_bytes: 7 << 10,
    limits: FrameLimits { body_bytes_max: 1024, entries_max: 100 },
    recent_bytes_max: 0,
};

fn open(dir: &Path) -> Result<SegmentFrameLog, Error> {
    SegmentFrameLog::open_sized(dir, &OPTIONS)
}

/// A closed log of `count` frames in groups of `group`; its frames, and where each one is.
fn written(dir: &Path, count: u64, group: usize) -> Vec<(Frame, PathBuf, std::ops::Range<u64>)> {
    let mut log = open(dir).unwrap();
    let frames: Vec<_> = (0..count).map(|number| frame(1 + number / 4, 1 + number * 3, 3)).collect();
    for group in frames.chunks(group) {
        log.append(group).unwrap();
        log.sync().unwrap();
    }
    let place = |frame: Frame| {
        let (path, extent) = view::place_of(&log.shared, frame.base());
        (frame, path, extent)
    };
    frames.into_iter().map(place).collect()
}

fn flip(path: &Path, bit: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[bit as usize / 8] ^= 1 << (bit % 8);
    fs::write(path, bytes).unwrap();
}

fn assert_corrupt(outcome: Result<SegmentFrameLog, Error>, file: &Path, at: u64) {
    match outcome.map(|log| log.last()) {
        Err(Error::Corrupt { path, offset, .. }) => assert_eq!((&*path, offset), (file, at)),
        other => panic!("{other:?} for damage at {at} of {}", file.display()),
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_durable_frame_is_refused_with_its_place_and_mended() {
    // One group: only the mark of the last sync tells that all of it was durable.
    for group in [1, 30] {
        let dir = TestDir::new();
        let places = written(dir.path(), 30, group);
        let frames: Vec<_> = places.iter().map(|(frame, ..)| frame.clone()).collect();
        let files: std::collections::BTreeSet<_> = places.iter().map(|(_, path, _)| path.clone()).collect();
        assert!(files.len() >= 3, "sealed files and an active one");
        for (number, (frame, path, extent)) in places.iter().enumerate() {
            for bit in (extent.start * 8..extent.end * 8).step_by(131) {
                flip(path, bit);
                assert_corrupt(open(dir.path()), path, extent.start);
                flip(path, bit);
            }
            flip(path, extent.start * 8 + 77 + number as u64 * 40);
            let damages = SegmentFrameLog::damages(dir.path()).unwrap();
            let [damage] = &damages[..] else { panic!("{damages:?}") };
            assert_eq!((damage.path(), damage.offset()), (&**path, extent.start));
            assert_eq!((damage.from(), damage.to()), (frame.base(), frame.last().index));
            damage.mend(std::slice::from_ref(frame)).unwrap();
            assert_eq!(read_all(&*open(dir.path()).unwrap().reader(), 1 << 20), frames);
        }
    }
}

#[test]
fn several_gaps_are_found_and_mended_one_by_one() {
    let dir = TestDir::new();
    let places = written(dir.path(), 30, 4);
    let frames: Vec<_> = places.iter().map(|(frame, ..)| frame.clone()).collect();
    for number in [2, 3, 9, 10, 11, 17, 29] {
        flip(&places[number].1, places[number].2.start * 8 + 3);
    }
    let damages = SegmentFrameLog::damages(dir.path()).unwrap();
    assert!(damages.len() >= 4, "{damages:?}");
    for damage in &damages {
        let missing: Vec<_> = frames
            .iter()
            .filter(|frame| (damage.from()..=damage.to()).contains(&frame.base()))
            .cloned()
            .collect();
        damage.mend(&missing).unwrap();
    }
    assert_eq!(SegmentFrameLog::damages(dir.path()).unwrap(), []);
    let mut log = open(dir.path()).unwrap();
    assert_eq!(read_all(&*log.reader(), 1 << 20), frames);
    log.append(&[frame(99, 91, 2)]).unwrap();
    log.sync().unwrap();
}

#[test]
fn frames_that_are_not_those_of_the_gap_are_refused_and_nothing_changes() {
    let dir = TestDir::new();
    let places = written(dir.path(), 12, 1);
    let (missing, path, extent) = &places[5];
    // The body: the header survives, and says which frame it was.
    flip(path, extent.end * 8 - 70);
    let before = fs::read(path).unwrap();
    let damage = &SegmentFrameLog::damages(dir.path()).unwrap()[0];
    let base = missing.base().get();
    let refused = [
        vec![],
        vec![frame(2, base + 3, 3)],
        vec![frame(2, base, 2)],
        vec![frame(2, base, 4)],
        vec![frame(1, base, 3)],
        vec![frame(2, base, 2), frame(2, base + 2, 1)],
        vec![seal(2, base, Body::membership(b"not it")), frame(2, base + 1, 2)],
    ];
    for frames in refused {
        let error = damage.mend(&frames).unwrap_err();
        assert!(matches!(error, Error::OutOfOrder(_)), "{error}");
    }
    assert_eq!(fs::read(path).unwrap(), before);
    damage.mend(std::slice::from_ref(missing)).unwrap();
    open(dir.path()).unwrap();

    // The head: only place, length and terms tell.
    flip(path, extent.start * 8 + 5);
    let damage = &SegmentFrameLog::damages(dir.path()).unwrap()[0];
    for term in [1, 3] {
        damage.mend(&[frame(term, base, 3)]).unwrap_err();
    }
    damage.mend(std::slice::from_ref(missing)).unwrap();
    open(dir.path()).unwrap();
}

#[test]
fn a_lost_first_page_or_a_lost_file_is_mended_from_what_stands_behind() {
    let dir = TestDir::new();
    let places = written(dir.path(), 30, 4);
    let frames: Vec<_> = places.iter().map(|(frame, ..)| frame.clone()).collect();
    let second = places.iter().map(|(_, path, _)| path).find(|path| **path != places[0].1).unwrap();
    let inside = places.iter().filter(|(_, path, _)| path == second);
    let inside: Vec<_> = inside.map(|(frame, ..)| frame.clone()).collect();

    flip(second, 3);
    open(dir.path()).expect("the other copy of the identity is whole");
    flip(second, 2048 * 8 + 3);
    assert_corrupt(open(dir.path()), second, 0);
    let damages = SegmentFrameLog::damages(dir.path()).unwrap();
    assert_eq!((damages.len(), damages[0].offset()), (1, 0));
    damages[0].mend(&inside).unwrap();
    assert_eq!(read_all(&*open(dir.path()).unwrap().reader(), 1 << 20), frames);

    fs::remove_file(second).unwrap();
    let damages = SegmentFrameLog::damages(dir.path()).unwrap();
    assert_eq!((damages[0].from(), damages[0].path()), (inside[0].base(), &*places[0].1));
    open(dir.path()).expect_err("entries are missing");
    damages[0].mend(&inside).unwrap();
    assert_eq!(read_all(&*open(dir.path()).unwrap().reader(), 1 << 20), frames);

    // Nothing says how far the last file went.
    let last = &places[29].1;
    flip(last, 3);
    flip(last, 2048 * 8 + 3);
    let error = SegmentFrameLog::damages(dir.path()).unwrap_err();
    assert!(matches!(&error, Error::Corrupt { path, offset: 0, .. } if path == last), "{error}");
}

#[test]
fn the_terms_on_both_sides_of_a_damage_are_known_across_files() {
    let dir = TestDir::new();
    let places = written(dir.path(), 30, 4);
    let term = |number: usize| places.get(number).map(|(frame, ..)| frame.term());
    for (number, (_, path, extent)) in places.iter().enumerate() {
        flip(path, extent.start * 8 + 3);
        let damages = SegmentFrameLog::damages(dir.path()).unwrap();
        let [damage] = &damages[..] else { panic!("{damages:?}") };
        assert_eq!(damage.term_before(), number.checked_sub(1).and_then(term), "before {number}");
        assert_eq!(damage.term_behind(), term(number + 1), "behind {number}");
        flip(path, extent.start * 8 + 3);
    }

    let begins = |number: &usize| places[*number].1 != places[number - 1].1;
    let second = (1..30).find(begins).unwrap();
    let third = (second + 1..30).find(begins).unwrap();
    let (frame_of, path) = (|number: usize| &places[number].0, &places[third].1);
    // The first frame of a file, with nothing but the files beside it to tell which terms fit.
    flip(path, places[third].2.start * 8 + 3);
    let damage = &SegmentFrameLog::damages(dir.path()).unwrap()[0];
    let before = frame_of(third - 1).term().get();
    assert!(before > 1);
    let error = damage.mend(&[frame(before - 1, damage.from().get(), 3)]).unwrap_err();
    assert!(matches!(error, Error::OutOfOrder(_)), "{error}");
    damage.mend(std::slice::from_ref(frame_of(third))).unwrap();

    // The end of one file and all of the next: two damages, of which each is what stands beside the other.
    flip(&places[second - 1].1, places[second - 1].2.start * 8 + 3);
    flip(&places[second].1, 3);
    flip(&places[second].1, 2048 * 8 + 3);
    let damages = SegmentFrameLog::damages(dir.path()).unwrap();
    let [one, other] = &damages[..] else { panic!("{damages:?}") };
    assert_eq!(one.to().next(), other.from());
    assert_eq!((one.term_before(), one.term_behind()), (term(second - 2), None));
    assert_eq!((other.term_before(), other.term_behind()), (None, term(third)));
    let later = frame_of(third).term().get() + 1;
    other.mend(&[frame(later, other.from().get(), 3 * u32::try_from(third - second).unwrap())]).unwrap_err();
    one.mend(std::slice::from_ref(frame_of(second - 1))).unwrap();
    let inside: Vec<_> = (second..third).map(|number| frame_of(number).clone()).collect();
    other.mend(&inside).unwrap();
    let frames: Vec<_> = places.iter().map(|(frame, ..)| frame.clone()).collect();
    assert_eq!(read_all(&*open(dir.path()).unwrap().reader(), 1 << 20), frames);
}

#[test]
fn a_torn_tail_is_cut_at_every_length_of_the_last_frame() {
    let dir = TestDir::new();
    let places = written(dir.path(), 5, 1);
    let (_, path, last) = &places[4];
    let whole = fs::read(path).unwrap();
    // The rest as it was before: zeros, noise, or nothing at all.
    for length in (last.start..=last.end + 32).step_by(3) {
        for tail in [0, 1, 2] {
            let mut bytes = whole[..length as usize].to_vec();
            match tail {
                0 => bytes.resize(whole.len(), 0),
                1 => bytes.extend((0..500_u32).map(|at| (at * 97 % 251) as u8)),
                _ => {}
            }
            let range = last.start as usize..last.end as usize;
            let is_whole = bytes.get(range.clone()) == whole.get(range);
            fs::write(path, bytes).unwrap();
            let kept = if is_whole { 5 } else { 4 };
            let mut log = open(dir.path()).unwrap();
            assert_eq!(log.last().get(), kept * 3);
            log.append(&[frame(8, kept * 3 + 1, 3)]).unwrap();
            log.sync().unwrap();
            drop(log);
            assert_eq!(open(dir.path()).unwrap().last().get(), kept * 3 + 3);
        }
    }
}

#[test]
fn damage_in_a_group_whose_mark_a_power_failure_lost_is_cut_unless_a_later_group_proves_it() {
    let dir = TestDir::new();
    let places = written(dir.path(), 6, 3);
    let (_, path, last) = &places[5];
    let mut bytes = fs::read(path).unwrap();
    bytes[last.end as usize..].fill(0);
    bytes[places[4].2.start as usize + 40] ^= 1;
    fs::write(path, &bytes).unwrap();
    assert_eq!(open(dir.path()).unwrap().last().get(), 12);

    // Opening made what was left durable, and said so.
    flip(path, places[3].2.start * 8);
    assert_corrupt(open(dir.path()), path, places[3].2.start);
    flip(path, places[3].2.start * 8);
    flip(path, places[1].2.start * 8);
    assert_corrupt(open(dir.path()), path, places[1].2.start);
}

#[test]
fn what_was_cut_or_used_before_is_never_taken_for_a_frame() {
    let dir = TestDir::new();
    let mut log = open(dir.path()).unwrap();
    // The same sizes again and again, so that what was cut lies exactly behind what is new.
    for round in 1..40 {
        let base = log.last().get() + 1;
        log.append(&[frame(round, base, 3), frame(round, base + 3, 3), frame(round, base + 6, 3)]).unwrap();
        log.sync().unwrap();
        log.truncate_back(Index::new(base - 1)).unwrap();
        log.append(&[frame(round, base, 3)]).unwrap();
        log.sync().unwrap();
        drop(log);
        log = open(dir.path()).unwrap();
        assert_eq!(log.last().get(), base + 2, "round {round}");
        log.purge_front(Index::new(base)).unwrap();
    }
    let files = fs::read_dir(dir.path()).unwrap().count();
    assert!(files <= 2 + stock::SPARES_MAX, "{files} files: they are used again");
}

#[test]
fn damage_after_opening_is_found_by_the_reader() {
    let dir = TestDir::new();
    let places = written(dir.path(), 8, 1);
    let log = open(dir.path()).unwrap();
    let (frame, path, extent) = &places[4];
    flip(path, extent.end * 8 - 70);
    let error = log.reader().read(frame.base(), 0).unwrap_err();
    assert!(matches!(&error, Error::Corrupt { path: at, .. } if at == path), "{error}");
    assert_eq!(log.reader().read(places[3].0.base(), 0).unwrap(), [places[3].0.clone()]);
}
