//! Mistakes made on purpose, which the simulator's checkers have to notice.

use super::engine::Engine;
use super::{
    Certificate, Effect, FinalityProof, HeightReport, InView, Kind, Message, Powers, Report, Selection,
    Statement, UnknownParent, Vote, select,
};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, ValidatorIndex};
use std::collections::BTreeSet;

/// A mistake.
#[cfg_attr(
    not(any(test, feature = "sim")),
    expect(unreachable_pub, reason = "only the simulator and tests make mistakes")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// Votes are signed before they are durable, and never written.
    VotesNotLogged,
    /// What is in the log of votes is not read.
    #[cfg(any(test, feature = "sim"))]
    VotesForgotten,
    /// Prepares without guard P.
    NoGuardP,
    /// Commits without guard C.
    NoGuardC,
    /// A certificate is taken for a finality proof.
    CertificateIsFinal,
    /// A certificate of any view beats votes of later ones, as in Zyzzyva.
    CertificateBeatsVotes,
    /// Votes of a view are signed after it was left.
    VotesInLeftViews,
    /// A view change does not say what was voted for.
    VotesNotReported,
}

#[cfg(any(test, feature = "sim"))]
impl Mutant {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::VotesNotLogged,
        Self::VotesForgotten,
        Self::NoGuardP,
        Self::NoGuardC,
        Self::CertificateIsFinal,
        Self::CertificateBeatsVotes,
        Self::VotesInLeftViews,
        Self::VotesNotReported,
    ];
}

impl Engine {
    /// Makes a mistake from here on.
    #[cfg(any(test, feature = "sim"))]
    pub fn mutate(&mut self, mutant: Mutant) {
        self.mutant = Some(mutant);
        if mutant == Mutant::VotesForgotten {
            self.heights.values_mut().for_each(|at| (at.prepared, at.committed) = (None, None));
        }
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn is_broken(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Never: what is shipped makes no mistakes.
    #[cfg(not(any(test, feature = "sim")))]
    #[expect(clippy::unused_self, reason = "the simulator's form needs it")]
    pub(super) const fn is_broken(&self, _: Mutant) -> bool {
        false
    }

    /// Votes in a view that it has left, for what is proposed there.
    pub(super) fn vote_late(&self, of: InView, height: Height, out: &mut Vec<Effect>) {
        if of.view < self.view && self.is_broken(Mutant::VotesInLeftViews) {
            out.push(Effect::Sign(Statement::new(Kind::Prepare, of.view, height, of.hash)));
        }
    }

    /// Says what it signed in a view that it has left.
    pub(super) fn say_late(
        &self,
        place: ValidatorIndex,
        statement: Statement,
        signature: Signature,
        out: &mut Vec<Effect>,
    ) {
        if self.is_broken(Mutant::VotesInLeftViews) && statement.kind == Kind::Prepare {
            let vote = Vote { from: place, statement, signature };
            out.push(Effect::Broadcast(Message::Vote(vote)));
        }
    }

    /// What a certificate would prove if it were final.
    pub(super) fn taken_for_final(&self) -> Option<FinalityProof> {
        let held = self.heights.values().rev().find_map(|at| at.certificate.as_ref());
        held.map(Certificate::votes).cloned().map(FinalityProof::of)
    }
}

/// Selects as if no vote counted where there is a certificate.
pub(super) fn select_by_certificates(
    powers: &Powers,
    window: usize,
    reports: &[Report<'_>],
    parent_of: impl Fn(BlockHash) -> Option<BlockHash>,
) -> Result<Selection, UnknownParent> {
    let at = |report: &Report<'_>, place: usize| Height::new(report.low.height.get() + place as u64 + 1);
    let mut certified = BTreeSet::new();
    for report in reports {
        let places = report.above.iter().enumerate().filter(|(_, of)| of.certificate.is_some());
        certified.extend(places.map(|(place, _)| at(report, place)));
    }
    let without = |report: &Report<'_>| -> Vec<HeightReport> {
        let kept =
            |place: usize, vote: Option<InView>| vote.filter(|_| !certified.contains(&at(report, place)));
        let each = report.above.iter().enumerate();
        each.map(|(place, of)| HeightReport { vote: kept(place, of.vote), ..*of }).collect()
    };
    let heights: Vec<Vec<HeightReport>> = reports.iter().map(without).collect();
    let bent: Vec<Report<'_>> =
        reports.iter().zip(&heights).map(|(report, above)| Report { above, ..*report }).collect();
    select(powers, window, &bent, parent_of)
}
