//! Linearizable reads without a log entry: ReadIndex (thesis §6.4).
//!
//! # Model
//! ```text
//! asked -- before the first commit of the term --> early --that commits--> waits
//! asked ------------------------------------------------------------------> waits for a round
//! a round that began after the read was asked for, answered by a majority --> ready at the commit index of then
//! ```
//! Reads that come while a round is under way share the next one.
//!
//! # Invariants
//! R1 a read is answered with a commit index of its leader's term, taken after it was asked for, and only
//! after a majority followed this leader later than that: so no later leader has committed more before.

use super::{Effect, Message, Raft, Refusal, State, Ticket};
use crate::types::{Index, NodeId, Tick};
use std::collections::VecDeque;

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Host(Ticket),
    Peer(NodeId, Ticket),
}

#[derive(Debug)]
struct Waiting {
    reader: Reader,
    /// The first round that began after it was asked for.
    round: u64,
    index: Index,
}

/// Reads of one leader.
#[derive(Debug, Default)]
pub(super) struct Reads {
    early: Vec<Reader>,
    waiting: VecDeque<Waiting>,
    /// The last round that a majority answered.
    confirmed: u64,
}

impl Reads {
    pub(super) fn len(&self) -> usize {
        self.early.len() + self.waiting.len()
    }
}

impl Raft {
    /// The host wants to read.
    pub(super) fn on_read(&mut self, now: Tick, ticket: Ticket, out: &mut Vec<Effect>) {
        match (&self.state, self.leader) {
            (State::Leader(_), _) => self.read(now, Reader::Host(ticket), out),
            (_, Some(leader)) => {
                let term = self.term();
                self.writes.send(leader, Message::ReadRequest { term, ticket }, out);
            }
            (_, None) => out.push(Effect::Refused { ticket, why: Refusal::NotLeader(None) }),
        }
    }

    /// A follower asks for its host.
    pub(super) fn on_read_request(&mut self, now: Tick, from: NodeId, ticket: Ticket, out: &mut Vec<Effect>) {
        match self.state {
            State::Leader(_) => self.read(now, Reader::Peer(from, ticket), out),
            _ => self.answer(Reader::Peer(from, ticket), Err(Refusal::NotLeader(None)), out),
        }
    }

    fn read(&mut self, now: Tick, reader: Reader, out: &mut Vec<Effect>) {
        let (commit, reads_max) = (self.commit, self.settings.reads_max);
        let State::Leader(leader) = &mut self.state else { unreachable!("both callers looked") };
        if leader.reads.len() >= reads_max {
            return self.answer(reader, Err(Refusal::Busy), out);
        }
        if commit < leader.first {
            leader.reads.early.push(reader);
            return;
        }
        self.enqueue_read(now, reader, out);
    }

    /// Puts a read on the next round; starts that one when none is under way.
    fn enqueue_read(&mut self, now: Tick, reader: Reader, out: &mut Vec<Effect>) {
        let index = self.commit;
        let State::Leader(leader) = &mut self.state else { return };
        let is_under_way = leader.round > leader.reads.confirmed;
        leader.reads.waiting.push_back(Waiting { reader, round: leader.round + 1, index });
        if !is_under_way {
            self.pulse(now, out);
        }
    }

    /// The first entry of the term is committed: what was asked before can be answered from here on.
    pub(super) fn start_early_reads(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let commit = self.commit;
        let State::Leader(leader) = &mut self.state else { return };
        if commit < leader.first {
            return;
        }
        for reader in std::mem::take(&mut leader.reads.early) {
            self.enqueue_read(now, reader, out);
        }
    }

    /// Answers reads whose round a majority has answered, and starts the next one if reads wait for it.
    pub(super) fn advance_reads(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let id = self.settings.id;
        let membership = std::sync::Arc::clone(self.log.membership());
        let State::Leader(leader) = &mut self.state else { return };
        let round = leader.round;
        let answered = |node| {
            Index::new(if node == id { round } else { leader.peers.get(&node).map_or(0, |peer| peer.round) })
        };
        let confirmed = membership.reached(answered).get();
        if confirmed <= leader.reads.confirmed {
            return;
        }
        leader.reads.confirmed = confirmed;
        let ready = leader.reads.waiting.partition_point(|read| read.round <= confirmed);
        let ready: Vec<Waiting> = leader.reads.waiting.drain(..ready).collect();
        let is_next_wanted = !leader.reads.waiting.is_empty() && confirmed == round;
        for read in ready {
            self.answer(read.reader, Ok(read.index), out);
        }
        if is_next_wanted {
            self.pulse(now, out);
        }
    }

    fn answer(&mut self, reader: Reader, outcome: Result<Index, Refusal>, out: &mut Vec<Effect>) {
        match (reader, outcome) {
            (Reader::Host(ticket), Ok(index)) => out.push(Effect::ReadReady { ticket, index }),
            (Reader::Host(ticket), Err(why)) => out.push(Effect::Refused { ticket, why }),
            (Reader::Peer(node, ticket), outcome) => {
                let reply = Message::ReadReply { term: self.term(), ticket, index: outcome.ok() };
                self.writes.send(node, reply, out);
            }
        }
    }

    /// Leadership is lost: nobody's read can be answered here any more.
    pub(super) fn refuse_reads(&mut self, reads: Reads, out: &mut Vec<Effect>) {
        let waiting = reads.waiting.into_iter().map(|read| read.reader);
        for reader in reads.early.into_iter().chain(waiting) {
            self.answer(reader, Err(Refusal::NotLeader(self.leader)), out);
        }
    }

    /// The leader answered a read of this host.
    pub(super) fn on_read_reply(
        &self,
        from: NodeId,
        ticket: Ticket,
        index: Option<Index>,
        out: &mut Vec<Effect>,
    ) {
        out.push(match index {
            Some(index) if self.leader == Some(from) => Effect::ReadReady { ticket, index },
            // Nobody else can know.
            Some(_) => return,
            None => Effect::Refused { ticket, why: Refusal::NotLeader(self.leader) },
        });
    }
}
