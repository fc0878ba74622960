//! A directory of frame files whose bytes anybody may have written.

use super::{Directory, Script, heap};
use duochain::frame::{Body, Frame, FrameLimits, Seal};
use duochain::storage::Error;
use duochain::storage::frames::{FrameLog, FrameLogOptions, SegmentFrameLog};
use duochain::types::{Index, Term, UnixNanos};
use std::fs;
use std::path::Path;

const OPTIONS: FrameLogOptions = FrameLogOptions {
    segment_bytes: 1 << 20,
    limits: FrameLimits { body_bytes_max: 4096, entries_max: 100 },
    recent_bytes_max: 0,
};
/// Of what opening allocates beside one piece of a file at a time.
const HEAP_BYTES_MAX: usize = 16 << 20;

/// Plays what `data` says: a log is written, its file changed, the log opened.
///
/// # Panics
/// When opening panics, allocates by what bytes claim, shows a frame that was not written there, or loses one
/// although nothing before its end was touched.
pub(crate) fn play(data: &[u8]) {
    let mut script = Script::new(data);
    let directory = Directory::new();
    let path = directory.path().join("00000000000000000001.frames");
    let mut log = SegmentFrameLog::open(directory.path(), &OPTIONS).expect("an empty folder");
    let mut frames = Vec::new();
    for _ in 0..=script.roll(6) {
        let seal = Seal {
            term: Term::new(1 + frames.len() as u64 / 2),
            base: log.last().next(),
            time: UnixNanos::default(),
        };
        let frame = Frame::new(seal, Body::membership(&vec![script.word() as u8; script.roll(300)]));
        log.append(std::slice::from_ref(&frame)).expect("it follows");
        if script.roll(2) == 0 {
            log.sync().expect("there is room");
        }
        frames.push(frame);
    }
    log.sync().expect("there is room");
    drop(log);
    let (first, is_copied) = change(&mut script, &path);
    let (outcome, allocated) = heap::counted(|| SegmentFrameLog::open(directory.path(), &OPTIONS));
    assert!(allocated <= HEAP_BYTES_MAX, "{allocated} bytes to open a file of 1 MiB");
    match outcome {
        Ok(log) => check(&log, &frames, first),
        Err(Error::Corrupt { .. } | Error::FormatTooNew { .. }) => mend(directory.path(), &frames, is_copied),
        Err(error) => panic!("{error}"),
    }
}

/// Writes over some bytes, or cuts the file; where the first change was, and whether bytes were moved.
fn change(script: &mut Script<'_>, path: &Path) -> (usize, bool) {
    let mut bytes = fs::read(path).expect("readable");
    let (mut first, mut is_copied) = (bytes.len(), false);
    for _ in 0..script.roll(4) {
        // Where the records are, mostly.
        let at = [0, 4096][script.roll(2)] + script.roll(2600);
        let from = 4096 + script.roll(2600);
        let count = 1 + script.roll(200);
        match script.roll(4) {
            0 => bytes[at] ^= 1 << script.roll(8),
            1 => bytes[at..at + count].fill(script.word() as u8),
            2 => {
                bytes.copy_within(from..from + count, at);
                is_copied = true;
            }
            _ => bytes.truncate(at.max(8000)),
        }
        bytes.resize(bytes.len().max(8000), 0);
        first = first.min(at);
    }
    fs::write(path, bytes).expect("writable");
    (first, is_copied)
}

fn check(log: &SegmentFrameLog, frames: &[Frame], first: usize) {
    let found = log.reader().read(Index::new(1), 1 << 20).expect("verified when it was opened");
    assert_eq!(found, frames[..found.len()], "what is shown is what was written");
    let mut end = 4096;
    for (number, frame) in frames.iter().enumerate() {
        end += 32 + frame.encoded_bytes();
        assert!(number < found.len() || end > first, "frame {number} was not touched, and is gone");
    }
}

/// Peers still have everything.
fn mend(directory: &Path, frames: &[Frame], is_copied: bool) {
    let Ok(damages) = SegmentFrameLog::damages(directory) else { return };
    assert!(!damages.is_empty(), "what is refused is damaged");
    for damage in &damages {
        let missing: Vec<Frame> = frames
            .iter()
            .filter(|frame| (damage.from()..=damage.to()).contains(&frame.base()))
            .cloned()
            .collect();
        match damage.mend(&missing) {
            Ok(()) => {}
            // A frame that was moved as a whole stands where no gap of its size ends.
            Err(Error::OutOfOrder(_)) if is_copied => return,
            Err(error) => panic!("exactly what is missing, and yet: {error}"),
        }
    }
    let log = SegmentFrameLog::open(directory, &OPTIONS).expect("mended");
    let found = log.reader().read(Index::new(1), 1 << 20).expect("verified");
    assert_eq!(found, frames[..found.len()]);
}
