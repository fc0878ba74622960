//! What validators sign: one fixed layout, in which no two things to say are the same bytes.
//!
//! # Model
//! ```text
//!   0  "duochain/bft/v1" [15]
//!  15  network [32]   47 chain u8   48 epoch u64   56 hash of the validator set [32]
//!  88  kind u8        89 view u64   97 height u64  105 hash [32]
//! ```
//! All integers are little-endian. The same keys sign on both chains and in each epoch, so a signature says for which it
//! was made, and as what.

use crate::types::{BlockHash, ChainId, Epoch, Height, SetHash, View};

const TAG: &[u8; 15] = b"duochain/bft/v1";

/// What is signed. The numbers are part of the signed bytes and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// "I propose this block, which I may": its leader's.
    PrePrepare = 1,
    /// The first vote for a block. Enough of them are a certificate; more of them make it final.
    Prepare = 2,
    /// The second vote, behind a certificate.
    Commit = 3,
    /// "I want this view; this is what I did before it". The hash is that of the claims, the height that of the tip.
    ViewChange = 4,
    /// "This view begins with these claims". The hash is that of all of it, the height that of its base.
    NewView = 5,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::PrePrepare, Self::Prepare, Self::Commit, Self::ViewChange, Self::NewView];

    /// Its number.
    pub const fn wire(self) -> u8 {
        self as u8
    }
}

/// One thing to say, for the chain and epoch of a [`Domain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Statement {
    /// As what.
    pub kind: Kind,
    /// In which view.
    pub view: View,
    /// At which height.
    pub height: Height,
    /// Of which block, or the hash of what else is meant: see [`Kind`].
    pub hash: BlockHash,
}

impl Statement {
    /// A vote for a block, or its proposal.
    pub const fn new(kind: Kind, view: View, height: Height, hash: BlockHash) -> Self {
        Self { kind, view, height, hash }
    }
}

/// For which agreement signatures are made: no vote of one counts in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Domain {
    /// The network: chosen once, when it is made.
    pub network: [u8; 32],
    /// The chain.
    pub chain: ChainId,
    /// The epoch.
    pub epoch: Epoch,
    /// Its validators.
    pub set: SetHash,
}

impl Domain {
    /// Length of what is signed.
    pub const BYTES: usize = 137;

    /// The bytes that are signed for `statement`.
    pub fn sign_bytes(&self, statement: &Statement) -> [u8; Self::BYTES] {
        let parts: [&[u8]; 9] = [
            TAG,
            &self.network,
            &[self.chain.wire()],
            &self.epoch.get().to_le_bytes(),
            self.set.as_bytes(),
            &[statement.kind.wire()],
            &statement.view.get().to_le_bytes(),
            &statement.height.get().to_le_bytes(),
            statement.hash.as_bytes(),
        ];
        let mut bytes = [0; Self::BYTES];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        debug_assert_eq!(at, Self::BYTES, "the layout is of one length");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn whatever_differs_is_in_the_signed_bytes() {
        let domain = Domain {
            network: [1; 32],
            chain: ChainId::Alpha,
            epoch: Epoch::new(2),
            set: SetHash::new([3; 32]),
        };
        let vote = Statement::new(Kind::Prepare, View::new(4), Height::new(5), BlockHash::new([6; 32]));
        let domains = [
            domain,
            Domain { network: [9; 32], ..domain },
            Domain { chain: ChainId::Delta, ..domain },
            Domain { epoch: Epoch::new(9), ..domain },
            Domain { set: SetHash::new([9; 32]), ..domain },
        ];
        let mut votes: Vec<Statement> = Kind::ALL.map(|kind| Statement { kind, ..vote }).into();
        votes.push(Statement { view: View::new(9), ..vote });
        votes.push(Statement { height: Height::new(9), ..vote });
        votes.push(Statement { hash: BlockHash::new([9; 32]), ..vote });
        let said = |domain: &Domain| votes.iter().map(|vote| domain.sign_bytes(vote)).collect::<Vec<_>>();
        let all: BTreeSet<[u8; Domain::BYTES]> = domains.iter().flat_map(said).collect();
        assert_eq!(all.len(), domains.len() * votes.len());
    }

    #[test]
    fn the_layout_is_that_of_the_head_of_this_file() {
        let set = SetHash::new([0xcc; 32]);
        let domain = Domain { network: [0xaa; 32], chain: ChainId::Delta, epoch: Epoch::new(7), set };
        let (view, height) = (View::new(0x0102), Height::new(0x0304));
        let bytes =
            domain.sign_bytes(&Statement::new(Kind::Commit, view, height, BlockHash::new([0xdd; 32])));
        assert_eq!((&bytes[..15], bytes[15], bytes[46], bytes[47]), (&TAG[..], 0xaa, 0xaa, 2));
        assert_eq!(
            (&bytes[48..56], bytes[56], bytes[87], bytes[88]),
            (&7u64.to_le_bytes()[..], 0xcc, 0xcc, 3)
        );
        assert_eq!(
            (&bytes[89..91], &bytes[97..99], bytes[105], bytes[136]),
            (&[2, 1][..], &[4, 3][..], 0xdd, 0xdd)
        );
    }
}
