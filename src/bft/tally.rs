//! Counting the votes of one kind at one height, in the views that still matter.

use super::{InView, Kind, Powers, Statement, Vote, Votes};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::collections::BTreeMap;

/// What became of a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// It counts.
    New,
    /// It was known.
    Known,
    /// The same validator voted for another block before, in this view. The first vote counts.
    Conflict(Vote),
}

/// The votes of one kind at one height. Bounded by the views that its owner lets in: one vote for each validator and view.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    kind: Kind,
    height: Height,
    views: BTreeMap<View, InOneView>,
}

#[derive(Clone, Debug, Default)]
struct InOneView {
    votes: BTreeMap<ValidatorIndex, (BlockHash, Signature)>,
    /// One for each block that anybody voted for; almost always one.
    weights: Vec<(BlockHash, u128)>,
}

impl Tally {
    pub(super) const fn new(kind: Kind, height: Height) -> Self {
        Self { kind, height, views: BTreeMap::new() }
    }

    /// Counts a verified vote of this kind at this height.
    pub(super) fn count(&mut self, powers: &Powers, vote: &Vote) -> Counted {
        let Statement { view, hash, .. } = vote.statement;
        let of_view = self.views.entry(view).or_default();
        if let Some((before, signature)) = of_view.votes.get(&vote.from) {
            if *before == hash {
                return Counted::Known;
            }
            let statement = Statement { hash: *before, ..vote.statement };
            return Counted::Conflict(Vote { from: vote.from, statement, signature: *signature });
        }
        of_view.votes.insert(vote.from, (hash, vote.signature));
        let power = u128::from(powers.of(vote.from).unwrap_or(0));
        match of_view.weights.iter_mut().find(|(of, _)| *of == hash) {
            Some((_, weight)) => *weight += power,
            None => of_view.weights.push((hash, power)),
        }
        Counted::New
    }

    /// The power of the votes for a block in a view.
    pub(super) fn weight(&self, of: InView) -> u128 {
        let weights = self.views.get(&of.view).map_or(&[][..], |of_view| &of_view.weights);
        weights.iter().find(|(hash, _)| *hash == of.hash).map_or(0, |(_, weight)| *weight)
    }

    /// The block for which votes of one view have the power `needed`, in the latest such view; of several in it, which takes
    /// more than the faulty, the lowest.
    pub(super) fn reached(&self, needed: u128) -> Option<InView> {
        self.views.iter().rev().find_map(|(view, of_view)| {
            let enough = of_view.weights.iter().filter(|(_, weight)| *weight >= needed);
            enough.map(|(hash, _)| *hash).min().map(|hash| InView::new(*view, hash))
        })
    }

    /// The votes for a block in a view.
    pub(super) fn collect(&self, of: InView) -> Votes {
        let all = self.views.get(&of.view).into_iter().flat_map(|of_view| &of_view.votes);
        let signatures = all.filter(|(_, (hash, _))| *hash == of.hash);
        Votes {
            statement: Statement::new(self.kind, of.view, self.height, of.hash),
            signatures: signatures.map(|(from, (_, signature))| (*from, *signature)).collect(),
        }
    }

    /// The votes of one validator.
    pub(super) fn of(&self, from: ValidatorIndex) -> impl Iterator<Item = Vote> + '_ {
        self.views.iter().filter_map(move |(view, of_view)| {
            let (hash, signature) = of_view.votes.get(&from)?;
            let statement = Statement::new(self.kind, *view, self.height, *hash);
            Some(Vote { from, statement, signature: *signature })
        })
    }

    /// Number of votes.
    pub(super) fn len(&self) -> usize {
        self.views.values().map(|of_view| of_view.votes.len()).sum()
    }

    /// Forgets the votes of earlier views than `first`.
    pub(super) fn keep_from(&mut self, first: View) {
        self.views = self.views.split_off(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: BlockHash = BlockHash::new([0xa; 32]);
    const B: BlockHash = BlockHash::new([0xb; 32]);
    const HEIGHT: Height = Height::new(7);

    fn vote(from: u16, view: u64, hash: BlockHash) -> Vote {
        Vote {
            from: ValidatorIndex::new(from),
            statement: Statement::new(Kind::Prepare, View::new(view), HEIGHT, hash),
            signature: Signature::new([from as u8; 64]),
        }
    }

    fn at(view: u64, hash: BlockHash) -> InView {
        InView::new(View::new(view), hash)
    }

    #[test]
    fn a_validator_counts_once_in_a_view_with_its_power() {
        let powers = Powers::new(vec![5, 3, 2], 0).expect("they have power");
        let mut tally = Tally::new(Kind::Prepare, HEIGHT);
        assert_eq!(tally.count(&powers, &vote(0, 1, A)), Counted::New);
        assert_eq!(tally.count(&powers, &vote(0, 1, A)), Counted::Known);
        assert_eq!(tally.count(&powers, &vote(0, 1, B)), Counted::Conflict(vote(0, 1, A)));
        assert_eq!(tally.count(&powers, &vote(2, 1, A)), Counted::New);
        assert_eq!(tally.count(&powers, &vote(0, 2, B)), Counted::New);
        assert_eq!((tally.weight(at(1, A)), tally.weight(at(1, B)), tally.weight(at(2, B))), (7, 0, 5));
        assert_eq!(tally.reached(7), Some(at(1, A)));
        assert_eq!(tally.reached(5), Some(at(2, B)), "the latest view");
        assert_eq!(tally.reached(8), None);
        assert_eq!(tally.of(ValidatorIndex::new(0)).count(), 2);
    }

    #[test]
    fn votes_are_collected_in_the_order_of_validators_and_old_views_forgotten() {
        let powers = Powers::new(vec![1; 4], 0).expect("they have power");
        let mut tally = Tally::new(Kind::Prepare, HEIGHT);
        for from in [3, 0, 2] {
            tally.count(&powers, &vote(from, 1, A));
        }
        tally.count(&powers, &vote(1, 1, B));
        let votes = tally.collect(at(1, A));
        assert_eq!(votes.signers().map(ValidatorIndex::get).collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(votes.statement, vote(0, 1, A).statement);
        tally.keep_from(View::new(2));
        assert_eq!((tally.weight(at(1, A)), tally.collect(at(1, A)).signatures.len()), (0, 0));
    }
}
