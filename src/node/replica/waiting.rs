//! Callers that wait: for a ticket's answer, for the commit of what got a place, for the word on repetitions, for
//! every voter.
//!
//! # Model
//! ```text
//! ask --> ticket --accepted--> place --committed--> its entries have identities? --judged--> every voter has it?
//!            |                   |  '-another term there,             '---no-----------------'   |
//!            |                   |    or a later one before it--> told          Quorum: told <---'--> All: told
//!            '-refused, answered-|--> told
//!                                '--durable here--> Local: told
//! ```
//! # Invariants
//! W1 whoever waits is told once. W2 nobody is woken under the core's lock: what is to be told is collected in
//! `told`, and whoever holds the lock tells it after giving it back. W3 what the batcher counts a frame for is
//! released when nothing of it is kept any more but who waits for every voter: at the commit, with the word on
//! repetitions, or when the frame can never commit.

use super::ReplicaError;
use super::pending::{Outcome, Waiter};
use super::stage::Stage;
use crate::dedup::{Admission, Why};
use crate::types::{Index, LogId, Term};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of entries that were put into the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Position of the last of them.
    pub id: LogId,
    /// So many of them were there before under the same identity: applied then, and not again. Not known yet, hence
    /// 0, where [`WaitFor::Local`] was asked for.
    pub repeated: u32,
    /// So many of them came so late in their session that nobody knows whether they were there before: not applied
    /// now. As above.
    pub stale: u32,
}

/// How far entries have to be before their caller is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitFor {
    /// Durable on this node, which leads. A later leader may still put something else in their place.
    Local,
    /// Committed: durable on a majority, for ever.
    #[default]
    Quorum,
    /// Committed, and durable on every voter. Waits for as long as one of them is away.
    All,
}

/// What is to be told, to whom.
pub(super) type Told = Vec<(Arc<Waiter>, Outcome)>;

/// Who is told which when the time comes.
type Receipts = Vec<(Arc<Waiter>, Receipt)>;

/// Entries of one caller within a frame.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) waiter: Arc<Waiter>,
    pub(super) count: u32,
    pub(super) wait: WaitFor,
}

/// A request: the callers whose entries are in one frame, in its order; or one caller and no entries.
#[derive(Debug)]
pub(super) struct Group {
    parts: Vec<Part>,
    /// Some of the entries can be repetitions.
    has_identities: bool,
    /// What the batcher counts it for; 0 if it did not come by that.
    pub(super) cost: usize,
}

impl Group {
    pub(super) const fn new(parts: Vec<Part>, has_identities: bool, cost: usize) -> Self {
        Self { parts, has_identities, cost }
    }

    pub(super) fn of_one(waiter: &Arc<Waiter>, count: u32, has_identities: bool) -> Self {
        let part = Part { waiter: Arc::clone(waiter), count, wait: WaitFor::Quorum };
        Self { parts: vec![part], has_identities, cost: 0 }
    }

    pub(super) fn tell_all(self, outcome: &Outcome, told: &mut Told) {
        told.extend(self.parts.into_iter().map(|part| (part.waiter, outcome.clone())));
    }

    /// Each caller with the receipt for its own entries, in a frame that ends at `last`.
    fn receipts(&self, last: LogId, admission: &Admission) -> impl Iterator<Item = (&Part, Receipt)> {
        let mut behind: u64 = self.parts.iter().map(|part| u64::from(part.count)).sum();
        let mut first = 0;
        self.parts.iter().map(move |part| {
            behind -= u64::from(part.count);
            let places = first..first + part.count;
            first = places.end;
            let index = last.index.back(behind).expect("the frame begins after the origin");
            let receipt = Receipt {
                id: LogId::new(last.term, index),
                repeated: admission.count(&places, Why::Repeated),
                stale: admission.count(&places, Why::Stale),
            };
            (part, receipt)
        })
    }

    /// Who waits until it is durable here waits until it is committed: it was cut, and may come back.
    fn outlast_cut(&mut self) {
        let locals = self.parts.iter_mut().filter(|part| part.wait == WaitFor::Local);
        locals.for_each(|part| part.wait = WaitFor::Quorum);
    }

    fn is_only(&self, waiter: &Arc<Waiter>) -> bool {
        matches!(&self.parts[..], [part] if Arc::ptr_eq(&part.waiter, waiter))
    }
}

/// Why entries of a leader of `term` are not where they were put; `None` when they are. What the log has forgotten
/// may be theirs.
fn fate(term: Term, found: Option<Term>) -> Option<ReplicaError> {
    match found {
        Some(found) if found == term => None,
        Some(_) => Some(ReplicaError::Superseded),
        None => Some(ReplicaError::Timeout),
    }
}

/// Callers by what they wait for.
#[derive(Debug)]
pub(super) struct Waiting {
    tickets: BTreeMap<u64, Group>,
    next: u64,
    /// By where their frame ends: not durable here yet.
    locals: BTreeMap<(Index, Term), Receipts>,
    /// By where their frame ends: not committed yet.
    commits: BTreeMap<(Index, Term), Group>,
    /// Committed; what is a repetition is not known yet.
    unjudged: BTreeMap<Index, (Term, Group)>,
    /// Committed and judged; a voter may lack them.
    everywhere: BTreeMap<Index, Receipts>,
    everywhere_len: usize,
    /// What the batcher counts frames for that got a place, and those that are under way no longer, since it asked.
    accepted_cost: usize,
    released_cost: usize,
    /// Something was committed since the batcher asked, its own or not.
    has_committed: bool,
    /// Term of the last entry that is known to be committed.
    committed_term: Term,
    pub(super) told: Told,
}

impl Waiting {
    /// Tickets count up from after `start`, which is another one in each run: an answer to a ticket of an
    /// earlier run may still be on its way.
    pub(super) const fn new(start: u64) -> Self {
        Self {
            tickets: BTreeMap::new(),
            next: start,
            locals: BTreeMap::new(),
            commits: BTreeMap::new(),
            unjudged: BTreeMap::new(),
            everywhere: BTreeMap::new(),
            everywhere_len: 0,
            accepted_cost: 0,
            released_cost: 0,
            has_committed: false,
            committed_term: Term::ORIGIN,
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

    /// Takes a ticket of the batcher back.
    pub(super) fn take_batched(&mut self, ticket: u64) -> Option<Group> {
        self.tickets.get(&ticket).filter(|group| group.cost > 0)?;
        self.tickets.remove(&ticket)
    }

    /// The ticket's batch has a place, and its callers wait until that is durable or committed.
    pub(super) fn accepted(&mut self, ticket: u64, id: LogId) {
        let Some(group) = self.tickets.remove(&ticket) else { return };
        let place = (id.index, id.term);
        if group.parts.iter().any(|part| part.wait == WaitFor::Local) {
            let nothing = Admission::default();
            let locals = group.receipts(id, &nothing).filter(|(part, _)| part.wait == WaitFor::Local);
            let locals = locals.map(|(part, receipt)| (Arc::clone(&part.waiter), receipt));
            self.locals.insert(place, locals.collect());
        }
        self.accepted_cost += group.cost;
        self.commits.insert(place, group);
    }

    /// Everything up to `upto` is durable here.
    pub(super) fn durable(&mut self, upto: Index, term_at: impl Fn(Index) -> Option<Term>) {
        while let Some(entry) = self.locals.first_entry().filter(|entry| entry.key().0 <= upto) {
            let ((index, term), locals) = entry.remove_entry();
            if term_at(index) == Some(term) {
                self.told.extend(locals.into_iter().map(|(waiter, receipt)| (waiter, Ok(receipt))));
            } else if let Some(group) = self.commits.get_mut(&(index, term)) {
                group.outlast_cut();
            }
        }
    }

    /// Everything up to `upto` is committed. Only now is it known whose batches these are: one that was cut out
    /// of this log may have come back by another leader (Raft, figure 8).
    pub(super) fn committed(&mut self, upto: Index, term_at: impl Fn(Index) -> Option<Term>) {
        self.has_committed = true;
        // What is told as committed is durable here (I5 of the core).
        self.durable(upto, &term_at);
        while let Some(entry) = self.commits.first_entry().filter(|entry| entry.key().0 <= upto) {
            let ((index, term), group) = entry.remove_entry();
            if let Some(error) = fate(term, term_at(index)) {
                self.release(group, &Err(error));
            } else if group.has_identities {
                // Its cost stays: a host that is slow to apply holds back who submits.
                self.unjudged.insert(index, (term, group));
            } else {
                self.released_cost += group.cost;
                self.tell(&group, LogId::new(term, index), &Admission::default());
            }
        }
        if let Some(term) = term_at(upto) {
            self.outrun(term);
        }
    }

    /// An entry of `term` is committed, so nothing of an earlier one that has its place behind it ever will be: the
    /// terms of a log do not fall. What was cut out of this log and had no successor is known by that.
    fn outrun(&mut self, term: Term) {
        // Nothing of an earlier term gets a place any more.
        if std::mem::replace(&mut self.committed_term, term) == term {
            return;
        }
        self.locals.retain(|(_, of), _| *of >= term);
        let lost: Vec<Group> =
            self.commits.extract_if(.., |(_, of), _| *of < term).map(|(_, group)| group).collect();
        lost.into_iter().for_each(|group| self.release(group, &Err(ReplicaError::Superseded)));
    }

    /// Nothing of the group is under way any more.
    fn release(&mut self, group: Group, outcome: &Outcome) {
        self.released_cost += group.cost;
        group.tell_all(outcome, &mut self.told);
    }

    /// What is left out of the committed frame that ends at `index` is known.
    pub(super) fn judged(&mut self, index: Index, admission: &Admission) {
        if let Some((term, group)) = self.unjudged.remove(&index) {
            self.released_cost += group.cost;
            self.tell(&group, LogId::new(term, index), admission);
        }
    }

    /// Who wants no more than a majority is told; the others wait for every voter.
    fn tell(&mut self, group: &Group, last: LogId, admission: &Admission) {
        for (part, receipt) in group.receipts(last, admission) {
            let waiter = Arc::clone(&part.waiter);
            match part.wait {
                WaitFor::Local => {}
                WaitFor::Quorum => self.told.push((waiter, Ok(receipt))),
                WaitFor::All => {
                    self.everywhere_len += 1;
                    self.everywhere.entry(last.index).or_default().push((waiter, receipt));
                }
            }
        }
    }

    /// Every voter has everything up to `upto`; `None`: this node does not lead, and cannot know.
    pub(super) fn held_by_all(&mut self, upto: Option<Index>) {
        while let Some(entry) = self.everywhere.first_entry()
            && upto.is_none_or(|upto| *entry.key() <= upto)
        {
            let outcome = |receipt: Receipt| match upto {
                Some(_) => Ok(receipt),
                None => Err(ReplicaError::NotEverywhere(receipt)),
            };
            let reached = entry.remove();
            self.everywhere_len -= reached.len();
            self.told.extend(reached.into_iter().map(|(waiter, receipt)| (waiter, outcome(receipt))));
        }
    }

    /// Somebody waits for every voter.
    pub(super) const fn is_for_all(&self) -> bool {
        self.everywhere_len > 0
    }

    /// Brings the batcher's books up to date.
    pub(super) fn report_to(&mut self, stage: &mut Stage) {
        let (accepted, released) =
            (std::mem::take(&mut self.accepted_cost), std::mem::take(&mut self.released_cost));
        stage.moved(accepted, released);
        stage.waiting_for_all = self.everywhere_len;
        if std::mem::take(&mut self.has_committed) {
            stage.unblock();
        }
    }

    /// Nobody waits for something that has a place.
    pub(super) fn is_settled(&self) -> bool {
        self.commits.is_empty() && self.unjudged.is_empty() && self.locals.is_empty()
    }

    /// A snapshot took the place of the log up to `last`: what is committed there nobody can tell any more.
    pub(super) fn replaced(&mut self, last: LogId) {
        let upto = last.index;
        let behind = (upto.next(), Term::ORIGIN);
        let later = self.commits.split_off(&behind);
        let unknown = std::mem::replace(&mut self.commits, later).into_values();
        let later = self.unjudged.split_off(&upto.next());
        let unjudged = std::mem::replace(&mut self.unjudged, later).into_values().map(|(_, group)| group);
        unknown.chain(unjudged).for_each(|group| self.release(group, &Err(ReplicaError::Timeout)));
        // Those are among the callers that were just told.
        self.locals = self.locals.split_off(&behind);
        self.outrun(last.term);
    }

    /// The only caller of a request has given up.
    pub(super) fn forget(&mut self, ticket: u64, waiter: &Arc<Waiter>) {
        self.tickets.remove(&ticket);
        self.commits.retain(|_, group| !group.is_only(waiter));
        self.unjudged.retain(|_, (_, group)| !group.is_only(waiter));
    }

    pub(super) fn end(&mut self, error: &ReplicaError) {
        let tickets = std::mem::take(&mut self.tickets).into_values();
        let commits = std::mem::take(&mut self.commits).into_values();
        let unjudged = std::mem::take(&mut self.unjudged).into_values().map(|(_, group)| group);
        for group in tickets.chain(commits).chain(unjudged) {
            group.tell_all(&Err(error.clone()), &mut self.told);
        }
        self.locals.clear();
        self.held_by_all(None);
    }
}

#[cfg(test)]
#[path = "waiting_test.rs"]
mod tests;
