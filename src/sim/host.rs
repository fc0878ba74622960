//! The host of one core: starts it, feeds it, and carries out what it asks for.

use super::agenda::{Event, Local, MILLISECOND, Nanos};
use super::checker::Seen;
use super::node::{Life, Process, Seat, settings};
use super::world::World;
use super::{HostMutant, Mutant};
use crate::raft::{Effect, Input, Raft, Role, Timer};
use crate::types::{LogId, NodeId, Term, Tick};

impl World {
    /// Starts a process on what the disk holds.
    pub(super) fn start(&mut self, seat: Seat) {
        let now = self.agenda.now();
        let node = &mut self.nodes[seat];
        if node.life != Life::Down {
            return;
        }
        if node.disk.full_until > now {
            return self.agenda.at(node.disk.full_until, Event::Start(seat));
        }
        let is_careless = self.mutant == Some(Mutant::Host(HostMutant::TornTailAccepted));
        let mut options = self.options.clone();
        if self.mutant == Some(Mutant::Host(HostMutant::WindowUnbounded)) {
            options.raft.window_bytes_max = 1 << 40;
        }
        let Ok(recovered) = node.disk.recover(is_careless) else {
            node.life = Life::Damaged;
            self.count("damage refused");
            self.trace.note(now, format_args!("n{} refuses its log: damage", seat + 1));
            return;
        };
        if node.disk.was_torn() {
            *self.counts.entry("torn tail").or_default() += 1;
        }
        node.run += 1;
        node.clock.start(now);
        node.paused_until = 0;
        self.trace.note(
            now,
            format_args!(
                "n{} starts t{} snapshot {} log to {}",
                seat + 1,
                recovered.vote.term,
                recovered.snapshot.last,
                recovered.last
            ),
        );
        let mut raft = Raft::new(settings(&options, seat, node.run), recovered);
        if let Some(Mutant::Core(mutant)) = self.mutant {
            raft.mutate(mutant);
        }
        node.start(raft);
        let machine = &node.disk.image().machine;
        self.checkers.see(now, &Seen::Started { seat, applied: machine.applied });
        for slot in node.disk.view().slots() {
            let seen = Seen::Logged { seat, id: slot.frame.last(), chain: slot.chain };
            self.checkers.see(now, &seen);
            self.checkers.see(now, &Seen::Durable { seat, id: slot.frame.last() });
        }
        self.step(seat, Input::Started);
    }

    /// The process dies; what the disk holds is left.
    pub(super) fn crash(&mut self, seat: Seat, why: &'static str) {
        let now = self.agenda.now();
        let node = &mut self.nodes[seat];
        if node.life != Life::Up {
            return;
        }
        self.trace.note(now, format_args!("n{} dies: {why}", seat + 1));
        *self.counts.entry(why).or_default() += 1;
        node.life = Life::Down;
        node.process = None;
        node.dies_in = None;
        node.disk.crash(&mut self.disk_random);
        let back = self.host_random.skewed(MILLISECOND, 2_000 * MILLISECOND);
        self.agenda.after(back, Event::Start(seat));
        self.sever(seat);
    }

    /// Lets the core of a seat consume one input, and carries out its effects in order, or some of them.
    pub(super) fn step(&mut self, seat: Seat, input: Input) {
        let node = &mut self.nodes[seat];
        let Some(process) = &mut node.process else { return };
        let mut effects = std::mem::take(&mut self.effects);
        self.commit_before = process.raft.commit();
        process.raft.step(node.clock.tick(self.agenda.now()), input, &mut effects);
        let verdict = process.raft.check();
        if let Err(violation) = verdict {
            self.checkers.accuse(self.agenda.now(), "core invariants", format!("n{}: {violation}", seat + 1));
        }
        if process.raft.commit() > self.commit_before {
            self.see_decision(seat);
        }
        for effect in effects.drain(..) {
            if self.is_dead(seat) {
                break;
            }
            self.carry_out(seat, effect);
        }
        self.effects = effects;
    }

    /// Whether the process dies before its next effect.
    fn is_dead(&mut self, seat: Seat) -> bool {
        let node = &mut self.nodes[seat];
        match node.dies_in {
            Some(0) => self.crash(seat, "crash"),
            Some(effects) => node.dies_in = Some(effects - 1),
            None => {}
        }
        self.nodes[seat].life != Life::Up
    }

    fn see_decision(&mut self, seat: Seat) {
        let Some(raft) = self.nodes[seat].raft() else { return };
        let index = raft.commit();
        let id = LogId::new(raft.term_at(index).unwrap_or_default(), index);
        let (role, term) = (raft.role(), raft.term());
        let chain = self.nodes[seat].disk.view().chain_at(index);
        self.see(&Seen::Decided { seat, role, term, id, chain });
    }

    fn carry_out(&mut self, seat: Seat, effect: Effect) {
        match effect {
            Effect::Write(write) => self.write(seat, write),
            Effect::Send { to, message } => self.send(seat, to, message),
            Effect::SetTimer { timer, at } => self.set_timer(seat, timer, at),
            Effect::Commit(id) => self.on_commit(seat, id),
            Effect::Fetch { to, from, bytes_max } => self.fetch(seat, to, (from, bytes_max)),
            Effect::SendSnapshot { to, term } => self.send_snapshot(seat, to, term),
            Effect::Install(snapshot) => self.install(seat, &snapshot),
            Effect::Discard(_) => self.process(seat).incoming = None,
            Effect::Accepted { ticket, id } => self.on_accepted(seat, ticket, id),
            Effect::Refused { ticket, why } => self.on_refused(seat, ticket, why),
            Effect::ReadReady { ticket, index } => self.on_read_ready(seat, ticket, index),
            Effect::Transferring { to, .. } => {
                self.count("leadership transfer");
                self.trace.note(self.agenda.now(), format_args!("n{} hands over to {to}", seat + 1));
            }
            Effect::Became { role, term, leader } => self.on_became(seat, role, term, leader),
            Effect::Report { peer, fault } => {
                self.trace.note(self.agenda.now(), format_args!("n{} accuses {peer}: {fault:?}", seat + 1));
                self.see(&Seen::Accused { seat, peer, fault });
            }
        }
    }

    /// The process of a seat, which runs: its effects are carried out.
    pub(super) fn process(&mut self, seat: Seat) -> &mut Process {
        self.nodes[seat].process.as_mut().expect("effects come from a process")
    }

    fn on_became(&mut self, seat: Seat, role: Role, term: Term, leader: Option<NodeId>) {
        let known = leader.map_or_else(|| "nobody".to_owned(), |leader| leader.to_string());
        self.trace.note(self.agenda.now(), format_args!("n{} {role:?} t{term} leader {known}", seat + 1));
        let node = &self.nodes[seat];
        let Some(raft) = node.raft() else { return };
        let membership = raft.membership();
        let seen = Seen::Became { seat, role, term, log: node.disk.view(), membership };
        self.checkers.see(self.agenda.now(), &seen);
        if role == Role::Leader {
            self.count("election");
            self.doom_leader(seat);
        }
    }

    fn set_timer(&mut self, seat: Seat, timer: Timer, at: Tick) {
        let node = &mut self.nodes[seat];
        let (run, at) = (node.run, node.clock.instant(at));
        let process = node.process.as_mut().expect("effects come from a process");
        let arming = &mut process.armings[usize::from(timer == Timer::Heartbeat)];
        *arming += 1;
        let what = Local::Timer { timer, arming: *arming };
        self.agenda.at(at, Event::Local { seat, run, what });
    }

    pub(super) fn on_local(&mut self, seat: Seat, run: u32, what: Local) {
        if self.nodes[seat].run != run || self.nodes[seat].process.is_none() {
            return;
        }
        match what {
            Local::Timer { timer, arming } => {
                if self.process(seat).armings[usize::from(timer == Timer::Heartbeat)] == arming {
                    self.step(seat, Input::Expired(timer));
                }
            }
            Local::Synced { sync } => self.on_synced(seat, sync),
            Local::Apply => self.apply(seat),
            Local::Flush => self.flush(seat),
            Local::Fetched { to, frames } => {
                self.process(seat).fetching.remove(&to);
                self.step(seat, Input::Fetched { to, frames });
            }
            Local::SnapshotTaken(image) => self.on_snapshot_taken(seat, image),
            Local::SnapshotSent { to, arrived } => self.step(seat, Input::SnapshotSent { to, arrived }),
        }
    }

    /// Notes something for this process.
    pub(super) fn later(&mut self, seat: Seat, span: Nanos, what: Local) {
        let run = self.nodes[seat].run;
        self.agenda.after(span, Event::Local { seat, run, what });
    }
}
