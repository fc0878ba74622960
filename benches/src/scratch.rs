//! Folders that are gone after use.

use crate::{AnyError, paths};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A fresh folder, gone with this value.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// On the disk that the project is on.
    pub(crate) fn new(suite: &str) -> Result<Self, AnyError> {
        Self::under(&paths::workshop(suite)?)
    }

    /// In memory: what is synced there costs nothing.
    pub(crate) fn in_memory() -> Result<Self, AnyError> {
        Self::under(Path::new("/dev/shm"))
    }

    fn under(folder: &Path) -> Result<Self, AnyError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("duobench-{}-{number}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is in a folder of build products, or gone with the machine.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
