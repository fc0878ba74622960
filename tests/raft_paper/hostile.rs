//! Peers that break the protocol: each is reported, nothing else happens.

use crate::support::*;
use duochain::frame::Body;
use duochain::raft::{Effect, Fault, Input, Message, Outcome, Role, TERM_MAX};
use duochain::types::{LogId, Term};

/// What is the same after a message that had no effect.
fn face(node: &Lone) -> (Role, u64, u64, LogId, Vec<duochain::raft::PeerStatus>) {
    let peers = node.raft.status(node.now).peers;
    (node.role(), node.term(), node.commit(), node.raft.last(), peers)
}

fn reported(node: &mut Lone, message: Message) -> Vec<(u64, Fault)> {
    let before = face(node);
    let seen = node.take(2, message.clone());
    assert_eq!(face(node), before, "{message:?}");
    assert!(seen.writes().is_empty());
    seen.faults()
}

/// Beyond the papers: "No cluster reaches TERM_MAX; whoever says so is broken."
#[test]
fn a_term_that_no_cluster_reaches_is_not_taken_over() {
    let later = [TERM_MAX.get() + 1, u64::MAX];
    for term in later {
        let mut node = Lone::steady_leader(3);
        for message in [
            ask(term, LogId::ORIGIN),
            ask_first(term, LogId::ORIGIN),
            vote(term, true),
            pre_vote(term, true),
            append(term, LogId::ORIGIN, 0, vec![]),
            heartbeat(term, LogId::ORIGIN, u64::MAX, u64::MAX),
            matched(term, 1, 1),
            Message::TimeoutNow { term: Term::new(term) },
        ] {
            assert_eq!(reported(&mut node, message), [(2, Fault::ImpossibleTerm)]);
        }
    }
}

/// Raft §5.3: "If the follower does not find an entry with the same index and term, then it refuses the new entries."
/// Inside a message too.
#[test]
fn frames_that_do_not_follow_each_other_are_not_taken() {
    let mut node = Lone::recovered(log_in(3, &[1], 4));
    node.take(2, heartbeat(4, LogId::ORIGIN, 0, 1));
    let broken = [
        vec![frame(4, 3, 1)],
        vec![frame(4, 1, 1)],
        vec![frame(4, 2, 2), frame(4, 5, 1)],
        vec![frame(4, 2, 2), frame(3, 4, 1)],
        vec![frame(4, 2, 2), frame(4, 2, 2)],
        vec![frame(5, 2, 1)],
        vec![frame(4, 2, 1), sealed(4, 3, Body::membership(b"nobody"))],
        vec![frame(4, u64::MAX - 9, 1)],
    ];
    for frames in broken {
        let message = append(4, id(1, 1), 0, frames);
        assert_eq!(reported(&mut node, message), [(2, Fault::BrokenFrames)]);
    }
}

/// Raft §5.3, figure 3: "A leader never overwrites or deletes entries in its own log." So what it sent stays the same.
#[test]
fn a_leader_that_takes_back_what_it_sent_is_reported() {
    // Its log is only appended to (leader append-only), so what was once the same stays the same.
    let mut node = Lone::recovered(log_in(3, &[1], 4));
    node.take(2, append(4, id(1, 1), 0, vec![frame(4, 2, 3)]));
    let message = append(4, id(1, 1), 0, vec![frame(3, 2, 1)]);
    assert_eq!(reported(&mut node, message), [(2, Fault::BrokenFrames)]);
    assert_eq!(node.take(2, heartbeat(4, id(4, 4), 4, 2)).committed(), Some(id(4, 4)));
}

/// Beyond the papers: "A frame is written, sent, committed and cut as one."
#[test]
fn a_frame_cannot_be_cut_in_two() {
    let mut node = Lone::new(3);
    node.take(2, append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 4)]));
    node.pass(1_000);
    for frames in [vec![frame(2, 3, 1)], vec![frame(1, 3, 4)]] {
        let seen = node.take(3, append(2, id(1, 2), 0, frames));
        assert_eq!(seen.faults(), [(3, Fault::BrokenFrames)]);
        assert_eq!(node.terms(), [1; 4]);
    }
}

/// Raft, figure 2, AppendEntries 2: "Reply false if log doesn't contain an entry at prevLogIndex", wherever that may
/// be.
#[test]
fn places_that_are_not_in_the_log_are_answered_with_a_hint() {
    let mut node = Lone::recovered(log_of(3, &[1, 1]));
    for prev in [id(1, 3), id(9, 2), id(0, 1), id(u64::MAX, u64::MAX), id(1, u64::MAX)] {
        let seen = node.take(2, append(1, prev, u64::MAX, vec![]));
        assert!(matches!(seen.outcomes()[..], [Outcome::Conflict { .. }]), "{prev}");
    }
    assert_eq!(node.commit(), 0);
}

/// Beyond the papers: "What was never made is on no disk."
#[test]
fn a_follower_that_claims_more_than_was_made_is_not_counted() {
    let mut node = Lone::steady_leader(3);
    for message in [
        matched(1, 2, 2),
        matched(1, u64::MAX, u64::MAX),
        matched(1, 1, 0),
        matched(1, 0, u64::MAX),
        matched_in(1, 1, 1, 99),
        matched_in(1, 1, 1, u64::MAX),
    ] {
        assert_eq!(reported(&mut node, message), [(2, Fault::ImpossibleMatch)]);
    }
}

/// Raft, figure 2: "Persistent state on all servers." Who loses it is no server of this cluster any more.
#[test]
fn a_follower_that_forgot_what_was_durable_is_reported_and_proves_nothing() {
    let mut node = Lone::steady_leader(3);
    node.pass(200);
    let outcome = Outcome::Conflict { prev: at(1), hint: LogId::ORIGIN };
    let message = Message::AppendReply { term: Term::new(1), outcome, round: 1 };
    assert_eq!(reported(&mut node, message), [(2, Fault::EntriesForgotten)]);
}

/// Beyond the papers: "After a snapshot, only what came after it is known to be the leader's."
#[test]
fn a_snapshot_that_differs_from_its_leaders_log_leaves_nothing_of_that_to_commit() {
    let mut node = Lone::new(3);
    node.take(2, append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 9)]));
    node.run(came_in(2, 1, snapshot(0, 5, 3)));
    node.run(Input::Installed(id(0, 5)));
    node.take(2, heartbeat(1, LogId::ORIGIN, 9, 1));
    assert_eq!((node.commit(), node.raft.last().index), (5, at(5)));
}

/// Beyond the papers: "No log reaches INDEX_MAX; whoever says so is broken."
#[test]
fn a_snapshot_of_a_place_that_no_log_reaches_is_not_installed() {
    let mut node = Lone::new(3);
    for (term, index) in [(1, u64::MAX), (u64::MAX, 1)] {
        let seen = node.run(came(2, snapshot(term, index, 3)));
        assert_eq!(seen.faults(), [(2, Fault::ImpossibleTerm)]);
        assert!(!seen.has(|effect| matches!(effect, Effect::Install(_))));
    }
}

/// Raft, figure 2: "nextIndex: index of the next log entry to send", which stays between what is matched and the end of
/// the log, whatever a follower says.
#[test]
fn a_hint_may_say_anything() {
    for hint in [id(u64::MAX, u64::MAX), id(0, u64::MAX), id(u64::MAX, 0), id(0, 0)] {
        for prev in [0, 1, 2, 3, u64::MAX] {
            let mut node = Lone::leader(3, &[1, 1]);
            node.take(2, conflict(2, prev, hint));
            assert!((1..=4).contains(&node.next(2)));
        }
    }
}

/// Beyond the papers: "A number belongs to one machine."
#[test]
fn a_peer_with_this_nodes_own_number_is_not_followed() {
    let mut node = Lone::new(3);
    let seen = node.take(1, heartbeat(1, LogId::ORIGIN, 0, 1));
    assert_eq!(seen.faults(), [(1, Fault::SameNumber)]);
    assert_eq!((node.raft.leader(), node.term()), (None, 0));
}

/// Raft §5.2: "... from a majority of the servers in the full cluster." Others are none of them.
#[test]
fn strangers_are_not_counted() {
    let mut node = Lone::leader(3, &[]);
    for stranger in [4, 77] {
        node.take(stranger, matched(1, 1, 1));
    }
    assert_eq!(node.commit(), 0);
}
