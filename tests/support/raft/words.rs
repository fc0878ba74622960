//! Short names for what tests say often.

use duochain::frame::{Body, Entry, Frame, FrameBuilder, FrameLimits, Seal};
use duochain::raft::{Input, Membership, Message, Outcome, Recovered, Snapshot, Vote};
use duochain::types::{Index, LaneId, LogId, NodeId, Term, UnixNanos};

pub(crate) fn n(number: u64) -> NodeId {
    NodeId::new(number).expect("not 0")
}

pub(crate) fn at(index: u64) -> Index {
    Index::new(index)
}

pub(crate) fn id(term: u64, index: u64) -> LogId {
    LogId::new(Term::new(term), Index::new(index))
}

pub(crate) fn members(numbers: impl IntoIterator<Item = u64>) -> Membership {
    Membership::of(numbers.into_iter().map(|number| (n(number), format!("n{number}"))))
}

pub(crate) fn voters(count: u64) -> Membership {
    members(1..=count)
}

/// A batch of `count` empty entries.
pub(crate) fn batch(count: u32) -> Body {
    batch_of(count, &[])
}

/// A batch of `count` entries of these bytes.
pub(crate) fn batch_of(count: u32, bytes: &[u8]) -> Body {
    let mut builder = FrameBuilder::new(FrameLimits::CEILING, LaneId::default());
    for _ in 0..count {
        builder.push(Entry { bytes, ..Entry::default() }).expect("it is small");
    }
    builder.finish().expect("it is not empty")
}

pub(crate) fn frame(term: u64, base: u64, count: u32) -> Frame {
    sealed(term, base, batch(count))
}

pub(crate) fn sealed(term: u64, base: u64, body: Body) -> Frame {
    Frame::new(Seal { term: Term::new(term), base: Index::new(base), time: UnixNanos::new(base) }, body)
}

pub(crate) fn membership_frame(term: u64, base: u64, membership: &Membership) -> Frame {
    let mut bytes = Vec::new();
    membership.encode(&mut bytes);
    sealed(term, base, Body::membership(&bytes))
}

/// Frames of one entry each, of these terms, from index 1 on.
pub(crate) fn frames_of(terms: &[u64]) -> Vec<Frame> {
    (1..).zip(terms).map(|(index, term)| frame(*term, index, 1)).collect()
}

/// A disk with entries of these terms, in a cluster of `count` voters; the node has seen the last term.
pub(crate) fn log_of(count: u64, terms: &[u64]) -> Recovered {
    let mut starts: Vec<(Term, Index)> = Vec::new();
    for (index, term) in (1..).zip(terms) {
        if starts.last().is_none_or(|(last, _)| last.get() < *term) {
            starts.push((Term::new(*term), Index::new(index)));
        }
    }
    let term = starts.last().map_or(Term::ORIGIN, |(term, _)| *term);
    Recovered {
        vote: Vote { term, candidate: None },
        snapshot: Snapshot { membership: voters(count), ..Snapshot::default() },
        terms: starts,
        last: at(terms.len() as u64),
        ..Recovered::default()
    }
}

/// The same, but it has seen `term` already.
pub(crate) fn log_in(count: u64, terms: &[u64], term: u64) -> Recovered {
    Recovered { vote: Vote { term: Term::new(term), candidate: None }, ..log_of(count, terms) }
}

pub(crate) fn snapshot(term: u64, index: u64, count: u64) -> Snapshot {
    Snapshot { last: id(term, index), membership: voters(count), ..Snapshot::default() }
}

/// A snapshot came from whoever leads the term that it ends in.
pub(crate) fn came(from: u64, snapshot: Snapshot) -> Input {
    came_in(from, snapshot.last.term.get(), snapshot)
}

/// A snapshot came from whoever leads `term`.
pub(crate) fn came_in(from: u64, term: u64, snapshot: Snapshot) -> Input {
    Input::SnapshotReceived { from: n(from), term: Term::new(term), snapshot }
}

pub(crate) fn ask(term: u64, last: LogId) -> Message {
    Message::VoteRequest { term: Term::new(term), last, pre: false, transfer: false }
}

pub(crate) fn ask_first(term: u64, last: LogId) -> Message {
    Message::VoteRequest { term: Term::new(term), last, pre: true, transfer: false }
}

pub(crate) fn ask_as_successor(term: u64, last: LogId) -> Message {
    Message::VoteRequest { term: Term::new(term), last, pre: false, transfer: true }
}

pub(crate) fn vote(term: u64, granted: bool) -> Message {
    Message::VoteReply { term: Term::new(term), granted, pre: false }
}

pub(crate) fn pre_vote(term: u64, granted: bool) -> Message {
    Message::VoteReply { term: Term::new(term), granted, pre: true }
}

pub(crate) fn append(term: u64, prev: LogId, commit: u64, frames: Vec<Frame>) -> Message {
    Message::Append { term: Term::new(term), prev, commit: at(commit), frames }
}

pub(crate) fn heartbeat(term: u64, prev: LogId, commit: u64, round: u64) -> Message {
    Message::Heartbeat { term: Term::new(term), prev, commit: at(commit), round }
}

pub(crate) fn matched(term: u64, durable: u64, received: u64) -> Message {
    matched_in(term, durable, received, 0)
}

/// The answer to heartbeat `round`.
pub(crate) fn matched_in(term: u64, durable: u64, received: u64, round: u64) -> Message {
    let outcome = Outcome::Matched { durable: at(durable), received: at(received) };
    Message::AppendReply { term: Term::new(term), outcome, round }
}

pub(crate) fn conflict(term: u64, prev: u64, hint: LogId) -> Message {
    Message::AppendReply {
        term: Term::new(term),
        outcome: Outcome::Conflict { prev: at(prev), hint },
        round: 0,
    }
}
