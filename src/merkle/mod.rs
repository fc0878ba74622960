//! Merkle root and inclusion proofs over the transaction ids of one block.
//!
//! # Model
//! ```text
//! leaf = H_leaf(id)    node = H_node(left, right)    an odd last node moves up unchanged
//! root = H_root(top node, number of leaves)
//! ```
//! # Invariants
//! I1 leaf and node hashes have different domains, so a leaf never passes for a node.
//! I2 the root binds the number of leaves: a proof for one size fails for another.
//!
//! # Limits
//! At most `u32::MAX` leaves; a proof has at most 32 steps.
//!
//! # Source
//! The tree shape of RFC 9162 section 2.1 with domain separation by hash context.

mod proof;

pub use proof::{PROOF_STEPS_MAX, Proof};

use crate::crypto::hash;
use crate::types::{TxId, TxRoot};

/// Root over `ids` in order; all zero when there are none.
///
/// # Panics
/// With 2^32 ids or more: a block is bounded far below.
pub fn root(ids: &[TxId]) -> TxRoot {
    let mut level: Vec<[u8; 32]> = ids.iter().map(hash::tx_leaf).collect();
    while level.len() > 1 {
        level = parents(&level);
    }
    let leaves = u32::try_from(ids.len()).expect("a block has fewer than 2^32 transactions");
    level.first().map_or(TxRoot::ZERO, |top| hash::tx_root(top, leaves))
}

/// Proof that `ids[index]` is under `root(ids)`; `None` when `index` is out of range.
pub fn prove(ids: &[TxId], index: u32) -> Option<Proof> {
    let mut position = index as usize;
    if position >= ids.len() {
        return None;
    }
    let mut level: Vec<[u8; 32]> = ids.iter().map(hash::tx_leaf).collect();
    let mut siblings = Vec::new();
    while level.len() > 1 {
        if let Some(sibling) = level.get(position ^ 1) {
            siblings.push(*sibling);
        }
        level = parents(&level);
        position /= 2;
    }
    let leaves = u32::try_from(ids.len()).ok()?;
    Some(Proof::new(index, leaves, siblings))
}

fn parents(level: &[[u8; 32]]) -> Vec<[u8; 32]> {
    let parent = |pair: &[[u8; 32]]| match pair {
        [left, right] => hash::tx_node(left, right),
        [alone] => *alone,
        _ => unreachable!("chunks of one or two"),
    };
    level.chunks(2).map(parent).collect()
}
