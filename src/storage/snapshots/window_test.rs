//! The last section of a snapshot, from any place in it.

use super::snapshots_test::{head, write};
use super::*;
use crate::storage::Error;
use crate::storage::suite::TestDir;

/// A snapshot with these sections.
fn file(dir: &TestDir, sections: &[(&str, Vec<u8>)]) -> SnapshotFile {
    let (shelf, _) = SnapshotShelf::open(dir.path()).unwrap();
    let sections = sections.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect();
    let file = write(&shelf, 17, &sections).unwrap();
    assert_eq!(file.head, head(17));
    file
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 + at / 251) as u8).collect()
}

#[test]
fn sections_of_every_length_are_read_from_every_place() {
    let block = BLOCK_BYTES_MAX;
    for bytes in [0, 1, 7, 8, block - 1, block, block + 1, 2 * block, 2 * block + 9] {
        let dir = TestDir::new();
        let state = pattern(bytes);
        let before = [("members", pattern(40)), ("dedup", pattern(block + 3))];
        let file = file(&dir, &[&before[..], &[("host", state.clone())]].concat());
        let mut window = file.last_section("host").unwrap();
        assert_eq!(window.bytes(), bytes as u64);
        // It is read on where the file is gone.
        std::fs::remove_file(file.path()).unwrap();
        for begin in [0, 1, block - 1, block, block + 1, 2 * block, bytes.saturating_sub(1), bytes, bytes + 1]
        {
            for room in [0, 1, 100, block, 3 * block] {
                let mut out = vec![0; room];
                let count = window.read_at(begin as u64, &mut out).unwrap();
                let expected = &state[begin.min(bytes)..(begin + room).min(bytes).max(begin.min(bytes))];
                assert_eq!(&out[..count], expected, "{room} bytes from {begin} on of {bytes}");
            }
        }
    }
}

#[test]
fn a_section_that_is_not_there_or_not_the_last_is_named() {
    let dir = TestDir::new();
    let file = file(&dir, &[("members", pattern(40)), ("host", pattern(50))]);
    for name in ["members", "polled"] {
        let refused = file.last_section(name);
        assert!(matches!(&refused, Err(Error::Corrupt { .. })), "{name}: {refused:?}");
    }
}

#[test]
fn no_byte_of_a_spoilt_block_is_handed_out() {
    let dir = TestDir::new();
    let file = file(&dir, &[("host", pattern(2 * BLOCK_BYTES_MAX))]);
    let mut bytes = std::fs::read(file.path()).unwrap();
    let in_the_second = bytes.len() - 1_000;
    bytes[in_the_second] ^= 1;
    std::fs::write(file.path(), &bytes).unwrap();
    let mut window = file.last_section("host").unwrap();
    let mut out = vec![0; BLOCK_BYTES_MAX];
    assert_eq!(window.read_at(0, &mut out).unwrap(), BLOCK_BYTES_MAX);
    let spoilt = window.read_at(BLOCK_BYTES_MAX as u64, &mut out);
    assert!(matches!(spoilt, Err(Error::Corrupt { .. })), "{spoilt:?}");
}
