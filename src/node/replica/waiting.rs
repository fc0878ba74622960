//! Callers that wait: for a ticket's answer, and then for its commit.

use super::ReplicaError;
use crate::types::{Index, LogId, Term};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One caller.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    outcome: Mutex<Option<Result<LogId, ReplicaError>>>,
    told: Condvar,
}

impl Waiter {
    pub(super) fn tell(&self, outcome: Result<LogId, ReplicaError>) {
        self.outcome.lock().get_or_insert(outcome);
        self.told.notify_all();
    }

    pub(super) fn wait(&self, timeout: Duration) -> Result<LogId, ReplicaError> {
        let mut outcome = self.outcome.lock();
        let wait = |outcome: &mut Option<_>| outcome.is_none();
        self.told.wait_while_for(&mut outcome, wait, timeout);
        outcome.clone().unwrap_or(Err(ReplicaError::Timeout))
    }
}

/// Callers by what they wait for.
#[derive(Debug)]
pub(super) struct Waiting {
    tickets: BTreeMap<u64, Arc<Waiter>>,
    next: u64,
    /// By where their batch ends.
    commits: BTreeMap<(Index, Term), Arc<Waiter>>,
}

impl Waiting {
    /// Tickets count up from after `start`, which is another one in each run: an answer to a ticket of an
    /// earlier run may still be on its way.
    pub(super) const fn new(start: u64) -> Self {
        Self { tickets: BTreeMap::new(), next: start, commits: BTreeMap::new() }
    }

    pub(super) fn ask(&mut self, waiter: &Arc<Waiter>) -> u64 {
        self.next += 1;
        self.tickets.insert(self.next, Arc::clone(waiter));
        self.next
    }

    /// The ticket has its final answer.
    pub(super) fn answer(&mut self, ticket: u64, outcome: Result<LogId, ReplicaError>) {
        if let Some(waiter) = self.tickets.remove(&ticket) {
            waiter.tell(outcome);
        }
    }

    /// The ticket's batch has a place, and its caller waits until that is committed.
    pub(super) fn accepted(&mut self, ticket: u64, id: LogId) {
        if let Some(waiter) = self.tickets.remove(&ticket) {
            self.commits.insert((id.index, id.term), waiter);
        }
    }

    /// Everything up to `upto` is committed. Only now is it known whose batches these are: one that was cut out
    /// of this log may have come back by another leader (Raft, figure 8).
    pub(super) fn committed(&mut self, upto: Index, term_at: impl Fn(Index) -> Option<Term>) {
        while let Some(entry) = self.commits.first_entry().filter(|entry| entry.key().0 <= upto) {
            let ((index, term), waiter) = entry.remove_entry();
            let is_there = term_at(index) == Some(term);
            waiter.tell(if is_there { Ok(LogId::new(term, index)) } else { Err(ReplicaError::Superseded) });
        }
    }

    /// The caller has given up.
    pub(super) fn forget(&mut self, ticket: u64, waiter: &Arc<Waiter>) {
        self.tickets.remove(&ticket);
        self.commits.retain(|_, other| !Arc::ptr_eq(other, waiter));
    }

    pub(super) fn end(&mut self, error: &ReplicaError) {
        let commits = std::mem::take(&mut self.commits).into_values();
        for waiter in std::mem::take(&mut self.tickets).into_values().chain(commits) {
            waiter.tell(Err(error.clone()));
        }
    }
}
