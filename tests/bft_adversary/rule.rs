//! Who decides by which rule: the library's, or a mistake made on purpose.

use crate::dice::{Mask, members};
use duochain::bft::{InView, Powers, Reason, Report, Stop, check_reports, select};
use duochain::types::{BlockHash, Height, View};

/// How the block of a height is chosen for a new view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// `duochain::bft::select`.
    Library,
    /// The latest certificate, else free.
    CertificatesOnly,
    /// Of the blocks with votes of a weak quorum, the one with the most.
    Plurality,
    /// A certificate of whatever view, else the candidate: Zyzzyva's.
    CertificateFirst,
    /// The candidate of whatever view, else the latest certificate.
    VotesFirst,
    /// As the library, but of a certificate and a candidate of the same view, the candidate.
    CandidateInTies,
    /// As the library, but a candidate needs one more.
    CandidateNeedsMore,
    /// As the library, but a candidate needs one less.
    CandidateNeedsLess,
}

/// The sums at which votes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quorums {
    pub(crate) slow: u32,
    pub(crate) fast: u32,
    pub(crate) view_change: u32,
}

/// A set of validators and the rule that they follow.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// With the thresholds of the library's selection.
    pub(crate) powers: Powers,
    /// How many there are; `powers` may have places behind them that nobody has.
    pub(crate) validators: usize,
    pub(crate) quorums: Quorums,
    pub(crate) choice: Choice,
    pub(crate) has_guard_p: bool,
    pub(crate) has_guard_c: bool,
    /// Nobody prepares at a height that is final for it.
    pub(crate) has_floor: bool,
    /// A proof counts as one of its height also where a height below has none.
    pub(crate) has_gaps: bool,
    weights: Vec<u32>,
    /// Groups that may lie, as large as they can be.
    pub(crate) liars: Vec<Mask>,
}

impl Setting {
    /// The library's rule.
    pub(crate) fn new(each: &[u64], slack: u128) -> Self {
        let powers = Powers::new(each.to_vec(), slack).expect("the slack fits");
        let thresholds = powers.thresholds();
        let narrow = |power: u128| u32::try_from(power).expect("sets of tests are small");
        let quorums = Quorums {
            slow: narrow(thresholds.slow()),
            fast: narrow(thresholds.fast()),
            view_change: narrow(thresholds.view_change()),
        };
        let faulty = narrow(thresholds.faulty());
        let power = |i: usize| narrow(each[i].into());
        let weights: Vec<u32> = (0..1 << each.len()).map(|group| members(group).map(power).sum()).collect();
        let is_most = |group: &Mask| {
            let weight = weights[usize::from(*group)];
            weight <= faulty && (0..each.len()).all(|i| group >> i & 1 == 1 || weight + power(i) > faulty)
        };
        let liars = (0..1 << each.len()).filter(is_most).collect();
        Self {
            powers,
            validators: each.len(),
            quorums,
            choice: Choice::Library,
            has_guard_p: true,
            has_guard_c: true,
            has_floor: true,
            has_gaps: false,
            weights,
            liars,
        }
    }

    /// The same set, which chooses otherwise.
    pub(crate) fn choosing(mut self, choice: Choice) -> Self {
        self.choice = choice;
        self
    }

    /// The same set, which takes prepares of this power for final.
    pub(crate) fn fast_at(mut self, fast: u32) -> Self {
        self.quorums.fast = fast;
        self
    }

    /// Only the first `validators` of the set exist, and count on `quorums`. Selection is that of the whole set.
    pub(crate) fn only(mut self, validators: usize, quorums: Quorums) -> Self {
        self.liars.retain(|liars| *liars < 1 << validators);
        (self.validators, self.quorums) = (validators, quorums);
        self
    }

    pub(crate) fn without_guard_p(mut self) -> Self {
        self.has_guard_p = false;
        self
    }

    pub(crate) fn without_guard_c(mut self) -> Self {
        self.has_guard_c = false;
        self
    }

    pub(crate) fn without_floor(mut self) -> Self {
        self.has_floor = false;
        self
    }

    pub(crate) fn with_gaps(mut self) -> Self {
        self.has_gaps = true;
        self
    }

    pub(crate) fn weight(&self, group: Mask) -> u32 {
        self.weights[usize::from(group)]
    }

    pub(crate) fn everybody(&self) -> Mask {
        (1 << self.validators) - 1
    }

    /// What `reports` bind a validator of `view` to.
    pub(crate) fn choose<const H: usize>(&self, view: View, reports: &[Report<'_>]) -> Ruling<H> {
        if self.choice != Choice::Library {
            return self.choose_wrongly(reports);
        }
        if self.validators == self.powers.places() {
            check_reports(&self.powers, view, H, reports).expect("the adversary sends what passes");
        }
        let found =
            select(&self.powers, H, reports, |hash| Some(parent_of(hash))).expect("headers are known");
        let (known, tip) = (found.base().height.get() as usize, found.base().hash);
        let mut ruling =
            Ruling { known, tip, bound: [None; H], reasons: [None; H], stop: Some(found.stop()) };
        for (height, chosen) in (known..H).zip(found.chosen()) {
            (ruling.bound[height], ruling.reasons[height]) = (Some(chosen.hash), Some(chosen.reason));
        }
        ruling
    }

    /// As the library's, but for the word that counts most.
    fn choose_wrongly<const H: usize>(&self, reports: &[Report<'_>]) -> Ruling<H> {
        let base = reports.iter().map(|report| report.low).max_by_key(|tip| tip.height).unwrap_or_default();
        let known = base.height.get() as usize;
        let mut ruling = Ruling { known, tip: base.hash, bound: [None; H], reasons: [None; H], stop: None };
        let mut parent = base.hash;
        for height in known..H {
            match self.word(reports, Height::new(height as u64 + 1)).filter(|hash| parent_of(*hash) == parent)
            {
                Some(hash) => (parent, ruling.bound[height]) = (hash, Some(hash)),
                None => break,
            }
        }
        ruling
    }

    /// The block that counts at `height`.
    fn word(&self, reports: &[Report<'_>], height: Height) -> Option<BlockHash> {
        let told = || reports.iter().filter_map(|report| Some((report.from, report.at(height)?)));
        if let Some(proven) = told().find_map(|(_, of)| of.proven) {
            return Some(proven);
        }
        let votes = || told().filter_map(|(from, of)| Some((from, of.vote?)));
        let weight = |hash: BlockHash, since: View| {
            let names = votes().filter(|(_, vote)| vote.hash == hash && vote.view >= since);
            self.powers.weight(names.map(|(from, _)| from))
        };
        let thresholds = self.powers.thresholds();
        let needed = thresholds.candidate(self.powers.weight(reports.iter().map(|report| report.from)));
        let needed = match self.choice {
            Choice::CandidateNeedsMore => needed + 1,
            Choice::CandidateNeedsLess => needed - 1,
            _ => needed,
        };
        let is_candidate = |vote: &InView| weight(vote.hash, vote.view) >= needed;
        let candidate = votes().map(|(_, vote)| vote).filter(is_candidate).max_by_key(|vote| vote.view);
        let certificate = told().filter_map(|(_, of)| of.certificate).max_by_key(|of| of.view);
        let of_any_view = |vote: &InView| weight(vote.hash, View::ORIGIN);
        let word = match self.choice {
            Choice::CertificatesOnly => certificate,
            Choice::Plurality => {
                let most = votes().map(|(_, vote)| vote).max_by_key(|vote| (of_any_view(vote), vote.hash));
                most.filter(|vote| of_any_view(vote) >= thresholds.weak())
            }
            Choice::CertificateFirst => certificate.or(candidate),
            Choice::VotesFirst => candidate.or(certificate),
            Choice::CandidateInTies => {
                certificate.filter(|of| candidate.is_none_or(|vote| of.view > vote.view)).or(candidate)
            }
            _ => certificate.filter(|of| candidate.is_none_or(|vote| of.view >= vote.view)).or(candidate),
        };
        word.map(|word| word.hash)
    }
}

/// What a validator that enters a view is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ruling<const H: usize> {
    /// So many heights are final by the proof that came along; the last block of them is `tip`.
    pub(crate) known: usize,
    pub(crate) tip: BlockHash,
    /// The block to prepare at each height; `None` where the leader is free.
    pub(crate) bound: [Option<BlockHash>; H],
    /// Why, and why no more: the library's words.
    pub(crate) reasons: [Option<Reason>; H],
    pub(crate) stop: Option<Stop>,
}

/// Blocks of a height in the game.
pub(crate) const BLOCKS: usize = 6;

/// Block `number` of `height`, which counts from 0. Blocks 0 and 1 of the second height stand on block 0, 2 and 3 on
/// block 1, and so on; those of the third on the first of each two: 0 and 1 on block 0, 2 and 3 on block 2.
pub(crate) const fn block(height: usize, number: usize) -> BlockHash {
    BlockHash::new([(1 + height * BLOCKS + number) as u8; 32])
}

/// The number of a block within its height.
pub(crate) fn number_of(hash: BlockHash) -> usize {
    (usize::from(hash.as_bytes()[0]) - 1) % BLOCKS
}

/// Counted from 0.
pub(crate) fn height_of(hash: BlockHash) -> usize {
    (usize::from(hash.as_bytes()[0]) - 1) / BLOCKS
}

/// The number of the block of the first height that it stands on, or is.
pub(crate) fn root_of(hash: BlockHash) -> usize {
    if height_of(hash) == 0 { number_of(hash) } else { number_of(hash) / 2 }
}

/// The genesis of the game has a hash of zeros, as the origin of the library.
pub(crate) fn parent_of(hash: BlockHash) -> BlockHash {
    match height_of(hash) {
        0 => BlockHash::ZERO,
        1 => block(0, root_of(hash)),
        height => block(height - 1, root_of(hash) * 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duochain::bft::invariants::{finality, is_certificate};

    #[test]
    fn the_game_counts_votes_as_the_library_does() {
        for setting in [Setting::new(&[1; 6], 1), Setting::new(&[7, 5, 4, 3, 3, 2, 1, 1], 3)] {
            let thresholds = setting.powers.thresholds();
            let Quorums { slow, fast, .. } = setting.quorums;
            for (group, commits) in
                (0..=setting.everybody()).map(|group| (group, setting.everybody() & !group))
            {
                let (prepares, commits) = (setting.weight(group), setting.weight(commits));
                assert_eq!(is_certificate(thresholds, prepares.into()), prepares >= slow);
                let is_final = prepares >= fast || commits >= slow;
                assert_eq!(finality(thresholds, prepares.into(), commits.into()).is_some(), is_final);
            }
        }
    }

    #[test]
    fn as_many_lie_as_may() {
        assert_eq!(Setting::new(&[1; 4], 0).liars, [1, 2, 4, 8]);
        assert_eq!(Setting::new(&[1; 7], 0).liars.len(), 21);
        let weighted = Setting::new(&[7, 5, 4, 3, 3, 2, 1, 1], 0);
        assert!(weighted.liars.iter().all(|liars| (7..=8).contains(&weighted.weight(*liars))));
        assert!(weighted.liars.contains(&0b0100_0001), "7 and 1");
    }

    #[test]
    fn children_stand_on_their_parents() {
        let parents = [0, 1, 2, 3, 4, 5].map(|number| number_of(parent_of(block(1, number))));
        assert_eq!(parents, [0, 0, 1, 1, 2, 2]);
        assert_eq!((parent_of(block(0, 5)), number_of(block(1, 5))), (BlockHash::ZERO, 5));
        assert_eq!((parent_of(block(2, 3)), height_of(block(2, 3))), (block(1, 2), 2));
    }
}
