//! A submission written in place: claim a pooled buffer, fill it, commit it.

use super::shared::Shared;
use super::{Error, Node};
use crate::pool::Handle;
use crate::queue::Claim;
use crate::types::{ChainId, LaneId, OpId};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A buffer of the chain's pool, to be filled. Dropping it gives it back.
pub struct NodeClaim {
    shared: Arc<Shared>,
    chain: ChainId,
    claim: Claim,
}

impl Node {
    /// Takes a buffer of exactly `len` bytes for `lane` of `chain`.
    ///
    /// # Errors
    /// As [`Node::submit`], except that a full lane shows at the commit.
    pub fn claim(&self, chain: ChainId, lane: LaneId, len: usize) -> Result<NodeClaim, Error> {
        self.shared.here()?;
        let claim = self.queue(chain).claim(len, lane)?;
        Ok(NodeClaim { shared: Arc::clone(self.shared()), chain, claim })
    }

    /// Takes back a claim that was turned into a handle.
    ///
    /// # Errors
    /// `BadHandle` when the handle was committed, aborted or never given out.
    pub fn adopt_claim(&self, chain: ChainId, lane: LaneId, handle: Handle) -> Result<NodeClaim, Error> {
        let claim = Claim::adopt(self.queue(chain), handle, lane)?;
        Ok(NodeClaim { shared: Arc::clone(self.shared()), chain, claim })
    }
}

impl NodeClaim {
    /// Submits the buffer.
    ///
    /// # Errors
    /// As [`Node::submit`]; the claim comes back, filled as it was.
    pub fn commit(self) -> Result<OpId, (Self, Error)> {
        let Self { shared, chain, claim } = self;
        let op = match shared.take_credit(chain) {
            Ok(op) => op,
            Err(error) => return Err((Self { shared, chain, claim }, error)),
        };
        match claim.commit(shared.meta(op)) {
            Ok(()) => Ok(op),
            Err((claim, error)) => {
                shared.cell(chain).credits.settle(1);
                Err((Self { shared, chain, claim }, error.into()))
            }
        }
    }

    /// Lets go of the buffer without giving it back; [`Node::adopt_claim`] takes it up again.
    pub fn into_handle(self) -> Handle {
        self.claim.into_handle()
    }
}

impl fmt::Debug for NodeClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeClaim").field("chain", &self.chain).field("len", &self.claim.len()).finish()
    }
}

impl Deref for NodeClaim {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.claim
    }
}

impl DerefMut for NodeClaim {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.claim
    }
}
