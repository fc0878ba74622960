//! The one table of outcomes that every language sees. Numbers are permanent.
//!
//! # Model
//! Zero is success, positive numbers are normal outcomes that a caller expects and handles, negative
//! numbers are errors. The C enum `duo_status`, the Java enum `Code` with its exception classes and
//! the Python exceptions carry the same numbers and names; tests compare them with this table.
//!
//! # Invariants
//! I1 a number is never reused. Retired numbers: none. Last added: `Internal` (-99), `Panic` (-22).

/// What kind of reaction an outcome asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Class {
    /// Nothing went wrong.
    Ok = 0,
    /// The same call may succeed later without any change by the caller.
    Retryable = 1,
    /// The call or its arguments are wrong; repeating it cannot help.
    Caller = 2,
    /// The handle or its data is beyond repair in this process.
    Fatal = 3,
}

macro_rules! statuses {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal, $text:literal, $class:ident;)+) => {
        /// Outcome of a call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum Status { $($(#[doc = $doc])+ $name = $number,)+ }

        impl Status {
            /// Every status, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// From its number; `None` for a number that was never given out.
            pub const fn from_code(code: i32) -> Option<Self> {
                match code { $($number => Some(Self::$name),)+ _ => None }
            }

            /// The name that all languages share, such as `TOO_LARGE`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The reaction it asks for.
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)+ }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

statuses! {
    /// The call did what it says.
    Ok = 0, "OK", Ok;
    /// Full on the way in, or empty on the way out: try again later.
    Again = 1, "AGAIN", Retryable;
    /// The time given to a waiting call ran out.
    Timeout = 2, "TIMEOUT", Retryable;
    /// There is no such thing (yet).
    NotFound = 3, "NOT_FOUND", Caller;
    /// Closed, and everything that was accepted has been handed out.
    End = 4, "END", Caller;
    /// A batch was accepted up to the count reported.
    Partial = 5, "PARTIAL", Retryable;
    /// An argument is NULL, out of range or malformed.
    InvalidArgument = -1, "INVALID_ARGUMENT", Caller;
    /// The handle was never given out, is of another kind, or was freed.
    BadHandle = -2, "BAD_HANDLE", Caller;
    /// The object was closed.
    Closed = -3, "CLOSED", Caller;
    /// This build or this object cannot do it.
    Unsupported = -4, "UNSUPPORTED", Caller;
    /// The caller was compiled against another major version of the interface.
    AbiMismatch = -5, "ABI_MISMATCH", Caller;
    /// A memory bound was reached.
    NoMemory = -6, "NO_MEMORY", Retryable;
    /// The operating system refused a file or device operation.
    Io = -7, "IO", Fatal;
    /// Stored data does not match its checksum, its hash or its format.
    Corruption = -8, "CORRUPTION", Fatal;
    /// A configuration key or value is wrong.
    Config = -9, "CONFIG", Caller;
    /// Larger than the configured maximum.
    TooLarge = -10, "TOO_LARGE", Caller;
    /// The same transaction was accepted before.
    Duplicate = -11, "DUPLICATE", Caller;
    /// The transaction is not acceptable, for example empty.
    InvalidTx = -12, "INVALID_TX", Caller;
    /// Another node leads.
    NotLeader = -13, "NOT_LEADER", Retryable;
    /// Too few nodes answer.
    NoQuorum = -14, "NO_QUORUM", Retryable;
    /// The stored value is not the expected one.
    Conflict = -15, "CONFLICT", Caller;
    /// Given up before it took effect, because the caller or a close asked for it.
    Cancelled = -16, "CANCELLED", Caller;
    /// The operating system denied access.
    Permission = -17, "PERMISSION", Caller;
    /// Held by somebody else: a second process on a directory, a second consumer.
    Busy = -18, "BUSY", Retryable;
    /// Called from inside a callback of the library.
    Reentrant = -19, "REENTRANT", Caller;
    /// The handle belongs to the parent process of a fork.
    Forked = -20, "FORKED", Fatal;
    /// An earlier panic or failed write left the object unusable; close and reopen it.
    Poisoned = -21, "POISONED", Fatal;
    /// The library hit a bug while serving this call; the handle is poisoned.
    Panic = -22, "PANIC", Fatal;
    /// An unexpected failure inside the library.
    Internal = -99, "INTERNAL", Fatal;
}

impl Status {
    /// Its permanent number.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// True for the negative numbers.
    pub const fn is_error(self) -> bool {
        self.code() < 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_round_trip() {
        for (position, status) in Status::ALL.iter().enumerate() {
            assert_eq!(Status::from_code(status.code()), Some(*status));
            for other in &Status::ALL[position + 1..] {
                assert_ne!(status.name(), other.name());
                assert_ne!(status.code(), other.code());
            }
            assert!(status.meaning().ends_with('.'), "{}", status.meaning());
        }
        assert_eq!(Status::from_code(-1000), None);
    }

    #[test]
    fn released_numbers_keep_their_meaning() {
        // A change here breaks every compiled host: it is never the test that is wrong.
        let pinned = [
            (0, "OK"),
            (1, "AGAIN"),
            (2, "TIMEOUT"),
            (3, "NOT_FOUND"),
            (4, "END"),
            (5, "PARTIAL"),
            (-1, "INVALID_ARGUMENT"),
            (-2, "BAD_HANDLE"),
            (-3, "CLOSED"),
            (-4, "UNSUPPORTED"),
            (-5, "ABI_MISMATCH"),
            (-6, "NO_MEMORY"),
            (-7, "IO"),
            (-8, "CORRUPTION"),
            (-9, "CONFIG"),
            (-10, "TOO_LARGE"),
            (-11, "DUPLICATE"),
            (-12, "INVALID_TX"),
            (-13, "NOT_LEADER"),
            (-14, "NO_QUORUM"),
            (-15, "CONFLICT"),
            (-16, "CANCELLED"),
            (-17, "PERMISSION"),
            (-18, "BUSY"),
            (-19, "REENTRANT"),
            (-20, "FORKED"),
            (-21, "POISONED"),
            (-22, "PANIC"),
            (-99, "INTERNAL"),
        ];
        assert_eq!(pinned.len(), Status::ALL.len());
        for (code, name) in pinned {
            assert_eq!(Status::from_code(code).map(Status::name), Some(name));
        }
    }
}
