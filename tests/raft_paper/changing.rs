//! Changes of members: Raft §6; thesis §4.1 with its erratum, §4.2.1 (learners), §4.2.2 (a leader that leaves),
//! §4.2.3 (those that left).

use crate::support::*;
use duochain::frame::FrameKind;
use duochain::raft::{
    Change, Config, Effect, Input, Membership, Recovered, Refusal, Role, Snapshot, Ticket, Timer,
};
use duochain::types::{LogId, UnixNanos};

fn change(node: &mut Lone, change: Change) -> Seen {
    node.run(Input::Changed { ticket: Ticket(1), time: UnixNanos::new(0), change })
}

fn add(number: u64) -> Change {
    Change { add: [(n(number), format!("n{number}"))].into(), ..Change::default() }
}

fn promote(number: u64) -> Change {
    Change { promote: [n(number)].into(), ..Change::default() }
}

fn remove(number: u64) -> Change {
    Change { remove: [n(number)].into(), ..Change::default() }
}

/// A leader of 1, 2 and 3 that has 4 as a learner; all of its log is committed.
fn leader_with_learner() -> Lone {
    let mut node = Lone::steady_leader(3);
    change(&mut node, add(4));
    node.all_have(4, 2);
    assert_eq!(node.commit(), 2);
    node
}

/// Raft §6: "A server always uses the latest configuration in its log, regardless of whether the entry is committed."
#[test]
fn a_node_uses_the_latest_membership_of_its_log_committed_or_not() {
    let mut node = Lone::new(3);
    let five = voters(5);
    node.take(2, append(1, LogId::ORIGIN, 0, vec![membership_frame(1, 1, &five)]));
    assert_eq!((node.raft.membership(), node.commit()), (&five, 0));
}

/// Thesis §4.1: "A server must be prepared to fall back to the previous configuration in its log." Here to that of its
/// snapshot.
#[test]
fn a_membership_that_is_cut_off_the_log_is_not_in_force_any_more() {
    let mut node = Lone::new(3);
    node.take(2, append(1, LogId::ORIGIN, 1, vec![frame(1, 1, 1), membership_frame(1, 2, &voters(5))]));
    node.pass(1_000);
    node.take(3, append(2, id(1, 1), 1, vec![frame(2, 2, 1)]));
    assert_eq!((node.raft.membership(), node.terms()), (&voters(3), vec![1, 2]));
}

/// Thesis §4.1: "A server must be prepared to fall back to the previous configuration in its log."
#[test]
fn the_membership_before_the_one_that_was_cut_is_in_force_again() {
    let mut node = Lone::new(3);
    let frames = vec![membership_frame(1, 1, &voters(4)), membership_frame(1, 2, &voters(5))];
    node.take(2, append(1, LogId::ORIGIN, 1, frames));
    node.pass(1_000);
    node.take(3, append(2, id(1, 1), 1, vec![frame(2, 2, 1)]));
    assert_eq!(node.raft.membership(), &voters(4));
}

/// Raft §6: "Once C_old,new has been committed, it is safe for the leader to create a log entry describing C_new."
#[test]
fn a_change_of_voters_goes_through_a_joint_state_and_ends_by_itself() {
    let mut node = leader_with_learner();
    let seen = change(&mut node, promote(4));
    assert_eq!(seen.appends_to(2)[0].1[0].kind(), FrameKind::Membership);
    let joint = node.raft.membership();
    assert_eq!((&joint.voters, &joint.outgoing), (&voters(4).voters, &voters(3).voters));
    // C_old,new is committed by both majorities; then the leader makes C_new.
    node.take(2, matched(1, 3, 3));
    assert!(node.raft.membership().is_joint(), "two of three, but not three of four");
    node.take(3, matched(1, 3, 3));
    assert_eq!((node.commit(), node.raft.membership()), (3, &voters(4)));
    // C_new by its own majority.
    node.take(2, matched(1, 4, 4));
    assert_eq!(node.commit(), 3);
    node.take(4, matched(1, 4, 4));
    assert_eq!(node.commit(), 4);
}

/// Node 1 leads with voters 1, 2 and is about to have 3, 4, 5 instead of 2.
fn joint_leader() -> Lone {
    let mut membership = members([1, 3, 4, 5]);
    membership.outgoing = [n(1), n(2)].into();
    membership.addresses.insert(n(2), "n2".to_owned());
    let snapshot = Snapshot { membership, ..Snapshot::default() };
    Lone::recovered(Recovered { snapshot, ..Recovered::default() })
}

/// Raft §6: "Agreement (for elections ...) requires separate majorities from both the old and new configurations."
#[test]
fn a_joint_election_needs_both_majorities() {
    for (granting, wins) in [(&[3, 4, 5][..], false), (&[2, 3], false), (&[2, 3, 4], true)] {
        let mut node = joint_leader();
        node.expire(Timer::Election);
        for peer in 2..=5 {
            node.take(peer, pre_vote(1, true));
        }
        for peer in granting {
            node.take(*peer, vote(1, true));
        }
        assert_eq!(node.role() == Role::Leader, wins, "{granting:?}");
    }
}

/// Raft §6: "Agreement (for ... entry commitment) requires separate majorities from both the old and new
/// configurations."
#[test]
fn a_joint_commit_needs_both_majorities() {
    for (having, committed) in [(&[3, 4, 5][..], false), (&[2, 3], false), (&[2, 3, 4], true)] {
        let mut node = joint_leader();
        node.win();
        for peer in having {
            node.take(*peer, matched(1, 1, 1));
        }
        assert_eq!(node.commit() >= 1, committed, "{having:?}");
    }
}

/// Raft §6: "... separate majorities from both." So too for the heartbeats of thesis §6.2.
#[test]
fn a_joint_leader_that_is_heard_by_one_majority_only_steps_down() {
    let mut node = joint_leader();
    node.win();
    let mut round = 1;
    while node.role() == Role::Leader {
        node.expire(Timer::Heartbeat);
        round += 1;
        for peer in 3..=5 {
            node.take(peer, matched_in(1, 0, 0, round));
        }
        assert!(round < 20, "it goes on");
    }
}

/// Raft §6: "Any server from either configuration may serve as leader."
#[test]
fn a_member_of_either_configuration_may_lead() {
    for (voters, outgoing) in [([1, 2, 3], [2, 3, 4]), ([2, 3, 4], [1, 2, 3])] {
        let mut membership = members([1, 2, 3, 4]);
        (membership.voters, membership.outgoing) = (voters.map(n).into(), outgoing.map(n).into());
        let snapshot = Snapshot { membership, ..Snapshot::default() };
        let mut node = Lone::recovered(Recovered { snapshot, ..Recovered::default() });
        node.win();
        assert_eq!(node.propose(1, 1).accepted(), Some(id(1, 2)), "{voters:?}");
    }
}

/// Raft §6: "Log entries are replicated to all servers in both configurations."
#[test]
fn entries_go_to_all_members_of_both() {
    let mut node = joint_leader();
    node.win();
    let seen = node.propose(1, 1);
    assert!((2..=5).all(|peer| !seen.to(peer).is_empty() || node.next(peer) == 2));
    assert_eq!(node.raft.status(node.now).peers.len(), 4);
}

/// Raft §6: "If the leader crashes, a new leader may be chosen under C_old,new" and takes the change to its end.
#[test]
fn a_new_leader_ends_a_joint_state_that_it_found() {
    let mut node = joint_leader();
    node.win();
    for peer in 2..=4 {
        node.take(peer, matched(1, 1, 1));
    }
    assert_eq!(node.raft.membership(), &members([1, 3, 4, 5]));
}

/// Raft §6: "Neither C_old nor C_new can make decisions without approval of the other." A third would need a rule of
/// its own.
#[test]
fn one_change_at_a_time() {
    let mut node = leader_with_learner();
    change(&mut node, promote(4));
    assert_eq!(change(&mut node, add(5)).refused(), [(Ticket(1), Refusal::Changing)]);
    for index in 3..=4 {
        for peer in 2..=3 {
            assert_eq!(change(&mut node, add(5)).refused(), [(Ticket(1), Refusal::Changing)]);
            node.take(peer, matched(1, index, index));
        }
    }
    node.take(4, matched(1, 4, 4));
    assert!(change(&mut node, add(5)).accepted().is_some());
}

/// Thesis §4.1, erratum: "A leader may not append a new configuration until it has committed an entry of its current
/// term."
#[test]
fn a_leader_that_has_committed_nothing_in_its_term_changes_nothing() {
    let mut node = Lone::leader(3, &[1]);
    assert_eq!(change(&mut node, add(4)).refused(), [(Ticket(1), Refusal::NotReady)]);
    node.take(2, matched(2, 2, 2));
    assert!(change(&mut node, add(4)).accepted().is_some());
}

/// Beyond the papers: "Members that cannot be are never in the log."
#[test]
fn changes_that_cannot_be_are_refused_and_change_nothing() {
    let mut node = Lone::steady_leader(3);
    for wrong in [Change::default(), promote(2), promote(9), remove(9)] {
        assert_eq!(change(&mut node, wrong).refused(), [(Ticket(1), Refusal::Invalid)]);
    }
    assert_eq!(node.raft.last().index, at(1));
    let mut follower = Lone::new(3);
    follower.take(2, heartbeat(1, LogId::ORIGIN, 0, 1));
    assert_eq!(change(&mut follower, add(4)).refused(), [(Ticket(1), Refusal::NotLeader(Some(n(2))))]);
}

/// Raft §6: "Non-voting members: the leader replicates log entries to them, but they are not considered for
/// majorities."
#[test]
fn a_learner_gets_the_log_and_decides_nothing() {
    let mut node = leader_with_learner();
    let seen = node.propose(1, 1);
    assert_eq!(seen.appends_to(4).len(), 1);
    node.take(4, matched(1, 3, 3));
    assert_eq!(node.commit(), 2, "the leader and a learner are no majority");
    node.take(2, matched(1, 3, 3));
    assert_eq!(node.commit(), 3);
}

/// Raft §6: "The initial servers may not store any log entries"; what comes new has nothing.
#[test]
fn a_learner_that_comes_gets_the_log_from_its_beginning() {
    let mut node = Lone::steady_leader(3);
    node.propose(1, 5);
    node.all_have(3, 6);
    let seen = change(&mut node, add(4));
    let (prev, frames) = &seen.appends_to(4)[0];
    assert_eq!((*prev, frames[0].base()), (LogId::ORIGIN, at(1)));
}

/// Thesis §4.2.1: "Non-voting servers are not counted", nor are their answers to heartbeats.
#[test]
fn a_learner_keeps_no_leader_in_place() {
    let mut node = leader_with_learner();
    let mut round = 1;
    while node.role() == Role::Leader {
        node.expire(Timer::Heartbeat);
        round += 1;
        node.take(4, matched_in(1, 2, 2, round));
        assert!(round < 20, "it goes on");
    }
}

/// Thesis §4.2.1: "A server that is not in the latest configuration gets no entries."
#[test]
fn a_learner_that_goes_gets_nothing_more() {
    let mut node = leader_with_learner();
    change(&mut node, remove(4));
    assert!(node.propose(1, 1).to(4).is_empty());
    assert!(!node.raft.membership().is_joint(), "no vote is lost: one step is enough");
}

/// Raft §6: "The leader steps down once it has committed the C_new log entry. It does not count itself in majorities."
#[test]
fn a_leader_that_leaves_leads_until_that_is_committed_and_does_not_count_itself() {
    let mut node = Lone::steady_leader(3);
    change(&mut node, remove(1));
    node.take(2, matched(1, 2, 2));
    assert_eq!(node.commit(), 1, "of the new voters, 2 and 3, only one has it");
    node.take(3, matched(1, 2, 2));
    assert_eq!((node.role(), node.commit()), (Role::Leader, 2), "the joint state is over");
    assert_eq!(node.raft.membership(), &members([2, 3]));
    node.take(2, matched(1, 3, 3));
    assert_eq!(node.role(), Role::Leader, "it manages a cluster that it is not part of");
    let seen = node.take(3, matched(1, 3, 3));
    assert_eq!((node.role(), node.commit()), (Role::Follower, 3));
    assert!(!seen.to(2).is_empty(), "it says a last time what is committed");
    assert!(node.expire(Timer::Election).sent().is_empty(), "and never campaigns again");
}

/// Raft §6: "The cluster leader may not be part of the new configuration." Or be in it without a vote.
#[test]
fn a_demoted_leader_becomes_a_learner() {
    let mut node = Lone::steady_leader(3);
    change(&mut node, Change { demote: [n(1)].into(), ..Change::default() });
    node.all_have(3, 2);
    node.all_have(3, 3);
    assert_eq!(node.role(), Role::Follower);
    assert!(node.raft.membership().learners.contains(&n(1)));
}

/// Raft §6: "Removed servers can disrupt the cluster. To prevent this, servers disregard RequestVote RPCs when they
/// hear a leader."
#[test]
fn nodes_that_were_removed_disturb_nobody() {
    let mut cluster = Cluster::new(4);
    let leader = cluster.elect();
    let removed = n(leader.get() % 4 + 1);
    let change = Change { remove: [removed].into(), ..Change::default() };
    cluster.step(leader, Input::Changed { ticket: Ticket(1), time: UnixNanos::new(0), change });
    cluster.run_until("change", |cluster| !cluster.raft(leader).membership().is_voter(removed));
    let term = cluster.raft(leader).term();
    cluster.pass(std::time::Duration::from_secs(10));
    assert_eq!((cluster.leader(), cluster.raft(leader).term()), (Some(leader), term));
}

/// Thesis §4.3: "Arbitrary configuration changes using joint consensus."
#[test]
fn four_nodes_become_two_and_two_become_four() {
    let mut cluster = Cluster::new(4);
    let leader = cluster.elect();
    let others: Vec<_> = (1..=4).map(n).filter(|node| *node != leader).take(2).collect();
    let shrink = Change { remove: others.iter().copied().collect(), ..Change::default() };
    let back = others.iter().map(|node| (*node, "again".to_owned())).collect();
    let grow = Change { add: back, ..Change::default() };
    let promote = Change { promote: others.iter().copied().collect(), ..Change::default() };
    for (size, change) in [(2, shrink), (2, grow), (4, promote)] {
        cluster.step(leader, Input::Changed { ticket: Ticket(1), time: UnixNanos::new(0), change });
        cluster.run_until("change", |cluster| {
            let raft = cluster.raft(leader);
            let is_over = !raft.membership().is_joint() && raft.commit() == raft.last().index;
            is_over && raft.membership().voters.len() == size
        });
    }
    let last = cluster.raft(leader).last().index;
    cluster.run_until("one log", |cluster| (1..=4).all(|node| cluster.commit(node) == last));
}

/// Raft §6: "Configurations are stored and communicated using special entries in the replicated log."
#[test]
fn a_member_that_restarts_finds_the_members_in_its_log() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.elect();
    cluster.add(Config::new(n(4)));
    cluster.step(leader, Input::Changed { ticket: Ticket(1), time: UnixNanos::new(0), change: add(4) });
    cluster.run_until("the learner", |cluster| cluster.commit(4) == cluster.raft(leader).last().index);
    let members: Membership = cluster.raft(n(4)).membership().clone();
    cluster.restart(Config::new(n(4)));
    assert_eq!(cluster.raft(n(4)).membership(), &members);
}

/// Thesis §4.2.2: "A server that is not part of its own latest configuration should still start new elections."
#[test]
fn thesis_4_2_2_who_is_no_voter_any_more_campaigns_until_that_is_committed() {
    let mut cluster = Cluster::new(4);
    let leader = cluster.elect();
    let leaving = (1..=4).map(n).find(|node| *node != leader).expect("three others");
    let change = Change { demote: [leaving].into(), ..Change::default() };
    cluster.step(leader, Input::Changed { ticket: Ticket(1), time: UnixNanos::new(0), change });
    while cluster.raft(leader).membership().is_joint() {
        assert!(cluster.deliver_one());
    }
    // Its end reaches nobody else, and then the leader is gone: of four voters three are left.
    cluster.wire.retain(|(_, to, _)| *to == leaving);
    for _ in 0..cluster.wire.len() {
        cluster.deliver_one();
    }
    cluster.wire.clear();
    cluster.cut_off.insert(leader);
    assert_eq!(cluster.raft(leaving).last(), cluster.raft(leader).last());
    assert!(!cluster.raft(leaving).membership().is_voter(leaving));
    cluster.told(leaving);
    let next = cluster.elect();
    assert!(next != leaving && !cluster.raft(next).membership().is_voter(leaving));
    assert!(became(&cluster.told(leaving), Role::Leader), "it leads until the change is committed");
    cluster.pass(std::time::Duration::from_secs(10));
    assert!(!became(&cluster.told(leaving), Role::PreCandidate), "and never asks again");
}

/// Whether a node was that.
fn became(told: &[Effect], role: Role) -> bool {
    told.iter().any(|effect| matches!(effect, Effect::Became { role: found, .. } if *found == role))
}

/// Thesis §4.2.2: "It might still be needed until the C_new entry is committed."
#[test]
fn thesis_4_2_2_a_leader_whose_own_removal_only_it_has_leads_again_to_commit_it() {
    let mut cluster = Cluster::new(2);
    let leader = cluster.elect();
    let other = n(3 - leader.get());
    let change = Change { remove: [leader].into(), ..Change::default() };
    cluster.step(leader, Input::Changed { ticket: Ticket(1), time: UnixNanos::new(0), change });
    while cluster.raft(leader).membership().is_joint() {
        assert!(cluster.deliver_one());
    }
    // The end of the change reaches nobody, and both of the joint state are needed to elect somebody.
    cluster.wire.clear();
    cluster.restart(Config::new(leader));
    assert_eq!(cluster.raft(leader).membership(), &members([other.get()]));
    assert!(cluster.raft(other).membership().is_joint());
    cluster.run_until("the other leads", |cluster| cluster.leads(other));
    assert_eq!(cluster.raft(other).membership(), &members([other.get()]));
    assert!(became(&cluster.told(leader), Role::Leader));
    cluster.pass(std::time::Duration::from_secs(10));
    assert!(!became(&cluster.told(leader), Role::PreCandidate), "it is not needed any more");
}
