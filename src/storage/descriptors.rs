//! Open files for reading, a few of them, by a number that no two files share.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Descriptors kept, all readers of one log together.
pub(super) const DESCRIPTORS_MAX: usize = 16;

/// Files opened last. The key is a file's salt: a name may come back after a cut, a salt does not.
#[derive(Debug, Default)]
pub(super) struct Descriptors(Mutex<VecDeque<(u64, Arc<File>)>>);

impl Descriptors {
    /// The file with that salt, opened by `path` when it is not open.
    pub(super) fn open(&self, path: &Path, salt: u64) -> io::Result<Arc<File>> {
        let mut open = self.0.lock();
        if let Some((_, file)) = open.iter().find(|(key, _)| *key == salt) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(path)?);
        if open.len() == DESCRIPTORS_MAX {
            open.pop_front();
        }
        open.push_back((salt, Arc::clone(&file)));
        Ok(file)
    }

    /// Closes all that nobody reads: an end was cut, and what is open may be gone.
    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }
}
