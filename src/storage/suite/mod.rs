//! The behaviour suite: what every log and every store does, run over all of them.
//!
//! `log`, `frames` and `store` hold the cases, written against the traits; `cases!` makes one test per case and
//! backend. `lock` and `disk_full` cover what is about directories and not about a backend, `engine`
//! what only the engines' own files and threads show.

pub(in crate::storage) mod batches;
mod disk_full;
mod engine;
mod frames;
mod lock;
mod log;
mod store;

use super::frames::FrameLog;
use super::{Backend, Error, Log, Store, StoreOptions};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory that goes with the test.
pub(in crate::storage) struct TestDir(PathBuf);

impl TestDir {
    pub(in crate::storage) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Relaxed: only distinct numbers are needed.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("duochain-storage-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(in crate::storage) fn path(&self) -> &Path {
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

/// A way to open a log of frames.
#[derive(Clone, Copy)]
pub(super) struct FramesCase {
    pub(super) open: fn(&Path) -> Result<Box<dyn FrameLog>, Error>,
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

pub(super) fn open_store(backend: Backend, dir: &Path) -> Result<Box<dyn Store>, Error> {
    crate::storage::open_store(backend, dir, &StoreOptions::default())
}

/// Descriptors of this process that point into `dir`.
pub(in crate::storage) fn descriptors_in(dir: &Path) -> usize {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    entries
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .filter(|to| to.starts_with(dir))
        .count()
}

/// Passes once no file in `dir` is open. A store's own thread may let go of its files a moment after the
/// store is gone, so that one look is not enough; what is leaked stays open.
pub(super) fn assert_all_closed(dir: &Path, when: &str) {
    const LOOKS: usize = 10_000;
    let closed = (0..LOOKS).any(|_| {
        let closed = descriptors_in(dir) == 0;
        if !closed {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        closed
    });
    assert!(closed, "{} files are open {when}", descriptors_in(dir));
}

/// One test per name: `cases! { CASE; name, name }` calls `name(&CASE)`.
macro_rules! cases {
    ($case:expr; $($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { super::$name($case); })+
    };
}
pub(super) use cases;

const CHILD_DIR: &str = "DUOCHAIN_TEST_DIR";

/// Runs one ignored test of this suite in a process of its own; `around` is a shell line that gets the
/// directory as `$DIR` and ends with `exec "$@"`. True when the test passed.
pub(super) fn child(test: &str, dir: &Path, around: Option<&str>) -> bool {
    let suite = module_path!().split_once("::").expect("a crate and a module").1;
    let name = format!("{suite}::{test}");
    let mut command = Command::new("sh");
    command.args(["-c", around.unwrap_or("exec \"$@\""), "sh"]);
    command.arg(std::env::current_exe().unwrap()).args(["--ignored", "--exact", &name]);
    let output = command.env("DIR", dir).env(CHILD_DIR, dir).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    // A wrong name would run no test and pass.
    let has_run = told.contains("running 1 test");
    assert!(!has_run || output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    has_run
}

/// In the child: the directory it was given. `None` when somebody runs the ignored tests by hand.
pub(super) fn child_dir() -> Option<PathBuf> {
    std::env::var_os(CHILD_DIR).map(PathBuf::from)
}
