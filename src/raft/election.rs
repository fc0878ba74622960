//! Elections: pre-vote, vote, and who may ask (Raft §5.2, §5.4.1; thesis §4.2.3, §9.6).

use super::{Effect, Message, Mutant, Raft, Role, State, Timer, Vote, invariants};
use crate::types::{LogId, NodeId, Tally, Term, Tick};
use std::collections::BTreeMap;
use std::time::Duration;

/// Answers to a campaign.
#[derive(Debug, Default)]
pub(super) struct Ballot {
    answers: BTreeMap<NodeId, bool>,
    /// This campaign was asked for by the leader.
    is_transfer: bool,
}

impl Ballot {
    fn is_refused(&self) -> bool {
        self.answers.values().any(|granted| !granted)
    }
}

/// A request as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) term: Term,
    pub(super) last: LogId,
    pub(super) pre: bool,
}

impl Raft {
    /// Nobody leads for too long, as far as this node knows.
    pub(super) fn on_election_timer(&mut self, now: Tick, out: &mut Vec<Effect>) {
        if self.is_leader() {
            return;
        }
        if now < self.election_at {
            // A leader was heard since the timer was armed.
            out.push(Effect::SetTimer { timer: Timer::Election, at: self.election_at });
            return;
        }
        self.arm_election(now);
        out.push(Effect::SetTimer { timer: Timer::Election, at: self.election_at });
        if !self.may_campaign(now) {
            return;
        }
        if self.is_broken(Mutant::NoPreVote) {
            return self.campaign(now, false, out);
        }
        self.turn(State::PreCandidate(Ballot::default()), None, out);
        self.ask(now, out);
    }

    /// Only voters campaign; not while a snapshot is coming in, nor while the disk does not answer: such a
    /// leader could not do its work.
    pub(super) fn may_campaign(&self, now: Tick) -> bool {
        self.is_needed() && self.installing.is_none() && !self.is_stalled(now)
    }

    /// Whether it is a voter, or was one until a change that it does not know to be committed. Others may still
    /// need its vote then, and it cannot give that if its log is longer; so it leads until the change is
    /// committed, without a vote of its own (thesis §4.2.2). After a restart the commit index begins at the snapshot's
    /// end: until a leader is heard, a change behind that counts as not committed, and may cost one election more.
    fn is_needed(&self) -> bool {
        let (id, changed) = (self.settings.id, self.log.membership_index());
        let was_voter = || self.log.membership_at(super::log::before(changed)).is_voter(id);
        self.log.membership().is_voter(id) || (changed > self.commit && was_voter())
    }

    /// Raft §5.2: a new term and its own vote, and a request to everyone.
    pub(super) fn campaign(&mut self, now: Tick, is_transfer: bool, out: &mut Vec<Effect>) {
        let vote = Vote { term: self.term().next(), candidate: Some(self.settings.id) };
        self.turn(State::Candidate(Ballot { is_transfer, ..Ballot::default() }), None, out);
        self.keep_vote(vote);
        self.arm_election(now);
        self.ask(now, out);
    }

    /// Requests for all voters, and its own answer: at once to a question, when it is durable to a vote.
    fn ask(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let (last, id) = (self.log.last(), self.settings.id);
        let (pre, transfer) = match &self.state {
            State::PreCandidate(_) => (true, false),
            State::Candidate(ballot) => (false, ballot.is_transfer),
            _ => return,
        };
        let term = if pre { self.term().next() } else { self.term() };
        let membership = std::sync::Arc::clone(self.log.membership());
        for to in membership.members().filter(|node| *node != id && membership.is_voter(*node)) {
            self.writes.send(to, Message::VoteRequest { term, last, pre, transfer }, out);
        }
        if pre || !self.writes.waits_for_vote() {
            self.on_answer(now, id, true, out);
        }
    }

    /// Its own vote is durable.
    pub(super) fn on_own_vote(&mut self, now: Tick, out: &mut Vec<Effect>) {
        if matches!(self.state, State::Candidate(_)) {
            self.on_answer(now, self.settings.id, true, out);
        }
    }

    pub(super) fn on_vote_request(
        &mut self,
        now: Tick,
        from: NodeId,
        request: Request,
        out: &mut Vec<Effect>,
    ) {
        let Request { term, last, pre, .. } = request;
        let granted = if pre {
            // A question about a term to come; or about this one, in which the answer could still be given.
            (term > self.term() || (self.vote.candidate.is_none() && self.leader.is_none()))
                && !self.is_led(now)
                && last >= self.log.last()
        } else {
            invariants::safe_to_vote(self.vote, from, last, self.log.last())
        };
        if granted && !pre {
            self.keep_vote(Vote { term, candidate: Some(from) });
            self.arm_election(now);
        }
        let term = if granted { term } else { self.term() };
        self.writes.send(from, Message::VoteReply { term, granted, pre }, out);
    }

    /// Thesis §4.2.3: while a leader is heard, nobody else is helped to depose it.
    pub(super) fn is_led(&self, now: Tick) -> bool {
        self.is_leader() || self.led_until.is_some_and(|until| now < until)
    }

    pub(super) fn on_vote_reply(
        &mut self,
        now: Tick,
        from: NodeId,
        (term, granted, pre): (Term, bool, bool),
        out: &mut Vec<Effect>,
    ) {
        let asked = match &self.state {
            State::PreCandidate(_) if pre => self.term().next(),
            State::Candidate(_) if !pre => self.term(),
            _ => return,
        };
        // A refusal carries the voter's term, which is not above ours or we would follow it.
        if granted && term != asked {
            return;
        }
        self.on_answer(now, from, granted, out);
    }

    /// Whoever is refused knows that others are alive and that it does not lead yet: they voted for somebody else, or hear a
    /// leader, or have more. It asks again after a heartbeat and a random time, not after a whole election timeout, for two
    /// that split the votes are both waiting; a question raises nobody's term.
    fn on_answer(&mut self, now: Tick, from: NodeId, granted: bool, out: &mut Vec<Effect>) {
        let membership = std::sync::Arc::clone(self.log.membership());
        let ballot = match &mut self.state {
            State::PreCandidate(ballot) | State::Candidate(ballot) => ballot,
            _ => return,
        };
        if !membership.is_voter(from) {
            return;
        }
        let was_refused = ballot.is_refused();
        ballot.answers.entry(from).or_insert(granted);
        let is_refused_now = ballot.is_refused() && !was_refused;
        let tally = membership.tally(|node| ballot.answers.get(&node).copied());
        if is_refused_now {
            self.hasten_election(now.after(self.settings.heartbeat), out);
        }
        match (tally, self.role()) {
            (Tally::Won, Role::PreCandidate) => self.campaign(now, false, out),
            (Tally::Won, _) => self.win(now, out),
            (Tally::Lost, _) => self.become_follower(now, self.term(), None, out),
            (Tally::Open, _) => {}
        }
    }

    fn win(&mut self, now: Tick, out: &mut Vec<Effect>) {
        self.become_leader(now, out);
        out.push(Effect::SetTimer { timer: Timer::Heartbeat, at: now.after(self.settings.heartbeat) });
    }

    /// The leader hands over: no question first, and its lease does not count.
    pub(super) fn on_timeout_now(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let is_follower = matches!(self.state, State::Follower(_));
        if is_follower && self.may_campaign(now) {
            self.campaign(now, true, out);
        }
    }

    /// The link to the leader broke, which more often than not is the end of its process. It has a heartbeat's time
    /// to be heard again; behind that others may be helped, and this node asks after a random time, as ever. Where only
    /// the link is gone, those who still hear the leader refuse (thesis §9.6).
    pub(super) fn on_leader_lost(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let patience = now.after(self.settings.heartbeat);
        self.led_until = self.led_until.map(|until| until.min(patience));
        self.hasten_election(patience, out);
    }

    /// The next campaign begins at a random time from `earliest` on, unless it would begin before that anyway.
    fn hasten_election(&mut self, earliest: Tick, out: &mut Vec<Effect>) {
        let at = earliest.after(self.random_span());
        if at < self.election_at {
            self.election_at = at;
            out.push(Effect::SetTimer { timer: Timer::Election, at });
        }
    }

    /// The next campaign begins at a random time from now on, so that two nodes seldom begin together.
    pub(super) fn arm_election(&mut self, now: Tick) {
        self.election_at = now.after(self.settings.election_min).after(self.random_span());
    }

    /// A part of what lies between the shortest and the longest election timeout.
    fn random_span(&mut self) -> Duration {
        // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let part = (mixed >> 32) as u32;
        let span = self.settings.election_max - self.settings.election_min;
        Duration::from_nanos(u64::try_from((span.as_nanos() * u128::from(part)) >> 32).unwrap_or(0))
    }
}
