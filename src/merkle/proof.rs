//! An inclusion proof that verifies without the tree.

use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::hash;
use crate::types::{TxId, TxRoot};

/// Most steps of a proof: one per bit of the leaf count.
pub const PROOF_STEPS_MAX: usize = 32;

/// Siblings on the way from a leaf to the root, bottom up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    index: u32,
    leaves: u32,
    siblings: Vec<[u8; 32]>,
}

impl Proof {
    pub(super) const fn new(index: u32, leaves: u32, siblings: Vec<[u8; 32]>) -> Self {
        Self { index, leaves, siblings }
    }

    /// Position of the leaf.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// True when `id` is leaf `index` of the tree with this root.
    pub fn verify(&self, id: &TxId, root: &TxRoot) -> bool {
        let (mut position, mut width) = (self.index, self.leaves);
        if position >= width {
            return false;
        }
        let mut node = hash::tx_leaf(id);
        let mut siblings = self.siblings.iter();
        while width > 1 {
            // An odd last node has no sibling and moves up unchanged.
            if position % 2 == 1 || position + 1 < width {
                let Some(sibling) = siblings.next() else { return false };
                node = if position % 2 == 1 {
                    hash::tx_node(sibling, &node)
                } else {
                    hash::tx_node(&node, sibling)
                };
            }
            position /= 2;
            width = width.div_ceil(2);
        }
        siblings.next().is_none() && hash::tx_root(&node, self.leaves) == *root
    }

    /// Appends `index u32, leaves u32, steps u32, siblings`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let steps = u32::try_from(self.siblings.len()).expect("at most 32 steps");
        let mut writer = Writer::new(out);
        writer.u32(self.index).u32(self.leaves).u32(steps);
        for sibling in &self.siblings {
            writer.bytes(sibling);
        }
    }

    /// Reads what [`Proof::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes end early or state more than [`PROOF_STEPS_MAX`] steps.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (index, leaves) = (reader.u32("index")?, reader.u32("leaves")?);
        let at = reader.clone();
        let steps = reader.u32("steps")? as usize;
        if steps > PROOF_STEPS_MAX {
            return Err(at.fault("steps", format!("{steps} is over the limit of {PROOF_STEPS_MAX}")));
        }
        let siblings = (0..steps).map(|_| reader.array("sibling")).collect::<Result<_, _>>()?;
        Ok(Self { index, leaves, siblings })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{prove, root};
    use super::*;

    fn ids(count: u8) -> Vec<TxId> {
        (0..count).map(|seed| TxId::new([seed; 32])).collect()
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_and_nothing_else_is() {
        for count in 1..=17 {
            let ids = ids(count);
            let root = root(&ids);
            for index in 0..count {
                let proof = prove(&ids, u32::from(index)).expect("in range");
                for (other, id) in ids.iter().enumerate() {
                    assert_eq!(
                        proof.verify(id, &root),
                        other == usize::from(index),
                        "{count} {index} {other}"
                    );
                }
            }
            assert_eq!(prove(&ids, u32::from(count)), None);
        }
        assert_eq!(root(&[]), TxRoot::ZERO);
    }

    #[test]
    fn a_proof_altered_in_any_byte_fails() {
        let ids = ids(11);
        let root = root(&ids);
        let mut bytes = Vec::new();
        prove(&ids, 6).expect("in range").encode(&mut bytes);
        for position in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[position] ^= 1;
            let mut reader = Reader::new(&altered);
            let accepted = Proof::decode(&mut reader)
                .is_ok_and(|proof| reader.remaining() == 0 && proof.verify(&ids[6], &root));
            assert!(!accepted, "byte {position}");
        }
    }

    #[test]
    fn an_inner_node_does_not_pass_for_a_leaf() {
        let ids = ids(4);
        let inner = hash::tx_node(&hash::tx_leaf(&ids[0]), &hash::tx_leaf(&ids[1]));
        let right = hash::tx_node(&hash::tx_leaf(&ids[2]), &hash::tx_leaf(&ids[3]));
        let forged = Proof::new(0, 2, vec![right]);
        assert!(!forged.verify(&TxId::new(inner), &root(&ids)));
    }
}
