//! What a message has to be, its signatures aside.

use super::Refused;
use super::batch::Batch;
use crate::bft::{
    Backing, Claim, Claims, Domain, Elector, Evidence, FinalityProof, HeightReport, Kind, NewView, Powers,
    PrePrepare, Report, Stop, Tip, Unfit, ViewChange, Vote, Votes, check_reports, equivocation, false_claims,
    select,
};
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Who agrees on what, in one epoch of one chain.
#[derive(Clone)]
pub struct Committee {
    /// What is signed names it.
    pub domain: Domain,
    /// Who votes with how much power.
    pub powers: Powers,
    /// The block with which the epoch begins.
    pub base: Tip,
    /// How many heights are agreed on at the same time.
    pub window: usize,
    /// Whose turn it is.
    pub elector: Arc<dyn Elector>,
}

impl fmt::Debug for Committee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Committee({} places, base {:?})", self.powers.places(), self.base)
    }
}

/// The power of a voter.
pub(super) fn voter(powers: &Powers, place: ValidatorIndex) -> Result<u64, Refused> {
    powers.of(place).filter(|power| *power > 0).ok_or(Refused::NoVoter(place))
}

/// Votes of the power `needed`, of which the signatures go into the batch.
fn quorum(powers: &Powers, votes: &Votes, needed: u128, batch: &mut Batch<'_>) -> Result<(), Refused> {
    let mut before = None;
    let mut weight = 0;
    for signer in votes.signers() {
        if before.is_some_and(|before| before >= signer) {
            return Err(Refused::Unordered(signer));
        }
        before = Some(signer);
        weight += u128::from(voter(powers, signer)?);
    }
    if weight < needed {
        return Err(Refused::TooLight { weight, needed });
    }
    batch.votes(votes);
    Ok(())
}

/// A proof of either path.
pub(super) fn finality(powers: &Powers, proof: &FinalityProof, batch: &mut Batch<'_>) -> Result<(), Refused> {
    let thresholds = powers.thresholds();
    match proof.votes().statement.kind {
        Kind::Prepare => quorum(powers, proof.votes(), thresholds.fast(), batch),
        Kind::Commit => quorum(powers, proof.votes(), thresholds.slow(), batch),
        other => Err(Refused::Kind(other)),
    }
}

/// A vote for a block.
pub(super) fn vote(powers: &Powers, vote: &Vote) -> Result<(), Refused> {
    match vote.statement.kind {
        Kind::Prepare | Kind::Commit => voter(powers, vote.from).map(drop),
        other => Err(Refused::Kind(other)),
    }
}

/// Two things signed by one validator that do not go together.
pub(super) fn evidence(powers: &Powers, evidence: &Evidence, batch: &mut Batch<'_>) -> Result<(), Refused> {
    let found = match evidence {
        Evidence::Equivocation { first, second } => {
            vote(powers, first)?;
            batch.vote(first);
            batch.vote(second);
            equivocation(*first, *second)
        }
        Evidence::FalseClaims { vote: voted, claims } => {
            vote(powers, voted)?;
            batch.vote(voted);
            batch.add(claims.statement(), claims.from, claims.signature);
            false_claims(*voted, claims)
        }
    };
    found.map(drop).ok_or(Refused::NoOffence(evidence.offender()))
}

impl Committee {
    /// A leader's proposal.
    pub(super) fn pre_prepare(&self, of: &PrePrepare, batch: &mut Batch<'_>) -> Result<(), Refused> {
        let leader = self.elector.leader(of.proposal.height, of.view);
        if of.from != leader {
            return Err(Refused::NotLeader { from: of.from, leader });
        }
        voter(&self.powers, of.from)?;
        batch.add(of.statement(Kind::PrePrepare), of.from, of.signature);
        batch.add(of.statement(Kind::Prepare), of.from, of.prepare);
        Ok(())
    }

    /// A proof of a block of this epoch.
    pub(super) fn proof(&self, proof: &FinalityProof, batch: &mut Batch<'_>) -> Result<(), Refused> {
        if proof.height() <= self.base.height {
            return Err(Refused::Height(proof.height()));
        }
        finality(&self.powers, proof, batch)
    }

    /// One validator's claims, with a certificate and a header for each thing that they name, and nothing else.
    pub(super) fn view_change(&self, change: &ViewChange, batch: &mut Batch<'_>) -> Result<(), Refused> {
        let (claims, backing) = (&change.claims, &change.backing);
        self.claims(claims, claims.view, batch)?;
        let votes: Vec<_> = claims.above.iter().map(vote_only).collect();
        let report = Report { from: claims.from, low: claims.low, above: &votes };
        match check_reports(&self.powers, claims.view, self.window, &[report]) {
            // Alone it begins no view; else it is as it has to be.
            Ok(()) | Err(Unfit::TooLight { .. }) => {}
            Err(unfit) => return Err(unfit.into()),
        }
        self.low(backing.low.as_ref(), claims.low, batch)?;
        let mut shown = backing.certificates.iter();
        let mut named = BTreeSet::new();
        for height in heights(claims.low, claims.above.len()) {
            let claim = claims.at(height);
            if let Some(claimed) = claim.certificate {
                let certificate = shown.next().ok_or(Refused::Certificate(height))?;
                if (certificate.height(), certificate.in_view()) != (height, claimed) {
                    return Err(Refused::Certificate(height));
                }
                quorum(&self.powers, certificate.votes(), self.powers.thresholds().slow(), batch)?;
            }
            named.extend(claim.certificate.into_iter().chain(claim.vote).map(|of| (height, of.hash)));
        }
        if let Some(more) = shown.next() {
            return Err(Refused::Certificate(more.height()));
        }
        headers(&change.backing, &named)
    }

    /// What is right or wrong of anybody's claims for `view`.
    fn claims(&self, claims: &Claims, view: View, batch: &mut Batch<'_>) -> Result<(), Refused> {
        if claims.view != view || view == View::ORIGIN {
            return Err(Refused::Claims(claims.from));
        }
        voter(&self.powers, claims.from)?;
        // What follows counts heights up to the one above them.
        if claims.low.height.get().checked_add(claims.above.len() as u64 + 1).is_none() {
            return Err(Refused::Claims(claims.from));
        }
        batch.add(claims.statement(), claims.from, claims.signature);
        Ok(())
    }

    /// A tip is the base, or has a proof.
    fn low(&self, proof: Option<&FinalityProof>, tip: Tip, batch: &mut Batch<'_>) -> Result<(), Refused> {
        match proof {
            None if tip == self.base => Ok(()),
            Some(proof) if proof.tip() == tip => self.proof(proof, batch),
            _ => Err(Refused::Low(tip)),
        }
    }

    /// Claims of enough validators, with a proof of the highest tip, and of each height above it the highest certificate.
    pub(super) fn new_view(&self, new_view: &NewView, batch: &mut Batch<'_>) -> Result<(), Refused> {
        let (view, backing) = (new_view.view, &new_view.backing);
        let coordinator = self.elector.coordinator(view);
        if new_view.from != coordinator {
            return Err(Refused::NotCoordinator { from: new_view.from, coordinator });
        }
        voter(&self.powers, new_view.from)?;
        for claims in &new_view.claims {
            self.claims(claims, view, batch)?;
        }
        let mut above = Vec::new();
        let reports = new_view.reports(&mut above);
        check_reports(&self.powers, view, self.window, &reports)?;
        batch.add(new_view.statement(), new_view.from, new_view.signature);
        let base = self.base_of(&reports);
        self.low(backing.low.as_ref(), base, batch)?;
        let mut shown = backing.certificates.iter();
        for height in heights(base, self.window) {
            let claimed = || new_view.claims.iter().filter_map(|claims| claims.at(height).certificate);
            let Some(highest) = claimed().map(|of| of.view).max() else { continue };
            let certificate = shown.next().ok_or(Refused::Certificate(height))?;
            let in_view = certificate.in_view();
            let is_highest = in_view.view == highest && claimed().any(|of| of == in_view);
            if certificate.height() != height || !is_highest {
                return Err(Refused::Certificate(height));
            }
            quorum(&self.powers, certificate.votes(), self.powers.thresholds().slow(), batch)?;
        }
        shown.next().map_or(Ok(()), |more| Err(Refused::Certificate(more.height())))
    }

    /// The highest tip, which a selection of no heights ends at.
    fn base_of(&self, reports: &[Report<'_>]) -> Tip {
        select(&self.powers, 0, reports, |_| None).map_or(self.base, |selection| selection.base())
    }

    /// The headers of a new view: those of its certificates, and those that the selection asks for. Called behind the signatures,
    /// as a selection from many lies is long.
    pub(super) fn selection(&self, new_view: &NewView) -> Result<(), Refused> {
        let backing = &new_view.backing;
        let mut above = Vec::new();
        let reports = new_view.reports(&mut above);
        let selected = select(&self.powers, self.window, &reports, |hash| backing.parent_of(hash));
        let base = self.base_of(&reports);
        let selection =
            selected.map_err(|unknown| Refused::Header { height: base.height, hash: unknown.0 })?;
        let certified = backing.certificates.iter().map(|of| (of.height(), of.in_view().hash));
        let mut named: BTreeSet<(Height, BlockHash)> = certified.collect();
        let chosen = selection.chosen().iter().map(|chosen| chosen.hash);
        let orphan = match selection.stop() {
            Stop::Orphan(hash) => Some(hash),
            Stop::Free | Stop::Full => None,
        };
        named.extend(heights(base, self.window).zip(chosen.chain(orphan)));
        headers(backing, &named)
    }
}

/// Of a claim, the part that a report of one validator is judged by.
fn vote_only(claim: &Claim) -> HeightReport {
    HeightReport { vote: claim.vote, ..Default::default() }
}

/// `count` heights above a tip.
fn heights(tip: Tip, count: usize) -> impl Iterator<Item = Height> {
    let first = tip.height.get();
    (1..=count as u64).map_while(move |above| first.checked_add(above).map(Height::new))
}

/// Exactly the headers that are named, each at the height where it is.
fn headers(backing: &Backing, named: &BTreeSet<(Height, BlockHash)>) -> Result<(), Refused> {
    let mut shown = backing.proposals.iter().map(|proposal| (proposal.height, proposal.hash));
    for wanted in named {
        if shown.next() != Some(*wanted) {
            return Err(Refused::Header { height: wanted.0, hash: wanted.1 });
        }
    }
    shown.next().map_or(Ok(()), |(height, hash)| Err(Refused::Header { height, hash }))
}
