//! What can go wrong, by fault: the caller, the environment, or damaged data.

use crate::types::Status;
use std::io;
use std::path::{Path, PathBuf};

/// Why a storage call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation.
    #[error("{operation} {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// No space: disk, quota or file size limit.
    #[error("{operation} {}: no space left: {source}", path.display())]
    Full {
        /// What was tried.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The place is read-only, or this user may not use it.
    #[error("{operation} {}: read-only or access denied: {source}", path.display())]
    ReadOnly {
        /// What was tried.
        operation: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Stored bytes are not what was written. Nothing is repaired: restore the file or the directory.
    #[error("{} is corrupt at offset {offset}: {what}", path.display())]
    Corrupt {
        /// Which file; a directory where the engine does not say.
        path: PathBuf,
        /// First bad byte; 0 where the engine does not say.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// Written by a newer version of this library.
    #[error("{} has format {found}, this version reads up to {supported}", path.display())]
    FormatTooNew {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest known here.
        supported: u32,
    },
    /// Somebody else uses the directory.
    #[error("{} is held by {holder}", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it: `process 1234`, or `another process`.
        holder: String,
    },
    /// An earlier write or sync failed; close the handle and open it again.
    #[error("unusable since an earlier failure: {reason}")]
    Poisoned {
        /// The earlier failure.
        reason: String,
    },
    /// The log was closed, and with it what its readers read from.
    #[error("the log is closed")]
    Closed,
    /// This build cannot do it.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// An index that the log does not have.
    #[error("index {index} is outside of {first}..={last}")]
    OutOfRange {
        /// The index given.
        index: u64,
        /// The smallest that would do.
        first: u64,
        /// The largest that would do.
        last: u64,
    },
    /// Frames that do not follow what the log holds, or each other.
    #[error("{0}")]
    OutOfOrder(String),
    /// A record, key or value over its limit, or an empty key.
    #[error("{what} of {len} bytes, the limit is {max}")]
    TooLarge {
        /// `record`, `frame`, `key` or `value`.
        what: &'static str,
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// An option out of its range.
    #[error("{0}")]
    Config(String),
}

impl Error {
    /// From what the operating system answered, sorted by what the caller can do about it.
    pub(super) fn from_io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let path = path.to_path_buf();
        match source.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
                Self::Full { operation, path, source }
            }
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => Self::ReadOnly { operation, path, source },
            _ => Self::Io { operation, path, source },
        }
    }

    /// Damage at one place.
    pub(super) fn corrupt(path: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_path_buf(), offset, what: what.into() }
    }

    /// Its row in the table of outcomes.
    pub const fn status(&self) -> Status {
        match self {
            Self::Io { .. } | Self::Full { .. } => Status::Io,
            Self::ReadOnly { .. } => Status::Permission,
            Self::Corrupt { .. } => Status::Corruption,
            Self::FormatTooNew { .. } | Self::Unsupported(_) => Status::Unsupported,
            Self::Locked { .. } => Status::Busy,
            Self::Poisoned { .. } => Status::Poisoned,
            Self::Closed => Status::Closed,
            Self::OutOfRange { .. } | Self::OutOfOrder(_) => Status::InvalidArgument,
            Self::TooLarge { .. } => Status::TooLarge,
            Self::Config(_) => Status::Config,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_are_sorted_by_what_the_caller_can_do() {
        let table = [
            (libc::ENOSPC, "no space left", Status::Io),
            (libc::EDQUOT, "no space left", Status::Io),
            (libc::EFBIG, "no space left", Status::Io),
            (libc::EROFS, "read-only", Status::Permission),
            (libc::EACCES, "access denied", Status::Permission),
            (libc::EPERM, "access denied", Status::Permission),
            (libc::EIO, "Input/output", Status::Io),
        ];
        for (number, text, status) in table {
            let error = Error::from_io("write", Path::new("/x/1.seg"), io::Error::from_raw_os_error(number));
            assert!(error.to_string().starts_with("write /x/1.seg: "), "{error}");
            assert!(error.to_string().contains(text), "{error}");
            assert_eq!(error.status(), status, "{error}");
        }
    }
}
