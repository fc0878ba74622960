//! A log as somebody finds it who may not open it: what is in each file, and what is not what was written.
//!
//! Nothing is written, made, removed or renamed, and nothing is refused: what opening would refuse is told, and the next
//! file looked at. Where a log is written meanwhile, its last file may look torn.

use super::format::PREFIX_BYTES;
use super::recovery::{Found, describe, inspect, list_all, no_name};
use crate::frame::{FRAME_HEADER_BYTES, Frame, FrameKind, FrameLimits};
use crate::storage::Error;
use crate::storage::frames::FrameHead;
use crate::types::{Index, Term};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The files of a log; see [`super::SegmentFrameLog::inspect`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct FrameFiles {
    /// Those with frames, ascending.
    pub files: Vec<FrameFile>,
    /// Those that hold none: laid out ahead, or to be used again.
    pub spares: Vec<PathBuf>,
    /// What opening would not take as it is.
    pub faults: Vec<Error>,
}

/// One file of a log. What stands behind a damage in it is counted, where it can be told from what an older use left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its first entry, as its name says.
    pub base: Index,
    /// The last entry in it; the one before `base` when there is none.
    pub last: Index,
    /// How many frames were found.
    pub frames: u64,
    /// Where each term begins that its frames have.
    pub terms: Vec<(Term, Index)>,
    /// Where its memberships are, and their bytes.
    pub memberships: Vec<(Index, Vec<u8>)>,
    /// From here on something was begun that nobody was told is durable: opening cuts it.
    pub torn_at: Option<u64>,
}

impl FrameFile {
    fn new(path: &Path, base: Index) -> Self {
        Self {
            path: path.to_path_buf(),
            // Reading it says what is wrong with it.
            bytes: fs::metadata(path).map_or(0, |metadata| metadata.len()),
            base,
            last: base.back(1).expect("the first index is 1"),
            frames: 0,
            terms: Vec::new(),
            memberships: Vec::new(),
            torn_at: None,
        }
    }
}

pub(super) fn files(dir: &Path, visit: &mut dyn FnMut(&Path, FrameHead)) -> Result<FrameFiles, Error> {
    let listing = list_all(dir)?;
    let faults = listing.misnamed.iter().map(|path| no_name(path)).collect();
    let mut all = FrameFiles { files: Vec::new(), spares: listing.others, faults };
    let mut term = Term::ORIGIN;
    for (number, (base, path)) in listing.files.iter().enumerate() {
        let expected = listing.files.get(number + 1).map(|(next, _)| *next);
        let mut file = FrameFile::new(path, *base);
        let mut members = Vec::new();
        let found = inspect(path, *base, expected, term, &mut |header, seal, at| {
            let head = FrameHead {
                base: seal.base,
                count: header.count,
                term: seal.term,
                kind: header.kind,
                position: at,
            };
            visit(path, head);
            file.frames += 1;
            if file.terms.last().is_none_or(|(term, _)| *term < seal.term) {
                file.terms.push((seal.term, seal.base));
            }
            if header.kind == FrameKind::Membership {
                members.push((at, header.body_bytes));
            }
        });
        match found {
            Ok(found) => file.take(found, expected, &mut all.faults),
            Err(error) => all.faults.push(error),
        }
        let read = members.into_iter().map(|place| membership(path, place));
        match read.collect::<Result<_, _>>() {
            Ok(memberships) => file.memberships = memberships,
            Err(error) => all.faults.push(error),
        }
        term = file.terms.last().map_or(term, |(last, _)| *last);
        all.files.push(file);
    }
    Ok(all)
}

impl FrameFile {
    fn take(&mut self, found: Found, expected: Option<Index>, faults: &mut Vec<Error>) {
        let Found { scan, .. } = found;
        self.last = scan.next.back(1).expect("the first index is 1");
        self.torn_at = scan.is_torn.then_some(scan.end);
        faults.extend(scan.gaps.iter().map(|gap| Error::corrupt(&self.path, gap.at, describe(gap))));
        if let Some(next) = expected.filter(|next| *next < scan.next) {
            let what = format!("overlaps: the next file begins at {next}, this one goes on to {}", self.last);
            faults.push(Error::corrupt(&self.path, 0, what));
        }
    }
}

/// The membership in the frame whose record stands at `at`, which was verified.
fn membership(path: &Path, (at, body_bytes): (u64, u32)) -> Result<(Index, Vec<u8>), Error> {
    let failed = |source| Error::from_io("read", path, source);
    let mut bytes = vec![0; FRAME_HEADER_BYTES + body_bytes as usize];
    let file = File::open(path).map_err(failed)?;
    file.read_exact_at(&mut bytes, at + PREFIX_BYTES as u64).map_err(failed)?;
    let (frame, _) = Frame::decode(&bytes, &FrameLimits::CEILING)
        .map_err(|fault| Error::corrupt(path, at, format!("{}: {}", fault.field, fault.fault)))?;
    let entry = frame.entries().next().map_or(Vec::new(), |entry| entry.bytes.to_vec());
    Ok((frame.base(), entry))
}
