//! Disks that fail: full, damaged, of the future, not a directory.

mod support;

use duochain::node::{HealthState, Node};
use duochain::types::{ChainId, Status};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{PATIENCE, Scratch, complete, eventually, finalize, open, settings, with};

fn refusal(dir: &Path) -> (Status, String) {
    let error = Node::open(settings(Some(dir))).expect_err("must be refused");
    (error.status(), error.to_string())
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(dir).expect("directory").map(|entry| entry.expect("entry").path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

fn node_with_blocks(dir: &Path) {
    let node = open(Some(dir));
    for number in 0..20u8 {
        finalize(&node, ChainId::Delta, &[number; 300]);
    }
    node.close(PATIENCE).expect("closed");
}

#[test]
fn a_damaged_middle_is_refused_with_file_and_offset() {
    let scratch = Scratch::new("damage");
    node_with_blocks(scratch.path());
    let file = segments(&scratch.path().join("delta/blocks")).remove(0);
    let mut bytes = fs::read(&file).expect("readable");
    let middle = bytes.len() / 4;
    bytes[middle] ^= 0x10;
    fs::write(&file, bytes).expect("written");
    let (status, text) = refusal(scratch.path());
    assert_eq!(status, Status::Corruption, "{text}");
    assert!(
        text.contains(&*file.file_name().expect("name").to_string_lossy()) && text.contains("offset"),
        "{text}"
    );
}

#[test]
fn a_lost_state_store_is_rebuilt_from_the_blocks() {
    let scratch = Scratch::new("rebuild");
    node_with_blocks(scratch.path());
    let node = open(Some(scratch.path()));
    let (root, height) = (node.head(ChainId::Delta).state_root, node.head(ChainId::Delta).height);
    node.close(PATIENCE).expect("closed");
    drop(node);
    let _ = (root, height);
    fs::remove_dir_all(scratch.path().join("delta/state")).expect("removed");
    let node = open(Some(scratch.path()));
    let completion = finalize(&node, ChainId::Delta, b"after the rebuild");
    assert!(completion.height > height);
    let op = node.submit(ChainId::Delta, support::LANE, &[3; 300]).expect("accepted");
    assert_eq!(complete(&node, &[op])[0].status, Status::Duplicate, "the index knows old transactions again");
}

#[test]
fn a_block_log_that_is_shorter_than_what_was_announced_is_refused() {
    let scratch = Scratch::new("short");
    node_with_blocks(scratch.path());
    for file in segments(&scratch.path().join("delta/blocks")) {
        fs::remove_file(file).expect("removed");
    }
    let (status, text) = refusal(scratch.path());
    assert_eq!(status, Status::Corruption, "{text}");
    assert!(text.contains("delta"), "{text}");
}

#[test]
fn a_newer_format_and_a_file_in_the_way_are_refused_by_name() {
    let scratch = Scratch::new("format");
    node_with_blocks(scratch.path());
    let format = scratch.path().join("FORMAT");
    let text = fs::read_to_string(&format).expect("readable");
    fs::write(&format, text.replace('1', "9")).expect("written");
    let (status, text) = refusal(scratch.path());
    assert_eq!(status, Status::Unsupported, "{text}");
    assert!(text.contains('9') && text.contains("FORMAT"), "{text}");

    let file = scratch.path().join("a-file");
    fs::write(&file, "not a directory").expect("written");
    let (status, text) = refusal(&file);
    assert_eq!(status, Status::Io, "{text}");
    assert!(text.contains("a-file"), "{text}");
}

/// A small file system of its own; `None` where mounting is not allowed.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(path: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).expect("mount point");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(path.to_owned()))
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status();
        assert!(status.expect("mount runs").success());
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_one_chain_only_and_room_brings_it_back() {
    let scratch = Scratch::new("full");
    open(Some(scratch.path())).close(PATIENCE).expect("the directory is made");
    fs::remove_dir_all(scratch.path().join("delta")).expect("Delta starts over on a disk of its own");
    let Some(disk) = Tmpfs::mount(&scratch.path().join("delta"), "size=96m") else {
        eprintln!("skipped: mounting a file system is not allowed here");
        return;
    };
    let node = Node::open(with(
        Some(scratch.path()),
        &[("log.segment_bytes", "1048576"), ("supervisor.restart_delay_max_ms", "100")],
    ))
    .expect("opens");
    let mut ops = Vec::new();
    let mut seed = 1u64;
    let reason = eventually("Delta's disk is full", || {
        let mut bytes = vec![0u8; 200_000];
        for chunk in bytes.chunks_mut(8) {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            chunk.copy_from_slice(&seed.to_be_bytes()[..chunk.len()]);
        }
        if let Ok(op) = node.submit(ChainId::Delta, support::LANE, &bytes) {
            ops.push(op);
        }
        let chain = &node.health().chains[ChainId::Delta.index()];
        // A slow sync is reported as a stall of its own; the full disk follows.
        (chain.state == HealthState::Stalled && chain.reason.contains("full")).then(|| chain.reason.clone())
    });
    assert!(reason.contains("delta"), "names the file: {reason}");
    node.submit_detached(ChainId::Alpha, support::LANE, b"the other disk has room").expect("accepted");
    eventually("Alpha goes on", || (node.head(ChainId::Alpha).final_transactions == 1).then_some(()));
    disk.remount("size=1g");
    let done = complete(&node, &ops);
    assert!(done.iter().all(|completion| completion.status == Status::Ok), "nothing lost, nothing twice");
    node.close(PATIENCE).expect("closed");
    drop(node);
    open(Some(scratch.path())).close(PATIENCE).expect("opens again");
}

#[test]
fn a_read_only_directory_is_refused_by_name() {
    let scratch = Scratch::new("readonly");
    let path = scratch.path().join("ro");
    let Some(_disk) = Tmpfs::mount(&path, "ro,size=1m") else {
        eprintln!("skipped: mounting a file system is not allowed here");
        return;
    };
    let (status, text) = refusal(&path);
    assert_eq!(status, Status::Permission, "{text}");
    assert!(text.contains("ro"), "{text}");
}
