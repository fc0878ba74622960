//! States that come piece by piece.

use crate::hosts::{Cluster, read_whole};
use crate::replicas::{PATIENCE, eventually};
use crate::{Slow, cluster_end};
use duochain::node::replica::ReplicaError;
use duochain::types::Index;
use std::io::{self, Cursor};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// A host that has read something, alone.
fn alone(name: &str) -> (Cluster, Index) {
    let mut cluster = Cluster::open_all(name, 1);
    let last = cluster.put(&[b"one"]);
    cluster.host(1).follow(last);
    (cluster, last)
}

#[test]
fn pieces_of_every_length_are_one_state() {
    let (mut cluster, last) = alone("given-pieces");
    let replica = &cluster.host(1).replica;
    let state: Vec<u8> = (0..3_000_017_u32).map(|at| (at * 31 + at / 251) as u8).collect();
    let writer = replica.begin_snapshot(last).unwrap();
    let (mut rest, mut length) = (&state[..], 0);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        writer.write(piece, PATIENCE).unwrap();
        (rest, length) = (behind, length * 3 + 1);
    }
    assert!(matches!(writer.wait(Duration::ZERO), Err(ReplicaError::Timeout)), "it may go on");
    writer.finish();
    assert_eq!(writer.wait(PATIENCE).unwrap(), last);
    let mut opened = replica.open_snapshot().unwrap().unwrap();
    assert!(opened.index() == last && read_whole(&mut opened) == state);
}

#[test]
fn a_state_that_is_not_finished_is_no_snapshot() {
    let (mut cluster, last) = alone("given-dropped");
    let replica = &cluster.host(1).replica;
    let writer = replica.begin_snapshot(last).unwrap();
    writer.write(b"half of", PATIENCE).unwrap();
    drop(writer);
    // The first one may not have been looked at.
    let other = eventually("room", || replica.give_snapshot(last, Box::new(Cursor::new(b"another"))).ok());
    assert_eq!(other.wait(PATIENCE).unwrap(), last);
    let mut opened = replica.open_snapshot().unwrap().unwrap();
    assert_eq!(read_whole(&mut opened), b"another");
    // One that is not needed is taken, and let go.
    let writer = replica.begin_snapshot(last).unwrap();
    for _ in 0..10 {
        writer.write(b"as much of the log", PATIENCE).unwrap();
    }
    writer.finish();
    assert_eq!(writer.wait(PATIENCE).unwrap(), last);
    assert_eq!(cluster_end(&cluster), last.get());
    assert_eq!(cluster.snapshots(1).len(), 1);
}

#[test]
fn a_piece_for_which_there_is_no_room_is_not_taken() {
    let (mut cluster, last) = alone("given-room");
    let replica = &cluster.host(1).replica;
    let (begin, begun) = sync_channel(4);
    let (permit, permits) = sync_channel(4);
    let first = replica.give_snapshot(last.back(1).unwrap(), Box::new(Slow(begin, permits))).unwrap();
    begun.recv().unwrap();
    let writer = replica.begin_snapshot(last).unwrap();
    let written = (0..10).take_while(|at| writer.write(&[b'0' + at], Duration::ZERO).is_ok()).count();
    assert_eq!(written, 2);
    assert!(matches!(writer.write(b"x", Duration::ZERO), Err(ReplicaError::Timeout)));
    permit.send(()).unwrap();
    writer.write(b"2", PATIENCE).unwrap();
    writer.finish();
    assert!(first.wait(PATIENCE).is_ok());
    assert_eq!(writer.wait(PATIENCE).unwrap(), last);
    assert_eq!(read_whole(&mut replica.open_snapshot().unwrap().unwrap()), b"012");
}

#[test]
fn closing_ends_a_state_that_is_waited_for() {
    let (mut cluster, last) = alone("given-closing");
    let replica = &cluster.host(1).replica;
    let writer = replica.begin_snapshot(last).unwrap();
    let waiting = eventually("room", || replica.give_snapshot(last, Box::new(io::empty())).ok());
    // It returns, though nothing more is ever written.
    replica.close();
    assert!(matches!(waiting.wait(PATIENCE), Err(ReplicaError::Closed)));
    eventually("told", || matches!(writer.write(b"x", PATIENCE), Err(ReplicaError::Closed)).then_some(()));
    assert!(matches!(writer.wait(PATIENCE), Err(ReplicaError::Closed)));
    assert!(matches!(replica.begin_snapshot(last), Err(ReplicaError::Closed)));
}
