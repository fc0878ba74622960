//! Sequences of operations that bytes stand for, each checked against something obviously right.
//!
//! libFuzzer plays them under a nightly compiler (`make sanitize S=fuzz`); `tests/fuzz_plays.rs` plays the corpus and random
//! bytes with any.
#![allow(dead_code, reason = "each fuzz target plays one of them")]

pub(crate) mod agreement;
pub(crate) mod boundary;
pub(crate) mod dedup;
pub(crate) mod frame;
pub(crate) mod heap;
pub(crate) mod hello;
pub(crate) mod membership;
pub(crate) mod message;
pub(crate) mod pool;
pub(crate) mod queue;
pub(crate) mod raft;
pub(crate) mod segments;
pub(crate) mod snapshot;
pub(crate) mod validators;
pub(crate) mod votes;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What the bytes say next; no more bytes say zeroes.
pub(crate) struct Script<'a>(arbitrary::Unstructured<'a>);

impl<'a> Script<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(arbitrary::Unstructured::new(data))
    }

    pub(crate) fn goes_on(&self) -> bool {
        !self.0.is_empty()
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0.int_in_range(0..=sides - 1).unwrap_or(0)
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }
}

/// A folder for the files of one play, gone with this value.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Relaxed: only distinct numbers are needed.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("duochain-play-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
