//! The node through its public interface, on the memory and the embedded store.

mod support;

use duochain::crypto::hash;
use duochain::merkle;
use duochain::node::{HealthState, Node, Start, TxProof, TxState};
use duochain::types::{ChainId, Height, LaneId, Status, TxId};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use support::{
    LANE, PATIENCE, Scratch, complete, eventually, finalize, follow, open, settings, waiter, with,
};

#[test]
fn a_transaction_becomes_final_on_each_chain_and_is_provable() {
    let scratch = Scratch::new("final");
    for dir in [None, Some(scratch.path())] {
        let node = open(dir);
        for chain in ChainId::ALL {
            let completion = finalize(&node, chain, b"pay 5 to bob");
            let id = hash::transaction(chain, b"pay 5 to bob");
            assert_eq!(completion.tx, id);
            let status = node.tx_status(chain, &id).expect("known");
            assert_eq!(
                (status.state, status.height, status.index),
                (TxState::Final, completion.height, completion.index)
            );
            let block = node.block(chain, completion.height).expect("there");
            assert_eq!(block.transactions().nth(completion.index as usize), Some(&b"pay 5 to bob"[..]));
            let proof =
                TxProof::decode(&node.proof(chain, &id).expect("provable").encode()).expect("round trip");
            assert!(proof.verify(b"pay 5 to bob"));
            assert!(!proof.verify(b"pay 6 to bob"));
            assert_eq!(proof.header, block.header);
        }
        node.close(PATIENCE).expect("closed");
    }
}

#[test]
fn order_is_kept_inside_a_lane_and_blocks_link_up() {
    let node = open(None);
    let ops: Vec<_> = (0..500u32)
        .map(|number| node.submit(ChainId::Delta, LANE, &number.to_le_bytes()).expect("accepted"))
        .collect();
    let done = complete(&node, &ops);
    let places: Vec<_> = done.iter().map(|completion| (completion.height, completion.index)).collect();
    assert!(places.is_sorted(), "{places:?}");
    let last = node.head(ChainId::Delta).final_height.get();
    let mut parent = None;
    for height in 1..=last {
        let block = node.block(ChainId::Delta, Height::new(height)).expect("there");
        let ids: Vec<_> =
            block.transactions().map(|bytes| hash::transaction(ChainId::Delta, bytes)).collect();
        assert_eq!(merkle::root(&ids), block.header.tx_root);
        assert!(parent.is_none_or(|parent| parent == block.header.parent));
        parent = Some(hash::block(&block.header));
    }
}

#[test]
fn the_same_bytes_again_are_a_duplicate_on_that_chain_only() {
    let node = open(None);
    finalize(&node, ChainId::Delta, b"once");
    let again = node.submit(ChainId::Delta, LANE, b"once").expect("accepted into the queue");
    assert_eq!(complete(&node, &[again])[0].status, Status::Duplicate);
    let twins = [0, 1].map(|_| node.submit(ChainId::Alpha, LANE, b"once").expect("accepted"));
    let statuses = complete(&node, &twins).into_iter().map(|completion| completion.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [Status::Ok, Status::Duplicate]);
}

#[test]
fn unacceptable_transactions_are_refused_by_name() {
    let node =
        Node::open(with(None, &[("transaction.bytes_max", "1000"), ("queue.lanes", "2")])).expect("opens");
    let refusal =
        |lane: u8, bytes: &[u8]| node.submit(ChainId::Alpha, LaneId::new(lane), bytes).unwrap_err().status();
    assert_eq!(refusal(0, b""), Status::InvalidTx);
    assert_eq!(refusal(0, &[0; 1001]), Status::TooLarge);
    assert_eq!(refusal(2, b"x"), Status::InvalidArgument);
    assert_eq!(refusal(255, b"x"), Status::InvalidArgument);
    assert_eq!(node.claim(ChainId::Alpha, LANE, 1001).unwrap_err().status(), Status::TooLarge);
    let error = node.block(ChainId::Alpha, Height::new(u64::MAX)).unwrap_err();
    assert_eq!(error.status(), Status::NotFound);
    assert_eq!(node.block(ChainId::Alpha, Height::ORIGIN).unwrap_err().status(), Status::NotFound);
    let stranger = TxId::new([9; 32]);
    assert_eq!(node.tx_status(ChainId::Alpha, &stranger).expect("answers").state, TxState::Unknown);
    assert_eq!(node.proof(ChainId::Alpha, &stranger).unwrap_err().status(), Status::NotFound);
    // Garbage is a transaction like any other.
    finalize(&node, ChainId::Alpha, &[0xff; 1000]);
}

#[test]
fn the_bound_on_completions_holds_and_polling_lifts_it() {
    let node = Node::open(with(None, &[("completions.max", "2")])).expect("opens");
    let ops = [1, 2].map(|byte| node.submit(ChainId::Delta, LANE, &[byte]).expect("accepted"));
    let error = node.submit(ChainId::Delta, LANE, &[3]).unwrap_err();
    assert_eq!((error.status(), error.retryable()), (Status::Again, true));
    let error = node.submit_wait(ChainId::Delta, LANE, &[3], Duration::from_millis(1)).unwrap_err();
    assert_eq!(error.status(), Status::Timeout);
    node.submit_detached(ChainId::Delta, LANE, b"nobody asks").expect("needs no credit");
    complete(&node, &ops);
    node.submit(ChainId::Delta, LANE, &[3]).expect("there is room again");
}

#[test]
fn a_batch_is_accepted_up_to_the_bound_and_in_order() {
    let node = Node::open(with(None, &[("completions.max", "3")])).expect("opens");
    let items: [&[u8]; 5] = [b"a", b"b", b"c", b"d", b"e"];
    let mut ops = Vec::new();
    assert_eq!(node.submit_batch(ChainId::Delta, LANE, &items, &mut ops).expect("some"), 3);
    assert_eq!(
        node.submit_batch(ChainId::Delta, LANE, &items, &mut ops).unwrap_err().status(),
        Status::Again
    );
    let done = complete(&node, &ops);
    assert!(done.windows(2).all(|pair| (pair[0].height, pair[0].index) < (pair[1].height, pair[1].index)));
    assert_eq!(node.submit_batch(ChainId::Delta, LANE, &[], &mut ops).expect("nothing to do"), 0);
    assert_eq!(
        node.submit_batch(ChainId::Delta, LANE, &[b""], &mut ops).unwrap_err().status(),
        Status::InvalidTx
    );
}

#[test]
fn a_claim_is_filled_in_place_and_an_aborted_one_leaves_no_trace() {
    let node = open(None);
    drop(node.claim(ChainId::Delta, LANE, 64).expect("claimed"));
    let mut claim = node.claim(ChainId::Delta, LANE, 5).expect("claimed");
    claim.copy_from_slice(b"in it");
    let handle = claim.into_handle();
    let claim = node.adopt_claim(ChainId::Delta, LANE, handle).expect("still ours");
    let op = claim.commit().map_err(|(_, error)| error).expect("accepted");
    let completion = complete(&node, &[op])[0];
    assert_eq!(completion.tx, hash::transaction(ChainId::Delta, b"in it"));
    assert_eq!(node.adopt_claim(ChainId::Delta, LANE, handle).unwrap_err().status(), Status::BadHandle);
    eventually("the buffers go back", || (node.queue(ChainId::Delta).stats().pool.in_use == 0).then_some(()));
}

#[test]
fn alpha_names_final_delta_blocks_at_five_times_its_height_or_below() {
    let node = open(None);
    eventually("Alpha reaches block 8", || (node.head(ChainId::Alpha).height.get() >= 8).then_some(()));
    for height in 1..=8 {
        let peer = node.block(ChainId::Alpha, Height::new(height)).expect("there").header.peer;
        assert!(peer.height.get() <= 5 * height);
        if peer.height.get() > 0 {
            let block = node.block(ChainId::Delta, peer.height).expect("there");
            assert_eq!(hash::block(&block.header), peer.hash);
        }
    }
}

#[test]
fn a_second_node_on_a_directory_is_refused_by_name() {
    let scratch = Scratch::new("lock");
    let node = open(Some(scratch.path()));
    let error = Node::open(settings(Some(scratch.path()))).unwrap_err();
    assert_eq!(error.status(), Status::Busy);
    let text = error.to_string();
    assert!(text.contains("LOCK") || text.contains(&scratch.path().display().to_string()), "{text}");
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    node.close(PATIENCE).expect("closed");
    open(Some(scratch.path())).close(PATIENCE).expect("free again");
}

#[test]
fn closing_wakes_everybody_who_waits_and_ends_every_submission() {
    let node =
        Arc::new(Node::open(with(None, &[("time.scale", "1"), ("completions.max", "3")])).expect("opens"));
    let ops: Vec<_> =
        (0..3).map(|byte| node.submit(ChainId::Alpha, LANE, &[byte]).expect("accepted")).collect();
    let mut events = follow(&node, Start::Latest);
    let submitter = Arc::clone(&node);
    let full =
        waiter(move || submitter.submit_wait(ChainId::Alpha, LANE, b"x", PATIENCE).unwrap_err().status());
    let quiet = waiter(move || {
        loop {
            match events.wait(PATIENCE) {
                Ok(_) => drop(events.poll(1_000).expect("readable")),
                Err(error) => break error.status(),
            }
        }
    });
    for thread in [&full, &quiet] {
        eventually("it waits", || thread.is_asleep().then_some(()));
    }
    node.close(PATIENCE).expect("closed");
    assert_eq!(full.join(), Status::Closed);
    assert_eq!(quiet.join(), Status::Closed);
    let done = complete(&node, &ops);
    assert!(done.iter().all(|completion| completion.status == Status::Cancelled));
    let mut more = Vec::new();
    assert_eq!(node.poll_completions(&mut more, 1, PATIENCE).unwrap_err().status(), Status::End);
    assert_eq!(node.submit(ChainId::Alpha, LANE, b"late").unwrap_err().status(), Status::Closed);
    assert_eq!(node.health().state, HealthState::Stalled);
    node.close(PATIENCE).expect("again is fine");
}

#[test]
fn a_reopened_node_knows_its_heads_before_its_chains_have_moved() {
    let scratch = Scratch::new("heads");
    let node = open(Some(scratch.path()));
    for chain in ChainId::ALL {
        finalize(&node, chain, b"one of each");
    }
    node.close(PATIENCE).expect("closed");
    let before = ChainId::ALL.map(|chain| node.head(chain));
    // In real time the first block is seconds away, so what is there now comes from the disk.
    let node = Node::open(with(Some(scratch.path()), &[("time.scale", "1")])).expect("opens");
    for chain in ChainId::ALL {
        let (head, old) = (node.head(chain), before[chain.index()]);
        assert_eq!(head.final_transactions, 1, "{chain}");
        assert!(head.height >= old.height && head.final_height >= old.final_height, "{chain}: {head:?}");
        let id = hash::transaction(chain, b"one of each");
        assert_eq!(node.tx_status(chain, &id).expect("known").state, TxState::Final);
    }
}

#[test]
fn every_submission_that_races_a_close_ends_in_one_completion() {
    for _ in 0..100 {
        let node = Arc::new(open(None));
        let started = Arc::new(Barrier::new(4));
        let submitters: Vec<_> = (0..3_u32)
            .map(|number| {
                let (node, started) = (Arc::clone(&node), Arc::clone(&started));
                std::thread::spawn(move || {
                    started.wait();
                    let mut accepted = Vec::new();
                    for count in 0_u32.. {
                        let bytes = [number.to_le_bytes(), count.to_le_bytes()].concat();
                        match node.submit(ChainId::ALL[count as usize % 2], LANE, &bytes) {
                            Ok(op) => accepted.push(op),
                            Err(error) if error.status() == Status::Again => {}
                            Err(error) => {
                                assert_eq!(error.status(), Status::Closed);
                                break;
                            }
                        }
                    }
                    accepted
                })
            })
            .collect();
        started.wait();
        node.close(PATIENCE).expect("closed");
        let mut accepted: Vec<_> =
            submitters.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
        let mut done = Vec::new();
        while node.poll_completions(&mut done, 4_096, Duration::ZERO).is_ok() {}
        let mut ended: Vec<_> = done.iter().map(|completion| completion.op).collect();
        accepted.sort_unstable();
        ended.sort_unstable();
        assert_eq!(ended, accepted);
    }
}

#[test]
fn a_repetition_in_the_same_block_learns_where_the_original_is_once_that_is_final() {
    let node = Node::open(with(None, &[("time.scale", "100")])).expect("opens");
    let ops: Vec<_> =
        (0..3).map(|_| node.submit(ChainId::Alpha, LANE, b"again").expect("accepted")).collect();
    let done = complete(&node, &ops);
    let statuses: Vec<_> = done.iter().map(|completion| completion.status).collect();
    assert_eq!(statuses, [Status::Ok, Status::Duplicate, Status::Duplicate]);
    assert!(done.iter().all(|completion| (completion.height, completion.index) == (done[0].height, 0)));
    // And one that comes when the original is final learns the same.
    let late = node.submit(ChainId::Alpha, LANE, b"again").expect("accepted");
    let late = complete(&node, &[late])[0];
    assert_eq!((late.status, late.height, late.tx), (Status::Duplicate, done[0].height, done[0].tx));
    let settled = node.metrics().iter().find(|m| m.name == "duochain_duplicates").expect("listed").value;
    assert_eq!(settled, 3.0);
}

#[test]
fn a_chain_that_stands_still_uses_up_its_own_credits_only() {
    let node = Node::open(with(None, &[("time.scale", "1"), ("completions.max", "2")])).expect("opens");
    for byte in 0..2 {
        node.submit(ChainId::Alpha, LANE, &[byte]).expect("accepted");
    }
    let refused = node.submit(ChainId::Alpha, LANE, b"one more").unwrap_err();
    assert_eq!(refused.status(), Status::Again);
    assert!(refused.to_string().contains("alpha"), "{refused}");
    node.submit(ChainId::Delta, LANE, b"not Alpha's").expect("accepted");
}

#[test]
fn a_host_that_polls_one_at_a_time_hears_of_both_chains() {
    let node = open(None);
    for chain in ChainId::ALL {
        for byte in 0..8 {
            node.submit(chain, LANE, &[byte]).expect("accepted");
        }
    }
    eventually("all are final", || {
        ChainId::ALL.iter().all(|chain| node.head(*chain).final_transactions == 8).then_some(())
    });
    node.close(PATIENCE).expect("closed");
    let mut done = Vec::new();
    for _ in 0..4 {
        node.poll_completions(&mut done, 1, Duration::ZERO).expect("there");
    }
    let alpha = done.iter().filter(|completion| completion.chain == ChainId::Alpha).count();
    assert_eq!(alpha, 2, "{done:?}");
}

#[test]
fn metrics_and_health_tell_the_same_story_as_the_chain() {
    let node = open(None);
    finalize(&node, ChainId::Delta, b"counted");
    // A machine under load may be late for a moment; it gets well again.
    eventually("both chains are healthy", || (node.health().state == HealthState::Healthy).then_some(()));
    let metrics = node.metrics();
    let value = |name| {
        metrics.iter().find(|m| m.name == name && m.chain == Some(ChainId::Delta)).expect("listed").value
    };
    assert_eq!(value("duochain_final_transactions"), 1.0);
    assert_eq!(value("duochain_accepted"), 1.0);
    assert!(value("duochain_final_height_blocks") >= 1.0);
    let text = node.metrics_text();
    assert!(text.ends_with("# EOF\n"));
    assert!(text.contains("duochain_final_transactions_total{chain=\"delta\"} 1\n"), "{text}");
}

#[test]
fn dropping_a_node_closes_it() {
    let scratch = Scratch::new("drop");
    let node = open(Some(scratch.path()));
    finalize(&node, ChainId::Alpha, b"kept");
    drop(node);
    let node = open(Some(scratch.path()));
    assert!(node.head(ChainId::Alpha).final_height.get() >= 1);
}

#[test]
fn finality_is_measured_of_what_became_final_only() {
    let node = Node::open(with(None, &[("finality.depth", "64"), ("time.scale", "30")])).expect("opens");
    let op = node.submit(ChainId::Delta, LANE, b"in a block, not final").expect("accepted");
    let id = hash::transaction(ChainId::Delta, b"in a block, not final");
    eventually("it is in a block", || {
        (node.tx_status(ChainId::Delta, &id).expect("answers").state != TxState::Unknown).then_some(())
    });
    node.close(PATIENCE).expect("closed");
    let completion = complete(&node, &[op])[0];
    assert_eq!(completion.status, Status::Cancelled);
    assert!(completion.height.get() > 0, "its block is durable");
    let count = node
        .metrics()
        .into_iter()
        .find(|metric| metric.name == "duochain_finality_count" && metric.chain == Some(ChainId::Delta));
    assert_eq!(count.expect("listed").value, 0.0);
}
