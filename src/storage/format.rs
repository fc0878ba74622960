//! `FORMAT`: which layout a data directory has.
//!
//! # Model
//! One line, `duochain format 1`. It appears with the directory and changes only by a migration.
//!
//! # Caller contract
//! Called with the [`DirLock`](super::DirLock) held and before anything else is created in the
//! directory: a missing file beside sub-directories means that data of an unknown format is there.

use super::{Error, durable};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The layout that this version writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;

const NAME: &str = "FORMAT";
const PREFIX: &str = "duochain format ";
/// What a file system itself may put at its root.
const FOREIGN_DIR: &str = "lost+found";

/// Checks the format of `dir`, and marks a new directory with [`FORMAT_VERSION`].
///
/// # Errors
/// `FormatTooNew`; `Corrupt` when the file is not a format file, or is missing although there is data.
pub fn check_format(dir: &Path) -> Result<(), Error> {
    let path = dir.join(NAME);
    match fs::read(&path) {
        Ok(content) => check_content(&path, &content),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            durable::create_dir(dir)?;
            if holds_data(dir)? {
                return Err(Error::corrupt(&path, 0, "missing, although the directory holds data"));
            }
            durable::create_file(&path, format!("{PREFIX}{FORMAT_VERSION}\n").as_bytes()).map(drop)
        }
        Err(error) => Err(Error::from_io("read", &path, error)),
    }
}

/// Whether `dir` is marked with the format of this version. Changes nothing.
///
/// # Errors
/// `FormatTooNew`; `Corrupt` when the file is not a format file; `Io`.
pub fn has_format(dir: &Path) -> Result<bool, Error> {
    let path = dir.join(NAME);
    match fs::read(&path) {
        Ok(content) => check_content(&path, &content).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::from_io("read", &path, error)),
    }
}

fn check_content(path: &Path, content: &[u8]) -> Result<(), Error> {
    let version = std::str::from_utf8(content)
        .ok()
        .and_then(|text| text.strip_prefix(PREFIX)?.strip_suffix('\n')?.parse::<u32>().ok());
    match version {
        Some(FORMAT_VERSION) => Ok(()),
        Some(found) if found > FORMAT_VERSION => {
            Err(Error::FormatTooNew { path: path.to_path_buf(), found, supported: FORMAT_VERSION })
        }
        _ => Err(Error::corrupt(path, 0, "not a format file of this library")),
    }
}

fn holds_data(dir: &Path) -> Result<bool, Error> {
    let io = |source| Error::from_io("list", dir, source);
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.file_type().map_err(io)?.is_dir() && entry.file_name() != FOREIGN_DIR {
            return Ok(true);
        }
    }
    Ok(false)
}
