//! Snapshots there and back, damage anywhere in them, and a crash at every step of their life.

use super::format::{BLOCK_HEAD_BYTES, HEAD_BYTES, Kind, seal_block};
use super::*;
use crate::crypto::hash::SnapshotHasher;
use crate::storage::Error;
use crate::storage::platter::{self, Fate, Luck};
use crate::storage::suite::TestDir;
use crate::types::{ClusterId, Index, LogId, Term, UnixNanos};
use std::io::Read;
use std::path::Path;

type Sections = Vec<(String, Vec<u8>)>;
type BlockOf<'a> = (Kind, &'a [u8]);

pub(super) fn head(index: u64) -> SnapshotHead {
    let last = LogId::new(Term::new(3), Index::new(index));
    SnapshotHead { cluster: ClusterId([7; 16]), last, time: UnixNanos::new(9) }
}

fn sections(seed: usize) -> Sections {
    let state = (0..BLOCK_BYTES_MAX + 1000).map(|at| (at * 31 + seed) as u8).collect();
    vec![("members".into(), vec![seed as u8; 40]), ("dedup".into(), Vec::new()), ("host".into(), state)]
}

pub(super) fn write(shelf: &SnapshotShelf, index: u64, sections: &Sections) -> Result<SnapshotFile, Error> {
    let mut writer = shelf.write(head(index))?;
    for (name, bytes) in sections {
        writer.section(name, &mut &bytes[..]).map_err(|error| match error {
            SectionError::Storage(error) => error,
            SectionError::Source(error) => panic!("{error}"),
        })?;
    }
    writer.finish()
}

fn read_all<R: Read>(mut blocks: Blocks<R>) -> Result<Sections, Unsound> {
    let mut sections = Sections::new();
    while let Some(name) = blocks.section()?.map(str::to_owned) {
        let mut bytes = Vec::new();
        blocks.read_to_end(&mut bytes).map_err(Unsound::Io)?;
        sections.push((name, bytes));
    }
    Ok(sections)
}

fn open(dir: &Path) -> (SnapshotShelf, Stored) {
    SnapshotShelf::open(dir).unwrap()
}

/// A small snapshot as bytes.
fn small() -> Vec<u8> {
    let dir = TestDir::new();
    let file = write(&open(dir.path()).0, 17, &vec![("host".into(), b"pay 7 to ada".to_vec())]).unwrap();
    std::fs::read(file.path()).unwrap()
}

#[test]
fn what_is_written_is_found_whole_and_read_back() {
    let dir = TestDir::new();
    let written = write(&open(dir.path()).0, 17, &sections(1)).unwrap();
    let (_, stored) = open(dir.path());
    assert_eq!(stored.newest.as_ref(), Some(&written));
    assert_eq!(std::fs::metadata(written.path()).unwrap().len(), written.bytes);
    let blocks = written.read().unwrap();
    assert_eq!(*blocks.head(), head(17));
    assert_eq!(read_all(blocks).unwrap(), sections(1));
}

#[test]
fn sections_that_nobody_wants_are_passed_over_and_still_verified() {
    let dir = TestDir::new();
    let written = write(&open(dir.path()).0, 17, &sections(1)).unwrap();
    let mut blocks = written.read().unwrap();
    blocks.section().unwrap();
    let mut some = [0; 3];
    blocks.read_exact(&mut some).unwrap();
    assert_eq!(some, [1; 3]);
    assert_eq!(blocks.verify().unwrap(), (written.digest, written.bytes));
}

#[test]
fn a_flipped_bit_or_a_missing_byte_anywhere_is_refused() {
    let bytes = small();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let outcome = Blocks::new(&changed[..]).and_then(Blocks::verify);
        assert!(matches!(outcome, Err(Unsound::Damaged { .. })), "bit {bit}: {outcome:?}");
    }
    for end in 0..bytes.len() {
        let outcome = Blocks::new(&bytes[..end]).and_then(Blocks::verify);
        assert!(matches!(outcome, Err(Unsound::Damaged { .. })), "cut at {end}: {outcome:?}");
    }
    let more = [&bytes[..], &[0]].concat();
    assert!(Blocks::new(&more[..]).and_then(Blocks::verify).is_err());
}

/// A snapshot of these blocks, every checksum right.
pub(super) fn of_blocks(head: SnapshotHead, blocks: &[BlockOf<'_>]) -> Vec<u8> {
    let mut bytes = head.encode();
    for (kind, payload) in blocks {
        let mut block = vec![0; BLOCK_HEAD_BYTES];
        block.extend_from_slice(payload);
        seal_block(*kind, &mut block);
        bytes.extend_from_slice(&block);
    }
    let mut hasher = SnapshotHasher::new();
    hasher.update(&bytes);
    let mut end = vec![0; BLOCK_HEAD_BYTES];
    end.extend_from_slice(&hasher.finish());
    seal_block(Kind::End, &mut end);
    [bytes, end].concat()
}

#[test]
fn what_no_writer_writes_is_refused_although_every_checksum_is_right() {
    let names: Vec<String> = (0..=SECTIONS_MAX).map(|number| "x".repeat(number + 1)).collect();
    let many: Vec<_> = names.iter().map(|name| (Kind::Section, name.as_bytes())).collect();
    let table: [(&str, &[BlockOf<'_>]); 5] = [
        ("no section", &[(Kind::Data, b"x")]),
        ("name", &[(Kind::Section, b"Host")]),
        ("twice", &[(Kind::Section, b"host"), (Kind::Section, b"host")]),
        ("short and more", &[(Kind::Section, b"host"), (Kind::Data, b"x"), (Kind::Data, b"y")]),
        ("too many", &many),
    ];
    for (what, blocks) in table {
        let outcome = Blocks::new(&of_blocks(head(1), blocks)[..]).and_then(Blocks::verify);
        assert!(matches!(outcome, Err(Unsound::Damaged { .. })), "{what}: {outcome:?}");
    }
    let fits = of_blocks(head(1), &many[..SECTIONS_MAX]);
    assert!(Blocks::new(&fits[..]).and_then(Blocks::verify).is_ok());
}

#[test]
fn a_later_version_is_told_from_damage_and_a_length_over_the_limit_makes_no_room() {
    let mut bytes = head(1).encode();
    bytes[8] = 2;
    let crc = crc32c::crc32c(&bytes[..HEAD_BYTES - 4]);
    bytes[HEAD_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
    assert!(matches!(Blocks::new(&bytes[..]), Err(Unsound::TooNew { found: 2 })));

    let mut bytes = head(1).encode();
    let mut block = [2, u32::MAX, 0].map(u32::to_le_bytes).concat();
    block.extend_from_slice(&crc32c::crc32c(&block).to_le_bytes());
    bytes.extend_from_slice(&block);
    let outcome = Blocks::new(&bytes[..]).and_then(Blocks::verify);
    assert!(matches!(&outcome, Err(Unsound::Damaged { what, .. }) if what.contains("length")), "{outcome:?}");
}

#[test]
fn a_source_that_fails_leaves_no_snapshot_and_no_draft() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("no"))
        }
    }
    let dir = TestDir::new();
    let mut writer = open(dir.path()).0.write(head(5)).unwrap();
    assert!(matches!(writer.section("host", &mut Failing), Err(SectionError::Source(_))));
    drop(writer);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn the_newest_whole_one_is_found_and_damaged_ones_are_named() {
    let dir = TestDir::new();
    let (shelf, stored) = open(dir.path());
    assert!(stored.newest.is_none());
    for index in [5, 9, 12] {
        write(&shelf, index, &sections(index as usize)).unwrap();
    }
    let newest = dir.path().join("00000000000000000012.snapshot");
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes[200] ^= 1;
    std::fs::write(&newest, bytes).unwrap();
    std::fs::write(dir.path().join("00000000000000000013.draft"), b"half").unwrap();
    let (shelf, stored) = open(dir.path());
    assert_eq!(stored.newest.map(|file| file.head), Some(head(9)));
    assert_eq!(stored.older, [Index::new(5)]);
    assert!(matches!(&stored.damaged[..], [(index, Error::Corrupt { path, .. })]
        if *index == Index::new(12) && *path == newest));
    shelf.remove(Index::new(12)).unwrap();
    shelf.prune(Index::new(9), 1).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "the draft is gone too");
    std::fs::write(dir.path().join("x.snapshot"), b"").unwrap();
    assert!(matches!(SnapshotShelf::open(dir.path()), Err(Error::Corrupt { .. })));
}

#[test]
fn a_snapshot_that_comes_in_pieces_is_one_only_when_all_of_it_is_right() {
    let (from, to) = (TestDir::new(), TestDir::new());
    let written = write(&open(from.path()).0, 17, &sections(3)).unwrap();
    let file = written.open().unwrap();
    let (shelf, _) = open(to.path());
    let mut draft = shelf.draft("incoming").unwrap();
    for offset in (0..written.bytes.div_ceil(10_000)).rev().map(|piece| piece * 10_000) {
        draft.write(&written.read_at(&file, offset, 10_000).unwrap(), offset).unwrap();
        assert_eq!(draft.verify(&|| false).is_ok(), offset == 0, "from {offset} on");
    }
    draft.write(b"x", 70).unwrap();
    assert!(matches!(draft.verify(&|| false), Err(Error::Corrupt { .. })));
    draft.write(&written.read_at(&file, 70, 1).unwrap(), 70).unwrap();
    let verified = draft.verify(&|| false).unwrap();
    assert_eq!((verified.head, verified.digest), (written.head, written.digest));
    let kept = draft.keep(&verified).unwrap();
    assert_eq!(read_all(kept.read().unwrap()).unwrap(), sections(3));
    assert_eq!(open(to.path()).1.newest, Some(kept));
}

#[test]
fn one_that_the_device_cannot_read_is_damaged_like_one_with_other_bytes() {
    let dir = TestDir::new();
    let (shelf, _) = open(dir.path());
    let written = write(&shelf, 5, &sections(5)).unwrap();
    assert!(!written.is_damaged(&|| false).unwrap());
    // Reading the memory of this process at address 0 answers EIO, as a broken sector does.
    let newest = dir.path().join("00000000000000000012.snapshot");
    std::os::unix::fs::symlink("/proc/self/mem", &newest).unwrap();
    let (_, stored) = open(dir.path());
    assert_eq!(stored.newest.as_ref(), Some(&written));
    assert!(matches!(&stored.damaged[..], [(index, Error::Io { path, .. })]
        if *index == Index::new(12) && *path == newest));
    let mut bytes = std::fs::read(written.path()).unwrap();
    bytes[200] ^= 1;
    std::fs::write(written.path(), bytes).unwrap();
    assert!(written.is_damaged(&|| false).unwrap());
    std::fs::remove_file(written.path()).unwrap();
    assert!(matches!(written.is_damaged(&|| false), Err(Error::Io { .. })), "gone is not damaged");
}

#[test]
fn what_no_reader_takes_is_not_written() {
    for wrong in ["Host", "", "once", "more"] {
        let dir = TestDir::new();
        let mut writer = open(dir.path()).0.write(head(5)).unwrap();
        writer.section("once", &mut &b""[..]).unwrap();
        let taken = if wrong == "more" { SECTIONS_MAX } else { 1 };
        (1..taken).for_each(|number| writer.section(&"x".repeat(number), &mut &b""[..]).unwrap());
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            writer.section(wrong, &mut &b""[..]).map_err(|error| error.to_string())
        }));
        assert!(refused.is_err(), "{wrong:?}");
    }
}

/// Two snapshots of its own and one that comes in, each of them taken for one when it says so.
fn live(dir: &Path, incoming: &[u8], kept: &mut u64) -> Result<(), Error> {
    let (shelf, _) = SnapshotShelf::open(dir)?;
    for index in [5, 9] {
        write(&shelf, index, &sections(index as usize))?;
        *kept = index;
    }
    shelf.prune(Index::new(9), 1)?;
    let mut draft = shelf.draft("incoming")?;
    draft.write(incoming, 0)?;
    draft.sync()?;
    let verified = draft.verify(&|| false)?;
    draft.keep(&verified)?;
    *kept = 17;
    shelf.prune(Index::new(17), 1)
}

#[test]
fn a_snapshot_that_was_said_to_be_one_is_there_after_a_power_failure_at_every_step() {
    let other = TestDir::new();
    let incoming = std::fs::read(write(&open(other.path()).0, 17, &sections(17)).unwrap().path()).unwrap();
    let steps = {
        let dir = TestDir::new();
        platter::install(dir.path(), None);
        live(dir.path(), &incoming, &mut 0).unwrap();
        let steps = platter::look().steps;
        platter::remove();
        steps
    };
    for at in 1..=steps {
        for (fate, luck) in [
            (Fate::Killed, Luck::Nothing),
            (Fate::Killed, Luck::Everything),
            (Fate::Killed, Luck::Some(at)),
            (Fate::SyncFails, Luck::Some(at)),
        ] {
            let (dir, after) = (TestDir::new(), TestDir::new());
            platter::install(dir.path(), Some((at, fate)));
            let mut kept = 0;
            let outcome = live(dir.path(), &incoming, &mut kept);
            platter::look().after_power_failure(luck, after.path());
            platter::remove();
            let (_, stored) = open(after.path());
            let found = stored.newest.map_or(0, |file| file.head.last.index.get());
            assert!(found >= kept, "step {at} {fate:?} {luck:?}: {found} after {kept} and {outcome:?}");
            assert!(stored.damaged.is_empty(), "step {at} {fate:?} {luck:?}: {:?}", stored.damaged);
            assert!([0, 5, 9, 17].contains(&found));
        }
    }
}

/// `DUO_UPDATE_CORPUS=1` writes what the fuzzer begins with.
#[test]
fn the_corpus_holds_snapshots() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/snapshot");
    let seeds = [
        small(),
        of_blocks(head(1), &[]),
        of_blocks(
            head(1),
            &[(Kind::Section, b"members"), (Kind::Section, b"host"), (Kind::Data, b"0123456789")],
        ),
    ];
    for (number, bytes) in seeds.iter().enumerate() {
        let path = dir.join(format!("seed-{number}"));
        if std::env::var_os("DUO_UPDATE_CORPUS").is_some() {
            std::fs::create_dir_all(&dir).expect("writable");
            std::fs::write(&path, bytes).expect("writable");
        }
        assert_eq!(std::fs::read(&path).expect("it is there"), *bytes, "{}", path.display());
    }
}
