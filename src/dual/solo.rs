//! Agreement with oneself: one validator, so a durable proposal is a decision.
//!
//! # Invariants
//! I1 at most one proposal is open; inputs for any other height are ignored.

use super::consensus::{ChainConsensus, ConsensusEffect, ConsensusInput};
use crate::types::{Block, Height, Tick};
use std::sync::Arc;

#[derive(Debug)]
enum Stage {
    Idle,
    Building,
    Persisting(Arc<Block>),
}

/// The engine of a chain with a single validator.
#[derive(Debug)]
pub struct Solo {
    height: Height,
    stage: Stage,
}

impl Solo {
    /// `tip` is the last committed height.
    pub const fn new(tip: Height) -> Self {
        Self { height: tip, stage: Stage::Idle }
    }
}

impl ChainConsensus for Solo {
    fn step(&mut self, _now: Tick, input: ConsensusInput, out: &mut Vec<ConsensusEffect>) {
        match (input, std::mem::replace(&mut self.stage, Stage::Idle)) {
            (ConsensusInput::SlotOpened(height), Stage::Idle) if height == self.height.next() => {
                self.stage = Stage::Building;
                out.push(ConsensusEffect::Build(height));
            }
            (ConsensusInput::Built(block), Stage::Building) if block.header.height == self.height.next() => {
                self.stage = Stage::Persisting(Arc::clone(&block));
                out.push(ConsensusEffect::Persist(block));
            }
            (ConsensusInput::Persisted(height), Stage::Persisting(block))
                if height == block.header.height =>
            {
                self.height = height;
                out.push(ConsensusEffect::Commit(block));
            }
            // I1: out of order, ignored; the stage stays as it was.
            (_, stage) => self.stage = stage,
        }
    }
}
