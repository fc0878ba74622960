//! Snapshots that come from a peer, one situation a test.

use super::harness::{n, voters};
use super::*;
use crate::frame::{Body, Frame, Seal};
use crate::types::UnixNanos;

fn fresh(membership: Membership) -> Raft {
    let recovered =
        Recovered { snapshot: Snapshot { membership, ..Snapshot::default() }, ..Recovered::default() };
    let mut raft = Raft::new(Config::new(n(1)).build().expect("they fit together"), recovered);
    step(&mut raft, Input::Started);
    raft
}

fn step(raft: &mut Raft, input: Input) -> Vec<Effect> {
    let mut out = Vec::new();
    raft.step(Tick::from_nanos(1), input, &mut out);
    out
}

fn snapshot(term: u64, index: u64) -> Snapshot {
    let last = LogId::new(Term::new(term), Index::new(index));
    Snapshot { last, time: UnixNanos::new(5), membership: voters(3) }
}

#[test]
fn a_node_that_knows_no_term_follows_the_one_of_its_snapshot() {
    let mut raft = fresh(Membership::default());
    let out = step(&mut raft, Input::SnapshotReceived { from: n(2), snapshot: snapshot(4, 60) });
    let kinds: Vec<_> = out
        .iter()
        .filter_map(|effect| match effect {
            Effect::Write(write) => write.vote.map(|vote| vote.term.get()),
            Effect::Install(_) => Some(0),
            _ => None,
        })
        .collect();
    // The term first: a crash between both must not leave entries of a term that the node does not know.
    assert_eq!(kinds, [4, 0]);
    step(&mut raft, Input::Installed(snapshot(4, 60).last));
    assert_eq!((raft.term(), raft.last()), (Term::new(4), snapshot(4, 60).last));
    assert_eq!(raft.check(), Ok(()));
}

#[test]
fn nothing_is_told_to_be_committed_while_a_snapshot_takes_the_place_of_the_log() {
    let mut raft = fresh(voters(3));
    let seal = Seal { term: Term::new(1), base: Index::new(1), time: UnixNanos::new(1) };
    let frames = vec![Frame::new(seal, Body::blank())];
    let message = Message::Append { term: Term::new(1), prev: LogId::ORIGIN, commit: Index::new(1), frames };
    step(&mut raft, Input::Received { from: n(2), message });
    let out = step(&mut raft, Input::SnapshotReceived { from: n(2), snapshot: snapshot(1, 60) });
    assert!(out.iter().any(|effect| matches!(effect, Effect::Install(_))));
    let out = step(&mut raft, Input::Written(WriteId(1)));
    assert!(!out.iter().any(|effect| matches!(effect, Effect::Commit(_))), "{out:?}");
    step(&mut raft, Input::Installed(snapshot(1, 60).last));
    assert_eq!(raft.commit(), Index::new(60));
}
