//! What the log does with its directory, its options and its memory.

use super::*;
use crate::frame::FrameLimits;
use crate::storage::suite::TestDir;
use crate::storage::suite::batches::{frame, read_all};
use crate::types::Status;
use std::fs;
use std::sync::mpsc::{SyncSender, sync_channel};

const OPTIONS: FrameLogOptions = FrameLogOptions {
    segment_bytes: 8 << 10,
    limits: FrameLimits { body_bytes_max: 1024, entries_max: 100 },
    recent_bytes_max: 0,
};

fn open(dir: &Path) -> Result<SegmentFrameLog, Error> {
    SegmentFrameLog::open_sized(dir, &OPTIONS)
}

fn fill(log: &mut SegmentFrameLog, frames: u64) {
    for _ in 0..frames {
        log.append(&[frame(1, log.last().get() + 1, 5)]).unwrap();
    }
    log.sync().unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn sizes_out_of_range_are_refused_by_name() {
    let dir = TestDir::new();
    let table = [
        ((1 << 20) - 1, 1024, "1048576 to 1073741824"),
        ((1 << 30) + 1, 1024, "1048576 to 1073741824"),
        (1 << 20, 1 << 20, "a frame of the largest size needs"),
    ];
    for (segment_bytes, body_bytes_max, text) in table {
        let limits = FrameLimits { body_bytes_max, entries_max: 10 };
        let options = FrameLogOptions { segment_bytes, limits, ..OPTIONS };
        let Err(error) = SegmentFrameLog::open(dir.path(), &options) else { panic!("{options:?}") };
        assert!(error.to_string().contains(text) && error.status() == Status::Config, "{error}");
    }
    let options = FrameLogOptions { segment_bytes: 1 << 20, ..OPTIONS };
    assert_eq!(SegmentFrameLog::open(dir.path(), &options).unwrap().last().get(), 0);
    assert_eq!(fs::metadata(dir.path().join("00000000000000000001.frames")).unwrap().len(), 1 << 20);
}

#[test]
fn files_of_another_size_are_read_and_followed_by_those_of_the_new_one() {
    let dir = TestDir::new();
    let mut frames = 0;
    for segment_bytes in [16 << 10, 8 << 10, 32 << 10] {
        let options = FrameLogOptions { segment_bytes, ..OPTIONS };
        let mut log = SegmentFrameLog::open_sized(dir.path(), &options).unwrap();
        assert_eq!(log.last().get(), frames * 5);
        fill(&mut log, 40);
        frames += 40;
    }
    let mut log = open(dir.path()).unwrap();
    assert_eq!(read_all(&*log.reader(), 0).len(), 120);
    log.purge_front(Index::new(600)).unwrap();
    assert!(names(dir.path()).iter().all(|name| {
        let bytes = fs::metadata(dir.path().join(name)).unwrap().len();
        bytes == 8 << 10 || name.ends_with(".frames")
    }));
}

#[test]
fn a_file_is_ready_after_its_preparation_and_used_at_the_next_roll() {
    let dir = TestDir::new();
    let mut log = open(dir.path()).unwrap();
    log.prepare_next().expect("nothing is ready").run().unwrap();
    assert!(log.prepare_next().is_none(), "one is enough");
    assert_eq!(names(dir.path()), ["00000000000000000001.frames", "next.ready"]);
    let ready = fs::metadata(dir.path().join("next.ready")).unwrap();
    fill(&mut log, 30);
    use std::os::unix::fs::MetadataExt;
    let rolled = &names(dir.path())[1];
    assert_eq!(fs::metadata(dir.path().join(rolled)).unwrap().ino(), ready.ino());
    log.prepare_next().expect("it was used").run().unwrap();
    drop(log);
    let mut log = open(dir.path()).unwrap();
    assert_eq!(log.last().get(), 150);
    assert!(names(dir.path()).contains(&"next.spare".to_owned()), "made ready again when it is needed");
    log.prepare_next().expect("a spare is not ready").run().unwrap();
}

/// A log, and what it is expected to hold.
struct Expected {
    log: SegmentFrameLog,
    frames: Vec<crate::frame::Frame>,
    term: u64,
}

impl Expected {
    fn new(dir: &Path) -> Self {
        Self { log: open(dir).unwrap(), frames: Vec::new(), term: 1 }
    }

    fn fill(&mut self, count: usize) {
        for _ in 0..count {
            let frame = frame(self.term, self.log.last().get() + 1, 5);
            self.log.append(std::slice::from_ref(&frame)).unwrap();
            self.frames.push(frame);
        }
        self.log.sync().unwrap();
    }

    /// What follows is of a later term, so it can be told from what was there.
    fn cut_back(&mut self, keep_to: Index) {
        self.log.truncate_back(keep_to).unwrap();
        self.frames.retain(|frame| frame.base() <= keep_to);
        self.term += 1;
    }

    /// Has the next file made ready elsewhere, if that is to be done.
    fn prepare(&mut self, worker: &SyncSender<Preparation>) {
        if let Some(job) = self.log.prepare_next() {
            worker.send(job).unwrap();
        }
    }

    /// First index of the last file.
    fn last_file(&self, dir: &Path) -> Index {
        let bases = names(dir).into_iter().filter_map(|name| name.strip_suffix(".frames")?.parse().ok());
        Index::new(bases.max().unwrap())
    }

    fn check(&self) {
        let first = self.log.first();
        let kept: Vec<_> = self.frames.iter().filter(|frame| frame.base() >= first).cloned().collect();
        assert_eq!(read_all(&*self.log.reader(), 1 << 16), kept);
    }
}

#[test]
fn a_spare_that_is_being_made_ready_is_not_mistaken_for_one_that_is_put_back_meanwhile() {
    let dir = TestDir::new();
    let mut expected = Expected::new(dir.path());
    expected.fill(30);
    expected.log.prepare_next().expect("nothing is ready").run().unwrap();
    let last = expected.last_file(dir.path());
    let before = last.back(1).unwrap();
    expected.cut_back(before);
    // The file before is full: this one takes the file that is ready, and the name of the spare.
    expected.fill(1);
    assert_eq!(expected.last_file(dir.path()), last);
    let held = expected.log.stock.draft(Layout::Written).unwrap();
    expected.cut_back(before);
    expected.log.stock.make_ready(held).unwrap();
    expected.fill(30);
    expected.check();
    drop(expected.log);
    expected.log = open(dir.path()).unwrap();
    expected.check();
}

#[test]
fn a_thread_that_makes_files_ready_while_the_log_is_cut_and_written_changes_nothing() {
    let dir = TestDir::new();
    let mut expected = Expected::new(dir.path());
    std::thread::scope(|scope| {
        let (to_worker, jobs) = sync_channel::<Preparation>(1);
        scope.spawn(move || jobs.into_iter().for_each(|job| job.run().unwrap()));
        for round in 0..60 {
            expected.fill(30);
            expected.prepare(&to_worker);
            // Across one end of a file, and the same one again.
            let before = expected.last_file(dir.path()).back(1).unwrap();
            for frames in 1..=2 {
                expected.cut_back(before);
                expected.prepare(&to_worker);
                expected.fill(frames);
            }
            if round % 7 == 6 {
                expected.log.purge_front(before).unwrap();
            }
            expected.check();
        }
    });
    drop(expected.log);
    expected.log = open(dir.path()).unwrap();
    expected.check();
}

#[test]
fn a_reset_lays_out_no_zeros_while_a_vote_may_wait_behind_it() {
    let dir = TestDir::new();
    let mut log = open(dir.path()).unwrap();
    fill(&mut log, 3);
    drop(log);
    // Files of another size are no spares, so there is none.
    let options = FrameLogOptions { segment_bytes: 1 << 20, ..OPTIONS };
    let mut log = SegmentFrameLog::open(dir.path(), &options).unwrap();
    crate::storage::platter::install(dir.path(), None);
    log.reset(Index::new(100)).unwrap();
    let steps = crate::storage::platter::look().steps;
    crate::storage::platter::remove();
    assert!(steps < 12, "{steps} steps");
    fill(&mut log, 3);
    assert_eq!((log.first().get(), log.last().get()), (100, 114));
}

#[test]
fn what_an_interrupted_creation_left_is_removed_and_strangers_are_left_alone() {
    let dir = TestDir::new();
    fill(&mut open(dir.path()).unwrap(), 3);
    for name in ["next.tmp", "00000000000000000004.spare", "notes.txt", "4.spare", "notes.tmp"] {
        fs::write(dir.path().join(name), "half").unwrap();
    }
    let log = open(dir.path()).unwrap();
    assert_eq!(log.last().get(), 15);
    assert_eq!(names(dir.path()), ["00000000000000000001.frames", "4.spare", "notes.tmp", "notes.txt"]);
    drop(log);
    for name in ["1.frames", "x.frames", "00000000000000000000.frames"] {
        fs::write(dir.path().join(name), "").unwrap();
        let Err(error) = open(dir.path()) else { panic!("{name}") };
        assert!(matches!(&error, Error::Corrupt { path, .. } if path.ends_with(name)), "{error}");
        fs::remove_file(dir.path().join(name)).unwrap();
    }
}

#[test]
fn a_newer_format_and_files_that_overlap_are_refused() {
    let dir = TestDir::new();
    fill(&mut open(dir.path()).unwrap(), 30);
    let file = dir.path().join("00000000000000000001.frames");
    let whole = fs::read(&file).unwrap();
    let mut newer = whole.clone();
    for at in [0, 2048] {
        newer[at + 8] = 7;
        let crc = crc32c::crc32c(&newer[at..at + 28]);
        newer[at + 28..at + 32].copy_from_slice(&crc.to_le_bytes());
    }
    fs::write(&file, newer).unwrap();
    let Err(error) = open(dir.path()) else { panic!("opened") };
    assert!(
        matches!(&error, Error::FormatTooNew { path, found: 7, supported: 1 } if *path == file),
        "{error}"
    );
    fs::write(&file, &whole).unwrap();

    let second = dir.path().join(&names(dir.path())[1]);
    fs::rename(&second, dir.path().join("00000000000000000003.frames")).unwrap();
    let Err(error) = open(dir.path()) else { panic!("opened") };
    assert!(error.to_string().contains("00000000000000000003.frames is corrupt"), "{error}");
}

#[test]
fn many_small_frames_in_one_file_take_a_bounded_index_and_are_all_found() {
    let dir = TestDir::new();
    let options = FrameLogOptions { segment_bytes: 4 << 20, ..OPTIONS };
    let mut log = SegmentFrameLog::open(dir.path(), &options).unwrap();
    let count = 2 * index::PLACES_MAX as u64 + 1000;
    let frames: Vec<_> = (1..=count).map(|base| frame(1 + base / 1000, base, 1)).collect();
    log.append(&frames).unwrap();
    log.sync().unwrap();
    assert_eq!(names(dir.path()).len(), 1);
    for _ in 0..2 {
        for frame in frames.iter().step_by(37) {
            assert_eq!(log.reader().read(frame.base(), 0).unwrap(), std::slice::from_ref(frame));
            assert_eq!(log.reader().term_at(frame.base()), Some(frame.term()));
        }
        log.truncate_back(Index::new(count)).unwrap();
        drop(log);
        log = SegmentFrameLog::open(dir.path(), &options).unwrap();
    }
    assert_eq!(read_all(&*log.reader(), 1 << 16), frames);
}

#[test]
fn a_group_larger_than_what_waits_is_written_ahead_and_synced_once() {
    let dir = TestDir::new();
    let limits = FrameLimits { body_bytes_max: 1 << 20, entries_max: 10 };
    let mut log =
        SegmentFrameLog::open(dir.path(), &FrameLogOptions { segment_bytes: 64 << 20, limits, ..OPTIONS })
            .unwrap();
    let body = crate::frame::Body::membership(&[7; 1 << 19]);
    for base in 1..=20 {
        log.append(&[crate::storage::suite::batches::seal(1, base, body.clone())]).unwrap();
        assert!(log.waiting_bytes <= GROUP_BYTES_MAX + (1 << 20));
    }
    assert_eq!(log.reader().last(), Index::ORIGIN);
    assert_eq!(log.sync().unwrap().get(), 20);
    assert_eq!(read_all(&*log.reader(), 3 << 20).len(), 20);
}

#[test]
fn a_read_that_a_cut_overtakes_counts_for_nothing() {
    let dir = TestDir::new();
    let mut log = open(dir.path()).unwrap();
    fill(&mut log, 60);
    let reader = log.reader();
    let before = crate::storage::suite::descriptors_in(dir.path());
    reader.read(Index::new(1), 0).unwrap();
    log.purge_front(Index::new(250)).unwrap();
    assert_eq!(reader.read(Index::new(1), 0).unwrap(), []);
    assert_eq!(crate::storage::suite::descriptors_in(dir.path()), before);
}
