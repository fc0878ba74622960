//! Why a call failed, and the last failure of each thread.
//!
//! # Limits
//! A kept message is cut at [`MESSAGE_BYTES_MAX`] bytes, on a character boundary. Keeping one never
//! allocates, so it works when memory is gone.

use super::thread;
use crate::types::Status;
use std::borrow::Cow;

/// Longest message that is kept per thread, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 512;

/// A status with its explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the caller gets.
    pub status: Status,
    /// What a person gets.
    pub message: Cow<'static, str>,
    /// A number that belongs to some statuses: who leads, for `NotLeader`. 0: none.
    pub detail: u64,
}

impl Failure {
    /// With an explanation.
    pub fn new(status: Status, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), detail: 0 }
    }

    /// From an error of the library. Normal outcomes are frequent and keep no message.
    pub fn of(status: Status, error: &dyn std::error::Error) -> Self {
        if !status.is_error() {
            return Self { status, message: Cow::Borrowed(""), detail: 0 };
        }
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            source = cause.source();
        }
        Self { status, message: Cow::Owned(message), detail: 0 }
    }

    /// With the number that belongs to its status.
    #[must_use]
    pub fn with_detail(self, detail: u64) -> Self {
        Self { detail, ..self }
    }

    /// An argument that cannot be accepted.
    pub fn argument(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::InvalidArgument, message)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status.name(), self.message)
    }
}

impl std::error::Error for Failure {}

/// The last failure of a thread.
#[derive(Clone, Copy, Debug)]
pub struct LastError {
    status: Status,
    length: u16,
    detail: u64,
    text: [u8; MESSAGE_BYTES_MAX],
}

impl LastError {
    pub(super) const NONE: Self =
        Self { status: Status::Ok, length: 0, detail: 0, text: [0; MESSAGE_BYTES_MAX] };

    /// Its status; `Ok` when nothing failed yet.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The number that belongs to its status.
    pub const fn detail(&self) -> u64 {
        self.detail
    }

    /// Its message.
    pub fn message(&self) -> &str {
        std::str::from_utf8(&self.text[..self.length as usize]).unwrap_or_default()
    }

    fn keep(&mut self, failure: &Failure) {
        let mut length = failure.message.len().min(MESSAGE_BYTES_MAX);
        while !failure.message.is_char_boundary(length) {
            length -= 1;
        }
        self.status = failure.status;
        self.detail = failure.detail;
        self.length = length as u16;
        self.text[..length].copy_from_slice(&failure.message.as_bytes()[..length]);
    }
}

/// Keeps `failure` as the last one of this thread, if it is an error.
pub fn keep(failure: &Failure) {
    if failure.status.is_error() {
        thread::with(|thread| {
            if let Ok(mut last) = thread.last_error.try_borrow_mut() {
                last.keep(failure);
            }
        });
    }
}

/// The last failure of this thread.
pub fn last() -> LastError {
    thread::with(|thread| thread.last_error.try_borrow().map_or(LastError::NONE, |last| *last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let text = "é".repeat(MESSAGE_BYTES_MAX);
        keep(&Failure::argument(format!("x{text}")));
        let last = last();
        assert_eq!(last.status(), Status::InvalidArgument);
        assert_eq!(last.message().len(), MESSAGE_BYTES_MAX - 1);
    }

    #[test]
    fn a_normal_outcome_does_not_hide_the_error_before_it() {
        keep(&Failure::new(Status::Io, "disk"));
        keep(&Failure::new(Status::Again, "full"));
        assert_eq!((last().status(), last().message().to_owned()), (Status::Io, "disk".to_owned()));
    }
}
