//! Votes wait for each other: batches are counted, culprits named, and nobody is kept out.

use super::*;
use crate::bft::testing::{BASE, Counting, Network, WINDOW, block_on, chain, place, voters};
use crate::bft::{Proposal, Vote};
use crate::crypto::ed25519::Signature;

/// A verifier, what it let through so far, and how many batches of how many signatures it took.
struct Table {
    network: Network,
    verifier: Verifier<Counting>,
    passed: Passed,
}

impl Table {
    fn new(powers: &[u64], slack: u128) -> Self {
        let network = Network::new(powers, slack);
        Self { verifier: network.verifier(), network, passed: Passed::new() }
    }

    fn take(&mut self, vote: Vote) -> Result<(), Refused> {
        self.verifier.take(Some(vote.from), Message::Vote(vote), &mut self.passed)
    }

    /// Signers of what was let through since the last call, batches and signatures.
    fn news(&mut self) -> (Vec<u16>, usize, usize) {
        let scheme = &self.verifier.scheme;
        let passed = std::mem::take(&mut self.passed);
        (voters(&passed), scheme.batches.replace(0), scheme.signatures.replace(0))
    }
}

fn forged(vote: Vote) -> Vote {
    let mut bytes = *vote.signature.as_bytes();
    bytes[40] ^= 1;
    Vote { signature: Signature::new(bytes), ..vote }
}

/// In whose names bad signatures were, and who brought them.
fn blamed(refused: Result<(), Refused>) -> Vec<(u16, u16)> {
    match refused {
        Err(Refused::Signatures(bad)) => {
            bad.iter().map(|bad| (bad.from.get(), bad.via.expect("a validator").get())).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn prepares_wait_for_a_slow_quorum_and_then_for_a_fast_one() {
    // Slow is five of seven, fast are all.
    let mut table = Table::new(&[1; 7], 0);
    let [block] = chain("block");
    for from in [6, 0, 3, 1] {
        assert_eq!(table.take(table.network.prepare(from, 0, &block)), Ok(()));
    }
    assert_eq!((table.news(), table.verifier.waiting()), ((vec![], 0, 0), 4));
    assert_eq!(table.take(table.network.prepare(5, 0, &block)), Ok(()));
    assert_eq!(table.news(), (vec![0, 1, 3, 5, 6], 1, 5));
    assert_eq!(table.take(table.network.prepare(2, 0, &block)), Ok(()));
    assert_eq!(table.news(), (vec![], 0, 0), "one of two");
    assert_eq!(table.take(table.network.prepare(4, 0, &block)), Ok(()));
    assert_eq!((table.news(), table.verifier.waiting()), ((vec![2, 4], 1, 2), 0));
}

#[test]
fn commits_wait_for_a_slow_quorum_only() {
    let mut table = Table::new(&[1; 7], 0);
    let [block] = chain("block");
    for from in 0..7 {
        assert_eq!(table.take(table.network.commit(from, 0, &block)), Ok(()));
    }
    assert_eq!((table.news(), table.verifier.waiting()), ((vec![0, 1, 2, 3, 4], 1, 5), 2));
    // What is left matters to nobody until there is time.
    assert_eq!(table.verifier.flush(&mut table.passed), Ok(()));
    assert_eq!((table.news(), table.verifier.waiting()), ((vec![5, 6], 1, 2), 0));
    assert_eq!(table.verifier.flush(&mut table.passed), Ok(()));
    assert_eq!(table.news(), (vec![], 0, 0));
}

#[test]
fn power_counts_and_not_heads() {
    // f = 3 of 10: slow is seven.
    let mut table = Table::new(&[1, 1, 1, 1, 6], 0);
    let [block] = chain("block");
    for from in 0..4 {
        assert_eq!(table.take(table.network.commit(from, 0, &block)), Ok(()));
    }
    assert_eq!(table.news(), (vec![], 0, 0));
    assert_eq!(table.take(table.network.commit(4, 0, &block)), Ok(()));
    assert_eq!(table.news(), (vec![0, 1, 2, 3, 4], 1, 5));
}

#[test]
fn own_votes_and_the_leaders_count_before_they_are_asked_for() {
    let mut table = Table::new(&[1; 4], 0);
    let [block] = chain("block");
    let proposal = table.network.pre_prepare(0, &block);
    assert_eq!(proposal.from, place(3));
    let proposal = Message::PrePrepare(proposal.into());
    assert_eq!(table.verifier.take(Some(place(3)), proposal.clone(), &mut table.passed), Ok(()));
    assert_eq!(table.news(), (vec![], 1, 2));
    let own = Message::Vote(table.network.prepare(0, 0, &block));
    assert_eq!(table.verifier.sent(&own, &mut table.passed), Ok(()));
    assert_eq!(table.take(table.network.prepare(1, 0, &block)), Ok(()));
    assert_eq!(table.news(), (vec![1], 1, 1), "the third vote");

    // And where the votes of others come first, the own one makes them due.
    for from in [1, 2] {
        assert_eq!(table.take(table.network.commit(from, 0, &block)), Ok(()));
    }
    assert_eq!(table.news(), (vec![], 0, 0));
    let own = Message::Vote(table.network.commit(0, 0, &block));
    assert_eq!(table.verifier.sent(&own, &mut table.passed), Ok(()));
    assert_eq!(table.news(), (vec![1, 2], 1, 2));
    // As with a proposal.
    let [_, above] = chain("block");
    let proposal = table.network.pre_prepare(0, &above);
    assert_eq!(proposal.from, place(0));
    for from in [1, 2] {
        assert_eq!(table.take(table.network.prepare(from, 0, &above)), Ok(()));
    }
    assert_eq!(table.news(), (vec![], 0, 0));
    assert_eq!(table.verifier.take(None, Message::PrePrepare(proposal.into()), &mut table.passed), Ok(()));
    assert_eq!(table.news(), (vec![1, 2], 2, 4));
    // Everything else that is sent tells nothing of votes.
    let status = Message::Status(crate::bft::Status::default());
    assert_eq!(table.verifier.sent(&status, &mut table.passed), Ok(()));
    let far = Message::Vote(table.network.prepare(0, 99, &block));
    assert_eq!(table.verifier.sent(&far, &mut table.passed), Ok(()));
    assert_eq!(table.news(), (vec![], 0, 0));
}

#[test]
fn bad_votes_are_blamed_and_the_rest_goes_on_waiting_for_enough() {
    let mut table = Table::new(&[1; 7], 0);
    let [block] = chain("block");
    for from in [0, 1, 2] {
        assert_eq!(table.take(table.network.commit(from, 0, &block)), Ok(()));
    }
    assert_eq!(table.take(forged(table.network.commit(3, 0, &block))), Ok(()));
    let refused = table.take(table.network.commit(4, 0, &block));
    assert_eq!(blamed(refused), [(3, 3)]);
    assert_eq!(table.news().0, [0, 1, 2, 4], "let through beside it, and counted: one more is enough");
    assert_eq!(table.take(table.network.commit(5, 0, &block)), Ok(()));
    assert_eq!(table.news(), (vec![5], 1, 1));
    // Who was slandered is not kept out.
    assert_eq!(table.take(table.network.commit(3, 0, &block)), Ok(()));
    assert_eq!(table.verifier.flush(&mut table.passed), Ok(()));
    assert_eq!(table.news().0, [3]);
}

#[test]
fn a_forged_vote_that_came_first_does_not_keep_the_good_one_out() {
    let mut table = Table::new(&[1; 7], 0);
    let [block] = chain("block");
    let good = table.network.commit(1, 0, &block);
    let bad = Message::Vote(forged(good));
    assert_eq!(table.verifier.take(Some(place(6)), bad.clone(), &mut table.passed), Ok(()));
    assert_eq!(blamed(table.take(good)), [(1, 6)], "who brought it");
    assert_eq!(table.news(), (vec![1], 1, 2), "both at once");
    // Once the good one is known, others in its name are not even looked at.
    assert_eq!(table.verifier.take(Some(place(6)), bad, &mut table.passed), Ok(()));
    assert_eq!(table.news(), (vec![], 0, 0));
}

#[test]
fn two_votes_that_contradict_each_other_are_let_through_at_once() {
    let mut table = Table::new(&[1; 7], 0);
    let blocks: [Proposal; 3] = ["one", "other", "third"].map(|name| chain::<1>(name)[0].clone());
    assert_eq!(table.take(table.network.prepare(1, 0, &blocks[0])), Ok(()));
    assert_eq!(table.news(), (vec![], 0, 0));
    assert_eq!(table.take(table.network.prepare(1, 0, &blocks[1])), Ok(()));
    assert_eq!(table.news(), (vec![1, 1], 1, 2));
    // A third one says nothing new.
    assert_eq!(table.take(table.network.prepare(1, 0, &blocks[2])), Ok(()));
    assert_eq!((table.news(), table.verifier.waiting()), ((vec![], 0, 0), 0));
    // Of one that is known, and of one with which a proposal comes.
    assert_eq!(table.take(table.network.prepare(2, 0, &blocks[0])), Ok(()));
    assert_eq!(table.verifier.flush(&mut table.passed), Ok(()));
    assert_eq!(table.take(table.network.prepare(2, 0, &blocks[1])), Ok(()));
    assert_eq!(table.news(), (vec![2, 2], 2, 2));
    let leader = table.network.pre_prepare(0, &blocks[0]);
    let vote = table.network.prepare(leader.from.get(), 0, &blocks[1]);
    assert_eq!(table.take(vote), Ok(()));
    let message = Message::PrePrepare(leader.clone().into());
    assert_eq!(table.verifier.take(None, message, &mut table.passed), Ok(()));
    assert_eq!(table.news(), (vec![leader.from.get()], 2, 3));
    // Votes of another kind, view or height contradict nothing.
    let [_, above] = chain("one");
    for vote in [
        table.network.prepare(3, 0, &blocks[0]),
        table.network.commit(3, 0, &blocks[1]),
        table.network.prepare(3, 1, &blocks[1]),
        table.network.prepare(3, 0, &above),
    ] {
        assert_eq!(table.take(vote), Ok(()));
    }
    assert_eq!(table.news(), (vec![], 0, 0));
}

#[test]
fn a_contradiction_that_is_forged_costs_the_honest_vote_nothing() {
    let mut table = Table::new(&[1; 7], 0);
    let ([block], [other]) = (chain("block"), chain("other"));
    assert_eq!(table.take(table.network.prepare(1, 0, &block)), Ok(()));
    let lie = Message::Vote(forged(table.network.prepare(1, 0, &other)));
    assert_eq!(blamed(table.verifier.take(Some(place(5)), lie, &mut table.passed)), [(1, 5)]);
    assert_eq!(table.news().0, [1]);
}

#[test]
fn a_vote_that_was_good_is_told_again_for_nothing() {
    let mut table = Table::new(&[1; 4], 0);
    let [block] = chain("block");
    let vote = table.network.commit(1, 0, &block);
    assert_eq!((table.take(vote), table.take(vote)), (Ok(()), Ok(())));
    assert_eq!((table.news(), table.verifier.waiting()), ((vec![], 0, 0), 1), "it waits once");
    assert_eq!(table.verifier.flush(&mut table.passed), Ok(()));
    assert_eq!(table.news(), (vec![1], 1, 1));
    assert_eq!(table.take(vote), Ok(()));
    assert_eq!(table.news(), (vec![1], 0, 0));
}

#[test]
fn what_is_behind_is_forgotten() {
    let mut table = Table::new(&[1; 7], 0);
    for view in 0..3 {
        for above in 1..4 {
            let block = block_on(above, BASE.hash, "block");
            assert_eq!(table.take(table.network.prepare(1, view, &block)), Ok(()));
        }
    }
    assert_eq!(table.verifier.waiting(), 9);
    table.verifier.advance(View::new(2), BASE.height.forward(1));
    assert_eq!(table.verifier.waiting(), 4, "two heights of two views");
    let block = block_on(2, BASE.hash, "block");
    assert_eq!(table.take(table.network.prepare(1, 0, &block)), Err(Refused::View(View::ORIGIN)));
    for (from, view) in [(2, 1), (3, 1), (4, 1), (5, 1)] {
        assert_eq!(table.take(table.network.prepare(from, view, &block)), Ok(()));
    }
    assert_eq!(table.news(), (vec![1, 2, 3, 4, 5], 1, 5), "a quorum of the view before");
    table.verifier.advance(View::new(40), BASE.height.forward(9));
    assert_eq!(table.verifier.waiting(), 0);
}

#[test]
fn so_many_votes_wait_and_with_one_more_all_are_verified() {
    let mut table = Table::new(&[1; 4], 0);
    let mut taken = 0;
    // Somebody speaks for everybody, of everything that is not out of bounds.
    'full: for view in 0..=VIEWS_AHEAD {
        for above in 1..=2 * WINDOW as u64 {
            for from in 0..2 {
                let vote = forged(table.network.commit(from, view, &block_on(above, BASE.hash, "far")));
                taken += 1;
                if let Err(refused) =
                    table.verifier.take(Some(place(3)), Message::Vote(vote), &mut table.passed)
                {
                    assert_eq!(blamed(Err(refused)).len(), taken);
                    break 'full;
                }
                assert_eq!(table.verifier.waiting(), taken);
            }
        }
    }
    assert_eq!((taken, table.verifier.waiting()), (32 * 4 + 1, 0));
}

#[test]
fn any_votes_in_any_order_are_let_through_once_or_blamed() {
    let mut state = 1_u64;
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    for _ in 0..20 {
        let mut table = Table::new(&[1, 2, 3, 1, 4], 1);
        let blocks: Vec<Proposal> = ["a", "b"].map(|name| chain::<1>(name)[0].clone()).into();
        let (mut good, mut bad) = (std::collections::BTreeSet::new(), 0);
        let mut blamed_count = 0;
        for _ in 0..60 {
            let (from, view) = (below(5) as u16, below(2));
            let kind = [Kind::Prepare, Kind::Commit][below(2) as usize];
            let vote = table.network.vote(from, kind, view, &blocks[below(2) as usize]);
            let is_bad = below(4) == 0;
            let refused = if is_bad {
                bad += 1;
                table.take(forged(vote))
            } else {
                good.insert((vote.statement, vote.from));
                table.take(vote)
            };
            if let Err(Refused::Signatures(culprits)) = refused {
                blamed_count += culprits.len();
            }
        }
        if let Err(Refused::Signatures(culprits)) = table.verifier.flush(&mut table.passed) {
            blamed_count += culprits.len();
        }
        assert!(blamed_count <= bad);
        let through: std::collections::BTreeSet<_> = table
            .passed
            .iter()
            .map(|(_, verified)| match verified.message() {
                Message::Vote(vote) => {
                    let claim = crate::crypto::ed25519::Claim {
                        key: table.network.public_keys()[vote.from.index()],
                        message: &table.network.committee.domain.sign_bytes(&vote.statement),
                        signature: vote.signature,
                    };
                    assert_eq!(crate::crypto::ed25519::verify(&claim), Ok(()), "I1");
                    (vote.statement, vote.from)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(through, good, "nobody's good vote is kept out");
    }
}
