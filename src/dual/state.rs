//! What a chain's transactions amount to.

use crate::crypto::hash;
use crate::types::{Header, StateRoot};

/// State that blocks are applied to, one after the other.
pub trait ChainState: Send {
    /// Commitment to the state after the last applied block.
    fn root(&self) -> StateRoot;
    /// Transactions applied so far.
    fn transactions(&self) -> u64;
    /// Applies the next block.
    fn apply(&mut self, header: &Header);
}

/// A running commitment over all transactions in order. It proves that two histories are equal; it
/// gives no meaning to a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerState {
    root: StateRoot,
    transactions: u64,
}

impl LedgerState {
    /// A state as it was stored.
    pub const fn restore(root: StateRoot, transactions: u64) -> Self {
        Self { root, transactions }
    }
}

impl ChainState for LedgerState {
    fn root(&self) -> StateRoot {
        self.root
    }

    fn transactions(&self) -> u64 {
        self.transactions
    }

    fn apply(&mut self, header: &Header) {
        self.transactions += u64::from(header.tx_count);
        self.root = hash::state(&self.root, &header.tx_root, self.transactions);
    }
}
