//! Opening: list the files, verify each, check that they follow on, cut a torn tail.

use super::active::{Active, path_of};
use super::frame::{self, BadHeader, FileHeader};
use super::reader::Sealed;
use super::scan::{Scan, Tail, scan};
use crate::env::log::{self, Level};
use crate::storage::{Error, durable};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

const TARGET: &str = "storage::segments";

/// A log as it was found.
pub(super) struct Recovered {
    /// Every file, the active one last.
    pub(super) segments: Vec<Sealed>,
    pub(super) active: Active,
}

pub(super) fn recover(dir: &Path) -> Result<Recovered, Error> {
    let files = list(dir)?;
    // A process may have been killed between a change of a name and the sync: what is seen here may be
    // in memory only, and nothing may be built on it before it is on the device.
    durable::sync_dir(dir)?;
    let Some((newest, older)) = files.split_last() else {
        let active = Active::create(dir, 1)?;
        return Ok(Recovered { segments: vec![active.sealed()], active });
    };
    let mut segments: Vec<Sealed> = Vec::with_capacity(files.len());
    for ((base, path), (next, _)) in older.iter().zip(&files[1..]) {
        let found = read(path, *base)?;
        check_complete(dir, &found.sealed, &found.scan, *next)?;
        segments.push(found.sealed);
    }
    let (base, path) = newest;
    let found = read(path, *base)?;
    if let Tail::Corrupt { offset } = found.scan.tail {
        return Err(bad_record(path, offset));
    }
    let active = Active::reopen(&found.sealed)?;
    finish_tail(&active, &found)?;
    segments.push(found.sealed);
    Ok(Recovered { segments, active })
}

/// Segment files by base. Left-overs of an interrupted creation are removed, other names left alone.
fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let io = |source| Error::from_io("list", dir, source);
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let stem = |path: &Path| path.file_stem().and_then(OsStr::to_str).map(str::to_owned);
        let base = stem(&path).and_then(|stem| stem.parse::<u64>().ok());
        match path.extension().and_then(OsStr::to_str) {
            Some("seg") => match base {
                Some(base) if base > 0 && path == path_of(dir, base) => files.push((base, path)),
                _ => return Err(Error::corrupt(&path, 0, "not a name of a segment")),
            },
            Some("tmp") if stem(&path).is_some_and(|name| name.ends_with(".seg")) => {
                durable::remove_file(&path)?;
            }
            _ => {}
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// A file with a successor holds every record up to it. Bytes after its last record do not matter then:
/// a power failure may have caught the mark, which is written after the sync.
fn check_complete(dir: &Path, sealed: &Sealed, scan: &Scan, next: u64) -> Result<(), Error> {
    let expected = sealed.last() + 1;
    match scan.tail {
        Tail::Corrupt { offset } => Err(bad_record(&sealed.path, offset)),
        Tail::Torn { keep } if expected < next => Err(bad_record(&sealed.path, keep)),
        _ if expected < next => {
            let what = format!("missing: records {expected} to {}", next - 1);
            Err(Error::corrupt(&path_of(dir, expected), 0, what))
        }
        _ if expected > next => {
            let what = format!("overlaps: record {expected} was expected");
            Err(Error::corrupt(&path_of(dir, next), 0, what))
        }
        _ => Ok(()),
    }
}

fn bad_record(path: &Path, offset: usize) -> Error {
    Error::corrupt(path, offset as u64, "a durable record does not match its checksum")
}

/// A file, judged.
struct Found {
    sealed: Sealed,
    scan: Scan,
    bytes: Vec<u8>,
}

fn read(path: &Path, base: u64) -> Result<Found, Error> {
    let bytes = fs::read(path).map_err(|source| Error::from_io("read", path, source))?;
    if u32::try_from(bytes.len()).is_err() {
        return Err(Error::corrupt(path, u64::from(u32::MAX), "longer than any segment"));
    }
    let header = FileHeader::decode(&bytes).map_err(|bad| match bad {
        BadHeader::TooNew { found } => {
            Error::FormatTooNew { path: path.to_path_buf(), found, supported: frame::VERSION }
        }
        BadHeader::Damaged { offset, what } => Error::corrupt(path, offset, what),
    })?;
    if header.base != base {
        return Err(Error::corrupt(
            path,
            16,
            format!("starts at record {}, its name says {base}", header.base),
        ));
    }
    let mut scan = scan(&bytes, base, header.salt);
    let offsets = std::mem::take(&mut scan.offsets);
    let sealed = Sealed { base, salt: header.salt, path: path.to_path_buf(), offsets, end: scan.end };
    Ok(Found { sealed, scan, bytes })
}

/// Makes what was found durable, since from here on it is shown to readers, and says so in a mark.
fn finish_tail(active: &Active, found: &Found) -> Result<(), Error> {
    let Found { sealed, scan, bytes } = found;
    let keep = match scan.tail {
        Tail::Torn { keep } => keep,
        _ => bytes.len(),
    };
    if keep < bytes.len() {
        let (path, cut) = (sealed.path.display(), bytes.len() - keep);
        let what = format_args!("{path}: torn tail of {cut} bytes cut at offset {keep}");
        log::emit(Level::Warn, TARGET, what);
    } else if scan.proven == sealed.last() {
        return Ok(());
    }
    active.make_durable(&bytes[sealed.start_after(scan.proven)..sealed.end], keep)
}
