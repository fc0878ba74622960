//! Elections: Raft §5.2, §5.4.1, §5.6; thesis §4.2.3 (a leader that is heard is protected), §6.2 (a leader without a
//! majority steps down), §9.6 (pre-vote).

use crate::support::*;
use duochain::raft::{Config, Effect, Fault, Message, Role, Timer};
use duochain::types::{LogId, Term};
use std::collections::BTreeSet;
use std::time::Duration;

/// Raft §5.2: "A server remains in follower state as long as it receives valid RPCs from a leader or candidate."
#[test]
fn a_follower_stays_one_while_it_hears_the_leader() {
    let mut node = Lone::new(3);
    for round in 1..20 {
        node.take(2, heartbeat(1, LogId::ORIGIN, 0, round));
        node.pass(100);
        node.run(duochain::raft::Input::Expired(Timer::Election));
        assert_eq!(node.role(), Role::Follower);
    }
    node.pass(300);
    node.run(duochain::raft::Input::Expired(Timer::Election));
    assert_eq!(node.role(), Role::PreCandidate);
}

/// Raft §5.2: "If many followers become candidates at the same time, votes could be split so that no candidate obtains
/// a majority."
#[test]
fn a_candidate_stays_one_while_votes_are_split() {
    let mut node = Lone::new(4);
    node.expire(Timer::Election);
    for peer in 2..=3 {
        node.take(peer, pre_vote(1, true));
    }
    node.take(2, vote(1, true));
    node.take(3, vote(1, false));
    assert_eq!(node.role(), Role::Candidate, "two of four are no majority");
    node.take(4, vote(1, false));
    assert_eq!(node.role(), Role::Follower, "two refused: it cannot win any more");
}

/// Raft §5.2: "... if it receives votes from a majority of the servers in the full cluster for the same term."
#[test]
fn votes_of_an_earlier_term_count_for_nothing() {
    let mut node = Lone::new(3);
    for term in 1..=2 {
        node.expire(Timer::Election);
        node.take(2, pre_vote(term, true));
    }
    assert_eq!((node.role(), node.term()), (Role::Candidate, 2));
    node.take(2, vote(1, true));
    node.take(3, vote(1, true));
    assert_eq!(node.role(), Role::Candidate);
}

/// Raft §5.2: "If the term in the RPC is smaller, the candidate rejects the RPC and continues in candidate state."
#[test]
fn a_candidate_refuses_a_leader_of_an_earlier_term_and_goes_on() {
    let mut node = Lone::recovered(log_in(3, &[], 4));
    node.expire(Timer::Election);
    node.take(2, pre_vote(5, true));
    let seen = node.take(3, append(4, LogId::ORIGIN, 0, vec![frame(4, 1, 1)]));
    assert!(matches!(seen.to(3)[..], [Message::AppendReply { term, .. }] if term == Term::new(5)));
    assert_eq!((node.role(), node.terms().len()), (Role::Candidate, 0));
}

/// Raft §5.2, figure 3: "At most one leader can be elected in a given term." So whoever says otherwise is broken.
#[test]
fn two_leaders_of_one_term_are_reported_and_the_second_is_not_followed() {
    let mut node = Lone::new(3);
    node.take(2, heartbeat(1, LogId::ORIGIN, 0, 1));
    let seen = node.take(3, append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 1)]));
    assert_eq!(seen.faults(), [(3, Fault::TwoLeaders)]);
    assert_eq!((node.raft.leader(), node.terms().len()), (Some(n(2)), 0));
}

/// Raft §5.2: "Election timeouts are chosen randomly from a fixed interval." Each time anew.
#[test]
fn election_timeouts_are_spread_over_the_range_and_never_outside() {
    let mut node = Lone::new(3);
    let mut spans = BTreeSet::new();
    for _ in 0..200 {
        let seen = node.expire(Timer::Election);
        spans.insert(seen.election_at().expect("armed again").since(node.now));
    }
    let (min, max) = (Duration::from_millis(150), Duration::from_millis(300));
    assert!(spans.iter().all(|span| (min..=max).contains(span)));
    assert!(spans.len() > 150, "{} different ones", spans.len());
    assert!(
        spans.first() < Some(&Duration::from_millis(160)) && spans.last() > Some(&Duration::from_millis(290))
    );
}

/// Raft §5.2: "This spreads out the servers so that in most cases only a single server will time out."
#[test]
fn nodes_with_different_seeds_time_out_at_different_times() {
    let armed = |seed| {
        let mut node = Lone::configured(Config { seed, ..Config::new(n(1)) }, log_of(3, &[]));
        node.expire(Timer::Election).election_at()
    };
    assert_ne!(armed(1), armed(2));
    assert_eq!(armed(1), armed(1), "and the same seed gives the same");
}

/// Raft §5.2: "A candidate wins an election if it receives votes from a majority." Of one, that is its own.
#[test]
fn a_single_node_elects_itself() {
    let mut node = Lone::new(1);
    let seen = node.expire(Timer::Election);
    assert_eq!((node.role(), node.term(), node.commit()), (Role::Leader, 1, 1));
    assert!(seen.sent().is_empty());
    assert_eq!(node.propose(1, 5).committed(), Some(id(1, 6)));
}

/// Raft §5.2: "A candidate wins an election if it receives votes from a majority." Of two, that is both.
#[test]
fn two_nodes_need_each_other() {
    let mut node = Lone::new(2);
    node.expire(Timer::Election);
    assert_eq!(node.role(), Role::PreCandidate);
    node.take(2, pre_vote(1, true));
    node.take(2, vote(1, true));
    assert_eq!(node.role(), Role::Leader);
    assert_eq!(node.propose(1, 1).committed(), None);
    assert_eq!(node.take(2, matched(1, 2, 2)).committed(), Some(id(1, 2)));
}

/// Raft §5.3: "A log entry is committed once the leader has replicated it on a majority of the servers." Half is none.
#[test]
fn four_nodes_need_three() {
    let mut node = Lone::leader(4, &[]);
    node.take(2, matched(1, 1, 1));
    assert_eq!(node.commit(), 0);
    node.take(3, matched(1, 1, 1));
    assert_eq!(node.commit(), 1);
}

/// Raft §5.4.1: "The log with the later term is more up-to-date; if the terms are the same, whichever log is longer."
#[test]
fn a_log_is_more_up_to_date_by_its_last_term_and_then_by_its_length() {
    let table = [
        // the candidate's last entry, and whether a voter with last entry 2.3 grants
        (id(1, 9), false),
        (id(2, 2), false),
        (id(2, 3), true),
        (id(2, 4), true),
        (id(3, 1), true),
    ];
    for (last, granted) in table {
        let mut node = Lone::recovered(log_of(3, &[1, 2, 2]));
        assert_eq!(node.take(2, ask(4, last)).to(2), [vote(4, granted)], "{last}");
        let mut node = Lone::recovered(log_of(3, &[1, 2, 2]));
        let asked = if granted { 4 } else { 2 };
        assert_eq!(node.take(2, ask_first(4, last)).to(2), [pre_vote(asked, granted)], "{last}");
    }
}

/// Raft §5.4.1: "The voter denies its vote if its own log is more up-to-date than that of the candidate."
#[test]
fn entries_that_are_not_durable_yet_count_for_the_comparison() {
    // Stricter than needed, never looser: a voter may not forget what it is about to acknowledge.
    let mut node = Lone::new(3);
    node.hear(2, append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 1)]));
    node.pass(1_000);
    let seen = node.take(3, ask(2, LogId::ORIGIN));
    assert_eq!(seen.to(3), [vote(2, false)]);
}

/// Raft §5.2: "Each server will vote for at most one candidate in a given term." A refusal is no vote.
#[test]
fn a_refusal_for_a_short_log_leaves_the_vote_free_in_that_term() {
    let mut node = Lone::recovered(log_of(3, &[1, 1]));
    node.take(2, ask(2, id(1, 1)));
    assert_eq!(node.term(), 2, "the term is taken over all the same");
    assert_eq!(node.take(3, ask(2, id(1, 5))).to(3), [vote(2, true)]);
}

/// Raft §5.6: "broadcastTime << electionTimeout << MTBF."
#[test]
fn timeouts_below_the_pulse_are_refused() {
    let config = Config { election_min: Duration::from_millis(99), ..Config::new(n(1)) };
    assert_eq!(config.build().unwrap_err().to_string(), "election_min is below 2 heartbeats");
}

/// Beyond the papers: "Settings fit together, and into the types that carry them, or no core takes them."
#[test]
fn settings_that_no_clock_or_message_can_hold_are_refused_by_name() {
    let (usual, all) = (|| Config::new(n(1)), usize::MAX);
    let cases = [
        (Config { heartbeat: Duration::MAX, ..usual() }, "election_min is below 2 heartbeats"),
        (
            Config { append_bytes_max: all, inflight_bytes_max: all, ..usual() },
            "append_bytes_max is above 1 GiB",
        ),
    ];
    for (config, rule) in cases {
        assert_eq!(config.build().unwrap_err().to_string(), rule);
    }
}

/// Raft §6: "Within the minimum election timeout of hearing from a leader, it does not update its term or grant its
/// vote."
#[test]
fn a_node_that_hears_a_leader_ignores_candidates_and_their_term() {
    let mut node = Lone::new(3);
    node.take(2, heartbeat(1, LogId::ORIGIN, 0, 1));
    node.pass(149);
    let seen = node.take(3, ask(5, id(4, 9)));
    assert!(seen.0.is_empty() && node.term() == 1);
    node.pass(1);
    assert_eq!(node.take(3, ask(5, id(4, 9))).to(3), [vote(5, true)], "the minimum timeout is over");
}

/// Thesis §4.2.3: "A flag in the request says that the leader itself ordered this campaign; then it is not
/// disregarded."
#[test]
fn a_leader_ignores_candidates_but_not_the_one_that_it_was_replaced_for() {
    let mut node = Lone::steady_leader(3);
    assert!(node.take(3, ask(5, id(4, 9))).0.is_empty());
    assert_eq!(node.role(), Role::Leader);
    assert_eq!(node.take(3, ask_as_successor(5, id(4, 9))).to(3), [vote(5, true)]);
    assert_eq!(node.role(), Role::Follower);
}

/// Thesis §6.2: "A leader steps down if an election timeout elapses without a successful round of heartbeats to a
/// majority."
#[test]
fn a_leader_without_a_majority_steps_down_within_the_longest_timeout() {
    let mut node = Lone::steady_leader(3);
    let begun = node.now;
    while node.role() == Role::Leader {
        node.expire(Timer::Heartbeat);
    }
    let after = node.now.since(begun);
    assert!(after > Duration::from_millis(300) && after <= Duration::from_millis(350), "{after:?}");
    assert_eq!((node.term(), node.raft.leader()), (1, None), "its term is the same");
}

/// Thesis §6.2: "... without a successful round of heartbeats to a majority." With one it stays.
#[test]
fn answers_of_a_majority_keep_a_leader() {
    let mut node = Lone::steady_leader(5);
    for round in 2..30 {
        node.expire(Timer::Heartbeat);
        node.take(2, matched_in(1, 1, 1, round));
        node.take(4, matched_in(1, 1, 1, round));
    }
    assert_eq!(node.role(), Role::Leader);
}

/// Thesis §9.6: "Whoever is asked whether it would vote changes neither its term nor its vote."
#[test]
fn a_question_before_a_campaign_changes_nobody() {
    let mut node = Lone::recovered(log_in(3, &[1], 1));
    let seen = node.take(2, ask_first(9, id(1, 1)));
    assert_eq!(seen.to(2), [pre_vote(9, true)]);
    assert!(seen.writes().is_empty());
    assert_eq!(node.term(), 1);
    assert_eq!(node.take(3, ask_first(9, id(1, 1))).to(3), [pre_vote(9, true)], "it can be said to many");
}

/// Thesis §9.6: "... and it has not heard from a leader for a baseline election timeout."
#[test]
fn a_question_is_refused_while_a_leader_is_heard() {
    let mut node = Lone::new(3);
    node.take(2, heartbeat(1, LogId::ORIGIN, 0, 1));
    assert_eq!(node.take(3, ask_first(2, id(1, 9))).to(3), [pre_vote(1, false)]);
    let mut leader = Lone::steady_leader(3);
    assert_eq!(leader.take(3, ask_first(2, id(1, 9))).to(3), [pre_vote(1, false)]);
}

/// Thesis §9.6: "While a server is partitioned, it cannot increment its term, since it cannot hear from a majority."
#[test]
fn a_node_that_was_cut_off_does_not_raise_its_term() {
    let mut node = Lone::new(3);
    for _ in 0..50 {
        let seen = node.expire(Timer::Election);
        assert_eq!(seen.to(2), [ask_first(1, LogId::ORIGIN)]);
    }
    assert_eq!(node.term(), 0);
}

/// Thesis §9.6: "A candidate only increments its term if a majority would be willing to grant it their votes."
#[test]
fn a_question_that_a_majority_refused_ends_there() {
    let mut node = Lone::new(3);
    node.expire(Timer::Election);
    node.take(2, pre_vote(0, false));
    node.take(3, pre_vote(0, false));
    assert_eq!((node.role(), node.term()), (Role::Follower, 0));
}

/// Raft §5.1: "If one server's current term is smaller than the other's, then it updates its current term."
#[test]
fn a_refusal_with_a_later_term_teaches_it() {
    let mut node = Lone::new(3);
    node.expire(Timer::Election);
    node.take(2, pre_vote(6, false));
    assert_eq!((node.role(), node.term()), (Role::Follower, 6));
}

/// Thesis §9.6: "The election itself follows, with requests and votes of its own."
#[test]
fn answers_to_a_question_are_no_votes() {
    let mut node = Lone::new(5);
    node.expire(Timer::Election);
    for peer in 2..=3 {
        node.take(peer, pre_vote(1, true));
    }
    node.take(4, pre_vote(1, true));
    node.take(5, pre_vote(1, true));
    assert_eq!(node.role(), Role::Candidate);
}

/// Thesis §4.2.1: "The leader replicates log entries to non-voting members; they are not considered for majorities."
#[test]
fn only_voters_answers_count() {
    let mut recovered = log_of(3, &[]);
    recovered.snapshot.membership.learners.insert(n(4));
    recovered.snapshot.membership.addresses.insert(n(4), "n4".to_owned());
    let mut node = Lone::recovered(recovered);
    let seen = node.expire(Timer::Election);
    assert!(seen.to(4).is_empty(), "learners are not asked");
    node.take(4, pre_vote(1, true));
    node.take(9, pre_vote(1, true));
    assert_eq!(node.role(), Role::PreCandidate);
}

/// Thesis §4.2.2: "A server that is not part of its own latest configuration" gives votes, and starts no election but
/// to finish a change.
#[test]
fn a_node_that_is_no_voter_never_campaigns() {
    let mut recovered = log_of(3, &[]);
    recovered.snapshot.membership = members([2, 3, 4]);
    let mut node = Lone::recovered(recovered);
    let seen = node.expire(Timer::Election);
    assert!(seen.sent().is_empty() && node.role() == Role::Follower);
    node.take(2, Message::TimeoutNow { term: Term::new(1) });
    assert_eq!(node.role(), Role::Follower);
    assert_eq!(node.take(3, ask(2, LogId::ORIGIN)).to(3), [vote(2, true)], "but its vote may be needed");
}

/// Beyond the papers: "The host is told of a role, a term or a leader when it is another one, and only then."
#[test]
fn a_change_of_role_is_told_once() {
    let mut node = Lone::new(3);
    let became = |seen: &Seen| seen.0.iter().filter(|effect| matches!(effect, Effect::Became { .. })).count();
    assert_eq!(became(&node.take(2, heartbeat(1, LogId::ORIGIN, 0, 1))), 1);
    assert_eq!(became(&node.take(2, heartbeat(1, LogId::ORIGIN, 0, 2))), 0);
}
