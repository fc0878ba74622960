//! Writing the parts that messages and records are made of.

use crate::bft::{Backing, Claims, FinalityProof, InView, Proposal, Vote, Votes};
use crate::codec::Writer;
use crate::types::ValidatorIndex;

/// # Panics
/// When `count` is over the window: whoever made the message keeps to it.
fn small(count: usize) -> u8 {
    u8::try_from(count).expect("no more than a window has")
}

pub(super) fn place(writer: &mut Writer<'_>, place: ValidatorIndex) {
    writer.bytes(&place.get().to_le_bytes());
}

pub(super) fn in_view(writer: &mut Writer<'_>, of: InView) {
    writer.u64(of.view.get()).bytes(of.hash.as_bytes());
}

pub(super) fn vote(writer: &mut Writer<'_>, vote: &Vote) {
    let said = &vote.statement;
    writer.u8(said.kind.wire());
    place(writer, vote.from);
    writer.u64(said.view.get()).u64(said.height.get()).bytes(said.hash.as_bytes());
    writer.bytes(vote.signature.as_bytes());
}

/// All but the kind.
///
/// # Panics
/// When the signers are not ascending.
pub(super) fn votes(writer: &mut Writer<'_>, votes: &Votes) {
    let said = &votes.statement;
    writer.u64(said.view.get()).u64(said.height.get()).bytes(said.hash.as_bytes());
    assert!(votes.signatures.is_sorted_by(|(one, _), (next, _)| one < next), "one vote of each, in order");
    let bytes = votes.signatures.last().map_or(0, |(last, _)| last.get() / 8 + 1);
    let mut bitmap = vec![0; usize::from(bytes)];
    for signer in votes.signers() {
        bitmap[signer.index() / 8] |= 1 << (signer.index() % 8);
    }
    writer.bytes(&bytes.to_le_bytes()).bytes(&bitmap);
    for (_, signature) in &votes.signatures {
        writer.bytes(signature.as_bytes());
    }
}

pub(super) fn proof(writer: &mut Writer<'_>, proof: &FinalityProof) {
    writer.u8(proof.votes().statement.kind.wire());
    votes(writer, proof.votes());
}

pub(super) fn proposal(writer: &mut Writer<'_>, proposal: &Proposal) {
    writer.tail(&proposal.header);
}

/// What is signed of claims: all but the signature.
pub(super) fn said(writer: &mut Writer<'_>, claims: &Claims) {
    place(writer, claims.from);
    writer.u64(claims.view.get()).u64(claims.low.height.get()).bytes(claims.low.hash.as_bytes());
    writer.u8(small(claims.above.len()));
    for claim in &claims.above {
        writer.u8(u8::from(claim.certificate.is_some()) | u8::from(claim.vote.is_some()) << 1);
        claim.certificate.into_iter().chain(claim.vote).for_each(|of| in_view(writer, of));
    }
}

pub(super) fn claims(writer: &mut Writer<'_>, claims: &Claims) {
    said(writer, claims);
    writer.bytes(claims.signature.as_bytes());
}

pub(super) fn all_claims(writer: &mut Writer<'_>, all: &[Claims]) {
    writer.u32(u32::try_from(all.len()).expect("one of each validator"));
    all.iter().for_each(|each| claims(writer, each));
}

pub(super) fn backing(writer: &mut Writer<'_>, backing: &Backing) {
    writer.u8(u8::from(backing.low.is_some()));
    if let Some(low) = &backing.low {
        proof(writer, low);
    }
    writer.u8(small(backing.certificates.len()));
    backing.certificates.iter().for_each(|certificate| votes(writer, certificate.votes()));
    writer.u8(small(backing.proposals.len()));
    backing.proposals.iter().for_each(|each| proposal(writer, each));
}
