//! Leadership that is handed over: thesis §3.10.

use crate::support::*;
use duochain::raft::{Effect, Input, Message, Refusal, Role, Ticket, Timer};
use duochain::types::{NodeId, Term};

fn transfer(node: &mut Lone, to: Option<NodeId>) -> Seen {
    node.run(Input::Transferred { ticket: Ticket(1), to })
}

fn is_told(seen: &Seen, peer: u64) -> bool {
    seen.to(peer).contains(&Message::TimeoutNow { term: Term::new(1) })
}

/// Thesis §3.10, 3: "The prior leader sends a TimeoutNow request to the target server."
#[test]
fn a_successor_that_has_everything_is_told_at_once() {
    let mut node = Lone::steady_leader(3);
    let seen = transfer(&mut node, Some(n(3)));
    assert!(seen.has(|effect| matches!(effect, Effect::Transferring { to, .. } if *to == n(3))));
    assert!(is_told(&seen, 3) && !is_told(&seen, 2));
}

/// Thesis §3.10, 2: "The prior leader fully updates the target server's log to match its own."
#[test]
fn a_successor_that_lags_is_brought_up_to_date_first() {
    let mut node = Lone::steady_leader(3);
    node.propose(1, 4);
    assert!(!is_told(&transfer(&mut node, Some(n(2))), 2));
    assert!(!is_told(&node.take(2, matched(1, 1, 5)), 2), "received is not durable");
    assert!(is_told(&node.take(2, matched(1, 5, 5)), 2));
}

/// Thesis §3.10, 1: "The prior leader stops accepting new client requests."
#[test]
fn nothing_is_taken_while_leadership_is_on_its_way() {
    let mut node = Lone::steady_leader(3);
    transfer(&mut node, Some(n(2)));
    assert_eq!(node.propose(7, 1).refused(), [(Ticket(7), Refusal::Transferring)]);
    assert_eq!(transfer(&mut node, Some(n(3))).refused(), [(Ticket(1), Refusal::Transferring)]);
}

/// Thesis §3.10: "After about an election timeout, the prior leader aborts the transfer and resumes accepting client
/// requests."
#[test]
fn a_leader_whose_successor_does_not_take_over_goes_on_after_an_election_timeout() {
    let mut node = Lone::steady_leader(3);
    transfer(&mut node, Some(n(2)));
    for round in 2..=9 {
        node.expire(Timer::Heartbeat);
        node.take(3, matched_in(1, 1, 1, round));
    }
    assert_eq!(node.role(), Role::Leader);
    assert!(node.propose(7, 1).accepted().is_some());
}

/// Thesis §3.10, 2: "... fully updates the target server's log": the one that is furthest needs least.
#[test]
fn without_a_name_the_one_that_is_furthest_takes_over() {
    let mut node = Lone::steady_leader(5);
    node.propose(1, 1);
    node.take(4, matched(1, 2, 2));
    assert!(is_told(&transfer(&mut node, None), 4));
}

/// Thesis §3.10: "The prior leader transfers its leadership to another server", one that can be elected.
#[test]
fn only_another_voter_can_take_over_and_only_a_leader_can_ask() {
    let mut recovered = log_of(3, &[]);
    recovered.snapshot.membership.learners.insert(n(4));
    recovered.snapshot.membership.addresses.insert(n(4), "n4".to_owned());
    let mut node = Lone::recovered(recovered);
    assert_eq!(transfer(&mut node, Some(n(2))).refused(), [(Ticket(1), Refusal::NotLeader(None))]);
    node.win();
    for to in [1, 4, 9] {
        assert_eq!(transfer(&mut node, Some(n(to))).refused(), [(Ticket(1), Refusal::Invalid)], "{to}");
    }
    let mut alone = Lone::new(1);
    alone.expire(Timer::Election);
    assert_eq!(transfer(&mut alone, None).refused(), [(Ticket(1), Refusal::Invalid)]);
}

/// Thesis §3.10, 3: "It has the same effect as the target server's election timer firing." Without the question of
/// §9.6.
#[test]
fn whoever_is_told_campaigns_at_once_without_a_question() {
    let mut node = Lone::new(3);
    node.take(2, heartbeat(1, duochain::types::LogId::ORIGIN, 0, 1));
    let seen = node.take(2, Message::TimeoutNow { term: Term::new(1) });
    assert_eq!((node.role(), node.term()), (Role::Candidate, 2));
    assert_eq!(seen.to(3), [ask_as_successor(2, id(0, 0))]);
}

/// Thesis §4.2.3: "A flag in the request says that the leader itself ordered this campaign; then it is not
/// disregarded."
#[test]
fn a_voter_grants_a_successor_although_it_hears_a_leader() {
    let mut node = Lone::new(3);
    node.take(2, heartbeat(1, duochain::types::LogId::ORIGIN, 0, 1));
    assert_eq!(node.take(3, ask_as_successor(2, id(0, 0))).to(3), [vote(2, true)]);
}

/// Raft §5.1: "If a server receives a request with a stale term number, it rejects the request."
#[test]
fn an_order_to_campaign_of_an_earlier_term_is_ignored() {
    let mut node = Lone::recovered(log_in(3, &[], 5));
    node.take(2, Message::TimeoutNow { term: Term::new(4) });
    assert_eq!((node.role(), node.term()), (Role::Follower, 5));
}

/// Raft §5.5: "Raft RPCs are idempotent, so this causes no harm." This one too.
#[test]
fn an_order_that_comes_twice_starts_one_campaign() {
    let mut node = Lone::new(3);
    for _ in 0..2 {
        node.take(2, Message::TimeoutNow { term: Term::new(1) });
    }
    assert_eq!(node.term(), 2);
}
