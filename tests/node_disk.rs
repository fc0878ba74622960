//! Directories that are not as they were left: damaged, lost, of the future, not a directory.

mod support;

use duochain::node::Node;
use duochain::types::{ChainId, Status};
use std::fs;
use std::path::{Path, PathBuf};
use support::{PATIENCE, Scratch, complete, finalize, open, settings};

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
    node.close(PATIENCE).expect("closed");
    let before = node.head(ChainId::Delta);
    drop(node);
    fs::remove_dir_all(scratch.path().join("delta/state")).expect("removed");
    let node = open(Some(scratch.path()));
    let completion = finalize(&node, ChainId::Delta, b"after the rebuild");
    assert!(completion.height > before.height);
    let next = node.block(ChainId::Delta, before.height.next()).expect("there");
    assert_eq!(next.header.state_root, before.state_root, "rebuilt to the same state");
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
