//! What somebody knows who sees every block and every signature.

use crate::bft::{Elector, Kind, Powers, Statement};
use crate::crypto::ed25519::Signature;
use crate::sim::agreement::block::Block;
use crate::sim::agreement::keys::{Keys, Lots};
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A block that is final for whoever collects the signatures that there are, with those that liars may add at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::agreement) struct Final {
    pub(in crate::sim::agreement) height: Height,
    pub(in crate::sim::agreement) hash: BlockHash,
    /// The view of the votes, for it or for a descendant.
    pub(in crate::sim::agreement) view: View,
}

/// Everything that is known.
#[derive(Debug)]
pub(in crate::sim::agreement) struct Facts {
    pub(in crate::sim::agreement) powers: Powers,
    pub(in crate::sim::agreement) lots: Arc<Lots>,
    pub(in crate::sim::agreement) keys: Keys,
    /// Every block that was made.
    pub(in crate::sim::agreement) blocks: BTreeMap<BlockHash, Arc<Block>>,
    byzantine: BTreeSet<ValidatorIndex>,
    /// Of whom it is known that he votes so.
    votes: BTreeMap<Statement, BTreeSet<ValidatorIndex>>,
    finals: BTreeMap<Height, Final>,
}

impl Facts {
    pub(in crate::sim::agreement) fn new(powers: Powers, lots: Arc<Lots>, keys: Keys) -> Self {
        Self {
            powers,
            lots,
            keys,
            blocks: BTreeMap::new(),
            byzantine: BTreeSet::new(),
            votes: BTreeMap::new(),
            finals: BTreeMap::new(),
        }
    }

    /// This validator may do anything.
    pub(in crate::sim::agreement) fn corrupt(&mut self, place: ValidatorIndex) {
        self.byzantine.insert(place);
    }

    /// Whether a validator keeps to the rules.
    pub(in crate::sim::agreement) fn is_honest(&self, place: ValidatorIndex) -> bool {
        !self.byzantine.contains(&place)
    }

    /// Who leads a height in a view.
    pub(super) fn leader(&self, height: Height, view: View) -> ValidatorIndex {
        self.lots.leader(height, view)
    }

    /// Whether a validator begins a view.
    pub(in crate::sim::agreement) fn leads(&self, place: ValidatorIndex, view: View) -> bool {
        self.lots.coordinator(view) == place
    }

    /// Whether a validator has signed this, as far as anybody may know.
    pub(super) fn has_signed(&self, place: ValidatorIndex, statement: &Statement) -> bool {
        self.votes.get(statement).is_some_and(|signers| signers.contains(&place))
    }

    /// Whether this is that validator's signature.
    pub(super) fn is_signature(
        &self,
        place: ValidatorIndex,
        statement: &Statement,
        signature: &Signature,
    ) -> bool {
        self.keys.sign(place, statement) == *signature
    }

    /// The block that is final at a height.
    pub(super) fn final_at(&self, height: Height) -> Option<Final> {
        self.finals.get(&height).copied()
    }

    /// The highest one.
    pub(in crate::sim::agreement) fn highest(&self) -> Height {
        self.finals.keys().next_back().copied().unwrap_or(Height::ORIGIN)
    }

    /// The parent of a block.
    pub(super) fn parent(&self, hash: BlockHash) -> Option<BlockHash> {
        self.blocks.get(&hash).map(|block| block.proposal.parent)
    }

    /// A signature comes into the world. Returns what is final by it that was not before, or in a later view only; two
    /// blocks at a height, if so.
    pub(in crate::sim::agreement) fn sign(
        &mut self,
        place: ValidatorIndex,
        statement: &Statement,
    ) -> Vec<Final> {
        let signers = self.votes.entry(*statement).or_default();
        let thresholds = self.powers.thresholds();
        let needed = match statement.kind {
            Kind::Prepare => thresholds.fast(),
            Kind::Commit => thresholds.slow(),
            Kind::PrePrepare | Kind::ViewChange | Kind::NewView => u128::MAX,
        };
        if !signers.insert(place) {
            return Vec::new();
        }
        let weight = self.powers.weight(signers.union(&self.byzantine).copied());
        if weight < needed { Vec::new() } else { self.finalize(statement) }
    }

    fn finalize(&mut self, statement: &Statement) -> Vec<Final> {
        let mut news = Vec::new();
        let (mut height, mut hash) = (statement.height, statement.hash);
        while height > Height::ORIGIN {
            let new = Final { height, hash, view: statement.view };
            match self.finals.get_mut(&height) {
                Some(known) if known.hash == hash && known.view <= new.view => break,
                Some(known) if known.hash == hash => known.view = new.view,
                Some(_) => {}
                None => drop(self.finals.insert(height, new)),
            }
            news.push(new);
            let Some(parent) = self.parent(hash) else { break };
            (height, hash) = (height.back(1).unwrap_or(Height::ORIGIN), parent);
        }
        news
    }
}
