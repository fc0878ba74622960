//! What the core is told: facts, in the past tense.

use super::verify::Verified;
use super::{Proposal, RecordId, Statement};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::time::Duration;

/// What the core wants to be woken for. Each is armed at most once; arming it again replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The lowest height that is not final takes too long: leave the view.
    View,
    /// Enough want the next view and it does not begin: want the one after.
    NewView,
    /// Say again what may have been lost, and where this validator is.
    Resend,
    /// The fast path took too long at this height: commit.
    Fast(Height),
}

/// One fact. Any order is safe; an answer to something that is no longer asked is ignored.
#[derive(Clone, Debug)]
pub enum Input {
    /// The host runs: timers can be armed. The first input, once.
    Started,
    /// A message came and what it carries is verified.
    Received {
        /// The peer at the other end of the link, which need not be who signed; `None` for no validator.
        from: Option<ValidatorIndex>,
        /// What it says.
        message: Verified,
    },
    /// The time of this height, and of all before it, has come: leaders may propose.
    Opened(Height),
    /// A block was made: the answer to `Build`.
    Built {
        /// In the view of the question.
        view: View,
        /// The block; its body is where the others will ask for it.
        proposal: Proposal,
    },
    /// The body of a block is here and was checked: the answer to `Validate`.
    Validated {
        /// Which block.
        hash: BlockHash,
        /// Whether the question was asked again, without a proposer.
        again: bool,
        /// Whether it may follow its parent.
        valid: bool,
    },
    /// This record and all before it are durable: the answer to `Persist`.
    Durable(RecordId),
    /// The answer to `Sign`.
    Signed {
        /// What was to be signed.
        statement: Statement,
        /// The signature.
        signature: Signature,
    },
    /// A timer has run out: the answer to `SetTimer`.
    Expired(Timer),
    /// How long a message to a peer and its answer took. All timers are derived from this.
    RoundTrip {
        /// The peer.
        peer: ValidatorIndex,
        /// There and back.
        took: Duration,
    },
}
