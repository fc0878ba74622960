//! One error for everything a node can refuse, folded from the layers below.

use super::ConfigError;
use crate::types::{Class, Status};
use crate::{queue, storage};
use std::error::Error as StdError;

/// Why a call failed: a permanent status, what was being done, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    kind: Status,
    context: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A fault without a deeper cause.
    pub(super) fn new(kind: Status, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    pub(super) fn closed() -> Self {
        Self::new(Status::Closed, "the node is closed")
    }

    pub(super) fn forked() -> Self {
        Self::new(Status::Forked, "the node belongs to the parent process")
    }

    pub(super) fn corrupt(context: impl Into<String>) -> Self {
        Self::new(Status::Corruption, context)
    }

    /// The permanent status.
    pub const fn status(&self) -> Status {
        self.kind
    }

    /// True when the same call may succeed later.
    pub fn retryable(&self) -> bool {
        self.kind.class() == Class::Retryable
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        Self { kind: error.status(), context: error.to_string(), source: Some(Box::new(error)) }
    }
}

impl From<queue::Error> for Error {
    fn from(error: queue::Error) -> Self {
        Self { kind: error.status(), context: error.to_string(), source: Some(Box::new(error)) }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self { kind: error.status(), context: error.to_string(), source: Some(Box::new(error)) }
    }
}
