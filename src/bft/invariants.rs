//! Safety predicates. Pure; what a validator asks itself before it signs, and what votes prove.
//!
//! "Whether": may this be signed?  [`safe_to_sign`], [`safe_to_prepare`] (guard P), [`safe_to_commit`] (guard C)
//! "What": which certificate is kept, what is final? [`certificate_to_keep`], [`finality`], [`is_certificate`]

use super::InView;
use crate::types::{BlockHash, Thresholds, View};

/// What a validator has and did at the height below the one it is about to sign for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// The block that is final for it: its tip, or below. A proof above the tip does not count: whoever voted on that alone
    /// has signed nothing of what lies between, and its report leaves a view change free there.
    pub proven: Option<BlockHash>,
    /// Its latest prepare vote.
    pub prepared: Option<InView>,
    /// Its latest commit vote.
    pub committed: Option<InView>,
}

/// Vote once (I2): nothing below `current`, the latest view that it entered or asked for, and never another block than
/// `last`, its latest vote of this kind at this height, in the same view.
pub fn safe_to_sign(vote: InView, last: Option<InView>, current: View) -> bool {
    vote.view >= current && last.is_none_or(|last| last.view < vote.view || last == vote)
}

/// Guard P: a prepare vote in `view` for a block on `parent` stands on a proof of the parent, or on an own prepare vote
/// for it in the same view. So a fast quorum for a block is one for its ancestors.
pub fn safe_to_prepare(view: View, parent: BlockHash, below: &Below) -> bool {
    stands_on(InView::new(view, parent), below.proven, below.prepared)
}

/// Guard C: a commit vote in `view` for a block on `parent` stands on a proof of the parent, or on an own commit vote for
/// it in the same view. So a slow quorum of commits for a block is one for its ancestors.
pub fn safe_to_commit(view: View, parent: BlockHash, below: &Below) -> bool {
    stands_on(InView::new(view, parent), below.proven, below.committed)
}

/// A proof of another parent outweighs an own vote: that vote's block cannot be final any more.
fn stands_on(parent: InView, proven: Option<BlockHash>, own: Option<InView>) -> bool {
    proven.map_or(own == Some(parent), |proven| proven == parent.hash)
}

/// Of two certificates for a height, the one of the later view; the one that is held if they are of the same view.
pub fn certificate_to_keep(held: Option<InView>, new: InView) -> InView {
    held.filter(|held| held.view >= new.view).unwrap_or(new)
}

/// How a block became final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// By prepare votes alone.
    Fast,
    /// By commit votes behind a certificate.
    Slow,
}

/// Whether votes of one view for one block, by their power, make it final.
pub fn finality(thresholds: &Thresholds, prepares: u128, commits: u128) -> Option<Path> {
    if prepares >= thresholds.fast() {
        Some(Path::Fast)
    } else if commits >= thresholds.slow() {
        Some(Path::Slow)
    } else {
        None
    }
}

/// Whether prepare votes of one view for one block are a certificate. It is not final: another block may become so in a
/// later view as long as nobody committed to this one.
pub fn is_certificate(thresholds: &Thresholds, prepares: u128) -> bool {
    prepares >= thresholds.slow()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: BlockHash = BlockHash::new([0xa; 32]);
    const B: BlockHash = BlockHash::new([0xb; 32]);

    fn at(view: u64, hash: BlockHash) -> InView {
        InView::new(View::new(view), hash)
    }

    #[test]
    fn a_validator_signs_once_in_a_view_and_never_below_its_own() {
        // vote, last vote of the kind, current view; may it?
        let table = [
            (at(2, A), None, 2, true),
            (at(2, A), None, 3, false),
            (at(3, A), None, 2, true),
            (at(2, A), Some(at(2, A)), 2, true),
            (at(2, B), Some(at(2, A)), 2, false),
            (at(3, B), Some(at(2, A)), 3, true),
            (at(2, A), Some(at(3, A)), 2, false),
        ];
        for (vote, last, current, may) in table {
            assert_eq!(safe_to_sign(vote, last, View::new(current)), may, "{vote:?} {last:?} {current}");
        }
    }

    #[test]
    fn a_vote_stands_on_a_proof_or_on_an_own_vote_of_the_same_view() {
        // proof below, own vote below, view, parent; may it?
        let table = [
            (None, None, 1, A, false),
            (Some(A), None, 1, A, true),
            (Some(B), None, 1, A, false),
            (None, Some(at(1, A)), 1, A, true),
            (None, Some(at(1, B)), 1, A, false),
            (None, Some(at(0, A)), 1, A, false),
            (None, Some(at(2, A)), 1, A, false),
            (Some(A), Some(at(1, B)), 1, A, true),
            (Some(B), Some(at(1, A)), 1, A, false),
        ];
        for (proven, own, view, parent, may) in table {
            let view = View::new(view);
            let of_prepare = Below { proven, prepared: own, committed: None };
            let of_commit = Below { proven, prepared: None, committed: own };
            assert_eq!(safe_to_prepare(view, parent, &of_prepare), may, "P: {of_prepare:?} {view} {parent}");
            assert_eq!(safe_to_commit(view, parent, &of_commit), may, "C: {of_commit:?} {view} {parent}");
            // One kind of vote is no ground for the other.
            assert_eq!(safe_to_prepare(view, parent, &of_commit), proven == Some(parent));
            assert_eq!(safe_to_commit(view, parent, &of_prepare), proven == Some(parent));
        }
    }

    #[test]
    fn the_certificate_of_the_later_view_is_kept() {
        assert_eq!(certificate_to_keep(None, at(0, A)), at(0, A));
        assert_eq!(certificate_to_keep(Some(at(1, A)), at(2, B)), at(2, B));
        assert_eq!(certificate_to_keep(Some(at(2, A)), at(1, B)), at(2, A));
        assert_eq!(certificate_to_keep(Some(at(2, A)), at(2, B)), at(2, A));
    }

    #[test]
    fn votes_are_final_on_either_path() {
        let six = Thresholds::new(6, 1).expect("the slack fits");
        // prepares, commits
        let table = [
            ((4, 3), None),
            ((5, 0), Some(Path::Fast)),
            ((4, 4), Some(Path::Slow)),
            ((0, 4), Some(Path::Slow)),
            ((6, 6), Some(Path::Fast)),
        ];
        for ((prepares, commits), expected) in table {
            assert_eq!(finality(&six, prepares, commits), expected, "{prepares} {commits}");
        }
        assert!(is_certificate(&six, 4) && !is_certificate(&six, 3));
    }
}
