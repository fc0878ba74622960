//! Snapshots of a host that is polled: it gives its state, and takes one where it is behind the log.
//!
//! # Caller contract
//! ```text
//! read .. apply .. read .. apply .. give_snapshot(index of the last entry that was applied, the state)
//! poll(from) --Gone--> open_snapshot: read all of it, make it the state, go on from its index + 1
//! ```
//! A state is given as of an index, with all entries up to there in it and none behind, while reading goes on elsewhere
//! at will. Of several readers of a node the one that gives it speaks for all of them: after an opening, whoever is not
//! as far begins with the snapshot. All nodes of a cluster should give theirs: a leader sends only what it has.

use super::pending::Waiter;
use super::pieces::Pipe;
use super::snapshots::{Given, HOST, Work};
use super::{PolledReplica, ReplicaError};
use crate::storage::Error;
use crate::storage::snapshots::Window;
use crate::types::Index;
use std::io::{self, Cursor, ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;

/// Largest state that hosts of other languages give in one buffer, in bytes: it is copied. In pieces, and in Rust, it may
/// be of any size.
pub const STATE_BYTES_MAX: usize = 1 << 30;

/// A copy of a state, for [`PolledReplica::give_snapshot_by`].
///
/// # Errors
/// `OutOfMemory`.
pub fn copy_of(state: &[u8]) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(Cursor::new(copied(state)?)))
}

/// A copy of bytes.
///
/// # Errors
/// `OutOfMemory`.
pub(super) fn copied(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| {
        let what = format!("there is no memory for a copy of {} bytes", bytes.len());
        io::Error::new(ErrorKind::OutOfMemory, what)
    })?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// A state that is being made a snapshot of. Dropping it gives up the answer, not the snapshot.
#[derive(Debug)]
#[must_use = "whether it is durable is not known yet"]
pub struct Giving(Arc<Waiter>);

impl Giving {
    /// Waits until the snapshot is durable. Returns the index that the newest one is of then: one that stands for as much
    /// of the log as this one would is not replaced. After `Timeout` it may be waited for again.
    ///
    /// # Errors
    /// `Timeout`; `Storage`: it could not be written, or what it goes on from could not be read, where a state of a later
    /// entry is taken again; `State`: the state could not be read; `Gone`: the log no longer has what it would have to go
    /// on from; `Closed`. There is no such snapshot then, but after `Timeout`, and the log is not cut for it.
    pub fn wait(&self, timeout: Duration) -> Result<Index, ReplicaError> {
        self.0.wait(timeout).map(|receipt| receipt.id.index)
    }
}

/// The state that a host gave, on this node or on another. It can be read also when a newer one has come.
#[derive(Debug)]
pub struct PolledState {
    index: Index,
    window: Window,
}

impl PolledState {
    /// The last entry in it. What follows begins with the next index.
    pub const fn index(&self) -> Index {
        self.index
    }

    /// Its length.
    pub const fn bytes(&self) -> u64 {
        self.window.bytes()
    }

    /// Copies bytes of it from `offset` on, as many as there are and `out` has room for; says how many.
    ///
    /// # Errors
    /// `Storage`.
    pub fn read_at(&mut self, offset: u64, out: &mut [u8]) -> Result<usize, ReplicaError> {
        Ok(self.window.read_at(offset, out)?)
    }
}

impl PolledReplica {
    /// Gives the host's state as of all entries up to `index`, for a snapshot: once that is durable, the log may be cut
    /// before it (`ReplicaConfig::snapshots`). It is read by a thread of the replica, up to its end, or until the replica
    /// ends. Nothing is written where the newest snapshot stands for as much of the log: give one when there is more to
    /// cut.
    ///
    /// # Errors
    /// `Unread`: the entry is not known to be committed here, or is none. `Busy`: one is being written and another waits.
    /// `Closed`, `Failed`. The state was not taken then.
    pub fn give_snapshot(&self, index: Index, state: Box<dyn Read + Send>) -> Result<Giving, ReplicaError> {
        self.give_snapshot_by(index, || Ok(state))
    }

    /// As [`Self::give_snapshot`], of a state that `make` is asked for once there is room for it: not where it is refused, or
    /// where a newest snapshot of `index` or later stands for it.
    ///
    /// # Errors
    /// As [`Self::give_snapshot`]; `State` from `make`.
    pub fn give_snapshot_by(
        &self,
        index: Index,
        make: impl FnOnce() -> io::Result<Box<dyn Read + Send>>,
    ) -> Result<Giving, ReplicaError> {
        self.give(index, None, make)
    }

    /// As [`Self::give_snapshot_by`], of a state that comes through `pipe` where there is one.
    ///
    /// # Errors
    /// As [`Self::give_snapshot_by`].
    pub(super) fn give(
        &self,
        index: Index,
        pipe: Option<Arc<Pipe>>,
        make: impl FnOnce() -> io::Result<Box<dyn Read + Send>>,
    ) -> Result<Giving, ReplicaError> {
        let shared = &self.replica.shared;
        if shared.is_of_parent() {
            return Err(ReplicaError::Closed);
        }
        if index == Index::ORIGIN || index > self.applied() {
            return Err(ReplicaError::Unread(index));
        }
        // What was cut for the ones before.
        self.left_out.lock().forget(self.first());
        let waiter = Arc::<Waiter>::default();
        let refusal = || shared.core.lock().ended.clone().unwrap_or(ReplicaError::Busy);
        let room = shared.snapshots.reserve().ok_or_else(refusal)?;
        if index <= shared.snapshots.position() {
            waiter.tell(Ok(shared.snapshots.receipt()));
            return Ok(Giving(waiter));
        }
        let state = make().map_err(|error| ReplicaError::State(Arc::new(error)))?;
        let given = Given { index, state, waiter: Arc::clone(&waiter), pipe };
        if room.fill(Work::Given(given)) { Ok(Giving(waiter)) } else { Err(refusal()) }
    }

    /// The newest snapshot, to begin with; `None` where there is none.
    ///
    /// # Errors
    /// `Storage`; `Closed` in the child of a fork.
    pub fn open_snapshot(&self) -> Result<Option<PolledState>, ReplicaError> {
        let shared = &self.replica.shared;
        if shared.is_of_parent() {
            return Err(ReplicaError::Closed);
        }
        loop {
            let Some((file, index)) = shared.snapshots.latest_state() else { return Ok(None) };
            match file.last_section(HOST) {
                Ok(window) => return Ok(Some(PolledState { index, window })),
                // Later ones have come, and it is gone.
                Err(Error::Io { source, .. })
                    if source.kind() == ErrorKind::NotFound && shared.snapshots.latest() != Some(file) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
