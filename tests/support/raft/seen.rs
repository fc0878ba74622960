//! What came out of a node.

use duochain::frame::Frame;
use duochain::raft::{Effect, Fault, Message, Outcome, Refusal, Ticket, Vote, Write};
use duochain::types::{LogId, NodeId, Tick};

/// The effects of one or a few steps, in order.
#[derive(Debug, Default)]
pub(crate) struct Seen(pub(crate) Vec<Effect>);

impl Seen {
    fn pick<T>(&self, of: impl Fn(&Effect) -> Option<T>) -> Vec<T> {
        self.0.iter().filter_map(of).collect()
    }

    pub(crate) fn sent(&self) -> Vec<(u64, Message)> {
        self.pick(|effect| match effect {
            Effect::Send { to, message } => Some((to.get(), message.clone())),
            _ => None,
        })
    }

    /// What was sent to one node.
    pub(crate) fn to(&self, node: u64) -> Vec<Message> {
        self.sent().into_iter().filter(|(to, _)| *to == node).map(|(_, message)| message).collect()
    }

    /// What was sent to one node, without heartbeats.
    pub(crate) fn appends_to(&self, node: u64) -> Vec<(LogId, Vec<Frame>)> {
        let appends = self.to(node).into_iter().filter_map(|message| match message {
            Message::Append { prev, frames, .. } => Some((prev, frames)),
            _ => None,
        });
        appends.collect()
    }

    /// Answers to appends and heartbeats.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let outcomes = self.sent().into_iter().filter_map(|(_, message)| match message {
            Message::AppendReply { outcome, .. } => Some(outcome),
            _ => None,
        });
        outcomes.collect()
    }

    pub(crate) fn writes(&self) -> Vec<Write> {
        self.pick(|effect| match effect {
            Effect::Write(write) => Some(write.clone()),
            _ => None,
        })
    }

    /// The last vote that was written.
    pub(crate) fn vote(&self) -> Option<Vote> {
        self.writes().into_iter().rev().find_map(|write| write.vote)
    }

    pub(crate) fn faults(&self) -> Vec<(u64, Fault)> {
        self.pick(|effect| match effect {
            Effect::Report { peer, fault } => Some((peer.get(), *fault)),
            _ => None,
        })
    }

    pub(crate) fn committed(&self) -> Option<LogId> {
        let commits = self.pick(|effect| match effect {
            Effect::Commit(id) => Some(*id),
            _ => None,
        });
        commits.last().copied()
    }

    pub(crate) fn refused(&self) -> Vec<(Ticket, Refusal)> {
        self.pick(|effect| match effect {
            Effect::Refused { ticket, why } => Some((*ticket, *why)),
            _ => None,
        })
    }

    pub(crate) fn accepted(&self) -> Option<LogId> {
        let accepted = self.pick(|effect| match effect {
            Effect::Accepted { id, .. } => Some(*id),
            _ => None,
        });
        accepted.last().copied()
    }

    /// Reads that may go on: ticket and index.
    pub(crate) fn ready(&self) -> Vec<(u64, u64)> {
        self.pick(|effect| match effect {
            Effect::ReadReady { ticket, index } => Some((ticket.0, index.get())),
            _ => None,
        })
    }

    pub(crate) fn fetches(&self) -> Vec<(u64, u64)> {
        self.pick(|effect| match effect {
            Effect::Fetch { to, from, .. } => Some((to.get(), from.get())),
            _ => None,
        })
    }

    /// To whom snapshots are to be streamed.
    pub(crate) fn streams(&self) -> Vec<NodeId> {
        self.pick(|effect| match effect {
            Effect::SendSnapshot { to, .. } => Some(*to),
            _ => None,
        })
    }

    pub(crate) fn has(&self, wanted: impl Fn(&Effect) -> bool) -> bool {
        self.0.iter().any(wanted)
    }

    /// When the election timer was armed for.
    pub(crate) fn election_at(&self) -> Option<Tick> {
        let armed = self.pick(|effect| match effect {
            Effect::SetTimer { timer: duochain::raft::Timer::Election, at } => Some(*at),
            _ => None,
        });
        armed.last().copied()
    }
}
