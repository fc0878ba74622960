//! A disk that is really full, a file that really cannot grow, a file system that is really read-only.
//!
//! Each case runs in a process of its own. The size limit needs no privilege and always runs; the tests in
//! `mounted` mount in a private namespace: `cargo test` counts them as ignored, and
//! `-- --ignored mounted::` runs them where that is allowed.

use super::batches::{read_all, seal};
use super::log::RECORD_BYTES_MAX;
use super::{TestDir, child, child_dir, open_store};
use crate::frame::{Body, FrameLimits};
use crate::storage::frames::{FrameLog, FrameLogOptions, SegmentFrameLog};
use crate::storage::{
    Backend, Batch, DirLock, Error, Family, Log, LogKind, LogOptions, Store, check_format, open_log,
};
use crate::types::{Index, Status};
use std::fs;
use std::path::Path;

const TMPFS: &str =
    r#"exec unshare --mount sh -c 'mount -t tmpfs -o size=2m none "$DIR" && exec "$@"' sh "$@""#;
const TMPFS_READ_ONLY: &str = r#"exec unshare --mount sh -c 'mount -t tmpfs none "$DIR" && mkdir "$DIR/sub" && mount -o remount,ro "$DIR" && exec "$@"' sh "$@""#;
/// 64 KiB, in blocks of 512 bytes; without the signal, the write fails like any other.
const FILE_LIMIT: &str = r#"trap '' XFSZ; ulimit -f 128; exec "$@""#;

const FRAME_OPTIONS: FrameLogOptions = FrameLogOptions {
    segment_bytes: 32 << 10,
    limits: FrameLimits { body_bytes_max: 4096, entries_max: 10 },
    recent_bytes_max: 0,
};
const OPTIONS: LogOptions = LogOptions { segment_bytes: 1 << 20, record_bytes_max: RECORD_BYTES_MAX };

mod mounted {
    use super::*;

    fn in_namespace(test: &str, mount: &str) {
        let dir = TestDir::new();
        assert!(child(test, dir.path(), Some(mount)), "{test} did not run: mounting is not allowed here");
    }

    #[test]
    #[ignore = "mounts a file system, which needs the right to"]
    fn a_full_disk_poisons_the_log_and_loses_nothing() {
        in_namespace("disk_full::child_fills_a_log", TMPFS);
    }

    #[test]
    #[ignore = "mounts a file system, which needs the right to"]
    fn a_log_of_frames_waits_for_room_and_goes_on() {
        in_namespace("disk_full::child_fills_a_log_of_frames", TMPFS);
    }

    #[test]
    #[ignore = "mounts a file system, which needs the right to"]
    fn a_full_disk_poisons_a_store() {
        in_namespace("disk_full::child_fills_the_stores", TMPFS);
    }

    #[test]
    #[ignore = "mounts a file system, which needs the right to"]
    fn a_read_only_file_system_is_named_as_such() {
        in_namespace("disk_full::child_opens_everything_read_only", TMPFS_READ_ONLY);
    }
}

#[test]
fn a_file_at_its_size_limit_poisons_the_log_and_loses_nothing() {
    let dir = TestDir::new();
    assert!(child("disk_full::child_fills_a_log", dir.path(), Some(FILE_LIMIT)));
}

#[test]
#[ignore = "run in a process of its own by a test above"]
fn child_fills_a_log() {
    let Some(dir) = child_dir() else { return };
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![0; 40 << 10]).unwrap();
    let path = dir.join("log");
    let mut log = open_log(LogKind::Segments, &path, &OPTIONS).unwrap();
    let reader = log.reader();
    let (durable, error) = fill(&mut *log);
    assert!(matches!(error, Error::Full { .. }), "{error}");
    assert_eq!(error.status(), Status::Io);
    assert_poisoned(&mut *log);
    assert_eq!(reader.last(), durable);
    assert_eq!(reader.read(durable).unwrap(), Some(content(durable)), "what was readable stays readable");
    drop(log);

    fs::remove_file(&ballast).unwrap();
    let mut log = open_log(LogKind::Segments, &path, &OPTIONS).unwrap();
    let last = log.last();
    assert!(last >= durable);
    for index in 1..=last {
        assert_eq!(log.reader().read(index).unwrap(), Some(content(index)));
    }
    let keep_to = last - 2;
    log.truncate_back(keep_to).unwrap();
    log.append(&[&content(keep_to + 1)]).unwrap();
    log.sync().unwrap();
    assert_eq!(log.reader().last(), keep_to + 1);
}

#[test]
#[ignore = "run in a process of its own by a test in `mounted`"]
fn child_fills_a_log_of_frames() {
    let Some(dir) = child_dir() else { return };
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![0; 400 << 10]).unwrap();
    let path = dir.join("log");
    let mut log = SegmentFrameLog::open_sized(&path, &FRAME_OPTIONS).unwrap();
    let error = loop {
        let waiting = seal(1, log.last().get() + 1, Body::membership(&[7; 3000]));
        log.append(&[waiting]).unwrap();
        if let Err(error) = log.sync() {
            break error;
        }
    };
    // The file that could not be laid out is no part of the log: nothing is lost, and nothing poisoned.
    assert!(matches!(error, Error::Full { .. }), "{error}");
    assert!(matches!(log.sync().unwrap_err(), Error::Full { .. }));
    let preparation = log.prepare_next().expect("none is ready");
    assert!(matches!(preparation.run().unwrap_err(), Error::Full { .. }));
    assert_eq!(log.durable(), log.last().back(1).unwrap());
    assert_eq!(read_all(&*log.reader(), 1 << 20).len() as u64, log.durable().get());

    fs::remove_file(&ballast).unwrap();
    assert_eq!(log.sync().unwrap(), log.last());
    let last = log.last();
    drop(log);
    let log = SegmentFrameLog::open_sized(&path, &FRAME_OPTIONS).unwrap();
    assert_eq!(log.last(), last);
}

#[test]
fn a_file_of_frames_at_its_size_limit_poisons_the_log_and_loses_nothing() {
    let dir = TestDir::new();
    assert!(child("disk_full::child_reaches_the_size_of_a_file", dir.path(), Some(FILE_LIMIT)));
}

#[test]
#[ignore = "run in a process of its own by the test above"]
fn child_reaches_the_size_of_a_file() {
    let Some(dir) = child_dir() else { return };
    drop(SegmentFrameLog::open_sized(&dir, &FRAME_OPTIONS).unwrap());
    // The file that is there is followed by larger ones, and itself grows.
    let options = FrameLogOptions { segment_bytes: 1 << 20, ..FRAME_OPTIONS };
    let mut log = SegmentFrameLog::open_sized(&dir, &options).unwrap();
    let preparation = log.prepare_next().expect("none is ready");
    assert!(matches!(preparation.run().unwrap_err(), Error::Full { .. }));
    let error = loop {
        let waiting = seal(1, log.last().get() + 1, Body::membership(&[7; 3000]));
        log.append(&[waiting]).unwrap();
        if let Err(error) = log.sync() {
            break error;
        }
    };
    assert!(matches!(error, Error::Full { .. }), "{error}");
    for outcome in [log.append(&[]), log.sync().map(drop), log.reset(Index::new(1))] {
        assert_eq!(outcome.unwrap_err().status(), Status::Poisoned);
    }
    let durable = log.durable();
    assert!(durable >= Index::new(10));
    assert_eq!(read_all(&*log.reader(), 1 << 20).len() as u64, durable.get());
    drop(log);
    let mut log = SegmentFrameLog::open_sized(&dir, &FRAME_OPTIONS).unwrap();
    assert!(log.last() >= durable);
    log.append(&[seal(2, log.last().get() + 1, Body::blank())]).unwrap();
    log.sync().unwrap();
}

fn content(index: u64) -> Vec<u8> {
    vec![index as u8; 3000]
}

/// Appends until it fails; the last durable index and the failure.
fn fill(log: &mut dyn Log) -> (u64, Error) {
    let mut durable = 0;
    loop {
        let index = match log.append(&[&content(durable + 1)]) {
            Ok(index) => index,
            Err(error) => return (durable, error),
        };
        match log.sync() {
            Ok(()) => durable = index,
            Err(error) => return (durable, error),
        }
    }
}

fn assert_poisoned(log: &mut dyn Log) {
    let outcomes = [log.append(&[b"x"]).map(drop), log.sync(), log.truncate_front(1), log.truncate_back(0)];
    for outcome in outcomes {
        let error = outcome.unwrap_err();
        assert!(matches!(&error, Error::Poisoned { reason } if reason.contains("no space")), "{error}");
        assert_eq!(error.status(), Status::Poisoned);
    }
}

#[test]
#[ignore = "run in a process of its own by a test in `mounted`"]
fn child_fills_the_stores() {
    let Some(dir) = child_dir() else { return };
    fill_store(&*open_store(Backend::Fjall, &dir.join("fjall")).unwrap());
    #[cfg(feature = "rocksdb")]
    {
        fs::remove_dir_all(dir.join("fjall")).unwrap();
        fill_store(&*open_store(Backend::RocksDb, &dir.join("rocksdb")).unwrap());
    }
}

fn fill_store(store: &dyn Store) {
    let error = (0_u32..).find_map(|key| put_random(store, key).and_then(|()| store.sync()).err());
    let error = error.expect("the loop ends with an error only");
    assert!(matches!(error, Error::Full { .. }), "{error}");
    for outcome in [put_random(store, 0), store.sync()] {
        assert_eq!(outcome.unwrap_err().status(), Status::Poisoned);
    }
    assert!(store.get(Family::Meta, &0_u32.to_be_bytes()).unwrap().is_some());
}

/// Values that do not compress.
fn put_random(store: &dyn Store, key: u32) -> Result<(), Error> {
    let mut state = u64::from(key) + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    let value: Vec<u8> = (0..8000).map(|_| next()).collect();
    let mut batch = Batch::new();
    batch.put(Family::Meta, &key.to_be_bytes(), &value);
    store.write(batch)
}

#[test]
#[ignore = "run in a process of its own by a test in `mounted`"]
fn child_opens_everything_read_only() {
    let Some(dir) = child_dir() else { return };
    for error in open_everything(&dir) {
        assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
        assert_eq!(error.status(), Status::Permission);
    }
}

#[test]
fn a_file_in_place_of_a_directory_is_refused_with_its_name() {
    let dir = TestDir::new();
    let path = dir.path().join("file");
    fs::write(&path, "").unwrap();
    for error in open_everything(&path) {
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

fn open_everything(dir: &Path) -> Vec<Error> {
    let mut errors = vec![
        DirLock::acquire(dir).map(drop).unwrap_err(),
        check_format(&dir.join("new")).unwrap_err(),
        open_log(LogKind::Segments, &dir.join("sub"), &OPTIONS).map(drop).unwrap_err(),
        open_store(Backend::Fjall, &dir.join("sub")).map(drop).unwrap_err(),
    ];
    if cfg!(feature = "rocksdb") {
        errors.push(open_store(Backend::RocksDb, &dir.join("sub")).map(drop).unwrap_err());
    }
    errors
}
