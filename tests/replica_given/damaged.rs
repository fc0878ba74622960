//! Snapshots that are not what was written: what is gone on from instead.

use crate::hosts::Cluster;
use crate::replicas::{PATIENCE, eventually};
use crate::{cluster_end, numbered};
use duochain::node::replica::ReplicaError;
use duochain::storage::Error;
use duochain::types::Index;
use std::path::Path;
use std::{fs, io};

/// Changes a bit of a file.
fn spoil(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_snapshot_is_not_gone_on_from_and_not_counted_on() {
    let mut cluster = Cluster::open_all("given-damaged", 1);
    for sequence in 1..2_000 {
        cluster.append(&[b"x"], numbered(sequence, 1));
    }
    cluster.cut(&[1]);
    let end = cluster_end(&cluster);
    let newest = cluster.snapshots(1).pop().unwrap();
    let expected = cluster.host(1).state.len();
    // The middle of it is what is known of sessions.
    spoil(&newest, fs::metadata(&newest).unwrap().len() as usize / 2);
    let last = cluster.append(&[b"y"], numbered(1, 2)).id.index;
    let host = cluster.host(1);
    host.follow(last);
    assert_eq!(host.give(), last);
    assert!(
        host.replica.status().snapshot.index < Index::new(end),
        "the log reaches back to one that is sound"
    );
    assert!(!newest.exists());
    cluster.close(1);
    cluster.open(1);
    let again = cluster.append(&[b"x", b"y", b"z"], numbered(1, 1));
    assert_eq!(again.repeated, 2);
    cluster.host(1).follow(again.id.index);
    assert_eq!(cluster.host(1).state.len(), expected + 2);
}

#[test]
fn a_host_whose_snapshots_are_all_damaged_gives_the_next_one_all_the_same() {
    let mut cluster = Cluster::open_all("given-unsound", 1);
    let first = cluster.append(&[b"once"], numbered(5, 1)).id.index;
    // Two files.
    cluster.fill(1_500);
    cluster.cut(&[1]);
    eventually("the first file is gone", || (cluster.host(1).replica.first() > first).then_some(()));
    // In front of what they know.
    let spoil_all = |cluster: &Cluster| cluster.snapshots(1).iter().for_each(|path| spoil(path, 100));
    spoil_all(&cluster);
    let early = cluster.append(&[b"early"], numbered(5, 2)).id.index;
    let late = cluster.append(&[b"late"], numbered(5, 3)).id.index;
    let host = cluster.host(1);
    eventually("judged", || (host.replica.applied() >= late).then_some(()));
    host.step(1);
    assert_eq!(host.done, early);
    let told = host.replica.give_snapshot(early, Box::new(io::empty())).unwrap().wait(PATIENCE);
    let is_named = |error: &Error| matches!(error, Error::Corrupt { path, .. } if path.exists());
    assert!(matches!(&told, Err(ReplicaError::Storage(error)) if is_named(error)), "{told:?}");
    assert!(host.replica.open_snapshot().unwrap().is_none(), "what is damaged is not handed out");
    host.follow(late);
    assert_eq!(host.give(), late);
    // The next one goes on from that.
    cluster.cut(&[1]);
    // A state of all that was judged is kept at once.
    spoil_all(&cluster);
    let last = cluster.append(&[b"last"], numbered(5, 4)).id.index;
    cluster.host(1).follow(last);
    assert_eq!(cluster.host(1).give(), last);
    let expected = cluster.host(1).state.clone();
    cluster.close(1);
    cluster.open(1);
    let again = cluster.append(&[b"once", b"early", b"late", b"last", b"more"], numbered(5, 1));
    assert_eq!(again.repeated, 4);
    cluster.host(1).follow(again.id.index);
    assert!(cluster.host(1).state.range(..=last.get()).eq(expected.iter()));
}
