//! BLAKE3 with a domain per kind of input, so that a hash of one kind never passes for another.
//!
//! # Source
//! BLAKE3 key derivation mode (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020, section 6): the context
//! string names the domain.

use crate::types::{BlockHash, ChainId, Header, SetHash, StateRoot, TxId, TxRoot};
use std::sync::LazyLock;

macro_rules! domain {
    ($name:ident, $context:literal) => {
        // Deriving the context key costs two compressions; it is done once.
        static $name: LazyLock<blake3::Hasher> = LazyLock::new(|| blake3::Hasher::new_derive_key($context));
    };
}

domain!(BLOCK, "duochain block header v1");
domain!(ALPHA_TX, "duochain transaction alpha v1");
domain!(DELTA_TX, "duochain transaction delta v1");
domain!(TX_LEAF, "duochain transaction leaf v1");
domain!(TX_NODE, "duochain transaction node v1");
domain!(TX_ROOT, "duochain transaction root v1");
domain!(STATE, "duochain state v1");
domain!(DEDUPLICATION, "duochain deduplication v1");
domain!(SNAPSHOT, "duochain log snapshot v1");
domain!(BATCH, "duochain ed25519 batch v1");
domain!(VALIDATORS, "duochain validator set v1");
domain!(ENGINE, "duochain bft engine state v1");
domain!(STAKES, "duochain stakes v1");
domain!(CLAIMS, "duochain agreement claims v1");
domain!(NEW_VIEW, "duochain agreement new view v1");

fn digest(domain: &blake3::Hasher, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = domain.clone();
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// The digest of a snapshot of the replicated log, which is too large to be in memory at once.
#[derive(Clone, Debug)]
pub struct SnapshotHasher(blake3::Hasher);

impl SnapshotHasher {
    /// Of no bytes yet.
    pub fn new() -> Self {
        Self(SNAPSHOT.clone())
    }

    /// More bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all of them so far.
    pub fn finish(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

impl Default for SnapshotHasher {
    fn default() -> Self {
        Self::new()
    }
}

/// What the weights of a batch of signatures come from: all of the batch.
#[derive(Clone, Debug)]
pub(super) struct BatchHasher(blake3::Hasher);

impl BatchHasher {
    /// Of no claims yet.
    pub(super) fn new() -> Self {
        Self(BATCH.clone())
    }

    /// One more claim. Its length comes first, so that no two lists of claims are the same bytes.
    pub(super) fn claim(&mut self, key: &[u8; 32], signature: &[u8; 64], message: &[u8]) {
        self.0.update(&(message.len() as u64).to_le_bytes()).update(key).update(signature).update(message);
    }

    /// The weights of the claims `begin..end`.
    pub(super) fn weights(&self, begin: usize, end: usize) -> blake3::OutputReader {
        let mut hasher = self.0.clone();
        hasher.update(&(begin as u64).to_le_bytes()).update(&(end as u64).to_le_bytes());
        hasher.finalize_xof()
    }
}

/// Hash of an encoded header.
pub fn block(header: &Header) -> BlockHash {
    let mut bytes = Vec::with_capacity(Header::BYTES);
    header.encode(&mut bytes);
    BlockHash::new(digest(&BLOCK, &[&bytes]))
}

/// Id of a transaction on `chain`: the same bytes have different ids on the two chains.
pub fn transaction(chain: ChainId, bytes: &[u8]) -> TxId {
    let domain = match chain {
        ChainId::Alpha => &ALPHA_TX,
        ChainId::Delta => &DELTA_TX,
    };
    TxId::new(digest(domain, &[bytes]))
}

/// Leaf of the transaction tree.
pub fn tx_leaf(id: &TxId) -> [u8; 32] {
    digest(&TX_LEAF, &[id.as_bytes()])
}

/// Inner node of the transaction tree.
pub fn tx_node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    digest(&TX_NODE, &[left, right])
}

/// Root of the transaction tree: its top node bound to the number of leaves.
pub fn tx_root(top: &[u8; 32], leaves: u32) -> TxRoot {
    TxRoot::new(digest(&TX_ROOT, &[top, &leaves.to_le_bytes()]))
}

/// State after a block: the state before it, its transactions and their number.
pub fn state(before: &StateRoot, transactions: &TxRoot, count: u64) -> StateRoot {
    StateRoot::new(digest(&STATE, &[before.as_bytes(), transactions.as_bytes(), &count.to_le_bytes()]))
}

/// Hash of what a log's deduplication remembers, as bytes.
pub fn deduplication(state: &[u8]) -> [u8; 32] {
    digest(&DEDUPLICATION, &[state])
}

/// Hash of an epoch's validators, as bytes.
pub fn validators(members: &[u8]) -> SetHash {
    SetHash::new(digest(&VALIDATORS, &[members]))
}

/// Hash of an engine's state, as text.
pub fn engine(state: &[u8]) -> [u8; 32] {
    digest(&ENGINE, &[state])
}

/// Hash of all stakes, as bytes.
pub fn stakes(state: &[u8]) -> [u8; 32] {
    digest(&STAKES, &[state])
}

/// Hash of what a validator claims of itself when it leaves its view, as bytes.
pub fn claims(bytes: &[u8]) -> BlockHash {
    BlockHash::new(digest(&CLAIMS, &[bytes]))
}

/// Hash of the claims that a view begins with, as bytes.
pub fn new_view(bytes: &[u8]) -> BlockHash {
    BlockHash::new(digest(&NEW_VIEW, &[bytes]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_differ_between_domains() {
        let alpha = transaction(ChainId::Alpha, b"pay");
        let delta = transaction(ChainId::Delta, b"pay");
        assert_ne!(alpha, delta);
        assert_ne!(tx_leaf(&alpha), *alpha.as_bytes());
        assert_ne!(tx_node(alpha.as_bytes(), delta.as_bytes()), tx_node(delta.as_bytes(), alpha.as_bytes()));
    }
}
