//! Requests to the core, waited for in one piece or in many.
//!
//! # Model
//! ```text
//! pose --> ticket --answered--> index --applied here (a read), settled (a change of members)--> done
//!            '-- a read that nobody answers within `election_max`, then within twice as long and so on, is asked again:
//!                its question may be lost. Whichever answer comes first is right.
//! ```
//! A host whose waits have to be interruptible holds an [`Asked`] and waits in slices: what it asked for goes on
//! between them, however short they are.
//!
//! # Invariants
//! A1 whoever gives up leaves nothing behind: dropping an [`Asked`] forgets its tickets.

use super::core::{Shared, tell};
use super::pending::Waiter;
use super::waiting::{Group, Receipt};
use super::{Replica, ReplicaError};
use crate::env::Clock;
use crate::raft::{Change, Input, Ticket};
use crate::types::{LogId, Tick};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What follows the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// What is committed at the index of the answer is applied here.
    Applied,
    /// No change of members is under way any more.
    Settled,
}

/// What was asked, and when it is asked again.
#[derive(Debug)]
struct Question {
    tickets: Vec<u64>,
    pause: Duration,
    again: Tick,
}

/// A read or a change of members that was asked for. Dropping it gives up the answer. Any thread may hold it.
#[derive(Debug)]
#[must_use = "whether it was done is not known yet"]
pub struct Asked {
    shared: Arc<Shared>,
    waiter: Arc<Waiter>,
    question: Mutex<Question>,
    goal: Goal,
}

impl Asked {
    fn new(
        shared: &Arc<Shared>,
        goal: Goal,
        input: impl FnOnce(Ticket) -> Input,
    ) -> Result<Self, ReplicaError> {
        let waiter = Arc::default();
        let pause = shared.election_max;
        let again = shared.clock.now().after(pause);
        let tickets = vec![shared.pose(&waiter, (0, false), input)?];
        let question = Mutex::new(Question { tickets, pause, again });
        Ok(Self { shared: Arc::clone(shared), waiter, question, goal })
    }

    /// Waits for the answer: the index of a read, the place of a change. After `Timeout` it may be waited for again.
    ///
    /// # Errors
    /// As [`Replica::read_index`] and [`Replica::change`] say.
    pub fn wait(&self, timeout: Duration) -> Result<LogId, ReplicaError> {
        let until = self.shared.clock.now().after(timeout);
        let id = self.answer(until)?;
        let applied = &self.shared.applied;
        self.shared.wait_until(until, |core| match self.goal {
            // Acquire, with the applier's Release: what was applied can be seen.
            Goal::Applied => applied.load(Ordering::Acquire) >= id.index.get(),
            Goal::Settled => !core.raft.is_changing(),
        })?;
        Ok(id)
    }

    fn answer(&self, until: Tick) -> Result<LogId, ReplicaError> {
        loop {
            let again = match self.goal {
                Goal::Applied => self.question.lock().again.min(until),
                Goal::Settled => until,
            };
            match self.waiter.wait(again.since(self.shared.clock.now())) {
                Err(ReplicaError::Timeout) if again < until => self.repeat()?,
                answer => return answer.map(|receipt| receipt.id),
            }
        }
    }

    /// Asks for the read again, ever more rarely: the question may be lost, or its answer on a long way.
    fn repeat(&self) -> Result<(), ReplicaError> {
        let mut question = self.question.lock();
        let now = self.shared.clock.now();
        if now < question.again {
            // Another thread has.
            return Ok(());
        }
        question.pause = question.pause.saturating_mul(2);
        question.again = now.after(question.pause);
        let ticket = self.shared.pose(&self.waiter, (0, false), Input::Read)?;
        question.tickets.push(ticket);
        Ok(())
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // In the child of a fork the lock may be held by a thread that is not there.
        let tickets = &self.question.get_mut().tickets;
        // The only one that was asked has its answer.
        let is_done = tickets.len() == 1 && self.waiter.is_told();
        if !is_done && !self.shared.is_of_parent() {
            let mut core = self.shared.core.lock();
            for ticket in tickets {
                core.waiting.forget(*ticket, &self.waiter);
            }
        }
    }
}

impl Replica {
    /// As [`Self::read_index`], without waiting.
    ///
    /// # Errors
    /// `Closed`, `Failed`.
    pub fn ask_read(&self) -> Result<Asked, ReplicaError> {
        Asked::new(&self.shared, Goal::Applied, Input::Read)
    }

    /// As [`Self::change`], without waiting.
    ///
    /// # Errors
    /// `Closed`, `Failed`.
    pub fn ask_change(&self, change: Change) -> Result<Asked, ReplicaError> {
        let time = self.shared.clock.unix();
        Asked::new(&self.shared, Goal::Settled, |ticket| Input::Changed { ticket, time, change })
    }
}

impl Shared {
    /// A request with so many entries, of which some have identities or not; `waiter` will be told.
    fn pose(
        &self,
        waiter: &Arc<Waiter>,
        (count, has_identities): (u32, bool),
        input: impl FnOnce(Ticket) -> Input,
    ) -> Result<u64, ReplicaError> {
        if self.is_of_parent() {
            return Err(ReplicaError::Closed);
        }
        let mut core = self.core.lock();
        if let Some(error) = &core.ended {
            return Err(error.clone());
        }
        let ticket = core.waiting.ask(Group::of_one(waiter, count, has_identities));
        self.step_locked(&mut core, input(Ticket(ticket)));
        self.settle(&mut core);
        tell(core);
        Ok(ticket)
    }

    /// A request without entries, and its answer.
    pub(super) fn ask(
        &self,
        timeout: Duration,
        input: impl FnOnce(Ticket) -> Input,
    ) -> Result<LogId, ReplicaError> {
        self.ask_for((0, false), timeout, input).map(|receipt| receipt.id)
    }

    /// As [`Self::pose`], and its answer.
    pub(super) fn ask_for(
        &self,
        entries: (u32, bool),
        timeout: Duration,
        input: impl FnOnce(Ticket) -> Input,
    ) -> Result<Receipt, ReplicaError> {
        let waiter = Arc::default();
        let ticket = self.pose(&waiter, entries, input)?;
        let outcome = waiter.wait(timeout);
        if matches!(outcome, Err(ReplicaError::Timeout)) {
            self.core.lock().waiting.forget(ticket, &waiter);
        }
        outcome
    }
}
