//! The host of one core: starts it, feeds it, and carries out what it asks for.

use super::block::{Block, Making, Short};
use super::checker::Seen;
use super::event::{Check, Event, Local, Parcel};
use super::node::Process;
use super::world::World;
use crate::bft::invariants::Path;
use crate::bft::verify::{Committee, Verifier};
use crate::bft::{Config, Effect, Elector, Engine, Input, Settings, Tip};
use crate::sim::agenda::{MILLISECOND, Nanos};
use crate::sim::node::Seat;
use crate::types::{BlockHash, Height, View};
use std::sync::Arc;
use std::time::Duration;

impl World {
    /// Starts a process on what the disk holds.
    pub(super) fn start(&mut self, seat: Seat) {
        let now = self.agenda.now();
        let settings = self.settings(seat);
        let node = &mut self.nodes[seat];
        if node.process.is_some() {
            return;
        }
        node.run += 1;
        node.clock.start(now);
        node.paused_until = 0;
        let elector: Arc<dyn Elector> = self.facts.lots.clone();
        let committee = Committee {
            domain: self.facts.keys.domain(),
            powers: settings.powers.clone(),
            base: settings.base,
            window: settings.window,
            elector: Arc::clone(&elector),
        };
        let mut verifier = Verifier::new(committee, self.facts.keys.clone());
        let engine = Engine::new(settings, elector, node.disk.recover());
        let mut engine = engine.expect("records that an engine wrote go together");
        if let Some(mutant) = self.mutant {
            engine.mutate(mutant);
        }
        let (view, tip) = (engine.view(), engine.tip());
        self.trace.note(now, format_args!("{} starts in view {view} at {}", node.place, tip.height));
        verifier.advance(view, tip.height);
        node.process = Some(Process::new(engine, verifier));
        node.view = node.view.max(view);
        self.checkers.see(now, &self.facts, &Seen::Started { node: &self.nodes[seat] });
        self.know(seat, tip);
        // The core does not tell it again.
        let proof = self.nodes[seat].disk.proof().cloned();
        self.nodes[seat].process.as_mut().expect("it has started").unstored = proof;
        self.store_blocks(seat);
        self.tell(seat, Input::Started);
        self.open(seat);
        self.ping(seat);
        self.act(seat);
    }

    fn settings(&self, seat: Seat) -> Settings {
        let (options, node) = (&self.options, &self.nodes[seat]);
        let config = Config {
            place: (!node.is_observer()).then_some(node.place),
            powers: self.facts.powers.clone(),
            base: Tip::default(),
            window: options.window,
            interval: Duration::from_nanos(options.interval),
            execution: Duration::from_nanos(options.execution),
            round_trip: Duration::from_nanos(options.round_trip),
        };
        config.build().expect("these options can be")
    }

    /// The process dies; what the disk holds is left.
    pub(super) fn crash(&mut self, seat: Seat, why: &'static str) {
        let now = self.agenda.now();
        let node = &mut self.nodes[seat];
        if node.process.take().is_none() {
            return;
        }
        self.trace.note(now, format_args!("{} dies: {why}", node.place));
        *self.counts.entry(why).or_default() += 1;
        node.dies_in = None;
        node.backlog.clear();
        if node.disk.crash(&mut self.disk_random) {
            self.count("torn record");
        }
        let back = self.host_random.skewed(MILLISECOND, 20 * self.options.interval);
        self.agenda.after(back, Event::Start(seat));
        self.sever(seat);
    }

    /// Lets the core of a seat consume one input, and carries out its effects in order, or some of them.
    pub(super) fn tell(&mut self, seat: Seat, input: Input) {
        let now = self.agenda.now();
        let node = &mut self.nodes[seat];
        let Some(process) = &mut node.process else { return };
        let mut effects = std::mem::take(&mut self.effects);
        process.engine.step(node.clock.tick(now), input, &mut effects);
        process.verifier.advance(process.engine.view(), process.engine.tip().height);
        let verdict = process.engine.check();
        node.view = node.view.max(process.engine.view());
        if let Err(violation) = verdict {
            self.accuse("core invariants", format!("{}: {violation}", self.nodes[seat].place));
        }
        self.checkers.see(now, &self.facts, &Seen::Stepped { node: &self.nodes[seat] });
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
        self.nodes[seat].process.is_none()
    }

    fn carry_out(&mut self, seat: Seat, effect: Effect) {
        let now = self.agenda.now();
        let host = &self.options.host;
        match effect {
            Effect::Persist { id, record } => {
                self.look_at_encoding(&record);
                self.nodes[seat].disk.append(id, record);
                self.log(seat);
            }
            Effect::Sign(statement) => {
                let took = self.host_random.below(host.signing_max + 1);
                let node = &mut self.nodes[seat];
                node.signs_at = node.signs_at.max(now + took);
                let (run, at) = (node.run, node.signs_at);
                self.agenda.at(at, Event::Local { seat, run, what: Local::Signed(statement) });
            }
            Effect::Broadcast(message) => self.broadcast(seat, &message),
            Effect::Send { to, message } => self.say(seat, to, &message),
            Effect::SetTimer { timer, at } => {
                let node = &mut self.nodes[seat];
                let Some(process) = &mut node.process else { return };
                process.armings += 1;
                let (run, arming) = (node.run, process.armings);
                process.armed.insert(timer, arming);
                let what = Local::Timer { timer, arming };
                self.agenda.at(node.clock.instant(at), Event::Local { seat, run, what });
            }
            Effect::Build { view, height, parent } => {
                let after = self.host_random.below(host.building_max);
                self.later(seat, after, Local::Built { view, height, parent });
            }
            Effect::Validate { proposal, proposer } => {
                let Some(process) = &mut self.nodes[seat].process else { return };
                let again = proposer.is_none();
                process.checks.insert(proposal.hash, Check { proposal, again, is_running: false });
                self.check_blocks(seat);
            }
            Effect::Finalize { proof, .. } => {
                self.trace.note(
                    now,
                    format_args!(
                        "{} has {} {} final by {:?} in view {}",
                        self.nodes[seat].place,
                        proof.height(),
                        Short(proof.hash()),
                        proof.path(),
                        proof.view()
                    ),
                );
                self.count(if proof.path() == Path::Fast { "final: fast" } else { "final: slow" });
                let seen = Seen::Finalized { node: &self.nodes[seat], proof: &proof };
                self.checkers.see(now, &self.facts, &seen);
                self.know(seat, proof.tip());
                let Some(process) = &mut self.nodes[seat].process else { return };
                process.unstored = Some(proof);
                self.store_blocks(seat);
            }
            Effect::Report(_) => self.count("invalid proposal"),
            Effect::Entered { view, begun } => {
                let what = if begun { "is in" } else { "asks for" };
                self.count(if begun { "entered view" } else { "left view" });
                self.trace.note(now, format_args!("{} {what} view {view}", self.nodes[seat].place));
            }
            Effect::Blame(evidence) => {
                self.trace.note(now, format_args!("{} blames {evidence:?}", self.nodes[seat].place));
                self.count("blame");
                let seen = Seen::Blamed { node: &self.nodes[seat], evidence: &evidence };
                self.checkers.see(now, &self.facts, &seen);
            }
        }
    }

    /// Syncs the log of votes, unless that is under way.
    fn log(&mut self, seat: Seat) {
        if let Some(upto) = self.nodes[seat].disk.log() {
            let took = self.sync(seat);
            self.later(seat, took, Local::Logged { upto });
        }
    }

    /// How long a sync of this disk takes that begins now.
    pub(super) fn sync(&mut self, seat: Seat) -> Nanos {
        let host = &self.options.host;
        let disk = &self.nodes[seat].disk;
        let took = self.disk_random.skewed(host.sync_min, host.sync_max).saturating_mul(disk.slowness);
        took.max(disk.stalled_until.saturating_sub(self.agenda.now()))
    }

    pub(super) fn on_local(&mut self, seat: Seat, run: u32, what: Local) {
        let node = &mut self.nodes[seat];
        if node.run != run {
            return;
        }
        let Some(process) = &mut node.process else { return };
        match what {
            Local::Timer { timer, arming } => {
                if process.armed.get(&timer) == Some(&arming) {
                    process.armed.remove(&timer);
                    self.tell(seat, Input::Expired(timer));
                }
            }
            Local::Logged { upto } => {
                node.disk.logged(upto);
                self.log(seat);
                self.tell(seat, Input::Durable(upto));
                self.weigh(seat);
            }
            Local::Stored => self.on_stored(seat),
            Local::Signed(statement) => {
                let signature = self.sign(seat, &statement);
                self.tell(seat, Input::Signed { statement, signature });
            }
            Local::Open => self.open(seat),
            Local::Built { view, height, parent } => self.on_built(seat, view, height, parent),
            Local::Checked(hash) => self.on_checked(seat, hash),
            Local::Search => self.search(seat),
            Local::Ping => self.ping(seat),
            Local::Flush => self.flush(seat),
            Local::Act => self.act(seat),
            Local::Late(to, message) => self.post_all(seat, to, &message),
        }
    }

    /// Another height's time has come, by the date of this machine.
    fn open(&mut self, seat: Seat) {
        let now = self.agenda.now();
        let (clock, interval) = (&self.nodes[seat].clock, self.options.interval);
        let since = clock.age(now);
        let wait = interval - since % interval;
        let height = Height::new(since / interval);
        self.later(seat, wait, Local::Open);
        self.tell(seat, Input::Opened(height));
    }

    /// Measures the way to somebody and back, now and then.
    fn ping(&mut self, seat: Seat) {
        let now = self.agenda.now();
        let peer = self.host_random.below(self.nodes.len() as u64) as Seat;
        if peer != seat {
            self.send(seat, peer, Parcel::Ping(now), 16);
        }
        let next = self.options.interval.max(200 * MILLISECOND);
        self.later(seat, next, Local::Ping);
    }

    fn on_built(&mut self, seat: Seat, view: View, height: Height, parent: BlockHash) {
        let salt = u64::from(self.nodes[seat].run);
        let making = Making { maker: self.nodes[seat].place, view, salt, is_valid: true };
        let block = self.publish(Block::new(height, parent, making));
        let proposal = block.proposal.clone();
        self.nodes[seat].disk.keep(block);
        let seen = Seen::Validated { node: &self.nodes[seat], hash: proposal.hash, is_valid: true };
        self.checkers.see(self.agenda.now(), &self.facts, &seen);
        self.tell(seat, Input::Built { view, proposal });
    }

    /// Now and then: how much memory a machine holds.
    fn weigh(&mut self, seat: Seat) {
        if self.agenda.happened().is_multiple_of(16) {
            let seen = Seen::Weighed { node: &self.nodes[seat] };
            self.checkers.see(self.agenda.now(), &self.facts, &seen);
        }
    }

    /// This block is final as far as this process knows, and so are its ancestors.
    fn know(&mut self, seat: Seat, tip: Tip) {
        let finals = &mut self.nodes[seat].finals;
        let mut next = Some(tip).filter(|tip| tip.height > Height::ORIGIN);
        while let Some(tip) = next.take() {
            if finals.insert(tip.height, tip.hash) == Some(tip.hash) {
                return;
            }
            let parent = self.facts.blocks.get(&tip.hash).map(|block| block.proposal.parent);
            let below = tip.height.back(1).filter(|below| *below > Height::ORIGIN);
            next = below.zip(parent).map(|(height, hash)| Tip { height, hash });
        }
    }
}
