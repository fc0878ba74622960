//! Event streams through the public interface: numbers, cursors, what a subscription refuses.

mod support;

use duochain::crypto::hash;
use duochain::node::{ChainSelect, EventKind, Start, SubscribeOptions, TxState};
use duochain::types::{ChainId, Height, Sequence, Status};
use support::{PATIENCE, Scratch, events_until, eventually, finalize, follow, open};

#[test]
fn events_are_numbered_without_gaps_and_match_the_blocks() {
    let node = open(None);
    let mut events = follow(&node, Start::Oldest);
    let seen = events_until(&mut events, |seen| {
        ChainId::ALL.iter().all(|chain| seen.iter().filter(|event| event.chain == *chain).count() >= 3)
    });
    for chain in ChainId::ALL {
        let stream: Vec<_> = seen.iter().filter(|event| event.chain == chain).collect();
        for (number, event) in (1..).zip(&stream) {
            assert_eq!(event.sequence, Sequence::new(number));
        }
        let finals = stream.iter().filter(|event| event.kind == EventKind::finalized(chain));
        for (height, event) in (1..).zip(finals) {
            let block = node.block(chain, Height::new(height)).expect("there");
            assert_eq!((event.height.get(), event.hash), (height, hash::block(&block.header)));
        }
    }
}

#[test]
fn a_reopened_directory_goes_on_where_it_was_and_cursors_survive() {
    let scratch = Scratch::new("reopen");
    let named = || SubscribeOptions {
        chains: ChainSelect::One(ChainId::Delta),
        name: Some("billing".into()),
        start: Start::Cursor,
    };
    let node = open(Some(scratch.path()));
    let completion = finalize(&node, ChainId::Delta, b"kept");
    let mut events = node.subscribe(named()).expect("new cursor");
    let seen = events_until(&mut events, |seen| seen.len() >= 4);
    events.ack(ChainId::Delta, seen[2].sequence).expect("durable");
    node.close(PATIENCE).expect("closed");
    let before = node.head(ChainId::Delta);
    drop(node);

    let node = open(Some(scratch.path()));
    let status = node.tx_status(ChainId::Delta, &completion.tx).expect("known");
    assert_eq!((status.state, status.height), (TxState::Final, completion.height));
    assert!(node.head(ChainId::Delta).final_height >= before.final_height);
    let mut events = node.subscribe(named()).expect("old cursor");
    let again = events_until(&mut events, |again| !again.is_empty());
    assert_eq!(again[0], seen[3]);
    eventually("the run continues", || (node.head(ChainId::Delta).height > before.height).then_some(()));
    let next = node.block(ChainId::Delta, before.height.next()).expect("there");
    assert_eq!(next.header.parent, before.hash);
    assert_eq!(next.header.state_root, before.state_root);
}

#[test]
fn subscriptions_refuse_what_makes_no_sense() {
    let node = open(None);
    let subscribe = |name: Option<&str>, start| {
        let options = SubscribeOptions { chains: ChainSelect::Both, name: name.map(str::to_owned), start };
        node.subscribe(options).map_err(|error| error.status())
    };
    for name in ["", "a/b", "naive \u{e9}", &"x".repeat(65)] {
        assert_eq!(subscribe(Some(name), Start::Oldest).map(drop), Err(Status::InvalidArgument), "{name}");
    }
    assert_eq!(subscribe(None, Start::Cursor).map(drop), Err(Status::InvalidArgument));
    let mut events = subscribe(None, Start::Latest).expect("valid");
    assert_eq!(events.ack(ChainId::Alpha, Sequence::new(1)).unwrap_err().status(), Status::InvalidArgument);
    let far = Sequence::new(u64::MAX - 1);
    assert_eq!(events.seek(ChainId::Alpha, far).unwrap_err().status(), Status::InvalidArgument);
    assert_eq!(events.seek(ChainId::Alpha, Sequence::ORIGIN).unwrap_err().status(), Status::InvalidArgument);
    let named = subscribe(Some("n"), Start::Latest).expect("valid");
    assert_eq!(named.ack(ChainId::Alpha, far).unwrap_err().status(), Status::InvalidArgument);
}
