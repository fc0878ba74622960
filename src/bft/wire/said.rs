//! What is signed of a view change and of a new view: a statement with the hash of all that they say.

use super::sink;
use crate::bft::{Claims, Kind, NewView, Statement};
use crate::codec::Writer;
use crate::crypto::hash;
use crate::types::Height;

impl Claims {
    /// What their signature is over: the hash of the place, the view, the tip and the claim of each height, at the height of the tip.
    pub fn statement(&self) -> Statement {
        let mut bytes = Vec::with_capacity(51 + 81 * self.above.len());
        sink::said(&mut Writer::new(&mut bytes), self);
        Statement::new(Kind::ViewChange, self.view, self.low.height, hash::claims(&bytes))
    }
}

impl NewView {
    /// What the coordinator's signature is over: the hash of the place, the view and all claims with their signatures, at the height of
    /// the highest tip. What stands behind the claims shows itself.
    pub fn statement(&self) -> Statement {
        let mut bytes = Vec::with_capacity(14 + 512 * self.claims.len());
        let mut writer = Writer::new(&mut bytes);
        sink::place(&mut writer, self.from);
        writer.u64(self.view.get());
        sink::all_claims(&mut writer, &self.claims);
        let base = self.claims.iter().map(|claims| claims.low.height).max().unwrap_or(Height::ORIGIN);
        Statement::new(Kind::NewView, self.view, base, hash::new_view(&bytes))
    }
}
