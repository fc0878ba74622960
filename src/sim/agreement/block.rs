//! Blocks of the simulated chain: a header that says all that matters, and a body that is nothing but there.
//!
//! The hash is that of the header, so nobody makes two blocks of one hash.

use crate::bft::Proposal;
use crate::bft::wire::{Headers, Identity};
use crate::codec::{Malformed, Reader};
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::fmt;
use std::sync::Arc;

const HEADER_BYTES: usize = 59;

/// A block with its body.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) proposal: Proposal,
    /// Whether it may follow its parent, as everybody finds who checks it.
    pub(super) is_valid: bool,
}

/// By whom, when, and which of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making {
    pub(super) maker: ValidatorIndex,
    pub(super) view: View,
    pub(super) salt: u64,
    pub(super) is_valid: bool,
}

impl Block {
    /// A block at `height` on `parent`.
    pub(super) fn new(height: Height, parent: BlockHash, making: Making) -> Self {
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(&height.get().to_le_bytes());
        header.extend_from_slice(parent.as_bytes());
        header.extend_from_slice(&making.maker.get().to_le_bytes());
        header.extend_from_slice(&making.view.get().to_le_bytes());
        header.extend_from_slice(&making.salt.to_le_bytes());
        header.push(u8::from(making.is_valid));
        let hash = BlockHash::new(*blake3::hash(&header).as_bytes());
        let proposal = Proposal { height, hash, parent, header: Arc::from(header) };
        Self { proposal, is_valid: making.is_valid }
    }
}

/// Reads headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading;

impl Headers for Reading {
    fn identify(&self, header: &[u8]) -> Result<Identity, Malformed> {
        let mut reader = Reader::new(header);
        let height = Height::new(reader.u64("header height")?);
        let parent = BlockHash::new(reader.array("header parent")?);
        reader.bytes("header rest", HEADER_BYTES - 40)?;
        reader.finish("header")?;
        Ok(Identity { height, hash: BlockHash::new(*blake3::hash(header).as_bytes()), parent })
    }
}

/// Whether a proposal is that of its header.
pub(super) fn is_whole(proposal: &Proposal) -> bool {
    let Proposal { height, hash, parent, header } = proposal;
    Reading.identify(header) == Ok(Identity { height: *height, hash: *hash, parent: *parent })
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.proposal, if self.is_valid { "" } else { " invalid" })
    }
}

/// The first bytes of a hash, for people.
pub(super) struct Short(pub(super) BlockHash);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.as_bytes();
        write!(f, "{:02x}{:02x}{:02x}", bytes[0], bytes[1], bytes[2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_that_is_not_its_header_is_noticed() {
        let making = Making { maker: ValidatorIndex::new(1), view: View::new(2), salt: 3, is_valid: true };
        let block = Block::new(Height::new(4), BlockHash::new([5; 32]), making);
        assert!(is_whole(&block.proposal));
        let other = Block::new(Height::new(4), BlockHash::new([5; 32]), Making { salt: 4, ..making });
        assert_ne!(block.proposal.hash, other.proposal.hash);
        for wrong in [
            Proposal { height: Height::new(5), ..block.proposal.clone() },
            Proposal { parent: BlockHash::new([6; 32]), ..block.proposal.clone() },
            Proposal { hash: other.proposal.hash, ..block.proposal.clone() },
            Proposal { header: Arc::from([]), ..block.proposal.clone() },
        ] {
            assert!(!is_whole(&wrong), "{wrong:?}");
        }
    }
}
