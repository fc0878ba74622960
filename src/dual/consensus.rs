//! The seam behind which a chain agrees on its blocks.
//!
//! # Caller contract
//! The chain tells facts as [`ConsensusInput`] and carries out each [`ConsensusEffect`] in order. An
//! engine never reads a clock and never blocks. A block leaves the engine as `Commit` only after the
//! host answered `Persisted` for it: nothing is agreed that a crash could forget.

use crate::types::{Block, Height, Tick};
use std::sync::Arc;

/// What an engine is told.
#[derive(Clone, Debug)]
pub enum ConsensusInput {
    /// The slot of `height` has begun.
    SlotOpened(Height),
    /// The answer to [`ConsensusEffect::Build`].
    Built(Arc<Block>),
    /// The block of this height is durable: the answer to [`ConsensusEffect::Persist`].
    Persisted(Height),
}

/// What an engine asks for.
#[derive(Clone, Debug)]
#[must_use]
pub enum ConsensusEffect {
    /// Make a proposal for this height from the queue. Answer with [`ConsensusInput::Built`].
    Build(Height),
    /// Make the block durable. Answer with [`ConsensusInput::Persisted`].
    Persist(Arc<Block>),
    /// The block is agreed. No answer.
    Commit(Arc<Block>),
}

/// An agreement engine for one chain.
pub trait ChainConsensus: Send {
    /// Consumes one input; appends, in order, what the chain must do.
    fn step(&mut self, now: Tick, input: ConsensusInput, out: &mut Vec<ConsensusEffect>);
}
