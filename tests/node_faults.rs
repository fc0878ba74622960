//! A chain's thread killed by an injected panic. Needs the feature `faults`.
#![cfg(feature = "faults")]

mod support;

use duochain::node::{EventKind, HealthState, Node, Start};
use duochain::types::{ChainId, Status};
use support::{LANE, PATIENCE, Scratch, complete, events_until, eventually, finalize, follow, with};

#[test]
fn one_chain_panics_the_other_goes_on_and_the_first_restarts_with_nothing_lost() {
    let scratch = Scratch::new("panic");
    for dir in [None, Some(scratch.path())] {
        let quick = [("health.recovery_blocks", "2"), ("supervisor.restart_delay_ms", "20")];
        let node = Node::open(with(dir, &quick)).expect("opens");
        finalize(&node, ChainId::Delta, b"before");
        let before = node.head(ChainId::Delta);
        let alpha = node.head(ChainId::Alpha).final_height;
        let mut events = follow(&node, Start::Latest);

        node.inject_panic(ChainId::Delta);
        let ops: Vec<_> = (0..200u32)
            .map(|number| node.submit(ChainId::Delta, LANE, &number.to_be_bytes()).expect("accepted"))
            .collect();
        let done = complete(&node, &ops);
        assert!(done.iter().all(|completion| completion.status == Status::Ok), "nothing lost, nothing twice");
        let places: Vec<_> = done.iter().map(|completion| (completion.height, completion.index)).collect();
        assert!(places.is_sorted(), "order kept through the restart");

        let seen = events_until(&mut events, |seen| {
            seen.iter().any(|event| event.health == Some(HealthState::Healthy))
        });
        let delta: Vec<_> = seen.iter().filter(|event| event.chain == ChainId::Delta).collect();
        assert!(delta.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.next()), "no gaps");
        let degraded = delta.iter().find(|event| event.kind == EventKind::ChainDegraded).expect("announced");
        assert!(degraded.detail.contains("injected panic"), "{}", degraded.detail);
        assert!(
            seen.iter().all(|event| event.chain == ChainId::Delta || event.health.is_none()),
            "Alpha is well"
        );
        eventually("Alpha went on", || (node.head(ChainId::Alpha).final_height > alpha).then_some(()));

        let after = node.head(ChainId::Delta);
        assert_eq!(after.restarts, 1);
        assert!(after.height > before.height);
        let next = node.block(ChainId::Delta, before.height.next()).expect("there");
        assert_eq!(next.header.parent, before.hash, "the chain goes on from the block before");
        node.close(PATIENCE).expect("closed");
    }
}

#[test]
fn a_chain_that_is_down_is_reported_as_stalled_with_the_reason() {
    let node = Node::open(with(
        None,
        &[("supervisor.restart_delay_ms", "60000"), ("supervisor.restart_delay_max_ms", "60000")],
    ))
    .expect("opens");
    node.inject_panic(ChainId::Alpha);
    let health = eventually("Alpha stalls", || {
        let health = node.health();
        (health.chains[0].state == HealthState::Stalled).then_some(health)
    });
    assert!(health.chains[0].reason.contains("injected panic"), "{:?}", health.chains[0]);
    finalize(&node, ChainId::Delta, b"unaffected");
    let op = node.submit(ChainId::Alpha, LANE, b"queued").expect("accepted meanwhile");
    node.close(PATIENCE).expect("closes although a chain is down");
    assert_eq!(complete(&node, &[op])[0].status, Status::Cancelled);
}
