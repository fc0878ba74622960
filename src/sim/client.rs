//! Clients: each asks for one thing at a time, tries again when it hears nothing, and writes down when it
//! asked and what it was told.

use super::agenda::{MILLISECOND, Nanos};
use super::machine::Entry;
use super::node::Seat;

/// How long a client waits for one attempt.
pub(super) const PATIENCE: Nanos = 400 * MILLISECOND;
/// Attempts before a client gives an operation up, its outcome unknown.
pub(super) const ATTEMPTS_MAX: u32 = 8;

/// What a client asks a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) client: usize,
    pub(super) operation: u64,
    /// `None` to read.
    pub(super) entry: Option<Entry>,
}

/// What a node answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The session has this name.
    Opened(u64),
    /// The value stands at this position.
    Appended(u64),
    /// The session is gone, and with it the knowledge of what was applied.
    Expired,
    /// The list as it was between question and answer.
    Read {
        /// Values in it.
        length: u64,
        /// Hash of them.
        hash: u64,
    },
    /// Not here: there, if known.
    Elsewhere(Option<Seat>),
    /// Not now.
    Later,
}

/// What a client does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Nothing.
    Idle,
    /// It wants a session.
    Opening,
    /// It appends this value.
    Appending(u64),
    /// It reads.
    Reading,
}

/// A client.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) number: usize,
    pub(super) doing: Doing,
    /// Counts its operations.
    pub(super) operation: u64,
    pub(super) attempt: u32,
    /// It was told to ask again and will.
    pub(super) is_waking: bool,
    pub(super) session: Option<u64>,
    pub(super) sequence: u64,
    pub(super) target: Seat,
    /// Where the operation stands in the history.
    pub(super) record: Option<usize>,
    /// Whether it begins another operation after this one.
    pub(super) is_stopped: bool,
    /// Operations that it still has to do after it was stopped.
    pub(super) probes: u32,
}

impl Client {
    pub(super) const fn new(number: usize, target: Seat) -> Self {
        Self {
            number,
            doing: Doing::Idle,
            operation: 0,
            attempt: 0,
            is_waking: false,
            session: None,
            sequence: 0,
            target,
            record: None,
            is_stopped: false,
            probes: 0,
        }
    }

    /// A value that no other operation of the run has.
    pub(super) const fn value(&self) -> u64 {
        (self.number as u64 + 1) << 32 | self.operation
    }

    /// The question as it goes to a node.
    pub(super) fn request(&self) -> Request {
        let entry = match self.doing {
            Doing::Opening => Some(Entry::Open { client: self.number as u64 }),
            Doing::Appending(value) => Some(Entry::Append {
                session: self.session.expect("opened before"),
                sequence: self.sequence,
                value,
            }),
            Doing::Idle | Doing::Reading => None,
        };
        Request { client: self.number, operation: self.operation, entry }
    }
}

/// What an operation was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An append of this value.
    Append(u64),
    /// A read.
    Read,
}

/// An operation of a client, as an outside judge sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) client: usize,
    pub(super) kind: Kind,
    pub(super) asked: Nanos,
    /// When it was answered, and with what: the position of the value, or the length that was read and the
    /// hash of what was read. `None` when nobody knows.
    pub(super) answered: Option<(Nanos, u64, u64)>,
}
