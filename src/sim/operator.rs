//! The operator: changes members, mends or replaces machines whose log is refused, stops those that left.
//!
//! A machine that lost its log lost its promises with it. It comes back with exactly the bytes that it had,
//! frame by frame from peers that have the same frames, or never: then a machine with a new number takes its
//! place.

use super::agenda::{Event, MILLISECOND};
use super::node::{Life, SEATS_MAX, Seat, id_of, seat_of};
use super::random::{MILLION, Random};
use super::world::{World, address};
use crate::raft::{Change, Input, Membership, Ticket};
use crate::types::Index;
use std::collections::BTreeSet;

/// Rounds in which the operator looks for the frames of a damaged log before the machine is replaced.
const MENDING_ROUNDS_MAX: u32 = 20;
/// Fewest voters that are left: one of them may be lost.
const VOTERS_MIN: usize = 3;

/// A machine that lost its log, and who takes its place.
#[derive(Clone, Copy, Debug)]
struct Replacement {
    old: Seat,
    new: Seat,
}

/// What the operator has in mind.
#[derive(Debug)]
pub(super) struct Operator {
    random: Random,
    replacements: Vec<Replacement>,
    /// Up to where decisions were seen: a leader that knows less was deposed and does not know it.
    seen: Index,
    /// How often it looked for the frames of each machine.
    mending: Vec<u32>,
}

impl Operator {
    pub(super) fn new(random: Random) -> Self {
        Self { random, replacements: Vec::new(), seen: Index::ORIGIN, mending: vec![0; SEATS_MAX] }
    }
}

impl World {
    /// A round of the operator.
    pub(super) fn operate(&mut self) {
        self.agenda.after(40 * MILLISECOND, Event::Operate);
        for seat in 0..self.nodes.len() {
            if self.nodes[seat].life == Life::Damaged {
                self.attend(seat);
            }
            let node = &mut self.nodes[seat];
            if node.life == Life::Up && node.disk.trouble.is_none() && node.disk.damage().is_empty() {
                node.is_tainted = false;
            }
        }
        let Some(members) = self.settled_members() else { return };
        for node in members.members() {
            self.nodes[seat_of(node)].was_member = true;
        }
        self.retire(&members);
        for replacement in self.operator.replacements.clone() {
            self.replace(replacement, &members);
        }
    }

    /// The members that are agreed on for certain: the leader has committed in its own term.
    fn settled_members(&mut self) -> Option<Membership> {
        let raft = self.nodes[self.leader()?].raft()?;
        if raft.commit() < self.operator.seen {
            return None;
        }
        self.operator.seen = raft.commit();
        let members = raft.membership_at(raft.commit());
        let is_settled = raft.term_at(raft.commit()) == Some(raft.term()) && members == raft.membership();
        (is_settled && !members.is_joint()).then(|| members.clone())
    }

    /// Whether every machine that lost its log was mended or replaced.
    pub(super) fn is_tidy(&self) -> bool {
        self.operator.replacements.is_empty() && self.nodes.iter().all(|node| node.life != Life::Damaged)
    }

    /// Looks after a machine whose log is refused.
    fn attend(&mut self, seat: Seat) {
        if self.operator.replacements.iter().any(|replacement| replacement.old == seat) {
            return;
        }
        let rounds = &mut self.operator.mending[seat];
        *rounds += 1;
        let gives_up = *rounds > MENDING_ROUNDS_MAX || self.operator.random.chance(MILLION / 40);
        for id in self.nodes[seat].disk.damage() {
            let whole = self.nodes.iter().filter(|node| node.life == Life::Up).find_map(|node| {
                let slot = node.disk.view().holding(id.index)?;
                (slot.frame.last() == id && slot.bytes == super::log::Bytes::Good).then(|| slot.frame.clone())
            });
            if let Some(frame) = whole {
                self.nodes[seat].disk.mend(&frame);
            }
        }
        if self.nodes[seat].disk.damage().is_empty() {
            self.trace.note(self.agenda.now(), format_args!("n{} is mended", seat + 1));
            self.count("mended log");
            self.operator.mending[seat] = 0;
            self.nodes[seat].life = Life::Down;
            self.agenda.after(0, Event::Start(seat));
        } else if gives_up && self.nodes.len() < SEATS_MAX {
            let new = self.add_machine(Membership::default());
            self.trace.note(self.agenda.now(), format_args!("n{} takes the place of n{}", new + 1, seat + 1));
            self.operator.replacements.push(Replacement { old: seat, new });
        }
    }

    /// The next step of putting one machine in the place of another.
    fn replace(&mut self, Replacement { old, new }: Replacement, members: &Membership) {
        let (old_id, new_id) = (id_of(old), id_of(new));
        let holds = |node| members.addresses.contains_key(&node);
        let mut change = Change::default();
        if !holds(old_id) {
            self.operator.replacements.retain(|replacement| replacement.old != old);
            self.nodes[old].life = Life::Gone;
            self.nodes[old].is_tainted = false;
            self.trace.note(self.agenda.now(), format_args!("n{} is gone", old + 1));
            self.count("replaced machine");
            return;
        } else if !members.voters.contains(&old_id) {
            change.remove.insert(old_id);
        } else if !holds(new_id) {
            change.add.insert(new_id, address(new));
        } else if members.learners.contains(&new_id) {
            change.promote.insert(new_id);
            change.remove.insert(old_id);
        } else {
            change.remove.insert(old_id);
        }
        self.change(change);
    }

    fn change(&mut self, change: Change) {
        let Some(leader) = self.leader() else { return };
        let ticket = Ticket(self.ticket());
        let time = self.nodes[leader].clock.date(self.agenda.now());
        self.trace.note(self.agenda.now(), format_args!("n{} is asked for {change:?}", leader + 1));
        self.step(leader, Input::Changed { ticket, time, change });
    }

    /// Stops machines that are no members any more, sooner or later.
    fn retire(&mut self, members: &Membership) {
        for seat in 0..self.nodes.len() {
            let node = &self.nodes[seat];
            let is_out = node.was_member && !members.addresses.contains_key(&id_of(seat));
            if !is_out || node.life == Life::Gone || !self.operator.random.chance(MILLION / 8) {
                continue;
            }
            self.trace.note(self.agenda.now(), format_args!("n{} is stopped for good", seat + 1));
            self.crash(seat, "it left");
            self.nodes[seat].life = Life::Gone;
            self.nodes[seat].is_tainted = false;
        }
    }

    /// Some change of members, whatever state they are in.
    pub(super) fn change_members(&mut self) {
        let Some(raft) = self.leader().and_then(|leader| self.nodes[leader].raft()) else { return };
        let members = raft.membership().clone();
        let random = &mut self.operator.random;
        let any = |random: &mut Random, set: &BTreeSet<_>| {
            set.iter().copied().nth(random.below(set.len() as u64) as usize)
        };
        let (voter, learner) = (any(random, &members.voters), any(random, &members.learners));
        let mut change = Change::default();
        match random.below(5) {
            0 => change.demote.extend(voter.filter(|_| members.voters.len() > VOTERS_MIN)),
            1 => change.remove.extend(voter.filter(|_| members.voters.len() > VOTERS_MIN)),
            2 => {
                change.promote.extend(learner);
                change.remove.extend(voter.filter(|_| learner.is_some()));
            }
            3 => change.promote.extend(learner),
            _ => change.remove.extend(learner),
        }
        if learner.is_none() && change == Change::default() && members.members().count() < 8 {
            let Some(seat) = self.spare() else { return };
            change.add.insert(id_of(seat), address(seat));
        }
        if change != Change::default() {
            self.change(change);
        }
    }

    /// A machine that was never a member, or a new one.
    fn spare(&mut self) -> Option<Seat> {
        let is_promised =
            |seat| self.operator.replacements.iter().any(|replacement: &Replacement| replacement.new == seat);
        let idle = (0..self.nodes.len()).find(|seat| {
            let node = &self.nodes[*seat];
            !node.was_member && node.life == Life::Up && !node.is_tainted && !is_promised(*seat)
        });
        let has_seats = self.nodes.len() + 4 < SEATS_MAX;
        idle.or_else(|| has_seats.then(|| self.add_machine(Membership::default())))
    }
}
