//! `LOCK` and `FORMAT`.

use super::{TestDir, child, child_dir};
use crate::storage::{DirLock, Error, FORMAT_VERSION, check_format};
use crate::types::Status;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

#[test]
fn a_second_process_is_refused_and_told_who_holds_the_lock() {
    let dir = TestDir::new();
    let held = DirLock::acquire(dir.path()).unwrap();
    assert!(child("lock::child_is_refused", dir.path(), None));
    drop(held);
    assert!(child("lock::child_takes_the_lock_and_dies", dir.path(), None));
    DirLock::acquire(dir.path()).expect("the lock of a dead process is free");
}

#[test]
#[ignore = "the second process of a test above"]
fn child_is_refused() {
    let Some(dir) = child_dir() else { return };
    let error = DirLock::acquire(&dir).unwrap_err();
    let parent = std::os::unix::process::parent_id();
    assert_eq!(error.to_string(), format!("{} is held by process {parent}", dir.join("LOCK").display()));
    assert_eq!(error.status(), Status::Busy);
}

#[test]
#[ignore = "the second process of a test above"]
fn child_takes_the_lock_and_dies() {
    let Some(dir) = child_dir() else { return };
    std::mem::forget(DirLock::acquire(&dir).unwrap());
}

#[test]
fn a_forked_child_neither_blanks_nor_keeps_the_lock_of_its_parent() {
    let dir = TestDir::new();
    assert!(child("lock::child_forks", dir.path(), None));
}

#[test]
#[ignore = "run in a process of its own by the test above"]
#[expect(unsafe_code, reason = "std has no fork; only a real one shares the open file")]
fn child_forks() {
    let Some(dir) = child_dir() else { return };
    let held = DirLock::acquire(&dir).unwrap();
    let (mut parents_end, mut childs_end) = UnixStream::pair().unwrap();
    // SAFETY: the child only drops the lock, which closes a file, waits on a socket and leaves without
    // running anything else of this process.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        // A second descriptor of the same open file, as a child has it that never drops its copy.
        let _kept = held.duplicate();
        drop(held);
        childs_end.write_all(b"d").ok();
        childs_end.read_exact(&mut [0]).ok();
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(0) };
    }
    assert!(forked > 0);
    parents_end.read_exact(&mut [0]).unwrap();
    let text = fs::read_to_string(dir.join("LOCK")).unwrap();
    assert_eq!(text, std::process::id().to_string(), "the child's drop left the parent's name in place");
    DirLock::acquire(&dir).expect_err("and its lock");
    drop(held);
    DirLock::acquire(&dir).expect("the parent has closed; the child still shares the file");
    parents_end.write_all(b"e").unwrap();
    // SAFETY: reaps the child forked above.
    unsafe { libc::waitpid(forked, std::ptr::null_mut(), 0) };
}

#[test]
fn a_second_handle_of_this_process_is_refused_until_the_first_is_dropped() {
    let dir = TestDir::new();
    let inside = dir.path().join("not/there/yet");
    let held = DirLock::acquire(&inside).unwrap();
    let error = DirLock::acquire(&inside).unwrap_err();
    assert!(
        matches!(&error, Error::Locked { holder, .. } if holder.ends_with(&std::process::id().to_string()))
    );
    drop(held);
    DirLock::acquire(&inside).unwrap();
}

#[test]
fn a_new_directory_is_marked_and_accepted_again() {
    let dir = TestDir::new();
    let _held = DirLock::acquire(dir.path()).unwrap();
    check_format(dir.path()).unwrap();
    fs::create_dir(dir.path().join("alpha")).unwrap();
    check_format(dir.path()).unwrap();
    let content = fs::read_to_string(dir.path().join("FORMAT")).unwrap();
    assert_eq!(content, format!("duochain format {FORMAT_VERSION}\n"));
}

#[test]
fn a_newer_a_garbled_and_a_missing_format_are_refused() {
    let dir = TestDir::new();
    let path = dir.path().join("FORMAT");
    fs::write(&path, "duochain format 2\n").unwrap();
    let error = check_format(dir.path()).unwrap_err();
    assert!(matches!(&error, Error::FormatTooNew { found: 2, supported: 1, path: at } if *at == path));
    assert_eq!(error.status(), Status::Unsupported);
    for garbage in ["", "duochain format 1", "duochain format 0\n", "duochain format x\n", "\0\0\0\0"] {
        fs::write(&path, garbage).unwrap();
        let error = check_format(dir.path()).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { path: at, .. } if *at == path), "{garbage:?}: {error}");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(dir.path().join("alpha")).unwrap();
    assert_eq!(check_format(dir.path()).unwrap_err().status(), Status::Corruption);
}
