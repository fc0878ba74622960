//! States that come piece by piece.

use crate::hosts::{Cluster, encode, read_whole};
use crate::replicas::{PATIENCE, eventually};
use crate::{Slow, cluster_end};
use duochain::node::replica::{PolledReplica, ReplicaError, StateWriter};
use duochain::types::{Index, Status};
use std::fs;
use std::io::{self, Cursor};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// A host that has read something, alone.
fn alone(name: &str) -> (Cluster, Index) {
    let mut cluster = Cluster::open_all(name, 1);
    let last = cluster.put(&[b"one"]);
    cluster.host(1).follow(last);
    (cluster, last)
}

/// The ends of a state that is being written; the next one waits.
fn occupied(replica: &PolledReplica, index: Index) -> (duochain::node::replica::Giving, SyncSender<()>) {
    let (begin, begun): (SyncSender<()>, Receiver<()>) = sync_channel(4);
    let (permit, permits) = sync_channel(4);
    let giving = replica.give_snapshot(index, Box::new(Slow(begin, permits))).unwrap();
    begun.recv().unwrap();
    (giving, permit)
}

fn is_given_up(told: &Result<Index, ReplicaError>) -> bool {
    matches!(told, Err(ReplicaError::State(why)) if why.to_string() == "it was given up")
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
fn a_state_of_no_pieces_is_empty() {
    let (mut cluster, last) = alone("given-nothing");
    let replica = &cluster.host(1).replica;
    let writer = replica.begin_snapshot(last).unwrap();
    writer.finish();
    assert_eq!(writer.wait(PATIENCE).unwrap(), last);
    assert_eq!(read_whole(&mut replica.open_snapshot().unwrap().unwrap()), b"");
}

#[test]
fn a_state_that_is_not_finished_leaves_the_one_before_and_no_file() {
    let (mut cluster, _) = alone("given-dropped");
    let before = cluster.host(1).give();
    let last = cluster.put(&[b"two"]);
    cluster.host(1).follow(last);
    let replica = &cluster.host(1).replica;
    let writer = replica.begin_snapshot(last).unwrap();
    // More than a block: a part of it is on the disk.
    writer.write(&vec![7; 3 << 20], PATIENCE).unwrap();
    eventually("a draft", || (files(&cluster).len() == 2).then_some(()));
    drop(writer);
    eventually("the draft is gone", || (files(&cluster).len() == 1).then_some(()));
    let host = cluster.host(1);
    assert_eq!(host.replica.snapshot_index(), before);
    assert!(read_whole(&mut host.replica.open_snapshot().unwrap().unwrap()) != encode(&host.state));
    assert_eq!(host.give(), last);
    assert!(read_whole(&mut host.replica.open_snapshot().unwrap().unwrap()) == encode(&host.state));
}

/// Whatever lies beside the snapshots of node 1.
fn files(cluster: &Cluster) -> Vec<fs::DirEntry> {
    let dir = cluster.snapshots(1)[0].parent().unwrap().to_path_buf();
    fs::read_dir(dir).unwrap().map(Result::unwrap).collect()
}

#[test]
fn one_that_is_not_needed_is_taken_and_let_go() {
    let (mut cluster, last) = alone("given-needless");
    let first = cluster.host(1).give();
    let replica = &cluster.host(1).replica;
    let writer = replica.begin_snapshot(last).unwrap();
    for _ in 0..10 {
        writer.write(b"as much of the log", PATIENCE).unwrap();
    }
    writer.finish();
    assert_eq!(writer.wait(PATIENCE).unwrap(), first);
    assert_eq!(cluster_end(&cluster), last.get());
    assert_eq!(cluster.snapshots(1).len(), 1);
}

#[test]
fn a_piece_for_which_there_is_no_room_is_not_taken() {
    let (mut cluster, last) = alone("given-room");
    let replica = &cluster.host(1).replica;
    let (first, permit) = occupied(replica, last.back(1).unwrap());
    let writer = replica.begin_snapshot(last).unwrap();
    let written = (0..10).take_while(|at| writer.write(&[b'0' + at], Duration::ZERO).is_ok()).count();
    assert_eq!(written, 2);
    assert!(matches!(writer.write(b"x", Duration::ZERO), Err(ReplicaError::Timeout)));
    writer.write(b"", Duration::ZERO).unwrap();
    permit.send(()).unwrap();
    writer.write(b"2", PATIENCE).unwrap();
    writer.finish();
    assert!(first.wait(PATIENCE).is_ok());
    assert_eq!(writer.wait(PATIENCE).unwrap(), last);
    assert_eq!(read_whole(&mut replica.open_snapshot().unwrap().unwrap()), b"012");
}

#[test]
fn of_two_that_are_handed_over_at_once_one_waits_and_a_third_is_refused() {
    let (mut cluster, _) = alone("given-two");
    let last = cluster.put(&[b"two"]);
    cluster.host(1).follow(last);
    let replica = &cluster.host(1).replica;
    let first = replica.begin_snapshot(last.back(1).unwrap()).unwrap();
    let second = eventually("room", || replica.begin_snapshot(last).ok());
    let third = replica.begin_snapshot(last);
    assert!(matches!(third, Err(ReplicaError::Busy)), "{third:?}");
    std::thread::scope(|scope| {
        scope.spawn(|| write_all(&second, b'2'));
        write_all(&first, b'1');
    });
    assert_eq!(first.wait(PATIENCE).unwrap(), last.back(1).unwrap());
    assert_eq!(second.wait(PATIENCE).unwrap(), last);
    assert_eq!(read_whole(&mut replica.open_snapshot().unwrap().unwrap()), b"2".repeat(10 * 1_000));
}

fn write_all(writer: &StateWriter, byte: u8) {
    for _ in 0..10 {
        writer.write(&[byte; 1_000], PATIENCE).unwrap();
    }
    writer.finish();
}

#[test]
fn one_that_waits_and_is_given_up_makes_room_at_once() {
    let (mut cluster, last) = alone("given-weeded");
    let replica = &cluster.host(1).replica;
    let (first, permit) = occupied(replica, last.back(1).unwrap());
    for _ in 0..3 {
        let writer = replica.begin_snapshot(last).unwrap();
        writer.write(b"half of", Duration::ZERO).unwrap();
    }
    let writer = replica.begin_snapshot(last).unwrap();
    writer.give_up();
    let other = replica.give_snapshot(last, Box::new(Cursor::new(b"another"))).unwrap();
    let told = writer.wait(PATIENCE);
    assert!(is_given_up(&told), "{told:?}");
    permit.send(()).unwrap();
    assert!(first.wait(PATIENCE).is_ok());
    assert_eq!(other.wait(PATIENCE).unwrap(), last);
    assert_eq!(read_whole(&mut replica.open_snapshot().unwrap().unwrap()), b"another");
}

#[test]
fn nothing_is_taken_behind_an_end_and_who_waits_for_room_is_told() {
    let (mut cluster, last) = alone("given-ended");
    let replica = &cluster.host(1).replica;
    let writer = replica.begin_snapshot(last).unwrap();
    writer.write(b"state", PATIENCE).unwrap();
    writer.finish();
    for piece in [&b"x"[..], b""] {
        let told = writer.write(piece, PATIENCE).unwrap_err();
        assert_eq!((told.status(), matches!(told, ReplicaError::Ended)), (Status::InvalidArgument, true));
    }
    // It has ended already.
    writer.give_up();
    assert_eq!(writer.wait(PATIENCE).unwrap(), last);
    assert_eq!(read_whole(&mut replica.open_snapshot().unwrap().unwrap()), b"state");
    let last = cluster.put(&[b"two"]);
    cluster.host(1).follow(last);
    let replica = &cluster.host(1).replica;
    let (_first, permit) = occupied(replica, last);
    let writer = replica.begin_snapshot(last).unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            loop {
                if let Err(told) = writer.write(b"x", Duration::MAX) {
                    return told;
                }
            }
        });
        writer.give_up();
        assert!(matches!(writing.join().unwrap(), ReplicaError::Ended));
    });
    permit.send(()).unwrap();
    let told = writer.wait(PATIENCE);
    assert!(is_given_up(&told), "{told:?}");
}

#[test]
fn closing_ends_a_state_that_is_waited_for_and_gives_the_directory_back() {
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
    cluster.reopen(1);
    let told = writer.write(b"x", Duration::ZERO);
    assert!(matches!(told, Err(ReplicaError::Closed)), "{told:?}");
    assert_eq!(cluster.host(1).replica.snapshot_index(), Index::ORIGIN);
}
