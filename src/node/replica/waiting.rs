//! Callers that wait: for a ticket's answer, for the commit of what got a place, for the word on repetitions.
//!
//! # Model
//! ```text
//! ask --> ticket --accepted--> place --committed--> its entries have identities? --judged--> told
//!            '--refused, answered--> told  '--another term there--> told        '--no--> told
//! ```
//! # Invariants
//! W1 whoever waits is told once. W2 nobody is woken under the core's lock: what is to be told is collected in
//! `told`, and whoever holds the lock tells it after giving it back.

use super::ReplicaError;
use crate::dedup::{Admission, Why};
use crate::types::{Index, LogId, Term};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What became of entries that were put into the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Position of the last of them.
    pub id: LogId,
    /// So many of them were there before under the same identity: applied then, and not again.
    pub repeated: u32,
    /// So many of them came so late in their session that nobody knows whether they were there before: not applied
    /// now.
    pub stale: u32,
}

type Outcome = Result<Receipt, ReplicaError>;

/// One caller.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    outcome: Mutex<Option<Outcome>>,
    told: Condvar,
}

impl Waiter {
    pub(super) fn tell(&self, outcome: Outcome) {
        self.outcome.lock().get_or_insert(outcome);
        self.told.notify_all();
    }

    pub(super) fn wait(&self, timeout: Duration) -> Outcome {
        let mut outcome = self.outcome.lock();
        let wait = |outcome: &mut Option<_>| outcome.is_none();
        self.told.wait_while_for(&mut outcome, wait, timeout);
        outcome.clone().unwrap_or(Err(ReplicaError::Timeout))
    }
}

/// What is to be told, to whom.
pub(super) type Told = Vec<(Arc<Waiter>, Outcome)>;

/// Entries of one caller within a frame.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) waiter: Arc<Waiter>,
    pub(super) count: u32,
}

/// A request: the callers whose entries are in one frame, in its order; or one caller and no entries.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) parts: Vec<Part>,
    /// Some of the entries can be repetitions.
    pub(super) has_identities: bool,
}

impl Group {
    pub(super) fn of_one(waiter: &Arc<Waiter>, count: u32, has_identities: bool) -> Self {
        Self { parts: vec![Part { waiter: Arc::clone(waiter), count }], has_identities }
    }

    fn tell_all(self, outcome: &Outcome, told: &mut Told) {
        told.extend(self.parts.into_iter().map(|part| (part.waiter, outcome.clone())));
    }

    /// Tells each caller where its own entries are, in a frame that ends at `last`, and what was left out of them.
    fn tell_each(self, last: LogId, admission: &Admission, told: &mut Told) {
        let mut behind: u64 = self.parts.iter().map(|part| u64::from(part.count)).sum();
        let mut first = 0;
        for part in self.parts {
            behind -= u64::from(part.count);
            let places = first..first + part.count;
            first = places.end;
            let index = last.index.back(behind).expect("the frame begins after the origin");
            let receipt = Receipt {
                id: LogId::new(last.term, index),
                repeated: admission.count(&places, Why::Repeated),
                stale: admission.count(&places, Why::Stale),
            };
            told.push((part.waiter, Ok(receipt)));
        }
    }
}

/// Callers by what they wait for.
#[derive(Debug)]
pub(super) struct Waiting {
    tickets: BTreeMap<u64, Group>,
    next: u64,
    /// By where their frame ends.
    commits: BTreeMap<(Index, Term), Group>,
    /// Committed; what is a repetition is not known yet.
    unjudged: BTreeMap<Index, (Term, Group)>,
    pub(super) told: Told,
}

impl Waiting {
    /// Tickets count up from after `start`, which is another one in each run: an answer to a ticket of an
    /// earlier run may still be on its way.
    pub(super) const fn new(start: u64) -> Self {
        Self {
            tickets: BTreeMap::new(),
            next: start,
            commits: BTreeMap::new(),
            unjudged: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    pub(super) fn ask(&mut self, group: Group) -> u64 {
        self.next += 1;
        self.tickets.insert(self.next, group);
        self.next
    }

    /// The ticket has its final answer.
    pub(super) fn answer(&mut self, ticket: u64, outcome: Result<LogId, ReplicaError>) {
        if let Some(group) = self.tickets.remove(&ticket) {
            let outcome = outcome.map(|id| Receipt { id, repeated: 0, stale: 0 });
            group.tell_all(&outcome, &mut self.told);
        }
    }

    /// The ticket's batch has a place, and its callers wait until that is committed.
    pub(super) fn accepted(&mut self, ticket: u64, id: LogId) {
        if let Some(group) = self.tickets.remove(&ticket) {
            self.commits.insert((id.index, id.term), group);
        }
    }

    /// Everything up to `upto` is committed. Only now is it known whose batches these are: one that was cut out
    /// of this log may have come back by another leader (Raft, figure 8).
    pub(super) fn committed(&mut self, upto: Index, term_at: impl Fn(Index) -> Option<Term>) {
        while let Some(entry) = self.commits.first_entry().filter(|entry| entry.key().0 <= upto) {
            let ((index, term), group) = entry.remove_entry();
            if term_at(index) != Some(term) {
                group.tell_all(&Err(ReplicaError::Superseded), &mut self.told);
            } else if group.has_identities {
                self.unjudged.insert(index, (term, group));
            } else {
                group.tell_each(LogId::new(term, index), &Admission::default(), &mut self.told);
            }
        }
    }

    /// What is left out of the committed frame that ends at `index` is known.
    pub(super) fn judged(&mut self, index: Index, admission: &Admission) {
        if let Some((term, group)) = self.unjudged.remove(&index) {
            group.tell_each(LogId::new(term, index), admission, &mut self.told);
        }
    }

    /// The only caller of a request has given up.
    pub(super) fn forget(&mut self, ticket: u64, waiter: &Arc<Waiter>) {
        let is_other =
            |group: &Group| !matches!(&group.parts[..], [part] if Arc::ptr_eq(&part.waiter, waiter));
        self.tickets.remove(&ticket);
        self.commits.retain(|_, group| is_other(group));
        self.unjudged.retain(|_, (_, group)| is_other(group));
    }

    pub(super) fn end(&mut self, error: &ReplicaError) {
        let tickets = std::mem::take(&mut self.tickets).into_values();
        let commits = std::mem::take(&mut self.commits).into_values();
        let unjudged = std::mem::take(&mut self.unjudged).into_values().map(|(_, group)| group);
        for group in tickets.chain(commits).chain(unjudged) {
            group.tell_all(&Err(error.clone()), &mut self.told);
        }
    }
}
