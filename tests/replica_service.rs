//! What a host does with a replica beside appending batches: submits entries one by one, waits for more or less,
//! reads the log, and ends in order.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::frame::{Entry, FRAME_HEADER_BYTES, FrameKind, Origin};
use duochain::node::replica::{
    Lane, Pending, PolledReplica, Receipt, Replica, ReplicaError, SubmitOptions, WaitFor,
};
use duochain::raft::{Refusal, Role};
use duochain::types::{Index, LogId};
use replicas::{Applied, Cluster, Keep, PATIENCE, batch, n, texts, until};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

const QUORUM: SubmitOptions = SubmitOptions { lane: Lane::Normal, wait: WaitFor::Quorum };

fn entry(text: &str) -> Entry<'_> {
    Entry { bytes: text.as_bytes(), ..Entry::default() }
}

/// A leader that has committed in its term.
fn leader(cluster: &Cluster) -> (usize, &Replica) {
    let number = cluster.leader();
    (number, cluster.replica(number))
}

fn submit(replica: &Replica, text: &str, wait: WaitFor) -> Result<Pending, ReplicaError> {
    replica.submit(&[entry(text)], SubmitOptions { wait, ..SubmitOptions::default() })
}

#[test]
fn entries_of_many_threads_are_applied_once_where_their_receipts_say_and_in_the_order_of_each() {
    let cluster = Cluster::new("service-threads", 3);
    let (number, replica) = leader(&cluster);
    let receipts: Vec<(String, Receipt)> = std::thread::scope(|scope| {
        let producer = |producer: u64| {
            move || {
                let submit = |at: u64| {
                    let text = format!("p{producer}n{at}");
                    let origin = Origin { session: producer + 1, sequence: at };
                    let lane = if producer == 0 { Lane::Critical } else { Lane::Normal };
                    let options = SubmitOptions { lane, ..QUORUM };
                    loop {
                        let entry = Entry { bytes: text.as_bytes(), origin, id: None };
                        match replica.submit(&[entry], options) {
                            Ok(pending) => return (text, pending),
                            Err(ReplicaError::Busy) => std::thread::yield_now(),
                            Err(error) => panic!("{error}"),
                        }
                    }
                };
                // All of them under way at a time.
                let pending: Vec<(String, Pending)> = (0..200).map(submit).collect();
                pending.into_iter().map(|(text, pending)| (text, pending.wait(PATIENCE).unwrap())).collect()
            }
        };
        let producers: Vec<_> = (0..8).map(|number| scope.spawn(producer(number))).collect();
        producers.into_iter().flat_map(|producer| -> Vec<_> { producer.join().unwrap() }).collect()
    });
    let last = receipts.iter().map(|(_, receipt)| receipt.id.index).max().unwrap();
    for node in 1..=3 {
        let applied = cluster.applied(node, last);
        for (text, receipt) in &receipts {
            let at = applied.binary_search_by_key(&receipt.id.index, |(index, _)| *index).unwrap();
            assert_eq!(applied[at].1, text.as_bytes(), "node {node}");
            assert_eq!((receipt.repeated, receipt.stale), (0, 0));
        }
    }
    for producer in 0..8 {
        let own = receipts.iter().filter(|(text, _)| text.starts_with(&format!("p{producer}n")));
        assert!(own.map(|(_, receipt)| receipt.id.index).is_sorted(), "producer {producer}");
    }
    let frames = cluster.replica(number).read(Index::new(1), 64 << 20).unwrap();
    assert!(frames.len() < 1_000, "{} frames for 1,600 entries: they travel together", frames.len());
}

#[test]
fn an_entry_that_is_submitted_again_is_acknowledged_and_said_to_be_a_repetition() {
    let cluster = Cluster::new("service-again", 3);
    let (number, replica) = leader(&cluster);
    let named = |sequence, text| {
        let origin = Origin { session: 8, sequence };
        Entry { origin, ..entry(text) }
    };
    let pair = [named(1, "a"), named(2, "b")];
    let first = replica.submit(&pair, QUORUM).unwrap().wait(PATIENCE).unwrap();
    let other = replica.submit(&[entry("between")], QUORUM).unwrap();
    let again = replica.submit(&pair, QUORUM).unwrap();
    let more = replica.submit(&[named(2, "b"), named(3, "c")], QUORUM).unwrap();
    assert_eq!(first.repeated, 0);
    assert_eq!(other.wait(PATIENCE).unwrap().repeated, 0);
    assert_eq!(again.wait(PATIENCE).unwrap().repeated, 2);
    let last = more.wait(PATIENCE).unwrap();
    assert_eq!(last.repeated, 1);
    let found = texts(&cluster.applied(number, last.id.index));
    assert_eq!(found[found.len() - 4..], ["a", "b", "between", "c"]);
}

#[test]
fn a_follower_names_the_leader_and_its_address() {
    let cluster = Cluster::new("service-follower", 3);
    let number = cluster.leader();
    let follower = cluster.replica(number % 3 + 1);
    until("the follower knows", || follower.status().leader == Some(n(number)));
    match submit(follower, "x", WaitFor::Quorum) {
        Err(ReplicaError::NotLeader(Some(leader))) => {
            assert_eq!(leader.node, n(number));
            assert_eq!(*leader.address, cluster.members.addresses[&n(number)]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn callbacks_and_tasks_get_the_answer_too_and_a_callback_may_submit_more() {
    let cluster = Arc::new(Cluster::new("service-async", 3));
    let number = cluster.leader();
    let (sender, receiver) = sync_channel(4);
    let inside = Arc::clone(&cluster);
    submit(cluster.replica(number), "first", WaitFor::Quorum).unwrap().on_done(move |first| {
        let second = submit(inside.replica(number), "second", WaitFor::Quorum).unwrap();
        second.on_done(move |second| sender.send((first.unwrap().id, second.unwrap().id)).unwrap());
    });
    let (first, second) = receiver.recv_timeout(PATIENCE).unwrap();
    assert!(first < second);

    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut pending = std::pin::pin!(submit(cluster.replica(number), "third", WaitFor::Quorum).unwrap());
    let third = loop {
        match pending.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(receipt) => break receipt.unwrap().id,
            Poll::Pending => std::thread::park_timeout(PATIENCE),
        }
    };
    assert!(second < third);
}

#[test]
fn local_does_not_wait_for_others_and_all_waits_for_every_voter() {
    let mut cluster = Cluster::new("service-levels", 3);
    let (number, replica) = leader(&cluster);
    for wait in [WaitFor::Local, WaitFor::Quorum, WaitFor::All] {
        let receipt = submit(replica, "x", wait).unwrap().wait(PATIENCE).unwrap();
        let peers = replica.status().peers;
        let holders = peers.iter().filter(|peer| peer.matched >= receipt.id.index).count();
        let expected = match wait {
            WaitFor::Local => 0,
            WaitFor::Quorum => 1,
            WaitFor::All => 2,
        };
        assert!(holders >= expected, "{wait:?}: {peers:?}");
        assert!(replica.status().durable >= receipt.id.index);
    }
    let away = number % 3 + 1;
    cluster.close(away);
    let replica = cluster.replica(number);
    let all = submit(replica, "all", WaitFor::All).unwrap();
    let quorum = submit(replica, "quorum", WaitFor::Quorum).unwrap();
    let id = quorum.wait(PATIENCE).unwrap().id;
    assert!(all.try_wait().is_none(), "one of them is away");
    assert!(matches!(all.wait(Duration::from_millis(20)), Err(ReplicaError::Timeout)));
    cluster.open(away);
    assert!(all.wait(PATIENCE).unwrap().id.index < id.index);
    // Nobody else: what is durable here is told, and what needs others is not.
    let followers = (1..=3).filter(|other| *other != number);
    followers.for_each(|other| cluster.close(other));
    let replica = cluster.replica(number);
    let local = submit(replica, "local", WaitFor::Local);
    let quorum = submit(replica, "never", WaitFor::Quorum);
    // It may have noticed already that it is alone.
    if let (Ok(local), Ok(quorum)) = (local, quorum) {
        let told = local.wait(PATIENCE);
        assert!(matches!(told, Ok(_) | Err(ReplicaError::NotLeader(_))), "{told:?}");
        assert!(quorum.wait(Duration::from_millis(20)).is_err());
    }
}

#[test]
fn too_much_is_refused_and_what_was_taken_is_committed_once_there_is_a_majority() {
    let mut cluster = Cluster::tuned("service-busy", 3, |config| {
        (config.raft.election_min, config.raft.election_max) =
            (Duration::from_secs(2), Duration::from_secs(4));
        config.raft.disk_stall_max = Duration::from_secs(60);
        (config.raft.frame_bytes_max, config.batch.bytes) = (64 << 10, 16 << 10);
        (config.raft.uncommitted_bytes_max, config.raft.window_bytes_max) = (96 << 10, 1 << 20);
        (config.batch.entries, config.batch.entries_max) = (400, 400);
        (config.batch.staged_bytes_max, config.batch.in_flight_bytes_max) = (128 << 10, 1 << 20);
    });
    // Elections take long here, so that a leader without followers stays for a while.
    let (number, _) = leader(&cluster);
    (1..=3).filter(|other| *other != number).for_each(|other| cluster.close(other));
    let replica = cluster.replica(number);
    let text = "x".repeat(1_000);
    let mut taken = Vec::new();
    loop {
        match submit(replica, &text, WaitFor::Quorum) {
            Ok(pending) => taken.push(pending),
            Err(ReplicaError::Busy) => break,
            Err(error) => panic!("{error}"),
        }
        assert!(taken.len() < 1_000, "it has a limit");
    }
    // The core's limit, and that of the stage behind it.
    assert!(taken.len() > 150, "{}", taken.len());
    assert!(replica.staged_bytes() <= 128 << 10);
    (1..=3).filter(|other| *other != number).for_each(|other| cluster.open(other));
    let outcomes: Vec<_> = taken.iter().map(|pending| pending.wait(PATIENCE)).collect();
    let is_known = |outcome: &Result<Receipt, _>| {
        // On a machine that stood still it may lead no longer.
        matches!(outcome, Ok(_) | Err(ReplicaError::NotLeader(_) | ReplicaError::Superseded))
    };
    assert!(outcomes.iter().all(is_known), "{outcomes:?}");
    let ids: Vec<LogId> = outcomes.iter().flatten().map(|receipt| receipt.id).collect();
    assert!(ids.is_sorted());
    until("nothing waits", || cluster.replica(number).staged_bytes() == 0);
    cluster.append("more");
}

#[test]
fn entries_that_are_under_way_are_answered_when_the_replica_is_closed() {
    let mut cluster = Cluster::new("service-close", 3);
    let number = cluster.leader();
    (1..=3).filter(|other| *other != number).for_each(|other| cluster.close(other));
    let replica = cluster.replica(number);
    let Ok(pending) = submit(replica, "x", WaitFor::Quorum) else { return };
    replica.close();
    let told = pending.wait(PATIENCE);
    assert!(matches!(told, Err(ReplicaError::Closed | ReplicaError::NotLeader(_))), "{told:?}");
    assert!(matches!(submit(replica, "y", WaitFor::Quorum), Err(ReplicaError::Closed)));
}

#[test]
fn what_no_frame_holds_is_refused() {
    let cluster = Cluster::new("service-invalid", 1);
    let (_, replica) = leader(&cluster);
    let nobody = Entry { origin: Origin { session: 0, sequence: 1 }, ..Entry::default() };
    let many = vec![Entry::default(); 10_001];
    for entries in [&[][..], &[nobody], &many] {
        let refused = replica.submit(entries, QUORUM);
        assert!(matches!(refused, Err(ReplicaError::Refused(Refusal::Invalid))), "{refused:?}");
    }
    replica.submit(&many[1..], QUORUM).unwrap().wait(PATIENCE).unwrap();
}

#[test]
fn batches_that_cannot_be_are_refused() {
    let cluster = Cluster::new("service-limits", 1);
    let mut config = cluster.config(1);
    config.dir = cluster.scratch.path().join("other");
    config.batch.latency_entries = 0;
    let opened = Replica::open(config, Box::new(Keep(Applied::default())));
    assert!(
        matches!(&opened, Err(ReplicaError::Config(text)) if text == "latency_entries is 0"),
        "{opened:?}"
    );
}

#[test]
fn a_leader_that_is_shut_down_commits_what_it_took_and_hands_over() {
    let mut cluster = Cluster::new("service-shutdown", 3);
    let (number, replica) = leader(&cluster);
    let taken: Vec<Pending> =
        (0..500).map(|at| submit(replica, &format!("x{at}"), WaitFor::Quorum).unwrap()).collect();
    replica.shutdown(PATIENCE).unwrap();
    let last = taken.iter().map(|pending| pending.try_wait().unwrap().unwrap().id).max().unwrap();
    assert!(matches!(submit(replica, "late", WaitFor::Quorum), Err(ReplicaError::Closed)));
    assert!(matches!(
        replica.append(batch("late"), PATIENCE),
        Err(ReplicaError::Closed | ReplicaError::Refused(_))
    ));
    cluster.close(number);
    // Somebody leads without an election timeout: it was asked to.
    let heir = cluster.leader();
    assert_ne!(heir, number);
    assert!(cluster.applied(heir, last.index).len() >= 500);
    cluster.open(number);
    let expected = cluster.applied(heir, last.index).len();
    assert!(cluster.applied(number, last.index).len() >= expected.min(500));
}

#[test]
fn a_shutdown_that_cannot_finish_says_so_and_closes() {
    let mut cluster = Cluster::new("service-stuck", 3);
    let number = cluster.leader();
    (1..=3).filter(|other| *other != number).for_each(|other| cluster.close(other));
    let replica = cluster.replica(number);
    let Ok(pending) = submit(replica, "x", WaitFor::Quorum) else { return };
    let outcome = replica.shutdown(Duration::from_millis(100));
    assert!(matches!(outcome, Err(ReplicaError::Timeout)), "{outcome:?}");
    assert!(pending.wait(PATIENCE).is_err());
    assert!(matches!(replica.shutdown(PATIENCE), Err(ReplicaError::Closed)));
}

#[test]
fn a_cluster_of_one_ends_in_order_and_has_everything_when_it_comes_back() {
    let mut cluster = Cluster::new("service-one", 1);
    let (_, replica) = leader(&cluster);
    let taken: Vec<Pending> =
        (0..100).map(|at| submit(replica, &format!("x{at}"), WaitFor::Local).unwrap()).collect();
    replica.shutdown(PATIENCE).unwrap();
    let last = taken.iter().map(|pending| pending.try_wait().unwrap().unwrap().id.index).max().unwrap();
    cluster.close(1);
    cluster.open(1);
    cluster.append("again");
    assert_eq!(texts(&cluster.applied(1, last)).iter().filter(|text| text.starts_with('x')).count(), 100);
}

#[test]
fn the_log_can_be_read_and_followed_as_it_is_committed() {
    let cluster = Cluster::new("service-read", 3);
    let id = cluster.append("a b");
    let number = cluster.leader();
    let replica = cluster.replica(number);
    assert!(replica.wait_committed(Index::ORIGIN, PATIENCE).unwrap() >= id.index);
    let end = replica.wait_committed(id.index.back(1).unwrap(), PATIENCE).unwrap();
    let frames = replica.read(Index::new(1), 1 << 20).unwrap();
    assert!(frames.last().unwrap().last().index >= end);
    let words: Vec<String> = frames
        .iter()
        .filter(|frame| frame.kind() == FrameKind::Entries)
        .flat_map(|frame| frame.entries().map(|entry| String::from_utf8_lossy(entry.bytes).into_owned()))
        .collect();
    assert_eq!(words[..2], ["a", "b"]);
    assert!(replica.read(Index::new(1_000_000), 1 << 20).unwrap().is_empty());
    let quiet = replica.wait_committed(Index::new(1_000_000), Duration::from_millis(5));
    assert!(matches!(quiet, Err(ReplicaError::Timeout)), "{quiet:?}");
    std::thread::scope(|scope| {
        let end = replica.wait_committed(Index::ORIGIN, PATIENCE).unwrap();
        let follower = scope.spawn(move || replica.wait_committed(end, PATIENCE).unwrap());
        assert!(cluster.append("more").index <= follower.join().unwrap().max(cluster.append("again").index));
    });
    assert_eq!(replica.status().role, Role::Leader);
}

#[test]
fn a_batch_of_one_byte_too_many_is_too_large_for_a_polled_replica() {
    let mut cluster = Cluster::tuned("service-polled", 1, |config| config.raft.frame_bytes_max = 16 << 10);
    cluster.close(1);
    let replica = PolledReplica::open(cluster.config(1)).unwrap();
    until("it leads", || replica.append(batch("x"), PATIENCE).is_ok());
    let most = vec![7; (16 << 10) - FRAME_HEADER_BYTES - 52 - 24];
    replica.submit_all(&[&most], Origin::NONE, QUORUM).unwrap().wait(PATIENCE).unwrap();
    let refused = replica.submit_all(&[&most, &[]], Origin::NONE, QUORUM);
    assert!(matches!(refused, Err(ReplicaError::TooLarge)), "{refused:?}");
    let refused = replica.submit_all(&[&[&most[..], &[7]].concat()], Origin::NONE, QUORUM);
    assert!(matches!(refused, Err(ReplicaError::TooLarge)), "{refused:?}");
}
