//! What breaks among validators, and how it gets well again.

use super::event::Event;
use super::world::World;
use crate::bft::Elector;
use crate::sim::agenda::{MILLISECOND, Nanos, SECOND};
use crate::sim::cuts::{self, Way};
use crate::sim::node::Seat;
use crate::sim::random::MILLION;
use crate::types::{Height, View};

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A process dies between two effects of a step.
    Crash,
    /// The leader of what is agreed on, or the coordinator of the next view, dies soon.
    LeaderCrash,
    /// It is cut off.
    LeaderCut,
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
    /// A date jumps.
    ClockJump,
    /// A process is stopped and continued.
    Pause,
    /// A log of votes is lost, and its owner dies.
    LogLoss,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Crash,
        Self::LeaderCrash,
        Self::LeaderCut,
        Self::PowerLoss,
        Self::Isolate,
        Self::Split,
        Self::OneWay,
        Self::Clog,
        Self::Reconnect,
        Self::DiskStall,
        Self::ClockJump,
        Self::Pause,
        Self::LogLoss,
    ];

    /// Its name in options and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::LeaderCrash => "leader crash",
            Self::LeaderCut => "isolated leader",
            Self::PowerLoss => "power loss",
            Self::Isolate => "isolated validator",
            Self::Split => "partition",
            Self::OneWay => "one-way partition",
            Self::Clog => "clogged links",
            Self::Reconnect => "reconnection",
            Self::DiskStall => "disk stall",
            Self::ClockJump => "clock jump",
            Self::Pause => "pause",
            Self::LogLoss => "lost log",
        }
    }
}

/// What ends a fault.
#[derive(Debug)]
pub(super) enum Relief {
    /// These links work again.
    Unblock(Vec<Way>),
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
        let seats = self.nodes.len();
        let seat = self.fault_random.below(seats as u64) as Seat;
        let leader = self.leader();
        self.count(kind.name());
        match kind {
            FaultKind::Crash => self.doom(seat),
            FaultKind::LeaderCrash => self.doom(leader),
            FaultKind::LeaderCut => self.block_all(cuts::around(seats, leader)),
            FaultKind::PowerLoss => (0..seats).for_each(|seat| self.crash(seat, "lost power")),
            FaultKind::Isolate => self.block_all(cuts::around(seats, seat)),
            FaultKind::Split => {
                let sides = cuts::sides(&mut self.fault_random, seats);
                self.block_all(cuts::between(&sides));
            }
            FaultKind::OneWay => {
                let links = cuts::one_way(&mut self.fault_random, seats, seat);
                self.block_all(links);
            }
            FaultKind::Clog => self.clog(seat),
            FaultKind::Reconnect => self.sever(seat),
            FaultKind::DiskStall => {
                let lasting = self.fault_random.skewed(100 * MILLISECOND, 20 * SECOND);
                self.note(seat, "has a disk that stalls");
                self.nodes[seat].disk.stalled_until = self.agenda.now() + lasting;
            }
            FaultKind::ClockJump => self.jump(seat),
            FaultKind::Pause => self.pause(seat),
            FaultKind::LogLoss => self.lose_log(seat),
        }
    }

    fn note(&mut self, seat: Seat, what: &str) {
        self.trace.note(self.agenda.now(), format_args!("{} {what}", self.nodes[seat].place));
    }

    /// Whoever is waited for: the leader of the next height in the highest view, or the coordinator of the view after it.
    fn leader(&mut self) -> Seat {
        let view = self.nodes.iter().map(|node| node.view).max().unwrap_or(View::ORIGIN);
        let tip = self.nodes.iter().map(super::node::Node::tip).max().unwrap_or(Height::ORIGIN);
        let place = if self.fault_random.chance(MILLION / 2) {
            self.facts.lots.leader(tip.next(), view)
        } else {
            self.facts.lots.coordinator(view.next())
        };
        self.nodes.iter().position(|node| node.place == place).unwrap_or(0)
    }

    /// How long a fault lasts.
    fn lasting(&mut self) -> Nanos {
        self.fault_random.skewed(self.options.interval / 10, 20 * self.options.interval)
    }

    fn doom(&mut self, seat: Seat) {
        let effects = self.fault_random.below(12);
        if self.nodes[seat].process.is_some() {
            self.note(seat, "dies soon");
            self.nodes[seat].dies_in = Some(effects);
        }
    }

    fn block_all(&mut self, links: Vec<Way>) {
        let lasting = self.lasting();
        self.trace.note(self.agenda.now(), format_args!("cut {links:?}"));
        for (from, to) in &links {
            self.network.block(*from, *to);
        }
        self.agenda.after(lasting, Event::Relief(Relief::Unblock(links)));
    }

    fn clog(&mut self, seat: Seat) {
        let until = self.agenda.now() + self.lasting();
        self.note(seat, "has clogged links");
        for other in 0..self.nodes.len() {
            if self.fault_random.chance(MILLION / 2) {
                self.network.clog(seat, other, until);
            }
        }
    }

    /// Every connection of a machine breaks.
    pub(super) fn sever(&mut self, seat: Seat) {
        for (from, to) in cuts::around(self.nodes.len(), seat) {
            self.network.sever(from, to);
        }
    }

    fn jump(&mut self, seat: Seat) {
        let span = self.fault_random.skewed(MILLISECOND, 2 * SECOND) as i64;
        let by = if self.fault_random.chance(MILLION / 2) { span } else { -span };
        self.note(seat, "has a clock that jumps");
        self.nodes[seat].clock.jump(by);
    }

    fn pause(&mut self, seat: Seat) {
        let until = self.agenda.now() + self.lasting();
        self.note(seat, "pauses");
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

    /// Whoever has lost its log does not vote any more; it counts among those that may lie.
    fn lose_log(&mut self, seat: Seat) {
        let silent = self.nodes.iter().filter(|node| node.is_byzantine() || node.is_observer());
        let places = silent.map(|node| node.place).chain([self.nodes[seat].place]);
        let weight = self.facts.powers.weight(places.collect::<std::collections::BTreeSet<_>>());
        if weight <= self.facts.powers.thresholds().faulty() && !self.nodes[seat].is_byzantine() {
            self.note(seat, "loses its log of votes");
            self.count("observer");
            self.nodes[seat].disk.lose();
            self.crash(seat, "crash");
        }
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
        }
    }
}
