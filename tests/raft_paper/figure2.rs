//! Raft, figure 2: state, both calls and the rules for servers; and §5.1.

use crate::support::*;
use duochain::raft::{Config, Effect, Input, Message, Outcome, Raft, Role, Timer, Vote};
use duochain::types::{LogId, Term};

// State on all servers.

/// Raft, figure 2: "Persistent state: currentTerm, votedFor."
#[test]
fn the_latest_term_and_the_vote_in_it_survive_a_restart() {
    let mut recovered = log_of(3, &[]);
    recovered.vote = Vote { term: Term::new(3), candidate: Some(n(2)) };
    let mut node = Lone::recovered(recovered);
    assert_eq!(node.take(3, ask(3, LogId::ORIGIN)).to(3), [vote(3, false)]);
    assert_eq!(node.take(2, ask(3, LogId::ORIGIN)).to(2), [vote(3, true)]);
}

/// Raft, figure 2: "Persistent state: log[]. Volatile state: commitIndex." The leader tells it again.
#[test]
fn the_log_survives_a_restart_and_its_commit_index_does_not() {
    let mut node = Lone::recovered(log_of(3, &[1, 1, 2]));
    assert_eq!((node.terms(), node.commit()), (vec![1, 1, 2], 0));
    let seen = node.take(2, heartbeat(2, id(2, 3), 3, 1));
    assert_eq!(seen.committed(), Some(id(2, 3)));
}

/// Raft, figure 2: "nextIndex[] (initialized to leader last log index + 1); matchIndex[] (initialized to 0)."
#[test]
fn a_new_leader_sends_from_the_end_of_its_log_and_assumes_that_nobody_has_anything() {
    let node = Lone::leader(3, &[1, 1]);
    let status = node.raft.status(node.now);
    assert_eq!(status.peers.len(), 2);
    assert!(status.peers.iter().all(|peer| peer.matched == at(0)));
    // Entry 3, its blank one, was sent as soon as it was made.
    assert_eq!((node.next(2), node.next(3)), (4, 4));
}

// AppendEntries, receiver implementation.

/// Raft, figure 2, AppendEntries 1: "Reply false if term < currentTerm."
#[test]
fn an_append_of_an_earlier_term_is_refused_with_the_term() {
    let mut node = Lone::recovered(log_in(3, &[1], 5));
    let seen = node.take(2, append(4, id(1, 1), 0, vec![frame(4, 2, 1)]));
    assert!(matches!(seen.to(2)[..], [Message::AppendReply { term, outcome: Outcome::Conflict { .. }, .. }]
        if term == Term::new(5)));
    assert_eq!((node.terms(), node.raft.leader()), (vec![1], None));
}

/// Raft, figure 2, AppendEntries 2: "Reply false if log doesn't contain an entry at prevLogIndex ..."
#[test]
fn an_append_behind_a_gap_is_refused() {
    let mut node = Lone::recovered(log_of(3, &[1]));
    let seen = node.take(2, append(1, id(1, 3), 0, vec![frame(1, 4, 1)]));
    assert_eq!(seen.outcomes(), [Outcome::Conflict { prev: at(3), hint: id(1, 1) }]);
    assert_eq!(node.terms(), [1]);
}

/// Raft, figure 2, AppendEntries 2: "... whose term matches prevLogTerm."
#[test]
fn an_append_behind_an_entry_of_another_term_is_refused() {
    let mut node = Lone::recovered(log_in(3, &[1, 2], 3));
    let seen = node.take(2, append(3, id(1, 2), 0, vec![frame(3, 3, 1)]));
    assert!(matches!(seen.outcomes()[..], [Outcome::Conflict { .. }]));
    assert_eq!(node.terms(), [1, 2]);
}

/// Raft, figure 2, AppendEntries 3: "If an existing entry conflicts with a new one, delete it and all that follow it."
#[test]
fn an_entry_that_differs_goes_and_all_after_it() {
    let mut node = Lone::recovered(log_in(3, &[1, 2, 2, 2], 3));
    let seen = node.take(2, append(3, id(1, 1), 0, vec![frame(3, 2, 1)]));
    assert_eq!(node.terms(), [1, 3]);
    assert_eq!(seen.writes()[0].keep_to, Some(at(1)));
    assert_eq!(seen.outcomes().last(), Some(&Outcome::Matched { durable: at(2), received: at(2) }));
}

/// Raft, figure 2, AppendEntries 4: "Append any new entries not already in the log."
#[test]
fn entries_that_are_there_stay_and_only_new_ones_are_written() {
    let mut node = Lone::recovered(log_of(3, &[1, 1, 1]));
    let seen = node.take(2, append(1, id(1, 1), 0, vec![frame(1, 2, 1), frame(1, 3, 1), frame(1, 4, 2)]));
    assert_eq!(node.terms(), [1; 5]);
    let writes = seen.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!((writes[0].keep_to, &writes[0].frames[..]), (None, &[frame(1, 4, 2)][..]));
}

/// Raft, figure 2, AppendEntries 3: "If an existing entry conflicts ..." Only then: an older message is a prefix of
/// what is there.
#[test]
fn an_append_that_came_late_takes_nothing_away() {
    let mut node = Lone::recovered(log_of(3, &[1]));
    node.take(2, append(1, id(1, 1), 0, vec![frame(1, 2, 1), frame(1, 3, 1)]));
    let seen = node.take(2, append(1, id(1, 1), 0, vec![frame(1, 2, 1)]));
    assert_eq!(node.terms(), [1, 1, 1]);
    assert!(seen.writes().is_empty());
}

/// Raft, figure 2, AppendEntries 5: "Set commitIndex = min(leaderCommit, index of last new entry)."
#[test]
fn a_follower_commits_as_far_as_the_leader_but_no_further_than_the_append_reaches() {
    let mut node = Lone::recovered(log_of(3, &[1, 1, 1]));
    node.take(2, append(2, id(1, 1), 9, vec![]));
    assert_eq!(node.commit(), 1, "entries 2 and 3 may not be the leader's");
    node.take(2, append(2, id(1, 1), 2, vec![frame(1, 2, 1), frame(1, 3, 1)]));
    assert_eq!(node.commit(), 2);
    node.take(2, append(2, id(1, 1), 1, vec![]));
    assert_eq!(node.commit(), 2, "it never goes back");
}

// RequestVote, receiver implementation.

/// Raft, figure 2, RequestVote 1: "Reply false if term < currentTerm."
#[test]
fn a_vote_request_of_an_earlier_term_is_refused_with_the_term() {
    let mut node = Lone::recovered(log_in(3, &[], 5));
    assert_eq!(node.take(2, ask(4, id(4, 9))).to(2), [vote(5, false)]);
}

/// Raft, figure 2, RequestVote 2: "If votedFor is null or candidateId, and candidate's log is at least as up-to-date,
/// grant vote."
#[test]
fn a_vote_goes_to_whoever_asks_first_with_a_log_that_is_up_to_date() {
    let mut node = Lone::recovered(log_of(3, &[1, 1]));
    assert_eq!(node.take(2, ask(2, id(1, 1))).to(2), [vote(2, false)], "its log is shorter");
    assert_eq!(node.take(3, ask(2, id(1, 2))).to(3), [vote(2, true)], "nobody had the vote yet");
    assert_eq!(node.take(2, ask(2, id(1, 2))).to(2), [vote(2, false)], "now 3 has it");
    assert_eq!(node.take(3, ask(2, id(1, 2))).to(3), [vote(2, true)], "and is told so again");
}

// Rules for all servers.

/// Raft, figure 2, all servers: "If commitIndex > lastApplied: increment lastApplied, apply log[lastApplied]."
#[test]
fn what_is_committed_is_handed_over_in_order() {
    let mut node = Lone::new(3);
    let mut handed_over = Vec::new();
    for index in 1..=3 {
        let prev = id(u64::from(index > 1), index - 1);
        let seen = node.take(2, append(1, prev, index, vec![frame(1, index, 1)]));
        handed_over.extend(seen.committed());
    }
    assert_eq!(handed_over, [id(1, 1), id(1, 2), id(1, 3)]);
}

/// Raft, figure 2, all servers: "If RPC request or response contains term T > currentTerm: set currentTerm = T, convert
/// to follower."
#[test]
fn a_later_term_in_any_message_makes_a_follower_of_it() {
    let later = [
        append(9, LogId::ORIGIN, 0, vec![]),
        heartbeat(9, LogId::ORIGIN, 0, 1),
        matched(9, 0, 0),
        vote(9, false),
        ask_as_successor(9, id(9, 9)),
        Message::ReadRequest { term: Term::new(9), ticket: duochain::raft::Ticket(1) },
        Message::ReadReply { term: Term::new(9), ticket: duochain::raft::Ticket(1), index: None },
    ];
    for message in later {
        let mut node = Lone::steady_leader(3);
        node.take(2, message.clone());
        assert_eq!((node.role(), node.term()), (Role::Follower, 9), "{message:?}");
    }
}

// Rules for followers.

/// Raft, figure 2, followers: "Respond to RPCs from candidates and leaders." §5.1: "They issue no requests on their
/// own."
#[test]
fn a_follower_answers_leaders_and_candidates_and_sends_nothing_by_itself() {
    let mut node = Lone::new(3);
    assert_eq!(node.take(2, heartbeat(1, LogId::ORIGIN, 0, 1)).sent().len(), 1);
    assert_eq!(node.take(2, append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 1)])).sent().len(), 1);
    assert_eq!(node.take(3, ask_as_successor(2, id(1, 1))).sent().len(), 1);
    assert!(node.run(Input::Expired(Timer::Heartbeat)).sent().is_empty());
}

/// Raft, figure 2, followers: "If election timeout elapses: convert to candidate." Here by way of the question of
/// thesis §9.6.
#[test]
fn a_follower_that_hears_no_leader_campaigns() {
    let mut node = Lone::new(3);
    let seen = node.expire(Timer::Election);
    assert_eq!(node.role(), Role::PreCandidate);
    assert_eq!(seen.sent(), [(2, ask_first(1, LogId::ORIGIN)), (3, ask_first(1, LogId::ORIGIN))]);
}

// Rules for candidates.

/// Raft, figure 2, candidates: "Increment currentTerm; vote for self; reset election timer; send RequestVote RPCs to
/// all other servers."
#[test]
fn a_candidate_raises_its_term_votes_for_itself_restarts_its_timer_and_asks_everyone() {
    let mut node = Lone::recovered(log_of(3, &[2]));
    let before = node.expire(Timer::Election).election_at();
    let seen = node.take(2, pre_vote(3, true));
    assert_eq!((node.role(), node.term()), (Role::Candidate, 3));
    assert_eq!(seen.vote(), Some(Vote { term: Term::new(3), candidate: Some(n(1)) }));
    assert_eq!(seen.sent(), [(2, ask(3, id(2, 1))), (3, ask(3, id(2, 1)))]);
    assert!(before > Some(node.now), "the timer runs");
}

/// Raft, figure 2, candidates: "If votes received from majority of servers: become leader."
#[test]
fn votes_of_a_majority_make_a_leader() {
    let mut node = Lone::new(5);
    node.expire(Timer::Election);
    for peer in 2..=3 {
        node.take(peer, pre_vote(1, true));
    }
    node.take(2, vote(1, true));
    node.take(2, vote(1, true));
    assert_eq!(node.role(), Role::Candidate, "the same vote twice is one vote");
    node.take(4, vote(1, true));
    assert_eq!(node.role(), Role::Leader);
}

/// Raft, figure 2, candidates: "If AppendEntries RPC received from new leader: convert to follower."
#[test]
fn a_candidate_that_hears_the_leader_of_its_term_follows_it() {
    let mut node = Lone::new(3);
    node.expire(Timer::Election);
    node.take(2, pre_vote(1, true));
    node.take(3, append(1, LogId::ORIGIN, 0, vec![frame(1, 1, 1)]));
    assert_eq!((node.role(), node.raft.leader(), node.terms()), (Role::Follower, Some(n(3)), vec![1]));
}

/// Raft, figure 2, candidates: "If election timeout elapses: start new election."
#[test]
fn a_candidate_whose_timer_runs_out_asks_again() {
    let mut node = Lone::new(3);
    node.expire(Timer::Election);
    node.take(2, pre_vote(1, true));
    assert_eq!(node.role(), Role::Candidate);
    let seen = node.expire(Timer::Election);
    assert_eq!(seen.to(2), [ask_first(2, LogId::ORIGIN)]);
    node.take(2, pre_vote(2, true));
    assert_eq!((node.role(), node.term()), (Role::Candidate, 2));
}

// Rules for leaders.

/// Raft, figure 2, leaders: "Upon election: send heartbeats to each server; repeat during idle periods."
#[test]
fn a_new_leader_tells_everyone_at_once_and_again_while_idle() {
    let mut node = Lone::new(3);
    node.expire(Timer::Election);
    node.take(2, pre_vote(1, true));
    let is_heartbeat = |message: &Message| matches!(message, Message::Heartbeat { .. });
    let won = node.take(2, vote(1, true));
    assert!((2..=3).all(|peer| won.to(peer).iter().any(is_heartbeat)));
    let idle = node.expire(Timer::Heartbeat);
    assert!((2..=3).all(|peer| idle.to(peer).iter().any(is_heartbeat)));
    assert!(idle.has(|effect| matches!(effect, Effect::SetTimer { timer: Timer::Heartbeat, .. })));
}

/// Raft, figure 2, leaders: "Append entry to local log, respond after entry applied to state machine."
#[test]
fn a_leader_appends_what_clients_ask_and_answers_when_it_is_committed() {
    let mut node = Lone::steady_leader(3);
    let seen = node.propose(7, 2);
    assert_eq!((seen.accepted(), seen.committed()), (Some(id(1, 3)), None));
    let seen = node.take(2, matched(1, 3, 3));
    assert_eq!(seen.committed(), Some(id(1, 3)));
}

/// Raft, figure 2, leaders: "If last log index >= nextIndex: send AppendEntries RPC with log entries starting at
/// nextIndex."
#[test]
fn a_leader_sends_a_follower_all_that_it_lacks() {
    let mut node = Lone::leader(3, &[]);
    node.propose(1, 2);
    node.propose(2, 3);
    let seen = node.take(2, matched(1, 1, 1));
    assert_eq!(seen.appends_to(2).len(), 1);
    let (prev, frames) = &seen.appends_to(2)[0];
    assert_eq!((*prev, frames[0].base(), frames[1].last()), (id(1, 1), at(2), id(1, 6)));
    assert_eq!(node.next(2), 7);
}

/// Raft, figure 2, leaders: "If successful: update nextIndex and matchIndex for follower."
#[test]
fn an_answer_that_all_is_there_moves_what_the_leader_knows_and_sends_next() {
    let mut node = Lone::steady_leader(3);
    node.propose(1, 4);
    node.take(2, matched(1, 5, 5));
    let status = node.raft.status(node.now);
    assert_eq!((status.peers[0].matched, status.peers[0].next), (at(5), at(6)));
}

/// Raft, figure 2, leaders: "If AppendEntries fails because of log inconsistency: decrement nextIndex and retry." By
/// whole terms (§5.3, end).
#[test]
fn a_refusal_makes_the_leader_try_further_back() {
    let mut node = Lone::leader(3, &[1, 1, 2]);
    let seen = node.take(2, conflict(3, 3, id(1, 2)));
    assert_eq!(node.next(2), 3);
    assert_eq!(seen.fetches(), [(2, 3)], "what is older than this run comes from the disk");
    let seen = node.run(Input::Fetched { to: n(2), frames: vec![frame(2, 3, 1)] });
    assert_eq!(seen.appends_to(2), [(id(1, 2), vec![frame(2, 3, 1)])]);
}

/// Raft, figure 2, leaders: "If a majority of matchIndex[i] >= N, and log[N].term == currentTerm: set commitIndex = N."
#[test]
fn a_leader_commits_what_a_majority_has_if_it_is_of_its_term() {
    let mut node = Lone::leader(5, &[1, 1]);
    node.take(2, matched(2, 3, 3));
    assert_eq!(node.commit(), 0, "two of five");
    node.take(3, matched(2, 2, 2));
    assert_eq!(node.commit(), 0, "three have entry 2, which is of an earlier term");
    node.take(3, matched(2, 3, 3));
    assert_eq!(node.commit(), 3);
}

/// Raft §5.2: "When servers start up, they begin as followers."
#[test]
fn a_node_begins_as_a_follower_and_does_nothing_before_it_is_started() {
    let settings = Config::new(n(1)).build().unwrap();
    let mut raft = Raft::new(settings, log_of(1, &[]));
    assert_eq!((raft.role(), raft.leader()), (Role::Follower, None));
    let mut effects = Vec::new();
    raft.step(duochain::types::Tick::ZERO, Input::Started, &mut effects);
    assert!(matches!(effects[..], [Effect::SetTimer { timer: Timer::Election, .. }]));
}

/// Raft §5.1: "Each server stores a current term number, which increases monotonically over time."
#[test]
fn terms_only_rise() {
    let mut node = Lone::recovered(log_in(3, &[], 4));
    for term in [2, 4, 3, 7, 5, 1] {
        let before = node.term();
        node.take(2, heartbeat(term, LogId::ORIGIN, 0, 1));
        assert_eq!(node.term(), before.max(term));
    }
}

/// Raft §5.1: "If a server receives a request with a stale term number, it rejects the request."
#[test]
fn a_leader_that_hears_an_earlier_term_tells_the_later_one() {
    let mut node = Lone::leader(3, &[1, 1, 4]);
    assert_eq!(node.take(2, ask(3, id(4, 9))).to(2), [vote(5, false)]);
    let answer = node.take(2, heartbeat(3, LogId::ORIGIN, 0, 1)).to(2);
    assert!(matches!(answer[..], [Message::AppendReply { term, .. }] if term == Term::new(5)));
    assert!(node.take(2, matched(3, 9, 9)).sent().is_empty(), "late answers are for nobody");
    assert_eq!(node.role(), Role::Leader);
}
