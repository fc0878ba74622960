//! The blocks that a new view begins with, from what validators report of the views before it.
//!
//! # Model
//! ```text
//!   heights  h_max        h_max+1      h_max+2     h_max+3 ...
//!            the highest  chosen  <--- chosen      stop: free, the leader of the new view proposes
//!            tip          (each names the one below as its parent)
//! ```
//! At each height the strongest word counts: a finality proof; then, of the latest certificate and the candidate, the
//! one of the later view, and the certificate if they are of the same one. A candidate is a block that so many report to
//! have voted for that it may be final by the fast path.
//!
//! # Why this and nothing less
//! - A block with a slow quorum of commits has a certificate with an honest validator in every view change; one with a
//!   fast quorum of prepares is a candidate in every view change. Neither is missed (I3 of the module).
//! - Certificates alone miss what is final by prepares; a plurality of votes lets liars outvote it.
//! - "Any certificate beats votes" lets one of an old view override what became final later without a certificate
//!   that anybody shows: the flaw of Zyzzyva. "Votes beat certificates" lets liars repeat old votes against a later
//!   certificate. So views decide.
//! - A certificate and a candidate of one view name one block unless liars made the candidate up, so the certificate
//!   counts.
//! - A chosen block whose parent is not chosen cannot be final: whoever voted for it, voted for its parent or had a proof
//!   of it (guards P and C). The heights from there on are free.

use super::{InView, Powers, Report, Tip};
use crate::types::{BlockHash, Height, View};
use std::cmp::Reverse;

/// No selection is longer.
pub const WINDOW_MAX: usize = 8;

/// Why a block was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody showed a finality proof.
    Proven,
    /// The latest certificate, of this view; no candidate is of a later one.
    Certified(View),
    /// So many voted for it in this view or later that it may be final; no certificate is of this view or later.
    Candidate(View),
}

/// A block that the new view has to prepare again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The block.
    pub hash: BlockHash,
    /// Why it.
    pub reason: Reason,
}

/// Why nothing is chosen behind the last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing that is reported of the next height may be final.
    Free,
    /// This block would be next and has another parent, so it cannot be final.
    Orphan(BlockHash),
    /// The window ends.
    Full,
}

/// What a view begins with.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    base: Tip,
    chosen: [Chosen; WINDOW_MAX],
    count: usize,
    stop: Stop,
}

impl Selection {
    /// The highest tip that was reported: who is behind it fetches what is missing first.
    pub const fn base(&self) -> Tip {
        self.base
    }

    /// The blocks of the heights from `base + 1` on.
    pub fn chosen(&self) -> &[Chosen] {
        &self.chosen[..self.count]
    }

    /// Why it ends where it does.
    pub const fn stop(&self) -> Stop {
        self.stop
    }

    /// The block that has to be prepared at `height`; `None` where the leader is free.
    pub fn at(&self, height: Height) -> Option<BlockHash> {
        let place = height.get().checked_sub(self.base.height.get())?.checked_sub(1)?;
        self.chosen().get(usize::try_from(place).ok()?).map(|chosen| chosen.hash)
    }
}

impl PartialEq for Selection {
    fn eq(&self, other: &Self) -> bool {
        (self.base, self.chosen(), self.stop) == (other.base, other.chosen(), other.stop)
    }
}

impl Eq for Selection {}

/// The header of this block is not here; it has to be fetched from who voted for it before anybody can select. There is
/// an honest one among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parent of block {0} is not known here")]
pub struct UnknownParent(pub BlockHash);

/// What a view begins with, given `reports` that [`check_reports`](super::check_reports) passed: blocks for up to
/// `window` heights, and no more than [`WINDOW_MAX`]. `parent_of` reads a block's header.
///
/// Any other reports have a selection too, which then protects nothing. Where more than the faulty lie and proofs, tips or
/// certificates of one view contradict each other, the lowest hash counts.
///
/// # Errors
/// [`UnknownParent`], for the lowest height where it matters.
pub fn select(
    powers: &Powers,
    window: usize,
    reports: &[Report<'_>],
    parent_of: impl Fn(BlockHash) -> Option<BlockHash>,
) -> Result<Selection, UnknownParent> {
    let base = highest_tip(reports);
    let nothing = Chosen { hash: BlockHash::ZERO, reason: Reason::Proven };
    let mut selection = Selection { base, chosen: [nothing; WINDOW_MAX], count: 0, stop: Stop::Full };
    let reported = powers.weight(reports.iter().map(|report| report.from));
    let needed = powers.thresholds().candidate(reported);
    let mut parent = base.hash;
    for (place, above) in selection.chosen.iter_mut().take(window).zip(1..) {
        let Some(height) = base.height.get().checked_add(above).map(Height::new) else { break };
        let Some(chosen) = strongest(powers, needed, reports, height) else {
            selection.stop = Stop::Free;
            break;
        };
        if parent_of(chosen.hash).ok_or(UnknownParent(chosen.hash))? != parent {
            selection.stop = Stop::Orphan(chosen.hash);
            break;
        }
        parent = chosen.hash;
        *place = chosen;
        selection.count += 1;
    }
    Ok(selection)
}

fn highest_tip(reports: &[Report<'_>]) -> Tip {
    let tips = reports.iter().map(|report| report.low);
    tips.max_by_key(|tip| (tip.height, Reverse(tip.hash))).unwrap_or_default()
}

/// The block of `height` that may be final; `None` if none can.
fn strongest(powers: &Powers, needed: u128, reports: &[Report<'_>], height: Height) -> Option<Chosen> {
    let of_height = || reports.iter().filter_map(|report| report.at(height));
    if let Some(hash) = of_height().filter_map(|of| of.proven).min() {
        return Some(Chosen { hash, reason: Reason::Proven });
    }
    let certificate = of_height().filter_map(|of| of.certificate).max_by_key(rank);
    let candidate = candidate(powers, needed, reports, height);
    match (certificate, candidate) {
        (Some(InView { view, hash }), candidate) if candidate.is_none_or(|of| view >= of.view) => {
            Some(Chosen { hash, reason: Reason::Certified(view) })
        }
        (_, Some(InView { view, hash })) => Some(Chosen { hash, reason: Reason::Candidate(view) }),
        (_, None) => None,
    }
}

/// The block for which reports of the power `needed` name a vote, with the latest view for which they do so in it or in
/// a later one. Of reports that pass there is at most one such block.
fn candidate(powers: &Powers, needed: u128, reports: &[Report<'_>], height: Height) -> Option<InView> {
    let votes = || {
        let vote = |report: &Report<'_>| Some((report.from, report.at(height)?.vote?));
        reports.iter().filter_map(vote)
    };
    let mut found: Option<InView> = None;
    for (_, since) in votes() {
        if found.is_some_and(|found| rank(&found) >= rank(&since)) {
            continue;
        }
        let for_it = votes().filter(|(_, vote)| vote.hash == since.hash && vote.view >= since.view);
        if powers.weight(for_it.map(|(from, _)| from)) >= needed {
            found = Some(since);
        }
    }
    found
}

/// The later view; in one view, the lower hash.
fn rank(of: &InView) -> (View, Reverse<BlockHash>) {
    (of.view, Reverse(of.hash))
}

#[cfg(test)]
#[path = "select_test.rs"]
mod tests;
