//! One chain: schedule, agreement, finality and health in one step function.
//!
//! # Caller contract
//! The host answers effects in order and stops the chain when it cannot carry one out. `Apply` and
//! `Announce` have no answer: when the host goes on, they have happened.

use super::consensus::{ChainConsensus, ConsensusEffect, ConsensusInput};
use super::{
    ChainSettings, ChainState, Event, EventKind, HealthMachine, HealthState, LedgerState, Schedule,
    Transition,
};
use crate::crypto::hash;
use crate::types::{Block, BlockHash, Header, Height, Sequence, StateRoot, Tick, UnixNanos};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Header times of consecutive blocks differ by at least this.
const TIME_STEP: Duration = Duration::from_millis(1);

/// The last committed block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tip {
    /// Its height; 0 before the first block.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// Its header's time.
    pub time: UnixNanos,
    /// Its slot.
    pub slot: u64,
}

impl Tip {
    /// The tip that a block makes.
    pub fn of(header: &Header) -> Self {
        Self { height: header.height, hash: hash::block(header), time: header.time, slot: header.slot }
    }
}

/// What the host found on its disk.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Headers after the last announced final block, oldest first, ending with the tip.
    pub pending: Vec<Header>,
    /// The last block, also when `pending` is empty.
    pub tip: Tip,
    /// State after the tip.
    pub state: LedgerState,
    /// Number of the last durable event.
    pub last_sequence: Sequence,
    /// Highest block with a durable "final" event.
    pub final_height: Height,
    /// Hash of that block.
    pub final_hash: BlockHash,
    /// Health that the last durable transition announced.
    pub health: HealthState,
    /// Why the chain stopped before, when it did not stop cleanly in this process.
    pub failure: Option<String>,
}

/// What to put into a proposal's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildOrder {
    /// Height of the block.
    pub height: Height,
    /// Its slot.
    pub slot: u64,
    /// Its time.
    pub time: UnixNanos,
    /// Hash of its parent.
    pub parent: BlockHash,
    /// State after its parent.
    pub state_root: StateRoot,
    /// Take half of the usual number of transactions and bytes.
    pub half: bool,
}

/// What the chain is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// The chain was made; asks for its first timer and repeats what a crash cut off.
    Started,
    /// The timer of [`Effect::SetTimer`] went off.
    Expired,
    /// The answer to [`Effect::Build`].
    Built(Arc<Block>),
    /// The answer to [`Effect::Persist`].
    Persisted(Height),
}

/// What the host must do.
#[derive(Clone, Debug)]
#[must_use]
pub enum Effect {
    /// Answer with [`Input::Expired`] at or after this tick. Replaces an earlier timer.
    SetTimer(Tick),
    /// Make a block from the queue. Answer with [`Input::Built`].
    Build(BuildOrder),
    /// Make the block durable. Answer with [`Input::Persisted`].
    Persist(Arc<Block>),
    /// The block is agreed: bring state and indexes up to it (I2).
    Apply(Arc<Block>),
    /// Make the events durable, then visible (I4).
    Announce(Vec<Event>),
}

/// One chain.
#[derive(Debug)]
pub struct Chain<C> {
    settings: ChainSettings,
    engine: C,
    schedule: Schedule,
    health: HealthMachine,
    state: LedgerState,
    tip: Tip,
    pending: VecDeque<(Header, BlockHash)>,
    final_height: Height,
    final_hash: BlockHash,
    last_sequence: Sequence,
    /// What subscribers were told before this start.
    announced: HealthState,
    failure: Option<String>,
}

impl<C: ChainConsensus> Chain<C> {
    /// A chain that goes on where the host's disk ends.
    pub fn new(settings: ChainSettings, engine: C, restored: Restored, now: Tick) -> Self {
        let start = match (&restored.failure, restored.health) {
            (Some(_), _) => HealthState::Stalled,
            (None, HealthState::Healthy) => HealthState::Healthy,
            // It was not well when the process ended, and starts over from its log.
            (None, _) => HealthState::Recovering,
        };
        Self {
            engine,
            schedule: Schedule::new(settings.interval, restored.tip.height, now),
            health: HealthMachine::new(&settings, now, start),
            state: restored.state,
            tip: restored.tip,
            pending: restored.pending.iter().map(|header| (*header, hash::block(header))).collect(),
            final_height: restored.final_height,
            final_hash: restored.final_hash,
            last_sequence: restored.last_sequence,
            announced: restored.health,
            failure: restored.failure,
            settings,
        }
    }

    /// Consumes one input; appends, in order, what the host must do.
    pub fn step(&mut self, now: Tick, unix: UnixNanos, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Started => self.on_started(now, unix, out),
            Input::Expired => self.on_expired(now, unix, out),
            Input::Built(block) => self.agree(now, unix, ConsensusInput::Built(block), out),
            Input::Persisted(height) => self.agree(now, unix, ConsensusInput::Persisted(height), out),
        }
    }

    /// The last committed block.
    pub const fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Height of the highest final block.
    pub const fn final_height(&self) -> Height {
        self.final_height
    }

    /// The schedule, for reports.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// State after the tip.
    pub const fn state(&self) -> &LedgerState {
        &self.state
    }

    /// The current health.
    pub const fn health(&self) -> HealthState {
        self.health.state()
    }

    fn on_started(&mut self, now: Tick, unix: UnixNanos, out: &mut Vec<Effect>) {
        let mut events = Vec::new();
        let (from, to) = (self.announced, self.health.state());
        // Each failure is told, also the second one of a chain that was not well again in between.
        if self.failure.is_some() || from != to {
            let reason = self.failure.take().unwrap_or_else(|| "started again from its log".into());
            events.push(self.health_event(&Transition { from, to, reason }, unix));
        }
        self.finalize(now, unix, &mut events);
        announce(events, out);
        out.push(Effect::SetTimer(self.schedule.next_start(now)));
    }

    fn on_expired(&mut self, now: Tick, unix: UnixNanos, out: &mut Vec<Effect>) {
        if let Some(transition) = self.health.on_time(now) {
            announce(vec![self.health_event(&transition, unix)], out);
        }
        if self.tip.time.after(TIME_STEP) > unix.after(self.settings.skew) {
            // I5: the clock was set back further than a header may run ahead of it; wait for it.
            out.push(Effect::SetTimer(now.after(self.settings.interval)));
            return;
        }
        let height = self.tip.height.next();
        self.schedule.started(height, now);
        self.agree(now, unix, ConsensusInput::SlotOpened(height), out);
    }

    fn agree(&mut self, now: Tick, unix: UnixNanos, input: ConsensusInput, out: &mut Vec<Effect>) {
        let mut decisions = Vec::new();
        self.engine.step(now, input, &mut decisions);
        for decision in decisions {
            match decision {
                ConsensusEffect::Build(height) => out.push(Effect::Build(self.order(height, unix))),
                ConsensusEffect::Persist(block) => out.push(Effect::Persist(block)),
                ConsensusEffect::Commit(block) => self.commit(now, unix, block, out),
            }
        }
    }

    fn order(&self, height: Height, unix: UnixNanos) -> BuildOrder {
        let time = unix.max(self.tip.time.after(TIME_STEP));
        let interval = u64::try_from(self.settings.interval.as_nanos()).unwrap_or(u64::MAX).max(1);
        let elapsed = time.get() - self.tip.time.get();
        let first = self.tip.height == Height::ORIGIN;
        let slots = if first { 1 } else { ((elapsed + interval / 2) / interval).max(1) };
        BuildOrder {
            height,
            slot: self.tip.slot.saturating_add(slots),
            time,
            parent: self.tip.hash,
            state_root: self.state.root(),
            half: self.health.state() >= HealthState::Degraded,
        }
    }

    fn commit(&mut self, now: Tick, unix: UnixNanos, block: Arc<Block>, out: &mut Vec<Effect>) {
        let header = block.header;
        assert_eq!(header.height, self.tip.height.next(), "I1: heights are dense");
        assert_eq!(header.parent, self.tip.hash, "I1: a block names its parent");
        assert!(header.time > self.tip.time, "I5: times grow");
        self.tip = Tip::of(&header);
        self.state.apply(&header);
        self.pending.push_back((header, self.tip.hash));
        out.push(Effect::Apply(block));
        let mut events = Vec::new();
        self.finalize(now, unix, &mut events);
        announce(events, out);
        out.push(Effect::SetTimer(self.schedule.next_start(now)));
    }

    /// I3: everything that has `finality_depth` blocks on top becomes final.
    fn finalize(&mut self, now: Tick, unix: UnixNanos, events: &mut Vec<Event>) {
        let Some(upto) = self.tip.height.back(self.settings.finality_depth) else { return };
        while let Some((header, hash)) =
            self.pending.front().copied().filter(|(header, _)| header.height <= upto)
        {
            self.pending.pop_front();
            assert_eq!(header.height, self.final_height.next(), "I3: finality advances one by one");
            self.final_height = header.height;
            self.final_hash = hash;
            let sequence = self.next_sequence();
            events.push(finalized(&header, hash, sequence));
            if let Some(transition) = self.health.on_finalized(now) {
                events.push(self.health_event(&transition, unix));
            }
        }
    }

    fn health_event(&mut self, transition: &Transition, unix: UnixNanos) -> Event {
        let kind = if transition.is_worse() { EventKind::ChainDegraded } else { EventKind::ChainRecovered };
        Event {
            chain: self.settings.chain,
            sequence: self.next_sequence(),
            kind,
            height: self.final_height,
            hash: self.final_hash,
            time: unix,
            tx_count: 0,
            health: Some(transition.to),
            detail: format!("{} to {}: {}", transition.from.name(), transition.to.name(), transition.reason),
        }
    }

    fn next_sequence(&mut self) -> Sequence {
        self.last_sequence = self.last_sequence.next();
        self.last_sequence
    }
}

fn finalized(header: &Header, hash: BlockHash, sequence: Sequence) -> Event {
    Event {
        chain: header.chain,
        sequence,
        kind: EventKind::finalized(header.chain),
        height: header.height,
        hash,
        time: header.time,
        tx_count: header.tx_count,
        health: None,
        detail: String::new(),
    }
}

fn announce(events: Vec<Event>, out: &mut Vec<Effect>) {
    if !events.is_empty() {
        out.push(Effect::Announce(events));
    }
}

#[cfg(test)]
#[path = "chain_test.rs"]
mod tests;
