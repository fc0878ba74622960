//! What opening accepts from a disk.

use super::*;
use crate::dual::EventKind;
use crate::node::config::StorageSettings;
use crate::storage::Backend;
use crate::types::{PeerReference, Status, UnixNanos};
use std::path::{Path, PathBuf};
use std::time::Duration;

const CHAIN: ChainId = ChainId::Delta;

fn settings() -> ChainSettings {
    ChainSettings {
        chain: CHAIN,
        interval: Duration::from_secs(3),
        finality_depth: 3,
        skew: Duration::ZERO,
        degraded_intervals: 3,
        stalled_intervals: 10,
        recovery_blocks: 2,
    }
}

/// A disk with three blocks of one transaction each, all of them applied.
fn disk() -> Disk {
    let (backend, data_dir) = (Backend::Memory, PathBuf::new());
    let storage = StorageSettings { data_dir, backend, cache_bytes: 1 << 20, segment_bytes: 1 << 20 };
    let mut disk = Disk::open(&storage, Path::new("")).expect("in memory");
    let (mut state, mut parent) = (LedgerState::default(), BlockHash::ZERO);
    for height in 1..=3u8 {
        let mut body = Block::body_buffer(5);
        body.extend_from_slice(&[1, 0, 0, 0, height]);
        let header = Header {
            chain: CHAIN,
            height: Height::new(height.into()),
            slot: height.into(),
            time: UnixNanos::new(height.into()),
            parent,
            tx_root: merkle::root(&[hash::transaction(CHAIN, &[height])]),
            state_root: state.root(),
            peer: PeerReference::default(),
            tx_count: 1,
            body_bytes: 5,
        };
        let block = Block::assemble(header, body);
        disk.blocks.append(&[block.as_bytes()]).expect("appended");
        state.apply(&header);
        index(disk.store.as_ref(), &block, &ids(&block), &state).expect("indexed");
        parent = hash::block(&header);
    }
    disk.blocks.sync().expect("durable");
    disk
}

fn refusal(disk: &Disk) -> String {
    let error = restore(disk, &settings(), None).expect_err("must be refused");
    assert_eq!(error.status(), Status::Corruption);
    error.to_string()
}

/// Changes one byte of the record that says how far the state is.
fn damage(disk: &Disk, at: usize) {
    let mut value = disk.store.get(Family::Meta, APPLIED).expect("readable").expect("there");
    value[at] ^= 1;
    let mut batch = Batch::new();
    batch.put(Family::Meta, APPLIED, &value);
    disk.store.write(batch).expect("written");
}

#[test]
fn a_state_at_the_tip_is_compared_too() {
    let restored = restore(&disk(), &settings(), None).expect("whole");
    assert_eq!((restored.tip.height, restored.state.transactions()), (Height::new(3), 3));
    for (what, at) in [("transactions", 8), ("root", 16)] {
        let disk = disk();
        damage(&disk, at);
        let text = refusal(&disk);
        assert!(text.contains("not what block 3 makes it"), "{what}: {text}");
    }
}

#[test]
fn a_state_of_no_block_is_empty() {
    let disk = disk();
    let mut value = disk.store.get(Family::Meta, APPLIED).expect("readable").expect("there");
    value[..8].fill(0);
    let mut batch = Batch::new();
    batch.put(Family::Meta, APPLIED, &value);
    disk.store.write(batch).expect("written");
    assert!(refusal(&disk).contains("of no block"));
}

#[test]
fn the_final_hash_is_that_of_the_block_and_the_health_what_was_announced() {
    let mut disk = disk();
    let second = header(disk.blocks.reader().as_ref(), CHAIN, 2).expect("there");
    let event = Event {
        chain: CHAIN,
        sequence: Sequence::new(1),
        kind: EventKind::ChainDegraded,
        height: second.height,
        hash: BlockHash::ZERO,
        time: UnixNanos::new(9),
        tx_count: 0,
        health: Some(HealthState::Stalled),
        detail: String::new(),
    };
    let mut bytes = Vec::new();
    event.encode(&mut bytes);
    disk.events.append(&[&bytes]).expect("appended");
    disk.events.sync().expect("durable");
    let restored = restore(&disk, &settings(), None).expect("whole");
    assert_eq!((restored.final_height, restored.final_hash), (second.height, hash::block(&second)));
    assert_eq!(restored.health, HealthState::Stalled);
    assert_eq!(restored.pending.len(), 1);
}
