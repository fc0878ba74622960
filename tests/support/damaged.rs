//! Damage to the files of a log, at the frame that holds an entry.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use duochain::storage::frames::{FrameHead, FrameLog, FrameLogOptions, SegmentFrameLog};
use duochain::types::Index;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of the log of a node in `dir`, ascending.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "frames")).collect();
    paths.sort_unstable();
    paths
}

/// Changes a bit of a file; again, and it is as it was.
pub fn flip(path: &Path, at: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at as usize] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// Changes a bit in the head of the record with the frame that holds `index`: nothing says any more which frame stood
/// there. Returns where.
pub fn lose(dir: &Path, index: Index) -> (PathBuf, u64) {
    let begins = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let path = files(dir).into_iter().rfind(|path| begins(path) <= index.get()).expect("its file");
    let log = SegmentFrameLog::open(&dir.join("log"), &FrameLogOptions::default()).unwrap();
    let mut place = None;
    let visit = &mut |head: FrameHead| {
        place = Some(head.position);
        false
    };
    log.reader().heads(index, visit).unwrap();
    drop(log);
    let at = place.expect("it is in the log") + 4;
    flip(&path, at);
    (path, at)
}
