//! Accepted transactions on their way into a durable block. Outlives the chain's thread, so that a
//! restart loses and doubles nothing.
//!
//! # Model
//! ```text
//! queue -> backlog -> proposed (one block, not known to be durable) -> awaiting (durable, not final)
//! ```
//! A repetition of a transaction that is not final yet goes the same way, so that nobody is told of an
//! original which a crash could still take back.

use super::completion::Completion;
use crate::queue::Item;
use crate::types::{BlockHash, ChainId, Height, OpId, Status, Tick, TxId};
use std::collections::VecDeque;

/// A submission inside a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockOp {
    pub(super) op: OpId,
    pub(super) submitted: Tick,
    pub(super) tx: TxId,
    /// `Ok`, or `Duplicate` for a repetition.
    pub(super) status: Status,
    /// Where the transaction is: in this block, or for a repetition perhaps in an earlier one.
    pub(super) height: Height,
    pub(super) index: u32,
}

impl BlockOp {
    /// Its end. `status` when it is not the expected one.
    pub(super) fn complete(self, chain: ChainId, status: Option<Status>, now: Tick) -> Completion {
        Completion {
            op: self.op,
            chain,
            status: status.unwrap_or(self.status),
            tx: self.tx,
            height: self.height,
            index: self.index,
            submitted: self.submitted,
            finalized: now,
        }
    }
}

/// A block that was handed to the log.
#[derive(Debug)]
pub(super) struct Proposed {
    pub(super) height: Height,
    pub(super) hash: BlockHash,
    /// Everything that the block took from the backlog, repetitions too.
    pub(super) items: Vec<Item>,
    pub(super) ops: Vec<BlockOp>,
}

/// Everything between the queue and finality.
#[derive(Debug, Default)]
pub(super) struct Carry {
    pub(super) backlog: VecDeque<Item>,
    pub(super) proposed: Option<Proposed>,
    pub(super) awaiting: VecDeque<(Height, Vec<BlockOp>)>,
}

impl Carry {
    /// The proposed block is durable: its buffers go back, its submissions wait for finality.
    pub(super) fn persisted(&mut self) {
        if let Some(proposed) = self.proposed.take()
            && !proposed.ops.is_empty()
        {
            self.awaiting.push_back((proposed.height, proposed.ops));
        }
    }

    /// After a restart: `durable` says whether the log holds the proposed block.
    pub(super) fn reconcile(&mut self, durable: impl FnOnce(Height, BlockHash) -> bool) {
        let Some(proposed) = &self.proposed else { return };
        if durable(proposed.height, proposed.hash) {
            self.persisted();
        } else if let Some(proposed) = self.proposed.take() {
            for item in proposed.items.into_iter().rev() {
                self.backlog.push_front(item);
            }
        }
    }

    /// Completions of all blocks up to `height`.
    pub(super) fn finalized(&mut self, chain: ChainId, height: Height, now: Tick, out: &mut Vec<Completion>) {
        while self.awaiting.front().is_some_and(|(first, _)| *first <= height) {
            let Some((_, ops)) = self.awaiting.pop_front() else { return };
            out.extend(ops.into_iter().map(|op| op.complete(chain, None, now)));
        }
    }

    /// The node closes: every submission that is still here ends as cancelled. Those in durable blocks
    /// become final when the node is opened again; nobody was told that they are.
    pub(super) fn cancel(&mut self, chain: ChainId, now: Tick, out: &mut Vec<Completion>) {
        let proposed = self.proposed.take();
        let items = proposed.into_iter().flat_map(|proposed| proposed.items).chain(self.backlog.drain(..));
        let queued = items.map(|item| BlockOp {
            op: OpId::new(item.meta().tag),
            submitted: Tick::from_nanos(item.meta().stamp),
            tx: TxId::ZERO,
            status: Status::Cancelled,
            height: Height::ORIGIN,
            index: 0,
        });
        let durable = self.awaiting.drain(..).flat_map(|(_, ops)| ops);
        let ended = queued.chain(durable).filter(|op| op.op != OpId::ORIGIN);
        out.extend(ended.map(|op| op.complete(chain, Some(Status::Cancelled), now)));
    }
}
