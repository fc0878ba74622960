//! What is wrong with settings, names and saved state.

use crate::codec::Malformed;
use crate::types::Status;

/// Why something was not made. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is outside of its range, or contradicts another.
    #[error("{setting}: {fault}")]
    Config {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        fault: String,
    },
    /// The name is taken.
    #[error("a stack named {0:?} is registered already")]
    NameTaken(String),
    /// The registry is full.
    #[error("{max} stacks are registered, which is the maximum")]
    RegistryFull {
        /// The maximum.
        max: usize,
    },
    /// Saved state that is not what this library writes.
    #[error("saved state: {0}")]
    Saved(#[from] Malformed),
}

impl Error {
    /// The status that all languages share.
    pub const fn status(&self) -> Status {
        match self {
            Self::Config { .. } => Status::Config,
            Self::NameTaken(_) => Status::Conflict,
            Self::RegistryFull { .. } => Status::NoMemory,
            Self::Saved(_) => Status::Corruption,
        }
    }
}

/// `value`, if it is in the range.
pub(super) fn in_range<T>(setting: &'static str, value: T, least: T, most: T) -> Result<T, Error>
where
    T: PartialOrd + std::fmt::Debug,
{
    if value < least || value > most {
        let fault = format!("{value:?} is not from {least:?} to {most:?}");
        return Err(Error::Config { setting, fault });
    }
    Ok(value)
}
