//! Why a request to a replica was not carried out, or why nobody knows.

use super::waiting::Receipt;
use crate::raft::Refusal;
use crate::storage;
use crate::types::{Index, NodeId, Status};
use std::io;
use std::sync::Arc;

/// Who leads, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderAt {
    /// The leader.
    pub node: NodeId,
    /// Where the other nodes find it; empty when it is no member any more.
    pub address: Arc<str>,
}

/// Why not.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// Settings that cannot be.
    #[error("{0}")]
    Config(String),
    /// Something that this build was made without.
    #[error("{0}")]
    Unsupported(String),
    /// The log or the vote.
    #[error("{0}")]
    Storage(#[from] Arc<storage::Error>),
    /// A socket or a thread.
    #[error("{0}")]
    Net(Arc<io::Error>),
    /// Another node leads, if known: ask there. Nothing was done.
    #[error("this node does not lead; {}", leads(.0.as_ref()))]
    NotLeader(Option<LeaderAt>),
    /// Too much waits already. Nothing was done; ask again.
    #[error("too much waits to be committed")]
    Busy,
    /// It cannot be done now, or never. Nothing was done.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// More entries or bytes than a frame holds. Nothing was done.
    #[error("more entries or bytes than a batch of this log")]
    TooLarge,
    /// Something else was committed in its place. It will never commit; ask the new leader.
    #[error("a new leader has put something else in its place")]
    Superseded,
    /// It is committed, for ever. This node leads no longer, so it cannot know whether every voter has it.
    #[error("committed, and perhaps not on every voter")]
    NotEverywhere(Receipt),
    /// The time is over. It may still commit.
    #[error("no answer in time; it may still commit")]
    Timeout,
    /// This node no longer shows an entry: its newest snapshot is to be taken first.
    #[error("this node no longer shows entry {0}: take its newest snapshot, and go on behind that")]
    Gone(Index),
    /// A state up to an entry that this node cannot show yet.
    #[error("entry {0} cannot be read here yet")]
    Unread(Index),
    /// A piece behind the end of a state, or of one that was given up. Nothing of it was taken.
    #[error("the state has ended: nothing can be written behind that")]
    Ended,
    /// The host's state could not be read, or there is no memory for a copy. No snapshot was made of it; the node goes on.
    #[error("the state was not read: {0}")]
    State(Arc<io::Error>),
    /// The replica was closed. It may still commit elsewhere.
    #[error("the replica was closed")]
    Closed,
    /// A write failed, so this node has stopped. It may still commit elsewhere.
    #[error("this node has stopped: {0}")]
    Failed(Arc<str>),
}

impl ReplicaError {
    /// Its row of the status table. `Again`, `NotLeader`, `Conflict`, `InvalidArgument` and `TooLarge`:
    /// nothing is in the log. `Partial`: it is committed. After any other nobody knows.
    pub fn status(&self) -> Status {
        match self {
            Self::Config(_) => Status::Config,
            Self::Unsupported(_) => Status::Unsupported,
            Self::Storage(error) => error.status(),
            Self::Net(_) => Status::Io,
            Self::NotLeader(_) => Status::NotLeader,
            Self::Refused(Refusal::Invalid) | Self::Unread(_) | Self::Ended => Status::InvalidArgument,
            Self::Busy | Self::Refused(_) => Status::Again,
            Self::TooLarge => Status::TooLarge,
            Self::Superseded => Status::Conflict,
            Self::Gone(_) => Status::NotFound,
            Self::NotEverywhere(_) => Status::Partial,
            Self::Timeout => Status::Timeout,
            Self::State(error) if error.kind() == io::ErrorKind::OutOfMemory => Status::NoMemory,
            Self::State(_) => Status::Io,
            Self::Closed => Status::Closed,
            Self::Failed(_) => Status::Poisoned,
        }
    }

    /// Who leads, where that is the answer and known.
    // Folded into who asks, the test for a node may come before the one for this variant: valgrind takes that for the
    // use of bytes that nobody has written.
    #[inline(never)]
    pub fn leader(&self) -> Option<NodeId> {
        match self {
            Self::NotLeader(leader) => leader.as_ref().map(|leader| leader.node),
            _ => None,
        }
    }
}

impl From<storage::Error> for ReplicaError {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Closed => Self::Closed,
            error => Self::Storage(Arc::new(error)),
        }
    }
}

impl From<io::Error> for ReplicaError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidInput => Self::Config(error.to_string()),
            io::ErrorKind::Unsupported => Self::Unsupported(error.to_string()),
            _ => Self::Net(Arc::new(error)),
        }
    }
}

fn leads(leader: Option<&LeaderAt>) -> String {
    leader.map_or("nobody is known to".to_owned(), |leader| {
        format!("{} at {} does", leader.node, leader.address)
    })
}
