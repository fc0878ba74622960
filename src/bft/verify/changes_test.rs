//! View changes and new views: shown are exactly the certificates, the proof and the headers that are named.

use super::*;
use crate::bft::testing::{BASE, Counting, Network, block_on, chain, in_view, place, tip_of};
use crate::bft::{Backing, Claim, Claims, NewView, Proposal, Tip, Unfit, ViewChange};
use crate::types::BlockHash;

fn take(network: &Network, message: Message) -> Result<(), Refused> {
    let (mut verifier, mut out) = (network.verifier(), Passed::new());
    let outcome = verifier.take(None, message, &mut out);
    assert_eq!(out.len(), usize::from(outcome.is_ok()));
    assert!(verifier.scheme.batches.get() <= 1, "all in one batch");
    outcome
}

fn leave(network: &Network, claims: Claims, backing: Backing) -> Result<(), Refused> {
    take(network, Message::ViewChange(ViewChange { claims, backing }.into()))
}

fn begin(network: &Network, claims: Vec<Claims>, backing: Backing) -> Result<(), Refused> {
    let view = claims.first().map_or(1, |claims| claims.view.get());
    take(network, Message::NewView(network.new_view(view, claims, backing).into()))
}

fn header(of: &Proposal) -> Refused {
    Refused::Header { height: of.height, hash: of.hash }
}

fn certified(view: u64, block: &Proposal) -> Claim {
    Claim { certificate: Some(in_view(view, block)), vote: None }
}

fn voted(view: u64, block: &Proposal) -> Claim {
    Claim { certificate: None, vote: Some(in_view(view, block)) }
}

/// Signers of a slow quorum.
const THREE: [u16; 3] = [0, 1, 2];

#[test]
fn claims_with_everything_that_they_name_pass() {
    let network = Network::four();
    let change = network.view_change(3, 2);
    assert_eq!(take(&network, Message::ViewChange(change.clone().into())), Ok(()));
    assert_eq!(leave(&network, network.claims(3, 9, BASE, &[]), Backing::default()), Ok(()));
    // A later tip, a height of which nothing is known, and a certificate for another block than the vote.
    let [one, two] = chain("block");
    let (three, other) = (block_on(4, two.hash, "three"), block_on(4, two.hash, "other"));
    let mut proposals = vec![three.clone(), other.clone()];
    proposals.sort_by_key(|proposal| proposal.hash);
    let low = network.slow(5, &two, &[1, 2, 3]);
    let claim = Claim { certificate: Some(in_view(1, &three)), vote: Some(in_view(6, &other)) };
    let claims = network.claims(0, 7, tip_of(&two), &[Claim::default(), claim]);
    let certificates = vec![network.certificate(1, &three, &THREE)];
    let good = Backing { low: Some(low), certificates, proposals };
    assert_eq!(leave(&network, claims.clone(), good.clone()), Ok(()));
    let fast = Some(network.fast(0, &two, &[0, 1, 2, 3]));
    assert_eq!(leave(&network, claims.clone(), Backing { low: fast, ..good.clone() }), Ok(()));
    let unproven = Err(Refused::Low(tip_of(&two)));
    assert_eq!(leave(&network, claims.clone(), Backing { low: None, ..good.clone() }), unproven);
    let of_one = Some(network.slow(5, &one, &THREE));
    assert_eq!(leave(&network, claims.clone(), Backing { low: of_one, ..good.clone() }), unproven);
    let fork = Some(network.slow(5, &Proposal { hash: one.hash, ..two.clone() }, &THREE));
    assert_eq!(leave(&network, claims.clone(), Backing { low: fork, ..good.clone() }), unproven);
    let light = Some(network.slow(5, &two, &[1, 2]));
    let refused = leave(&network, claims, Backing { low: light, ..good });
    assert_eq!(refused, Err(Refused::TooLight { weight: 2, needed: 3 }));
    // The base needs no proof, and has none. Another block there is no base.
    let fork = Tip { hash: one.hash, ..BASE };
    let refused = leave(&network, network.claims(3, 9, fork, &[]), Backing::default());
    assert_eq!(refused, Err(Refused::Low(fork)));
    let base = Proposal { height: BASE.height, hash: BASE.hash, ..one };
    let backing = Backing { low: Some(network.slow(0, &base, &THREE)), ..Backing::default() };
    assert_eq!(leave(&network, network.claims(3, 9, BASE, &[]), backing), Err(Refused::Height(BASE.height)));
}

#[test]
fn what_is_claimed_and_not_shown_or_shown_and_not_claimed_is_refused() {
    let network = Network::four();
    let good = network.view_change(3, 2);
    let [one, two] = chain("block");
    let [other] = chain("other");
    let of = |change: &dyn Fn(&mut Backing)| {
        let mut backing = good.backing.clone();
        change(&mut backing);
        leave(&network, good.claims.clone(), backing)
    };
    assert_eq!(of(&|_| ()), Ok(()));
    let no_certificate = Err(Refused::Certificate(one.height));
    assert_eq!(of(&|backing| backing.certificates.clear()), no_certificate);
    let replaced =
        |with| of(&|backing: &mut Backing| backing.certificates = vec![network.certificate(0, with, &THREE)]);
    assert_eq!(replaced(&other), no_certificate);
    assert_eq!(replaced(&two), no_certificate);
    let of_view_1 = network.certificate(1, &one, &THREE);
    assert_eq!(of(&|backing| backing.certificates = vec![of_view_1.clone()]), no_certificate);
    let more = network.certificate(0, &two, &THREE);
    let superfluous = Err(Refused::Certificate(two.height));
    assert_eq!(of(&|backing| backing.certificates.push(more.clone())), superfluous);
    let light = network.certificate(0, &one, &[0, 2]);
    let too_light = Err(Refused::TooLight { weight: 2, needed: 3 });
    assert_eq!(of(&|backing| backing.certificates = vec![light.clone()]), too_light);
    // Headers.
    assert_eq!(of(&|backing| drop(backing.proposals.remove(0))), Err(header(&one)));
    assert_eq!(of(&|backing| drop(backing.proposals.pop())), Err(header(&two)));
    assert_eq!(of(&|backing| backing.proposals.reverse()), Err(header(&one)));
    let third = block_on(3, two.hash, "third");
    assert_eq!(of(&|backing| backing.proposals.push(third.clone())), Err(header(&third)));
    let elsewhere = Proposal { height: two.height, ..one.clone() };
    assert_eq!(of(&|backing| backing.proposals[0] = elsewhere.clone()), Err(header(&one)));
}

#[test]
fn claims_are_within_the_window_and_of_earlier_votes() {
    let network = Network::four();
    let [one, two] = chain("block");
    let long = [Claim::default(); 5];
    let refused = leave(&network, network.claims(3, 2, BASE, &long), Backing::default());
    assert_eq!(refused, Err(Refused::Unfit(Unfit::TooLong { from: place(3), heights: 5 })));
    let late = network.claims(3, 2, BASE, &[voted(1, &one), voted(2, &two)]);
    let backing = Backing { proposals: vec![one.clone(), two.clone()], ..Backing::default() };
    let not_before = Unfit::VoteNotBefore { from: place(3), height: two.height, view: View::new(2) };
    assert_eq!(leave(&network, late, backing), Err(not_before.into()));
    // A certificate of any view is as good as real.
    let claims = network.claims(3, 2, BASE, &[certified(7, &one)]);
    let certificates = vec![network.certificate(7, &one, &THREE)];
    let backing = Backing { certificates, proposals: vec![one], ..Backing::default() };
    assert_eq!(leave(&network, claims, backing), Ok(()));
    // Nobody has to ask for the first view.
    let first = network.claims(3, 0, BASE, &[]);
    assert_eq!(leave(&network, first, Backing::default()), Err(Refused::Claims(place(3))));
}

#[test]
fn each_signature_of_a_view_change_counts() {
    let network = Network::four();
    let [one, two] = chain("block");
    let claims = network.claims(3, 2, tip_of(&one), &[certified(0, &two)]);
    let backing = Backing {
        low: Some(network.slow(0, &one, &THREE)),
        certificates: vec![network.certificate(0, &two, &THREE)],
        proposals: vec![two.clone()],
    };
    assert_eq!(leave(&network, claims.clone(), backing.clone()), Ok(()));
    let blamed = |claims: &Claims, backing: &Backing| match leave(&network, claims.clone(), backing.clone()) {
        Err(Refused::Signatures(bad)) => bad.iter().map(|bad| bad.from.get()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let forged = Claims { signature: network.claims(3, 1, BASE, &[]).signature, ..claims.clone() };
    assert_eq!(blamed(&forged, &backing), [3]);
    let of_another = Claims { from: place(2), ..claims.clone() };
    assert_eq!(blamed(&of_another, &backing), [2]);
    // Votes of another view under the statement of this one.
    let mut votes = network.votes(Kind::Prepare, 1, &two, &THREE);
    votes.statement.view = View::ORIGIN;
    let certificates = vec![crate::bft::Certificate::of(votes)];
    assert_eq!(blamed(&claims, &Backing { certificates, ..backing.clone() }), THREE);
    let mut votes = network.votes(Kind::Commit, 0, &one, &THREE);
    votes.signatures[1].1 = votes.signatures[0].1;
    let low = Some(crate::bft::FinalityProof::of(votes));
    assert_eq!(blamed(&claims, &Backing { low, ..backing }), [1]);
}

#[test]
fn a_view_begins_with_claims_of_enough_for_it() {
    let network = Network::four();
    assert_eq!(take(&network, Message::NewView(network.begun(2, &[0, 1, 3]).into())), Ok(()));
    let good = network.begun(2, &[0, 1, 2, 3]);
    let of = |change: &dyn Fn(&mut NewView)| {
        let mut new_view = good.clone();
        change(&mut new_view);
        new_view.signature = network.sign(2, &new_view.statement());
        take(&network, Message::NewView(new_view.into()))
    };
    assert_eq!(of(&|_| ()), Ok(()));
    let light = Err(Refused::Unfit(Unfit::TooLight { weight: 2, needed: 3 }));
    assert_eq!(of(&|of| of.claims.truncate(2)), light);
    assert_eq!(of(&|of| of.claims.swap(0, 1)), Err(Refused::Unfit(Unfit::Unordered(place(0)))));
    let twice = Err(Refused::Unfit(Unfit::Unordered(place(1))));
    assert_eq!(of(&|of| of.claims[2] = of.claims[1].clone()), twice);
    let for_another = network.view_change(1, 3).claims;
    assert_eq!(of(&|of| of.claims[1] = for_another.clone()), Err(Refused::Claims(place(1))));
    let coordinator = |from| Refused::NotCoordinator { from: place(from), coordinator: place(2) };
    assert_eq!(of(&|of| of.from = place(1)), Err(coordinator(1)));
    // Who begins it signed what it begins with, and each signed its claims.
    let blamed = |change: &dyn Fn(&mut NewView)| {
        let mut new_view = good.clone();
        change(&mut new_view);
        match take(&network, Message::NewView(new_view.into())) {
            Err(Refused::Signatures(bad)) => bad.iter().map(|bad| bad.from.get()).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(blamed(&|of| drop(of.claims.pop())), [2]);
    assert_eq!(blamed(&|of| of.claims[1].above.clear()), [1, 2]);
}

#[test]
fn a_view_that_is_left_does_not_begin_any_more() {
    let network = Network::four();
    let (mut verifier, mut out) = (network.verifier(), Passed::new());
    verifier.advance(View::new(3), BASE.height);
    let old = verifier.take(None, Message::NewView(network.begun(2, &[0, 1, 3]).into()), &mut out);
    assert_eq!((old, verifier.scheme.batches.get()), (Err(Refused::View(View::new(2))), 0));
    assert_eq!(verifier.take(None, Message::NewView(network.begun(3, &[0, 1, 3]).into()), &mut out), Ok(()));
    // Who asks for it is behind, and what it shows may be of use.
    assert_eq!(verifier.take(None, Message::ViewChange(network.view_change(0, 1).into()), &mut out), Ok(()));
}

#[test]
fn a_new_view_shows_the_highest_certificate_of_each_height_above_the_highest_tip() {
    let network = Network::four();
    let [one, two] = chain("block");
    let three = block_on(3, two.hash, "three");
    let other = block_on(3, two.hash, "other");
    // One is final for the first; the second does not know it, and the third has an old certificate above.
    let all = || {
        vec![
            network.claims(0, 4, tip_of(&one), &[certified(1, &two), certified(2, &three)]),
            network.claims(1, 4, BASE, &[certified(3, &one), voted(0, &two)]),
            network.claims(3, 4, BASE, &[Claim::default(), certified(0, &two), certified(1, &other)]),
        ]
    };
    let certificates = vec![network.certificate(1, &two, &THREE), network.certificate(2, &three, &[1, 2, 3])];
    let proposals = vec![two.clone(), three.clone()];
    let good = Backing { low: Some(network.slow(0, &one, &THREE)), certificates, proposals };
    let of = |change: &dyn Fn(&mut Backing)| {
        let mut backing = good.clone();
        change(&mut backing);
        begin(&network, all(), backing)
    };
    assert_eq!(of(&|_| ()), Ok(()));
    assert_eq!(of(&|backing| backing.low = None), Err(Refused::Low(tip_of(&one))));
    let of_two = network.slow(0, &two, &THREE);
    assert_eq!(of(&|backing| backing.low = Some(of_two.clone())), Err(Refused::Low(tip_of(&one))));
    let at = |block: &Proposal| Err(Refused::Certificate(block.height));
    assert_eq!(of(&|backing| drop(backing.certificates.remove(0))), at(&two));
    assert_eq!(of(&|backing| drop(backing.certificates.pop())), at(&three));
    let old = network.certificate(0, &two, &THREE);
    assert_eq!(of(&|backing| backing.certificates[0] = old.clone()), at(&two));
    let later = network.certificate(3, &two, &THREE);
    assert_eq!(of(&|backing| backing.certificates[0] = later.clone()), at(&two), "nobody claims it");
    let below = network.certificate(3, &one, &THREE);
    assert_eq!(of(&|backing| backing.certificates.insert(0, below.clone())), at(&two), "below the tip");
    let light = network.certificate(1, &two, &[0, 2]);
    let too_light = Err(Refused::TooLight { weight: 2, needed: 3 });
    assert_eq!(of(&|backing| backing.certificates[0] = light.clone()), too_light);
    let four = block_on(4, three.hash, "four");
    let more = network.certificate(1, &four, &THREE);
    assert_eq!(of(&|backing| backing.certificates.push(more.clone())), at(&four));
    // Headers.
    assert_eq!(of(&|backing| drop(backing.proposals.pop())), Err(unknown(&one, &three)));
    assert_eq!(of(&|backing| backing.proposals.insert(0, one.clone())), Err(header(&two)), "below the tip");
    assert_eq!(of(&|backing| backing.proposals.push(four.clone())), Err(header(&four)));
}

/// The selection above `base` misses the header of `block`.
fn unknown(base: &Proposal, block: &Proposal) -> Refused {
    Refused::Header { height: base.height, hash: block.hash }
}

#[test]
fn a_claim_of_another_certificate_in_the_highest_view_does_not_count() {
    let network = Network::four();
    let ([one], [lie]) = (chain("block"), chain("lie"));
    let claims = vec![
        network.claims(0, 4, BASE, &[certified(1, &one)]),
        network.claims(1, 4, BASE, &[certified(1, &lie)]),
        network.claims(2, 4, BASE, &[]),
    ];
    let backing = |block: &Proposal| Backing {
        certificates: vec![network.certificate(1, block, &THREE)],
        proposals: vec![block.clone()],
        ..Backing::default()
    };
    assert_eq!(begin(&network, claims.clone(), backing(&one)), Ok(()));
    // Nor does one of the claimed block at another height.
    let above = network.claims(0, 4, BASE, &[Claim::default(), certified(1, &one)]);
    let others = [1, 2].map(|from| network.claims(from, 4, BASE, &[]));
    let refused = begin(&network, [vec![above], others.into()].concat(), backing(&one));
    assert_eq!(refused, Err(Refused::Certificate(one.height.next())));
    let [third] = chain("third");
    assert_eq!(begin(&network, claims, backing(&third)), Err(Refused::Certificate(third.height)));
}

#[test]
fn a_new_view_shows_the_headers_that_the_selection_asks_for() {
    let network = Network::four();
    let ([one, two], [other]) = (chain("block"), chain("other"));
    // Two of three voted for each: candidates. Nothing asks for the block that one alone voted for.
    let all = |last: Claim| {
        vec![
            network.claims(0, 4, BASE, &[voted(1, &one), voted(1, &two)]),
            network.claims(1, 4, BASE, &[voted(2, &one), voted(2, &two)]),
            network.claims(3, 4, BASE, &[last]),
        ]
    };
    let backing = |proposals: &[&Proposal]| Backing {
        proposals: proposals.iter().map(|proposal| (*proposal).clone()).collect(),
        ..Backing::default()
    };
    assert_eq!(begin(&network, all(voted(0, &other)), backing(&[&one, &two])), Ok(()));
    let base = Refused::Header { height: BASE.height, hash: one.hash };
    assert_eq!(begin(&network, all(Claim::default()), backing(&[&two])), Err(base));
    let mut sorted = [&one, &other];
    sorted.sort_by_key(|proposal| proposal.hash);
    let [first, second] = sorted;
    let missed = if first.hash == one.hash { &two } else { &one };
    let refused = begin(&network, all(voted(0, &other)), backing(&[first, second, &two]));
    assert_eq!(refused, Err(header(missed)), "another stands in its place");
    // A certificate that a later candidate outweighs comes with its header too: it may be kept. And a block on another
    // parent, with which the selection stops.
    let stray = block_on(2, BlockHash::ZERO, "stray");
    let all = vec![
        network.claims(0, 4, BASE, &[voted(2, &one), voted(1, &stray)]),
        network.claims(1, 4, BASE, &[voted(2, &one), voted(2, &stray)]),
        network.claims(3, 4, BASE, &[certified(0, &other)]),
    ];
    let mut proposals = vec![one.clone(), other.clone(), stray.clone()];
    proposals.sort_by_key(|proposal| (proposal.height, proposal.hash));
    let certificates = vec![network.certificate(0, &other, &THREE)];
    let good = Backing { low: None, certificates, proposals };
    assert_eq!(begin(&network, all.clone(), good.clone()), Ok(()));
    let mut without = good.clone();
    without.proposals.retain(|proposal| proposal.hash != other.hash);
    assert_eq!(begin(&network, all, without), Err(header(&other)));
}

#[test]
fn what_was_good_before_is_not_verified_again() {
    let network = Network::four();
    let (mut verifier, mut out) = (network.verifier(), Passed::new());
    let counted = |verifier: &Verifier<Counting>| verifier.scheme.signatures.replace(0);
    let mut take = |verifier: &mut Verifier<Counting>, message| {
        verifier.take(None, message, &mut out).expect("good");
    };
    take(&mut verifier, Message::ViewChange(network.view_change(0, 2).into()));
    assert_eq!(counted(&verifier), 4, "the claims and three prepares");
    take(&mut verifier, Message::ViewChange(network.view_change(1, 2).into()));
    assert_eq!(counted(&verifier), 1, "the certificate is known");
    take(&mut verifier, Message::NewView(network.begun(2, &[0, 1, 3]).into()));
    assert_eq!(counted(&verifier), 2, "the claims of the third, and the coordinator");
    // Votes that were let through are known as well.
    let [one] = chain("known");
    for from in THREE {
        take(&mut verifier, Message::Vote(network.commit(from, 2, &one)));
    }
    assert_eq!(counted(&verifier), 3);
    take(&mut verifier, Message::Proof(network.slow(2, &one, &THREE)));
    take(&mut verifier, Message::Proof(network.slow(2, &one, &[0, 1, 2, 3])));
    assert_eq!(counted(&verifier), 1, "the fourth");
    // Another signature in the same name is not.
    let mut votes = network.votes(Kind::Commit, 2, &one, &THREE);
    votes.signatures[2].1 = votes.signatures[0].1;
    let proof = crate::bft::FinalityProof::of(votes);
    let refused = verifier.take(None, Message::Proof(proof), &mut Passed::new());
    assert!(matches!(refused, Err(Refused::Signatures(bad)) if bad.len() == 1 && bad[0].from == place(2)));
}

#[test]
fn good_signatures_are_remembered_up_to_a_limit() {
    let mut known = Known::default();
    let statement =
        |number| crate::bft::Statement::new(Kind::Commit, View::new(number), Height::new(1), BlockHash::ZERO);
    let signature = crate::crypto::ed25519::Signature::new([1; 64]);
    let max = batch::KNOWN_MAX as u64;
    for number in 0..max + 1 {
        known.learn(statement(number), place(0), signature);
        known.learn(statement(number), place(0), signature);
    }
    let has = |number| known.has(&statement(number), place(0), &signature);
    assert_eq!((has(0), has(1), has(max)), (false, true, true));
    assert!(!known.has(&statement(1), place(1), &signature));
}
