//! What breaks, and how it gets well again.
//!
//! Each kind of fault has its own mean interval in a run, or does not happen in it. Damage to durable bytes is
//! done to one machine at a time: a log that loses a majority's disks has lost its promise.

use super::agenda::{Event, MILLISECOND, Nanos, SECOND};
use super::cuts;
use super::disk::Trouble;
use super::node::{Life, Seat};
use super::random::MILLION;
use super::world::World;
use crate::raft::{Input, Role, Ticket};

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A process dies between two effects of a step.
    Crash,
    /// The leader dies right after it was elected, or soon.
    LeaderCrash,
    /// Every process dies at once.
    PowerLoss,
    /// One machine is cut off.
    Isolate,
    /// The machines fall into two groups.
    Split,
    /// A link is cut in one direction.
    OneWay,
    /// Links hold their messages.
    Clog,
    /// Connections break and are made again.
    Reconnect,
    /// A disk does not answer for a while.
    DiskStall,
    /// A sync fails.
    SyncError,
    /// A disk is full for a while.
    DiskFull,
    /// A bit of the last durable frame flips.
    FlipTail,
    /// A bit of any durable frame flips.
    FlipMiddle,
    /// A frame is written to the place of another.
    Misdirect,
    /// A wall clock jumps.
    ClockJump,
    /// A process is stopped and continued.
    Pause,
    /// The members change.
    Members,
    /// Leadership is handed over.
    Transfer,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Crash,
        Self::LeaderCrash,
        Self::PowerLoss,
        Self::Isolate,
        Self::Split,
        Self::OneWay,
        Self::Clog,
        Self::Reconnect,
        Self::DiskStall,
        Self::SyncError,
        Self::DiskFull,
        Self::FlipTail,
        Self::FlipMiddle,
        Self::Misdirect,
        Self::ClockJump,
        Self::Pause,
        Self::Members,
        Self::Transfer,
    ];

    /// Its name in options and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::LeaderCrash => "leader crash",
            Self::PowerLoss => "power loss",
            Self::Isolate => "isolated node",
            Self::Split => "partition",
            Self::OneWay => "one-way partition",
            Self::Clog => "clogged links",
            Self::Reconnect => "reconnection",
            Self::DiskStall => "disk stall",
            Self::SyncError => "sync error",
            Self::DiskFull => "full disk",
            Self::FlipTail => "bit flip at the tail",
            Self::FlipMiddle => "bit flip in the middle",
            Self::Misdirect => "misdirected write",
            Self::ClockJump => "clock jump",
            Self::Pause => "pause",
            Self::Members => "membership change",
            Self::Transfer => "leadership transfer",
        }
    }
}

/// What ends a fault.
#[derive(Debug)]
pub(super) enum Relief {
    /// These links work again.
    Unblock(Vec<(Seat, Seat)>),
}

impl World {
    /// Something breaks, and will again.
    pub(super) fn break_something(&mut self, kind: FaultKind) {
        if self.healed_at.is_some() {
            return;
        }
        let mean =
            self.options.faults.iter().find(|(other, _)| *other == kind).map_or(SECOND, |(_, mean)| *mean);
        let next = self.fault_random.between(mean / 2, mean + mean / 2);
        self.agenda.after(next, Event::Fault(kind));
        let seat = self.victim();
        self.count(kind.name());
        match kind {
            FaultKind::Crash => self.doom(seat),
            FaultKind::LeaderCrash => self.is_leader_doomed = true,
            FaultKind::PowerLoss => self.power_loss(),
            FaultKind::Isolate => self.isolate(seat),
            FaultKind::Split => self.split(),
            FaultKind::OneWay => self.one_way(seat),
            FaultKind::Clog => self.clog(seat),
            FaultKind::Reconnect => self.reconnect(seat),
            FaultKind::DiskStall => self.stall(seat),
            FaultKind::SyncError => self.trouble(seat, Trouble::SyncFails),
            FaultKind::DiskFull => self.fill(seat),
            FaultKind::FlipTail => self.flip(seat, true),
            FaultKind::FlipMiddle => self.flip(seat, false),
            FaultKind::Misdirect => self.misdirect(seat),
            FaultKind::ClockJump => self.jump(seat),
            FaultKind::Pause => self.pause(seat),
            FaultKind::Members => self.change_members(),
            FaultKind::Transfer => self.transfer(),
        }
    }

    /// The leader as often as not.
    fn victim(&mut self) -> Seat {
        let any = self.fault_random.below(self.nodes.len() as u64) as Seat;
        match self.leader() {
            Some(leader) if self.fault_random.chance(MILLION / 2) => leader,
            _ => any,
        }
    }

    /// How long a fault lasts.
    fn lasting(&mut self) -> Nanos {
        self.fault_random.skewed(5 * MILLISECOND, 2 * SECOND)
    }

    fn doom(&mut self, seat: Seat) {
        let effects = self.fault_random.below(12);
        if self.nodes[seat].life == Life::Up {
            self.trace.note(self.agenda.now(), format_args!("n{} dies in {effects} effects", seat + 1));
            self.nodes[seat].dies_in = Some(effects);
        }
    }

    /// A leader that was just elected dies within a few effects.
    pub(super) fn doom_leader(&mut self, seat: Seat) {
        if std::mem::take(&mut self.is_leader_doomed) {
            let effects = self.fault_random.skewed(1, 64);
            self.trace.note(self.agenda.now(), format_args!("n{} dies in {effects} effects", seat + 1));
            self.nodes[seat].dies_in = Some(effects);
        }
    }

    fn power_loss(&mut self) {
        for seat in 0..self.nodes.len() {
            self.crash(seat, "lost power");
        }
    }

    fn block_all(&mut self, links: Vec<(Seat, Seat)>) {
        let lasting = self.lasting();
        for (from, to) in &links {
            self.network.block(*from, *to);
        }
        self.agenda.after(lasting, Event::Relief(Relief::Unblock(links)));
    }

    fn isolate(&mut self, seat: Seat) {
        self.trace.note(self.agenda.now(), format_args!("n{} is cut off", seat + 1));
        self.block_all(cuts::around(self.nodes.len(), seat));
    }

    fn split(&mut self) {
        let sides = cuts::sides(&mut self.fault_random, self.nodes.len());
        self.trace.note(self.agenda.now(), format_args!("partition {sides:?}"));
        self.block_all(cuts::between(&sides));
    }

    fn one_way(&mut self, seat: Seat) {
        let links = cuts::one_way(&mut self.fault_random, self.nodes.len(), seat);
        self.trace.note(self.agenda.now(), format_args!("one way cut {links:?}"));
        self.block_all(links);
    }

    fn clog(&mut self, seat: Seat) {
        let until = self.agenda.now() + self.lasting();
        self.trace.note(self.agenda.now(), format_args!("links from n{} are clogged", seat + 1));
        for other in 0..self.nodes.len() {
            if self.fault_random.chance(MILLION / 2) {
                self.network.clog(seat, other, until);
            }
        }
    }

    fn reconnect(&mut self, seat: Seat) {
        self.trace.note(self.agenda.now(), format_args!("connections of n{} break", seat + 1));
        self.sever(seat);
    }

    /// Every connection of a machine breaks, and both sides learn it sooner or later.
    pub(super) fn sever(&mut self, seat: Seat) {
        for other in (0..self.nodes.len()).filter(|other| *other != seat) {
            for (from, to) in [(seat, other), (other, seat)] {
                self.network.sever(from, to);
                self.tell_unreachable(from, to);
            }
        }
    }

    fn tell_unreachable(&mut self, seat: Seat, peer: Seat) {
        if self.fault_random.chance(MILLION / 4 * 3) {
            let after = self.fault_random.below(30 * MILLISECOND);
            self.agenda.after(after, Event::Unreachable { seat, peer: super::node::id_of(peer) });
        }
    }

    fn stall(&mut self, seat: Seat) {
        let now = self.agenda.now();
        let lasting = self.fault_random.skewed(self.options.disk.stall_min, self.options.disk.stall_max);
        self.trace.note(now, format_args!("disk of n{} stalls for {} ms", seat + 1, lasting / MILLISECOND));
        let leads = self.nodes[seat].role() == Some(Role::Leader);
        let disk = &mut self.nodes[seat].disk;
        if disk.stalled_until <= now || disk.stalled_since.is_none() {
            disk.stalled_since = Some((now, leads));
        }
        disk.stalled_until = now + lasting;
    }

    fn trouble(&mut self, seat: Seat, trouble: Trouble) {
        self.trace.note(self.agenda.now(), format_args!("disk of n{}: {trouble:?}", seat + 1));
        self.nodes[seat].disk.trouble = Some(trouble);
    }

    fn fill(&mut self, seat: Seat) {
        let until = self.agenda.now() + self.lasting();
        self.trace.note(self.agenda.now(), format_args!("disk of n{} is full", seat + 1));
        self.nodes[seat].disk.full_until = until;
    }

    /// Whether this machine's durable bytes may be damaged: no other one's are.
    fn may_taint(&self, seat: Seat) -> bool {
        let others_are_whole = self.nodes.iter().all(|node| !node.is_tainted);
        others_are_whole
            && self.nodes[seat].life != Life::Gone
            && self.nodes.len() + 2 < super::node::SEATS_MAX
    }

    fn flip(&mut self, seat: Seat, at_tail: bool) {
        if self.may_taint(seat) && self.nodes[seat].disk.flip(at_tail, &mut self.fault_random) {
            self.trace.note(self.agenda.now(), format_args!("a bit flips on n{}", seat + 1));
            self.nodes[seat].is_tainted = true;
            self.count("flipped bit");
        }
    }

    fn misdirect(&mut self, seat: Seat) {
        if self.may_taint(seat) && self.nodes[seat].life == Life::Up {
            self.nodes[seat].is_tainted = true;
            self.trouble(seat, Trouble::Misdirects);
        }
    }

    fn jump(&mut self, seat: Seat) {
        let span = i64::try_from(self.fault_random.skewed(MILLISECOND, 7_200 * SECOND)).unwrap_or(i64::MAX);
        let by = if self.fault_random.chance(MILLION / 2) { span } else { -span };
        self.trace
            .note(self.agenda.now(), format_args!("clock of n{} jumps by {} ms", seat + 1, by / 1_000_000));
        self.nodes[seat].clock.jump(by);
    }

    fn pause(&mut self, seat: Seat) {
        let lasting = self.lasting();
        self.trace
            .note(self.agenda.now(), format_args!("n{} pauses for {} ms", seat + 1, lasting / MILLISECOND));
        let until = self.agenda.now() + lasting;
        self.nodes[seat].paused_until = until.max(self.nodes[seat].paused_until);
        self.agenda.at(until, Event::Resume(seat));
    }

    /// A paused process goes on, unless it was stopped for longer meanwhile.
    pub(super) fn resume(&mut self, seat: Seat) {
        if self.nodes[seat].paused_until <= self.agenda.now() {
            for event in std::mem::take(&mut self.nodes[seat].backlog) {
                self.agenda.after(0, event);
            }
        }
    }

    fn transfer(&mut self) {
        let Some(leader) = self.leader().filter(|seat| self.nodes[*seat].role() == Some(Role::Leader)) else {
            return;
        };
        let to = self.fault_random.below(self.nodes.len() as u64 + 1) as Seat;
        let to = (to < self.nodes.len()).then(|| super::node::id_of(to));
        let ticket = Ticket(self.ticket());
        self.step(leader, Input::Transferred { ticket, to });
    }

    /// Something that broke works again.
    pub(super) fn relieve(&mut self, relief: Relief) {
        if self.healed_at.is_some() {
            return;
        }
        let Relief::Unblock(links) = relief;
        self.trace.note(self.agenda.now(), format_args!("links {links:?} work again"));
        for (from, to) in links {
            self.network.unblock(from, to);
            self.tell_unreachable(from, to);
        }
    }
}
