//! File system steps that are on disk when they return (I5 of `storage`).
//!
//! # Model
//! Every change of a file of ours goes through here, as a [`Step`]. In tests `platter` sees each one
//! first: it keeps what a device would hold, and fails or stops where the test says.

use super::Error;
#[cfg(test)]
use super::platter;
use std::fs::{self, File};
use std::io::{self, ErrorKind, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Read and written at once by [`write_again`].
const PIECE_BYTES: usize = 1 << 20;
/// Parts that one call takes: `IOV_MAX` of Linux.
const PARTS_MAX: usize = 1024;

/// One change, as the model of a device has to know it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "only the model reads them"))]
pub(super) enum Step<'a> {
    /// An empty file appears.
    Create(&'a Path),
    /// Bytes go into the page cache.
    Write { path: &'a Path, at: u64, bytes: &'a [u8] },
    /// A file gets shorter.
    Cut { path: &'a Path, bytes: u64 },
    /// A file gets longer, by zeros.
    Grow { path: &'a Path, bytes: u64 },
    /// A file goes to the device.
    Sync(&'a Path),
    /// A file changes its name.
    Rename { from: &'a Path, to: &'a Path },
    /// A name goes away.
    Remove(&'a Path),
    /// The names in a directory go to the device.
    SyncDir(&'a Path),
}

impl Step<'_> {
    /// Does it; `name` and `path` are for the message.
    fn take<T>(self, name: &'static str, path: &Path, f: impl FnOnce() -> io::Result<T>) -> Result<T, Error> {
        #[cfg(test)]
        let f = || platter::take(&self, f);
        f().map_err(|source| Error::from_io(name, path, source))
    }
}

/// Fsyncs a directory, so that names created, renamed or removed in it stay so.
pub(super) fn sync_dir(dir: &Path) -> Result<(), Error> {
    Step::SyncDir(dir).take("sync directory", dir, || flush(&File::open(dir)?, File::sync_all))
}

/// Creates `dir` and what is missing above it.
///
/// The name of one that is there already is synced too: a process may have been killed between making
/// it and the sync, and the next one sees it although a power failure would take it away.
pub(super) fn create_dir(dir: &Path) -> Result<(), Error> {
    let parent = parent_of(dir);
    if dir.is_dir() {
        return match sync_dir(parent) {
            // Not ours then: making the directory would have ended in the same refusal.
            Err(Error::ReadOnly { .. }) => Ok(()),
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::InvalidInput => Ok(()),
            outcome => outcome,
        };
    }
    if parent != dir {
        create_dir(parent)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => sync_dir(parent),
        // Two handles of one process may get here at once.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => sync_dir(parent),
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
    let temporary = &temporary_name(path);
    let file = create_empty(temporary)?;
    write_at(&file, temporary, content, 0)?;
    sync_file(&file, temporary)?;
    rename(temporary, path)?;
    Ok(file)
}

/// Gives a file another name, for good. Whatever had that name is gone.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    Step::Rename { from, to }.take("rename", from, || fs::rename(from, to))?;
    sync_dir(parent_of(to))
}

/// An empty file under that name; on the device only after [`sync_file`] and [`sync_dir`].
pub(super) fn create_empty(path: &Path) -> Result<File, Error> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(true);
    Step::Create(path).take("create", path, || options.open(path))
}

/// Removes a file, for good.
pub(super) fn remove_file(path: &Path) -> Result<(), Error> {
    Step::Remove(path).take("remove", path, || fs::remove_file(path))?;
    sync_dir(parent_of(path))
}

/// Writes all of `bytes`; on the device only after [`sync_file`].
pub(super) fn write_at(file: &File, path: &Path, bytes: &[u8], at: u64) -> Result<(), Error> {
    Step::Write { path, at, bytes }.take("write", path, || file.write_all_at(bytes, at))
}

/// Writes all of `parts`, one behind the other, with as few calls as there may be; on the device only after
/// [`sync_file`].
pub(super) fn write_parts_at(
    file: &File,
    path: &Path,
    parts: &mut [IoSlice<'_>],
    at: u64,
) -> Result<(), Error> {
    // What the model of a device sees is one write.
    #[cfg(test)]
    let whole = parts.iter().flat_map(|part| part.iter().copied()).collect::<Vec<u8>>();
    #[cfg(not(test))]
    let whole = [];
    Step::Write { path, at, bytes: &whole }.take("write", path, || write_vectored(file, parts, at))
}

fn write_vectored(file: &File, mut parts: &mut [IoSlice<'_>], mut at: u64) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        let call = &parts[..parts.len().min(PARTS_MAX)];
        match rustix::io::pwritev(file, call, at) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                at += written as u64;
                IoSlice::advance_slices(&mut parts, written);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Makes a file `bytes` long and takes the space for it, so that writing there cannot fail for want of it;
/// on the device only after [`sync_file`].
pub(super) fn grow_file(file: &File, path: &Path, bytes: u64) -> Result<(), Error> {
    Step::Grow { path, bytes }.take("allocate", path, || {
        match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
            // A file system that cannot take space ahead finds out when it is written.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => file.set_len(bytes),
            outcome => Ok(outcome?),
        }
    })
}

/// Makes a file end after `bytes`; on the device only after [`sync_file`].
pub(super) fn cut_file(file: &File, path: &Path, bytes: u64) -> Result<(), Error> {
    Step::Cut { path, bytes }.take("truncate", path, || file.set_len(bytes))
}

/// Makes the content of a file durable, its length too.
///
/// After a failure nobody knows what the device holds, and asking again does not help: Linux reports a
/// page that it could not write once and takes it for clean from then on. It goes on *showing* what is in
/// memory, to other descriptors and processes too, and the next sync has nothing to write and succeeds.
/// So what a failed sync left behind has to be written again before a sync says anything about it.
///
/// Source: Rebello et al., Can Applications Recover from fsync Failures? (USENIX ATC 2020), sections 3
/// and 4, for ext4, XFS and Btrfs; first met by PostgreSQL in 2018.
pub(super) fn sync_file(file: &File, path: &Path) -> Result<(), Error> {
    Step::Sync(path).take("sync", path, || flush(file, File::sync_all))
}

/// As [`sync_file`], without times and permissions: for the hot path, where the file has only grown.
pub(super) fn sync_data(file: &File, path: &Path) -> Result<(), Error> {
    Step::Sync(path).take("sync", path, || flush(file, File::sync_data))
}

/// Brings to the device what a file shows, whatever an earlier sync said (see [`sync_file`]). Ends at the
/// first [`PIECE_BYTES`] of zeros: what was laid out ahead and never used.
pub(super) fn write_again(path: &Path) -> Result<(), Error> {
    let failed = |operation| move |source| Error::from_io(operation, path, source);
    let file = File::options().read(true).write(true).open(path).map_err(failed("open"))?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut at = 0;
    loop {
        let count = file.read_at(&mut piece, at).map_err(failed("read"))?;
        let bytes = &piece[..count];
        if bytes.iter().all(|byte| *byte == 0) {
            return sync_file(&file, path);
        }
        write_at(&file, path, bytes, at)?;
        at += count as u64;
    }
}

fn flush(file: &File, f: fn(&File) -> io::Result<()>) -> io::Result<()> {
    #[cfg(test)]
    if platter::is_installed() {
        return Ok(());
    }
    f(file)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::platter::{self, Fate, Luck};
    use crate::storage::suite::TestDir;

    #[test]
    fn a_directory_that_a_killed_process_made_is_synced_by_the_next_one() {
        let dir = TestDir::new();
        let inner = dir.path().join("a");
        fs::create_dir(&inner).unwrap();
        platter::install(dir.path(), None);
        create_dir(&inner).unwrap();
        assert_eq!(platter::look().synced, [dir.path()]);
        platter::remove();
    }

    #[test]
    fn a_created_file_is_whole_or_absent_after_a_power_failure_at_every_step() {
        for at in 1..=6 {
            let (dir, after) = (TestDir::new(), TestDir::new());
            platter::install(dir.path(), Some((at, Fate::Killed)));
            let outcome = create_file(&dir.path().join("file"), &[7; 2000]);
            platter::look().after_power_failure(Luck::Some(at), after.path());
            platter::remove();
            let found = fs::read(after.path().join("file")).ok();
            assert!(found.is_none_or(|content| content == [7; 2000]), "step {at}");
            assert_eq!(outcome.is_ok(), at == 6, "step {at}");
        }
    }
}
