//! Why the pool refuses.

use super::Handle;
use crate::types::Status;

/// Outcome of a refused call. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No buffer of this pool is that large.
    #[error("{len} bytes asked for, the largest buffer has {max}")]
    TooLarge {
        /// Bytes asked for.
        len: usize,
        /// Bytes of the largest buffer.
        max: usize,
    },
    /// Every class that fits and the overflow are used up, or the allocator refused.
    #[error("no buffer left")]
    Exhausted,
    /// The handle was released, taken over or never given out.
    #[error("stale buffer handle {0:?}")]
    StaleHandle(Handle),
    /// The settings contradict themselves.
    #[error("pool settings: {0}")]
    Config(String),
    /// The system or the pool's settings do not provide it.
    #[error("{0}")]
    Unsupported(String),
}

impl Error {
    /// The status that all languages share.
    pub const fn status(&self) -> Status {
        match self {
            Self::TooLarge { .. } => Status::TooLarge,
            Self::Exhausted => Status::NoMemory,
            Self::StaleHandle(_) => Status::BadHandle,
            Self::Config(_) => Status::Config,
            Self::Unsupported(_) => Status::Unsupported,
        }
    }
}
