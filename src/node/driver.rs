//! One run of a chain's thread: waits for the chain's timer and carries out its effects.

use super::Error;
use super::cell::{ChainCell, Common};
use super::disk::Disk;
use super::finals::Finals;
use super::proposer::{self, Proposal};
use super::recovery;
use crate::dual::{Chain, ChainState, Effect, Event, EventKind, Input, Restored, Solo};
use crate::env::Clock;
use crate::queue::Consumer;
use crate::types::{Block, Height, Tick};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Shortest time between two looks at the memory of the chain's pool.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What one run works with.
pub(super) struct Run<'a> {
    pub(super) cell: &'a ChainCell,
    pub(super) common: &'a Common,
    pub(super) peer: &'a Finals,
    pub(super) disk: &'a mut Disk,
    pub(super) consumer: &'a mut Consumer,
}

struct Loop<'a, 'b> {
    run: &'b mut Run<'a>,
    chain: Chain<Solo>,
    inputs: VecDeque<Input>,
    timer: Tick,
    /// When the pool's memory is looked at next.
    upkeep: Tick,
    proposal: Option<Proposal>,
}

/// Runs the chain until the node closes.
pub(super) fn run(mut run: Run<'_>, restored: Restored) -> Result<(), Error> {
    let now = run.common.clock.now();
    let engine = Solo::new(restored.tip.height);
    adopt(&run, &restored)?;
    let chain = Chain::new(run.cell.settings.clone(), engine, restored, now);
    let inputs = VecDeque::from([Input::Started]);
    let mut host = Loop { run: &mut run, chain, inputs, timer: now, upkeep: now, proposal: None };
    host.publish_head();
    loop {
        let seen = host.run.cell.wake.epoch();
        // Acquire: pairs with the Release in `Node::close`.
        if host.run.common.closing.load(Ordering::Acquire) {
            return Ok(());
        }
        let now = host.run.common.clock.now();
        if now < host.timer && host.inputs.is_empty() {
            host.keep_up(now);
            host.run.cell.wake.wait_past(seen, host.timer.min(host.upkeep).since(now));
            continue;
        }
        if host.inputs.is_empty() {
            host.inputs.push_back(Input::Expired);
        }
        host.turn()?;
    }
}

/// Takes over what an earlier run of this thread left behind.
fn adopt(run: &Run<'_>, restored: &Restored) -> Result<(), Error> {
    let blocks = run.disk.blocks.reader();
    let mut fault = None;
    let mut carry = run.cell.carry.lock();
    carry.reconcile(|height, hash| match super::disk::read_block(blocks.as_ref(), height.get()) {
        Ok(block) => block.is_some_and(|block| crate::crypto::hash::block(&block.header) == hash),
        Err(error) => {
            fault = Some(error);
            false
        }
    });
    let mut completions = Vec::new();
    carry.finalized(run.cell.chain(), restored.final_height, run.common.clock.now(), &mut completions);
    drop(carry);
    run.cell.complete(run.common, completions);
    fault.map_or(Ok(()), Err)
}

impl Loop<'_, '_> {
    /// Lets the pool's memory follow demand, between two blocks.
    fn keep_up(&mut self, now: Tick) {
        if now >= self.upkeep {
            self.upkeep = now.after(UPKEEP_INTERVAL);
            self.run.cell.queue.pool().maintain(now);
        }
    }

    /// Consumes the waiting inputs and everything that follows from them.
    fn turn(&mut self) -> Result<(), Error> {
        let mut out = Vec::new();
        while let Some(input) = self.inputs.pop_front() {
            let clock = &self.run.common.clock;
            self.chain.step(clock.now(), clock.unix(), input, &mut out);
            for effect in out.drain(..) {
                self.carry_out(effect)?;
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), Error> {
        match effect {
            Effect::SetTimer(at) => self.timer = at,
            Effect::Build(order) => {
                let Run { cell, common, peer, disk, consumer } = &mut *self.run;
                let proposal = proposer::build(cell, common, consumer, disk.store.as_ref(), peer, &order)?;
                self.inputs.push_back(Input::Built(Arc::clone(&proposal.block)));
                self.proposal = Some(proposal);
            }
            Effect::Persist(block) => self.persist(&block)?,
            Effect::Apply(block) => self.apply(&block)?,
            Effect::Announce(events) => self.announce(&events)?,
        }
        Ok(())
    }

    fn persist(&mut self, block: &Block) -> Result<(), Error> {
        let index = self.run.disk.blocks.append(&[block.as_bytes()])?;
        assert_eq!(index, block.header.height.get(), "the block log's index is the height");
        self.run.disk.blocks.sync()?;
        self.run.cell.carry.lock().persisted();
        let counters = &self.run.cell.counters;
        counters.blocks.fetch_add(1, Ordering::Relaxed);
        counters.block_bytes.fetch_add(block.as_bytes().len() as u64, Ordering::Relaxed);
        self.inputs.push_back(Input::Persisted(block.header.height));
        Ok(())
    }

    fn apply(&mut self, block: &Arc<Block>) -> Result<(), Error> {
        // The ids of an own proposal are known already.
        let own = self.proposal.take().filter(|proposal| Arc::ptr_eq(&proposal.block, block));
        let ids = own.map_or_else(|| recovery::ids(block), |proposal| proposal.ids);
        recovery::index(self.run.disk.store.as_ref(), block, &ids, self.chain.state())?;
        self.publish_head();
        self.run.cell.condition.lock().progress = self.run.common.clock.now();
        Ok(())
    }

    fn announce(&mut self, events: &[Event]) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for event in events {
            bytes.clear();
            event.encode(&mut bytes);
            let index = self.run.disk.events.append(&[&bytes])?;
            assert_eq!(index, event.sequence.get(), "the event log's index is the sequence number");
        }
        self.run.disk.events.sync()?;
        // From here on the events are durable and may be seen.
        let (cell, common) = (self.run.cell, self.run.common);
        let mut completions = Vec::new();
        for event in events {
            if event.kind == EventKind::finalized(cell.chain()) {
                cell.finals.push(event.height, event.hash);
                let mut head = cell.head.write();
                head.final_height = event.height;
                head.final_hash = event.hash;
                head.final_transactions += u64::from(event.tx_count);
            }
            if let Some(health) = event.health {
                cell.set_condition(health, &event.detail);
            }
        }
        let final_height = self.chain.final_height();
        cell.carry.lock().finalized(cell.chain(), final_height, common.clock.now(), &mut completions);
        // In this order: who is told that a transaction is final finds the event of its block.
        if let Some(last) = events.last() {
            cell.publish_event(last.sequence);
        }
        cell.complete(common, completions);
        if let Some(last) = events.last() {
            self.retire_events(last.sequence.get())?;
        }
        common.announced.notify();
        Ok(())
    }

    /// Drops the oldest events once twice the retained number is there, so it is done rarely.
    fn retire_events(&mut self, last: u64) -> Result<(), Error> {
        let retained = self.run.cell.events_retained;
        if last - self.run.disk.events.first().min(last) >= retained.saturating_mul(2) {
            self.run.disk.events.truncate_front(last - retained + 1)?;
        }
        Ok(())
    }

    fn publish_head(&self) {
        let (cell, tip) = (self.run.cell, self.chain.tip());
        let mut head = cell.head.write();
        head.height = tip.height;
        head.hash = tip.hash;
        head.time = tip.time;
        head.slot = tip.slot;
        head.state_root = self.chain.state().root();
        head.transactions = self.chain.state().transactions();
        head.slot_drift_nanos = self.chain.schedule().drift_nanos();
        head.restarts = cell.counters.restarts.load(Ordering::Relaxed);
        drop(head);
        cell.counters.reanchors.store(self.chain.schedule().reanchors(), Ordering::Relaxed);
        cell.condition.lock().health = self.chain.health();
    }
}

/// The part of a head that recovery knows, before the thread runs. Recovery has checked that the pending
/// blocks hold no more than the state counts.
pub(super) fn restored_head(restored: &Restored) -> (Height, u64) {
    let pending: u64 = restored.pending.iter().map(|header| u64::from(header.tx_count)).sum();
    (restored.final_height, restored.state.transactions() - pending)
}
