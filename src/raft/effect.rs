//! What the core asks for: imperatives, to be carried out in order.

use super::{Message, Snapshot, Ticket, Timer, WriteId};
use crate::frame::Frame;
use crate::types::{Index, LogId, NodeId, Term, Tick};

/// What a node must never forget, beside its log (Raft, figure 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vote {
    /// The latest term it has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub candidate: Option<NodeId>,
}

/// Something to make durable: the vote first, then the cut, then the frames.
#[derive(Clone, Debug)]
pub struct Write {
    /// Names the answer.
    pub id: WriteId,
    /// The vote to keep.
    pub vote: Option<Vote>,
    /// Forget every entry after this one before appending. Nothing behind it was ever committed.
    pub keep_to: Option<Index>,
    /// Frames to append.
    pub frames: Vec<Frame>,
}

/// What a node is in its term (Raft §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes entries from a leader, or waits for one.
    Follower,
    /// Asks whether it would be elected, without a new term (thesis §9.6).
    PreCandidate,
    /// Asks for votes.
    Candidate,
    /// Decides what is in the log.
    Leader,
}

/// Why a request was not accepted. Nothing of it is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another node leads, if known. Ask there.
    NotLeader(Option<NodeId>),
    /// So much waits to be committed that more would only wait longer. Ask again.
    Busy,
    /// Leadership is being handed over. Ask again, there.
    Transferring,
    /// A leader has not committed anything in its term yet. Ask again.
    NotReady,
    /// A membership change is under way. Ask again when it is committed.
    Changing,
    /// Nothing in it, or more than a frame holds, or members that cannot be.
    Invalid,
}

/// What a peer did that no correct peer does. The message had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A second leader in one term.
    TwoLeaders,
    /// Frames that do not follow each other, of a later term than their leader's, or instead of some that the
    /// same leader sent or of a part of one.
    BrokenFrames,
    /// A change of an entry that is committed.
    CommittedEntryChanged,
    /// It claims to hold entries that were never made.
    ImpossibleMatch,
    /// It no longer has what it said was durable: its disk was lost or exchanged. It can never be counted on
    /// again under this number; remove it and add a new one.
    EntriesForgotten,
    /// A term, or in a snapshot an index, that no cluster reaches; or a snapshot whose last entry is of a later term than
    /// the leader that sent it.
    ImpossibleTerm,
    /// It goes by this node's own number: two machines were given the same one.
    SameNumber,
}

/// One thing to do. Effects of one step are carried out in order; those of later steps after them.
#[derive(Clone, Debug)]
#[must_use]
pub enum Effect {
    /// Make this durable. Answer with [`super::Input::Written`]; one answer may cover several. What
    /// depends on it is not emitted before (I3).
    Write(Write),
    /// Deliver to one peer, at most once, in any order. No answer.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: Message,
    },
    /// Arm or replace a timer. Answer with [`super::Input::Expired`] at `at` or later.
    SetTimer {
        /// Which.
        timer: Timer,
        /// When.
        at: Tick,
    },
    /// Entries up to here are committed and durable here: apply them in order, each once. No answer.
    Commit(LogId),
    /// Read frames from the frame that holds `from` on, about `bytes_max` of them and at least one.
    /// Answer with [`super::Input::Fetched`]. At most one for each peer waits.
    Fetch {
        /// For whom; the answer says it again.
        to: NodeId,
        /// The index that is needed.
        from: Index,
        /// Enough is enough.
        bytes_max: usize,
    },
    /// Stream the latest snapshot to a peer. Answer with [`super::Input::SnapshotSent`].
    SendSnapshot {
        /// To whom.
        to: NodeId,
        /// The leader's term, which the stream carries.
        term: Term,
    },
    /// Make this snapshot, which came from a peer, the state and the beginning of the log, durably.
    /// Answer with [`super::Input::Installed`].
    Install(Snapshot),
    /// The snapshot that came is of no use. No answer.
    Discard(LogId),
    /// The batch has its place. When `Commit` passes the index of `id`, it is committed if the term there is
    /// still that of `id`, and never will be if it is another. A `Write` that cuts before it decides nothing:
    /// others may have it, and it may come back with one of them as leader (Raft, figure 8).
    Accepted {
        /// Which request.
        ticket: Ticket,
        /// Position of its last entry.
        id: LogId,
    },
    /// Nothing of the request was taken.
    Refused {
        /// Which request.
        ticket: Ticket,
        /// Why.
        why: Refusal,
    },
    /// Everything acknowledged before the request is at or before `index`: read once that is applied.
    ReadReady {
        /// Which request.
        ticket: Ticket,
        /// What has to be applied first.
        index: Index,
    },
    /// Leadership is on its way to `to`.
    Transferring {
        /// Which request.
        ticket: Ticket,
        /// Who will lead, if it can.
        to: NodeId,
    },
    /// Role, term or leader changed. No answer.
    Became {
        /// What this node is now.
        role: Role,
        /// In which term.
        term: Term,
        /// Who leads it, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// A peer broke the protocol: count it, tell it, close the link. No answer.
    Report {
        /// Who.
        peer: NodeId,
        /// What it did.
        fault: Fault,
    },
}
