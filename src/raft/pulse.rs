//! A leader's pulse: heartbeats, and the two reasons to step down by itself.

use super::{Effect, Message, Raft, State, Timer};
use crate::types::{LogId, NodeId, Tally, Tick};

impl Raft {
    /// Heartbeats to everyone.
    pub(super) fn pulse(&mut self, now: Tick, out: &mut Vec<Effect>) {
        let (term, commit) = (self.term(), self.commit);
        let State::Leader(leader) = &mut self.state else { return };
        leader.round += 1;
        let round = leader.round;
        let mut beats = Vec::with_capacity(leader.peers.len());
        for (node, peer) in &mut leader.peers {
            peer.pulse(round, now);
            let prev = self.log.term_at(peer.matched).map(|term| LogId::new(term, peer.matched));
            beats.push((*node, prev.unwrap_or(LogId::ORIGIN)));
        }
        for (to, prev) in beats {
            self.writes.send(to, Message::Heartbeat { term, prev, commit, round }, out);
        }
        self.advance_reads(now, out);
    }

    /// A leader's pulse: is it still one, and do the others know?
    pub(super) fn on_heartbeat_timer(&mut self, now: Tick, out: &mut Vec<Effect>) {
        if !matches!(self.state, State::Leader(_)) {
            return;
        }
        if self.is_stalled(now) || !self.has_quorum(now) {
            // Thesis §6.2: whoever cannot reach a majority lets its clients look elsewhere.
            self.become_follower(now, self.term(), None, out);
            return;
        }
        self.expire_transfer(now);
        self.pulse(now, out);
        out.push(Effect::SetTimer { timer: Timer::Heartbeat, at: now.after(self.settings.heartbeat) });
    }

    /// Whether a majority answered within the longest election timeout.
    fn has_quorum(&self, now: Tick) -> bool {
        let State::Leader(leader) = &self.state else { return false };
        let is_here = |node: NodeId| {
            let heard = leader.peers.get(&node).map(|peer| now.since(peer.heard));
            node == self.settings.id || heard.is_some_and(|since| since <= self.settings.election_max)
        };
        let here = |node| Some(is_here(node));
        self.log.membership().tally(here) == Tally::Won
    }
}
