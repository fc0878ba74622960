//! What the other implementation's host keeps of the log, in memory and on disk.

use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};
use raft::storage::{GetEntriesContext, RaftState, Storage};
use raft::{Error, Result, StorageError};

/// The log after `start`, and what was applied of it.
#[derive(Clone, Default)]
pub(crate) struct Store {
    /// Index and term of the last entry that was forgotten.
    pub(crate) start: (u64, u64),
    pub(crate) entries: Vec<Entry>,
    pub(crate) hard: HardState,
    /// In memory what is applied; on disk the last entry that changed members, or a snapshot's end.
    pub(crate) applied: u64,
    /// The members there.
    pub(crate) members: ConfState,
}

impl Store {
    pub(crate) fn last(&self) -> u64 {
        self.entries.last().map_or(self.start.0, |entry| entry.index)
    }

    fn position(&self, index: u64) -> usize {
        usize::try_from(index - self.start.0 - 1).expect("the log is short")
    }

    pub(crate) fn term_at(&self, index: u64) -> Option<u64> {
        match index {
            _ if index == self.start.0 => Some(self.start.1),
            _ if index < self.start.0 || index > self.last() => None,
            _ => Some(self.entries[self.position(index)].term),
        }
    }

    /// Takes what follows, and whatever was there from its first entry on goes.
    pub(crate) fn append(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        assert!(first.index > self.start.0 && first.index <= self.last() + 1, "entries are dense");
        self.entries.truncate(self.position(first.index));
        self.entries.extend_from_slice(entries);
    }

    /// Begins anew after a snapshot.
    pub(crate) fn install(&mut self, snapshot: &Snapshot) {
        let end = snapshot.get_metadata();
        self.start = (end.index, end.term);
        self.entries.clear();
        self.applied = end.index;
        self.members = end.get_conf_state().clone();
    }

    /// Forgets what a snapshot of its own covers.
    pub(crate) fn compact(&mut self, index: u64) {
        let term = self.term_at(index).expect("it is in the log");
        self.entries.drain(..=self.position(index));
        self.start = (index, term);
    }
}

impl Storage for Store {
    fn initial_state(&self) -> Result<RaftState> {
        Ok(RaftState::new(self.hard.clone(), self.members.clone()))
    }

    /// The schedules' appends are far below any limit.
    fn entries(
        &self,
        low: u64,
        high: u64,
        _: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> Result<Vec<Entry>> {
        if low <= self.start.0 {
            return Err(Error::Store(StorageError::Compacted));
        }
        Ok(self.entries[self.position(low)..self.position(high)].to_vec())
    }

    fn term(&self, index: u64) -> Result<u64> {
        let why = if index < self.start.0 { StorageError::Compacted } else { StorageError::Unavailable };
        self.term_at(index).ok_or(Error::Store(why))
    }

    fn first_index(&self) -> Result<u64> {
        Ok(self.start.0 + 1)
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.last())
    }

    /// Of what is applied now: one whose members do not have the receiver would be thrown away there.
    fn snapshot(&self, _: u64, _: u64) -> Result<Snapshot> {
        let mut snapshot = Snapshot::default();
        let end = snapshot.mut_metadata();
        end.index = self.applied;
        end.term = self.term(self.applied)?;
        end.set_conf_state(self.members.clone());
        Ok(snapshot)
    }
}
