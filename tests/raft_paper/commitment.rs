//! What is committed, and when: Raft §5.4.2, §5.4.3, figure 8; §8 (a leader's first entry).

use crate::support::*;
use duochain::frame::FrameKind;
use duochain::raft::{Config, Fault, Input, Timer};
use duochain::types::LogId;
use std::time::Duration;

/// Raft §8: "Each leader commits a blank no-op entry into the log at the start of its term."
#[test]
fn a_new_leader_begins_with_an_entry_of_its_own_that_says_nothing() {
    let mut node = Lone::recovered(log_of(3, &[1, 1]));
    node.expire(Timer::Election);
    node.take(2, pre_vote(2, true));
    let seen = node.take(2, vote(2, true));
    let frames = &seen.appends_to(2)[0].1;
    assert_eq!((frames[0].kind(), frames[0].last()), (FrameKind::Blank, id(2, 3)));
}

/// Raft §5.4.2, figure 8: "Only log entries from the leader's current term are committed by counting replicas."
#[test]
fn an_entry_of_an_earlier_term_is_not_committed_by_counting() {
    // Figure 8, (c): entry 2 of term 2 is on a majority and yet may be lost.
    let mut node = Lone::leader(5, &[1, 2]);
    node.take(2, matched(3, 2, 2));
    node.take(3, matched(3, 2, 2));
    assert_eq!(node.commit(), 0);
    assert_eq!(node.take(2, matched(3, 3, 3)).committed(), None);
    // Figure 8, (e): with an entry of its own term on a majority, all before it is safe.
    assert_eq!(node.take(3, matched(3, 3, 3)).committed(), Some(id(3, 3)));
}

/// Nodes 1 to 5 with these logs; none has seen more than its last term, and they are started.
fn five(logs: [&[u64]; 5]) -> Cluster {
    let mut cluster = Cluster::empty();
    for (number, terms) in (1..).zip(logs) {
        let mut disk = Disk { frames: frames_of(terms), ..Disk::default() };
        disk.snapshot.membership = voters(5);
        disk.vote = log_of(5, terms).vote;
        cluster.add_with(Config::new(n(number)), disk);
    }
    cluster.now = cluster.now.after(Duration::from_secs(1));
    cluster
}

fn campaign(cluster: &mut Cluster, node: u64) {
    cluster.now = cluster.now.after(Duration::from_secs(1));
    cluster.step(n(node), Input::Expired(Timer::Election));
    cluster.deliver();
}

/// Raft §5.4.2, figure 8: "An old log entry is stored on a majority of servers, yet can still be overwritten by a
/// future leader."
#[test]
fn what_figure_8_loses_was_never_committed() {
    // (b) to (d): S5 of term 3 overwrites entry 2 of term 2, which S1 to S3 have.
    let mut cluster = five([&[1, 2], &[1, 2], &[1, 2], &[1], &[1, 3]]);
    cluster.cut_off.insert(n(1));
    campaign(&mut cluster, 5);
    assert!(cluster.leads(n(5)));
    cluster.cut_off.clear();
    cluster.run_until("one log", |cluster| (1..=5).all(|node| cluster.commit(node) == at(3)));
    for node in 1..=5 {
        assert_eq!(cluster.raft(n(node)).term_at(at(2)).map(|term| term.get()), Some(3));
        let committed = &cluster.nodes[&n(node)].committed;
        assert!(!committed.contains(&id(2, 2)), "{node} was told: {committed:?}");
    }
}

/// Raft §5.4.2, figure 8: "Then this entry is committed (S5 cannot win an election)."
#[test]
fn what_is_committed_with_an_entry_of_the_leaders_term_cannot_be_outvoted() {
    // Figure 8, (e): S1 has replicated entry 3 of term 4 to a majority; S5 cannot win.
    let mut cluster = five([&[1, 2, 4], &[1, 2, 4], &[1, 2, 4], &[1], &[1, 3]]);
    cluster.cut_off.insert(n(1));
    campaign(&mut cluster, 5);
    assert!(!cluster.leads(n(5)));
    campaign(&mut cluster, 2);
    assert!(cluster.leads(n(2)));
    assert_eq!(cluster.raft(n(5)).term_at(at(2)).map(|term| term.get()), Some(2));
}

/// Raft §5.4, figure 3: "A committed entry will be present in the logs of the leaders for all higher-numbered terms."
#[test]
fn a_new_leader_has_every_committed_entry() {
    // Leader completeness, §5.4: whoever is elected by a majority has what a majority has.
    let mut cluster = Cluster::new(5);
    for round in 0..6 {
        let leader = cluster.elect();
        cluster.propose(leader, round, 2);
        cluster.deliver();
        let committed = cluster.raft(leader).last();
        cluster.cut_off = [leader].into();
        cluster.run_until("another leader", |cluster| cluster.leader().is_some_and(|next| next != leader));
        let next = cluster.elect();
        assert_eq!(cluster.raft(next).term_at(committed.index), Some(committed.term));
        cluster.cut_off.clear();
        cluster.pass(Duration::from_millis(500));
    }
}

/// Raft §5.4.3, figure 3: "No other server will ever apply a different log entry for the same index." Nor ask to.
#[test]
fn a_leader_that_asks_to_change_a_committed_entry_is_reported() {
    let mut node = Lone::recovered(log_of(3, &[1, 1]));
    node.take(2, append(1, id(1, 2), 2, vec![]));
    node.pass(1_000);
    let seen = node.take(3, append(2, id(1, 1), 0, vec![frame(2, 2, 1)]));
    assert_eq!(seen.faults(), [(3, Fault::CommittedEntryChanged)]);
    assert_eq!(node.terms(), [1, 1]);
}

/// Raft §5.3: "It applies the entry to its local state machine (in log order)."
#[test]
fn nothing_is_committed_twice_or_out_of_order_whatever_heartbeats_say() {
    let mut node = Lone::new(3);
    node.take(2, append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 5)]));
    let commits: Vec<_> = [3, 1, 5, 5, 2]
        .into_iter()
        .filter_map(|commit| node.take(2, heartbeat(1, id(1, 5), commit, 1)).committed())
        .collect();
    assert_eq!(commits, [id(1, 3), id(1, 5)]);
}
