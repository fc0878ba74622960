//! The behaviour suite: what every log and every store does, run over all of them.
//!
//! `log` and `store` hold the cases, written against the traits; `cases!` makes one test per case and
//! backend. `lock` and `disk_full` cover what is about directories and not about a backend.

mod log;

use super::{Error, Log, Store};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory that goes with the test.
pub(super) struct TestDir(PathBuf);

impl TestDir {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Relaxed: only distinct numbers are needed.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("duochain-storage-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A way to open a log.
#[derive(Clone, Copy)]
pub(super) struct LogCase {
    pub(super) open: fn(&Path) -> Result<Box<dyn Log>, Error>,
    /// False for what lives in memory.
    pub(super) survives: bool,
}

/// A way to open a store.
#[derive(Clone, Copy)]
pub(super) struct StoreCase {
    pub(super) open: fn(&Path) -> Result<Box<dyn Store>, Error>,
    /// False for what lives in memory.
    pub(super) survives: bool,
}

/// Descriptors of this process that point into `dir`.
pub(super) fn descriptors_in(dir: &Path) -> usize {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    entries
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter(|to| to.starts_with(dir))
        .count()
}

/// One test per name: `cases! { CASE; name, name }` calls `name(&CASE)`.
macro_rules! cases {
    ($case:expr; $($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { super::$name($case); })+
    };
}
pub(super) use cases;
