//! A directory in which somebody else's code makes a database: all of it, or none.
//!
//! # Model
//! ```text
//! empty --> NASCENT, synced --> the engine makes its files --> NASCENT removed, synced --> a database
//! ```
//! An engine that is killed while it makes its first files may refuse what it left. Nobody was told of anything in
//! there, so whoever finds the mark empties the directory and begins again.
//!
//! # Invariants
//! I1 the mark is gone before the database is handed out, also for a power failure: nothing written is ever emptied.
//! I2 a directory without the mark is not touched.
//!
//! # Caller contract
//! The directory is the caller's alone ([`super::DirLock`]).

use super::{Error, durable};
use std::fs;
use std::path::Path;

const MARK: &str = "NASCENT";

/// Calls `make` on `dir`, which has a whole database or nothing then. The directory has to be there.
///
/// # Errors
/// Those of `make`, and `Io`, `Full`, `ReadOnly`.
pub(super) fn whole<T>(dir: &Path, make: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let mark = dir.join(MARK);
    let is_nascent = mark.exists();
    if is_nascent {
        empty(dir)?;
    } else if has_entries(dir)? {
        return make();
    } else {
        durable::create_empty(&mark)?;
        durable::sync_dir(dir)?;
    }
    let made = make()?;
    durable::remove_file(&mark)?;
    Ok(made)
}

fn has_entries(dir: &Path) -> Result<bool, Error> {
    let mut entries = fs::read_dir(dir).map_err(|source| Error::from_io("list", dir, source))?;
    Ok(entries.next().is_some())
}

/// Removes everything but the mark.
fn empty(dir: &Path) -> Result<(), Error> {
    let failed = |source| Error::from_io("remove", dir, source);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name() == MARK {
            continue;
        }
        let is_dir = entry.file_type().map_err(failed)?.is_dir();
        let path = entry.path();
        if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.map_err(failed)?;
    }
    durable::sync_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::super::suite::TestDir;
    use super::super::{Backend, Batch, Family, Store, StoreOptions, open_store};
    use super::*;
    use std::path::PathBuf;

    fn open(dir: &Path) -> Box<dyn Store> {
        open_store(Backend::Fjall, dir, &StoreOptions::default()).expect("opens")
    }

    /// What an engine has made when it is killed, step by step, and the mark.
    fn leave(dir: &Path, steps: usize) {
        fs::write(dir.join(MARK), []).unwrap();
        let make: [fn(PathBuf); 5] = [
            |dir| fs::write(dir.join("lock"), []).unwrap(),
            |dir| fs::create_dir(dir.join("keyspaces")).unwrap(),
            |dir| fs::write(dir.join("0.jnl"), [0; 64]).unwrap(),
            |dir| fs::write(dir.join("version"), b"FJ").unwrap(),
            |dir| fs::create_dir_all(dir.join("keyspaces/0/tables")).unwrap(),
        ];
        make.iter().take(steps).for_each(|step| step(dir.to_path_buf()));
    }

    #[test]
    fn a_database_whose_making_was_killed_is_made_anew() {
        for steps in 0..=5 {
            let dir = TestDir::new();
            leave(dir.path(), steps);
            let store = open(dir.path());
            let mut batch = Batch::default();
            batch.put(Family::Meta, b"key", b"value");
            store.write(batch).unwrap();
            store.sync().unwrap();
            drop(store);
            assert!(!dir.path().join(MARK).exists(), "after {steps} steps");
            let value = open(dir.path()).get(Family::Meta, b"key").unwrap();
            assert_eq!(value.as_deref(), Some(&b"value"[..]), "after {steps} steps");
        }
    }

    #[test]
    fn a_directory_with_files_and_no_mark_is_left_alone() {
        let dir = TestDir::new();
        fs::write(dir.path().join("somebody's"), b"own").unwrap();
        whole(dir.path(), || Ok(())).unwrap();
        assert_eq!(fs::read(dir.path().join("somebody's")).unwrap(), b"own");
    }

    #[test]
    fn what_could_not_be_made_is_made_anew_the_next_time() {
        let dir = TestDir::new();
        let broken = || {
            fs::write(dir.path().join("half"), []).unwrap();
            Err::<(), _>(Error::corrupt(dir.path(), 0, "half".to_owned()))
        };
        whole(dir.path(), broken).unwrap_err();
        let is_there = whole(dir.path(), || Ok(dir.path().join("half").exists())).unwrap();
        assert!(!is_there);
    }
}
