//! `duo_status`: the status table as C sees it. A test holds it against [`crate::types::Status`].

use crate::types::Status;

/// Outcome of a call. 0 is success, positive numbers are normal outcomes, negative numbers are errors.
/// Numbers are permanent.
#[expect(non_camel_case_types, reason = "named as C sees it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum duo_status {
    /// The call did what it says.
    DUO_OK = 0,
    /// Full on the way in, or empty on the way out: try again later.
    DUO_AGAIN = 1,
    /// The time given to a waiting call ran out.
    DUO_TIMEOUT = 2,
    /// There is no such thing (yet).
    DUO_NOT_FOUND = 3,
    /// Closed, and everything that was accepted has been handed out.
    DUO_END = 4,
    /// A batch was accepted up to the count reported.
    DUO_PARTIAL = 5,
    /// An argument is NULL, out of range or malformed.
    DUO_ERR_INVALID_ARGUMENT = -1,
    /// The handle was never given out, is of another kind, or was freed.
    DUO_ERR_BAD_HANDLE = -2,
    /// The object was closed.
    DUO_ERR_CLOSED = -3,
    /// This build or this object cannot do it.
    DUO_ERR_UNSUPPORTED = -4,
    /// The caller was compiled against another major version of the interface.
    DUO_ERR_ABI_MISMATCH = -5,
    /// A memory bound was reached.
    DUO_ERR_NO_MEMORY = -6,
    /// The operating system refused a file or device operation.
    DUO_ERR_IO = -7,
    /// Stored data does not match its checksum, its hash or its format.
    DUO_ERR_CORRUPTION = -8,
    /// A configuration key or value is wrong.
    DUO_ERR_CONFIG = -9,
    /// Larger than the configured maximum.
    DUO_ERR_TOO_LARGE = -10,
    /// The same transaction was accepted before.
    DUO_ERR_DUPLICATE = -11,
    /// The transaction is not acceptable, for example empty.
    DUO_ERR_INVALID_TX = -12,
    /// Another node leads.
    DUO_ERR_NOT_LEADER = -13,
    /// Too few nodes answer.
    DUO_ERR_NO_QUORUM = -14,
    /// The stored value is not the expected one.
    DUO_ERR_CONFLICT = -15,
    /// Given up before it took effect, because the caller or a close asked for it.
    DUO_ERR_CANCELLED = -16,
    /// The operating system denied access.
    DUO_ERR_PERMISSION = -17,
    /// Held by somebody else: a second process on a directory, a second consumer.
    DUO_ERR_BUSY = -18,
    /// Called from inside a callback of the library.
    DUO_ERR_REENTRANT = -19,
    /// The handle belongs to the parent process of a fork.
    DUO_ERR_FORKED = -20,
    /// An earlier panic or failed write left the object unusable; close and reopen it.
    DUO_ERR_POISONED = -21,
    /// The library hit a bug while serving this call; the handle is poisoned.
    DUO_ERR_PANIC = -22,
    /// An unexpected failure inside the library.
    DUO_ERR_INTERNAL = -99,
}

impl duo_status {
    /// Its permanent number.
    pub const fn code(self) -> i32 {
        self as i32
    }
}

impl From<Status> for duo_status {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::DUO_OK,
            Status::Again => Self::DUO_AGAIN,
            Status::Timeout => Self::DUO_TIMEOUT,
            Status::NotFound => Self::DUO_NOT_FOUND,
            Status::End => Self::DUO_END,
            Status::Partial => Self::DUO_PARTIAL,
            Status::InvalidArgument => Self::DUO_ERR_INVALID_ARGUMENT,
            Status::BadHandle => Self::DUO_ERR_BAD_HANDLE,
            Status::Closed => Self::DUO_ERR_CLOSED,
            Status::Unsupported => Self::DUO_ERR_UNSUPPORTED,
            Status::AbiMismatch => Self::DUO_ERR_ABI_MISMATCH,
            Status::NoMemory => Self::DUO_ERR_NO_MEMORY,
            Status::Io => Self::DUO_ERR_IO,
            Status::Corruption => Self::DUO_ERR_CORRUPTION,
            Status::Config => Self::DUO_ERR_CONFIG,
            Status::TooLarge => Self::DUO_ERR_TOO_LARGE,
            Status::Duplicate => Self::DUO_ERR_DUPLICATE,
            Status::InvalidTx => Self::DUO_ERR_INVALID_TX,
            Status::NotLeader => Self::DUO_ERR_NOT_LEADER,
            Status::NoQuorum => Self::DUO_ERR_NO_QUORUM,
            Status::Conflict => Self::DUO_ERR_CONFLICT,
            Status::Cancelled => Self::DUO_ERR_CANCELLED,
            Status::Permission => Self::DUO_ERR_PERMISSION,
            Status::Busy => Self::DUO_ERR_BUSY,
            Status::Reentrant => Self::DUO_ERR_REENTRANT,
            Status::Forked => Self::DUO_ERR_FORKED,
            Status::Poisoned => Self::DUO_ERR_POISONED,
            Status::Panic => Self::DUO_ERR_PANIC,
            Status::Internal => Self::DUO_ERR_INTERNAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_its_number_name_and_sentence_in_c() {
        let source = include_str!("status.rs");
        for status in Status::ALL {
            assert_eq!(duo_status::from(*status).code(), status.code());
            let prefix = if status.is_error() { "DUO_ERR_" } else { "DUO_" };
            let row = format!("/// {}\n    {prefix}{} = {},", status.meaning(), status.name(), status.code());
            assert!(source.contains(&row), "missing or different:\n{row}");
        }
    }
}
