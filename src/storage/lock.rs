//! `LOCK`: one process per data directory.
//!
//! # Model
//! An advisory lock on the open file, so the kernel releases it however the process ends; the process
//! id inside is only for the message. The file itself stays: removing it would let two processes hold
//! locks on two files of the same name.
//!
//! # Limits
//! Network file systems may not honour the lock between machines. A child forked without exec shares
//! the lock with its parent.

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
        write!(file, "{}", std::process::id()).map_err(io("write"))?;
        Ok(Self { file })
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Only the message would be wrong if this failed; closing the file releases the lock.
        self.file.set_len(0).ok();
    }
}

fn holder(file: &File) -> String {
    let mut text = String::new();
    match file.take(HOLDER_BYTES_MAX).read_to_string(&mut text) {
        Ok(_) if text.parse::<u32>().is_ok() => format!("process {text}"),
        _ => "another process".to_owned(),
    }
}
