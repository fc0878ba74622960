//! What the core asks for: imperatives, to be carried out in order.

use super::{Evidence, FinalityProof, Message, PrePrepare, Proposal, Record, RecordId, Statement, Timer};
use crate::types::{BlockHash, Height, Tick, ValidatorIndex, View};
use std::sync::Arc;

/// One thing to do. Effects of one step are carried out in order; those of later steps after them.
#[derive(Clone, Debug)]
#[must_use]
pub enum Effect {
    /// Make this durable. Answer with [`super::Input::Durable`]; one answer may cover several. What depends on it is not
    /// signed before.
    Persist {
        /// Names the answer.
        id: RecordId,
        /// What to remember.
        record: Record,
    },
    /// Sign this. Answer with [`super::Input::Signed`], or not at all where no key is at hand.
    Sign(Statement),
    /// Deliver to all other validators, best effort. No answer.
    Broadcast(Message),
    /// Deliver to one, best effort. No answer.
    Send {
        /// To whom.
        to: ValidatorIndex,
        /// What.
        message: Message,
    },
    /// Arm or replace a timer. Answer with [`super::Input::Expired`] at `at` or later.
    SetTimer {
        /// Which.
        timer: Timer,
        /// When.
        at: Tick,
    },
    /// Make a block. Answer with [`super::Input::Built`], once its body is durable and where others find it.
    Build {
        /// The view in which it is proposed.
        view: View,
        /// Its height.
        height: Height,
        /// What it follows.
        parent: BlockHash,
    },
    /// Get the body of this block, from the leader or anybody who votes for it, and check it. Answer with
    /// [`super::Input::Validated`], once the body is durable where the block is valid. A block of the near future is answered when its time has
    /// come. The question may be dropped once [`Effect::Finalize`] passes its height.
    Validate {
        /// The block.
        proposal: Proposal,
        /// The view and the leader that propose it: it is from whom the host expects what else is in the header. `None` where it is
        /// asked again: the block was selected, somebody honest has found it valid in an earlier view, and what depends on the
        /// time of day or on the leader of this view is not checked.
        proposer: Option<(View, ValidatorIndex)>,
    },
    /// This block is final, and with it all its ancestors. Heights only rise, and may leave some out: their blocks follow from
    /// the parents' hashes. No answer.
    Finalize {
        /// What shows it to anybody.
        proof: FinalityProof,
        /// Its header, where it is known.
        proposal: Option<Proposal>,
    },
    /// The view changed, or waits to. No answer.
    Entered {
        /// The view.
        view: View,
        /// Whether it has begun; `false` while it is asked for.
        begun: bool,
    },
    /// A leader signed this proposal, and the host said that it is not valid. It shows nothing to who cannot check it, so it is no
    /// evidence. No answer.
    Report(Arc<PrePrepare>),
    /// Somebody broke the rules and signed that it did. No answer.
    Blame(Evidence),
}
