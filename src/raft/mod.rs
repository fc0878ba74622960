//! Raft: agreement on a log among machines that may crash, as a state machine without a clock, thread,
//! disk or socket.
//!
//! # Model
//! ```text
//!                  Election            majority would            majority did
//!   Follower ---------------> PreCandidate ----------> Candidate -----------> Leader
//!      ^  ^--------- refused, or a leader heard ----------'  |                  |
//!      '------------------------- a later term, no quorum, a stalled disk -----'
//! ```
//! [`Raft::step`] takes one [`Input`], a fact, and appends [`Effect`]s, what the host must do, in order.
//! `input.rs` and `effect.rs` are the whole surface. The unit of the log is the [`Frame`](crate::frame::Frame), a batch that is
//! written, sent and committed as one; so the cost of a step does not depend on the number of entries.
//!
//! # Invariants
//! I1 at most one leader is elected in a term (Raft §5.2): a node votes once, and forgets no vote (I3).
//! I2 of two logs with an entry of the same term and index, all before it is the same (§5.3).
//! I3 nothing leaves that depends on what is not durable: neither a vote, nor a term, nor an acknowledgement.
//! I4 no entry is of a later term than its node. I5 snapshot <= applied <= committed <= last, and what is
//! applied is durable here too. I6 a leader's log is only appended to, and its first entry of its term is
//! there; it voted for itself.
//!
//! Each step of a test ends with [`Raft::check`]; the predicates are in `invariants.rs`.
//!
//! # Limits
//! Memory is bounded by [`Config`]: the window of frames, what is uncommitted, on its way to each of at most
//! [`MEMBERS_MAX`] members, reads and held messages; and 16 bytes for each term in the log.
//! Terms stay below [`TERM_MAX`].
//!
//! # Caller contract
//! One thread. First [`Input::Started`]. Effects are carried out in order; writes may overtake nothing but
//! sends. After a failed write the node must not go on: drop the core, open again, and start from what is
//! durable. The same inputs give the same effects, byte for byte.
//!
//! # Deviations
//! - Followers answer heartbeats before their disk does: a slow disk is not a dead node. The answer counts as
//!   "follows this leader" only.
//! - A leader writes and sends at the same time; its own disk counts like any other (thesis §10.2.1).
//! - An entry is applied only where it is durable, even if a majority elsewhere has it already.
//! - A follower's hint names the last position that can be the same, so a leader skips whole terms (§5.3, end).
//! - Members change through the joint state always, and never while an earlier change is not committed.
//! - Who is no voter any more campaigns, and leads, as long as it does not know that to be committed; after a restart
//!   that is until it hears a leader (thesis §4.2.2 lets a leader go on only).
//! - The order of election timeouts comes from a seed: that is the randomness of §5.2, given as an input.
//!
//! # Source
//! Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm (extended version, 2014), cited
//! as "Raft"; Ongaro, Consensus: Bridging Theory and Practice (2014), cited as "thesis".

mod config;
mod effect;
mod election;
mod follower;
mod frame;
mod input;
pub mod invariants;
mod leader;
mod log;
mod membership;
mod message;
mod mutant;
mod progress;
mod pulse;
mod reading;
mod reconfigure;
mod status;
pub mod wire;
mod writes;

pub use config::{Config, Misfit, Recovered, Settings, Snapshot};
pub use effect::{Effect, Fault, Refusal, Role, Vote, Write};
pub use input::{Input, Ticket, Timer, WriteId};
pub use invariants::Violation;
pub use membership::{ADDRESS_BYTES_MAX, Change, MEMBERS_MAX, Membership};
pub use message::{Message, Outcome};
#[cfg(any(test, feature = "sim"))]
pub use mutant::Mutant;
pub use status::{PeerStatus, Status};

use crate::types::{Index, LogId, NodeId, Term, Tick};
use election::{Ballot, Request};
use follower::Follower;
use leader::Leader;
use log::Log;
#[cfg(not(any(test, feature = "sim")))]
use mutant::Mutant;
use writes::Writes;

/// No cluster reaches this term: a message that states a later one is refused.
pub const TERM_MAX: Term = Term::new(1 << 56);

/// No log reaches this index: a snapshot that ends later is refused.
pub const INDEX_MAX: Index = Index::new(1 << 60);

#[derive(Debug)]
enum State {
    Follower(Follower),
    PreCandidate(Ballot),
    Candidate(Ballot),
    Leader(Box<Leader>),
}

/// One node's part of the agreement.
#[derive(Debug)]
pub struct Raft {
    settings: Settings,
    vote: Vote,
    state: State,
    leader: Option<NodeId>,
    log: Log,
    commit: Index,
    /// The host was told that everything up to here is committed.
    told: Index,
    writes: Writes,
    /// Until when nobody else is helped to depose the leader of this term, who was heard.
    led_until: Option<Tick>,
    election_at: Tick,
    random: u64,
    installing: Option<Snapshot>,
    announced: (Role, Term, Option<NodeId>),
    #[cfg(any(test, feature = "sim"))]
    mutant: Option<Mutant>,
}

impl Raft {
    /// A node as its disk left it. Nothing happens before [`Input::Started`].
    pub fn new(settings: Settings, recovered: Recovered) -> Self {
        let (vote, commit) = (recovered.vote, recovered.snapshot.last.index);
        Self {
            vote,
            state: State::Follower(Follower::default()),
            leader: None,
            log: Log::new(recovered, settings.window_bytes_max),
            commit,
            told: commit,
            writes: Writes::default(),
            led_until: None,
            election_at: Tick::ZERO,
            random: settings.seed,
            installing: None,
            announced: (Role::Follower, vote.term, None),
            #[cfg(any(test, feature = "sim"))]
            mutant: None,
            settings,
        }
    }

    /// Consumes one input; appends, in order, what the host must do.
    pub fn step(&mut self, now: Tick, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Started => {
                self.arm_election(now);
                out.push(Effect::SetTimer { timer: Timer::Election, at: self.election_at });
            }
            Input::Received { from, message } => self.on_message(now, from, message, out),
            Input::Proposed { ticket, time, body } => self.on_proposed(now, (ticket, time), body, out),
            Input::Written(id) => self.on_written(now, id, out),
            Input::Expired(Timer::Election) => self.on_election_timer(now, out),
            Input::Expired(Timer::Heartbeat) => self.on_heartbeat_timer(now, out),
            Input::Read(ticket) => self.on_read(now, ticket, out),
            Input::Changed { ticket, time, change } => self.on_changed(now, (ticket, time), &change, out),
            Input::Transferred { ticket, to } => self.on_transferred(now, ticket, to, out),
            Input::Fetched { to, frames } => self.on_fetched(to, frames, out),
            Input::Compacted(snapshot) => self.on_compacted(snapshot),
            Input::SnapshotSent { to, arrived } => self.on_snapshot_sent(to, arrived, out),
            Input::SnapshotReceived { from, term, snapshot } => {
                self.on_snapshot_received(now, (from, term), snapshot, out);
            }
            Input::Installed(id) => self.on_installed(id, out),
            Input::Unreachable(node) => self.on_unreachable(now, node, out),
        }
        self.tell_commit(out);
        self.announce(out);
        self.writes.flush(now, out);
        debug_assert_eq!(self.check(), Ok(()));
    }

    fn on_message(&mut self, now: Tick, from: NodeId, message: Message, out: &mut Vec<Effect>) {
        let impossible = [
            (message.term() > TERM_MAX, Fault::ImpossibleTerm),
            (from == self.settings.id, Fault::SameNumber),
        ];
        if let Some((_, fault)) = impossible.into_iter().find(|(is_so, _)| *is_so) {
            return out.push(Effect::Report { peer: from, fault });
        }
        if message.term() > self.term() && !self.follow_term(now, from, &message, out) {
            return;
        }
        if message.term() < self.term() {
            return self.tell_term(from, &message, out);
        }
        match message {
            Message::VoteRequest { term, last, pre, .. } => {
                self.on_vote_request(now, from, Request { term, last, pre }, out);
            }
            Message::VoteReply { term, granted, pre } => {
                self.on_vote_reply(now, from, (term, granted, pre), out);
            }
            Message::Append { prev, commit, frames, .. } => {
                self.on_append(now, from, (prev, commit), frames, out);
            }
            Message::Heartbeat { prev, commit, round, .. } => {
                self.on_heartbeat(now, from, (prev, commit, round), out);
            }
            Message::AppendReply { outcome, round, .. } => {
                self.on_append_reply(now, from, outcome, round, out)
            }
            Message::TimeoutNow { .. } => self.on_timeout_now(now, out),
            Message::ReadRequest { ticket, .. } => self.on_read_request(now, from, ticket, out),
            Message::ReadReply { ticket, index, .. } => self.on_read_reply(from, ticket, index, out),
        }
    }

    /// Raft §5.1: a later term makes a follower. `false` when the message is to be ignored.
    fn follow_term(&mut self, now: Tick, from: NodeId, message: &Message, out: &mut Vec<Effect>) -> bool {
        let leader = match message {
            // About a term that does not exist yet.
            Message::VoteRequest { pre: true, .. } | Message::VoteReply { pre: true, granted: true, .. } => {
                return true;
            }
            Message::VoteRequest { transfer: false, .. } if self.is_led(now) => return false,
            Message::Append { .. } | Message::Heartbeat { .. } => Some(from),
            _ => None,
        };
        self.become_follower(now, message.term(), leader, out);
        true
    }

    /// Who is behind learns of the term: a leader so steps down, a candidate tries in a later one.
    fn tell_term(&mut self, from: NodeId, message: &Message, out: &mut Vec<Effect>) {
        let term = self.term();
        let reply = match message {
            Message::VoteRequest { pre, .. } => Message::VoteReply { term, granted: false, pre: *pre },
            Message::Append { prev, .. } | Message::Heartbeat { prev, .. } => {
                let outcome = Outcome::Conflict { prev: prev.index, hint: LogId::ORIGIN };
                Message::AppendReply { term, outcome, round: 0 }
            }
            _ => return,
        };
        self.writes.send(from, reply, out);
    }

    fn on_written(&mut self, now: Tick, id: WriteId, out: &mut Vec<Effect>) {
        let durable = self.writes.written(id);
        out.extend(durable.released.into_iter().map(|(to, message)| Effect::Send { to, message }));
        if let Some(upto) = durable.upto {
            self.log.persisted(upto);
            self.acknowledge(out);
            self.count(now, out);
        }
        if durable.has_vote {
            self.on_own_vote(now, out);
        }
    }

    /// The host's own snapshot: only what was applied can be in it, and frames are sent and cut as a whole.
    fn on_compacted(&mut self, snapshot: Snapshot) {
        let last = snapshot.last;
        let is_ours = last.index <= self.told && self.log.term_at(last.index) == Some(last.term);
        if is_ours && self.log.ends_frame(last.index) && last.index > self.log.snapshot().index {
            self.log.compact(snapshot);
        }
    }

    /// Tells the host what is committed and durable here, if that is news.
    fn tell_commit(&mut self, out: &mut Vec<Effect>) {
        let upto = self.commit.min(self.log.durable());
        // A snapshot that is being put in place has it, and the host's log may be gone already.
        if upto > self.told && self.installing.is_none() {
            self.told = upto;
            let term = self.log.term_at(upto).expect("it is after the snapshot and in the log (I5)");
            out.push(Effect::Commit(LogId::new(term, upto)));
        }
    }

    /// Makes a term and vote this node's, durably. Terms rise, and a vote is given once (I1).
    fn keep_vote(&mut self, vote: Vote) {
        assert!(
            vote.term > self.vote.term
                || (vote.term == self.vote.term
                    && self.vote.candidate.is_none_or(|candidate| vote.candidate == Some(candidate))),
            "a vote is given once (I1)"
        );
        if vote.term > self.vote.term {
            self.led_until = None;
        }
        if vote != self.vote && !self.is_broken(Mutant::VoteNotPersisted) {
            self.writes.vote(vote);
        }
        self.vote = vote;
    }

    fn turn(&mut self, state: State, leader: Option<NodeId>, out: &mut Vec<Effect>) {
        self.leader = leader;
        if let State::Leader(before) = std::mem::replace(&mut self.state, state) {
            self.refuse_reads(before.reads, out);
        }
    }

    /// Tells the host of a new role, term or leader.
    fn announce(&mut self, out: &mut Vec<Effect>) {
        let news = (self.role(), self.term(), self.leader);
        if news != self.announced {
            self.announced = news;
            let (role, term, leader) = news;
            out.push(Effect::Became { role, term, leader });
        }
    }

    /// Whether the disk has not answered for too long.
    fn is_stalled(&self, now: Tick) -> bool {
        self.writes.oldest().is_some_and(|issued| now.since(issued) > self.settings.disk_stall_max)
    }

    /// The latest term that this node knows.
    pub const fn term(&self) -> Term {
        self.vote.term
    }

    /// What this node is in its term.
    pub const fn role(&self) -> Role {
        match self.state {
            State::Follower(_) => Role::Follower,
            State::PreCandidate(_) => Role::PreCandidate,
            State::Candidate(_) => Role::Candidate,
            State::Leader(_) => Role::Leader,
        }
    }

    /// Who leads, as far as this node knows.
    pub const fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// Everything up to here is committed, as far as this node knows.
    pub const fn commit(&self) -> Index {
        self.commit
    }

    /// The end of the log.
    pub fn last(&self) -> LogId {
        self.log.last()
    }

    /// The last entry that the log has forgotten.
    pub const fn snapshot(&self) -> LogId {
        self.log.snapshot()
    }

    /// Everything up to here is durable on this node.
    pub const fn durable(&self) -> Index {
        self.log.durable()
    }

    /// The members from the last such entry on, committed or not.
    pub fn membership(&self) -> &Membership {
        self.log.membership()
    }

    /// The members at `index`, which the host needs to describe a snapshot of its own that ends there.
    pub fn membership_at(&self, index: Index) -> &Membership {
        self.log.membership_at(index)
    }

    /// Term of the entry at `index`; `None` when it was forgotten or never made.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        self.log.term_at(index)
    }

    /// What holds after each step.
    ///
    /// # Errors
    /// The first invariant that does not.
    pub fn check(&self) -> Result<(), Violation> {
        invariants::check(self)
    }

    /// Makes a mistake from now on, for the simulator to notice.
    #[cfg(any(test, feature = "sim"))]
    pub const fn mutate(&mut self, mutant: Mutant) {
        self.mutant = Some(mutant);
    }

    #[cfg(any(test, feature = "sim"))]
    fn is_broken(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    #[cfg(not(any(test, feature = "sim")))]
    #[expect(clippy::unused_self, reason = "the simulator's form needs it")]
    const fn is_broken(&self, _: Mutant) -> bool {
        false
    }
}
