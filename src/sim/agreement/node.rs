//! One validator's machine: what stays, and its process, which comes and goes.

use super::block::Block;
use super::byzantine::{Actor, Sin};
use super::disk::Disk;
use super::event::Check;
use super::keys::Keys;
use crate::bft::verify::Verifier;
use crate::bft::{Engine, FinalityProof, Timer};
use crate::sim::agenda::Nanos;
use crate::sim::clock::Clock;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Blocks in memory that are not durable: those of the window and of its forks, and what is fetched to catch up.
pub(super) const CACHE_MAX: usize = 4_096;

/// What is lost with the process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) engine: Engine,
    pub(super) verifier: Verifier<Keys>,
    pub(super) is_flushing: bool,
    /// Timers that are armed, and the number of the arming.
    pub(super) armed: BTreeMap<Timer, u64>,
    /// Armings so far.
    pub(super) armings: u64,
    /// Blocks that the core has asked about.
    pub(super) checks: BTreeMap<BlockHash, Check>,
    /// Blocks that came and are not durable.
    pub(super) cache: BTreeMap<BlockHash, Arc<Block>>,
    /// Blocks that are needed and not here.
    pub(super) lacking: BTreeMap<BlockHash, Nanos>,
    /// The highest proof whose blocks the store does not have.
    pub(super) unstored: Option<FinalityProof>,
    pub(super) is_searching: bool,
}

impl Process {
    pub(super) const fn new(engine: Engine, verifier: Verifier<Keys>) -> Self {
        Self {
            engine,
            verifier,
            is_flushing: false,
            armed: BTreeMap::new(),
            armings: 0,
            checks: BTreeMap::new(),
            cache: BTreeMap::new(),
            lacking: BTreeMap::new(),
            unstored: None,
            is_searching: false,
        }
    }
}

/// A machine.
#[derive(Debug)]
pub(super) struct Node {
    /// The validator that it is.
    pub(super) place: ValidatorIndex,
    /// What is wrong with it.
    pub(super) sin: Option<Sin>,
    pub(super) actor: Option<Box<dyn Actor>>,
    pub(super) process: Option<Process>,
    /// Starts so far.
    pub(super) run: u32,
    pub(super) clock: Clock,
    pub(super) disk: Disk,
    /// Effects until the process dies.
    pub(super) dies_in: Option<u64>,
    /// It does nothing before.
    pub(super) paused_until: Nanos,
    /// What came meanwhile.
    pub(super) backlog: Vec<super::event::Event>,
    /// Its signer answers what it is asked next no earlier: it signs in order.
    pub(super) signs_at: Nanos,
    /// What was final in any of its lives.
    pub(super) finals: BTreeMap<Height, BlockHash>,
    /// The highest view that its process was in.
    pub(super) view: View,
}

impl Node {
    pub(super) fn new(place: ValidatorIndex, clock: Clock) -> Self {
        Self {
            place,
            sin: None,
            actor: None,
            process: None,
            run: 0,
            clock,
            disk: Disk::new(),
            dies_in: None,
            paused_until: 0,
            backlog: Vec::new(),
            signs_at: 0,
            finals: BTreeMap::new(),
            view: View::ORIGIN,
        }
    }

    /// Whether it may do anything.
    pub(super) const fn is_byzantine(&self) -> bool {
        self.sin.is_some()
    }

    /// A block that this machine has.
    pub(super) fn block(&self, hash: BlockHash) -> Option<&Arc<Block>> {
        let cached = self.process.as_ref().and_then(|process| process.cache.get(&hash));
        cached.or_else(|| self.disk.block(hash))
    }

    /// Whether it counts votes only, and says nothing.
    pub(super) const fn is_observer(&self) -> bool {
        self.disk.is_lost()
    }

    /// The highest block that is final for it.
    pub(super) fn tip(&self) -> Height {
        self.process.as_ref().map_or(Height::ORIGIN, |process| process.engine.tip().height)
    }
}
