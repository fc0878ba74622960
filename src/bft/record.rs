//! What a validator must never forget: the records of its log of votes.
//!
//! # Model
//! A record is durable before the message that reveals it leaves. After a restart the records are read in their order;
//! those of heights that are durable in the chain's store say nothing any more and may be cut off, but for the latest view.
//! A torn last record was never revealed and is dropped. Any other damage, or a log that is gone, makes an observer until the next
//! epoch: who does not know what it signed must not sign.

use super::{Certificate, FinalityProof, InView, Proposal};
use crate::types::{Height, View};

/// Names an [`super::Effect::Persist`]; they count up from 1 in each run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u64);

/// One thing to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// It is in this view or waits for it, and votes in no earlier one.
    View(View),
    /// A prepare vote, and for a leader the proposal itself.
    Prepared {
        /// In which view.
        view: View,
        /// For what.
        proposal: Proposal,
    },
    /// The certificate of the highest view at its height.
    Certified {
        /// The certificate.
        certificate: Certificate,
        /// The header of its block.
        proposal: Proposal,
    },
    /// A commit vote.
    Committed {
        /// At which height.
        height: Height,
        /// In which view, for which block.
        vote: InView,
    },
    /// A block is final, and all before it: votes above stand on it. So it is not the chain's store, which may be behind, that says
    /// what they stood on.
    Final(FinalityProof),
}

impl Record {
    /// The height that it speaks of; `None` for a view, of which the latest counts.
    pub fn height(&self) -> Option<Height> {
        match self {
            Self::View(_) => None,
            Self::Prepared { proposal, .. } | Self::Certified { proposal, .. } => Some(proposal.height),
            Self::Committed { height, .. } => Some(*height),
            Self::Final(proof) => Some(proof.height()),
        }
    }
}
