//! Reads that see everything acknowledged before them: Raft §8, thesis §6.4 (ReadIndex).

use crate::support::*;
use duochain::raft::{Config, Input, Message, Refusal, Role, Ticket, Timer};
use duochain::types::{LogId, Term};

fn read(node: &mut Lone, ticket: u64) -> Seen {
    node.run(Input::Read(Ticket(ticket)))
}

/// Thesis §6.4, 1: "If the leader has not yet marked an entry from its current term committed, it waits until it has
/// done so."
#[test]
fn a_leader_that_has_committed_nothing_in_its_term_answers_when_it_has() {
    let mut node = Lone::leader(3, &[1]);
    assert!(read(&mut node, 7).ready().is_empty());
    node.take(2, matched_in(2, 1, 1, 1));
    node.take(2, matched(2, 2, 2));
    let seen = node.take(2, matched_in(2, 2, 2, 2));
    assert_eq!(seen.ready(), [(7, 2)]);
}

/// Thesis §6.4, 2: "The leader saves its current commit index in a local variable readIndex."
#[test]
fn a_read_is_answered_with_the_commit_index_of_when_it_was_asked() {
    let mut node = Lone::steady_leader(3);
    node.take(2, matched_in(1, 1, 1, 1));
    read(&mut node, 7);
    node.propose(1, 1);
    node.take(3, matched(1, 2, 2));
    assert_eq!(node.take(2, matched_in(1, 1, 1, 2)).ready(), [(7, 1)]);
}

/// Thesis §6.4, 3: "It issues a new round of heartbeats and waits for their acknowledgments from a majority."
#[test]
fn a_heartbeat_from_before_the_read_proves_nothing() {
    let mut node = Lone::steady_leader(3);
    read(&mut node, 7);
    assert!(node.take(2, matched_in(1, 1, 1, 1)).ready().is_empty(), "round 1 began before");
    assert_eq!(node.take(2, matched_in(1, 1, 1, 2)).ready(), [(7, 1)]);
}

/// Raft §8: "The leader exchanges heartbeat messages with a majority of the cluster before responding to read-only
/// requests."
#[test]
fn answers_of_one_follower_are_no_majority_of_five() {
    let mut node = Lone::steady_leader(5);
    node.take(2, matched_in(1, 1, 1, 1));
    node.take(3, matched_in(1, 1, 1, 1));
    read(&mut node, 7);
    for _ in 0..3 {
        assert!(node.take(2, matched_in(1, 1, 1, 2)).ready().is_empty());
    }
    assert_eq!(node.take(5, matched_in(1, 1, 1, 2)).ready(), [(7, 1)]);
}

/// Thesis §6.4, 3: "Once these acknowledgments are received, there could not have existed a leader for a greater term":
/// only once these are.
#[test]
fn acknowledgements_of_entries_are_no_answers_to_a_round() {
    let mut node = Lone::steady_leader(3);
    node.take(2, matched_in(1, 1, 1, 1));
    read(&mut node, 7);
    node.propose(1, 1);
    assert!(node.take(2, matched(1, 2, 2)).ready().is_empty(), "it may have been sent before");
}

/// Thesis §6.4: "The leader can use a single round of heartbeats for any number of read-only queries that it has
/// accumulated."
#[test]
fn many_reads_share_one_round() {
    let mut node = Lone::steady_leader(3);
    node.take(2, matched_in(1, 1, 1, 1));
    let first = read(&mut node, 1);
    assert_eq!(first.to(2).len(), 1);
    for ticket in 2..=50 {
        assert!(read(&mut node, ticket).sent().is_empty());
    }
    assert_eq!(node.take(2, matched_in(1, 1, 1, 2)).ready(), [(1, 1)]);
    let ready = node.take(2, matched_in(1, 1, 1, 3)).ready();
    assert_eq!(ready.len(), 49);
}

/// Raft §8: "... with a majority of the cluster." Of one, that is itself.
#[test]
fn a_single_node_answers_at_once() {
    let mut node = Lone::new(1);
    node.expire(Timer::Election);
    assert_eq!(read(&mut node, 7).ready(), [(7, 1)]);
}

/// Thesis §6.4: "The follower issues a request to the leader that just asks for a current readIndex."
#[test]
fn a_follower_asks_its_leader_and_a_node_without_one_refuses() {
    let mut node = Lone::new(3);
    assert_eq!(read(&mut node, 6).refused(), [(Ticket(6), Refusal::NotLeader(None))]);
    node.take(2, heartbeat(1, LogId::ORIGIN, 0, 1));
    let request = Message::ReadRequest { term: Term::new(1), ticket: Ticket(7) };
    assert_eq!(read(&mut node, 7).to(2), [request]);
    let reply = |index| Message::ReadReply { term: Term::new(1), ticket: Ticket(7), index };
    assert_eq!(node.take(2, reply(Some(at(4)))).ready(), [(7, 4)]);
    assert_eq!(node.take(2, reply(None)).refused(), [(Ticket(7), Refusal::NotLeader(Some(n(2))))]);
}

/// Raft §8: "A leader must have the latest information on which entries are committed." Nobody else has.
#[test]
fn only_the_leader_can_say_from_where_to_read() {
    let mut node = Lone::new(3);
    node.take(2, heartbeat(1, LogId::ORIGIN, 0, 1));
    read(&mut node, 7);
    let reply = Message::ReadReply { term: Term::new(1), ticket: Ticket(7), index: Some(at(0)) };
    assert!(node.take(3, reply).ready().is_empty());
}

/// Thesis §6.4: "The leader would execute steps 1 to 3" for the follower that asks.
#[test]
fn a_leader_answers_a_follower_that_asks_and_a_follower_cannot() {
    let request = Message::ReadRequest { term: Term::new(1), ticket: Ticket(7) };
    let reply = |index| Message::ReadReply { term: Term::new(1), ticket: Ticket(7), index };
    let mut node = Lone::steady_leader(3);
    node.take(2, matched_in(1, 1, 1, 1));
    node.take(3, request.clone());
    assert!(node.take(2, matched_in(1, 1, 1, 2)).to(3).contains(&reply(Some(at(1)))));
    let mut follower = Lone::new(3);
    follower.take(2, heartbeat(1, LogId::ORIGIN, 0, 1));
    assert_eq!(follower.take(3, request).to(3), [reply(None)]);
}

/// Raft §8: "A leader must check whether it has been deposed before processing a read-only request."
#[test]
fn a_leader_that_is_deposed_refuses_the_reads_that_wait() {
    let mut node = Lone::steady_leader(3);
    node.take(2, matched_in(1, 1, 1, 1));
    read(&mut node, 7);
    let seen = node.take(2, heartbeat(2, LogId::ORIGIN, 0, 1));
    assert_eq!(seen.refused(), [(Ticket(7), Refusal::NotLeader(Some(n(2))))]);
}

/// Beyond the papers: "Reads that wait are bounded, whoever asked."
#[test]
fn reads_that_wait_are_bounded_those_of_peers_included() {
    let config = Config { reads_max: 2, ..Config::new(n(1)) };
    let mut node = Lone::configured(config, log_of(3, &[]));
    node.win();
    assert!(read(&mut node, 1).refused().is_empty(), "before the first commit");
    node.take(2, Message::ReadRequest { term: Term::new(1), ticket: Ticket(2) });
    assert_eq!(read(&mut node, 3).refused(), [(Ticket(3), Refusal::Busy)]);
    let seen = node.take(3, Message::ReadRequest { term: Term::new(1), ticket: Ticket(4) });
    let refused = Message::ReadReply { term: Term::new(1), ticket: Ticket(4), index: None };
    assert_eq!(seen.to(3), [refused]);
    node.all_have(3, 1);
    for round in 1..=3 {
        node.take(2, matched_in(1, 1, 1, round.min(2)));
    }
    assert!(read(&mut node, 5).refused().is_empty());
}

/// Raft §8: "Its information may be stale if a more recent leader has been elected."
#[test]
fn an_old_leader_that_is_cut_off_answers_no_read() {
    let mut cluster = Cluster::new(3);
    let old = cluster.elect();
    cluster.cut_off.insert(old);
    cluster.run_until("another", |cluster| cluster.leader().is_some_and(|leader| leader != old));
    cluster.told(old);
    if cluster.raft(old).role() == Role::Leader {
        cluster.step(old, Input::Read(Ticket(1)));
    }
    cluster.pass(std::time::Duration::from_secs(1));
    let is_ready =
        |effect: &duochain::raft::Effect| matches!(effect, duochain::raft::Effect::ReadReady { .. });
    assert!(!cluster.told(old).iter().any(is_ready));
}
