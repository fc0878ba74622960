//! Logs in RocksDB, cut for snapshots and begun anew behind them.

use super::cluster::Cluster;
use super::{assert_equal_states, two_of};
use duochain::storage::frames::LogBackend;
use duochain::types::Index;

fn closed(name: &str, count: usize) -> Cluster {
    let mut cluster = Cluster::closed(name, count);
    cluster.backend = LogBackend::RocksDb;
    cluster
}

#[test]
fn a_log_in_rocksdb_is_cut_for_snapshots_and_found_again() {
    let mut cluster = closed("snapshot-rocks-cut", 1);
    cluster.open(1);
    let mut first = Index::ORIGIN;
    for _ in 0..3 {
        cluster.fill(1_000);
        cluster.wait("the front goes on", |cluster| {
            // Snapshots are to be due.
            cluster.append(&[(None, b"more")]);
            cluster.replica(1).first() > first
        });
        first = cluster.replica(1).first();
        assert!(cluster.snapshots(1).len() <= 3, "{:?}", cluster.snapshots(1));
    }
    let last = cluster.append(&[(None, b"end")]).id.index;
    let state = cluster.state(1, last);
    for _ in 0..2 {
        cluster.close(1);
        cluster.open(1);
        assert!(cluster.replica(1).first() >= first, "what was cut stays away");
        assert!(cluster.state(1, last) == state, "snapshot and log are the whole state");
        assert_eq!(cluster.ledger(1, |ledger| ledger.restored), 1);
    }
    cluster.fill(500);
}

#[test]
fn a_log_in_rocksdb_begins_anew_behind_the_snapshot_that_a_node_is_sent() {
    let mut cluster = two_of(closed("snapshot-rocks-new", 3));
    cluster.open(3);
    assert_equal_states(&cluster, &[1, 3]);
    assert!(cluster.ledger(3, |ledger| ledger.restored) >= 1);
    let begins = cluster.replica(3).first();
    assert!(begins > Index::ORIGIN.next(), "{begins}");
    // It stands by itself: opened again, and led by it.
    cluster.close(3);
    cluster.open(3);
    assert_equal_states(&cluster, &[2, 3]);
    let leader = cluster.leader();
    cluster.close(leader);
    cluster.fill(50);
    let others: Vec<usize> = (1..=3).filter(|number| *number != leader).collect();
    assert_equal_states(&cluster, &others);
}
