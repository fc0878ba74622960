//! A state that its host hands over piece by piece, for those that cannot be read like a file.
//!
//! # Model
//! ```text
//! StateWriter::write --> pieces, PIECES_MAX of them --> "duo-log-snap" reads them into a snapshot
//!             finish: the state ends here      given up, or dropped, before that: there is no snapshot
//! ```
//! A piece is taken whole or not at all. What comes when nobody reads any more is let go: the answer says why that is.
//!
//! # Limits
//! [`PIECES_MAX`] pieces wait, and one is being read. The thread that writes snapshots waits for the next one: another
//! state that is given meanwhile has to wait as well. One that was given up takes the room of none.

use super::giving::copied;
use super::{Giving, PolledReplica, ReplicaError};
use crate::env::fork;
use crate::types::Index;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;

/// Pieces of a state that wait to be read.
const PIECES_MAX: usize = 2;
/// A reader that gets nothing for so long looks whether the replica has ended.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug, PartialEq, Eq)]
enum End {
    Open,
    /// Nothing follows.
    Finished,
    /// What follows will never come.
    GivenUp,
}

#[derive(Debug)]
struct Inner {
    pieces: VecDeque<Vec<u8>>,
    end: End,
    /// Somebody reads, or will.
    is_read: bool,
}

#[derive(Debug)]
pub(super) struct Pipe {
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl Pipe {
    fn end(&self, end: End) {
        let mut inner = self.inner.lock();
        if inner.end == End::Open {
            inner.end = end;
            self.changed.notify_all();
        }
    }

    /// Whether the rest of it will never come.
    pub(super) fn is_given_up(&self) -> bool {
        self.inner.lock().end == End::GivenUp
    }
}

/// Why there is no snapshot of it.
pub(super) fn given_up() -> io::Error {
    io::Error::other("it was given up")
}

/// The end that is read.
struct Pieces {
    pipe: Arc<Pipe>,
    /// The one in hand, and what of it was read.
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            let mut inner = self.pipe.inner.lock();
            let waits = |inner: &mut Inner| inner.pieces.is_empty() && inner.end == End::Open;
            self.pipe.changed.wait_while_for(&mut inner, waits, LOOK);
            match (inner.pieces.pop_front(), &inner.end) {
                (Some(piece), _) => (self.piece, self.at) = (piece, 0),
                (None, End::Finished) => return Ok(0),
                (None, End::GivenUp) => return Err(given_up()),
                // Tried again, behind a look whether anybody wants more.
                (None, End::Open) => return Err(ErrorKind::Interrupted.into()),
            }
            self.pipe.changed.notify_all();
        }
        let count = out.len().min(self.piece.len() - self.at);
        out[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        let mut inner = self.pipe.inner.lock();
        inner.is_read = false;
        inner.pieces.clear();
        self.pipe.changed.notify_all();
    }
}

/// A state on its way. Dropped before [`Self::finish`], it is given up. Any thread may use it, one at a time; others may
/// give it up meanwhile. In the child of a fork it does nothing, and answers `Closed`.
#[derive(Debug)]
#[must_use = "dropped, it is given up"]
pub struct StateWriter {
    pipe: Arc<Pipe>,
    giving: Giving,
    forks: u32,
}

impl StateWriter {
    /// Hands over the next bytes, which are copied.
    ///
    /// # Errors
    /// Nothing of them was taken after `Timeout`: there was no room; `State`, where there is no memory for a copy; `Ended`,
    /// behind [`Self::finish`] or [`Self::give_up`]. Otherwise as [`Giving::wait`]: there will be no snapshot.
    pub fn write(&self, piece: &[u8], timeout: Duration) -> Result<(), ReplicaError> {
        if self.is_of_parent() {
            return Err(ReplicaError::Closed);
        }
        let mut inner = self.pipe.inner.lock();
        let is_full = |inner: &Inner| inner.pieces.len() >= PIECES_MAX && !piece.is_empty();
        let waits = |inner: &mut Inner| is_full(inner) && inner.is_read && inner.end == End::Open;
        self.pipe.changed.wait_while_for(&mut inner, waits, timeout);
        if inner.end != End::Open {
            return Err(ReplicaError::Ended);
        }
        if !inner.is_read {
            drop(inner);
            // Nothing to be said: it may be that another snapshot stands for as much.
            return match self.giving.wait(Duration::ZERO) {
                Ok(_) | Err(ReplicaError::Timeout) => Ok(()),
                Err(error) => Err(error),
            };
        }
        if is_full(&inner) {
            return Err(ReplicaError::Timeout);
        }
        // An empty one would look like the end.
        if !piece.is_empty() {
            inner.pieces.push_back(copied(piece).map_err(|error| ReplicaError::State(Arc::new(error)))?);
            self.pipe.changed.notify_all();
        }
        Ok(())
    }

    /// The state ends here; nothing can be written behind that.
    pub fn finish(&self) {
        self.end(End::Finished);
    }

    /// There will be no snapshot of it, unless it has ended. A call that waits for room gets `Ended`.
    pub fn give_up(&self) {
        self.end(End::GivenUp);
    }

    /// As [`Giving::wait`], behind [`Self::finish`].
    ///
    /// # Errors
    /// As [`Giving::wait`].
    pub fn wait(&self, timeout: Duration) -> Result<Index, ReplicaError> {
        if self.is_of_parent() { Err(ReplicaError::Closed) } else { self.giving.wait(timeout) }
    }

    fn end(&self, end: End) {
        // The lock may be held by a thread that is not there.
        if !self.is_of_parent() {
            self.pipe.end(end);
        }
    }

    fn is_of_parent(&self) -> bool {
        self.forks != fork::generation()
    }
}

impl Drop for StateWriter {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl PolledReplica {
    /// As [`Self::give_snapshot`], for a state that comes piece by piece.
    ///
    /// # Errors
    /// As [`Self::give_snapshot`].
    pub fn begin_snapshot(&self, index: Index) -> Result<StateWriter, ReplicaError> {
        let inner = Inner { pieces: VecDeque::new(), end: End::Open, is_read: true };
        let pipe = Arc::new(Pipe { inner: Mutex::new(inner), changed: Condvar::new() });
        let pieces = Pieces { pipe: Arc::clone(&pipe), piece: Vec::new(), at: 0 };
        let giving = self.give(index, Some(Arc::clone(&pipe)), || Ok(Box::new(pieces)))?;
        Ok(StateWriter { pipe, giving, forks: fork::generation() })
    }
}
