//! Votes that wait until there are enough of them to be worth verifying.
//!
//! # Model
//! ```text
//!   a vote --> waits --> a batch: enough for a threshold, a second opinion, a flush --> good: let through, and counted
//!                                                                                  '--> bad: blamed and forgotten
//! ```
//! The thresholds are the slow quorum of both kinds of votes, and the fast one of prepares. Nothing that happens in
//! agreement happens between them.
//!
//! # Invariants
//! I1 a place has at most one waiting vote for a kind, view and height, and at most two good ones, which contradict each other.
//! I2 nobody's good vote is kept out by a bad one in its name: where two differ, both are verified at once.
//!
//! # Limits
//! Views from the one before the current to [`VIEWS_AHEAD`](super::VIEWS_AHEAD) ahead of it, and twice the window of heights. No more than [`WAITING_PER_PLACE`]
//! votes for each place wait; one more, and all are verified.

use crate::bft::{Kind, Powers, Statement, Vote};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::collections::BTreeMap;

/// Votes that wait in the name of each place: a window of both kinds, in two views.
const WAITING_PER_PLACE: usize = 32;

/// A vote that nobody verified, and who brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) via: Option<ValidatorIndex>,
    pub(super) vote: Vote,
}

/// What becomes of a vote that comes in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It was good before, and may be told again.
    Known,
    /// It says nothing new.
    Ignored,
    /// It waits.
    Waits,
    /// These two, of which one waited, or it alone, at once: they may contradict each other.
    Now(Vec<Waiting>),
}

#[derive(Debug)]
enum Entry {
    Waiting(BlockHash, Signature, Option<ValidatorIndex>),
    Good(BlockHash, Signature, Option<(BlockHash, Signature)>),
}

/// Power behind one block.
#[derive(Clone, Copy, Debug, Default)]
struct Weights {
    good: u128,
    waiting: u128,
}

/// The votes of one kind, in one view, at one height.
#[derive(Debug, Default)]
struct Poll {
    entries: BTreeMap<ValidatorIndex, Entry>,
    weights: BTreeMap<BlockHash, Weights>,
}

/// All votes that wait, and which ones were good.
#[derive(Debug, Default)]
pub(super) struct Polls {
    polls: BTreeMap<(View, Height, Kind), Poll>,
    waiting: usize,
}

const fn poll_of(statement: &Statement) -> (View, Height, Kind) {
    (statement.view, statement.height, statement.kind)
}

impl Polls {
    /// One more vote of a voter, whose place in views and heights is within bounds.
    pub(super) fn put(&mut self, powers: &Powers, new: Waiting) -> Step {
        let Vote { from, statement, signature } = new.vote;
        let power = u128::from(powers.of(from).unwrap_or(0));
        let poll = self.polls.entry(poll_of(&statement)).or_default();
        match poll.entries.get(&from) {
            None => {
                poll.entries.insert(from, Entry::Waiting(statement.hash, signature, new.via));
                poll.weights.entry(statement.hash).or_default().waiting += power;
                self.waiting += 1;
                Step::Waits
            }
            Some(Entry::Waiting(hash, other, _)) if (*hash, *other) == (statement.hash, signature) => {
                Step::Ignored
            }
            Some(&Entry::Waiting(hash, other, via)) => {
                poll.take(from, power);
                self.waiting -= 1;
                let vote = Vote { from, statement: Statement { hash, ..statement }, signature: other };
                Step::Now(vec![Waiting { via, vote }, new])
            }
            Some(Entry::Good(hash, good, second)) => {
                let is_known =
                    |of: &(BlockHash, Signature)| (of.0 == statement.hash).then_some(of.1 == signature);
                match is_known(&(*hash, *good)).or_else(|| second.as_ref().and_then(is_known)) {
                    Some(true) => Step::Known,
                    Some(false) => Step::Ignored,
                    None if second.is_some() => Step::Ignored,
                    None => Step::Now(vec![new]),
                }
            }
        }
    }

    /// A vote turned out good. Whether it is news.
    pub(super) fn good(&mut self, powers: &Powers, vote: &Vote) -> bool {
        let Vote { from, statement, signature } = *vote;
        let power = u128::from(powers.of(from).unwrap_or(0));
        let poll = self.polls.entry(poll_of(&statement)).or_default();
        match poll.entries.get_mut(&from) {
            Some(Entry::Good(hash, ..)) if *hash == statement.hash => return false,
            Some(Entry::Good(_, _, second @ None)) => *second = Some((statement.hash, signature)),
            Some(Entry::Good(..)) => return false,
            // What waits in this name was not verified: it would have been taken out.
            Some(Entry::Waiting(..)) => {
                poll.take(from, power);
                self.waiting -= 1;
                poll.entries.insert(from, Entry::Good(statement.hash, signature, None));
            }
            None => drop(poll.entries.insert(from, Entry::Good(statement.hash, signature, None))),
        }
        poll.weights.entry(statement.hash).or_default().good += power;
        true
    }

    /// What waits in the name of `from` and contradicts this vote, taken out.
    pub(super) fn contradiction(&mut self, powers: &Powers, vote: &Vote) -> Option<Waiting> {
        let poll = self.polls.get_mut(&poll_of(&vote.statement))?;
        let Some(&Entry::Waiting(hash, signature, via)) = poll.entries.get(&vote.from) else { return None };
        if hash == vote.statement.hash {
            return None;
        }
        poll.take(vote.from, u128::from(powers.of(vote.from).unwrap_or(0)));
        self.waiting -= 1;
        let statement = Statement { hash, ..vote.statement };
        Some(Waiting { via, vote: Vote { from: vote.from, statement, signature } })
    }

    /// Whether this very vote was good.
    pub(super) fn has(&self, statement: &Statement, from: ValidatorIndex, signature: &Signature) -> bool {
        let entry = self.polls.get(&poll_of(statement)).and_then(|poll| poll.entries.get(&from));
        let Some(Entry::Good(hash, good, second)) = entry else { return false };
        let said = (statement.hash, *signature);
        (*hash, *good) == said || *second == Some(said)
    }

    /// The votes for a statement, taken out, if with the good ones they reach a threshold that those alone do not.
    pub(super) fn ready(&mut self, powers: &Powers, statement: &Statement) -> Vec<Waiting> {
        let thresholds = powers.thresholds();
        let fast = (statement.kind == Kind::Prepare).then(|| thresholds.fast());
        let Some(poll) = self.polls.get_mut(&poll_of(statement)) else { return Vec::new() };
        let Some(weights) = poll.weights.get(&statement.hash) else { return Vec::new() };
        let next = [Some(thresholds.slow()), fast].into_iter().flatten().find(|next| weights.good < *next);
        if weights.waiting == 0 || next.is_none_or(|next| weights.good + weights.waiting < next) {
            return Vec::new();
        }
        let taken = poll.take_all(statement, |hash| hash == statement.hash);
        self.waiting -= taken.len();
        taken
    }

    /// Whether more wait than may.
    pub(super) fn is_full(&self, powers: &Powers) -> bool {
        self.waiting > WAITING_PER_PLACE * powers.places()
    }

    /// All votes that wait, taken out, in the order of views, heights, kinds and places.
    pub(super) fn drain(&mut self) -> Vec<Waiting> {
        self.waiting = 0;
        let drain = |(key, poll): (&(View, Height, Kind), &mut Poll)| {
            let statement = Statement::new(key.2, key.0, key.1, BlockHash::ZERO);
            poll.take_all(&statement, |_| true)
        };
        self.polls.iter_mut().flat_map(drain).collect()
    }

    /// Forgets the views before `first` and the heights up to `tip`.
    pub(super) fn advance(&mut self, first: View, tip: Height) {
        self.polls.retain(|(view, height, _), _| *view >= first && *height > tip);
        let waits = |entry: &Entry| matches!(entry, Entry::Waiting(..));
        let entries = self.polls.values().flat_map(|poll| poll.entries.values());
        self.waiting = entries.filter(|entry| waits(entry)).count();
    }

    /// Votes that wait.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }
}

impl Poll {
    /// Takes out the vote that waits in the name of `from`.
    fn take(&mut self, from: ValidatorIndex, power: u128) {
        if let Some(Entry::Waiting(hash, ..)) = self.entries.remove(&from) {
            self.no_longer_waits(hash, power);
        }
    }

    fn no_longer_waits(&mut self, hash: BlockHash, power: u128) {
        let weights = self.weights.get_mut(&hash).expect("what waits was counted");
        weights.waiting -= power;
        // Names of blocks that nobody voted for do not pile up.
        if weights.waiting == 0 && weights.good == 0 {
            self.weights.remove(&hash);
        }
    }

    /// Takes out all votes that wait for a block which is `wanted`.
    fn take_all(&mut self, of: &Statement, wanted: impl Fn(BlockHash) -> bool) -> Vec<Waiting> {
        let mut taken = Vec::new();
        self.entries.retain(|from, entry| match entry {
            Entry::Waiting(hash, signature, via) if wanted(*hash) => {
                let statement = Statement { hash: *hash, ..*of };
                let vote = Vote { from: *from, statement, signature: *signature };
                taken.push(Waiting { via: *via, vote });
                false
            }
            _ => true,
        });
        // Who waits has power.
        self.weights.retain(|hash, weights| {
            if wanted(*hash) {
                weights.waiting = 0;
            }
            weights.waiting > 0 || weights.good > 0
        });
        taken
    }
}
