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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bft::testing::{BASE, Network, chain, in_view, place, view};
    use crate::bft::{Claim, Tip};
    use crate::types::{BlockHash, Height};
    use std::collections::BTreeSet;

    #[test]
    fn whatever_claims_say_is_in_their_statement_but_not_the_signature() {
        let network = Network::four();
        let [one, two] = chain("block");
        let claim = Claim { certificate: Some(in_view(1, &one)), vote: None };
        let claims = network.claims(1, 2, BASE, &[claim, Claim::default()]);
        let of = |change: &dyn Fn(&mut Claims)| {
            let mut changed = claims.clone();
            change(&mut changed);
            changed.statement()
        };
        let said = claims.statement();
        assert_eq!((said.kind, said.view, said.height), (Kind::ViewChange, view(2), BASE.height));
        assert_eq!(of(&|claims| claims.signature = network.sign(0, &said)), said);
        let moved = |claims: &mut Claims| claims.above.reverse();
        let swapped = |claims: &mut Claims| {
            claims.above[0] = Claim { vote: Some(in_view(1, &one)), certificate: None };
        };
        let changed = [
            of(&|claims| claims.from = place(2)),
            of(&|claims| claims.view = view(3)),
            of(&|claims| claims.low.height = Height::new(9)),
            of(&|claims| claims.low = Tip { hash: BlockHash::ZERO, ..BASE }),
            of(&|claims| claims.above.truncate(1)),
            of(&|claims| claims.above.push(Claim::default())),
            of(&|claims| claims.above[0].certificate = Some(in_view(0, &one))),
            of(&|claims| claims.above[0].certificate = Some(in_view(1, &two))),
            of(&|claims| claims.above[1].vote = Some(in_view(0, &two))),
            of(&moved),
            of(&swapped),
            said,
        ];
        let hashes: BTreeSet<BlockHash> = changed.iter().map(|said| said.hash).collect();
        assert_eq!(hashes.len(), changed.len());
    }

    #[test]
    fn whoever_begins_a_view_signs_for_the_claims_and_their_signatures() {
        let network = Network::four();
        let new_view = network.begun(2, &[0, 1, 3]);
        let of = |change: &dyn Fn(&mut NewView)| {
            let mut changed = new_view.clone();
            change(&mut changed);
            changed.statement()
        };
        let said = new_view.statement();
        assert_eq!((said.kind, said.view, said.height), (Kind::NewView, view(2), BASE.height));
        assert_eq!(of(&|of| of.signature = of.claims[0].signature), said);
        assert_eq!(of(&|of| of.backing.proposals.clear()), said, "it shows itself");
        let higher = of(&|of| of.claims[1].low.height = BASE.height.next());
        assert_eq!(higher.height, BASE.height.next(), "the highest tip");
        let changed = [
            of(&|of| of.from = place(0)),
            of(&|of| of.view = view(3)),
            of(&|of| drop(of.claims.pop())),
            of(&|of| of.claims.swap(0, 1)),
            of(&|of| of.claims[0].signature = of.claims[1].signature),
            of(&|of| of.claims[2].above.clear()),
            higher,
            said,
        ];
        let hashes: BTreeSet<BlockHash> = changed.iter().map(|said| said.hash).collect();
        assert_eq!(hashes.len(), changed.len());
        let nobody = network.new_view(2, Vec::new(), crate::bft::Backing::default());
        assert_eq!(nobody.statement().height, Height::ORIGIN);
    }
}
