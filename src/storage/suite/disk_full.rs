//! A disk that is really full, a file that really cannot grow, a file system that is really read-only.
//!
//! Each case runs in a process of its own. The size limit needs no privilege and always runs; the tests in
//! `mounted` mount in a private namespace: `cargo test` counts them as ignored, and
//! `-- --ignored mounted::` runs them where that is allowed.

use super::log::RECORD_BYTES_MAX;
use super::{TestDir, child, child_dir, open_store};
use crate::storage::{
    Backend, Batch, DirLock, Error, Family, Log, LogKind, LogOptions, Store, check_format, open_log,
};
use crate::types::Status;
use std::fs;
use std::path::Path;

const TMPFS: &str =
    r#"exec unshare --mount sh -c 'mount -t tmpfs -o size=2m none "$DIR" && exec "$@"' sh "$@""#;
const TMPFS_READ_ONLY: &str = r#"exec unshare --mount sh -c 'mount -t tmpfs none "$DIR" && mkdir "$DIR/sub" && mount -o remount,ro "$DIR" && exec "$@"' sh "$@""#;
/// 64 KiB, in blocks of 512 bytes; without the signal, the write fails like any other.
const FILE_LIMIT: &str = r#"trap '' XFSZ; ulimit -f 128; exec "$@""#;

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
