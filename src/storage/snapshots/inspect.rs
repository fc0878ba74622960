//! A directory of snapshots as somebody finds it who may not open it. Nothing is changed, and nothing refused.

use super::SnapshotFile;
use super::shelf::{SnapshotShelf, is_draft, is_snapshot, no_name, verify};
use crate::storage::Error;
use std::path::{Path, PathBuf};

/// The files in a directory of snapshots; see [`SnapshotShelf::inspect`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SnapshotFiles {
    /// Those that are whole, the oldest first.
    pub whole: Vec<SnapshotFile>,
    /// What a writer has begun: opening removes it.
    pub drafts: Vec<PathBuf>,
    /// Those that are not what was written, or cannot be read.
    pub faults: Vec<Error>,
}

impl SnapshotShelf {
    /// Reads and verifies every snapshot in `dir`.
    ///
    /// # Errors
    /// `Io` where the directory cannot be listed.
    pub fn inspect(dir: &Path) -> Result<SnapshotFiles, Error> {
        let shelf = Self::at(dir);
        let mut paths = shelf.paths()?;
        paths.sort_unstable();
        let mut found = SnapshotFiles::default();
        for path in paths {
            if is_draft(&path) {
                found.drafts.push(path);
                continue;
            }
            if !is_snapshot(&path) {
                continue;
            }
            let fault = match (shelf.index_of(&path), verify(&path, &|| false)) {
                (None, _) => no_name(&path),
                (Some(index), Ok(file)) if file.head.last.index == index => {
                    found.whole.push(file);
                    continue;
                }
                (_, Ok(file)) => {
                    Error::corrupt(&path, 0, format!("it ends with entry {}", file.head.last.index))
                }
                (_, Err(error)) => error,
            };
            found.faults.push(fault);
        }
        Ok(found)
    }
}
