//! What nodes tell each other.

use super::Ticket;
use crate::frame::Frame;
use crate::types::{Index, LogId, Term};

/// A message between two nodes of one cluster. Snapshots travel beside these, in streams of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Would you vote for me? (Raft §5.2; with `pre` thesis §9.6.)
    VoteRequest {
        /// The term it would lead in.
        term: Term,
        /// The end of its log.
        last: LogId,
        /// Only a question: nobody's term or vote changes.
        pre: bool,
        /// The leader asked it to campaign: the lease of that leader is no reason to refuse (§3.10).
        transfer: bool,
    },
    /// The answer.
    VoteReply {
        /// Granted: the term it asked for. Refused: the voter's term.
        term: Term,
        /// Whether it has the vote.
        granted: bool,
        /// The `pre` of the request.
        pre: bool,
    },
    /// Frames for the log (Raft §5.3). Answered when they are durable.
    Append {
        /// The leader's term.
        term: Term,
        /// What they follow.
        prev: LogId,
        /// Committed at the leader.
        commit: Index,
        /// Dense, from `prev` on.
        frames: Vec<Frame>,
    },
    /// The leader lives. Answered at once, so that a slow disk does not look like a dead node.
    Heartbeat {
        /// The leader's term.
        term: Term,
        /// What the leader knows to be the same in both logs; the origin right after its election.
        prev: LogId,
        /// Committed at the leader.
        commit: Index,
        /// Counts up; an answer proves that its sender followed this leader after this was sent.
        round: u64,
    },
    /// The answer to `Append` and `Heartbeat`.
    AppendReply {
        /// The follower's term; above the leader's when it has to step down.
        term: Term,
        /// What the follower has.
        outcome: Outcome,
        /// The `round` of the heartbeat; 0 to an append.
        round: u64,
    },
    /// Campaign now, without waiting: you have everything (§3.10).
    TimeoutNow {
        /// The leader's term.
        term: Term,
    },
    /// From where may I read? A follower asks for a host of its own.
    ReadRequest {
        /// The follower's term.
        term: Term,
        /// Names the answer.
        ticket: Ticket,
    },
    /// The answer.
    ReadReply {
        /// The leader's term.
        term: Term,
        /// Which request.
        ticket: Ticket,
        /// What has to be applied first; `None` when it cannot tell.
        index: Option<Index>,
    },
}

/// What a follower has of the leader's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its log begins with the leader's.
    Matched {
        /// Everything up to here is the same, and durable.
        durable: Index,
        /// Everything up to here is the same, durable or not: less than was sent means lost or on its way.
        received: Index,
    },
    /// It does not have `prev`. It may have everything up to `hint`: the last position that is neither
    /// after `prev` nor of a later term.
    Conflict {
        /// The index of the `prev` that it does not have.
        prev: Index,
        /// Where to try next.
        hint: LogId,
    },
}

impl Message {
    /// The term that the sender states, whose is the greatest it knows, except that a `pre` request asks for
    /// one that does not exist yet.
    pub const fn term(&self) -> Term {
        match self {
            Self::VoteRequest { term, .. }
            | Self::VoteReply { term, .. }
            | Self::Append { term, .. }
            | Self::Heartbeat { term, .. }
            | Self::AppendReply { term, .. }
            | Self::TimeoutNow { term }
            | Self::ReadRequest { term, .. }
            | Self::ReadReply { term, .. } => *term,
        }
    }
}
