//! Messages of the agreement in a few words.

use super::block::Short;
use crate::bft::{Claims, Message};
use std::fmt;

/// A message, for people.
pub(super) struct Said<'a>(pub(super) &'a Message);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Message::PrePrepare(of) => {
                let (proposal, parent) = (&of.proposal, Short(of.proposal.parent));
                let hash = Short(proposal.hash);
                write!(f, "PrePrepare of {} {}/{} {hash} on {parent}", of.from, of.view, proposal.height)
            }
            Message::Vote(vote) => {
                let of = &vote.statement;
                write!(f, "{:?} of {} {}/{} {}", of.kind, vote.from, of.view, of.height, Short(of.hash))
            }
            Message::ViewChange(change) => write!(f, "ViewChange of {}", Told(&change.claims)),
            Message::NewView(new_view) => {
                write!(f, "NewView {} of {}:", new_view.view, new_view.from)?;
                new_view.claims.iter().try_for_each(|claims| write!(f, " {};", Told(claims)))
            }
            Message::Proof(proof) => {
                let (path, view) = (proof.path(), proof.view());
                write!(f, "Proof of {} {} by {path:?} in {view}", proof.height(), Short(proof.hash()))
            }
            Message::Evidence(evidence) => write!(f, "Evidence against {}", evidence.offender()),
            Message::Status(status) => {
                let waits = if status.waits { "?" } else { "" };
                write!(f, "Status {}{waits} at {}", status.view, status.tip)
            }
        }
    }
}

/// What somebody claims.
struct Told<'a>(&'a Claims);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Claims { from, view, low, above, .. } = self.0;
        write!(f, "{from} for {view} at {} {}", low.height, Short(low.hash))?;
        for claim in above {
            match claim.vote {
                Some(vote) => write!(f, " voted {} {}", vote.view, Short(vote.hash))?,
                None => write!(f, " -")?,
            }
            if let Some(certificate) = claim.certificate {
                write!(f, " certified {} {}", certificate.view, Short(certificate.hash))?;
            }
        }
        Ok(())
    }
}
