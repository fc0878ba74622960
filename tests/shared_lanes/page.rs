//! `docs/shared-lanes.md` against a real segment: who writes a producer from the page must be right.

use crate::queue;
use crate::support::{LANE, Scratch};
use crate::workshop::top;
use duochain::pool::Meta;
use duochain::queue::{SharedPlace, SharedProducer, SharedSettings};

/// Lines `0xOFFSET  eight bytes  words` of the page.
fn example() -> Vec<(usize, Vec<u8>, String)> {
    let page = std::fs::read_to_string(top().join("docs/shared-lanes.md")).expect("readable");
    let lines = page.lines().filter(|line| line.starts_with("0x") && line.len() > 32);
    let lines = lines.map(|line| {
        let offset = usize::from_str_radix(&line[2..6], 16).expect("an offset");
        let bytes = line[8..31].split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("a byte"));
        (offset, bytes.collect(), line.to_owned())
    });
    lines.collect()
}

#[test]
fn the_worked_example_of_the_page_is_what_a_segment_holds() {
    let scratch = Scratch::in_memory("shared-page");
    let path = scratch.path().join("segment");
    let queue = queue(1);
    let settings =
        SharedSettings { place: SharedPlace::File(path.clone()), lane_cells: 4, seats: 1, part_bytes: 256 };
    let _lanes = queue.open_shared(&settings).expect("valid");
    let mut producer = SharedProducer::attach(&path).expect("a seat");
    producer.enqueue(LANE, b"duochain", Meta { tag: 7, stamp: 9 }).expect("room");
    let segment = std::fs::read(&path).expect("ours");
    let example = example();
    assert!(example.len() > 20, "the page has its example");
    for (offset, bytes, line) in &example {
        assert_eq!(segment[*offset..offset + 8], bytes[..], "{line}");
    }
    // Every word that is not zero is on the page, or is one that differs from run to run.
    let varying = [0x78, 0x80, 0x88, 0x1100];
    for (index, word) in segment.chunks(8).enumerate() {
        let offset = index * 8;
        let told = varying.contains(&offset) || example.iter().any(|line| line.0 == offset);
        assert!(told || word == [0; 8], "{offset:#x} is not on the page");
    }
    let check = segment[..0x88].chunks(8).fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3)
    });
    assert_eq!(segment[0x88..0x90], check.to_le_bytes());
}
