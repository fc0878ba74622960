//! What validators did so far, and everything that anybody could do next.
//!
//! # Model
//! Messages are never lost and never arrive by themselves: a vote that was signed exists, and whoever is to act on it
//! does so in some step, or never. So a state is what was signed; a network that delays, drops, repeats and reorders is
//! one that chooses the steps. Liars need no state: they have signed whatever helps, and each sum of votes has theirs.
//! A block is decided as soon as votes for a proof of it exist, whoever may have seen them.
//!
//! Each step of an honest validator asks the library's guards, and no step asks what is good for it.

use crate::dice::Mask;
use crate::rule::{BLOCKS, Ruling, Setting, block, number_of, parent_of};
use crate::tale::{Event, Listener};
use duochain::bft::invariants::{
    Below, Path, certificate_to_keep, safe_to_commit, safe_to_prepare, safe_to_sign,
};
use duochain::bft::{HeightReport, InView, Tip};
use duochain::types::{BlockHash, Height, View};

/// Views in a schedule.
pub(crate) const VIEWS: usize = 5;
/// Largest set in the game.
pub(crate) const VALIDATORS_MAX: usize = 9;

/// An honest validator. What a report says is kept as it is reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Honest<const H: usize> {
    /// The latest view that it entered or asked for.
    pub(crate) view: usize,
    /// It is in that view, and not only asking for it.
    pub(crate) is_in: bool,
    pub(crate) bound: [Option<BlockHash>; H],
    pub(crate) kept: [HeightReport; H],
    pub(crate) committed: [Option<InView>; H],
}

impl<const H: usize> Honest<H> {
    const fn new() -> Self {
        let nothing = HeightReport { proven: None, certificate: None, vote: None };
        Self { view: 0, is_in: true, bound: [None; H], kept: [nothing; H], committed: [None; H] }
    }

    /// Heights that are final for it, from the lowest on.
    pub(crate) fn low(&self) -> usize {
        self.kept.iter().take_while(|of| of.proven.is_some()).count()
    }

    /// Only what is final with all below it counts, unless `has_gaps`.
    fn below(&self, height: usize, has_gaps: bool) -> Below {
        match height.checked_sub(1) {
            None => Below { proven: Some(BlockHash::ZERO), prepared: None, committed: None },
            Some(below) => {
                let kept = &self.kept[below];
                let proven = kept.proven.filter(|_| has_gaps || height <= self.low());
                Below { proven, prepared: kept.vote, committed: self.committed[below] }
            }
        }
    }
}

/// A view change as it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<const H: usize> {
    pub(crate) low: usize,
    pub(crate) kept: [HeightReport; H],
}

impl<const H: usize> Asked<H> {
    pub(crate) const fn new() -> Self {
        let nothing = HeightReport { proven: None, certificate: None, vote: None };
        Self { low: 0, kept: [nothing; H] }
    }

    pub(crate) fn tip(&self) -> Tip {
        let hash = self
            .low
            .checked_sub(1)
            .map_or(BlockHash::ZERO, |last| self.kept[last].proven.expect("it is final for who reports"));
        Tip { height: Height::new(self.low as u64), hash }
    }

    pub(crate) fn above(&self) -> &[HeightReport] {
        &self.kept[self.low..]
    }
}

/// How agreement was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Two blocks of this height could be shown to be final.
    Two { height: usize },
    /// A block could be shown to be final, and so could another one than its parent.
    Torn,
}

/// The world of one schedule.
#[derive(Debug)]
pub(crate) struct World<'a, const H: usize> {
    pub(crate) setting: &'a Setting,
    pub(crate) liars: Mask,
    pub(crate) honest: [Honest<H>; VALIDATORS_MAX],
    prepares: [[[Mask; BLOCKS]; H]; VIEWS],
    commits: [[[Mask; BLOCKS]; H]; VIEWS],
    /// Who asked for a view.
    pub(crate) askers: [Mask; VIEWS],
    pub(crate) asked: [[Asked<H>; VALIDATORS_MAX]; VIEWS],
    /// Blocks of each height, by number, for which a proof could be shown.
    decided: [u8; H],
    pub(crate) violation: Option<Violation>,
    /// At some time a block could be shown to be final while its parent could not.
    pub(crate) had_orphan: bool,
}

impl<'a, const H: usize> World<'a, H> {
    pub(crate) fn new(setting: &'a Setting) -> Self {
        Self {
            setting,
            liars: 0,
            honest: [Honest::new(); VALIDATORS_MAX],
            prepares: [[[0; BLOCKS]; H]; VIEWS],
            commits: [[[0; BLOCKS]; H]; VIEWS],
            askers: [0; VIEWS],
            asked: [[Asked::new(); VALIDATORS_MAX]; VIEWS],
            decided: [0; H],
            violation: None,
            had_orphan: false,
        }
    }

    /// As new, with these liars. Old view changes stay where nobody looks.
    pub(crate) fn begin(&mut self, liars: Mask) {
        self.liars = liars;
        self.honest = [Honest::new(); VALIDATORS_MAX];
        self.prepares = [[[0; BLOCKS]; H]; VIEWS];
        self.commits = [[[0; BLOCKS]; H]; VIEWS];
        self.askers = [0; VIEWS];
        self.decided = [0; H];
        self.violation = None;
        self.had_orphan = false;
    }

    /// A certificate of `view` for this block could be shown.
    pub(crate) fn has_certificate(&self, view: usize, height: usize, number: usize) -> bool {
        let votes = self.prepares[view][height][number];
        votes != 0 && self.setting.weight(votes | self.liars) >= self.setting.quorums.slow
    }

    /// The block with a certificate of `view`.
    pub(crate) fn certified(&self, view: usize, height: usize) -> Option<usize> {
        (0..BLOCKS).find(|number| self.has_certificate(view, height, *number))
    }

    fn is_decided(&self, height: usize, number: usize) -> bool {
        self.decided[height] >> number & 1 == 1
    }

    /// Blocks of `height`, by number, for which a proof could be shown.
    pub(crate) fn decided(&self, height: usize) -> Mask {
        Mask::from(self.decided[height])
    }

    /// `i` votes for `hash` in its view, if nothing forbids it.
    pub(crate) fn prepare(
        &mut self,
        i: usize,
        height: usize,
        hash: BlockHash,
        listener: &mut impl Listener,
    ) -> bool {
        let honest = &self.honest[i];
        let vote = in_view(honest.view, hash);
        let kept = &honest.kept[height];
        let is_bound_to_another = honest.bound[height].is_some_and(|bound| bound != hash);
        if !honest.is_in
            || is_bound_to_another
            || kept.vote == Some(vote)
            || (self.setting.has_floor && height < honest.low())
            || !safe_to_sign(vote, kept.vote, View::new(honest.view as u64))
            || (self.setting.has_guard_p
                && !safe_to_prepare(vote.view, parent_of(hash), &honest.below(height, self.setting.has_gaps)))
        {
            return false;
        }
        let (view, number) = (honest.view, number_of(hash));
        self.honest[i].kept[height].vote = Some(vote);
        self.prepares[view][height][number] |= 1 << i;
        listener.hear(|| Event::Prepared { i, view, height, hash });
        if self.setting.weight(self.prepares[view][height][number] | self.liars) >= self.setting.quorums.fast
        {
            self.decide(view, height, hash, Path::Fast, listener);
        }
        true
    }

    /// `i` is shown the certificate of `view`, which exists.
    pub(crate) fn certify(
        &mut self,
        i: usize,
        view: usize,
        height: usize,
        hash: BlockHash,
        listener: &mut impl Listener,
    ) {
        debug_assert!(self.has_certificate(view, height, number_of(hash)));
        let kept = &mut self.honest[i].kept[height];
        let held = kept.certificate;
        kept.certificate = Some(certificate_to_keep(held, in_view(view, hash)));
        if kept.certificate != held {
            listener.hear(|| Event::Certified { i, view, hash });
        }
    }

    /// `i`, which keeps a certificate of its view, commits to the block in it, if nothing forbids it.
    pub(crate) fn commit(&mut self, i: usize, height: usize, listener: &mut impl Listener) -> bool {
        let honest = &self.honest[i];
        let view = honest.view;
        let Some(vote) = honest.kept[height].certificate.filter(|of| of.view == View::new(view as u64))
        else {
            return false;
        };
        if honest.committed[height] == Some(vote)
            || !safe_to_sign(vote, honest.committed[height], vote.view)
            || (self.setting.has_guard_c
                && !safe_to_commit(
                    vote.view,
                    parent_of(vote.hash),
                    &honest.below(height, self.setting.has_gaps),
                ))
        {
            return false;
        }
        let number = number_of(vote.hash);
        self.honest[i].committed[height] = Some(vote);
        self.commits[view][height][number] |= 1 << i;
        listener.hear(|| Event::Committed { i, view, hash: vote.hash });
        if self.setting.weight(self.commits[view][height][number] | self.liars) >= self.setting.quorums.slow {
            self.decide(view, height, vote.hash, Path::Slow, listener);
        }
        true
    }

    /// `i` asks for `view`, a later one than its own, and says what it has.
    pub(crate) fn ask(&mut self, i: usize, view: usize, listener: &mut impl Listener) {
        let honest = &mut self.honest[i];
        debug_assert!(view > honest.view);
        (honest.view, honest.is_in) = (view, false);
        self.asked[view][i] = Asked { low: honest.low(), kept: honest.kept };
        self.askers[view] |= 1 << i;
        listener.hear(|| Event::Asked { i, view, kept: &self.asked[view][i].kept });
    }

    /// `i` enters `view`, its own or a later one, by `ruling`.
    pub(crate) fn enter(&mut self, i: usize, view: usize, ruling: &Ruling<H>, listener: &mut impl Listener) {
        let honest = &mut self.honest[i];
        debug_assert!(view > honest.view || (view == honest.view && !honest.is_in));
        (honest.view, honest.is_in, honest.bound) = (view, true, ruling.bound);
        listener.hear(|| Event::Entered {
            i,
            view,
            bound: &ruling.bound,
            reasons: &ruling.reasons,
            stop: ruling.stop,
        });
        if let Some(last) = ruling.known.checked_sub(1) {
            self.learn(i, last, ruling.tip, listener);
        }
    }

    /// `i` is shown a proof for a block of `height`, which is one for its ancestors too.
    pub(crate) fn learn(&mut self, i: usize, height: usize, hash: BlockHash, listener: &mut impl Listener) {
        let mut hash = hash;
        for height in (0..=height).rev() {
            let proven = &mut self.honest[i].kept[height].proven;
            if proven.is_none() {
                *proven = Some(hash);
                listener.hear(|| Event::Learned { i, hash });
            }
            hash = parent_of(hash);
        }
    }

    /// `i` is shown a proof, and keeps it for that height alone: its tip is the last of a row without a gap.
    pub(crate) fn learn_alone(
        &mut self,
        i: usize,
        height: usize,
        hash: BlockHash,
        listener: &mut impl Listener,
    ) {
        let proven = &mut self.honest[i].kept[height].proven;
        if proven.is_none() {
            *proven = Some(hash);
            listener.hear(|| Event::Learned { i, hash });
        }
    }

    fn decide(
        &mut self,
        view: usize,
        height: usize,
        hash: BlockHash,
        path: Path,
        listener: &mut impl Listener,
    ) {
        let number = number_of(hash);
        if self.is_decided(height, number) {
            return;
        }
        self.decided[height] |= 1 << number;
        listener.hear(|| Event::Decided { view, height, hash, path });
        if self.decided[height].count_ones() > 1 {
            self.violation = Some(Violation::Two { height });
        }
        for height in 1..H {
            let has_no_parent = |child| {
                let parent = number_of(parent_of(block(height, child)));
                self.is_decided(height, child) && !self.is_decided(height - 1, parent)
            };
            if (0..BLOCKS).any(has_no_parent) {
                self.had_orphan = true;
                let is_torn = self.decided[height - 1] != 0;
                self.violation = self.violation.or(is_torn.then_some(Violation::Torn));
            }
        }
    }

    /// Who may be told of a view: view changes of enough power exist.
    pub(crate) fn can_begin(&self, view: usize) -> bool {
        self.setting.weight(self.askers[view] | self.liars) >= self.setting.quorums.view_change
    }

    pub(crate) fn honest_mask(&self) -> Mask {
        self.setting.everybody() & !self.liars
    }
}

pub(crate) fn in_view(view: usize, hash: BlockHash) -> InView {
    InView::new(View::new(view as u64), hash)
}
