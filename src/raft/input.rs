//! What the core is told: facts, in the past tense.

use super::{Change, Message, Snapshot};
use crate::frame::{Body, Frame};
use crate::types::{LogId, NodeId, Term, UnixNanos};

/// Names a request of the host until it is answered. Chosen by the host, which keeps them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Names a [`super::Effect::Write`]; they count up from 1 in each run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// What the core wants to be woken for. Each is armed at most once; arming it again replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// No leader was heard for too long, or a campaign took too long (Raft §5.2).
    Election,
    /// A leader's pulse: heartbeats, check of its quorum and of its disk.
    Heartbeat,
}

/// One fact. Any order is safe; an answer to something that is no longer asked is ignored.
#[derive(Clone, Debug)]
pub enum Input {
    /// The host runs: timers can be armed. The first input, once.
    Started,
    /// A message came, decoded and within the limits of its grammar, from the node that it was asked of.
    Received {
        /// Who sent it; the transport vouches for it.
        from: NodeId,
        /// What it says.
        message: Message,
    },
    /// The host has a batch for the log. Answered by `Accepted` or `Refused`.
    Proposed {
        /// Names the answer.
        ticket: Ticket,
        /// The wall clock, from which log time is made.
        time: UnixNanos,
        /// The entries: a batch of kind `Entries`.
        body: Body,
    },
    /// This write and all before it are durable: the answer to `Write`.
    Written(WriteId),
    /// A timer has run out: the answer to `SetTimer`.
    Expired(Timer),
    /// The host wants to read what is committed now. Answered by `ReadReady` or `Refused`; on a follower not
    /// at all when the question or its answer is lost, so the host sets a limit.
    Read(Ticket),
    /// The host wants other members. Answered by `Accepted` or `Refused`, and done when that commits.
    Changed {
        /// Names the answer.
        ticket: Ticket,
        /// The wall clock, from which log time is made.
        time: UnixNanos,
        /// What should change.
        change: Change,
    },
    /// The host wants another leader; `None` takes the one that is furthest. Answered by `Transferring`
    /// or `Refused`; done when `Became` tells of another leader.
    Transferred {
        /// Names the answer.
        ticket: Ticket,
        /// Who should lead.
        to: Option<NodeId>,
    },
    /// Frames of the log from disk: the answer to `Fetch`. Empty when they are gone or not there yet.
    Fetched {
        /// For whom they were fetched.
        to: NodeId,
        /// Dense, from the frame that holds the index that was asked for.
        frames: Vec<Frame>,
    },
    /// The host has a durable snapshot of its own that ends with a frame: the log may forget what it covers.
    Compacted(Snapshot),
    /// The stream of a snapshot has ended: the answer to `SendSnapshot`.
    SnapshotSent {
        /// To whom.
        to: NodeId,
        /// Where the snapshot ends; `None` when it did not arrive.
        arrived: Option<LogId>,
    },
    /// A whole snapshot has come from a peer and its checksums are right. Answered by `Install` or
    /// `Discard`.
    SnapshotReceived {
        /// Who sent it.
        from: NodeId,
        /// The term that its sender led, as `SendSnapshot` said there.
        term: Term,
        /// What it covers.
        snapshot: Snapshot,
    },
    /// A snapshot is durable and is the state now: the answer to `Install`.
    Installed(LogId),
    /// The link to a peer broke; what was sent to it may be lost. A follower whose leader it was gives it a heartbeat's
    /// time to be heard again.
    Unreachable(NodeId),
}
