//! Replicas that are read by position, and requests that are waited for in slices.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::frame::Origin;
use duochain::node::replica::{
    Applied as Batch, Apply, Identities, PolledReplica, Replica, ReplicaError, SubmitOptions,
};
use duochain::raft::{Change, Refusal, Role};
use duochain::types::Index;
use replicas::{Cluster, PATIENCE, batch, eventually, n};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

const SLICE: Duration = Duration::from_millis(1);

/// The only node of a cluster, leading.
fn polled(name: &str) -> (Cluster, PolledReplica) {
    let mut cluster = Cluster::new(name, 1);
    cluster.close(1);
    let replica = PolledReplica::open(cluster.config(1)).unwrap();
    replica.wait_committed(Index::ORIGIN, PATIENCE).unwrap();
    (cluster, replica)
}

/// Index of the last of them.
fn append(replica: &PolledReplica, items: &[&[u8]], first: Origin) -> Index {
    loop {
        match replica.submit_all(items, first, SubmitOptions::default()) {
            Ok(pending) => return pending.wait(PATIENCE).unwrap().id.index,
            Err(ReplicaError::Busy | ReplicaError::NotLeader(_)) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_batch_that_is_taken_in_pieces_is_read_once() {
    let (_cluster, replica) = polled("polled-pieces");
    let last = append(&replica, &[b"one", b"two", b"three"], Origin::default());
    let whole = replica.poll(last.back(2).unwrap(), 1 << 20, PATIENCE).unwrap();
    let texts: Vec<_> = whole.entries().map(|committed| committed.entry.bytes).collect();
    assert_eq!(texts, [&b"one"[..], b"two", b"three"]);
    let rest = replica.poll(last, 1 << 20, PATIENCE).unwrap();
    let rest: Vec<_> = rest.entries().map(|committed| committed.entry.bytes.as_ptr()).collect();
    assert_eq!(rest, [texts[2].as_ptr()], "the same memory");
    let next = append(&replica, &[b"four"], Origin::default());
    let behind = replica.poll(last.next(), 1 << 20, PATIENCE).unwrap();
    assert_eq!(behind.entries().map(|committed| committed.index).collect::<Vec<_>>(), [next]);
}

#[test]
fn what_came_since_is_shown_behind_what_was_read_before() {
    let (_cluster, replica) = polled("polled-more");
    let first = append(&replica, &[b"one"], Origin::default());
    assert_eq!(replica.poll(first, 1 << 20, PATIENCE).unwrap().entries().count(), 1);
    let last = append(&replica, &[b"two"], Origin::default());
    while replica.applied() < last {
        std::thread::yield_now();
    }
    assert_eq!(replica.poll(first, 1 << 20, PATIENCE).unwrap().entries().count(), 2);
}

#[test]
fn repetitions_are_left_out_of_every_piece() {
    let (_cluster, replica) = polled("polled-repetitions");
    let origin = Origin { session: 7, sequence: 1 };
    let first = append(&replica, &[b"one", b"two"], origin);
    for _ in 0..3 {
        append(&replica, &[b"one", b"two"], origin);
    }
    let last = append(&replica, &[b"one", b"two", b"three"], origin);
    assert_eq!(last.get(), first.get() + 9);
    // The answer comes before the apply.
    replica.poll(last, 1 << 20, PATIENCE).unwrap();
    for from in first.get()..=last.get() {
        let batch = replica.poll(Index::new(from), 1 << 20, PATIENCE).unwrap();
        let shown: Vec<_> = batch.entries().map(|committed| committed.index).collect();
        let expected = if from == first.get() { vec![first, last] } else { vec![last] };
        assert_eq!(shown, expected, "from {from}");
    }
    append(&replica, &[b"one", b"two"], origin);
    let none = replica.poll(last.next(), 1 << 20, Duration::ZERO);
    assert!(matches!(none, Err(ReplicaError::Timeout)), "{none:?}");
}

#[test]
fn entries_with_an_id_are_shown_with_it_and_once() {
    let (_cluster, replica) = polled("polled-ids");
    let (first, ids) = (Origin::NONE, &[[1; 32], [0; 32], [2; 32]]);
    let submit = |items: &[&[u8]], ids: &[[u8; 32]]| {
        let pending = replica.submit_all(items, Identities { first, ids }, SubmitOptions::default())?;
        pending.wait(PATIENCE)
    };
    eventually("a leader", || submit(&[b"a", b"plain", b"b"], ids).ok());
    let again = submit(&[b"b", b"c"], &[[2; 32], [3; 32]]).unwrap();
    assert_eq!((again.repeated, again.stale), (1, 0));
    replica.poll(again.id.index, 1 << 20, PATIENCE).unwrap();
    let batch = replica.poll(Index::new(1), 1 << 20, PATIENCE).unwrap();
    let shown: Vec<_> =
        batch.entries().map(|committed| (committed.entry.bytes, committed.entry.id)).collect();
    let expected =
        [(&b"a"[..], Some(&[1; 32])), (b"plain", None), (b"b", Some(&[2; 32])), (b"c", Some(&[3; 32]))];
    assert_eq!(shown, expected);
    for wrong in [&ids[..1], &ids[..2]] {
        let refused = submit(&[b"a", b"b", b"c"], wrong);
        assert!(matches!(refused, Err(ReplicaError::Refused(Refusal::Invalid))), "{refused:?}");
    }
}

#[test]
fn a_closed_replica_gives_its_directory_back_and_can_be_read() {
    let (cluster, replica) = polled("polled-closed");
    let last = append(&replica, &[b"one"], Origin::default());
    replica.poll(last, 1 << 20, PATIENCE).unwrap();
    replica.close();
    let next = PolledReplica::open(cluster.config(1)).unwrap();
    let batch = replica.poll(last, 1 << 20, Duration::ZERO).unwrap();
    assert_eq!(batch.entries().count(), 1);
    assert!(append(&next, &[b"two"], Origin::default()) > last);
}

/// Tells when it is asked to apply a frame, and waits for a permit.
struct Gate(SyncSender<()>, Receiver<()>);

impl Apply for Gate {
    fn apply(&mut self, _batch: &Batch<'_>) {
        // Without the other ends the test is over.
        let _ = self.0.send(());
        let _ = self.1.recv();
    }
}

#[test]
fn a_read_keeps_its_index_while_it_is_waited_for_in_slices() {
    let mut cluster = Cluster::new("polled-read", 1);
    cluster.close(1);
    // Dropped last: it waits for its threads, which wait at the gate.
    let replica;
    let (begin, begun) = sync_channel(4);
    let (permits, gate) = sync_channel(4);
    replica = Replica::open(cluster.config(1), Box::new(Gate(begin, gate))).unwrap();
    while replica.status().role != Role::Leader {
        replica.wait_committed(Index::ORIGIN, PATIENCE).unwrap();
    }
    let first = replica.append(batch("first"), PATIENCE).unwrap().id.index;
    begun.recv().unwrap();
    let asked = replica.ask_read().unwrap();
    assert!(matches!(asked.wait(SLICE), Err(ReplicaError::Timeout)));
    // Another question would be answered with what comes now, which is not applied before the test is over.
    replica.append(batch("second"), PATIENCE).unwrap();
    permits.send(()).unwrap();
    let index = loop {
        match asked.wait(SLICE) {
            Err(ReplicaError::Timeout) => {}
            answer => break answer.unwrap().index,
        }
    };
    assert_eq!(index, first);
}

#[test]
fn a_read_whose_question_is_lost_is_asked_again() {
    let mut cluster = Cluster::new("polled-lost", 3);
    let (leader, follower) = eventually("a follower that names the leader", || {
        let leader = cluster.leader();
        let follower = leader % 3 + 1;
        (cluster.replica(follower).status().leader == Some(n(leader))).then_some((leader, follower))
    });
    cluster.close(leader);
    loop {
        match cluster.replica(follower).ask_read().unwrap().wait(PATIENCE) {
            // Nobody leads yet.
            Err(ReplicaError::NotLeader(_)) => std::thread::yield_now(),
            answer => break assert!(answer.is_ok(), "{answer:?}"),
        }
    }
}

#[test]
fn a_change_goes_on_between_slices() {
    let (_cluster, replica) = polled("polled-change");
    append(&replica, &[b"one"], Origin::default());
    let add = [(n(2), "127.0.0.1:1".to_owned())].into();
    let asked = replica.ask_change(Change { add, ..Change::default() }).unwrap();
    let place = loop {
        match asked.wait(Duration::ZERO) {
            Err(ReplicaError::Timeout) => {}
            answer => break answer.unwrap(),
        }
    };
    assert!(replica.members().learners.contains(&n(2)));
    assert!(replica.status().commit >= place.index);
}
