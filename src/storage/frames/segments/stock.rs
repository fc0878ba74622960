//! Files ahead of their use: laid out, or used before and about to be used again.
//!
//! # Model
//! ```text
//! 4711.frames --purged, cut--> 4711.spare --rename--> next.tmp --page with a new salt, sync, rename--> next.ready
//!                         (nothing) --allocate, zeros--^                     next.ready --rename--> 9001.frames
//! ```
//! What an older use left in a file has another salt and is never taken for a frame.
//!
//! Files are made ready by one thread while another puts some back: so only who holds `work` touches `next.tmp` and
//! `next.ready`, and a spare gives up its name, which may be wanted again, before anything is done with it.
//!
//! Writing zeros ahead is what makes a sync cheap: space that was only allocated changes its state in the
//! file system's journal with every first write.

use super::format;
use crate::storage::{Error, durable};
use parking_lot::Mutex;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Old files kept for another use; more are removed.
pub(super) const SPARES_MAX: usize = 2;

const READY: &str = "next.ready";
const DRAFT: &str = "next.tmp";
/// Zeros that are flushed at a time: a sync of the log may have to wait for those.
const PIECE_BYTES: u64 = 4 << 20;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A file that holds no frame.
#[derive(Debug)]
pub(super) struct Blank {
    pub(super) file: File,
    pub(super) salt: u64,
}

/// What is there for the next file.
#[derive(Debug)]
pub(super) struct Stock {
    dir: PathBuf,
    segment_bytes: u64,
    /// Held while a file is made ready, so that nobody makes a second one.
    work: Mutex<()>,
    /// Somebody waits for it: what is left of the work is done at once.
    is_awaited: AtomicBool,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    ready: Option<Blank>,
    spares: Vec<PathBuf>,
}

/// How a new file gets its space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Written with zeros: takes as long as the disk needs for a file.
    Written,
    /// Allocated: at once, for whoever waits.
    Allocated,
}

impl Stock {
    pub(super) fn new(dir: &Path, segment_bytes: usize) -> Self {
        let (work, shelf) = (Mutex::default(), Mutex::default());
        let is_awaited = AtomicBool::new(false);
        Self { dir: dir.to_path_buf(), segment_bytes: segment_bytes as u64, work, is_awaited, shelf }
    }

    /// True when the next file is ready, or somebody is about it.
    pub(super) fn is_served(&self) -> bool {
        self.work.is_locked() || self.shelf.lock().ready.is_some()
    }

    /// Makes the next file ready, unless it is.
    pub(super) fn prepare(&self, layout: Layout) -> Result<(), Error> {
        let _alone = self.work.lock();
        self.prepare_alone(layout)
    }

    fn prepare_alone(&self, layout: Layout) -> Result<(), Error> {
        if self.shelf.lock().ready.is_some() {
            return Ok(());
        }
        let file = self.draft(layout)?;
        self.make_ready(file)
    }

    /// A file under the name of the draft: a spare, or a new one.
    pub(super) fn draft(&self, layout: Layout) -> Result<File, Error> {
        let draft = self.dir.join(DRAFT);
        if !self.take_spare(&draft)? {
            return self.lay_out(&draft, layout);
        }
        let file = File::options().read(true).write(true).open(&draft);
        file.map_err(|source| Error::from_io("open", &draft, source))
    }

    /// Gives a spare the name of the draft, if there is one. Under the lock: afterwards its own name is free.
    fn take_spare(&self, draft: &Path) -> Result<bool, Error> {
        let mut shelf = self.shelf.lock();
        let Some(spare) = shelf.spares.pop() else { return Ok(false) };
        durable::rename(&spare, draft).map(|()| true)
    }

    pub(super) fn make_ready(&self, file: File) -> Result<(), Error> {
        let draft = self.dir.join(DRAFT);
        // The keys of a `RandomState` are random per process and differ per value: enough for a number
        // that only has to be unknown to whoever writes entries, and new.
        let salt = RandomState::new().build_hasher().finish();
        durable::write_at(&file, &draft, &format::page(salt), 0)?;
        durable::sync_file(&file, &draft)?;
        durable::rename(&draft, &self.dir.join(READY))?;
        self.shelf.lock().ready = Some(Blank { file, salt });
        Ok(())
    }

    fn lay_out(&self, draft: &Path, layout: Layout) -> Result<File, Error> {
        let file = durable::create_empty(draft)?;
        match self.fill(&file, draft, layout) {
            Ok(()) => Ok(file),
            Err(error) => {
                // What fits of it would take the space that others need; opening removes it too.
                durable::remove_file(draft).ok();
                Err(error)
            }
        }
    }

    fn fill(&self, file: &File, draft: &Path, layout: Layout) -> Result<(), Error> {
        durable::grow_file(file, draft, self.segment_bytes)?;
        let mut at = 0;
        while layout == Layout::Written && at < self.segment_bytes {
            let bytes = (self.segment_bytes - at).min(ZEROS.len() as u64);
            durable::write_at(file, draft, &ZEROS[..bytes as usize], at)?;
            at += bytes;
            // Relaxed: it saves time, and nothing else depends on it.
            if at.is_multiple_of(PIECE_BYTES) && !self.is_awaited.load(Ordering::Relaxed) {
                durable::sync_data(file, draft)?;
            }
        }
        Ok(())
    }

    /// The next file under its name, made ready now when nobody did before.
    pub(super) fn take(&self, path: &Path, layout: Layout) -> Result<Blank, Taking> {
        self.is_awaited.store(true, Ordering::Relaxed);
        let _alone = self.work.lock();
        self.is_awaited.store(false, Ordering::Relaxed);
        self.prepare_alone(layout).map_err(Taking::NotReady)?;
        let blank = self.shelf.lock().ready.take().expect("it is ready now");
        durable::rename(&self.dir.join(READY), path).map_err(Taking::Failed)?;
        Ok(blank)
    }

    /// A file whose frames are forgotten: kept for another use, or removed.
    pub(super) fn put_back(&self, path: &Path) -> Result<(), Error> {
        let spare = path.with_extension("spare");
        let fits = fs::metadata(path).is_ok_and(|metadata| metadata.len() == self.segment_bytes);
        let mut shelf = self.shelf.lock();
        shelf.spares.retain(|known| *known != spare);
        if !fits || shelf.spares.len() >= SPARES_MAX {
            drop(shelf);
            return durable::remove_file(path);
        }
        if path != spare {
            durable::rename(path, &spare)?;
        }
        shelf.spares.push(spare);
        Ok(())
    }

    /// What opening finds: an old file, one that was made ready, or half of one.
    pub(super) fn find(&self, path: &Path) -> Result<(), Error> {
        if path.extension().is_some_and(|extension| extension == "spare") {
            return self.put_back(path);
        }
        if path.file_name().is_some_and(|name| name == READY) {
            // Another process may not have got through with it; as an old file it is made ready again.
            return self.put_back(path);
        }
        durable::remove_file(path)
    }

    /// True for names that [`Self::find`] knows.
    pub(super) fn is_ours(name: &str) -> bool {
        let is_spare = name.strip_suffix(".spare").is_some_and(|stem| {
            stem == "next" || (stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit()))
        });
        is_spare || name == READY || name == DRAFT
    }
}

/// Why there is no next file.
#[derive(Debug)]
pub(super) enum Taking {
    /// It could not be made ready; nothing else changed.
    NotReady(Error),
    /// It could not get its name; nobody knows whether it has it.
    Failed(Error),
}
