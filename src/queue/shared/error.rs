//! Why a segment is refused.

use crate::types::Status;
use std::io;

/// What is wrong with a segment of shared lanes, or with an attempt to use one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SharedError {
    /// The file is something else.
    #[error("not a segment of shared lanes: it begins with {0:#018x}")]
    Magic(u64),
    /// Made by another version of the library.
    #[error("a segment of version {0}; this library knows version 1")]
    Version(u64),
    /// The shape contradicts itself or a limit.
    #[error("shape of the segment: {0}")]
    Layout(String),
    /// The file is shorter than its header says.
    #[error("the file has {bytes} bytes, the segment in it {needed}")]
    Truncated {
        /// Bytes of the file.
        bytes: u64,
        /// Bytes that are needed at least.
        needed: u64,
    },
    /// Somebody else could read or change it.
    #[error("{0}")]
    NotOurs(String),
    /// The operating system refused.
    #[error("{what}: {message}")]
    Io {
        /// What was tried.
        what: String,
        /// What kind of refusal it was.
        kind: io::ErrorKind,
        /// The system's words.
        message: String,
    },
    /// Every seat is taken by a living producer.
    #[error("all {0} seats are taken by producers that live")]
    NoSeat(usize),
    /// The process that drains the segment has ended.
    #[error("the process of the queue has ended")]
    Gone,
    /// Process numbers mean something else here than where the queue lives.
    #[error("the queue lives in another namespace of process numbers")]
    OtherNamespace,
    /// The producer's words in the segment make no sense: somebody wrote over them.
    #[error("damaged segment: {0}")]
    Damaged(&'static str),
    /// The producer was made before a fork and belongs to the parent.
    #[error("the producer belongs to the parent of this process")]
    Forked,
    /// As many segments as a queue can have.
    #[error("{0} segments are open on this queue, which is the limit")]
    Segments(usize),
}

impl SharedError {
    /// From an error of the operating system.
    pub(super) fn io(what: impl Into<String>, error: &io::Error) -> Self {
        Self::Io { what: what.into(), kind: error.kind(), message: error.to_string() }
    }

    /// The status that all languages share.
    pub const fn status(&self) -> Status {
        match self {
            Self::Magic(_) | Self::Truncated { .. } | Self::Damaged(_) => Status::Corruption,
            Self::Version(_) | Self::OtherNamespace => Status::Unsupported,
            Self::Layout(_) => Status::Config,
            Self::NotOurs(_) => Status::Permission,
            Self::Io { kind, .. } => match kind {
                io::ErrorKind::PermissionDenied => Status::Permission,
                io::ErrorKind::NotFound => Status::NotFound,
                _ => Status::Io,
            },
            Self::NoSeat(_) | Self::Segments(_) => Status::Busy,
            Self::Gone => Status::Closed,
            Self::Forked => Status::Forked,
        }
    }
}
