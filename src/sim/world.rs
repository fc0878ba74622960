//! The world of one run: machines, network, clients and an operator, under one clock.

use super::agenda::{Agenda, Event, MILLISECOND, Nanos, SECOND};
use super::checker::{Checkers, Seen};
use super::client::{Client, Record};
use super::clock::Clock;
use super::machine::Machine;
use super::network::Network;
use super::node::{Life, Node, SEATS_MAX, Seat, id_of};
use super::operator::Operator;
use super::options::Options;
use super::random::{Concern, Random};
use super::trace::Trace;
use super::{Mutant, Plan};
use crate::raft::{Effect, Membership, Role};
use crate::types::Index;
use std::collections::BTreeMap;

/// Events after which a run is given up: far more than any run has.
const EVENTS_MAX: u64 = 20_000_000;

/// Everything there is.
pub(super) struct World {
    pub(super) options: Options,
    pub(super) mutant: Option<Mutant>,
    pub(super) agenda: Agenda<Event>,
    pub(super) network: Network,
    pub(super) nodes: Vec<Node>,
    pub(super) clients: Vec<Client>,
    pub(super) history: Vec<Record>,
    pub(super) operator: Operator,
    pub(super) checkers: Checkers,
    pub(super) trace: Trace,
    pub(super) fault_random: Random,
    pub(super) disk_random: Random,
    pub(super) host_random: Random,
    pub(super) client_random: Random,
    clock_random: Random,
    /// The next leader dies soon after its election.
    pub(super) is_leader_doomed: bool,
    pub(super) healed_at: Option<Nanos>,
    pub(super) converged_at: Option<Nanos>,
    pub(super) is_over: bool,
    /// What the core that steps knew to be committed before.
    pub(super) commit_before: Index,
    /// Effects of the step under way, kept for its memory.
    pub(super) effects: Vec<Effect>,
    tickets: u64,
    /// What happened how often.
    pub(super) counts: BTreeMap<&'static str, u64>,
}

impl World {
    /// The world that `options` describe, at its beginning.
    pub(super) fn new(options: Options, plan: Plan) -> Self {
        let seed = options.seed;
        let random = |concern| Random::of(seed, concern);
        let mut world = Self {
            mutant: plan.mutant,
            agenda: Agenda::new(),
            network: Network::new(seed, options.network.clone()),
            nodes: Vec::new(),
            clients: Vec::new(),
            history: Vec::new(),
            operator: Operator::new(random(Concern::Operator)),
            checkers: Checkers::new(&options, plan.watching),
            trace: Trace::new(plan.tracing),
            fault_random: random(Concern::Faults),
            disk_random: random(Concern::Disk),
            host_random: random(Concern::Hosts),
            client_random: random(Concern::Clients),
            clock_random: random(Concern::Clock),
            is_leader_doomed: false,
            healed_at: None,
            converged_at: None,
            is_over: false,
            commit_before: Index::ORIGIN,
            effects: Vec::new(),
            tickets: 0,
            counts: BTreeMap::new(),
            options,
        };
        world.populate();
        world
    }

    fn populate(&mut self) {
        self.trace.note(0, format_args!("{}", self.options));
        let voters = self.options.voters as Seat;
        let membership = Membership::of((0..voters).map(|seat| (id_of(seat), address(seat))));
        for _ in 0..voters {
            self.add_machine(membership.clone());
        }
        let slow = self.disk_random.below(voters as u64) as Seat;
        self.nodes[slow].disk.slowness = self.options.disk.slowness;
        for number in 0..self.options.clients as usize {
            let target = self.client_random.below(voters as u64) as Seat;
            self.clients.push(Client::new(number, target));
            let begin = self.client_random.below(300 * MILLISECOND);
            self.agenda.at(begin, Event::Wake { client: number, operation: 0 });
        }
        for (kind, mean) in self.options.faults.clone() {
            let first = self.fault_random.below(mean * 2);
            self.agenda.at(first, Event::Fault(kind));
        }
        self.agenda.at(50 * MILLISECOND, Event::Operate);
        self.agenda.at(self.options.safety_phase, Event::Heal);
    }

    /// A new machine that knows these members, and starts at once.
    pub(super) fn add_machine(&mut self, membership: Membership) -> Seat {
        let seat = self.nodes.len();
        assert!(seat < SEATS_MAX, "who adds machines looks first");
        let most = self.options.drift_max;
        let drift = self.clock_random.between(0, most.unsigned_abs() * 2) as i64 - most;
        let machine = Machine::new(membership.clone(), self.options.session_time_to_live);
        self.nodes.push(Node::new(membership, Clock::new(drift), machine));
        self.agenda.after(0, Event::Start(seat));
        seat
    }

    /// Lets everything happen that happens.
    pub(super) fn run(&mut self) {
        while !self.is_over && self.checkers.verdict().is_none() {
            let Some(event) = self.agenda.next() else {
                return self.checkers.accuse(
                    self.agenda.now(),
                    "convergence",
                    "nothing happens any more".into(),
                );
            };
            self.happen(event);
            if self.agenda.happened() > EVENTS_MAX {
                self.checkers.accuse(self.agenda.now(), "convergence", "the run does not end".into());
            }
        }
        if self.checkers.verdict().is_none() {
            let members = self.members_alive();
            let processes = members.iter().filter_map(|seat| self.nodes[*seat].process.as_ref());
            let lists: Vec<_> = processes.map(|process| process.machine.list).collect();
            self.checkers.finish(self.agenda.now(), &self.history, &lists);
        }
    }

    fn happen(&mut self, event: Event) {
        if let Some(seat) = self.paused(&event) {
            return self.nodes[seat].backlog.push(event);
        }
        match event {
            Event::Local { seat, run, what } => self.on_local(seat, run, what),
            Event::Deliver { from, to, connection, bytes, message } => {
                self.on_delivery((from, to), connection, bytes, message);
            }
            Event::Stream { from, run, to, connection, term, image } => {
                self.on_stream((from, run), to, connection, term, image);
            }
            Event::Unreachable { seat, peer } => self.on_unreachable(seat, peer),
            Event::Start(seat) => self.start(seat),
            Event::Request { seat, request } => self.on_request(seat, request),
            Event::Answer { client, operation, answer } => self.on_answer(client, operation, answer),
            Event::Patience { client, operation, attempt } => self.on_patience(client, operation, attempt),
            Event::Wake { client, operation } => self.on_wake(client, operation),
            Event::Resume(seat) => self.resume(seat),
            Event::Fault(kind) => self.break_something(kind),
            Event::Relief(relief) => self.relieve(relief),
            Event::Operate => self.operate(),
            Event::Heal => self.heal(),
            Event::Poll => self.poll(),
        }
    }

    /// The paused process that an event is for: it is consumed when that goes on.
    fn paused(&self, event: &Event) -> Option<Seat> {
        let seat = match event {
            Event::Local { seat, .. } | Event::Unreachable { seat, .. } | Event::Request { seat, .. } => {
                *seat
            }
            Event::Deliver { to, .. } | Event::Stream { to, .. } => *to,
            _ => return None,
        };
        let node = &self.nodes[seat];
        (node.life == Life::Up && node.paused_until > self.agenda.now()).then_some(seat)
    }

    /// A number that names a request of this run.
    pub(super) const fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// Counts that something happened.
    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Tells the checkers.
    pub(super) fn see(&mut self, seen: &Seen<'_>) {
        self.checkers.see(self.agenda.now(), seen);
    }

    /// Who leads in the latest term, as only an outsider can know.
    pub(super) fn leader(&self) -> Option<Seat> {
        let leaders = (0..self.nodes.len()).filter(|seat| self.nodes[*seat].role() == Some(Role::Leader));
        leaders.max_by_key(|seat| self.nodes[*seat].raft().map(crate::raft::Raft::term))
    }

    /// The members that the leader knows, and that run.
    pub(super) fn members_alive(&self) -> Vec<Seat> {
        let Some(raft) = self.leader().and_then(|leader| self.nodes[leader].raft()) else {
            return Vec::new();
        };
        let seats = raft.membership().members().map(super::node::seat_of);
        seats.filter(|seat| self.nodes[*seat].life == Life::Up).collect()
    }

    /// The longest that convergence may take: elections, restarts, and machines that have to be replaced.
    pub(super) const fn convergence_max() -> Nanos {
        20 * SECOND
    }
}

/// Where a machine is found.
pub(super) fn address(seat: Seat) -> String {
    format!("machine-{}:7000", seat + 1)
}
