//! Messages that are verified at once: who may send what, and what is refused.

use super::*;
use crate::bft::testing::{BASE, Network, WINDOW, block_on, chain, place, view};
use crate::bft::{
    Backing, Claim, Claims, Domain, Evidence, FinalityProof, Kind, PrePrepare, Proposal, Status, Tip,
    ViewChange, Vote,
};
use crate::crypto::ed25519::Signature;

/// What becomes of one message at the beginning of the epoch.
fn one(network: &Network, message: Message) -> Result<(), Refused> {
    let (mut verifier, mut out) = (network.verifier(), Passed::new());
    let outcome = verifier.take(Some(place(3)), message.clone(), &mut out);
    match outcome {
        Ok(()) => assert_eq!(out, [(Some(place(3)), Verified(message))]),
        Err(_) => assert!(out.is_empty(), "I2"),
    }
    outcome
}

/// The names under bad signatures.
fn named(refused: Result<(), Refused>) -> Vec<u16> {
    match refused {
        Err(Refused::Signatures(culprits)) => {
            assert!(culprits.iter().all(|culprit| culprit.via == Some(place(3))), "who brought it is known");
            culprits.iter().map(|culprit| culprit.from.get()).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn spoilt(signature: Signature) -> Signature {
    let mut bytes = *signature.as_bytes();
    bytes[35] ^= 4;
    Signature::new(bytes)
}

#[test]
fn a_proposal_of_the_leader_with_both_signatures_passes() {
    let network = Network::four();
    let [block] = chain("block");
    let good = network.pre_prepare(1, &block);
    assert_eq!(good.from, place(0), "height 11 in view 1");
    assert_eq!(one(&network, Message::PrePrepare(good.clone().into())), Ok(()));

    let of = |change: fn(&mut PrePrepare)| {
        let mut changed = good.clone();
        change(&mut changed);
        one(&network, Message::PrePrepare(changed.into()))
    };
    assert_eq!(named(of(|of| of.signature = spoilt(of.signature))), [0]);
    assert_eq!(named(of(|of| of.prepare = spoilt(of.prepare))), [0]);
    assert_eq!(named(of(|of| std::mem::swap(&mut of.signature, &mut of.prepare))), [0, 0], "kinds");
    assert_eq!(named(of(|of| of.proposal.hash = BASE.hash)), [0, 0]);
    let not_leader = |from, leader| Err(Refused::NotLeader { from: place(from), leader: place(leader) });
    assert_eq!(of(|of| of.from = place(2)), not_leader(2, 0));
    assert_eq!(of(|of| of.view = view(2)), not_leader(0, 1), "the leader of another view");
}

#[test]
fn proposals_and_votes_of_far_views_and_heights_are_out_of_bounds() {
    let network = Network::four();
    let block = |above| block_on(above, BASE.hash, "far");
    let propose = |view, above| {
        let mut verifier = network.verifier();
        verifier.advance(View::new(5), Height::new(12));
        let pre_prepare = network.pre_prepare(view, &block(above));
        verifier.take(None, Message::PrePrepare(pre_prepare.into()), &mut Passed::new())
    };
    let vote = |view, above| {
        let mut verifier = network.verifier();
        verifier.advance(View::new(5), Height::new(12));
        let vote = network.commit(1, view, &block(above));
        verifier.take(None, Message::Vote(vote), &mut Passed::new())
    };
    let last = 2 + 2 * WINDOW as u64;
    for (of_view, above, expected) in [
        (4, 3, Ok(())),
        (3, 3, Err(Refused::View(view(3)))),
        (21, 3, Ok(())),
        (22, 3, Err(Refused::View(view(22)))),
        (5, last, Ok(())),
        (5, last + 1, Err(Refused::Height(Height::new(10 + last + 1)))),
        (5, 2, Err(Refused::Height(Height::new(12)))),
    ] {
        assert!(expected.as_ref().err().is_none_or(Refused::is_harmless));
        assert_eq!(propose(of_view, above), expected, "{of_view} {above}");
        assert_eq!(vote(of_view, above), expected, "{of_view} {above}");
    }
}

#[test]
fn nobody_without_power_says_anything() {
    let network = Network::new(&[2, 0, 2, 2], 0);
    let [block] = chain("block");
    let jailed = Err(Refused::NoVoter(place(1)));
    assert_eq!(one(&network, Message::Vote(network.prepare(1, 0, &block))), jailed);
    let stranger = Vote { from: place(4), ..network.prepare(0, 0, &block) };
    assert_eq!(one(&network, Message::Vote(stranger)), Err(Refused::NoVoter(place(4))));
    let proposal = network.pre_prepare(2, &block);
    assert_eq!(proposal.from, place(1));
    assert_eq!(one(&network, Message::PrePrepare(proposal.into())), jailed);
    let proof = network.slow(0, &block, &[0, 1, 2, 3]);
    assert_eq!(one(&network, Message::Proof(proof)), jailed);
    let mut change = network.view_change(1, 1);
    change.backing.certificates = vec![network.certificate(0, &chain::<1>("block")[0], &[0, 2, 3])];
    assert_eq!(one(&network, Message::ViewChange(change.into())), jailed);
}

#[test]
fn a_vote_of_a_kind_that_is_none_is_refused() {
    let network = Network::four();
    let [block] = chain("block");
    for kind in [Kind::PrePrepare, Kind::ViewChange, Kind::NewView] {
        let vote = network.vote(1, kind, 0, &block);
        assert_eq!(one(&network, Message::Vote(vote)), Err(Refused::Kind(kind)));
    }
}

#[test]
fn proofs_are_of_all_prepares_or_of_a_slow_quorum_of_commits() {
    // Slow is four of six, fast are five.
    let network = Network::new(&[1; 6], 1);
    let [block] = chain("block");
    assert!(!Refused::TooLight { weight: 3, needed: 4 }.is_harmless());
    let light = |weight, needed| Err(Refused::TooLight { weight, needed });
    let table: [(FinalityProof, Result<(), Refused>); 5] = [
        (network.fast(0, &block, &[0, 1, 2, 3, 4]), Ok(())),
        (network.fast(0, &block, &[0, 1, 2, 5]), light(4, 5)),
        (network.slow(7, &block, &[0, 2, 4, 5]), Ok(())),
        (network.slow(7, &block, &[0, 2, 4]), light(3, 4)),
        (network.slow(7, &block, &[0, 1, 2, 3, 4, 5]), Ok(())),
    ];
    let Committee { domain, powers, .. } = &network.committee;
    let keys = network.public_keys();
    for (proof, expected) in table {
        assert_eq!(verify_finality(domain, powers, &keys, &proof), expected, "{proof:?}");
        assert_eq!(one(&network, Message::Proof(proof)), expected);
    }
    let unordered = FinalityProof::of(network.votes(Kind::Commit, 0, &block, &[0, 2, 1, 3]));
    assert_eq!(verify_finality(domain, powers, &keys, &unordered), Err(Refused::Unordered(place(1))));
    let twice = FinalityProof::of(network.votes(Kind::Commit, 0, &block, &[0, 1, 1, 3]));
    assert_eq!(verify_finality(domain, powers, &keys, &twice), Err(Refused::Unordered(place(1))));
}

#[test]
fn a_proof_of_another_chain_epoch_or_set_proves_nothing_here() {
    let network = Network::four();
    let [block] = chain("block");
    let proof = network.slow(0, &block, &[0, 1, 2]);
    let Committee { domain, powers, .. } = network.committee.clone();
    let keys = network.public_keys();
    assert_eq!(verify_finality(&domain, &powers, &keys, &proof), Ok(()));
    let others = [
        Domain { network: [1; 32], ..domain },
        Domain { chain: domain.chain.peer(), ..domain },
        Domain { epoch: domain.epoch.next(), ..domain },
        Domain { set: crate::types::SetHash::ZERO, ..domain },
    ];
    for other in others {
        let Err(Refused::Signatures(bad)) = verify_finality(&other, &powers, &keys, &proof) else {
            panic!("{other:?}")
        };
        assert_eq!(bad.len(), 3);
    }
    // Too few keys are no reason to panic.
    let Err(Refused::Signatures(bad)) = verify_finality(&domain, &powers, &keys[..2], &proof) else {
        panic!("a vote without a key")
    };
    assert_eq!(bad.iter().map(|bad| bad.from).collect::<Vec<_>>(), [place(2)]);
}

#[test]
fn proofs_of_what_is_final_already_are_not_verified_again() {
    let network = Network::four();
    let [block] = chain("block");
    let mut verifier = network.verifier();
    verifier.advance(View::ORIGIN, block.height);
    let proof = Message::Proof(network.slow(0, &block, &[0, 1, 2]));
    let refused = verifier.take(None, proof, &mut Passed::new());
    assert_eq!(refused, Err(Refused::Height(block.height)));
    assert_eq!(verifier.scheme.batches.get(), 0);
    let at_base = Proposal { height: BASE.height, ..block };
    let proof = network.slow(0, &at_base, &[0, 1, 2]);
    assert_eq!(one(&network, Message::Proof(proof)), Err(Refused::Height(BASE.height)));
}

#[test]
fn evidence_is_two_signed_things_that_contradict_each_other() {
    let network = Network::four();
    let ([one_block, two], [other]) = (chain("block"), chain("other"));
    let Committee { domain, powers, .. } = &network.committee;
    let keys = network.public_keys();
    let judge = |evidence: &Evidence| {
        let alone = verify_evidence(domain, powers, &keys, evidence);
        let sent = one(&network, Message::Evidence(evidence.clone().into()));
        match (&alone, &sent) {
            (Err(Refused::Signatures(alone)), Err(Refused::Signatures(sent))) => {
                assert_eq!(alone.len(), sent.len());
            }
            _ => assert_eq!(alone.clone().map(drop), sent),
        }
        alone
    };
    let first = network.prepare(1, 0, &one_block);
    let equivocation = |second| Evidence::Equivocation { first, second };
    assert_eq!(judge(&equivocation(network.prepare(1, 0, &other))), Ok(place(1)));
    let innocent = Err(Refused::NoOffence(place(1)));
    assert_eq!(judge(&equivocation(network.prepare(1, 0, &one_block))), innocent);
    assert_eq!(judge(&equivocation(network.prepare(1, 1, &other))), innocent);
    assert_eq!(judge(&equivocation(network.prepare(1, 0, &two))), innocent);
    assert_eq!(judge(&equivocation(network.commit(1, 0, &other))), innocent);
    assert_eq!(judge(&equivocation(network.prepare(2, 0, &other))), innocent);
    let forged = Vote { from: place(1), ..network.prepare(2, 0, &other) };
    assert!(matches!(judge(&equivocation(forged)), Err(Refused::Signatures(bad)) if bad.len() == 1));

    let silent = network.claims(1, 1, BASE, &[]);
    let false_claims = |vote, claims: &Claims| Evidence::FalseClaims { vote, claims: claims.clone().into() };
    assert_eq!(judge(&false_claims(first, &silent)), Ok(place(1)));
    let honest = network.view_change(1, 1).claims;
    assert_eq!(judge(&false_claims(first, &honest)), innocent);
    let mut forged = silent;
    forged.signature = spoilt(forged.signature);
    assert!(matches!(judge(&false_claims(first, &forged)), Err(Refused::Signatures(bad)) if bad.len() == 1));
}

#[test]
fn where_a_peer_is_passes_as_it_came() {
    let status = Status { view: view(900), waits: true, tip: Height::new(3) };
    assert_eq!(one(&Network::four(), Message::Status(status)), Ok(()));
}

#[test]
fn tips_near_the_end_of_heights_are_out_of_bounds() {
    let network = Network::four();
    for (height, count) in [(u64::MAX, 0), (u64::MAX - 1, 1), (u64::MAX - 1, 3), (u64::MAX - 4, 4)] {
        let low = Tip { height: Height::new(height), hash: BASE.hash };
        let above = vec![Claim::default(); count];
        let far = network.claims(1, 1, low, &above);
        let change = ViewChange { claims: far.clone(), backing: Backing::default() };
        assert_eq!(one(&network, Message::ViewChange(change.into())), Err(Refused::Claims(place(1))));
        let [first, last] = [0, 2].map(|from| network.claims(from, 1, BASE, &[]));
        let new_view = network.new_view(1, vec![first, far, last], Backing::default());
        assert_eq!(one(&network, Message::NewView(new_view.into())), Err(Refused::Claims(place(1))));
    }
}
