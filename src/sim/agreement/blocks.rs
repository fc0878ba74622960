//! Bodies of blocks: fetched, checked, and stored once they are final.

use super::block::{Block, is_whole};
use super::checker::Seen;
use super::event::{Local, Parcel};
use super::node::CACHE_MAX;
use super::world::World;
use crate::bft::Input;
use crate::sim::agenda::Nanos;
use crate::sim::node::Seat;
use crate::types::{BlockHash, Height};
use std::sync::Arc;

/// Blocks that are asked for at the same time.
const ASKED_MAX: usize = 16;

impl World {
    /// The blocks from what the store has, or is about to have, up to this one; or the one that is missing.
    fn chain_to(&self, seat: Seat, hash: BlockHash) -> Result<Vec<Arc<Block>>, BlockHash> {
        let node = &self.nodes[seat];
        let (base, _) = node.disk.put_upto();
        let mut blocks = Vec::new();
        let mut next = hash;
        loop {
            let block = node.block(next).ok_or(next)?;
            if block.proposal.height <= base {
                break;
            }
            next = block.proposal.parent;
            blocks.push(Arc::clone(block));
            if block.proposal.height == base.next() {
                break;
            }
        }
        blocks.reverse();
        Ok(blocks)
    }

    /// Begins to check what can be checked, and looks for what is missing.
    pub(super) fn check_blocks(&mut self, seat: Seat) {
        let Some(process) = &self.nodes[seat].process else { return };
        let idle: Vec<BlockHash> =
            process.checks.iter().filter(|(_, check)| !check.is_running).map(|(hash, _)| *hash).collect();
        for hash in idle {
            match self.chain_to(seat, hash) {
                Ok(_) => {
                    let process = self.nodes[seat].process.as_mut().expect("it runs");
                    process.checks.get_mut(&hash).expect("it is idle").is_running = true;
                    let took = self.host_random.skewed(1, self.options.host.checking_max);
                    self.later(seat, took, Local::Checked(hash));
                }
                Err(missing) => self.want(seat, missing),
            }
        }
    }

    /// A check ends. A block is valid if its ancestors are.
    pub(super) fn on_checked(&mut self, seat: Seat, hash: BlockHash) {
        let Some(process) = &mut self.nodes[seat].process else { return };
        let Some(check) = process.checks.remove(&hash) else { return };
        let Some(block) = self.nodes[seat].block(hash).cloned() else { return };
        // Where the parent is final in the meantime, or another block is, the answer matters to nobody.
        let chain = self.chain_to(seat, hash).unwrap_or_default();
        let is_valid =
            block.is_valid && block.proposal == check.proposal && chain.iter().all(|block| block.is_valid);
        // Durable before its vote: what nobody has any more can never become final.
        self.nodes[seat].disk.keep(block);
        let seen = Seen::Validated { node: &self.nodes[seat], hash, is_valid };
        self.checkers.see(self.agenda.now(), &self.facts, &seen);
        self.tell(seat, Input::Validated { hash, again: check.again, valid: is_valid });
    }

    /// Stores the blocks that are final, if all of them are here.
    pub(super) fn store_blocks(&mut self, seat: Seat) {
        let Some(process) = &self.nodes[seat].process else { return };
        let Some(proof) = process.unstored.clone() else { return };
        let (base, _) = self.nodes[seat].disk.put_upto();
        if proof.height() <= base {
            return;
        }
        match self.chain_to(seat, proof.hash()) {
            Ok(blocks) => {
                self.nodes[seat].process.as_mut().expect("it runs").unstored = None;
                self.nodes[seat].disk.put(blocks, proof);
                self.store(seat);
            }
            Err(missing) => self.want(seat, missing),
        }
    }

    fn store(&mut self, seat: Seat) {
        if self.nodes[seat].disk.store() {
            let took = self.sync(seat);
            self.later(seat, took, Local::Stored);
        }
    }

    pub(super) fn on_stored(&mut self, seat: Seat) {
        let node = &mut self.nodes[seat];
        node.disk.stored_one();
        let stored = node.disk.stored();
        if let Some(process) = &mut node.process {
            process.cache.retain(|_, block| block.proposal.height > stored);
            process.checks.retain(|_, check| check.proposal.height > stored);
        }
        if self.options.host.is_tidy {
            node.disk.tidy();
        }
        self.store(seat);
    }

    /// A block is needed that is not here: asks for it, again and again.
    fn want(&mut self, seat: Seat, hash: BlockHash) {
        let Some(process) = &mut self.nodes[seat].process else { return };
        if process.lacking.len() >= ASKED_MAX || process.lacking.contains_key(&hash) {
            return;
        }
        process.lacking.insert(hash, self.agenda.now());
        if !process.is_searching {
            process.is_searching = true;
            self.search(seat);
        } else {
            self.ask(seat, hash);
        }
    }

    fn ask(&mut self, seat: Seat, hash: BlockHash) {
        let peer = self.host_random.below(self.nodes.len() as u64) as Seat;
        if peer != seat {
            self.send(seat, peer, Parcel::Ask(hash), 40);
        }
    }

    pub(super) fn search(&mut self, seat: Seat) {
        let Some(process) = &mut self.nodes[seat].process else { return };
        // What is not needed any more is asked for again by whoever needs it.
        let lacking: Vec<BlockHash> = std::mem::take(&mut process.lacking).into_keys().collect();
        process.is_searching = false;
        let needed: Vec<BlockHash> =
            lacking.into_iter().filter(|hash| self.nodes[seat].block(*hash).is_none()).collect();
        let process = self.nodes[seat].process.as_mut().expect("it runs");
        process.lacking = needed.iter().map(|hash| (*hash, 0)).collect();
        process.is_searching = !needed.is_empty();
        if needed.is_empty() {
            return;
        }
        needed.into_iter().for_each(|hash| self.ask(seat, hash));
        let again: Nanos = self.options.network.latency_max * 3;
        self.later(seat, again, Local::Search);
    }

    /// Somebody asks for a block.
    pub(super) fn on_ask(&mut self, seat: Seat, from: Seat, hash: BlockHash) {
        if let Some(block) = self.nodes[seat].block(hash).cloned() {
            self.send(seat, from, Parcel::Block(block), 1_000);
        }
    }

    /// A block comes.
    pub(super) fn on_block(&mut self, seat: Seat, block: Arc<Block>) {
        let window = self.options.window as u64;
        let tip = self.nodes[seat].tip();
        let Some(process) = &mut self.nodes[seat].process else { return };
        let hash = block.proposal.hash;
        let is_asked = process.lacking.remove(&hash).is_some();
        let is_near = block.proposal.height <= Height::new(tip.get() + 2 * window)
            && block.proposal.height > tip
            && process.cache.len() < CACHE_MAX;
        if !is_whole(&block.proposal) || !(is_asked || is_near) {
            return;
        }
        process.cache.insert(hash, block);
        self.check_blocks(seat);
        self.store_blocks(seat);
    }
}
