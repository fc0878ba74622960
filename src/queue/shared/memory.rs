//! A segment's memory: one mapping, seen as words.
//!
//! # Invariants
//! M1 the words are atomics, so that another process that writes at the same time is no data race here:
//!    whatever it writes is a value, old, new or hostile, and never undefined behaviour. The one exception
//!    is a claim that is written in place, through a pointer: that record is not read before the swap that
//!    publishes it.
//! M2 an offset is checked against the length of the mapping on every access, of a word or of several in a row.
//! M3 the name of a draft is removed only by who holds the lock on the file that it names, having looked
//!    after locking. So while a maker holds its lock, the name is that of its file.
//!
//! # Limits
//! A file that is cut short while it is mapped kills every process that touches the missing pages
//! (SIGBUS), and a library that owns no signal handlers cannot prevent it. A segment in memory is
//! therefore sealed against it; one in a file is as long as its header says when it is attached, is
//! allocated in full when it is made, and can be cut only by who could also kill the process: the mode
//! is 0600.

use super::SharedError;
use crate::sync::atomic::AtomicU64;

#[cfg(not(modelled))]
pub(super) use mapped::{Draft, Memory, create, is_named};

#[cfg(modelled)]
pub(super) use modelled::Memory;

/// Words of a loom model.
#[cfg(modelled)]
mod modelled {
    use super::AtomicU64;

    /// Only the words that a model uses: the checker keeps a history of each.
    #[derive(Debug)]
    pub(crate) struct Memory(Box<[(u64, AtomicU64)]>);

    impl Memory {
        pub(crate) fn of(offsets: impl Iterator<Item = u64>) -> Self {
            Self(offsets.map(|offset| (offset, AtomicU64::new(0))).collect())
        }

        pub(crate) fn word(&self, offset: u64) -> &AtomicU64 {
            &self.0.iter().find(|word| word.0 == offset).expect("a word of the model").1
        }

        pub(crate) fn words(&self, offset: u64, count: usize) -> impl Iterator<Item = &AtomicU64> {
            (0..count as u64).map(move |position| self.word(offset + 8 * position))
        }
    }
}

#[cfg(not(modelled))]
mod mapped {
    use super::super::settings::SharedPlace;
    use super::{AtomicU64, SharedError};
    use memmap2::{MmapOptions, MmapRaw};
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd};
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::{Path, PathBuf};
    use std::slice;

    /// A mapped segment.
    #[derive(Debug)]
    pub(crate) struct Memory {
        map: MmapRaw,
        file: File,
    }

    impl Memory {
        /// Maps the first `bytes` of a file.
        pub(crate) fn map(file: File, bytes: u64) -> Result<Self, SharedError> {
            let length = bytes as usize;
            let map = MmapOptions::new().len(length).map_raw(&file);
            let map = map.map_err(|error| SharedError::io(format!("mapping {bytes} bytes"), &error))?;
            Ok(Self { map, file })
        }

        /// The same file with another length.
        pub(crate) fn again(self, bytes: u64) -> Result<Self, SharedError> {
            Self::map(self.file, bytes)
        }

        /// M2.
        #[inline]
        pub(crate) fn word(&self, offset: u64) -> &AtomicU64 {
            let offset = offset as usize;
            assert!(offset.is_multiple_of(8) && offset < self.map.len() - 7, "inside the mapping");
            // SAFETY: eight mapped bytes, aligned as pages are aligned to more; they live as long as
            // `self`, and this process touches them through atomics only (M1).
            unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(offset).cast()) }
        }

        /// As `count` times [`word`](Self::word), one behind the other, with one check (M2).
        #[inline]
        pub(crate) fn words(&self, offset: u64, count: usize) -> impl Iterator<Item = &AtomicU64> {
            let offset = offset as usize;
            let fits = offset <= self.map.len() && count <= (self.map.len() - offset) / 8;
            assert!(offset.is_multiple_of(8) && fits, "inside the mapping");
            // SAFETY: as in `word`; an atomic has the size of its integer.
            unsafe { slice::from_raw_parts(self.map.as_ptr().add(offset).cast::<AtomicU64>(), count) }.iter()
        }

        /// First byte of the mapping.
        pub(crate) fn start(&self) -> *mut u8 {
            self.map.as_mut_ptr()
        }

        pub(crate) fn file(&self) -> &File {
            &self.file
        }
    }

    /// Most tries for a draft. Each one more means that somebody else came in between.
    const DRAFT_TRIES: usize = 100;

    /// The name under which a segment in a file is prepared: an attacher finds it finished, or not at all. The
    /// name goes with this value (M3).
    #[derive(Debug)]
    pub(crate) struct Draft {
        /// With the descriptor that has the lock: a second one of the same opening, so the lock lasts at least as
        /// long as the name.
        named: Option<(PathBuf, File)>,
    }

    impl Draft {
        /// Gives the finished file its own name, if that is free.
        pub(crate) fn publish(&self, path: &Path) -> Result<(), SharedError> {
            let Some((draft, _)) = &self.named else { return Ok(()) };
            // M3: it still names our file.
            let linked = std::fs::hard_link(draft, path);
            linked.map_err(|error| SharedError::io(format!("making {}", path.display()), &error))
        }
    }

    impl Drop for Draft {
        fn drop(&mut self) {
            if let Some((draft, _)) = &self.named {
                // What remains in the way of an unlink is told by the next try.
                let _ = std::fs::remove_file(draft);
            }
        }
    }

    /// Whether the path names this very file.
    pub(crate) fn is_named(file: &File, path: &Path) -> bool {
        let (Ok(file), Ok(named)) = (file.metadata(), std::fs::metadata(path)) else { return false };
        (file.dev(), file.ino()) == (named.dev(), named.ino())
    }

    /// A new file of `bytes` zeroes, ours alone, every page of it there.
    pub(crate) fn create(place: &SharedPlace, bytes: u64) -> Result<(File, Draft), SharedError> {
        let (file, draft) = match place {
            SharedPlace::Memory => (in_memory()?, Draft { named: None }),
            SharedPlace::File(path) => in_file(path)?,
        };
        let failed = |what: &str, error: io::Error| SharedError::io(format!("{what} a segment"), &error);
        // Allocated, not only sized: a full file system is an error here instead of a SIGBUS later.
        loop {
            // SAFETY: a descriptor that is ours and two numbers.
            match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, bytes as libc::off_t) } {
                0 => break,
                // A profiler's signal, for one.
                libc::EINTR => {}
                code => return Err(failed("allocating", io::Error::from_raw_os_error(code))),
            }
        }
        if *place == SharedPlace::Memory {
            seal(&file).map_err(|error| failed("sealing", error))?;
        }
        Ok((file, draft))
    }

    fn in_memory() -> Result<File, SharedError> {
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        // SAFETY: a name that lives through the call, and flags.
        let descriptor = unsafe { libc::memfd_create(c"duochain-lanes".as_ptr(), flags) };
        if descriptor < 0 {
            return Err(SharedError::io("making a segment in memory", &io::Error::last_os_error()));
        }
        // SAFETY: a new descriptor that nobody else knows.
        let file = unsafe { File::from_raw_fd(descriptor) };
        let private = std::fs::Permissions::from_mode(0o600);
        file.set_permissions(private).map_err(|error| SharedError::io("making a segment private", &error))?;
        Ok(file)
    }

    fn in_file(path: &Path) -> Result<(File, Draft), SharedError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let name = PathBuf::from(name);
        let failed = |error: io::Error| SharedError::io(format!("making {}", name.display()), &error);
        for _ in 0..DRAFT_TRIES {
            if let Some(file) = try_draft(&name).map_err(failed)? {
                let lock = file.try_clone();
                let lock = lock.inspect_err(|_| drop(std::fs::remove_file(&name))).map_err(failed)?;
                return Ok((file, Draft { named: Some((name, lock)) }));
            }
        }
        Err(failed(io::ErrorKind::ResourceBusy.into()))
    }

    /// A new file of that name with the lock on it; `None` when somebody came in between, or left an old one.
    ///
    /// Who finds the lock taken gives up for somebody who goes on, so of several one always gets through.
    fn try_draft(name: &Path) -> io::Result<Option<File>> {
        let options = || OpenOptions::new().read(true).write(true).to_owned();
        let (file, old) = match options().create_new(true).mode(0o600).open(name) {
            Ok(file) => (file, None),
            Err(exists) if exists.kind() == io::ErrorKind::AlreadyExists => match options().open(name) {
                Ok(file) => (file, Some(exists)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        };
        if let Err(error) = file.try_lock() {
            return Err(old.unwrap_or_else(|| error.into()));
        }
        // Between its opening and the lock another opener may have taken a new file for one that was left.
        if !is_named(&file, name) {
            return Ok(None);
        }
        if old.is_none() {
            return Ok(Some(file));
        }
        // Who makes a segment holds the lock, so this is of a process that was killed (M3).
        std::fs::remove_file(name).map(|()| None)
    }

    fn seal(file: &File) -> io::Result<()> {
        let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        // SAFETY: a descriptor that is ours, a command that takes a number.
        match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    impl Memory {
        /// Opens a segment's file; nothing is written to it before its header was accepted.
        pub(crate) fn open(path: &Path) -> Result<File, SharedError> {
            let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path);
            file.map_err(|error| SharedError::io(format!("opening {}", path.display()), &error))
        }

        /// The file's length, if it is a file of this user that nobody else may use.
        pub(crate) fn inspect(file: &File) -> Result<u64, SharedError> {
            let found = file.metadata().map_err(|error| SharedError::io("looking at the segment", &error))?;
            // SAFETY: no arguments, always succeeds.
            let user = unsafe { libc::geteuid() };
            if !found.is_file() {
                return Err(SharedError::NotOurs("the segment is not a regular file".to_owned()));
            }
            if found.uid() != user {
                let message = format!("the segment belongs to user {}, not to {user}", found.uid());
                return Err(SharedError::NotOurs(message));
            }
            if found.mode() & 0o077 != 0 {
                let message = format!("the segment has mode {:o}, not 600", found.mode() & 0o777);
                return Err(SharedError::NotOurs(message));
            }
            Ok(found.len())
        }
    }
}
