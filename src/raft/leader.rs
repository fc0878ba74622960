//! What a leader does: takes proposals, sends them, counts who has them (Raft §5.3, §5.4).

use super::frame::follows;
use super::invariants;
use super::progress::{Progress, Stage};
use super::reading::Reads;
use super::reconfigure::Transfer;
use super::{Effect, Fault, Message, Mutant, Outcome, Raft, Refusal, Role, State, Ticket};
use crate::frame::{Body, FRAME_HEADER_BYTES, Frame, FrameKind, Seal};
use crate::types::{Index, LogId, NodeId, Tick, UnixNanos};
use std::collections::{BTreeMap, VecDeque};

/// What only a leader knows.
#[derive(Debug)]
pub(super) struct Leader {
    /// Its first entry. Nothing is known to be committed before this is.
    pub(super) first: Index,
    /// Every other member.
    pub(super) peers: BTreeMap<NodeId, Progress>,
    /// Frames that wait to be committed, and their bytes.
    uncommitted: VecDeque<(Index, usize)>,
    uncommitted_bytes: usize,
    /// Heartbeats so far.
    pub(super) round: u64,
    pub(super) reads: Reads,
    pub(super) transfer: Option<Transfer>,
}

impl Leader {
    /// Bytes that wait to be committed.
    pub(super) const fn uncommitted_bytes(&self) -> usize {
        self.uncommitted_bytes
    }

    fn committed(&mut self, index: Index) {
        while self.uncommitted.front().is_some_and(|(last, _)| *last <= index) {
            self.uncommitted_bytes -= self.uncommitted.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }
}

impl Raft {
    /// Raft §5.2, §8: a winner's first entry is blank; committing it commits what is before it.
    pub(super) fn become_leader(&mut self, now: Tick, out: &mut Vec<Effect>) {
        assert!(matches!(self.state, State::Candidate(_)), "only a candidate is elected");
        let next = self.log.last().index.next();
        let peers = self.log.membership().members().filter(|node| *node != self.settings.id);
        let leader = Leader {
            first: next,
            peers: peers.map(|node| (node, Progress::new(next, now))).collect(),
            uncommitted: VecDeque::new(),
            uncommitted_bytes: 0,
            round: 0,
            reads: Reads::default(),
            transfer: None,
        };
        self.state = State::Leader(Box::new(leader));
        self.leader = Some(self.settings.id);
        let time = self.log.time();
        self.append(now, time, Body::blank(), out);
        self.pulse(now, out);
    }

    pub(super) fn on_proposed(
        &mut self,
        now: Tick,
        (ticket, time): (Ticket, UnixNanos),
        body: Body,
        out: &mut Vec<Effect>,
    ) {
        match self.place_for(&body) {
            Err(why) => out.push(Effect::Refused { ticket, why }),
            Ok(()) => {
                let id = self.append(now, time, body, out);
                out.push(Effect::Accepted { ticket, id });
            }
        }
    }

    /// Whether a frame can be taken now.
    fn place_for(&self, body: &Body) -> Result<(), Refusal> {
        let State::Leader(leader) = &self.state else { return Err(Refusal::NotLeader(self.leader)) };
        let (count, bytes) = (body.count(), FRAME_HEADER_BYTES + body.bytes().len());
        let is_whole = count <= self.settings.frame_entries_max && bytes <= self.settings.frame_bytes_max;
        if leader.transfer.is_some() {
            return Err(Refusal::Transferring);
        }
        if body.kind() != FrameKind::Entries || !is_whole {
            return Err(Refusal::Invalid);
        }
        if leader.uncommitted_bytes + bytes > self.settings.uncommitted_bytes_max {
            return Err(Refusal::Busy);
        }
        Ok(())
    }

    /// Adds a frame to this leader's log and sends it. Only leaders do.
    pub(super) fn append(&mut self, now: Tick, time: UnixNanos, body: Body, out: &mut Vec<Effect>) -> LogId {
        let (term, base) = (self.term(), self.log.last().index.next());
        let is_membership = body.kind() == FrameKind::Membership;
        let frame = Frame::new(Seal { term, base, time: time.max(self.log.time()) }, body);
        let (id, bytes) = (frame.last(), frame.encoded_bytes());
        self.log.append(frame.clone());
        self.writes.append(frame);
        let State::Leader(leader) = &mut self.state else { unreachable!("only leaders append") };
        leader.uncommitted.push_back((id.index, bytes));
        leader.uncommitted_bytes += bytes;
        if is_membership {
            self.follow_members(now);
        }
        self.replicate_to_all(out);
        id
    }

    /// Members that came get a progress, those that left lose it.
    fn follow_members(&mut self, now: Tick) {
        // Who comes has nothing, most likely.
        let (id, next) = (self.settings.id, Index::ORIGIN.next());
        let membership = std::sync::Arc::clone(self.log.membership());
        let State::Leader(leader) = &mut self.state else { return };
        leader.peers.retain(|node, _| membership.addresses.contains_key(node));
        for node in membership.members().filter(|node| *node != id) {
            leader.peers.entry(node).or_insert_with(|| Progress::new(next, now));
        }
    }

    pub(super) fn replicate_to_all(&mut self, out: &mut Vec<Effect>) {
        let State::Leader(leader) = &self.state else { return };
        let peers: Vec<NodeId> = leader.peers.keys().copied().collect();
        for peer in peers {
            self.replicate(peer, out);
        }
    }

    /// Sends a follower what it lacks, as far as the limits go.
    pub(super) fn replicate(&mut self, to: NodeId, out: &mut Vec<Effect>) {
        while let Some((prev, frames)) = self.next_frames(to, out) {
            let (term, commit) = (self.term(), self.commit);
            self.send_frames(to, Message::Append { term, prev, commit, frames }, out);
        }
        self.probe(to, out);
    }

    /// Where there is nothing to send and yet only a guess of what the follower has, an empty append asks.
    fn probe(&mut self, to: NodeId, out: &mut Vec<Effect>) {
        let (term, commit, last) = (self.term(), self.commit, self.log.last());
        let Some(peer) = self.peer(to) else { return };
        let is_guess = peer.matched < last.index && peer.next > last.index;
        if is_guess && peer.stage == (Stage::Probe { is_waiting: false }) {
            peer.wait();
            self.writes.send(to, Message::Append { term, prev: last, commit, frames: Vec::new() }, out);
        }
    }

    /// The frames that a follower gets next, and what they follow. `None` when there are none now; asks the
    /// disk or streams a snapshot where they are not in memory.
    fn next_frames(&mut self, to: NodeId, out: &mut Vec<Effect>) -> Option<(LogId, Vec<Frame>)> {
        let term = self.term();
        let State::Leader(leader) = &mut self.state else { return None };
        let peer = leader.peers.get_mut(&to)?;
        let (limits, last) = (&self.settings, self.log.last().index);
        let has_room = peer.inflights.has_room(limits.inflight_appends_max, limits.inflight_bytes_max);
        let may_send = !matches!(peer.stage, Stage::Snapshot | Stage::Probe { is_waiting: true });
        if !may_send || !has_room || peer.is_fetching || peer.next > last {
            return None;
        }
        if peer.next <= self.log.snapshot().index {
            peer.await_snapshot();
            out.push(Effect::SendSnapshot { to, term });
            return None;
        }
        let Some(frames) = self.log.frames(peer.next, limits.append_bytes_max) else {
            peer.is_fetching = true;
            out.push(Effect::Fetch { to, from: peer.next, bytes_max: limits.append_bytes_max });
            return None;
        };
        let prev = self.before_frame(&frames[0])?;
        Some((prev, frames))
    }

    /// What a frame of the log follows; `None` when that was forgotten.
    fn before_frame(&self, frame: &Frame) -> Option<LogId> {
        let index = super::log::before(frame.base());
        self.log.term_at(index).map(|term| LogId::new(term, index))
    }

    fn send_frames(&mut self, to: NodeId, message: Message, out: &mut Vec<Effect>) {
        let Message::Append { frames, .. } = &message else { unreachable!("frames travel in appends") };
        let end = frames.last().expect("at least one").last().index;
        let bytes = frames.iter().map(Frame::encoded_bytes).sum();
        if let Some(peer) = self.peer(to) {
            peer.sent(end, bytes);
        }
        self.writes.send(to, message, out);
    }

    fn peer(&mut self, node: NodeId) -> Option<&mut Progress> {
        match &mut self.state {
            State::Leader(leader) => leader.peers.get_mut(&node),
            _ => None,
        }
    }

    /// The disk answered for a follower that is far behind. What is no longer wanted is dropped.
    pub(super) fn on_fetched(&mut self, to: NodeId, mut frames: Vec<Frame>, out: &mut Vec<Effect>) {
        let last = self.log.last();
        let Some(peer) = self.peer(to) else { return };
        if !std::mem::take(&mut peer.is_fetching) {
            return;
        }
        let (next, is_probe_waiting) = (peer.next, peer.stage == Stage::Probe { is_waiting: true });
        frames.retain(|frame| frame.last().index >= next && frame.last().index <= last.index);
        let is_wanted = frames.first().is_some_and(|frame| frame.base() <= next) && !is_probe_waiting;
        let is_dense = frames.windows(2).all(|pair| follows(&pair[1], pair[0].last()));
        let is_ours = is_dense && frames.iter().all(|frame| self.log.has(frame.last()));
        let prev = frames.first().and_then(|frame| self.before_frame(frame));
        // Gone meanwhile, or not durable yet: the next heartbeat's answer asks again.
        if let Some(prev) = prev.filter(|_| is_wanted && is_ours) {
            let (term, commit) = (self.term(), self.commit);
            self.send_frames(to, Message::Append { term, prev, commit, frames }, out);
            self.replicate(to, out);
        }
    }

    pub(super) fn on_append_reply(
        &mut self,
        now: Tick,
        from: NodeId,
        outcome: Outcome,
        round: u64,
        out: &mut Vec<Effect>,
    ) {
        let (last, current) = (self.log.last().index, self.leader_round());
        let Some(peer) = self.peer(from) else { return };
        let fault = match outcome {
            _ if round > current => Some(Fault::ImpossibleMatch),
            Outcome::Matched { durable, received } if durable > received || received > last => {
                Some(Fault::ImpossibleMatch)
            }
            Outcome::Conflict { .. } if round > 0 => Some(Fault::EntriesForgotten),
            _ => None,
        };
        if let Some(fault) = fault {
            return out.push(Effect::Report { peer: from, fault });
        }
        peer.heard = now;
        peer.round = peer.round.max(round);
        if round > 0 {
            peer.nudge(round);
        }
        match outcome {
            Outcome::Matched { durable, received } => {
                self.on_matched(now, from, (durable, received), out);
            }
            Outcome::Conflict { prev, hint } => self.on_conflict(from, prev, hint),
        }
        self.advance_reads(now, out);
        self.replicate(from, out);
    }

    fn leader_round(&self) -> u64 {
        match &self.state {
            State::Leader(leader) => leader.round,
            _ => 0,
        }
    }

    fn on_matched(
        &mut self,
        now: Tick,
        from: NodeId,
        (durable, received): (Index, Index),
        out: &mut Vec<Effect>,
    ) {
        let (snapshot, patience) = (self.log.snapshot().index, self.settings.election_min);
        let Some(peer) = self.peer(from) else { return };
        if peer.stage == Stage::Snapshot && received >= snapshot {
            peer.retreat(received);
        }
        if peer.acknowledge((durable, received), now, patience) {
            self.count(now, out);
            self.advance_transfer(from, out);
        }
    }

    /// Raft §5.3, end: the follower skips back by whole terms, and so does the leader.
    fn on_conflict(&mut self, from: NodeId, prev: Index, hint: LogId) {
        let meet = self.log.at_or_before(hint).index;
        let Some(peer) = self.peer(from) else { return };
        // An answer to an append that is not under way any more says nothing about the next one.
        let is_current = prev > peer.matched && prev < peer.next && peer.stage != Stage::Snapshot;
        if is_current {
            peer.retreat(meet.min(super::log::before(prev)));
        }
    }

    /// Raft §5.3, §5.4.2: commits what a majority has, if it is of this term.
    pub(super) fn count(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let State::Leader(leader) = &self.state else { return };
        let (id, durable) = (self.settings.id, self.log.durable());
        let matched = |node| {
            if node == id {
                durable
            } else {
                leader.peers.get(&node).map_or(Index::ORIGIN, |peer| peer.matched)
            }
        };
        let reached = self.log.membership().reached(matched);
        let is_safe =
            self.log.term_at(reached).is_some_and(|term| invariants::safe_to_commit(term, self.term()));
        if reached <= self.commit || !(is_safe || self.is_broken(Mutant::CommitOldTerm)) {
            return;
        }
        self.commit = reached;
        if let State::Leader(leader) = &mut self.state {
            leader.committed(reached);
        }
        self.advance_membership(now, out);
        self.start_early_reads(now, out);
    }

    /// The link to a peer broke.
    pub(super) fn on_unreachable(&mut self, now: Tick, node: NodeId, out: &mut Vec<Effect>) {
        if self.leader == Some(node) {
            return self.on_leader_lost(now, out);
        }
        if let Some(peer) = self.peer(node)
            && peer.stage != Stage::Snapshot
        {
            peer.retreat(peer.matched);
        }
    }

    pub(super) fn on_snapshot_sent(&mut self, to: NodeId, arrived: Option<LogId>, out: &mut Vec<Effect>) {
        let last = self.log.last().index;
        let Some(peer) = self.peer(to).filter(|peer| peer.stage == Stage::Snapshot) else { return };
        match arrived {
            Some(id) => peer.retreat(id.index.min(last)),
            None => {
                // Not at once: whoever fails at once would be asked for ever.
                peer.retreat(peer.matched);
                peer.wait();
            }
        }
        self.replicate(to, out);
    }

    pub(super) fn is_leader(&self) -> bool {
        self.role() == Role::Leader
    }
}
