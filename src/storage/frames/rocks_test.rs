//! What opening says of a database whose own log is damaged, and who has it.

use super::*;
use crate::storage::suite::TestDir;
use crate::storage::suite::batches::{frame, read_all};
use std::fs;

const LIMITS: FrameLimits = FrameLimits { body_bytes_max: 1024, entries_max: 100 };

fn open(dir: &Path) -> Result<RocksFrameLog, Error> {
    RocksFrameLog::open(dir, LIMITS, &StoreOptions::default())
}

/// A closed log of three frames, each synced by itself, and a copy of what it is on the disk: an opening writes.
struct Closed {
    frames: Vec<Frame>,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Closed {
    fn new() -> Self {
        let dir = TestDir::new();
        let frames: Vec<_> = (0..3).map(|number| frame(1, 1 + number * 3, 3)).collect();
        let mut log = open(dir.path()).unwrap();
        for frame in &frames {
            log.append(std::slice::from_ref(frame)).unwrap();
            log.sync().unwrap();
        }
        drop(log);
        let found = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = found.map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap())).collect();
        Self { frames, files }
    }

    /// What RocksDB wrote before it told that a sync was done.
    fn log(&self) -> &[u8] {
        let logs = self.files.iter().filter(|(name, _)| name.extension().is_some_and(|end| end == "log"));
        let [(_, log)] = logs.collect::<Vec<_>>()[..] else { panic!("it has one log") };
        log
    }

    /// Where the record of the last frame begins, in its log.
    fn last_record(&self) -> usize {
        let mut bytes = Vec::new();
        self.frames[1].encode(&mut bytes);
        self.log().windows(bytes.len()).position(|window| window == bytes).unwrap() + bytes.len()
    }

    fn opened_with(&self, log: &[u8]) -> Result<Vec<Frame>, Error> {
        let dir = TestDir::new();
        for (name, bytes) in &self.files {
            let is_log = name.extension().is_some_and(|end| end == "log");
            fs::write(dir.path().join(name), if is_log { log } else { bytes }).unwrap();
        }
        Ok(read_all(&*open(dir.path())?.reader(), usize::MAX))
    }
}

#[test]
fn a_log_that_ends_within_its_last_record_ends_before_it() {
    let closed = Closed::new();
    assert_eq!(closed.opened_with(closed.log()).unwrap(), closed.frames);
    let (begin, end) = (closed.last_record(), closed.log().len());
    for cut in (begin..end).step_by((end - begin) / 10) {
        assert_eq!(closed.opened_with(&closed.log()[..cut]).unwrap(), closed.frames[..2], "{cut} of {end}");
    }
}

#[test]
fn a_bit_that_turned_over_in_a_frame_is_refused_and_in_the_last_one_too() {
    let closed = Closed::new();
    let mut bytes = Vec::new();
    for frame in &closed.frames {
        bytes.clear();
        frame.encode(&mut bytes);
        let at = closed.log().windows(bytes.len()).position(|window| window == bytes).unwrap();
        for byte in (at..at + bytes.len()).step_by(bytes.len() / 4) {
            let mut log = closed.log().to_vec();
            log[byte] ^= 0x10;
            let outcome = closed.opened_with(&log);
            assert!(matches!(outcome, Err(Error::Corrupt { .. })), "{byte}: {outcome:?}");
        }
    }
}

#[test]
fn a_closed_log_is_given_back_while_somebody_has_a_reader_of_it() {
    let dir = TestDir::new();
    let mut log = open(dir.path()).unwrap();
    log.append(&[frame(1, 1, 3)]).unwrap();
    log.sync().unwrap();
    let reader = log.reader();
    assert_eq!(reader.read(Index::new(1), 0).unwrap(), [frame(1, 1, 3)]);
    assert!(matches!(open(dir.path()), Err(Error::Locked { .. })));
    drop(log);
    assert!(matches!(reader.read(Index::new(1), 0), Err(Error::Closed)));
    assert!(matches!(reader.heads(Index::new(1), &mut |_| true), Err(Error::Closed)));
    let mut log = open(dir.path()).unwrap();
    log.append(&[frame(1, 4, 3)]).unwrap();
    log.sync().unwrap();
    assert_eq!((reader.last(), log.reader().last()), (Index::new(3), Index::new(6)));
}
