//! A broken link to the leader: most often its process is gone, so whoever followed it need not wait for a whole
//! election timeout (Raft §9.3: detection is the larger part of a failover). Nobody is deposed by it: who still hears the
//! leader refuses (thesis §4.2.3, §9.6).

use crate::support::*;
use duochain::raft::{Input, Role, Timer};
use duochain::types::LogId;
use std::collections::BTreeSet;
use std::time::Duration;

const HEARTBEAT: Duration = Duration::from_millis(50);
const SPREAD: Duration = Duration::from_millis(150);

fn follower_of_two() -> Lone {
    let mut node = Lone::new(3);
    node.take(2, heartbeat(1, LogId::ORIGIN, 0, 1));
    node
}

/// Beyond the papers: "A broken link is most often a dead process (Raft §9.3), so it is asked about sooner, at a random
/// time as ever."
#[test]
fn a_follower_that_lost_the_link_to_its_leader_asks_after_a_heartbeat_and_a_random_time() {
    let mut node = follower_of_two();
    let mut spans = BTreeSet::new();
    for round in 2..200 {
        node.take(2, heartbeat(1, LogId::ORIGIN, 0, round));
        if let Some(at) = node.run(Input::Unreachable(n(2))).election_at() {
            spans.insert(at.since(node.now));
        }
    }
    let (first, last) = (spans.first().unwrap(), spans.last().unwrap());
    assert!(*first >= HEARTBEAT && *last < HEARTBEAT + SPREAD, "{first:?} to {last:?}");
    assert!(spans.len() > 100, "drawn anew each time");
}

/// Beyond the papers: "Who lost its leader protects it for a heartbeat's time, and no longer."
#[test]
fn who_lost_its_leader_elects_another_one_before_the_shortest_timeout() {
    let mut node = follower_of_two();
    node.run(Input::Unreachable(n(2)));
    node.pass(49);
    assert!(node.take(3, ask(2, LogId::ORIGIN)).0.is_empty(), "it may still be heard again");
    node.pass(1);
    assert_eq!(node.take(3, ask(2, LogId::ORIGIN)).to(3), [vote(2, true)]);
}

/// Raft §5.2: "A server remains in follower state as long as it receives valid RPCs from a leader."
#[test]
fn a_leader_that_is_heard_again_is_followed_as_before() {
    let mut node = follower_of_two();
    node.run(Input::Unreachable(n(2)));
    node.pass(20);
    node.take(2, heartbeat(1, LogId::ORIGIN, 0, 2));
    node.pass(149);
    node.run(Input::Expired(Timer::Election));
    assert_eq!(node.role(), Role::Follower);
    assert!(node.take(3, ask(5, LogId::ORIGIN)).0.is_empty(), "and it is protected");
    assert_eq!(node.term(), 1);
}

/// Beyond the papers: "Only the link to the leader says something about the leader."
#[test]
fn a_broken_link_to_another_follower_changes_nothing() {
    let mut node = follower_of_two();
    assert!(node.run(Input::Unreachable(n(3))).0.is_empty());
    node.pass(149);
    assert!(node.take(3, ask(5, LogId::ORIGIN)).0.is_empty());
}

/// Thesis §9.6: "... and it has not heard from a leader for a baseline election timeout."
#[test]
fn who_still_hears_the_leader_refuses_whoever_lost_it() {
    let mut node = follower_of_two();
    node.pass(60);
    assert_eq!(node.take(3, ask_first(2, LogId::ORIGIN)).to(3), [pre_vote(1, false)]);
    assert_eq!(node.term(), 1);
}

/// Beyond the papers: "Whoever is refused knows that others are alive, and asks again sooner than after a whole timeout."
#[test]
fn who_is_refused_asks_again_after_a_heartbeat_and_a_random_time() {
    // Two that lost their leader at nearly the same moment: the slower one still waits for it.
    let mut node = follower_of_two();
    node.pass(300);
    let asked = node.run(Input::Expired(Timer::Election));
    assert_eq!(asked.to(3), [ask_first(2, LogId::ORIGIN)]);
    let again = node.take(3, pre_vote(1, false)).election_at().expect("sooner than after a whole timeout");
    let span = again.since(node.now);
    assert!(span >= HEARTBEAT && span < HEARTBEAT + SPREAD, "{span:?}");
    // One refusal counts once, however often it comes.
    assert_eq!(node.take(3, pre_vote(1, false)).election_at(), None);
}

/// Beyond the papers: "A split vote is over for those who learn of it, who need not wait for a whole timeout (Raft §5.2)."
#[test]
fn who_split_the_votes_of_a_term_asks_again_as_soon() {
    let mut node = follower_of_two();
    node.pass(300);
    node.run(Input::Expired(Timer::Election));
    node.take(3, pre_vote(2, true));
    assert_eq!(node.role(), Role::Candidate);
    let mut spans = BTreeSet::new();
    if let Some(at) = node.take(3, vote(2, false)).election_at() {
        spans.insert(at.since(node.now));
    }
    assert!(spans.iter().all(|span| *span >= HEARTBEAT && *span < HEARTBEAT + SPREAD), "{spans:?}");
    node.pass(300);
    let asked = node.run(Input::Expired(Timer::Election));
    assert_eq!(asked.to(3), [ask_first(3, LogId::ORIGIN)], "a question first, in no new term");
    assert_eq!(node.term(), 2);
}
