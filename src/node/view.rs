//! What a node tells about its chains: heads, transactions and proofs.

use crate::codec::{Malformed, Reader};
use crate::crypto::hash;
use crate::merkle::Proof;
use crate::types::{BlockHash, Header, Height, StateRoot, UnixNanos};

/// Where a chain stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Height of the last block.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// Height of the highest final block.
    pub final_height: Height,
    /// Its hash.
    pub final_hash: BlockHash,
    /// State after the last block.
    pub state_root: StateRoot,
    /// Header time of the last block.
    pub time: UnixNanos,
    /// Its slot.
    pub slot: u64,
    /// How late the last block was started against its schedule, in nanoseconds; negative when early.
    pub slot_drift_nanos: i64,
    /// Transactions in all blocks.
    pub transactions: u64,
    /// Transactions in final blocks.
    pub final_transactions: u64,
    /// How often the chain's thread was started again since the node was opened.
    pub restarts: u64,
}

/// How far a transaction got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum TxState {
    /// In no block: never seen, still queued, or refused.
    Unknown = 0,
    /// In a durable block that is not final yet.
    Included = 1,
    /// In a final block.
    Final = 2,
}

/// State and place of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxStatus {
    /// How far it got.
    pub state: TxState,
    /// Height of its block; 0 when unknown.
    pub height: Height,
    /// Position in that block.
    pub index: u32,
}

/// Proof that a transaction is in a block: verifies without a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxProof {
    /// The block's header.
    pub header: Header,
    /// The way from the transaction's id to the header's `tx_root`.
    pub proof: Proof,
}

impl TxProof {
    /// True when `transaction` is in the block with this header. The caller compares the header's hash
    /// with one it trusts.
    pub fn verify(&self, transaction: &[u8]) -> bool {
        self.proof.verify(&hash::transaction(self.header.chain, transaction), &self.header.tx_root)
    }

    /// The encoding: header, then proof.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.header.encode(&mut out);
        self.proof.encode(&mut out);
        out
    }

    /// Reads what [`TxProof::encode`] wrote.
    ///
    /// # Errors
    /// Names the field and its offset.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let header = Header::decode(&mut reader)?;
        let proof = Proof::decode(&mut reader)?;
        reader.finish("proof")?;
        Ok(Self { header, proof })
    }
}
