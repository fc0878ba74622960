//! What a follower does: takes frames, says what it has, takes snapshots (Raft §5.3, §7).

use super::{
    Effect, Fault, INDEX_MAX, Message, Mutant, Outcome, Raft, Snapshot, State, TERM_MAX, Timer, Vote, frame,
    invariants,
};
use crate::frame::Frame;
use crate::types::{Index, LogId, NodeId, Term, Tick};

/// What only a follower knows.
#[derive(Debug, Default)]
pub(super) struct Follower {
    /// Everything up to here is the same in its leader's log.
    pub(super) matched: Index,
    /// The leader was told that everything up to here is durable.
    pub(super) acknowledged: Index,
}

impl Raft {
    /// Raft §5.1: whoever sees a later term is a follower in it.
    pub(super) fn become_follower(
        &mut self,
        now: Tick,
        term: Term,
        leader: Option<NodeId>,
        out: &mut Vec<Effect>,
    ) {
        let was_leader = self.is_leader();
        if term > self.term() {
            self.keep_vote(Vote { term, candidate: None });
        }
        self.turn(State::Follower(Follower::default()), leader, out);
        if was_leader {
            self.arm_election(now);
            out.push(Effect::SetTimer { timer: Timer::Election, at: self.election_at });
        }
    }

    /// Follows who leads this term. `false` when that cannot be: there is another one.
    pub(super) fn follow(&mut self, now: Tick, leader: NodeId, out: &mut Vec<Effect>) -> bool {
        let is_second = self.is_leader() || self.leader.is_some_and(|known| known != leader);
        if is_second {
            out.push(Effect::Report { peer: leader, fault: Fault::TwoLeaders });
            return false;
        }
        if self.leader.is_none() {
            self.become_follower(now, self.term(), Some(leader), out);
        }
        self.led_until = Some(now.after(self.settings.election_min));
        self.arm_election(now);
        true
    }

    pub(super) fn on_append(
        &mut self,
        now: Tick,
        from: NodeId,
        (prev, commit): (LogId, Index),
        frames: Vec<Frame>,
        out: &mut Vec<Effect>,
    ) {
        // While a snapshot is put in place, the log is about to begin anew.
        if !self.follow(now, from, out) || self.installing.is_some() {
            return;
        }
        if !self.log.has(prev) {
            return self.reply_conflict(from, prev, 0, out);
        }
        match self.take(prev, frames) {
            Ok(received) => self.matched_to(received),
            Err(fault) => return out.push(Effect::Report { peer: from, fault }),
        }
        self.learn_commit(commit);
        // What is not durable is acknowledged when it is.
        self.acknowledge(out);
    }

    /// Raft §5.3: what is there stays, what differs goes, what is new comes. Returns the last entry of the
    /// message. Nothing changes unless all of it is sound.
    fn take(&mut self, prev: LogId, frames: Vec<Frame>) -> Result<Index, Fault> {
        let mut before = prev;
        for frame in &frames {
            let is_sound = frame::follows(frame, before) && frame.term() <= self.term();
            if !is_sound || frame::membership_of(frame).is_err() {
                return Err(Fault::BrokenFrames);
            }
            before = frame.last();
        }
        let held = frames.iter().take_while(|frame| self.log.has(frame.last())).count();
        let mut new = frames.into_iter().skip(held).peekable();
        let Some(first) = new.peek() else { return Ok(before.index) };
        let keep_to = super::log::before(first.base());
        if keep_to < self.log.last().index {
            if !invariants::safe_to_cut(keep_to, self.commit) {
                return Err(Fault::CommittedEntryChanged);
            }
            // Raft §5.3: a leader takes nothing back that it has sent. And a frame goes as a whole.
            if keep_to < self.matched() || !self.log.ends_frame(keep_to) {
                return Err(Fault::BrokenFrames);
            }
            self.log.cut(keep_to);
            self.writes.cut(keep_to);
        }
        for frame in new {
            self.log.append(frame.clone());
            self.writes.append(frame);
        }
        Ok(before.index)
    }

    fn matched(&self) -> Index {
        match &self.state {
            State::Follower(follower) => follower.matched,
            _ => Index::ORIGIN,
        }
    }

    fn matched_to(&mut self, index: Index) {
        if let State::Follower(follower) = &mut self.state {
            follower.matched = follower.matched.max(index);
        }
    }

    /// Raft §5.3: what the leader has committed is committed here as far as both logs are known to be the same.
    fn learn_commit(&mut self, commit: Index) {
        let State::Follower(follower) = &self.state else { return };
        self.commit = self.commit.max(commit.min(follower.matched));
    }

    pub(super) fn on_heartbeat(
        &mut self,
        now: Tick,
        from: NodeId,
        (prev, commit, round): (LogId, Index, u64),
        out: &mut Vec<Effect>,
    ) {
        if !self.follow(now, from, out) {
            return;
        }
        if !self.log.has(prev) {
            // While a snapshot comes in, nothing more can be said.
            if self.installing.is_none() {
                self.reply_conflict(from, prev, round, out);
            }
            return;
        }
        self.matched_to(prev.index);
        self.learn_commit(commit);
        self.reply_matched(from, round, out);
    }

    /// Tells the leader what is durable, if that is news.
    pub(super) fn acknowledge(&mut self, out: &mut Vec<Effect>) {
        let (State::Follower(follower), Some(leader)) = (&self.state, self.leader) else { return };
        let durable = self.durable_match(follower.matched);
        if durable > follower.acknowledged || durable == follower.matched {
            self.reply_matched(leader, 0, out);
        }
    }

    fn durable_match(&self, matched: Index) -> Index {
        if self.is_broken(Mutant::AcknowledgeBeforeSync) { matched } else { matched.min(self.log.durable()) }
    }

    fn reply_matched(&mut self, to: NodeId, round: u64, out: &mut Vec<Effect>) {
        let State::Follower(follower) = &self.state else { return };
        let (durable, received) = (self.durable_match(follower.matched), follower.matched);
        if let State::Follower(follower) = &mut self.state {
            follower.acknowledged = durable;
        }
        let outcome = Outcome::Matched { durable, received };
        self.writes.send(to, Message::AppendReply { term: self.term(), outcome, round }, out);
    }

    fn reply_conflict(&mut self, to: NodeId, prev: LogId, round: u64, out: &mut Vec<Effect>) {
        let outcome = Outcome::Conflict { prev: prev.index, hint: self.log.at_or_before(prev) };
        self.writes.send(to, Message::AppendReply { term: self.term(), outcome, round }, out);
    }

    /// Raft §7, figure 13: a snapshot has come, from whoever led `term`. What it covers is committed.
    pub(super) fn on_snapshot_received(
        &mut self,
        now: Tick,
        (from, term): (NodeId, Term),
        snapshot: Snapshot,
        out: &mut Vec<Effect>,
    ) {
        let last = snapshot.last;
        let is_possible = term <= TERM_MAX && last.term <= term && last.index <= INDEX_MAX;
        let fault = match from == self.settings.id {
            true => Some(Fault::SameNumber),
            false => (!is_possible).then_some(Fault::ImpossibleTerm),
        };
        if let Some(fault) = fault {
            out.push(Effect::Report { peer: from, fault });
            return out.push(Effect::Discard(last));
        }
        if term > self.term() {
            self.become_follower(now, term, Some(from), out);
            // Durable first: no entry is of a later term than its node (I4), after a crash neither.
            self.writes.flush(now, out);
        }
        // Figure 13, 1: a leader that was deposed is not followed, whatever it brings.
        if term < self.term() || !self.follow(now, from, out) {
            return out.push(Effect::Discard(last));
        }
        if last.index <= self.commit || self.installing.is_some() {
            return out.push(Effect::Discard(last));
        }
        if self.log.has(last) {
            // Raft §7: the log is further already; it learns that so much of it is committed.
            self.matched_to(last.index);
            self.learn_commit(last.index);
            return out.push(Effect::Discard(last));
        }
        self.installing = Some(snapshot.clone());
        out.push(Effect::Install(snapshot));
    }

    pub(super) fn on_installed(&mut self, id: LogId, out: &mut Vec<Effect>) {
        let Some(snapshot) = self.installing.take_if(|snapshot| snapshot.last == id) else { return };
        self.writes.forget_log();
        self.log.reset(snapshot);
        (self.commit, self.told) = (id.index, id.index);
        // Nothing is left of what was there before.
        if let State::Follower(follower) = &mut self.state {
            follower.matched = id.index;
        }
        self.acknowledge(out);
    }
}
