//! A node in the child of a fork: every call says so, none hangs, and the parent's node is not disturbed.

#[path = "support/child.rs"]
mod child;
mod support;

use child::in_child;
use duochain::node::Start;
use duochain::types::{ChainId, Height, Status, TxId};
use std::time::Duration;
use support::{LANE, Scratch, finalize, follow, open};

#[test]
fn the_child_is_refused_and_the_parent_goes_on() {
    let scratch = Scratch::new("fork");
    let node = open(Some(scratch.path()));
    let mut events = follow(&node, Start::Oldest);
    finalize(&node, ChainId::Delta, b"before");
    let forked = in_child(|| {
        let (chain, wait) = (ChainId::Delta, Duration::from_secs(30));
        let mut ops = Vec::new();
        let answers = [
            node.submit(chain, LANE, b"x").map(drop),
            node.submit_wait(chain, LANE, b"x", wait).map(drop),
            node.submit_detached(chain, LANE, b"x"),
            node.submit_batch(chain, LANE, &[b"x"], &mut ops).map(drop),
            node.claim(chain, LANE, 1).map(drop),
            node.poll_completions(&mut Vec::new(), 1, wait),
            node.tx_status(chain, &TxId::ZERO).map(drop),
            node.block(chain, Height::new(1)).map(drop),
            events.poll(1).map(drop),
            events.wait(wait).map(drop),
            node.close(wait),
        ];
        answers.iter().all(|answer| answer.as_ref().is_err_and(|error| error.status() == Status::Forked))
    });
    assert!(forked, "some call in the child did not answer FORKED");
    finalize(&node, ChainId::Delta, b"after");
    assert!(
        std::fs::read_to_string(scratch.path().join("LOCK"))
            .unwrap()
            .contains(&std::process::id().to_string())
    );
}
