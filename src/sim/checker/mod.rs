//! What must hold, whatever breaks: one property a file.
//!
//! A checker is told what is seen, in order, and says what it found. It sees all machines at once, which no
//! machine can. The first finding ends the run.

mod accusation;
mod acknowledgement;
mod commit_rule;
pub(super) mod convergence;
mod deduplication;
mod durability;
mod election_safety;
mod exactly_once;
mod leader_completeness;
mod linearizability;
mod log_matching;
mod memory;
mod state_machine_safety;
mod terms;
mod votes;

use super::agenda::{MILLISECOND, Nanos};
use super::client::Record;
use super::log::Log;
use super::machine::{Applied, Entry, List, Outcome};
use super::node::Seat;
use super::options::Options;
use crate::raft::{Fault, Membership, Message, Role, Vote};
use crate::types::{Index, LogId, NodeId, Term};
use std::fmt;

/// How much a machine holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) inbox: usize,
    pub(super) reads: usize,
    pub(super) sessions: usize,
    /// Sessions and ids of the deduplication.
    pub(super) remembered: (usize, usize),
    pub(super) queued: usize,
    pub(super) window_bytes: usize,
    pub(super) uncommitted_bytes: usize,
    pub(super) link_bytes: usize,
}

/// What a checker is told.
#[derive(Debug)]
pub(super) enum Seen<'a> {
    /// A process has a state to which everything up to `applied` was applied: it starts, or takes a snapshot.
    Started { seat: Seat, applied: LogId },
    /// Role, term or leader changed.
    Became { seat: Seat, role: Role, term: Term, log: &'a Log, membership: &'a Membership },
    /// A message leaves, while this vote is durable at the sender.
    Sent { seat: Seat, to: NodeId, message: &'a Message, vote: Vote },
    /// A message is about to be consumed.
    Received { seat: Seat, from: NodeId, message: &'a Message },
    /// A frame is in a log; the hash of that log up to it.
    Logged { seat: Seat, id: LogId, chain: u64 },
    /// A frame is durable.
    Durable { seat: Seat, id: LogId },
    /// The end of a log is forgotten, by a core that knew so much to be committed.
    Cut { seat: Seat, keep_to: Index, commit: Index },
    /// A core's commit index rose.
    Decided { seat: Seat, role: Role, term: Term, id: LogId, chain: Option<u64> },
    /// A host was told to apply up to here.
    Committed { seat: Seat, id: LogId },
    /// A host applied an entry.
    Applied { seat: Seat, applied: &'a Applied },
    /// A host acknowledges an append that is in the frame that ends at `id`.
    Acknowledged { seat: Seat, id: LogId, membership: &'a Membership },
    /// A core says that a peer broke the protocol.
    Accused { seat: Seat, peer: NodeId, fault: Fault },
    /// How much a machine holds.
    Weighed { seat: Seat, held: Held },
    /// Nothing breaks any more.
    Healed,
    /// All members are the same, under one leader.
    Converged { term: Term },
}

/// What is left at the end of a run.
#[derive(Debug)]
pub(super) struct End<'a> {
    pub(super) history: &'a [Record],
    /// Values in the order in which they were first applied.
    pub(super) values: &'a [u64],
    /// The lists of all members.
    pub(super) lists: &'a [List],
}

/// A property.
pub(super) trait Checker {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Whether it holds a rule of the protocol, whose breach may do no harm for long, rather than a property
    /// that people rely on.
    fn is_rule(&self) -> bool {
        false
    }

    /// Looks at what is seen.
    fn see(&mut self, _: &Seen<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Looks at what is left.
    fn finish(&mut self, _: &End<'_>) -> Result<(), String> {
        Ok(())
    }
}

/// Which checkers look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// All: rules of the protocol too, so that a mistake is noticed where it is made.
    Everything,
    /// Those of properties that people rely on: what a mistake leads to.
    Properties,
}

/// What a checker found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which checker speaks.
    pub checker: &'static str,
    /// What it saw.
    pub detail: String,
    /// Virtual time, in nanoseconds.
    pub at: Nanos,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ms: {}", self.checker, self.at / MILLISECOND, self.detail)
    }
}

/// All checkers, and the first finding.
pub(super) struct Checkers {
    all: Vec<Box<dyn Checker>>,
    verdict: Option<Violation>,
    values: Vec<u64>,
    terms: u64,
}

impl Checkers {
    pub(super) fn new(options: &Options, watching: Watching) -> Self {
        let mut all: Vec<Box<dyn Checker>> = vec![
            Box::<votes::Votes>::default(),
            Box::<election_safety::ElectionSafety>::default(),
            Box::<log_matching::LogMatching>::default(),
            Box::<leader_completeness::LeaderCompleteness>::default(),
            Box::<commit_rule::CommitRule>::default(),
            Box::<state_machine_safety::StateMachineSafety>::default(),
            Box::<exactly_once::ExactlyOnce>::default(),
            Box::<deduplication::Deduplication>::default(),
            Box::<acknowledgement::Acknowledgement>::default(),
            Box::new(durability::Durability),
            Box::new(linearizability::Linearizability),
            Box::new(memory::Memory::new(options)),
            Box::<terms::Terms>::default(),
            Box::new(accusation::Accusation),
        ];
        if watching == Watching::Properties {
            all.retain(|checker| !checker.is_rule());
        }
        Self { all, verdict: None, values: Vec::new(), terms: 0 }
    }

    /// What was found first.
    pub(super) const fn verdict(&self) -> Option<&Violation> {
        self.verdict.as_ref()
    }

    /// The highest term that was seen.
    pub(super) const fn terms(&self) -> u64 {
        self.terms
    }

    /// Notes a finding, if it is the first.
    pub(super) fn accuse(&mut self, at: Nanos, checker: &'static str, detail: String) {
        self.verdict.get_or_insert(Violation { checker, detail, at });
    }

    pub(super) fn see(&mut self, at: Nanos, seen: &Seen<'_>) {
        match seen {
            Seen::Applied { applied, .. } => self.collect(applied),
            Seen::Became { term, .. } => self.terms = self.terms.max(term.get()),
            _ => {}
        }
        let found =
            self.all.iter_mut().find_map(|checker| checker.see(seen).err().map(|why| (checker.name(), why)));
        if let Some((checker, detail)) = found {
            self.accuse(at, checker, detail);
        }
    }

    /// The list of all values is what the first node of each position applied.
    fn collect(&mut self, applied: &Applied) {
        if let (Outcome::Appended(position), Some(Entry::Append { value, .. })) =
            (applied.outcome, applied.entry)
            && position == self.values.len() as u64 + 1
        {
            self.values.push(value);
        }
    }

    /// The run is over: what is left is looked at.
    pub(super) fn finish(&mut self, at: Nanos, history: &[Record], lists: &[List]) {
        let end = End { history, values: &self.values, lists };
        let found = self
            .all
            .iter_mut()
            .find_map(|checker| checker.finish(&end).err().map(|why| (checker.name(), why)));
        if let Some((checker, detail)) = found {
            self.accuse(at, checker, detail);
        }
    }
}

/// A seat as people call it.
pub(super) struct Name(pub(super) Seat);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0 + 1)
    }
}

#[cfg(test)]
pub(super) fn at(term: u64, index: u64) -> LogId {
    LogId::new(Term::new(term), Index::new(index))
}
