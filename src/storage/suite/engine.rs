//! What the engines behind the stores do that our own code cannot: damage to their files, threads.

use super::{TestDir, child, child_dir, open_store};
use crate::storage::{Backend, Batch, Error, Family, platter};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ENGINES: &[Backend] =
    if cfg!(feature = "rocksdb") { &[Backend::Fjall, Backend::RocksDb] } else { &[Backend::Fjall] };
const PATTERN: &[u8] = b"the value of the third batch";

/// The file below `dir` that holds `PATTERN`, and where.
fn find(dir: &Path) -> Option<(PathBuf, usize)> {
    let mut directories = vec![dir.to_path_buf()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if let Some(at) =
                fs::read(&path).unwrap().windows(PATTERN.len()).position(|bytes| bytes == PATTERN)
            {
                return Some((path, at));
            }
        }
    }
    None
}

#[test]
fn damage_to_a_batch_before_others_is_refused() {
    for backend in ENGINES {
        let dir = TestDir::new();
        let store = open_store(*backend, dir.path()).unwrap();
        for round in 1..=9_u8 {
            let mut batch = Batch::new();
            let value = if round == 3 { PATTERN } else { b"another value" };
            batch.put(Family::Meta, &[round], value);
            store.write(batch).unwrap();
        }
        store.sync().unwrap();
        drop(store);
        let (file, at) = find(dir.path()).unwrap();
        let mut bytes = fs::read(&file).unwrap();
        bytes[at + 4] ^= 1;
        fs::write(&file, bytes).unwrap();
        let Err(error) = open_store(*backend, dir.path()) else { panic!("{backend:?} opened") };
        assert!(matches!(&error, Error::Corrupt { path, .. } if path == dir.path()), "{error}");
    }
}

#[test]
fn a_journal_whose_sync_failed_is_on_the_device_once_the_store_is_open_again() {
    let dir = TestDir::new();
    let store = open_store(Backend::Fjall, dir.path()).unwrap();
    let mut batch = Batch::new();
    batch.put(Family::Meta, b"key", PATTERN);
    store.write(batch).unwrap();
    store.sync().unwrap();
    drop(store);
    let (journal, at) = find(dir.path()).unwrap();
    platter::install(dir.path(), None);
    platter::lose(&journal, at);
    drop(open_store(Backend::Fjall, dir.path()).unwrap());
    assert_eq!(platter::held(&journal).get(at..at + PATTERN.len()), Some(PATTERN));
}

/// What RocksDB replays it does not leave to the log it found.
#[cfg(feature = "rocksdb")]
#[test]
fn rocksdb_has_its_log_in_sorted_files_once_the_store_is_open_again() {
    let dir = TestDir::new();
    let sorted_files = || {
        let entries = fs::read_dir(dir.path()).unwrap().flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "sst")).count()
    };
    let store = open_store(Backend::RocksDb, dir.path()).unwrap();
    let mut batch = Batch::new();
    batch.put(Family::Meta, b"key", PATTERN);
    store.write(batch).unwrap();
    store.sync().unwrap();
    drop(store);
    assert_eq!(sorted_files(), 0);
    let store = open_store(Backend::RocksDb, dir.path()).unwrap();
    assert_eq!(sorted_files(), 1);
    assert_eq!(store.get(Family::Meta, b"key").unwrap().as_deref(), Some(PATTERN));
}

#[test]
fn engines_start_only_the_threads_that_their_docs_name() {
    let dir = TestDir::new();
    assert!(child("engine::child_lists_threads", dir.path(), None));
}

#[test]
#[ignore = "run in a process of its own by a test above"]
fn child_lists_threads() {
    let Some(dir) = child_dir() else { return };
    let before = threads();
    for backend in ENGINES {
        let store = open_store(*backend, &dir.join(backend.name())).unwrap();
        let mut batch = Batch::new();
        batch.put(Family::Meta, b"key", b"value");
        store.write(batch).unwrap();
        store.sync().unwrap();
        let after = threads();
        let new: Vec<_> = after.difference(&before).map(|(_, name)| name.as_str()).collect();
        let (engine, unnamed): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|name| name.contains(':') && !name.contains("::"));
        // RocksDB's timer carries the name of whoever opened the store, as its doc says; any thread
        // does until it has run for the first time.
        let (prefix, named_max, count_max) = match backend {
            Backend::Fjall => ("fjall:worker", 1, 1),
            _ => ("rocksdb:", 2, 3),
        };
        assert!(engine.iter().all(|name| name.starts_with(prefix)), "{backend:?}: {engine:?}");
        assert!(engine.len() <= named_max, "{backend:?}: {engine:?}");
        assert!(engine.len() + unnamed.len() <= count_max, "{backend:?}: {engine:?} {unnamed:?}");
    }
}

/// Number and name of every thread of this process.
fn threads() -> BTreeSet<(String, String)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let name = |path: PathBuf| fs::read_to_string(path.join("comm")).ok();
    tasks
        .filter_map(|task| {
            let number = task.file_name().into_string().ok()?;
            Some((number, name(task.path())?.trim_end().to_owned()))
        })
        .collect()
}
