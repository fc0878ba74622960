//! Log replication: Raft §5.3, §5.5.

use crate::support::*;
use duochain::raft::{Config, Input, Message, Outcome, Role, Timer};
use duochain::types::LogId;

/// Raft §5.3: "The leader issues AppendEntries RPCs in parallel to each of the other servers."
#[test]
fn a_proposal_goes_to_all_followers_at_once() {
    let mut node = Lone::steady_leader(5);
    let seen = node.propose(1, 3);
    for peer in 2..=5 {
        assert_eq!(seen.appends_to(peer).len(), 1, "to {peer}");
    }
}

/// Thesis §10.2.2: "The leader sends the next entries without waiting for the acknowledgement of the previous ones."
#[test]
fn proposals_follow_each_other_without_waiting_for_answers() {
    let mut node = Lone::steady_leader(3);
    for ticket in 1..=5 {
        let seen = node.propose(ticket, 1);
        assert_eq!(seen.appends_to(2), [(id(1, ticket), seen.appends_to(3)[0].1.clone())]);
    }
    assert_eq!(node.commit(), 1, "nothing was answered");
}

/// Raft §5.3: "The leader retries AppendEntries RPCs indefinitely (even after it has responded to the client)."
#[test]
fn what_a_follower_lost_is_sent_again_until_it_has_it_even_after_it_is_committed() {
    let mut node = Lone::steady_leader(3);
    node.propose(1, 1);
    node.take(2, matched(1, 2, 2));
    assert_eq!(node.commit(), 2);
    for lost in 1..5 {
        let mut again = 0;
        for _ in 0..4 {
            node.expire(Timer::Heartbeat);
            let round = round_of(&mut node);
            node.take(2, matched_in(1, 2, 2, round));
            again += node.take(3, matched_in(1, 1, 1, round)).appends_to(3).len();
        }
        assert!(again > 0, "lost {lost} times");
    }
    node.take(3, matched(1, 2, 2));
    assert_eq!(node.next(3), 3);
}

/// The round of the heartbeats that are under way.
fn round_of(node: &mut Lone) -> u64 {
    let seen = node.expire(Timer::Heartbeat);
    let rounds = seen.to(3).into_iter().filter_map(|message| match message {
        Message::Heartbeat { round, .. } => Some(round),
        _ => None,
    });
    rounds.max().expect("a heartbeat")
}

/// Raft §5.1: "Servers retry RPCs if they do not receive a response in a timely manner."
#[test]
fn a_broken_link_makes_the_leader_send_again_from_what_is_known_to_be_there() {
    let mut node = Lone::steady_leader(3);
    node.propose(1, 1);
    node.propose(2, 1);
    node.run(Input::Unreachable(n(3)));
    assert_eq!((node.next(3), node.next(2)), (2, 4));
}

/// Raft §5.3: "It includes that index in future AppendEntries RPCs (including heartbeats) so that the other servers
/// find out."
#[test]
fn heartbeats_tell_followers_what_is_committed() {
    let mut node = Lone::new(3);
    node.take(2, append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 2)]));
    let seen = node.take(2, heartbeat(1, id(1, 2), 2, 1));
    assert_eq!(seen.committed(), Some(id(1, 2)));
}

/// Raft, figure 2, AppendEntries 5: "min(leaderCommit, index of last new entry)", of which a heartbeat has none.
#[test]
fn a_heartbeat_commits_only_what_is_known_to_be_the_same() {
    let mut node = Lone::recovered(log_in(3, &[1, 1, 2], 3));
    node.take(2, heartbeat(3, LogId::ORIGIN, 3, 1));
    assert_eq!(node.commit(), 0, "entries 1 to 3 may differ");
    node.take(2, heartbeat(3, id(1, 2), 3, 2));
    assert_eq!(node.commit(), 2);
}

/// Raft §5.3: "This also commits all preceding entries in the leader's log, including entries created by previous
/// leaders."
#[test]
fn committing_an_entry_commits_all_before_it() {
    let mut node = Lone::leader(3, &[1, 1, 2]);
    assert_eq!(node.take(2, matched(3, 4, 4)).committed(), Some(id(3, 4)));
}

/// Raft §5.3, figure 3: "A leader never overwrites or deletes entries in its own log; it only appends new entries."
#[test]
fn a_leader_never_changes_its_own_log() {
    let mut node = Lone::steady_leader(3);
    node.propose(1, 2);
    for message in [append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 9)]), append(0, LogId::ORIGIN, 0, vec![])] {
        let seen = node.take(2, message);
        assert!(seen.writes().is_empty());
    }
    assert_eq!(node.terms(), [1; 3]);
}

/// Raft §5.3: "One AppendEntries RPC for each term with conflicting entries, rather than one RPC per entry."
#[test]
fn a_hint_skips_all_entries_of_a_term_at_once() {
    let mut node = Lone::recovered(log_in(3, &[1, 1, 2, 2, 2, 3, 3, 3], 5));
    let seen = node.take(2, append(5, id(4, 7), 0, vec![]));
    assert_eq!(seen.outcomes(), [Outcome::Conflict { prev: at(7), hint: id(3, 7) }]);
    let seen = node.take(2, append(5, id(2, 6), 0, vec![]));
    assert_eq!(seen.outcomes(), [Outcome::Conflict { prev: at(6), hint: id(2, 5) }]);

    let mut leader = Lone::leader(3, &[1, 1, 1, 4, 4, 4]);
    leader.take(2, conflict(5, 6, id(3, 6)));
    assert_eq!(leader.next(2), 4, "the leader has nothing of terms 2 and 3");
}

/// Raft, figure 2: "matchIndex[] ... increases monotonically."
#[test]
fn an_answer_about_an_append_that_is_no_longer_under_way_moves_nothing() {
    let mut node = Lone::steady_leader(3);
    for ticket in 1..=3 {
        node.propose(ticket, 1);
    }
    node.take(2, matched(1, 4, 4));
    node.take(2, conflict(1, 1, LogId::ORIGIN));
    node.take(2, conflict(1, 40, LogId::ORIGIN));
    assert_eq!(node.next(2), 5);
    node.take(2, matched(1, 2, 2));
    let status = node.raft.status(node.now);
    assert_eq!(status.peers[0].matched, at(4), "what was once there stays there");
}

/// Raft §5.3, figure 7: "The leader handles inconsistencies by forcing the followers' logs to duplicate its own."
#[test]
fn every_log_of_figure_7_becomes_the_leaders() {
    let leader: &[u64] = &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    let followers: [&[u64]; 6] = [
        &[1, 1, 1, 4, 4, 5, 5, 6, 6],
        &[1, 1, 1, 4],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        &[1, 1, 1, 4, 4, 4, 4],
        &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ];
    for (case, follower) in ('a'..).zip(followers) {
        let mut cluster = Cluster::empty();
        // The third one votes for the leader; the follower in question may not be able to.
        for (number, terms) in [(1, leader), (2, follower), (3, &leader[..3])] {
            let mut disk = Disk { frames: frames_of(terms), ..Disk::default() };
            disk.snapshot.membership = voters(3);
            // Term 7 is over: the follower of case d led it.
            disk.vote = log_in(3, &[], 7).vote;
            cluster.add_with(Config::new(n(number)), disk);
        }
        cluster.cut_off.insert(n(2));
        cluster.now = cluster.now.after(std::time::Duration::from_secs(1));
        cluster.step(n(1), Input::Expired(Timer::Election));
        cluster.deliver();
        assert!(cluster.leads(n(1)), "case {case}");
        cluster.cut_off.clear();
        cluster.run_until("one log", |cluster| (1..=3).all(|node| cluster.commit(node) == at(11)));
        assert!(cluster.leads(n(1)), "case {case}");
        for node in 2..=3 {
            assert_eq!(cluster.nodes[&n(node)].disk.frames, cluster.nodes[&n(1)].disk.frames, "case {case}");
        }
    }
}

/// Raft §5.3: "The simple consistency check" makes of messages in any order the same log.
#[test]
fn a_follower_takes_messages_in_any_order() {
    let parts: Vec<Message> = (1..=4)
        .map(|index| append(1, id(u64::from(index > 1), index - 1), 4, vec![frame(1, index, 1)]))
        .collect();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
        let mut node = Lone::new(3);
        // Each of them is lost or refused at most until those before it are there.
        for _ in 0..4 {
            for part in order {
                node.take(2, parts[part].clone());
            }
        }
        assert_eq!((node.terms(), node.commit()), (vec![1; 4], 4), "{order:?}");
    }
}

/// Raft §5.5: "Raft RPCs are idempotent, so this causes no harm."
#[test]
fn the_same_append_twice_changes_nothing_and_is_answered_again() {
    let mut node = Lone::new(3);
    let message = append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 2), frame(1, 3, 2)]);
    let first = node.take(2, message.clone());
    let second = node.take(2, message);
    assert_eq!(first.outcomes(), second.outcomes());
    assert!(second.writes().is_empty());
}

/// Raft §5.5: "If the crashed server restarts, then the RPC will complete successfully."
#[test]
fn a_follower_that_was_away_is_brought_up_to_date_when_it_is_back() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let away = n(leader.get() % 3 + 1);
    cluster.cut_off.insert(away);
    for ticket in 0..10 {
        cluster.propose(leader, ticket, 3);
        cluster.pass(std::time::Duration::from_millis(30));
    }
    cluster.restart(Config::new(away));
    cluster.cut_off.clear();
    let last = cluster.raft(leader).last();
    cluster.run_until("the rest", |cluster| cluster.raft(away).commit() == last.index);
    assert_eq!((cluster.raft(away).last(), cluster.leader()), (last, Some(leader)));
}

/// Raft §5.5: "It will receive the same RPC again after it restarts."
#[test]
fn a_node_that_crashed_in_the_middle_of_a_write_takes_it_again() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    let crashed = n(leader.get() % 3 + 1);
    cluster.host(crashed).waiting = Some(std::collections::VecDeque::new());
    cluster.propose(leader, 1, 3);
    cluster.deliver();
    assert_eq!(cluster.raft(crashed).last(), cluster.raft(leader).last());
    cluster.restart(Config::new(crashed));
    assert_ne!(cluster.raft(crashed).last(), cluster.raft(leader).last(), "it was not durable");
    cluster.run_until("it again", |cluster| {
        cluster.raft(crashed).durable() == cluster.raft(leader).last().index
    });
    assert_eq!(cluster.leader(), Some(leader));
}

/// Raft §5.3: "A new entry can be replicated with a single round of RPCs to a majority of the cluster."
#[test]
fn a_cluster_with_a_minority_down_goes_on() {
    let mut cluster = Cluster::new(5);
    let leader = cluster.elect();
    for node in (1..=5).map(n).filter(|node| *node != leader).take(2) {
        cluster.cut_off.insert(node);
    }
    cluster.propose(leader, 1, 1);
    cluster.deliver();
    assert_eq!(cluster.raft(leader).commit(), cluster.raft(leader).last().index);
    assert_eq!(cluster.raft(leader).role(), Role::Leader);
}
