//! A chain's thread killed by an injected panic. Needs the feature `faults`.
#![cfg(feature = "faults")]

mod support;

use duochain::crypto::hash;
use duochain::node::{ChainSelect, Event, EventKind, HealthState, Node, Start, SubscribeOptions};
use duochain::types::{ChainId, Status};
use std::time::Duration;
use support::{LANE, PATIENCE, Scratch, complete, events_until, eventually, finalize, follow, with};

/// Delta says that it went down; a slow machine may have made it late before.
fn is_panic(event: &Event) -> bool {
    let is_worse = event.chain == ChainId::Delta && event.kind == EventKind::ChainDegraded;
    is_worse && event.detail.contains("injected panic")
}

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
            let mut since = seen.iter().skip_while(|event| !is_panic(event));
            since.any(|event| event.chain == ChainId::Delta && event.health == Some(HealthState::Healthy))
        });
        let delta: Vec<_> = seen.iter().filter(|event| event.chain == ChainId::Delta).collect();
        assert!(delta.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.next()), "no gaps");
        let degraded = delta.iter().find(|event| is_panic(event)).expect("announced");
        let named = node.block(ChainId::Delta, degraded.height).expect("one was final before");
        assert_eq!(degraded.hash, hash::block(&named.header));
        // A slow sync may make Alpha late; what must not reach it is Delta's panic.
        let mut alphas = seen.iter().filter(|event| event.chain == ChainId::Alpha);
        assert!(alphas.all(|event| !event.detail.contains("injected panic")), "Alpha is not told");
        assert_eq!(node.head(ChainId::Alpha).restarts, 0);
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
    // A slow machine may have made it late before.
    eventually("Alpha stalls", || {
        let alpha = &node.health().chains[ChainId::Alpha.index()];
        (alpha.state == HealthState::Stalled && alpha.reason.contains("injected panic")).then_some(())
    });
    finalize(&node, ChainId::Delta, b"unaffected");
    let op = node.submit(ChainId::Alpha, LANE, b"queued").expect("accepted meanwhile");
    node.close(PATIENCE).expect("closes although a chain is down");
    assert_eq!(complete(&node, &[op])[0].status, Status::Cancelled);
}

#[test]
fn a_chain_that_fails_before_each_next_block_is_seen_to_stand_still() {
    // Again where this thread stood still for a whole interval, so that a block was made.
    assert!((0..5).any(|_| each_next_block_fails().is_some()), "it makes blocks all the same");
}

fn each_next_block_fails() -> Option<()> {
    const INTERVAL: Duration = Duration::from_secs(1);
    let pairs =
        [("time.scale", "1"), ("delta.block_interval_ms", "1000"), ("supervisor.restart_delay_ms", "1")];
    let node = Node::open(with(None, &pairs)).expect("opens");
    let delta = eventually("Delta fails three times", || {
        // Taken at the start of each block, so it is there again long before the next one is due.
        node.inject_panic(ChainId::Delta);
        let delta = node.health().chains[ChainId::Delta.index()].clone();
        (delta.restarts >= 3).then_some(delta)
    });
    if delta.height.get() > 0 {
        return None;
    }
    assert!(delta.since_block >= INTERVAL * 3, "{delta:?}");
    let metrics = node.metrics();
    let since = metrics
        .iter()
        .find(|metric| metric.name == "duochain_since_block_seconds" && metric.chain == Some(ChainId::Delta))
        .expect("listed");
    assert!(since.value >= (INTERVAL * 3).as_secs_f64(), "{since:?}");
    node.close(PATIENCE).expect("closed");
    Some(())
}

#[test]
fn a_reader_that_lags_sleeps_until_the_chain_is_back() {
    let scratch = Scratch::new("lag");
    // Long enough to be seen.
    let slow = [("supervisor.restart_delay_ms", "2000")];
    let node = Node::open(with(Some(scratch.path()), &slow)).expect("opens");
    finalize(&node, ChainId::Delta, b"an event at least");
    let options =
        SubscribeOptions { chains: ChainSelect::One(ChainId::Delta), name: None, start: Start::Oldest };
    let mut events = node.subscribe(options).expect("subscribed");
    node.inject_panic(ChainId::Delta);
    eventually("Delta is down", || {
        (node.health().chains[ChainId::Delta.index()].reason.contains("injected panic")).then_some(())
    });
    let mut turns = 0;
    while events.poll(1).expect("readable").is_empty() {
        turns += 1;
        assert!(events.wait(PATIENCE).expect("open"), "Delta came back");
    }
    // One for the chain that went down, one for its log and one for its events.
    assert!(turns <= 3, "it was told {turns} times that there is something to read");
}
