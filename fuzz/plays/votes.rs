//! A file of votes whose bytes anybody may have written.

use super::{Directory, Script, heap};
use duochain::storage::Error;
use duochain::storage::votes::{FileVotes, Vote, VoteStore};
use duochain::types::{NodeId, Term};
use std::fs;

const PAGE_BYTES: usize = 4096;
const FILE_BYTES: usize = 4 * PAGE_BYTES;
const SLOT_BYTES: usize = 64;
/// The file, its path, and the words of a refusal.
const HEAP_BYTES_MAX: usize = FILE_BYTES + (8 << 10);

/// Plays what `data` says: copies of two slots are written, some of them changed, and the file is opened.
///
/// # Panics
/// When opening panics, takes another vote than the latest one of which a copy is whole, or none although one is.
pub(crate) fn play(data: &[u8]) {
    let directory = Directory::new();
    let path = directory.path().join("VOTE");
    // As it is: bytes where slots are.
    let mut raw = vec![0; FILE_BYTES];
    for (at, slot) in data.chunks(SLOT_BYTES).take(4).enumerate() {
        raw[at * PAGE_BYTES..][..slot.len()].copy_from_slice(slot);
    }
    raw.truncate(FILE_BYTES - usize::from(data.first().is_some_and(|first| first % 16 == 0)));
    fs::write(&path, &raw).expect("writable");
    drop(open(&directory));

    let mut script = Script::new(data);
    // Two saves that follow each other, or one that is the first.
    let first = script.roll(3) as u64;
    let slots = [0, 1].map(|more| slot(&mut script, first + more));
    let mut bytes = vec![0; FILE_BYTES];
    let mut copies = Vec::new();
    for copy in 0..2 {
        for (number, slot, vote) in &slots {
            let at = (number % 2) as usize * PAGE_BYTES + copy * 2 * PAGE_BYTES;
            bytes[at..at + SLOT_BYTES].copy_from_slice(slot);
            copies.push((at, *number, *vote));
        }
    }
    let whole = bytes.clone();
    for _ in 0..script.roll(5) {
        let at = script.roll(4) * PAGE_BYTES + script.roll(SLOT_BYTES + 8);
        let count = 1 + script.roll(SLOT_BYTES);
        match script.roll(3) {
            0 => bytes[at] ^= 1 << script.roll(8),
            1 => bytes[at..at + count].fill(script.word() as u8),
            _ => bytes[at..at + count].fill(0),
        }
    }
    copies.retain(|(at, ..)| bytes[*at..at + SLOT_BYTES] == whole[*at..at + SLOT_BYTES]);
    let expected = copies.iter().max_by_key(|(_, number, _)| *number).map(|(.., vote)| *vote);
    fs::write(&path, &bytes).expect("writable");
    let opened = open(&directory);
    assert_eq!(opened.as_ref().map(VoteStore::load), expected, "the latest one that is whole");
    let Some(mut votes) = opened else { return };
    let next =
        Vote { term: votes.load().term.next(), candidate: NodeId::new(script.word()), cluster: [7; 16] };
    votes.save(next).expect("there is room");
    drop(votes);
    assert_eq!(open(&directory).expect("it was saved").load(), next);
}

/// A slot whose checksum fits.
fn slot(script: &mut Script<'_>, number: u64) -> (u64, Vec<u8>, Vote) {
    let (term, candidate) = (number + script.roll(3) as u64, script.roll(4) as u64);
    let vote = Vote { term: Term::new(term), candidate: NodeId::new(candidate), cluster: [7; 16] };
    let mut bytes = Vec::from(*b"DUOVOT\r\n");
    bytes.extend_from_slice(&[1_u32, 0].map(u32::to_le_bytes).concat());
    bytes.extend_from_slice(&[number, term, candidate].map(u64::to_le_bytes).concat());
    bytes.extend_from_slice(&[7; 16]);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&super::frame::checksum(&bytes).to_le_bytes());
    (number, bytes, vote)
}

/// `None` where it is refused, in the words for that.
fn open(directory: &Directory) -> Option<FileVotes> {
    let (outcome, allocated) = heap::counted(|| FileVotes::open(directory.path()));
    assert!(allocated <= HEAP_BYTES_MAX, "{allocated} bytes for a file of {FILE_BYTES}");
    match outcome {
        Ok(votes) => Some(votes),
        Err(Error::Corrupt { .. } | Error::FormatTooNew { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}
