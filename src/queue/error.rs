//! Why the queue refuses.

use super::SharedError;
use crate::pool::{self, Handle};
use crate::types::{LaneId, Status};

/// Outcome of a refused call. Nothing has changed unless the variant says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lane is full.
    #[error("the lane is full")]
    Full,
    /// The queue takes no more transactions.
    #[error("the queue is closed")]
    Closed,
    /// Closed, and everything that was accepted has been handed out.
    #[error("the queue has ended")]
    Ended,
    /// The time given to a waiting call ran out.
    #[error("timed out")]
    Timeout,
    /// A transaction of zero bytes.
    #[error("a transaction of zero bytes")]
    Empty,
    /// Larger than the configured maximum.
    #[error("a transaction of {len} bytes, at most {max}")]
    TooLarge {
        /// Its length.
        len: usize,
        /// The configured maximum.
        max: usize,
    },
    /// The pool has no buffer for it.
    #[error("no buffer left for the transaction")]
    NoMemory,
    /// The queue has fewer lanes.
    #[error("lane {} of a queue with {lanes}", lane.get())]
    NoSuchLane {
        /// The lane asked for.
        lane: LaneId,
        /// How many there are; the last is one less.
        lanes: usize,
    },
    /// A handle above what the queue takes.
    #[error("handle {handle} of a queue for handles up to {max}")]
    NoSuchHandle {
        /// The handle pushed.
        handle: u32,
        /// The largest that fits.
        max: u32,
    },
    /// A queue for one consumer has it already.
    #[error("the queue has its one consumer already")]
    ConsumerTaken,
    /// The claim's handle was committed, aborted or never given out.
    #[error("stale claim {0:?}")]
    StaleHandle(Handle),
    /// The settings contradict themselves.
    #[error("queue settings: {0}")]
    Config(String),
    /// Something about a segment of shared lanes.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// The system does not provide what the pool was asked for.
    #[error("{0}")]
    Unsupported(String),
}

impl Error {
    /// The status that all languages share.
    pub const fn status(&self) -> Status {
        match self {
            Self::Full => Status::Again,
            Self::Closed => Status::Closed,
            Self::Ended => Status::End,
            Self::Timeout => Status::Timeout,
            Self::Empty => Status::InvalidTx,
            Self::TooLarge { .. } => Status::TooLarge,
            Self::NoMemory => Status::NoMemory,
            Self::NoSuchLane { .. } | Self::NoSuchHandle { .. } => Status::InvalidArgument,
            Self::ConsumerTaken => Status::Busy,
            Self::StaleHandle(_) => Status::BadHandle,
            Self::Config(_) => Status::Config,
            Self::Shared(error) => error.status(),
            Self::Unsupported(_) => Status::Unsupported,
        }
    }
}

impl From<pool::Error> for Error {
    fn from(error: pool::Error) -> Self {
        match error {
            pool::Error::TooLarge { len, max } => Self::TooLarge { len, max },
            pool::Error::Exhausted => Self::NoMemory,
            pool::Error::StaleHandle(handle) => Self::StaleHandle(handle),
            pool::Error::Config(what) => Self::Config(what),
            pool::Error::Unsupported(what) => Self::Unsupported(what),
        }
    }
}
