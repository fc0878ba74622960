//! `LOCK`: one process per data directory.
//!
//! # Model
//! An advisory lock on the open file, so the kernel releases it however the process ends; the process
//! id inside is only for the message. The file itself stays: removing it would let two processes hold
//! locks on two files of the same name.
//!
//! # Forks
//! The descriptor is close-on-exec (`std` opens every file so), so a program that the host starts does
//! not keep the lock. A child forked *without* exec shares the open file, and the kernel's lock belongs
//! to that, not to the process. So
//! - whoever acquired the lock releases it in words, which frees it for all who share the file: a
//!   forked child that lives on does not keep the directory when the parent closes;
//! - the child's copy does nothing when it is dropped: neither the lock nor the text is the child's;
//! - when the parent *dies* without closing, the directory stays locked until the child ends or execs.
//!
//! # Limits
//! Network file systems may not honour the lock between machines.

use super::{Error, durable};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

const NAME: &str = "LOCK";
const HOLDER_BYTES_MAX: u64 = 32;

/// Holds a directory for this process until dropped.
#[derive(Debug)]
pub struct DirLock {
    file: File,
    /// Who acquired it; a forked child finds that it is somebody else.
    process: u32,
}

impl DirLock {
    /// Takes the lock of `dir`, which is created when missing. Never waits.
    ///
    /// # Errors
    /// `Locked` with the path and the holder when somebody else, or this process, holds it.
    pub fn acquire(dir: &Path) -> Result<Self, Error> {
        durable::create_dir(dir)?;
        let path = dir.join(NAME);
        let io = |operation| {
            let path = path.clone();
            move |source| Error::from_io(operation, &path, source)
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { holder: holder(&file), path }),
            Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
        }
        file.set_len(0).map_err(io("write"))?;
        file.rewind().map_err(io("write"))?;
        let process = std::process::id();
        write!(file, "{process}").map_err(io("write"))?;
        Ok(Self { file, process })
    }

    /// Whom the lock's file in `dir` names: who holds it, or ended without giving it back. The lock is not touched.
    pub fn named(dir: &Path) -> Option<String> {
        let mut text = String::new();
        File::open(dir.join(NAME)).ok()?.take(HOLDER_BYTES_MAX).read_to_string(&mut text).ok()?;
        text.parse::<u32>().ok().map(|process| format!("process {process}"))
    }

    #[cfg(test)]
    pub(super) fn duplicate(&self) -> File {
        self.file.try_clone().expect("a descriptor is left")
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return;
        }
        // Only the message would be wrong if the first failed; the second is for children that share
        // the file, closing it does the rest.
        self.file.set_len(0).ok();
        self.file.unlock().ok();
    }
}

fn holder(file: &File) -> String {
    let mut text = String::new();
    match file.take(HOLDER_BYTES_MAX).read_to_string(&mut text) {
        Ok(_) if text.parse::<u32>().is_ok() => format!("process {text}"),
        _ => "another process".to_owned(),
    }
}
