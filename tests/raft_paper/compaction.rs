//! Snapshots: Raft §7, figure 13.

use crate::support::*;
use duochain::raft::{Effect, Fault, Input, Membership, Outcome, Role, Snapshot, Timer};
use duochain::types::LogId;

/// A leader of 3 with entries 1 to 5, all of them everywhere, that has forgotten 1 to 4.
fn compacted_leader() -> Lone {
    let mut node = Lone::steady_leader(3);
    for ticket in 1..=4 {
        node.propose(ticket, 1);
    }
    node.all_have(3, 5);
    node.run(Input::Compacted(snapshot(1, 4, 3)));
    node
}

/// Raft §7: "It may delete all log entries up through the last included index"; "last included index and term" stay.
#[test]
fn a_node_forgets_what_its_own_snapshot_covers_and_keeps_the_place_where_it_ends() {
    let node = compacted_leader();
    assert_eq!(node.raft.status(node.now).snapshot, id(1, 4));
    assert_eq!((node.raft.term_at(at(4)), node.raft.term_at(at(3))), (Some(id(1, 4).term), None));
    assert_eq!(node.terms(), [1]);
}

/// Raft §7: "Each server takes snapshots independently, covering just the committed entries in its log."
#[test]
fn a_snapshot_of_what_is_not_applied_here_or_of_another_log_is_not_taken() {
    let mut node = Lone::steady_leader(3);
    node.propose(1, 3);
    for (term, index) in [(1, 4), (9, 1), (1, u64::MAX), (0, 0)] {
        node.run(Input::Compacted(snapshot(term, index, 3)));
        assert_eq!(node.raft.status(node.now).snapshot, LogId::ORIGIN, "{term}.{index}");
    }
}

/// Raft §7: "The snapshot also includes the latest configuration in the log as of last included index."
#[test]
fn the_members_in_a_snapshot_are_those_at_its_end() {
    let mut node = Lone::new(3);
    let four = Membership { learners: [n(4)].into(), ..with_address(voters(3), 4) };
    node.take(
        2,
        append(1, LogId::ORIGIN, 3, vec![frame(1, 1, 1), membership_frame(1, 2, &four), frame(1, 3, 1)]),
    );
    assert_eq!(node.raft.membership_at(at(1)), &voters(3));
    assert_eq!(node.raft.membership_at(at(2)), &four);
    node.run(Input::Compacted(Snapshot { last: id(1, 2), membership: four.clone(), ..Snapshot::default() }));
    assert_eq!(node.raft.membership(), &four);
}

fn with_address(mut membership: Membership, number: u64) -> Membership {
    membership.addresses.insert(n(number), format!("n{number}"));
    membership
}

/// Raft §7: "This happens when the leader has already discarded the next log entry that it needs to send to a
/// follower."
#[test]
fn a_follower_that_needs_what_was_forgotten_gets_a_snapshot() {
    let mut node = Lone::leader(3, &[]);
    for ticket in 1..=4 {
        node.propose(ticket, 1);
    }
    node.take(2, matched(1, 5, 5));
    node.run(Input::Compacted(snapshot(1, 4, 3)));
    let seen = node.take(3, conflict(1, 0, LogId::ORIGIN));
    assert!(seen.streams().is_empty(), "its first append is under way still");
    node.run(Input::Unreachable(n(3)));
    node.expire(Timer::Heartbeat);
    let seen = node.take(3, matched_in(1, 0, 0, 2));
    assert_eq!(seen.streams(), [n(3)]);
    // One stream at a time, and no frames beside it.
    node.propose(9, 1);
    let seen = node.take(3, matched_in(1, 0, 0, 2));
    assert!(seen.streams().is_empty() && seen.appends_to(3).is_empty());
    assert!(node.raft.status(node.now).peers[1].is_in_snapshot);
    // Then the rest.
    let seen = node.run(Input::SnapshotSent { to: n(3), arrived: Some(id(1, 4)) });
    assert_eq!(seen.appends_to(3)[0].0, id(1, 4));
}

/// Raft §5.5: "Raft handles these failures by retrying indefinitely."
#[test]
fn a_snapshot_that_did_not_arrive_is_sent_again_at_a_heartbeat() {
    let mut node = compacted_leader_that_streams();
    let seen = node.run(Input::SnapshotSent { to: n(3), arrived: None });
    assert!(seen.streams().is_empty(), "not at once: whoever fails at once would be asked for ever");
    node.expire(Timer::Heartbeat);
    assert_eq!(node.take(3, matched_in(1, 0, 0, 2)).streams(), [n(3)]);
}

/// Raft §7: "The leader uses InstallSnapshot to send snapshots to followers that are too far behind." Who is no longer
/// so gets entries.
#[test]
fn a_follower_that_says_that_it_has_the_snapshot_is_believed_before_its_stream_ends() {
    let mut node = compacted_leader_that_streams();
    let seen = node.take(3, matched(1, 4, 4));
    assert_eq!(seen.appends_to(3)[0].0, id(1, 4));
    assert!(node.run(Input::SnapshotSent { to: n(3), arrived: Some(id(1, 4)) }).sent().is_empty());
}

fn compacted_leader_that_streams() -> Lone {
    let mut node = Lone::leader(3, &[]);
    for ticket in 1..=4 {
        node.propose(ticket, 1);
    }
    node.take(2, matched(1, 5, 5));
    node.run(Input::Compacted(snapshot(1, 4, 3)));
    node.run(Input::Unreachable(n(3)));
    assert_eq!(node.take(3, matched_in(1, 0, 0, 1)).streams(), [n(3)]);
    node
}

/// Raft, figure 13, 7 and 8: "Discard the entire log. Reset state machine using snapshot contents (and load its
/// configuration)."
#[test]
fn a_snapshot_replaces_a_log_that_ends_before_it_or_differs() {
    for terms in [&[1][..], &[1, 1, 1, 1, 1, 1]] {
        let mut node = Lone::recovered(log_in(3, terms, 3));
        let five = Snapshot { membership: voters(5), ..snapshot(3, 5, 5) };
        let seen = node.run(came(2, five.clone()));
        assert!(seen.has(|effect| matches!(effect, Effect::Install(snapshot) if *snapshot == five)));
        assert_eq!(node.terms(), terms, "the old log until the new state is durable");
        node.run(Input::Installed(id(3, 5)));
        assert_eq!((node.raft.last(), node.commit()), (id(3, 5), 5));
        assert_eq!(node.raft.membership(), &voters(5));
    }
}

/// Raft, figure 13, 6: "If existing log entry has same index and term as snapshot's last included entry, retain log
/// entries following it."
#[test]
fn a_log_that_has_the_snapshots_last_entry_is_kept() {
    // Figure 13, 6: retain the entries that follow it. The core only learns what is committed.
    let mut node = Lone::recovered(log_of(3, &[1, 1, 2, 2]));
    let seen = node.run(came(2, snapshot(2, 3, 3)));
    assert!(seen.has(|effect| matches!(effect, Effect::Discard(last) if *last == id(2, 3))));
    assert_eq!((node.terms(), seen.committed()), (vec![1, 1, 2, 2], Some(id(2, 3))));
}

/// Raft §7: "... a snapshot that describes a prefix of its log (due to retransmission or by mistake)."
#[test]
fn a_snapshot_of_what_is_committed_here_is_not_taken() {
    let mut node = Lone::recovered(log_of(3, &[1, 1]));
    node.take(2, append(1, id(1, 2), 2, vec![]));
    let seen = node.run(came(2, snapshot(1, 2, 3)));
    assert!(matches!(seen.0[..], [Effect::Discard(_)]));
}

/// Raft §5.2, figure 3: "At most one leader can be elected in a given term." So nobody else sends one in it.
#[test]
fn a_leader_takes_no_snapshot() {
    // In its own term nobody else leads; in an earlier one somebody did.
    for (term, faults) in [(1, vec![(2, Fault::TwoLeaders)]), (0, vec![])] {
        let mut node = Lone::steady_leader(3);
        let seen = node.run(came_in(2, term, snapshot(term, 50, 3)));
        assert_eq!(seen.faults(), faults);
        assert!(seen.has(|effect| matches!(effect, Effect::Discard(_))));
        assert_eq!(node.role(), Role::Leader);
    }
}

/// Raft, figure 13, 1: "Reply immediately if term < currentTerm."
#[test]
fn a_snapshot_of_a_deposed_leader_is_not_taken() {
    let mut node = Lone::recovered(log_in(3, &[1], 3));
    let seen = node.run(came_in(2, 2, snapshot(2, 50, 3)));
    assert!(matches!(seen.0[..], [Effect::Discard(_)]), "{seen:?}");
    assert_eq!((node.raft.leader(), node.term()), (None, 3));
}

/// Raft, figure 2, all servers: "If RPC request contains term T > currentTerm: convert to follower." It is a sign of
/// life too.
#[test]
fn a_snapshot_makes_a_follower_of_its_leader_even_where_it_is_of_no_other_use() {
    let mut node = Lone::recovered(log_in(3, &[1, 1], 3));
    node.expire(Timer::Election);
    let seen = node.run(came_in(2, 4, snapshot(1, 2, 3)));
    assert!(seen.has(|effect| matches!(effect, Effect::Discard(_))));
    assert_eq!((node.role(), node.term(), node.raft.leader()), (Role::Follower, 4, Some(n(2))));
    assert_eq!(seen.vote().map(|vote| vote.term.get()), Some(4), "durably");
}

/// Raft, figure 3: "At most one leader can be elected in a given term." And no entry is of a later term than its
/// leader.
#[test]
fn a_snapshot_of_a_second_leader_or_of_a_later_term_than_its_leader_is_refused() {
    let mut node = Lone::recovered(log_in(3, &[1], 3));
    node.take(2, heartbeat(3, LogId::ORIGIN, 0, 1));
    let second = node.run(came_in(3, 3, snapshot(2, 50, 3)));
    assert_eq!(second.faults(), [(3, Fault::TwoLeaders)]);
    let later = node.run(came_in(2, 3, snapshot(4, 50, 3)));
    assert_eq!(later.faults(), [(2, Fault::ImpossibleTerm)]);
    assert!([second, later].iter().all(|seen| !seen.has(|effect| matches!(effect, Effect::Install(_)))));
}

/// Raft §5.1: "If one server's current term is smaller than the other's, then it updates its current term." Durably,
/// and first.
#[test]
fn a_snapshot_of_a_later_term_teaches_the_term() {
    // It may overtake every message of its leader: a log must not be of a later term than its node.
    let mut node = Lone::new(3);
    let seen = node.run(came(2, snapshot(7, 5, 3)));
    assert_eq!((node.term(), seen.vote().map(|vote| vote.term.get())), (7, Some(7)));
    // The term first: a crash between both must not leave entries of a term that the node does not know.
    let at = |wanted: &dyn Fn(&Effect) -> bool| seen.0.iter().position(wanted);
    assert!(
        at(&|effect| matches!(effect, Effect::Write(_))) < at(&|effect| matches!(effect, Effect::Install(_)))
    );
    node.run(Input::Installed(id(7, 5)));
    assert_eq!(node.raft.last(), id(7, 5));
}

/// Beyond the papers: "One snapshot is put in place at a time."
#[test]
fn a_second_snapshot_waits_until_the_first_is_in_place() {
    let mut node = Lone::recovered(log_in(3, &[], 3));
    node.run(came(2, snapshot(3, 5, 3)));
    let seen = node.run(came(2, snapshot(3, 9, 3)));
    assert!(matches!(seen.0[..], [Effect::Discard(_)]));
    node.run(Input::Installed(id(3, 9)));
    assert_eq!(node.raft.last(), LogId::ORIGIN, "that one was not asked for");
    node.run(Input::Installed(id(3, 5)));
    assert_eq!(node.raft.last(), id(3, 5));
}

/// Raft §7: "The follower discards its entire log; it is all superseded by the snapshot." What comes meanwhile too.
#[test]
fn frames_that_come_while_a_snapshot_is_put_in_place_are_not_taken_and_not_acknowledged() {
    let mut node = Lone::recovered(log_in(3, &[1], 3));
    node.run(came(2, snapshot(3, 5, 3)));
    let seen = node.take(2, append(3, id(1, 1), 0, vec![frame(3, 2, 9)]));
    assert!(seen.writes().is_empty() && seen.outcomes().is_empty());
    let seen = node.run(Input::Installed(id(3, 5)));
    assert_eq!(seen.outcomes(), [Outcome::Matched { durable: at(5), received: at(5) }]);
    let seen = node.take(2, append(3, id(3, 5), 6, vec![frame(3, 6, 1)]));
    assert_eq!(seen.committed(), Some(id(3, 6)));
}

/// Beyond the papers: "What a snapshot replaces is not made durable by a write of before."
#[test]
fn a_write_that_was_under_way_when_a_snapshot_came_makes_nothing_of_it_durable() {
    let mut node = Lone::recovered(log_in(3, &[1], 3));
    node.hear(2, append(3, id(1, 1), 0, vec![frame(3, 2, 1)]));
    node.step(came(2, snapshot(3, 5, 3)));
    node.step(Input::Installed(id(3, 5)));
    node.write();
    assert_eq!((node.raft.durable(), node.raft.last()), (at(5), id(3, 5)));
}

/// Beyond the papers: "The host's state is either the log's or the snapshot's, never a mixture."
#[test]
fn nothing_is_told_to_be_committed_while_a_snapshot_takes_the_place_of_the_log() {
    let mut node = Lone::recovered(log_in(3, &[], 1));
    node.hear(2, append(1, LogId::ORIGIN, 1, vec![frame(1, 1, 1)]));
    node.step(came(2, snapshot(1, 60, 3)));
    assert_eq!(node.write().committed(), None);
    node.step(Input::Installed(id(1, 60)));
    assert_eq!(node.commit(), 60);
}

/// Raft §5.2: "A server remains in follower state as long as it receives valid RPCs from a leader." A snapshot is one.
#[test]
fn a_node_does_not_campaign_while_a_snapshot_comes_in() {
    let mut node = Lone::recovered(log_in(3, &[1], 3));
    node.expire(Timer::Election);
    assert_eq!(node.role(), Role::PreCandidate);
    node.run(came(2, snapshot(3, 5, 3)));
    assert_eq!(node.role(), Role::Follower);
    assert!(node.expire(Timer::Election).sent().is_empty());
}

/// Raft §5.3: "The consistency check" holds for all that a snapshot covers: it is committed, and so the same
/// everywhere.
#[test]
fn an_append_that_begins_before_the_snapshot_is_taken_from_there_on() {
    let mut node = Lone::recovered(log_of(3, &[1, 1, 1]));
    node.take(2, append(1, id(1, 3), 3, vec![]));
    node.run(Input::Compacted(snapshot(1, 2, 3)));
    let frames = vec![frame(1, 2, 1), frame(1, 3, 1), frame(1, 4, 1)];
    let seen = node.take(2, append(1, id(1, 1), 0, frames));
    assert_eq!(seen.outcomes(), [Outcome::Matched { durable: at(4), received: at(4) }]);
}

/// Beyond the papers: "A frame is sent and cut as one: half of one cannot be followed by anything."
#[test]
fn a_snapshot_that_ends_inside_a_frame_is_not_taken() {
    // A frame is sent and cut as one: half of one cannot be followed by anything.
    let mut node = Lone::steady_leader(3);
    node.propose(1, 4);
    node.all_have(3, 5);
    node.run(Input::Compacted(snapshot(1, 3, 3)));
    assert_eq!(node.raft.status(node.now).snapshot, LogId::ORIGIN);
    node.run(Input::Compacted(snapshot(1, 5, 3)));
    assert_eq!(node.raft.status(node.now).snapshot, id(1, 5));
}
