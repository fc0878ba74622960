//! What keeps a node's log, in its own directory.
//!
//! # Model
//! ```text
//! DIR/log           files of frames, mended from peers where they are damaged (`mending`)
//! DIR/log-rocksdb   a database of RocksDB (cargo feature `rocksdb`)
//! ```
//! A node has one of them for ever: beginning the other would forget what it acknowledged, so a directory that has one is
//! refused where the settings name the other.
//!
//! # Limits
//! Damage to the database is refused with RocksDB's own words. It does not say which entries are gone, so peers cannot be
//! asked for them: the node is replaced.

use super::{ReplicaConfig, ReplicaError, mending};
use crate::raft::wire::WireLimits;
use crate::storage::frames::{FrameLog, FrameLogOptions, LogBackend};
use crate::storage::votes::Vote;
use std::path::{Path, PathBuf};

/// # Errors
/// `Unsupported` for what this build lacks.
pub(super) fn check(backend: LogBackend) -> Result<(), ReplicaError> {
    if backend == LogBackend::RocksDb && !cfg!(feature = "rocksdb") {
        let text = "log_backend `rocksdb`: this build lacks the cargo feature `rocksdb`";
        return Err(ReplicaError::Unsupported(text.to_owned()));
    }
    Ok(())
}

/// Where the log of the node in `dir` is.
pub(super) fn directory(dir: &Path, backend: LogBackend) -> PathBuf {
    dir.join(match backend {
        LogBackend::Segments => "log",
        LogBackend::RocksDb => "log-rocksdb",
    })
}

/// Opens the log that the settings name, which were checked. The caller holds the directory's lock.
pub(super) fn open(
    config: &ReplicaConfig,
    options: &FrameLogOptions,
    wire: WireLimits,
    vote: Vote,
) -> Result<Box<dyn FrameLog>, ReplicaError> {
    let wanted = config.log_backend;
    for other in LogBackend::ALL.into_iter().filter(|other| *other != wanted) {
        let dir = directory(&config.dir, other);
        if dir.try_exists()? {
            let (dir, other, wanted) = (dir.display(), other.name(), wanted.name());
            let text =
                format!("{dir} is a log of `{other}`, and log_backend is `{wanted}`: a node keeps its log");
            return Err(ReplicaError::Config(text));
        }
    }
    let dir = directory(&config.dir, wanted);
    match wanted {
        LogBackend::Segments => Ok(Box::new(mending::open(config, &dir, options, wire, vote)?)),
        LogBackend::RocksDb => rocks::open(&dir, options),
    }
}

#[cfg(feature = "rocksdb")]
mod rocks {
    use super::{FrameLog, FrameLogOptions, ReplicaError};
    use crate::storage::frames::RocksFrameLog;
    use crate::storage::{Error, StoreOptions};
    use std::path::Path;

    pub(super) fn open(dir: &Path, options: &FrameLogOptions) -> Result<Box<dyn FrameLog>, ReplicaError> {
        match RocksFrameLog::open(dir, options.limits, &StoreOptions::default()) {
            Ok(log) => Ok(Box::new(log)),
            Err(Error::Corrupt { path, offset, what }) => {
                let what = format!("{what}; a log in RocksDB is not mended from peers: replace the node");
                Err(Error::Corrupt { path, offset, what }.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(not(feature = "rocksdb"))]
mod rocks {
    use super::{FrameLog, FrameLogOptions, LogBackend, ReplicaError};
    use std::path::Path;

    pub(super) fn open(_dir: &Path, _options: &FrameLogOptions) -> Result<Box<dyn FrameLog>, ReplicaError> {
        Err(super::check(LogBackend::RocksDb).expect_err("this build lacks it"))
    }
}
