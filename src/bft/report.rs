//! What validators report when they leave a view, and which reports begin the next one.
//!
//! The signatures behind a report are verified before it gets here: a certificate and a proof in it are real, and a vote
//! is what that validator says of itself, true or not.

use super::Powers;
use crate::types::{BlockHash, Height, ValidatorIndex, View};

/// A block, and the view in which it was voted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InView {
    /// The view of the votes.
    pub view: View,
    /// The block.
    pub hash: BlockHash,
}

impl InView {
    /// `hash`, voted for in `view`.
    pub const fn new(view: View, hash: BlockHash) -> Self {
        Self { view, hash }
    }
}

/// The last block that is final for somebody, with the proof that came along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tip {
    /// Its height; 0 before the first block.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
}

/// What a validator says of one height that is above its tip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeightReport {
    /// The block with a finality proof, of either path.
    pub proven: Option<BlockHash>,
    /// The certificate of the highest view.
    pub certificate: Option<InView>,
    /// Its own latest prepare vote.
    pub vote: Option<InView>,
}

/// A validator's view change: what it holds above its tip.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Whose it is.
    pub from: ValidatorIndex,
    /// Everything up to here is final for it.
    pub low: Tip,
    /// The heights from `low + 1` on, without a gap; what it knows nothing of may be left out at the end.
    pub above: &'a [HeightReport],
}

impl<'a> Report<'a> {
    /// What it says of `height`; `None` where it says nothing.
    pub fn at(&self, height: Height) -> Option<&'a HeightReport> {
        let place = height.get().checked_sub(self.low.height.get())?.checked_sub(1)?;
        self.above.get(usize::try_from(place).ok()?)
    }
}

/// Why no view begins with a set of reports. All but [`Unfit::TooLight`] show that whoever sent the set, or the report,
/// does not follow the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Reports are in the order of their validators, one of each.
    #[error("the report of {0} is not behind the one before it")]
    Unordered(ValidatorIndex),
    /// Nobody with this place votes.
    #[error("{0} is not in the set")]
    Stranger(ValidatorIndex),
    /// A report is as long as the window at most.
    #[error("{from} reports {heights} heights")]
    TooLong {
        /// Whose report.
        from: ValidatorIndex,
        /// How many heights it has.
        heights: usize,
    },
    /// Who asks for a view has not voted in it or in a later one.
    #[error("{from} reports a vote of view {view} at height {height}")]
    VoteNotBefore {
        /// Whose report.
        from: ValidatorIndex,
        /// Where.
        height: Height,
        /// The view that should be an earlier one.
        view: View,
    },
    /// The reports are of too little power.
    #[error("reports of the power {weight}, where {needed} is needed")]
    TooLight {
        /// Their power.
        weight: u128,
        /// The power of a view change.
        needed: u128,
    },
}

/// Whether `new_view` begins with `reports`. Certificates of any view pass: a real one cannot contradict what was final
/// before it.
///
/// # Errors
/// The first thing that is wrong, in the order of the reports; their power last.
pub fn check_reports(
    powers: &Powers,
    new_view: View,
    window: usize,
    reports: &[Report<'_>],
) -> Result<(), Unfit> {
    let mut before = None;
    for report in reports {
        let from = report.from;
        if before.is_some_and(|before| before >= from) {
            return Err(Unfit::Unordered(from));
        }
        before = Some(from);
        if powers.of(from).is_none() {
            return Err(Unfit::Stranger(from));
        }
        if report.above.len() > window {
            return Err(Unfit::TooLong { from, heights: report.above.len() });
        }
        for (above, height) in report.above.iter().zip(1..) {
            if let Some(vote) = above.vote.filter(|vote| vote.view >= new_view) {
                let height = Height::new(report.low.height.get().saturating_add(height));
                return Err(Unfit::VoteNotBefore { from, height, view: vote.view });
            }
        }
    }
    let weight = powers.weight(reports.iter().map(|report| report.from));
    let needed = powers.thresholds().view_change();
    if weight < needed { Err(Unfit::TooLight { weight, needed }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: BlockHash = BlockHash::new([1; 32]);

    fn voted(view: u64) -> HeightReport {
        HeightReport { vote: Some(InView::new(View::new(view), A)), ..HeightReport::default() }
    }

    fn report(from: u16, above: &[HeightReport]) -> Report<'_> {
        let low = Tip { height: Height::new(6), hash: A };
        Report { from: ValidatorIndex::new(from), low, above }
    }

    fn check(reports: &[Report<'_>]) -> Result<(), Unfit> {
        let powers = Powers::new(vec![1, 1, 1, 1, 0], 0).expect("they have power");
        check_reports(&powers, View::new(3), 2, reports)
    }

    #[test]
    fn reports_of_all_but_the_faulty_begin_a_view() {
        let known = [voted(2), HeightReport::default()];
        assert_eq!(check(&[report(0, &known), report(1, &[]), report(3, &known)]), Ok(()));
        assert_eq!(
            check(&[report(0, &known), report(3, &[])]),
            Err(Unfit::TooLight { weight: 2, needed: 3 })
        );
        assert_eq!(check(&[]), Err(Unfit::TooLight { weight: 0, needed: 3 }));
    }

    #[test]
    fn who_has_no_power_may_report_and_does_not_count() {
        let jailed = [report(0, &[]), report(1, &[]), report(4, &[])];
        assert_eq!(check(&jailed), Err(Unfit::TooLight { weight: 2, needed: 3 }));
    }

    #[test]
    fn one_report_of_each_validator_in_their_order() {
        let one = ValidatorIndex::new(1);
        assert_eq!(check(&[report(0, &[]), report(1, &[]), report(1, &[])]), Err(Unfit::Unordered(one)));
        assert_eq!(check(&[report(2, &[]), report(1, &[]), report(3, &[])]), Err(Unfit::Unordered(one)));
        let stranger = Err(Unfit::Stranger(ValidatorIndex::new(5)));
        assert_eq!(check(&[report(0, &[]), report(1, &[]), report(5, &[])]), stranger);
    }

    #[test]
    fn a_vote_in_the_new_view_or_behind_it_is_named() {
        let late = [HeightReport::default(), voted(3)];
        let named = check(&[report(0, &[]), report(1, &late), report(2, &[])]);
        let (from, height, view) = (ValidatorIndex::new(1), Height::new(8), View::new(3));
        assert_eq!(named, Err(Unfit::VoteNotBefore { from, height, view }));
        assert_eq!(named.expect_err("late").to_string(), "v1 reports a vote of view 3 at height 8");
    }

    #[test]
    fn a_report_beyond_the_window_is_refused() {
        let long = [HeightReport::default(); 3];
        let refused = check(&[report(0, &[]), report(1, &long), report(2, &[])]);
        assert_eq!(refused, Err(Unfit::TooLong { from: ValidatorIndex::new(1), heights: 3 }));
    }

    #[test]
    fn a_report_speaks_of_the_heights_above_its_tip() {
        let known = [voted(1), voted(2)];
        let report = report(0, &known);
        assert_eq!(report.at(Height::new(6)), None);
        assert_eq!(report.at(Height::new(7)), Some(&voted(1)));
        assert_eq!(report.at(Height::new(8)), Some(&voted(2)));
        assert_eq!(report.at(Height::new(9)), None);
        assert_eq!(report.at(Height::ORIGIN), None);
    }
}
