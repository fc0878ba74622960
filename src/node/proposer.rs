//! Makes a block from what the queue holds.
//!
//! # Invariants
//! I1 nothing leaves the carry before the block is whole, so a panic in between loses nothing.
//! I2 a transaction that is already in a block of this chain, or twice in this one, is left out, and its
//! submission ends as `Duplicate` once the original is final.

use super::carry::{BlockOp, Carry, Proposed};
use super::cell::{ChainCell, Common};
use super::recovery::find_transaction;
use super::{Error, finals::Finals};
use crate::codec::Writer;
use crate::crypto::hash;
use crate::dual::{ALPHA_DELTA_RATIO, BuildOrder};
use crate::env::Clock;
use crate::merkle;
use crate::queue::{Consumer, Item};
use crate::storage::Store;
use crate::types::{Block, ChainId, Header, Height, OpId, PeerReference, Status, Tick, TxId};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of the length in front of each transaction.
const PREFIX_BYTES: usize = 4;
/// Items taken from the queue between two looks at the block's size.
const DRAIN_MAX: usize = 1_024;

/// A finished proposal.
pub(super) struct Proposal {
    pub(super) block: Arc<Block>,
    pub(super) ids: Vec<TxId>,
}

/// Room in a block.
#[derive(Clone, Copy)]
struct Room {
    transactions: usize,
    bytes: usize,
}

/// Builds the block of `order`, moves its items to `carry.proposed` and completes repetitions of what is
/// final.
pub(super) fn build(
    cell: &ChainCell,
    common: &Common,
    consumer: &mut Consumer,
    store: &dyn Store,
    peer: &Finals,
    order: &BuildOrder,
) -> Result<Proposal, Error> {
    let chain = cell.chain();
    let half = if order.half { 2 } else { 1 };
    let room = Room {
        transactions: (cell.block_transactions_max / half).max(1),
        // A transaction of the largest size always fits.
        bytes: (cell.block_bytes_max / half).max(cell.queue.transaction_bytes_max() + PREFIX_BYTES),
    };
    let mut carry = cell.carry.lock();
    fill(&mut carry, consumer, room);
    #[cfg(feature = "faults")]
    assert!(!cell.panic_next.swap(false, std::sync::atomic::Ordering::SeqCst), "injected panic");
    let selection = select(&carry, store, (chain, order.height), room)?;
    let mut buffer = Block::body_buffer(selection.body_bytes);
    for (item, verdict) in carry.backlog.iter().zip(&selection.verdicts) {
        if verdict.fresh {
            Writer::new(&mut buffer).tail(item);
        }
    }
    let ids: Vec<TxId> =
        selection.verdicts.iter().filter(|verdict| verdict.fresh).map(|verdict| verdict.id).collect();
    let header = header(chain, order, &ids, selection.body_bytes, peer_reference(chain, order.height, peer));
    let block = Arc::new(Block::assemble(header, buffer));
    let final_height = cell.head.read().final_height;
    let settled = settle(&mut carry, &selection, &block, final_height);
    drop(carry);
    let now = common.clock.now();
    let settled: Vec<_> = settled.into_iter().map(|op| op.complete(chain, None, now)).collect();
    cell.complete(common, settled);
    Ok(Proposal { block, ids })
}

/// Moves items from the queue to the backlog until the backlog fills a block or the queue is empty.
fn fill(carry: &mut Carry, consumer: &mut Consumer, room: Room) {
    let mut bytes: usize = carry.backlog.iter().map(|item| item.len() + PREFIX_BYTES).sum();
    while carry.backlog.len() < room.transactions && bytes < room.bytes {
        let wanted = DRAIN_MAX.min(room.transactions - carry.backlog.len());
        let backlog = &mut carry.backlog;
        let taken = consumer.drain(wanted, |item| {
            bytes += item.len() + PREFIX_BYTES;
            backlog.push_back(item.into_item());
        });
        if taken == 0 {
            return;
        }
    }
}

struct Verdict {
    id: TxId,
    fresh: bool,
    /// Where it is, or was found before.
    height: Height,
    index: u32,
}

struct Selection {
    /// One verdict per item from the front of the backlog.
    verdicts: Vec<Verdict>,
    body_bytes: usize,
}

/// Decides over items from the front of the backlog until the block is full.
fn select(
    carry: &Carry,
    store: &dyn Store,
    (chain, height): (ChainId, Height),
    room: Room,
) -> Result<Selection, Error> {
    let mut selection = Selection { verdicts: Vec::new(), body_bytes: 0 };
    let mut seen = HashMap::new();
    for item in carry.backlog.iter().take(room.transactions) {
        let bytes = item.len() + PREFIX_BYTES;
        if selection.body_bytes + bytes > room.bytes {
            break;
        }
        let id = hash::transaction(chain, item);
        let next = u32::try_from(seen.len()).expect("bounded by block.transactions_max");
        let original = match seen.get(&id) {
            Some(index) => Some((height, *index)),
            None => find_transaction(store, &id)?,
        };
        selection.verdicts.push(match original {
            Some((height, index)) => Verdict { id, fresh: false, height, index },
            None => {
                seen.insert(id, next);
                selection.body_bytes += bytes;
                Verdict { id, fresh: true, height, index: next }
            }
        });
    }
    Ok(selection)
}

fn header(
    chain: ChainId,
    order: &BuildOrder,
    ids: &[TxId],
    body_bytes: usize,
    peer: PeerReference,
) -> Header {
    Header {
        chain,
        height: order.height,
        slot: order.slot,
        time: order.time,
        parent: order.parent,
        tx_root: merkle::root(ids),
        state_root: order.state_root,
        peer,
        tx_count: u32::try_from(ids.len()).expect("bounded by block.transactions_max"),
        body_bytes: body_bytes as u64,
    }
}

/// Alpha's block k names a Delta block at 5k or below; Delta's block h an Alpha block at h / 5, rounded up, or below.
fn peer_reference(chain: ChainId, height: Height, peer: &Finals) -> PeerReference {
    let ratio = u64::from(ALPHA_DELTA_RATIO);
    peer.at_most(match chain {
        ChainId::Alpha => height.get().saturating_mul(ratio),
        ChainId::Delta => height.get().div_ceil(ratio),
    })
}

/// Moves what the block took out of the backlog; answers repetitions of what is final already.
fn settle(carry: &mut Carry, selection: &Selection, block: &Block, final_height: Height) -> Vec<BlockOp> {
    let mut proposed = Proposed {
        height: block.header.height,
        hash: hash::block(&block.header),
        items: Vec::with_capacity(selection.verdicts.len()),
        ops: Vec::new(),
    };
    let mut settled = Vec::new();
    let taken: Vec<Item> = carry.backlog.drain(..selection.verdicts.len()).collect();
    for (item, verdict) in taken.into_iter().zip(&selection.verdicts) {
        let op = BlockOp {
            op: OpId::new(item.meta().tag),
            submitted: Tick::from_nanos(item.meta().stamp),
            tx: verdict.id,
            status: if verdict.fresh { Status::Ok } else { Status::Duplicate },
            height: verdict.height,
            index: verdict.index,
        };
        let wanted = op.op != OpId::ORIGIN;
        if !verdict.fresh && verdict.height <= final_height {
            settled.extend(wanted.then_some(op));
            continue;
        }
        proposed.ops.extend(wanted.then_some(op));
        proposed.items.push(item);
    }
    carry.proposed = Some(proposed);
    settled
}
