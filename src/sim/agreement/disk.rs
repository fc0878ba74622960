//! A validator's disk: its log of votes, and its store of final blocks with their proofs. Each is durable for itself.
//!
//! # Model
//! ```text
//! append --> written --(group)--> records        a crash keeps some of what is written, the last one torn
//! put -----> waiting --(one)----> chain, proofs   a crash keeps some of what waits
//! keep ------------------------> blocks          bodies: durable when the host says that it has them
//! ```
//! A torn record at the end is cut: nobody was told what it says. A log that is lost, or damaged before its end, is
//! not a shorter one: whoever has lost it only looks on from then on.

use super::block::Block;
use crate::bft::{FinalityProof, Record, RecordId, Recovered};
use crate::sim::agenda::Nanos;
use crate::sim::random::{MILLION, Random};
use crate::types::{BlockHash, Height};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Blocks up to one that has a proof.
#[derive(Debug)]
struct Put {
    blocks: Vec<Arc<Block>>,
    proof: FinalityProof,
}

/// One machine's disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    records: Vec<Record>,
    written: VecDeque<(RecordId, Record)>,
    is_logging: bool,
    is_lost: bool,
    blocks: BTreeMap<BlockHash, Arc<Block>>,
    chain: BTreeMap<Height, BlockHash>,
    proof: Option<FinalityProof>,
    waiting: VecDeque<Put>,
    is_storing: bool,
    /// Nothing is synced before.
    pub(super) stalled_until: Nanos,
    /// How many times slower it is than others.
    pub(super) slowness: u64,
}

impl Disk {
    /// An empty disk.
    pub(super) fn new() -> Self {
        Self { slowness: 1, ..Self::default() }
    }

    /// Whether the log of votes is gone.
    pub(super) const fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// The log of votes goes bad before its end, or is deleted.
    pub(super) fn lose(&mut self) {
        self.is_lost = true;
        self.records.clear();
    }

    /// Nothing was ever written, or it is forgotten as if so: whoever starts on it has no memory.
    pub(super) fn forget(&mut self) {
        self.records.clear();
        self.written.clear();
    }

    /// What the core starts with.
    pub(super) fn recover(&self) -> Recovered {
        Recovered { tip: self.proof.clone(), records: self.records.clone() }
    }

    /// The highest proof that is durable, in the store or in the log, which may be ahead of it.
    pub(super) fn proof(&self) -> Option<&FinalityProof> {
        let logged = self.records.iter().filter_map(|record| match record {
            Record::Final(proof) => Some(proof),
            _ => None,
        });
        logged.chain(&self.proof).max_by_key(|proof| proof.height())
    }

    /// Whether this record, or one that says more, is durable.
    pub(super) fn holds(&self, wanted: impl Fn(&Record) -> bool) -> bool {
        self.records.iter().any(wanted)
    }

    /// Takes a record.
    pub(super) fn append(&mut self, id: RecordId, record: Record) {
        self.written.push_back((id, record));
    }

    /// Begins a sync of all records that are written, if none is under way. Returns up to which one.
    pub(super) fn log(&mut self) -> Option<RecordId> {
        let last = self.written.back().map(|(id, _)| *id).filter(|_| !self.is_logging);
        self.is_logging |= last.is_some();
        last
    }

    /// That sync ends.
    pub(super) fn logged(&mut self, upto: RecordId) {
        self.is_logging = false;
        let durable = self.written.iter().take_while(|(id, _)| *id <= upto).count();
        self.records.extend(self.written.drain(..durable).map(|(_, record)| record));
    }

    /// Cuts what says nothing any more: heights that the store has, and all views but the last.
    pub(super) fn tidy(&mut self) {
        let stored = self.stored();
        let view = self.records.iter().rev().find(|record| record.height().is_none()).cloned();
        self.records.retain(|record| record.height().is_some_and(|height| height > stored));
        self.records.extend(view);
    }

    /// Makes a block's body durable.
    pub(super) fn keep(&mut self, block: Arc<Block>) {
        self.blocks.insert(block.proposal.hash, block);
    }

    /// A block that is durable.
    pub(super) fn block(&self, hash: BlockHash) -> Option<&Arc<Block>> {
        self.blocks.get(&hash)
    }

    /// Blocks that are kept above the final ones.
    pub(super) fn kept(&self) -> usize {
        self.blocks.len() - self.chain.len()
    }

    /// Up to here blocks are durable with a proof.
    pub(super) fn stored(&self) -> Height {
        self.proof.as_ref().map_or(Height::ORIGIN, FinalityProof::height)
    }

    /// Up to here they are at least waiting to be.
    pub(super) fn put_upto(&self) -> (Height, BlockHash) {
        let last = self.waiting.back().map(|put| &put.proof).or(self.proof.as_ref());
        last.map_or((Height::ORIGIN, BlockHash::ZERO), |proof| (proof.height(), proof.hash()))
    }

    /// Takes final blocks, the lowest first, and the proof of the last one.
    pub(super) fn put(&mut self, blocks: Vec<Arc<Block>>, proof: FinalityProof) {
        self.waiting.push_back(Put { blocks, proof });
    }

    /// Begins to store what waits, if nothing is under way.
    pub(super) fn store(&mut self) -> bool {
        let begins = !self.is_storing && !self.waiting.is_empty();
        self.is_storing |= begins;
        begins
    }

    /// The first thing that waited is stored.
    pub(super) fn stored_one(&mut self) {
        self.is_storing = false;
        let Some(put) = self.waiting.pop_front() else { return };
        let upto = put.proof.height();
        for block in put.blocks {
            self.chain.insert(block.proposal.height, block.proposal.hash);
            self.keep(block);
        }
        self.proof = Some(put.proof);
        let chain = &self.chain;
        self.blocks.retain(|hash, block| {
            let height = block.proposal.height;
            height > upto || chain.get(&height) == Some(hash)
        });
    }

    /// The machine dies: of what was written and what waited, a first part is there afterwards. Says whether a record was torn.
    pub(super) fn crash(&mut self, random: &mut Random) -> bool {
        let survives = |random: &mut Random, count: usize| match random.below(3) {
            0 => 0,
            1 => count,
            _ => random.below(count as u64 + 1) as usize,
        };
        let kept = survives(random, self.written.len());
        let is_torn = kept > 0 && random.chance(MILLION / 2);
        self.records.extend(self.written.drain(..kept - usize::from(is_torn)).map(|(_, record)| record));
        self.written.clear();
        for _ in 0..survives(random, self.waiting.len()) {
            self.stored_one();
        }
        self.waiting.clear();
        (self.is_logging, self.is_storing) = (false, false);
        if self.is_lost {
            self.records.clear();
        }
        is_torn
    }
}
