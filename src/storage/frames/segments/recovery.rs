//! Opening: list the files, verify each, check that they follow on, end the log behind its last frame.

use super::active::{Active, path_of};
use super::format::{self, BadPage, Cut, RECORDS_AT};
use super::intact::Intact;
use super::scan::{Gap, Scan, Subject, scan};
use super::stock::{Layout, Stock, Taking};
use super::view::Segment;
use super::window::Window;
use crate::env::log::{self, Level};
use crate::frame::{FrameHeader, Seal};
use crate::storage::frames::outline::Outline;
use crate::storage::{Error, durable};
use crate::types::{Index, Term};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const TARGET: &str = "storage::frames";
const PIECE_BYTES: u64 = 1 << 20;

/// A log as it was found.
pub(super) struct Recovered {
    /// Every file, the active one last.
    pub(super) segments: VecDeque<Segment>,
    pub(super) outline: Outline,
    pub(super) active: Active,
}

/// What is in a directory: files of frames by base, and what is ours beside them.
pub(super) struct Listing {
    pub(super) files: Vec<(Index, PathBuf)>,
    pub(super) others: Vec<PathBuf>,
    /// Called as files of frames are, but for the number.
    pub(super) misnamed: Vec<PathBuf>,
}

/// A file as it was found.
pub(super) struct Found {
    segment: Segment,
    cut: Cut,
    pub(super) scan: Scan,
}

pub(super) fn recover(dir: &Path, stock: &Stock) -> Result<Recovered, Error> {
    let listing = list(dir)?;
    // A process may have been killed between a change of a name and the sync: what is seen here may be in
    // memory only, and nothing may be built on it before it is on the device.
    durable::sync_dir(dir)?;
    for path in &listing.others {
        stock.find(path)?;
    }
    let Some((first, _)) = listing.files.first() else {
        // Nobody waits for an opening as for a vote, and syncs are cheaper in such a file.
        return start(dir, stock, Index::new(1), Layout::Written);
    };
    let mut outline = Outline::new(*first);
    let mut segments = VecDeque::with_capacity(listing.files.len());
    let mut last = None;
    for (number, (base, path)) in listing.files.iter().enumerate() {
        let expected = listing.files.get(number + 1).map(|(next, _)| *next);
        let term = outline.last_term();
        let found = inspect(path, *base, expected, term, &mut |header, seal, _| {
            if outline.next() == seal.base {
                outline.push(header, seal);
            }
        })?;
        if let Some(gap) = found.scan.gaps.first() {
            return Err(Error::corrupt(path, gap.at, describe(gap)));
        }
        check_end(dir, found.scan.next, expected)?;
        last = Some((found.cut, found.scan));
        segments.push_back(found.segment);
    }
    let (cut, scan) = last.expect("there is a file");
    let segment = segments.back().expect("there is a file");
    let active = finish(segment, cut, &scan)?;
    Ok(Recovered { segments, outline, active })
}

/// An empty log whose first entry will be `next`.
pub(super) fn start(dir: &Path, stock: &Stock, next: Index, layout: Layout) -> Result<Recovered, Error> {
    let path = path_of(dir, next);
    let blank = stock.take(&path, layout).map_err(|taking| match taking {
        Taking::NotReady(error) | Taking::Failed(error) => error,
    })?;
    let active = Active::new(path.clone(), blank);
    let segments = VecDeque::from([Segment::new(next, active.salt(), path)]);
    Ok(Recovered { segments, outline: Outline::new(next), active })
}

pub(super) fn list(dir: &Path) -> Result<Listing, Error> {
    let listing = list_all(dir)?;
    match listing.misnamed.first() {
        Some(path) => Err(no_name(path)),
        None => Ok(listing),
    }
}

pub(super) fn no_name(path: &Path) -> Error {
    Error::corrupt(path, 0, "not a name of a file of frames")
}

pub(super) fn list_all(dir: &Path) -> Result<Listing, Error> {
    let io = |source| Error::from_io("list", dir, source);
    let mut listing = Listing { files: Vec::new(), others: Vec::new(), misnamed: Vec::new() };
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(stem) = name.strip_suffix(".frames") {
            match stem.parse::<u64>().map(Index::new) {
                Ok(base) if base > Index::ORIGIN && path == path_of(dir, base) => {
                    listing.files.push((base, path));
                }
                _ => listing.misnamed.push(path),
            }
        } else if Stock::is_ours(name) {
            listing.others.push(path);
        }
    }
    listing.files.sort_unstable();
    listing.others.sort_unstable();
    listing.misnamed.sort_unstable();
    Ok(listing)
}

/// Reads and verifies one file, which stands behind entries of `term`; `visit` gets each good frame, and where its record
/// stands.
pub(super) fn inspect(
    path: &Path,
    base: Index,
    expected: Option<Index>,
    term: Term,
    visit: &mut dyn FnMut(&FrameHeader, Seal, u64),
) -> Result<Found, Error> {
    let failed = |operation| move |source| Error::from_io(operation, path, source);
    let file = File::open(path).map_err(failed("open"))?;
    let mut window = Window::new(&file).map_err(failed("read"))?;
    if u32::try_from(window.end).is_err() {
        return Err(Error::corrupt(path, u64::from(u32::MAX), "longer than any file of frames"));
    }
    let page = window.get(0, RECORDS_AT as usize).map_err(failed("read"))?;
    let salt = format::read_page(page).map_err(|bad| match bad {
        BadPage::TooNew { found } => {
            Error::FormatTooNew { path: path.to_path_buf(), found, supported: format::VERSION }
        }
        BadPage::Damaged { what } => Error::corrupt(path, 0, what),
    })?;
    let cut = Cut::latest(page, salt);
    let mut segment = Segment::new(base, salt, path.to_path_buf());
    let mut found = |header: &FrameHeader, at| {
        let seal = header.seal.expect("records hold sealed frames");
        segment.push(header, seal.base, at);
        visit(header, seal, at);
    };
    let subject = Subject { base, expected, salt, cut, term };
    let scan = scan(&mut window, subject, &mut found).map_err(failed("read"))?;
    Ok(Found { segment, cut, scan })
}

/// What is missing in the file, its first page included; `intact` learns what is there.
pub(super) fn gaps(
    path: &Path,
    base: Index,
    expected: Option<Index>,
    intact: &mut Intact,
) -> Result<(Option<u64>, Vec<Gap>), Error> {
    let term = intact.last_term();
    match inspect(path, base, expected, term, &mut |header, seal, _| intact.push(header, seal)) {
        Ok(found) => {
            check_end(path.parent().unwrap_or(path), found.scan.next, expected)?;
            Ok((Some(found.segment.salt), found.scan.gaps))
        }
        Err(Error::Corrupt { offset: 0, .. }) => {
            let gap = Gap {
                at: 0,
                end: None,
                from: base,
                to: expected,
                generation: 0,
                durable: base.back(1).expect("the first index is 1"),
                term,
                term_after: None,
                header: None,
            };
            Ok((None, vec![gap]))
        }
        Err(error) => Err(error),
    }
}

pub(super) fn describe(gap: &Gap) -> String {
    match gap.to.and_then(|to| to.back(1)) {
        Some(last) => format!("durable entries {} to {last} are not what was written", gap.from),
        None => format!("durable entries from {} on are not what was written", gap.from),
    }
}

fn check_end(dir: &Path, next: Index, expected: Option<Index>) -> Result<(), Error> {
    match expected {
        Some(expected) if expected < next => {
            let what = format!("overlaps: entry {next} was expected");
            Err(Error::corrupt(&path_of(dir, expected), 0, what))
        }
        _ => Ok(()),
    }
}

/// Makes what was found durable, since from here on it is shown to readers, and ends the file behind it.
///
/// The bytes were read, but maybe from memory alone: an earlier sync may have failed, in this process or
/// another. So those that nothing vouches for are written once more, which a sync then has to bring to the
/// device (see [`durable::sync_file`]). The cut takes everything behind them out of any later reading.
fn finish(segment: &Segment, cut: Cut, scan: &Scan) -> Result<Active, Error> {
    let path = &segment.path;
    let file = File::options().read(true).write(true).open(path);
    let file = file.map_err(|source| Error::from_io("open", path, source))?;
    if scan.is_torn {
        let what = format_args!("{}: torn tail cut at offset {}", path.display(), scan.end);
        log::emit(Level::Warn, TARGET, what);
    }
    let mut window = Window::new(&file).map_err(|source| Error::from_io("read", path, source))?;
    let mut at = scan.unproven_at;
    while at < scan.end {
        let bytes = (scan.end - at).min(PIECE_BYTES);
        let piece = window.get(at, bytes as usize).map_err(|source| Error::from_io("read", path, source))?;
        durable::write_at(&file, path, piece, at)?;
        at += bytes;
    }
    let mut active = Active::found(path.clone(), file, segment.salt, cut, scan.end);
    active.cut(scan.end, scan.next)?;
    Ok(active)
}
