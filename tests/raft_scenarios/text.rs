//! Messages, logs and answers in few words.

use duochain::frame::{Frame, FrameKind};
use duochain::raft::{Effect, Membership, Message, Outcome, Raft, Role};
use duochain::types::{Index, LogId, NodeId, Tick};
use std::collections::BTreeSet;

fn frames(frames: &[Frame]) -> String {
    let one = |frame: &Frame| {
        let kind = match frame.kind() {
            FrameKind::Entries => "",
            FrameKind::Blank => " blank",
            FrameKind::Membership => " members",
        };
        let (first, last) = (frame.base(), frame.last());
        let range = if first == last.index { format!("{first}") } else { format!("{first}-{}", last.index) };
        format!("[{}.{range}{kind}]", last.term)
    };
    match frames {
        [] => "nothing".to_owned(),
        frames => frames.iter().map(one).collect::<Vec<_>>().join(" "),
    }
}

pub(crate) fn message(message: &Message) -> String {
    let term = message.term();
    match message {
        Message::VoteRequest { last, pre, transfer, .. } => {
            let word = if *pre { "would you vote" } else { "vote" };
            let why = if *transfer { ", the leader asked me" } else { "" };
            format!("{word} for me in t{term}, log ends {last}{why}?")
        }
        Message::VoteReply { granted, pre, .. } => {
            let word = if *pre { "would" } else { "do" };
            format!("{word}{} (t{term})", if *granted { "" } else { " not" })
        }
        Message::Append { prev, commit, frames: more, .. } => {
            format!("t{term} append after {prev}: {}, commit {commit}", frames(more))
        }
        Message::Heartbeat { prev, commit, round, .. } => {
            format!("t{term} beat {round}, {prev}, commit {commit}")
        }
        Message::AppendReply { outcome: Outcome::Matched { durable, received }, round, .. } => {
            let round = if *round > 0 { format!(" (beat {round})") } else { String::new() };
            format!("t{term} have {received}, durable {durable}{round}")
        }
        Message::AppendReply { outcome: Outcome::Conflict { prev, hint }, .. } => {
            format!("t{term} no {prev}, perhaps {hint}")
        }
        Message::TimeoutNow { .. } => format!("t{term} campaign now"),
        Message::ReadRequest { ticket, .. } => format!("t{term} read {}?", ticket.0),
        Message::ReadReply { ticket, index, .. } => match index {
            Some(index) => format!("t{term} read {} from {index}", ticket.0),
            None => format!("t{term} read {} elsewhere", ticket.0),
        },
    }
}

/// What a host is told; `None` for what is of no interest here.
pub(crate) fn told(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Accepted { id, .. } => format!("accepted {id}"),
        Effect::Refused { why, .. } => format!("refused: {why:?}"),
        Effect::ReadReady { ticket, index } => format!("read {} from {index}", ticket.0),
        Effect::Transferring { to, .. } => format!("handing over to {to}"),
        Effect::Report { peer, fault } => format!("reports {peer}: {fault:?}"),
        Effect::SendSnapshot { to, .. } => format!("streams to {to}"),
        Effect::Discard(last) => format!("discards the snapshot to {last}"),
        _ => return None,
    })
}

/// The terms of a log with their first and last index.
fn runs(raft: &Raft, snapshot: LogId) -> String {
    let mut runs: Vec<(u64, u64, u64)> = Vec::new();
    for index in snapshot.index.get() + 1..=raft.last().index.get() {
        let term = raft.term_at(Index::new(index)).expect("in the log").get();
        match runs.last_mut() {
            Some((last, _, end)) if *last == term => *end = index,
            _ => runs.push((term, index, index)),
        }
    }
    let run = |(term, first, last): &(u64, u64, u64)| {
        if first == last { format!("{term}.{first}") } else { format!("{term}.{first}-{last}") }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(" ")
}

/// A node in a line, and what a leader knows of the others in one each.
pub(crate) fn status(node: NodeId, raft: &Raft, now: Tick) -> String {
    let status = raft.status(now);
    let role = match status.role {
        Role::Follower => "follows",
        Role::PreCandidate => "asks",
        Role::Candidate => "campaigns",
        Role::Leader => "leads",
    };
    let whom = match (status.role, status.leader) {
        (Role::Follower, Some(leader)) => format!(" {leader}"),
        (Role::Follower, None) => " nobody".to_owned(),
        _ => String::new(),
    };
    let snapshot = if status.snapshot.index.get() > 0 {
        format!("snapshot {} ", status.snapshot)
    } else {
        String::new()
    };
    let durable = if status.durable < status.last.index {
        format!(", durable {}", status.durable)
    } else {
        String::new()
    };
    let mut text = format!(
        "{node} {role}{whom} t{}, log {snapshot}{}, commit {}{durable}",
        status.term,
        runs(raft, status.snapshot),
        status.commit
    );
    for peer in &status.peers {
        let waits = if peer.is_in_snapshot { ", in snapshot" } else { "" };
        text += &format!("\n  {} has {}, next {}{waits}", peer.node, peer.matched, peer.next);
    }
    text
}

pub(crate) fn members(membership: &Membership) -> String {
    let list = |nodes: &BTreeSet<NodeId>| nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ");
    let mut text = format!("voters {}", list(&membership.voters));
    for (word, nodes) in [
        ("outgoing", &membership.outgoing),
        ("learners", &membership.learners),
        ("demoted", &membership.demoted),
    ] {
        if !nodes.is_empty() {
            text += &format!(", {word} {}", list(nodes));
        }
    }
    text
}
