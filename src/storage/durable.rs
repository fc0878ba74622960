//! File system steps that are on disk when they return (I5 of `storage`).

use super::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Fsyncs a directory, so that names created, renamed or removed in it stay so.
pub(super) fn sync_dir(dir: &Path) -> Result<(), Error> {
    let outcome = File::open(dir).and_then(|handle| handle.sync_all());
    outcome.map_err(|source| Error::from_io("sync directory", dir, source))
}

/// Creates `dir` and what is missing above it.
pub(super) fn create_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = parent_of(dir);
    if parent != dir {
        create_dir(parent)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => sync_dir(parent),
        // Two handles of one process may get here at once.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(Error::from_io("create directory", dir, error)),
    }
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// Makes a file appear with its content or not at all: temporary name, fsync, rename, directory fsync.
/// Returns it open for reading and writing.
pub(super) fn create_file(path: &Path, content: &[u8]) -> Result<File, Error> {
    let temporary = temporary_name(path);
    let write = |operation, outcome: std::io::Result<()>| {
        outcome.map_err(|source| Error::from_io(operation, &temporary, source))
    };
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)
        .map_err(|source| Error::from_io("create", &temporary, source))?;
    write("write", file.write_all(content))?;
    write("sync", file.sync_all())?;
    write("rename", fs::rename(&temporary, path))?;
    sync_dir(parent_of(path))?;
    Ok(file)
}

/// Removes a file, for good.
pub(super) fn remove_file(path: &Path) -> Result<(), Error> {
    fs::remove_file(path).map_err(|source| Error::from_io("remove", path, source))?;
    sync_dir(parent_of(path))
}

/// The name that [`create_file`] uses before the rename; left over only by a crash.
pub(super) fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Bytes allocated below `dir`. Files that vanish meanwhile count as nothing.
pub(super) fn allocated_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .map(
            |(path, metadata)| {
                if metadata.is_dir() { allocated_bytes(&path) } else { metadata.blocks() * 512 }
            },
        )
        .sum()
}
