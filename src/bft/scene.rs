//! A few validators on a network that delivers everything after the same time, for tests of the engine by itself. Signatures are
//! not verified here; whole nodes, faults and liars are the simulator's.

use super::verify::Verified;
use super::{
    Config, Effect, Elector, Engine, Evidence, FinalityProof, Input, Kind, Message, Powers, Proposal, Record,
    RecordId, Recovered, Statement, Timer, Tip,
};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, Tick, ValidatorIndex, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub(super) const MS: Duration = Duration::from_millis(1);
/// How long a message takes.
pub(super) const DELAY: Duration = Duration::from_millis(10);

/// Everybody leads in turn.
#[derive(Debug)]
pub(super) struct InTurn(pub(super) u16);

impl Elector for InTurn {
    fn leader(&self, height: Height, view: View) -> ValidatorIndex {
        ValidatorIndex::new(((height.get() + view.get()) % u64::from(self.0)) as u16)
    }

    fn coordinator(&self, view: View) -> ValidatorIndex {
        ValidatorIndex::new((view.get() % u64::from(self.0)) as u16)
    }
}

#[derive(Clone, Debug)]
pub(super) enum Happening {
    Message { to: usize, from: usize, message: Message },
    Timer { of: usize, timer: Timer },
    Durable { of: usize, life: u32, id: RecordId },
}

/// One validator with its disk.
pub(super) struct Member {
    pub(super) engine: Option<Engine>,
    pub(super) records: Vec<Record>,
    written: BTreeMap<RecordId, Record>,
    timers: BTreeMap<Timer, Tick>,
    life: u32,
    pub(super) final_blocks: BTreeMap<Height, (BlockHash, Tick)>,
    pub(super) proof: Option<FinalityProof>,
    pub(super) blamed: Vec<Evidence>,
    pub(super) said: Vec<Statement>,
    pub(super) invalid: BTreeSet<BlockHash>,
    /// Not valid yet, by this member's clock.
    pub(super) early: BTreeSet<BlockHash>,
    pub(super) reported: Vec<ValidatorIndex>,
}

pub(super) type Cut = Box<dyn Fn(usize, usize, &Message) -> bool>;

pub(super) struct Scene {
    pub(super) now: Tick,
    pub(super) members: Vec<Member>,
    powers: Powers,
    window: usize,
    agenda: BTreeMap<(Tick, u64), Happening>,
    sequence: u64,
    /// Whether a message from one to another is lost.
    pub(super) cut: Cut,
    opened: Height,
    /// How long a disk takes.
    pub(super) disk: Duration,
}

pub(super) fn signature(of: usize, statement: &Statement) -> Signature {
    let mut bytes = [0; 64];
    bytes[0] = of as u8;
    bytes[1] = statement.kind.wire();
    bytes[2..10].copy_from_slice(&statement.view.get().to_le_bytes());
    bytes[10..42].copy_from_slice(statement.hash.as_bytes());
    Signature::new(bytes)
}

/// A proof by everybody, of which nothing is verified.
pub(super) fn proof(height: Height, hash: BlockHash) -> FinalityProof {
    let statement = Statement::new(Kind::Commit, View::ORIGIN, height, hash);
    let signed = |of: u16| (ValidatorIndex::new(of), signature(usize::from(of), &statement));
    FinalityProof::of(super::Votes { statement, signatures: (0..4).map(signed).collect() })
}

/// A block that says who made it, where and on what.
pub(super) fn block(of: usize, view: View, height: Height, parent: BlockHash) -> Proposal {
    let mut hash = [0; 32];
    hash[0] = of as u8;
    hash[1] = view.get() as u8;
    hash[2..10].copy_from_slice(&height.get().to_le_bytes());
    hash[10..14].copy_from_slice(&parent.as_bytes()[..4]);
    Proposal { height, hash: BlockHash::new(hash), parent, header: Arc::from(&hash[..]) }
}

impl Scene {
    pub(super) fn new(powers: Vec<u64>, slack: u128) -> Self {
        let powers = Powers::new(powers, slack).expect("they have power");
        let member = |_| Member {
            engine: None,
            records: Vec::new(),
            written: BTreeMap::new(),
            timers: BTreeMap::new(),
            life: 0,
            final_blocks: BTreeMap::new(),
            proof: None,
            blamed: Vec::new(),
            said: Vec::new(),
            invalid: BTreeSet::new(),
            early: BTreeSet::new(),
            reported: Vec::new(),
        };
        let mut scene = Self {
            now: Tick::ZERO,
            members: (0..powers.places()).map(member).collect(),
            powers,
            window: 4,
            agenda: BTreeMap::new(),
            sequence: 0,
            cut: Box::new(|_, _, _| false),
            opened: Height::ORIGIN,
            disk: Duration::ZERO,
        };
        (0..scene.members.len()).for_each(|of| scene.restart(of));
        scene
    }

    /// Kills a validator: what is not durable is lost.
    pub(super) fn kill(&mut self, of: usize) {
        let member = &mut self.members[of];
        member.engine = None;
        member.written.clear();
        member.timers.clear();
        member.life += 1;
    }

    /// Starts a validator from its disk.
    pub(super) fn restart(&mut self, of: usize) {
        self.kill(of);
        let config = Config {
            place: Some(ValidatorIndex::new(of as u16)),
            powers: self.powers.clone(),
            base: Tip::default(),
            window: self.window,
            interval: 1_000 * MS,
            execution: 100 * MS,
            round_trip: 2 * DELAY,
        };
        let elector = Arc::new(InTurn(self.members.len() as u16));
        let member = &mut self.members[of];
        // Every other time its store has kept nothing: what is final is in the records too.
        let tip = member.proof.clone().filter(|_| member.life.is_multiple_of(2));
        let recovered = Recovered { tip, records: member.records.clone() };
        member.engine = Some(
            Engine::new(config.build().expect("it can be"), elector, recovered)
                .expect("its records go together"),
        );
        self.tell(of, Input::Started);
        self.tell(of, Input::Opened(self.opened));
    }

    /// The time of `height` has come for everybody.
    pub(super) fn open(&mut self, height: u64) {
        self.opened = Height::new(height);
        (0..self.members.len()).for_each(|of| self.tell(of, Input::Opened(self.opened)));
    }

    pub(super) fn tell(&mut self, of: usize, input: Input) {
        let mut out = Vec::new();
        let Some(engine) = &mut self.members[of].engine else { return };
        engine.step(self.now, input, &mut out);
        out.into_iter().for_each(|effect| self.carry_out(of, effect));
    }

    fn at(&mut self, at: Tick, happening: Happening) {
        self.sequence += 1;
        self.agenda.insert((at, self.sequence), happening);
    }

    pub(super) fn send(&mut self, from: usize, to: usize, message: Message) {
        if to != from && !(self.cut)(from, to, &message) {
            self.at(self.now.after(DELAY), Happening::Message { to, from, message });
        }
    }

    fn carry_out(&mut self, of: usize, effect: Effect) {
        match effect {
            Effect::Persist { id, record } => {
                self.members[of].written.insert(id, record);
                let life = self.members[of].life;
                self.at(self.now.after(self.disk), Happening::Durable { of, life, id });
            }
            Effect::Sign(statement) => {
                self.members[of].said.push(statement);
                let signature = signature(of, &statement);
                self.tell(of, Input::Signed { statement, signature });
            }
            Effect::Broadcast(message) => {
                (0..self.members.len()).for_each(|to| self.send(of, to, message.clone()));
            }
            Effect::Send { to, message } => self.send(of, to.index(), message),
            Effect::SetTimer { timer, at } => {
                self.members[of].timers.insert(timer, at);
                self.at(at, Happening::Timer { of, timer });
            }
            Effect::Build { view, height, parent } => {
                let proposal = block(of, view, height, parent);
                self.tell(of, Input::Built { view, proposal });
            }
            Effect::Validate { proposal, proposer } => {
                let again = proposer.is_none();
                let member = &self.members[of];
                let is_early = !again && member.early.contains(&proposal.hash);
                let valid = !is_early && !member.invalid.contains(&proposal.hash);
                self.tell(of, Input::Validated { hash: proposal.hash, again, valid });
            }
            Effect::Finalize { proof, .. } => {
                let now = self.now;
                self.members[of].final_blocks.insert(proof.height(), (proof.hash(), now));
                self.members[of].proof = Some(proof);
            }
            Effect::Entered { .. } => {}
            Effect::Report(of_leader) => self.members[of].reported.push(of_leader.from),
            Effect::Blame(evidence) => self.members[of].blamed.push(evidence),
        }
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, span: Duration) {
        let until = self.now.after(span);
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((at, _), happening) = entry.remove_entry();
            self.now = at;
            match happening {
                Happening::Message { to, from, message } => {
                    let from = Some(ValidatorIndex::new(from as u16));
                    self.tell(to, Input::Received { from, message: Verified::unchecked(message) });
                }
                Happening::Timer { of, timer } => {
                    if self.members[of].timers.get(&timer) == Some(&at) {
                        self.members[of].timers.remove(&timer);
                        self.tell(of, Input::Expired(timer));
                    }
                }
                Happening::Durable { of, life, id } => {
                    let member = &mut self.members[of];
                    if member.life == life {
                        member.records.extend(member.written.remove(&id));
                        self.tell(of, Input::Durable(id));
                    }
                }
            }
        }
        self.now = until;
        self.assert_agreement();
    }

    /// No two validators have different final blocks at a height.
    pub(super) fn assert_agreement(&self) {
        let mut decided = BTreeMap::new();
        for member in &self.members {
            for (height, (hash, _)) in &member.final_blocks {
                assert_eq!(decided.entry(*height).or_insert(*hash), hash, "at height {height}");
            }
        }
    }

    /// The height up to which a validator has everything final.
    pub(super) fn tip(&self, of: usize) -> u64 {
        self.members[of].engine.as_ref().map_or(0, |engine| engine.tip().height.get())
    }
}
