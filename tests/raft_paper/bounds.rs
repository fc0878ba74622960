//! Every limit of [`Config`], and what is beyond it.

use crate::support::*;
use duochain::raft::{Config, Input, Refusal, Ticket, Timer};
use duochain::types::{LogId, UnixNanos};

fn propose_bytes(node: &mut Lone, bytes: usize) -> Seen {
    let body = batch_of(1, &vec![7; bytes]);
    node.run(Input::Proposed { ticket: Ticket(1), time: UnixNanos::new(0), body })
}

fn leader(config: Config) -> Lone {
    let mut node = Lone::configured(config, log_of(3, &[]));
    node.win();
    node.all_have(3, 1);
    node
}

/// Beyond the papers: "frame_bytes_max and frame_entries_max bound a frame."
#[test]
fn a_proposal_above_the_size_of_a_frame_is_invalid() {
    let mut node = leader(Config { frame_bytes_max: 16 << 10, frame_entries_max: 3, ..Config::new(n(1)) });
    assert_eq!(propose_bytes(&mut node, 16 << 10).refused(), [(Ticket(1), Refusal::Invalid)]);
    assert_eq!(node.propose(1, 4).refused(), [(Ticket(1), Refusal::Invalid)]);
    assert!(node.propose(1, 3).accepted().is_some());
}

/// Beyond the papers: "Blank entries and members are made by leaders, never proposed."
#[test]
fn bodies_that_only_leaders_make_are_invalid_proposals() {
    let mut node = leader(Config::new(n(1)));
    let mut bytes = Vec::new();
    voters(5).encode(&mut bytes);
    for body in [duochain::frame::Body::blank(), duochain::frame::Body::membership(&bytes)] {
        let seen = node.run(Input::Proposed { ticket: Ticket(1), time: UnixNanos::new(0), body });
        assert_eq!(seen.refused(), [(Ticket(1), Refusal::Invalid)]);
    }
}

/// Beyond the papers: "uncommitted_bytes_max bounds what waits to be committed."
#[test]
fn more_than_may_wait_for_commit_is_refused_until_something_is_committed() {
    let config = Config { uncommitted_bytes_max: 20 << 10, frame_bytes_max: 16 << 10, ..Config::new(n(1)) };
    let mut node = leader(config);
    assert!(propose_bytes(&mut node, 10 << 10).accepted().is_some());
    assert_eq!(propose_bytes(&mut node, 10 << 10).refused(), [(Ticket(1), Refusal::Busy)]);
    node.all_have(3, 2);
    assert!(propose_bytes(&mut node, 10 << 10).accepted().is_some());
    assert!(node.raft.status(node.now).uncommitted_bytes <= 20 << 10);
}

/// Beyond the papers: "inflight_appends_max bounds what is on its way to a follower."
#[test]
fn what_is_on_its_way_to_one_follower_is_bounded_in_messages() {
    let mut node = leader(Config { inflight_appends_max: 3, ..Config::new(n(1)) });
    let sent: usize = (0..10).map(|ticket| node.propose(ticket, 1).appends_to(2).len()).sum();
    assert_eq!(sent, 3);
    let seen = node.take(2, matched(1, 2, 2));
    assert!(!seen.appends_to(2).is_empty(), "an answer makes room");
}

/// Beyond the papers: "inflight_bytes_max bounds what is on its way to a follower (P2)."
#[test]
fn what_is_on_its_way_to_one_follower_is_bounded_in_bytes() {
    let config = Config { append_bytes_max: 4 << 10, inflight_bytes_max: 8 << 10, ..Config::new(n(1)) };
    let mut node = leader(config);
    for _ in 0..20 {
        propose_bytes(&mut node, 1 << 10);
    }
    let bytes = node.raft.status(node.now).peers[0].inflight_bytes;
    assert!((8 << 10..12 << 10).contains(&bytes), "{bytes}");
}

/// Beyond the papers: "append_bytes_max bounds a message, and any frame can travel."
#[test]
fn a_message_is_bounded_in_bytes_but_for_a_single_frame() {
    let config = Config { append_bytes_max: 4 << 10, ..Config::new(n(1)) };
    let mut node = leader(config);
    node.run(Input::Unreachable(n(2)));
    for bytes in [1 << 10, 1 << 10, 1 << 10, 9 << 10] {
        propose_bytes(&mut node, bytes);
    }
    node.expire(Timer::Heartbeat);
    let sizes = |seen: &Seen| seen.appends_to(2).iter().map(|(_, frames)| frames.len()).collect::<Vec<_>>();
    // The first frame went out as a probe.
    let seen = node.take(2, matched(1, 2, 2));
    assert_eq!(sizes(&seen), [2, 1]);
}

/// Beyond the papers: "window_bytes_max bounds the frames in memory; what is older comes from the disk."
#[test]
fn frames_beyond_the_window_are_fetched() {
    let config = Config {
        window_bytes_max: 20 << 10,
        uncommitted_bytes_max: 20 << 10,
        frame_bytes_max: 16 << 10,
        ..Config::new(n(1))
    };
    let mut node = leader(config);
    for index in 2..=9 {
        propose_bytes(&mut node, 8 << 10);
        node.take(2, matched(1, index, index));
        assert!(node.raft.status(node.now).window_bytes <= 20 << 10);
    }
    node.run(Input::Unreachable(n(3)));
    let seen = node.take(3, matched_in(1, 1, 1, 1));
    assert_eq!(seen.fetches(), [(3, 2)]);
    assert!(node.take(3, matched_in(1, 1, 1, 1)).fetches().is_empty(), "one at a time");
    // Answers that are empty, of another log, of another place, or with a gap, are of no use.
    for frames in [
        vec![],
        vec![frame(9, 2, 1)],
        vec![frame(1, 4, 1)],
        vec![frame(1, 2, 1), frame(1, 4, 1)],
        vec![frame(1, 2, 90)],
    ] {
        let seen = node.run(Input::Fetched { to: n(3), frames });
        assert!(seen.appends_to(3).is_empty() && seen.fetches().is_empty());
        assert_eq!(node.take(3, matched_in(1, 1, 1, 1)).fetches(), [(3, 2)], "asked again");
    }
    let seen = node.run(Input::Fetched { to: n(3), frames: vec![frame(1, 1, 1), frame(1, 2, 1)] });
    assert_eq!(seen.appends_to(3), [(id(1, 1), vec![frame(1, 2, 1)])]);
    assert_eq!(seen.fetches(), [(3, 3)], "and the next ones");
    for nobody in [2, 8] {
        let seen = node.run(Input::Fetched { to: n(nobody), frames: vec![frame(1, 3, 1)] });
        assert!(seen.0.is_empty(), "{nobody} needs nothing");
    }
}

/// Beyond the papers: "An answer to something that is no longer asked is ignored."
#[test]
fn a_fetch_that_comes_when_the_node_no_longer_leads_is_dropped() {
    let mut node = Lone::leader(3, &[1, 1]);
    node.take(2, conflict(2, 2, id(1, 1)));
    node.take(3, heartbeat(5, LogId::ORIGIN, 0, 1));
    assert!(node.run(Input::Fetched { to: n(2), frames: vec![frame(1, 2, 1)] }).0.is_empty());
}

/// Beyond the papers: "Messages that wait for a vote or term to be durable are bounded."
#[test]
fn messages_that_wait_for_the_disk_are_bounded() {
    let mut node = Lone::new(3);
    node.hear(2, heartbeat(1, LogId::ORIGIN, 0, 1));
    for round in 2..=1_000 {
        node.hear(2, heartbeat(1, LogId::ORIGIN, 0, round));
    }
    let sent = node.write().sent().len();
    assert!((1..=256).contains(&sent), "{sent}");
}

/// Beyond the papers: "The time of a frame is not before that of the frame before it."
#[test]
fn log_time_never_goes_back() {
    let mut node = leader(Config::new(n(1)));
    let mut times = Vec::new();
    for time in [5, 9, 3, 9, 20] {
        let body = batch(1);
        let seen = node.run(Input::Proposed { ticket: Ticket(1), time: UnixNanos::new(time), body });
        times.extend(seen.writes()[0].frames.iter().map(|frame| frame.time().get()));
    }
    assert_eq!(times, [5, 9, 9, 9, 20]);
}
