//! All signatures of one message, or of votes that waited, in one batch; and those that were good before.

use super::scheme::Scheme;
use super::{Culprit, Refused};
use crate::bft::{Domain, Statement, Vote, Votes};
use crate::crypto::ed25519::Signature;
use crate::types::ValidatorIndex;
use std::collections::{BTreeMap, VecDeque};

/// Good signatures that are remembered: all that two view changes among a hundred validators name.
pub(super) const KNOWN_MAX: usize = 4_096;

/// Good signatures of late, at most [`KNOWN_MAX`]. In a view change everybody shows the same certificates.
#[derive(Debug, Default)]
pub(super) struct Known {
    good: BTreeMap<(Statement, ValidatorIndex), Signature>,
    /// From the oldest on.
    order: VecDeque<(Statement, ValidatorIndex)>,
}

impl Known {
    pub(super) fn has(&self, statement: &Statement, from: ValidatorIndex, signature: &Signature) -> bool {
        self.good.get(&(*statement, from)) == Some(signature)
    }

    pub(super) fn learn(&mut self, statement: Statement, from: ValidatorIndex, signature: Signature) {
        if self.good.insert((statement, from), signature).is_none() {
            self.order.push_back((statement, from));
        }
        if self.order.len() > KNOWN_MAX {
            let oldest = self.order.pop_front().expect("there are some");
            self.good.remove(&oldest);
        }
    }
}

/// Signatures to be verified together.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    domain: &'a Domain,
    /// What is signed; in a certificate by many.
    said: Vec<(Statement, [u8; Domain::BYTES])>,
    claims: Vec<(ValidatorIndex, usize, Signature)>,
}

impl<'a> Batch<'a> {
    /// Of nothing yet.
    pub(super) const fn new(domain: &'a Domain) -> Self {
        Self { domain, said: Vec::new(), claims: Vec::new() }
    }

    /// One more signature.
    pub(super) fn add(&mut self, statement: Statement, from: ValidatorIndex, signature: Signature) {
        if self.said.last().is_none_or(|(last, _)| *last != statement) {
            self.said.push((statement, self.domain.sign_bytes(&statement)));
        }
        self.claims.push((from, self.said.len() - 1, signature));
    }

    /// One more vote.
    pub(super) fn vote(&mut self, vote: &Vote) {
        self.add(vote.statement, vote.from, vote.signature);
    }

    /// Those of a certificate or proof.
    pub(super) fn votes(&mut self, votes: &Votes) {
        for (from, signature) in &votes.signatures {
            self.add(votes.statement, *from, *signature);
        }
    }

    /// Leaves out what was good before.
    pub(super) fn without(&mut self, is_known: impl Fn(&Statement, ValidatorIndex, &Signature) -> bool) {
        let Self { said, claims, .. } = self;
        claims.retain(|(from, at, signature)| !is_known(&said[*at].0, *from, signature));
    }

    /// Remembers all of it, which was good.
    pub(super) fn remember(&self, known: &mut Known) {
        for (from, at, signature) in &self.claims {
            known.learn(self.said[*at].0, *from, *signature);
        }
    }

    /// Verifies all of it.
    ///
    /// # Errors
    /// The positions of what is bad.
    pub(super) fn verify(&self, scheme: &impl Scheme) -> Result<(), Vec<usize>> {
        if self.claims.is_empty() {
            return Ok(());
        }
        let claim = |(from, at, signature): &(ValidatorIndex, usize, Signature)| {
            (*from, &self.said[*at].1[..], *signature)
        };
        let claims: Vec<_> = self.claims.iter().map(claim).collect();
        scheme.verify_batch(&claims)
    }

    /// Whose signature is at this position, which `via` brought and which is bad.
    pub(super) fn culprit(&self, position: usize, via: Option<ValidatorIndex>) -> Culprit {
        let (from, at, _) = self.claims[position];
        Culprit { via, from, statement: self.said[at].0 }
    }

    /// Verifies all of it, which `via` brought.
    ///
    /// # Errors
    /// What is bad, by name.
    pub(super) fn judge(&self, scheme: &impl Scheme, via: Option<ValidatorIndex>) -> Result<(), Refused> {
        self.verify(scheme).map_err(|bad| {
            Refused::Signatures(bad.into_iter().map(|position| self.culprit(position, via)).collect())
        })
    }
}
