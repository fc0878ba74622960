//! Nothing leaves that depends on what is not durable: Raft, figure 2 ("updated on stable storage before responding"),
//! §3.8 of the thesis; and what may happen beside a write: thesis §10.2.1.

use crate::support::*;
use duochain::raft::{Config, Input, Message, Outcome, Role, Timer, WriteId};
use duochain::types::LogId;
use std::time::Duration;

/// Raft, figure 2: "votedFor ... (updated on stable storage before responding to RPCs)."
#[test]
fn no_vote_leaves_before_it_is_durable() {
    let mut node = Lone::new(3);
    let seen = node.hear(2, ask(1, LogId::ORIGIN));
    assert!(seen.sent().is_empty());
    assert_eq!(node.write().to(2), [vote(1, true)]);
}

/// Raft, figure 2: "currentTerm ... (updated on stable storage before responding to RPCs)."
#[test]
fn no_refusal_with_a_new_term_leaves_before_the_term_is_durable() {
    let mut node = Lone::recovered(log_of(3, &[5]));
    assert!(node.hear(2, ask(8, LogId::ORIGIN)).sent().is_empty());
    assert_eq!(node.write().to(2), [vote(8, false)]);
}

/// Thesis §3.8: "A server persists its current term and vote", its own too, "before" it is counted.
#[test]
fn a_candidate_asks_nobody_and_counts_itself_only_when_its_own_vote_is_durable() {
    let mut node = Lone::new(3);
    node.expire(Timer::Election);
    let seen = node.hear(2, pre_vote(1, true));
    assert!(seen.sent().is_empty() && node.role() == Role::Candidate);
    node.hear(2, vote(1, true));
    assert_eq!(node.role(), Role::Candidate, "one vote of three, its own is under way");
    let seen = node.write();
    assert_eq!(node.role(), Role::Leader);
    assert_eq!(seen.to(3)[0], ask(1, LogId::ORIGIN));
}

/// Thesis §3.8: "This prevents the server from voting twice in the same term", for itself included.
#[test]
fn a_single_node_leads_only_when_its_vote_is_durable() {
    let mut node = Lone::new(1);
    node.pass(400);
    node.step(Input::Expired(Timer::Election));
    assert_eq!(node.role(), Role::Candidate);
    node.write();
    assert_eq!((node.role(), node.commit()), (Role::Leader, 1));
}

/// Thesis §3.8: "Each server persists new log entries before they are counted towards the entries' commitment."
#[test]
fn an_append_is_acknowledged_when_it_is_durable() {
    let mut node = Lone::recovered(log_of(3, &[1]));
    let seen = node.hear(2, append(1, id(1, 1), 0, vec![frame(1, 2, 3)]));
    assert!(seen.outcomes().iter().all(|outcome| matches!(outcome, Outcome::Matched { durable, .. }
        if *durable <= at(1))));
    assert_eq!(node.write().outcomes(), [Outcome::Matched { durable: at(4), received: at(4) }]);
}

/// Beyond the papers: "A slow disk is not a dead node: a heartbeat is answered at once, and says what is durable."
#[test]
fn a_heartbeat_is_answered_beside_a_slow_disk_and_says_what_is_durable() {
    let mut node = Lone::recovered(log_of(3, &[1]));
    node.hear(2, append(1, id(1, 1), 0, vec![frame(1, 2, 3)]));
    let seen = node.hear(2, heartbeat(1, id(1, 1), 0, 7));
    assert_eq!(seen.to(2), [matched_in(1, 1, 4, 7)]);
}

/// Raft, figure 2: "currentTerm ... (updated on stable storage before responding to RPCs)." Whatever the answer.
#[test]
fn everything_of_a_new_term_waits_for_the_term() {
    let mut node = Lone::new(3);
    assert!(node.hear(2, heartbeat(1, LogId::ORIGIN, 0, 1)).sent().is_empty());
    assert!(node.hear(2, append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 1)])).sent().is_empty());
    assert!(node.hear(3, ask(1, LogId::ORIGIN)).sent().is_empty());
    assert_eq!(node.step(Input::Written(WriteId(1))).sent().len(), 2);
    assert_eq!(node.write().outcomes(), [Outcome::Matched { durable: at(1), received: at(1) }]);
}

/// Beyond the papers: "A message leaves when every vote and term written before it is durable (W1)."
#[test]
fn a_write_that_was_overtaken_by_a_later_vote_releases_nothing() {
    let mut node = Lone::new(3);
    node.hear(2, ask(1, LogId::ORIGIN));
    node.hear(3, ask(2, LogId::ORIGIN));
    assert!(node.step(Input::Written(WriteId(1))).sent().is_empty());
    let seen = node.step(Input::Written(WriteId(2)));
    assert_eq!(seen.to(3), [vote(2, true)]);
    assert!(!seen.to(2).contains(&vote(2, true)));
}

/// Beyond the papers: "One answer of the disk may cover many writes."
#[test]
fn one_answer_of_the_disk_may_cover_many_writes() {
    let mut node = Lone::recovered(log_of(3, &[1]));
    for index in 2..=5 {
        node.hear(2, append(1, id(1, index - 1), 0, vec![frame(1, index, 1)]));
    }
    let seen = node.step(Input::Written(WriteId(4)));
    assert_eq!(seen.outcomes(), [Outcome::Matched { durable: at(5), received: at(5) }]);
}

/// Beyond the papers: "An answer to something that is no longer asked is ignored."
#[test]
fn answers_of_the_disk_that_nobody_waits_for_change_nothing() {
    let mut node = Lone::recovered(log_of(3, &[1]));
    node.hear(2, append(1, id(1, 1), 0, vec![frame(1, 2, 1)]));
    for id in [WriteId(0), WriteId(2), WriteId(u64::MAX)] {
        assert!(node.step(Input::Written(id)).sent().is_empty());
    }
    assert_eq!(node.raft.durable(), at(1));
    node.step(Input::Written(WriteId(1)));
    assert!(node.step(Input::Written(WriteId(1))).sent().is_empty(), "again");
    assert_eq!(node.raft.durable(), at(2));
}

/// Beyond the papers: "A cut lowers what is under way (W2)."
#[test]
fn a_write_of_entries_that_were_cut_meanwhile_makes_nothing_durable() {
    let mut node = Lone::recovered(log_of(3, &[1]));
    node.hear(2, append(1, id(1, 1), 0, vec![frame(1, 2, 3)]));
    node.pass(1_000);
    node.hear(3, append(2, id(1, 1), 0, vec![frame(2, 2, 1)]));
    node.step(Input::Written(WriteId(1)));
    assert_eq!(node.raft.durable(), at(1));
    let seen = node.step(Input::Written(WriteId(2)));
    assert_eq!(seen.outcomes().last(), Some(&Outcome::Matched { durable: at(2), received: at(2) }));
}

/// Beyond the papers: "A node never applies what it could forget." A deviation, to the safe side.
#[test]
fn what_is_committed_elsewhere_is_handed_over_when_it_is_durable_here() {
    let mut node = Lone::recovered(log_of(3, &[1]));
    let seen = node.hear(2, append(1, id(1, 1), 2, vec![frame(1, 2, 1)]));
    assert_eq!((node.commit(), seen.committed()), (2, Some(id(1, 1))));
    assert_eq!(node.write().committed(), Some(id(1, 2)));
}

/// Thesis §10.2.1: "The leader writes to its disk in parallel with replicating to the followers."
#[test]
fn a_leader_sends_while_it_writes() {
    let mut node = Lone::steady_leader(3);
    let seen = node.step(propose(1));
    assert_eq!((seen.writes().len(), seen.appends_to(2).len(), seen.appends_to(3).len()), (1, 1, 1));
}

/// Thesis §10.2.1: "The leader may even commit an entry before it has been written to its own disk."
#[test]
fn a_majority_of_followers_commits_without_the_leaders_disk() {
    let mut node = Lone::steady_leader(5);
    node.step(propose(1));
    node.hear(2, matched(1, 2, 2));
    node.hear(3, matched(1, 2, 2));
    assert_eq!(node.commit(), 1, "the leader's own disk does not count yet");
    node.hear(4, matched(1, 2, 2));
    assert_eq!(node.commit(), 2);
    assert_eq!(node.write().committed(), Some(id(1, 2)), "handed over when durable here");
}

/// Thesis §10.2.1: "... if a majority of servers have written it to their disks", of whom the leader is one.
#[test]
fn a_leaders_disk_counts_like_any_other() {
    let mut node = Lone::steady_leader(3);
    node.step(propose(1));
    assert_eq!(node.hear(2, matched(1, 2, 2)).committed(), None);
    assert_eq!(node.write().committed(), Some(id(1, 2)));
}

/// Thesis §3.8: "Each server persists new log entries before they are counted towards the entries' commitment."
#[test]
fn what_is_only_received_somewhere_is_not_counted() {
    let mut node = Lone::steady_leader(3);
    node.propose(1, 1);
    node.take(2, matched(1, 1, 2));
    node.take(3, matched(1, 1, 2));
    assert_eq!(node.commit(), 1);
}

/// Beyond the papers: "A leader whose disk does not answer leaves its place to one whose disk does."
#[test]
fn a_leader_whose_disk_stalls_steps_down_and_campaigns_again_when_it_answers() {
    let mut node = Lone::steady_leader(3);
    node.step(propose(1));
    let begun = node.now;
    let mut round = 2;
    while node.role() == Role::Leader {
        node.pass(50);
        round += 1;
        node.hear(2, matched_in(1, 1, 1, 1));
        node.step(Input::Expired(Timer::Heartbeat));
        assert!(round < 100, "it goes on");
    }
    assert!(node.now.since(begun) > Duration::from_secs(1));
    node.pass(400);
    node.step(Input::Expired(Timer::Election));
    assert_eq!(node.role(), Role::Follower, "such a leader could not do its work");
    node.write();
    node.pass(400);
    assert!(!node.step(Input::Expired(Timer::Election)).sent().is_empty());
}

/// Raft §5.2: "Each server will vote for at most one candidate in a given term", before and after a restart.
#[test]
fn a_node_that_restarts_in_a_campaign_does_not_vote_again_in_its_term() {
    let mut cluster = Cluster::new(3);
    cluster.now = cluster.now.after(Duration::from_secs(1));
    cluster.cut_off.insert(n(3));
    cluster.step(n(1), Input::Expired(Timer::Election));
    cluster.deliver();
    let term = cluster.raft(n(1)).term();
    assert_eq!(cluster.leader(), Some(n(1)));
    cluster.restart(Config::new(n(1)));
    cluster.wire.clear();
    let message = Message::VoteRequest { term, last: id(9, 9), pre: false, transfer: true };
    cluster.step(n(1), Input::Received { from: n(3), message });
    let refused = vote(term.get(), false);
    assert!(cluster.wire.iter().any(|(_, to, message)| *to == n(3) && *message == refused));
}

fn propose(ticket: u64) -> Input {
    let (ticket, time) = (duochain::raft::Ticket(ticket), duochain::types::UnixNanos::new(1));
    Input::Proposed { ticket, time, body: batch(1) }
}
