//! Change of members through a joint majority (Raft §6), and of the leader (thesis §3.10).

use super::frame::body_of;
use super::{Change, Effect, Message, Raft, Refusal, State, Ticket};
use crate::types::{NodeId, Tick, UnixNanos};
use std::sync::Arc;

/// Leadership on its way to another node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer {
    to: NodeId,
    /// Given up at this time; the old leader goes on.
    until: Tick,
    is_told: bool,
}

impl Raft {
    pub(super) fn on_changed(
        &mut self,
        now: Tick,
        (ticket, time): (Ticket, UnixNanos),
        change: &Change,
        out: &mut Vec<Effect>,
    ) {
        match self.membership_after(change) {
            Err(why) => out.push(Effect::Refused { ticket, why }),
            Ok(next) => {
                let id = self.append(now, time, body_of(&next), out);
                out.push(Effect::Accepted { ticket, id });
            }
        }
    }

    /// The members after `change`, if it can be made now. A leader that has not committed in its term could
    /// count with members that were never agreed on (the erratum to the thesis' §4.1).
    fn membership_after(&self, change: &Change) -> Result<super::Membership, Refusal> {
        let State::Leader(leader) = &self.state else { return Err(Refusal::NotLeader(self.leader)) };
        if leader.transfer.is_some() {
            return Err(Refusal::Transferring);
        }
        if self.commit < leader.first {
            return Err(Refusal::NotReady);
        }
        if self.is_changing() {
            return Err(Refusal::Changing);
        }
        self.log.membership().changed(change).ok_or(Refusal::Invalid)
    }

    /// The commit index moved: a joint state that is committed ends, and a leader that is no voter any more
    /// leaves once that is committed.
    pub(super) fn advance_membership(&mut self, now: Tick, out: &mut Vec<Effect>) {
        if !self.is_leader() || self.log.membership_index() > self.commit {
            return;
        }
        let membership = Arc::clone(self.log.membership());
        if membership.is_joint() {
            let time = self.log.time();
            self.append(now, time, body_of(&membership.settled()), out);
        } else if !membership.is_voter(self.settings.id) {
            // The others learn from this pulse that the change is committed.
            self.pulse(now, out);
            self.become_follower(now, self.term(), None, out);
        }
    }

    pub(super) fn on_transferred(
        &mut self,
        now: Tick,
        ticket: Ticket,
        to: Option<NodeId>,
        out: &mut Vec<Effect>,
    ) {
        match self.successor(to) {
            Err(why) => out.push(Effect::Refused { ticket, why }),
            Ok(to) => {
                out.push(Effect::Transferring { ticket, to });
                let until = now.after(self.settings.election_max);
                if let State::Leader(leader) = &mut self.state {
                    leader.transfer = Some(Transfer { to, until, is_told: false });
                }
                self.replicate(to, out);
                self.advance_transfer(to, out);
            }
        }
    }

    /// Who would lead: the one that was asked for, or the voter that is furthest.
    fn successor(&self, to: Option<NodeId>) -> Result<NodeId, Refusal> {
        let State::Leader(leader) = &self.state else { return Err(Refusal::NotLeader(self.leader)) };
        if leader.transfer.is_some() {
            return Err(Refusal::Transferring);
        }
        let voters = &self.log.membership().voters;
        let furthest = || {
            let peers = leader.peers.iter().filter(|(node, _)| voters.contains(node));
            peers.max_by_key(|(_, peer)| (peer.matched, peer.heard)).map(|(node, _)| *node)
        };
        let wanted = to.filter(|node| voters.contains(node) && leader.peers.contains_key(node));
        match to {
            Some(_) => wanted.ok_or(Refusal::Invalid),
            None => furthest().ok_or(Refusal::Invalid),
        }
    }

    /// Tells the successor to campaign once it has everything. No proposal is taken meanwhile, so it will.
    pub(super) fn advance_transfer(&mut self, acknowledged: NodeId, out: &mut Vec<Effect>) {
        let (term, last) = (self.term(), self.log.last().index);
        let State::Leader(leader) = &mut self.state else { return };
        let Some(transfer) = leader.transfer.as_mut().filter(|transfer| transfer.to == acknowledged) else {
            return;
        };
        let is_there = leader.peers.get(&acknowledged).is_some_and(|peer| peer.matched == last);
        if is_there && !transfer.is_told {
            transfer.is_told = true;
            self.writes.send(acknowledged, Message::TimeoutNow { term }, out);
        }
    }

    /// A successor that did not take over is not waited for.
    pub(super) fn expire_transfer(&mut self, now: Tick) {
        if let State::Leader(leader) = &mut self.state {
            leader.transfer = leader.transfer.filter(|transfer| now < transfer.until);
        }
    }
}
