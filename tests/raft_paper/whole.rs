//! What a cluster without faults does.

use crate::support::{Cluster, n};
use duochain::raft::{Change, Config, Effect, Input, Refusal, Ticket};
use duochain::types::UnixNanos;
use std::time::Duration;

/// Raft §5: "Raft implements consensus by first electing a leader, then giving it complete responsibility for the
/// replicated log."
#[test]
fn three_nodes_elect_one_leader_and_commit_what_it_takes() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let before = cluster.raft(leader).commit();
    for ticket in 0..100 {
        cluster.propose(leader, ticket, 7);
    }
    let expected = before.forward(700);
    cluster.run_until("commit everywhere", |cluster| {
        (1..=3).all(|node| cluster.commit(node) == expected && cluster.raft(n(node)).durable() == expected)
    });
    for host in cluster.nodes.values() {
        assert_eq!(host.committed.last().map(|id| id.index), Some(expected));
        assert!(host.committed.is_sorted(), "each commit is after the one before");
    }
    assert_eq!((1..=3).filter(|node| cluster.leads(n(*node))).count(), 1);
}

/// Raft §5.3: "Conflicting entries in follower logs will be overwritten with entries from the leader's log."
#[test]
fn a_leader_that_is_cut_off_steps_down_and_its_entries_go() {
    let mut cluster = Cluster::new(3);
    let old = cluster.elect();
    cluster.cut_off.insert(old);
    cluster.propose(old, 1, 5);
    let lost = cluster.raft(old).last();
    let new = {
        cluster.run_until("another leader", |cluster| cluster.leader().is_some_and(|leader| leader != old));
        cluster.elect()
    };
    cluster.propose(new, 2, 3);
    cluster.run_until("old leader steps down", |cluster| !cluster.leads(old));
    let id = cluster.raft(new).last();
    cluster.cut_off.clear();
    cluster.run_until("one log", |cluster| cluster.raft(old).commit() == id.index);
    assert_ne!(cluster.raft(old).term_at(lost.index), Some(lost.term));
    assert_eq!(cluster.raft(old).last(), id);
}

/// Raft §8: "The leader exchanges heartbeat messages with a majority of the cluster before responding to read-only
/// requests."
#[test]
fn a_read_waits_for_a_majority_that_follows_after_it_was_asked() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.told(leader);
    for node in 1..=3 {
        cluster.step(n(node), Input::Read(Ticket(node)));
    }
    cluster.pass(Duration::from_millis(1));
    let index = cluster.raft(leader).commit();
    for node in 1..=3 {
        let told = cluster.told(n(node));
        let ready = told.iter().any(|effect| {
            matches!(effect, Effect::ReadReady { ticket, index: at } if ticket.0 == node && *at == index)
        });
        assert!(ready, "{node}: {told:?}");
    }
    // Alone, the leader cannot know whether it still leads.
    cluster.cut_off.insert(leader);
    cluster.step(leader, Input::Read(Ticket(9)));
    cluster.run_until("refusal", |cluster| !cluster.leads(leader));
    let told = cluster.told(leader);
    assert!(
        told.iter().any(|effect| matches!(effect, Effect::Refused { ticket: Ticket(9), .. })),
        "{told:?}"
    );
}

/// Thesis §3.10: "Raft allows one server to transfer its leadership to another."
#[test]
fn leadership_moves_without_a_timeout() {
    let mut cluster = Cluster::new(3);
    let old = cluster.elect();
    let to = n(old.get() % 3 + 1);
    cluster.propose(old, 1, 10);
    cluster.step(old, Input::Transferred { ticket: Ticket(2), to: Some(to) });
    cluster.propose(old, 3, 1);
    let told = cluster.told(old);
    let refused =
        |effect: &Effect| matches!(effect, Effect::Refused { ticket: Ticket(3), why: Refusal::Transferring });
    assert!(told.iter().any(refused), "{told:?}");
    cluster.pass(Duration::from_millis(1));
    assert_eq!(cluster.leader(), Some(to));
}

/// Raft §6: "In Raft the cluster first switches to a transitional configuration we call joint consensus."
#[test]
fn a_learner_is_added_and_promoted_and_the_leader_removes_itself() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.add(Config::new(n(4)));
    let add = Change { add: [(n(4), "n4".to_owned())].into(), ..Change::default() };
    let promote = Change { promote: [n(4)].into(), remove: [leader].into(), ..Change::default() };
    for (ticket, change) in [add, promote].into_iter().enumerate() {
        let time = UnixNanos::new(0);
        let ticket = Ticket(u64::try_from(ticket).unwrap());
        cluster.step(leader, Input::Changed { ticket, time, change });
        cluster.run_until("change", |cluster| {
            cluster.raft(n(4)).commit() >= cluster.raft(leader).last().index
                && !cluster.raft(n(4)).membership().is_joint()
        });
    }
    let next = cluster.elect();
    assert_ne!(next, leader);
    let members = cluster.raft(next).membership();
    assert!(members.is_voter(n(4)) && !members.is_voter(leader) && !members.is_joint());
    cluster.propose(next, 7, 3);
    let last = cluster.raft(next).last().index;
    cluster.run_until("commit by the new members", |cluster| cluster.commit(4) == last);
}

/// Raft §7: "The way to bring such a follower up-to-date is for the leader to send it a snapshot over the network."
#[test]
fn a_follower_behind_the_log_gets_a_snapshot_and_then_frames() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let late = n(leader.get() % 3 + 1);
    cluster.cut_off.insert(late);
    for ticket in 0..20 {
        cluster.propose(leader, ticket, 2);
        cluster.deliver();
    }
    cluster.compact(leader);
    cluster.propose(leader, 99, 1);
    cluster.told(leader);
    cluster.cut_off.clear();
    cluster.run_until("snapshot", |cluster| {
        cluster.nodes[&leader].told.iter().any(|effect| matches!(effect, Effect::SendSnapshot { .. }))
    });
    cluster.stream(leader, late);
    let end = cluster.raft(leader).last().index;
    cluster.run_until("the rest", |cluster| cluster.raft(late).commit() == end);
    assert_eq!(cluster.nodes[&late].committed.last().map(|id| id.index), Some(end));
}

/// Beyond the papers: "A leader whose disk does not answer leaves its place to one whose disk does."
#[test]
fn a_stalled_disk_costs_the_leader_its_place_and_a_slow_one_does_not() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.nodes.get_mut(&leader).unwrap().waiting = Some(std::collections::VecDeque::new());
    cluster.propose(leader, 1, 1);
    cluster.pass(Duration::from_millis(900));
    assert_eq!(cluster.leader(), Some(leader), "followers commit it meanwhile");
    cluster.run_until("another leader", |cluster| cluster.leader().is_some_and(|now| now != leader));
    assert!(!cluster.leads(leader));
}
