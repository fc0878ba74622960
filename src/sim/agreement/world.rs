//! The world of one run: validators and the network between them, under one clock.

use super::block::Block;
use super::byzantine::Sin;
use super::checker::{Checkers, Facts, Seen};
use super::event::{Event, Local};
use super::keys::{Keys, Lots};
use super::node::Node;
use super::options::Options;
use crate::bft::{Effect, Mutant, Statement};
use crate::crypto::ed25519::Signature;
use crate::sim::Plan;
use crate::sim::agenda::{Agenda, Nanos};
use crate::sim::clock::Clock;
use crate::sim::network::Network;
use crate::sim::node::Seat;
use crate::sim::random::{Concern, Random};
use crate::sim::trace::Trace;
use crate::types::{Height, ValidatorIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Events after which a run is given up: far more than any run has.
const EVENTS_MAX: u64 = 20_000_000;

/// Everything there is.
pub(super) struct World {
    pub(super) options: Options,
    pub(super) mutant: Option<Mutant>,
    pub(super) agenda: Agenda<Event>,
    pub(super) network: Network,
    pub(super) nodes: Vec<Node>,
    pub(super) facts: Facts,
    pub(super) checkers: Checkers,
    pub(super) trace: Trace,
    pub(super) fault_random: Random,
    pub(super) disk_random: Random,
    pub(super) host_random: Random,
    pub(super) actor_random: Random,
    /// Height of everybody's tip when all was healed.
    pub(super) healed_at: Option<Nanos>,
    /// What has to be final everywhere afterwards.
    pub(super) goal: Height,
    pub(super) converged_at: Option<Nanos>,
    pub(super) is_over: bool,
    /// Effects of the step under way, kept for its memory.
    pub(super) effects: Vec<Effect>,
    /// Beginnings of views that are known.
    pub(super) begun: BTreeSet<Statement>,
    /// What happened how often.
    pub(super) counts: BTreeMap<&'static str, u64>,
}

impl World {
    /// The world that `options` describe, at its beginning.
    pub(super) fn new(options: Options, plan: Plan<Mutant>) -> Self {
        let seed = options.seed;
        let random = |concern| Random::of(seed, concern);
        let powers = options.powers();
        let keys = Keys::new(seed, powers.places(), options.is_ed25519);
        let lots = Arc::new(Lots::new(seed, options.powers.clone(), options.is_in_turn));
        let mut world = Self {
            mutant: plan.mutant,
            agenda: Agenda::new(),
            network: Network::new(seed, options.network.clone()),
            nodes: Vec::new(),
            facts: Facts::new(powers, lots, keys),
            checkers: Checkers::new(&options, plan.watching),
            trace: Trace::new(plan.tracing),
            fault_random: random(Concern::Faults),
            disk_random: random(Concern::Disk),
            host_random: random(Concern::Hosts),
            actor_random: random(Concern::Actors),
            healed_at: None,
            goal: Height::ORIGIN,
            converged_at: None,
            is_over: false,
            effects: Vec::new(),
            begun: BTreeSet::new(),
            counts: BTreeMap::new(),
            options,
        };
        world.populate(&mut random(Concern::Clock));
        world
    }

    fn populate(&mut self, clocks: &mut Random) {
        self.trace.note(0, format_args!("{}", self.options));
        let count = self.options.powers.len();
        let twins = self.options.sinners.iter().filter(|(_, sin)| *sin == Sin::Twins);
        let places: Vec<usize> = (0..count).chain(twins.map(|(place, _)| place.index())).collect();
        for (seat, place) in places.into_iter().enumerate() {
            let most = self.options.drift_max;
            let drift = clocks.between(0, most.unsigned_abs() * 2) as i64 - most;
            let mut clock = Clock::new(drift);
            let skew = self.options.skew_max;
            clock.jump(clocks.between(0, skew * 2) as i64 - skew as i64);
            let mut node = Node::new(ValidatorIndex::new(place as u16), clock);
            node.sin = self.options.sinners.iter().find(|(of, _)| *of == node.place).map(|(_, sin)| *sin);
            node.actor = node.sin.and_then(Sin::actor);
            if node.is_byzantine() {
                self.facts.corrupt(node.place);
            }
            self.nodes.push(node);
            self.agenda.at(0, Event::Start(seat));
        }
        let slow = self.disk_random.below(count as u64) as Seat;
        self.nodes[slow].disk.slowness = self.options.host.slowness;
        for (kind, mean) in self.options.faults.clone() {
            let first = self.fault_random.below(mean * 2);
            self.agenda.at(first, Event::Fault(kind));
        }
        self.agenda.at(self.options.safety_phase, Event::Heal);
    }

    /// Lets everything happen that happens.
    pub(super) fn run(&mut self) {
        while !self.is_over && self.checkers.verdict().is_none() {
            let Some(event) = self.agenda.next() else {
                return self.accuse("liveness", "nothing happens any more".into());
            };
            self.happen(event);
            if self.agenda.happened() > EVENTS_MAX {
                self.accuse("liveness", "the run does not end".into());
            }
        }
    }

    fn happen(&mut self, event: Event) {
        if let Some(seat) = self.paused(&event) {
            return self.nodes[seat].backlog.push(event);
        }
        match event {
            Event::Local { seat, run, what } => self.on_local(seat, run, what),
            Event::Deliver { from, to, connection, bytes, parcel } => {
                self.on_delivery((from, to), connection, bytes, parcel);
            }
            Event::Start(seat) => self.start(seat),
            Event::Resume(seat) => self.resume(seat),
            Event::Fault(kind) => self.break_something(kind),
            Event::Relief(relief) => self.relieve(relief),
            Event::Heal => self.heal(),
            Event::Poll => self.poll(),
        }
    }

    /// The paused process that an event is for: it is consumed when that goes on.
    fn paused(&self, event: &Event) -> Option<Seat> {
        let seat = match event {
            Event::Local { seat, .. } => *seat,
            Event::Deliver { to, .. } => *to,
            _ => return None,
        };
        let node = &self.nodes[seat];
        (node.process.is_some() && node.paused_until > self.agenda.now()).then_some(seat)
    }

    /// Notes that something happens to the process of a seat, in `span`.
    pub(super) fn later(&mut self, seat: Seat, span: Nanos, what: Local) {
        let run = self.nodes[seat].run;
        self.agenda.after(span, Event::Local { seat, run, what });
    }

    /// Counts that something happened.
    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// A finding that is nobody else's.
    pub(super) fn accuse(&mut self, checker: &'static str, detail: String) {
        self.checkers.accuse(self.agenda.now(), checker, detail);
    }

    /// Signs as the validator of a seat: from here on everybody may have come by it.
    pub(super) fn sign(&mut self, seat: Seat, statement: &Statement) -> Signature {
        let node = &self.nodes[seat];
        let signature = self.facts.keys.sign(node.place, statement);
        let news = self.facts.sign(node.place, statement);
        self.checkers.see(self.agenda.now(), &self.facts, &Seen::Signed { node, statement, news: &news });
        signature
    }

    /// A block comes into the world.
    pub(super) fn publish(&mut self, block: Block) -> Arc<Block> {
        let block = Arc::new(block);
        self.facts.blocks.insert(block.proposal.hash, Arc::clone(&block));
        block
    }
}
