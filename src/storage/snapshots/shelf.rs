//! The directory of snapshots: what is there, what is half there, what goes.

use super::{Blocks, SnapshotHead, SnapshotWriter, Unsound, Until};
use crate::storage::{Error, durable};
use crate::types::Index;
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const SNAPSHOT: &str = "snapshot";
const DRAFT: &str = "draft";
/// Read at once.
const AHEAD_BYTES: usize = 1 << 20;
/// Bytes that are written before they are synced.
const SYNC_BYTES: u64 = 8 << 20;

/// A directory of snapshots.
#[derive(Clone, Debug)]
pub struct SnapshotShelf {
    dir: PathBuf,
}

/// What opening found.
#[derive(Debug, Default)]
pub struct Stored {
    /// The newest one that is whole.
    pub newest: Option<SnapshotFile>,
    /// Older ones by their last entry, the oldest first. Nobody has looked into them.
    pub older: Vec<Index>,
    /// Newer ones that are not what was written, or that the device cannot read. They are still there: see [`SnapshotShelf::remove`].
    pub damaged: Vec<(Index, Error)>,
}

/// A snapshot that was whole when it was written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    path: PathBuf,
    /// What it is of.
    pub head: SnapshotHead,
    /// The digest at its end, over everything before.
    pub digest: [u8; 32],
    /// Its length.
    pub bytes: u64,
}

impl SnapshotShelf {
    /// Opens or creates `dir`, removes drafts, and looks for the newest snapshot that is whole.
    ///
    /// # Errors
    /// `FormatTooNew`, `Corrupt` for names that are none, `Io`, `Full`, `ReadOnly`.
    pub fn open(dir: &Path) -> Result<(Self, Stored), Error> {
        durable::create_dir(dir)?;
        let shelf = Self::at(dir);
        // A name that is seen may be in memory only, as after a kill. What it names was synced before (S1).
        durable::sync_dir(dir)?;
        let mut indexes = shelf.list()?;
        let mut stored = Stored::default();
        while let Some(index) = indexes.pop() {
            match verify(&shelf.path_of(index), &|| false) {
                Ok(file) if file.head.last.index == index => {
                    stored.newest = Some(file);
                    stored.older = indexes;
                    break;
                }
                Ok(file) => {
                    let what = format!("it ends with entry {}", file.head.last.index);
                    stored.damaged.push((index, Error::corrupt(&file.path, 0, what)));
                }
                Err(error) if is_damage(&error) => stored.damaged.push((index, error)),
                Err(error) => return Err(error),
            }
        }
        Ok((shelf, stored))
    }

    /// Of a directory that is left as it is.
    pub(super) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    /// Snapshots by their last entry, ascending. Removes drafts.
    fn list(&self) -> Result<Vec<Index>, Error> {
        let mut indexes = Vec::new();
        for path in self.paths()? {
            if is_draft(&path) {
                durable::remove_file(&path)?;
            } else if is_snapshot(&path) {
                indexes.push(self.index_of(&path).ok_or_else(|| no_name(&path))?);
            }
        }
        indexes.sort_unstable();
        Ok(indexes)
    }

    pub(super) fn paths(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = fs::read_dir(&self.dir).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        let entries = entries.map_err(|source| Error::from_io("list", &self.dir, source))?;
        Ok(entries.iter().map(fs::DirEntry::path).collect())
    }

    /// The last entry of the snapshot of that name.
    pub(super) fn index_of(&self, path: &Path) -> Option<Index> {
        let index = path.file_stem()?.to_str()?.parse().map(Index::new).ok()?;
        (path == self.path_of(index)).then_some(index)
    }

    /// Where the snapshot that ends with `index` is: `dir/00000000000000004711.snapshot`
    pub fn path_of(&self, index: Index) -> PathBuf {
        self.dir.join(format!("{:020}.{SNAPSHOT}", index.get()))
    }

    /// A snapshot of that name, unverified but for its head.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn peek(&self, index: Index) -> Result<Blocks<BufReader<File>>, Error> {
        read(&self.path_of(index))
    }

    /// A snapshot of this node's own.
    ///
    /// # Errors
    /// `Io`, `Full`, `ReadOnly`.
    pub fn write(&self, head: SnapshotHead) -> Result<SnapshotWriter, Error> {
        let draft = self.draft(&format!("{:020}", head.last.index.get()))?;
        SnapshotWriter::new(draft, head)
    }

    /// Bytes of a snapshot that come from elsewhere. `name` keeps drafts apart.
    ///
    /// # Errors
    /// `Io`, `Full`, `ReadOnly`.
    pub fn draft(&self, name: &str) -> Result<Draft, Error> {
        let path = self.dir.join(format!("{name}.{DRAFT}"));
        let file = durable::create_empty(&path)?;
        Ok(Draft { shelf: self.clone(), path: Some(path), file, unsynced: 0 })
    }

    /// The last entries of the snapshots that are there, ascending. Nobody has looked into them.
    ///
    /// # Errors
    /// `Io`.
    pub fn ends(&self) -> Result<Vec<Index>, Error> {
        let mut indexes: Vec<Index> = self.paths()?.iter().filter_map(|path| self.index_of(path)).collect();
        indexes.sort_unstable();
        Ok(indexes)
    }

    /// Removes all but the newest `keep` snapshots that end at or before `newest`.
    ///
    /// # Errors
    /// `Io`, `ReadOnly`.
    pub fn prune(&self, newest: Index, keep: usize) -> Result<(), Error> {
        let mut indexes = self.ends()?;
        indexes.retain(|index| *index <= newest);
        let spare = indexes.len().saturating_sub(keep);
        indexes[..spare].iter().try_for_each(|index| self.remove(*index))
    }

    /// Removes the snapshot that ends with `index`.
    ///
    /// # Errors
    /// `Io`, `ReadOnly`.
    pub fn remove(&self, index: Index) -> Result<(), Error> {
        durable::remove_file(&self.path_of(index))
    }
}

impl SnapshotFile {
    /// Reads all of it, unless `is_over` says meanwhile that nobody wants to know. Whether it is still what it was: its
    /// digest fits, and is the one that is known.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn is_damaged(&self, is_over: &dyn Fn() -> bool) -> Result<bool, Error> {
        match verify(&self.path, is_over) {
            Ok(found) => Ok((found.digest, found.bytes) != (self.digest, self.bytes)),
            Err(error) if is_damage(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Reads it from its beginning.
    ///
    /// # Errors
    /// `Corrupt`, `FormatTooNew`, `Io`: it may be gone meanwhile.
    pub fn read(&self) -> Result<Blocks<BufReader<File>>, Error> {
        read(&self.path)
    }

    /// Opens it for [`Self::read_at`]: it can be read then even where it is removed.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(&self) -> Result<File, Error> {
        open(&self.path)
    }

    /// Bytes of it, as many as there are up to `bytes`, from `offset` on, as they stand there: no checksum is looked at
    /// (S2). Whoever puts them together again verifies the whole.
    ///
    /// # Errors
    /// `Io`.
    pub fn read_at(&self, file: &File, offset: u64, bytes: usize) -> Result<Vec<u8>, Error> {
        let left = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut out = vec![0; left.min(bytes)];
        file.read_exact_at(&mut out, offset).map_err(|source| Error::from_io("read", &self.path, source))?;
        Ok(out)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A file that is not a snapshot yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Draft {
    shelf: SnapshotShelf,
    /// `None` once it is one.
    path: Option<PathBuf>,
    file: File,
    unsynced: u64,
}

impl Draft {
    fn path(&self) -> &Path {
        self.path.as_deref().expect("adopting consumes it")
    }

    /// Writes `bytes` at their place.
    ///
    /// # Errors
    /// `Io`, `Full`, `ReadOnly`.
    pub fn write(&mut self, bytes: &[u8], at: u64) -> Result<(), Error> {
        durable::write_at(&self.file, self.path(), bytes, at)?;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= SYNC_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// `Io`, `Full`, `ReadOnly`: what was written counts for nothing then.
    pub fn sync(&mut self) -> Result<(), Error> {
        durable::sync_file(&self.file, self.path())?;
        self.unsynced = 0;
        Ok(())
    }

    /// Reads all of it back, unless `is_over` says meanwhile that nobody wants to know. The answer says what it would
    /// be; it has no name yet.
    ///
    /// # Errors
    /// `Corrupt` naming the first part that is not sound, `FormatTooNew`, `Io`.
    pub fn verify(&self, is_over: &dyn Fn() -> bool) -> Result<SnapshotFile, Error> {
        verify(self.path(), is_over)
    }

    /// Gives it the name of a snapshot, durably. It is synced already.
    pub(super) fn adopt(
        mut self,
        head: SnapshotHead,
        digest: [u8; 32],
        bytes: u64,
    ) -> Result<SnapshotFile, Error> {
        assert_eq!(self.unsynced, 0, "durable before it has a name (S1)");
        let path = self.shelf.path_of(head.last.index);
        durable::rename(self.path(), &path)?;
        self.path = None;
        Ok(SnapshotFile { path, head, digest, bytes })
    }

    /// Makes it the snapshot that [`Self::verify`] found in it, durably.
    ///
    /// # Errors
    /// `Io`, `Full`, `ReadOnly`.
    pub fn keep(mut self, verified: &SnapshotFile) -> Result<SnapshotFile, Error> {
        self.sync()?;
        self.adopt(verified.head, verified.digest, verified.bytes)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // The next opening removes what cannot be removed now.
            durable::remove_file(path).ok();
        }
    }
}

/// Bytes that are wrong, or that the device does not give: either way what was written is gone.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Corrupt { .. } => true,
        Error::Io { operation: "read", source, .. } => {
            source.raw_os_error() == Some(Errno::IO.raw_os_error())
        }
        _ => false,
    }
}

pub(super) fn is_draft(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == DRAFT)
}

pub(super) fn is_snapshot(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == SNAPSHOT)
}

pub(super) fn no_name(path: &Path) -> Error {
    Error::corrupt(path, 0, "not a name of a snapshot")
}

/// A snapshot that `path` holds as a whole.
pub(super) fn verify(path: &Path, is_over: &dyn Fn() -> bool) -> Result<SnapshotFile, Error> {
    let input = BufReader::with_capacity(AHEAD_BYTES, Until::new(open(path)?, is_over));
    let blocks = Blocks::new(input).map_err(|unsound| unsound.at(path))?;
    let head = *blocks.head();
    let (digest, bytes) = blocks.verify().map_err(|unsound| unsound.at(path))?;
    Ok(SnapshotFile { path: path.to_path_buf(), head, digest, bytes })
}

fn read(path: &Path) -> Result<Blocks<BufReader<File>>, Error> {
    Blocks::new(BufReader::with_capacity(AHEAD_BYTES, open(path)?)).map_err(|unsound| unsound.at(path))
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|source| Error::from_io("open", path, source))
}

impl Unsound {
    /// The same about a file.
    pub fn at(self, path: &Path) -> Error {
        match self {
            Self::Io(source) => Error::from_io("read", path, source),
            Self::TooNew { found } => {
                Error::FormatTooNew { path: path.to_path_buf(), found, supported: super::format::VERSION }
            }
            Self::Damaged { offset, what } => Error::corrupt(path, offset, what),
        }
    }
}
