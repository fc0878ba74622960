//! What a host does with a replica beside appending batches: submits entries one by one, waits for more or less, and
//! reads the log.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::frame::{Entry, FRAME_HEADER_BYTES, FrameKind, Origin};
use duochain::node::replica::{
    Lane, Pending, PolledReplica, Receipt, Replica, ReplicaError, SubmitOptions, WaitFor,
};
use duochain::raft::{Refusal, Role};
use duochain::types::{Index, LogId};
use replicas::{
    Applied, Cluster, Keep, PATIENCE, batch, entry, n, submit, texts, unless_it_went, until, while_one_leads,
};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

const QUORUM: SubmitOptions = SubmitOptions { lane: Lane::Normal, wait: WaitFor::Quorum };

/// One of eight producers, all of whose entries are under way at a time.
fn produce(replica: &Replica, producer: u64) -> Option<Vec<(String, Receipt)>> {
    let submit = |at: u64| {
        let text = format!("p{producer}n{at}");
        let origin = Origin { session: producer + 1, sequence: at };
        let lane = if producer == 0 { Lane::Critical } else { Lane::Normal };
        let options = SubmitOptions { lane, ..QUORUM };
        loop {
            let entry = Entry { bytes: text.as_bytes(), origin, id: None };
            match replica.submit(&[entry], options) {
                Err(ReplicaError::Busy) => std::thread::yield_now(),
                outcome => return Some((text, unless_it_went(outcome)?)),
            }
        }
    };
    let pending = (0..200).map(submit).collect::<Option<Vec<_>>>()?;
    pending.into_iter().map(|(text, pending)| Some((text, unless_it_went(pending.wait(PATIENCE))?))).collect()
}

#[test]
fn entries_of_many_threads_are_applied_once_where_their_receipts_say_and_in_the_order_of_each() {
    while_one_leads(|| {
        let cluster = Cluster::new("service-threads", 3);
        let (number, replica) = cluster.leading();
        let produced = std::thread::scope(|scope| {
            let producers: Vec<_> =
                (0..8).map(|producer| scope.spawn(move || produce(replica, producer))).collect();
            producers.into_iter().map(|producer| producer.join().unwrap()).collect::<Option<Vec<_>>>()
        });
        let receipts = produced?.concat();
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
        Some(())
    });
}

#[test]
fn an_entry_that_is_submitted_again_is_acknowledged_and_said_to_be_a_repetition() {
    while_one_leads(|| {
        let cluster = Cluster::new("service-again", 3);
        let (number, replica) = cluster.leading();
        let named = |sequence, text| {
            let origin = Origin { session: 8, sequence };
            Entry { origin, ..entry(text) }
        };
        let submit = |entries: &[Entry<'_>]| unless_it_went(replica.submit(entries, QUORUM));
        let wait = |pending: &Pending| unless_it_went(pending.wait(PATIENCE));
        let pair = [named(1, "a"), named(2, "b")];
        let first = wait(&submit(&pair)?)?;
        let other = submit(&[entry("between")])?;
        let again = submit(&pair)?;
        let more = submit(&[named(2, "b"), named(3, "c")])?;
        assert_eq!(first.repeated, 0);
        assert_eq!(wait(&other)?.repeated, 0);
        assert_eq!(wait(&again)?.repeated, 2);
        let last = wait(&more)?;
        assert_eq!(last.repeated, 1);
        let found = texts(&cluster.applied(number, last.id.index));
        assert_eq!(found[found.len() - 4..], ["a", "b", "between", "c"]);
        Some(())
    });
}

#[test]
fn a_follower_names_the_leader_and_its_address() {
    let cluster = Cluster::new("service-follower", 3);
    // It may know nobody yet.
    until("a follower that names a leader", || {
        let number = cluster.leader();
        let follower = cluster.replica(number % 3 + 1);
        match submit(follower, "x", WaitFor::Quorum) {
            Err(ReplicaError::NotLeader(Some(leader))) if leader.node == n(number) => {
                assert_eq!(*leader.address, cluster.members.addresses[&n(number)]);
                true
            }
            Err(ReplicaError::NotLeader(_)) => false,
            other => panic!("{other:?}"),
        }
    });
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn callbacks_and_tasks_get_the_answer_too_and_a_callback_may_submit_more() {
    while_one_leads(|| {
        let cluster = Arc::new(Cluster::new("service-async", 3));
        let number = cluster.leader();
        let (sender, receiver) = sync_channel(4);
        let inside = Arc::clone(&cluster);
        let first = submit(cluster.replica(number), "first", WaitFor::Quorum);
        unless_it_went(first)?.on_done(move |first| {
            match submit(inside.replica(number), "second", WaitFor::Quorum) {
                Ok(second) => second.on_done(move |second| sender.send((first, second)).unwrap()),
                Err(error) => sender.send((first, Err(error))).unwrap(),
            }
        });
        let (first, second) = receiver.recv_timeout(PATIENCE).unwrap();
        // Who drops a replica waits for its threads, of which one runs the callback.
        until("the callback has ended", || Arc::strong_count(&cluster) == 1);
        let (first, second) = (unless_it_went(first)?.id, unless_it_went(second)?.id);
        assert!(first < second);

        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let third = submit(cluster.replica(number), "third", WaitFor::Quorum);
        let mut pending = std::pin::pin!(unless_it_went(third)?);
        let third = loop {
            match pending.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(receipt) => break unless_it_went(receipt)?.id,
                Poll::Pending => std::thread::park_timeout(PATIENCE),
            }
        };
        assert!(second < third);
        Some(())
    });
}

#[test]
fn local_does_not_wait_for_others_and_all_waits_for_every_voter() {
    while_one_leads(|| {
        let mut cluster = Cluster::new("service-levels", 3);
        let (number, replica) = cluster.leading();
        for wait in [WaitFor::Local, WaitFor::Quorum, WaitFor::All] {
            let receipt = unless_it_went(unless_it_went(submit(replica, "x", wait))?.wait(PATIENCE))?;
            let status = replica.status();
            if status.role != Role::Leader {
                return None;
            }
            let holders = status.peers.iter().filter(|peer| peer.matched >= receipt.id.index).count();
            let expected = match wait {
                WaitFor::Local => 0,
                WaitFor::Quorum => 1,
                WaitFor::All => 2,
            };
            assert!(holders >= expected, "{wait:?}: {status:?}");
            assert!(status.durable >= receipt.id.index);
        }
        let away = number % 3 + 1;
        cluster.close(away);
        let replica = cluster.replica(number);
        let all = unless_it_went(submit(replica, "all", WaitFor::All))?;
        let quorum = unless_it_went(submit(replica, "quorum", WaitFor::Quorum))?;
        let id = unless_it_went(quorum.wait(PATIENCE))?.id;
        match all.wait(Duration::from_millis(20)) {
            Err(ReplicaError::Timeout) => {}
            Err(ReplicaError::NotEverywhere(_) | ReplicaError::NotLeader(_)) => return None,
            told => panic!("one of them is away: {told:?}"),
        }
        cluster.open(away);
        let all = match all.wait(PATIENCE) {
            Err(ReplicaError::NotEverywhere(_)) => return None,
            told => unless_it_went(told)?,
        };
        assert!(all.id.index < id.index);
        // Nobody else: what is durable here is told, and what needs others is not.
        let followers = (1..=3).filter(|other| *other != number);
        followers.for_each(|other| cluster.close(other));
        let replica = cluster.replica(number);
        let local = unless_it_went(submit(replica, "local", WaitFor::Local))?;
        let quorum = unless_it_went(submit(replica, "never", WaitFor::Quorum))?;
        unless_it_went(local.wait(PATIENCE))?;
        assert!(quorum.wait(Duration::from_millis(20)).is_err());
        Some(())
    });
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
    let (number, _) = cluster.leading();
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
    until("all are answered", || {
        let is_over = taken.iter().all(|pending| pending.try_wait().is_some());
        if !is_over {
            // A leader that went learns what became of a place once that is committed.
            cluster.append("x");
        }
        is_over
    });
    let outcomes: Vec<_> = taken.iter().map(|pending| pending.try_wait().unwrap()).collect();
    let is_known = |outcome: &Result<Receipt, _>| {
        // On a machine that stood still another one leads.
        matches!(outcome, Ok(_) | Err(ReplicaError::NotLeader(_) | ReplicaError::Superseded))
    };
    assert!(outcomes.iter().all(is_known), "{outcomes:?}");
    let ids: Vec<LogId> = outcomes.iter().flatten().map(|receipt| receipt.id).collect();
    assert!(ids.is_sorted());
    until("nothing waits", || cluster.replica(number).staged_bytes() == 0);
    cluster.append("more");
}

#[test]
fn what_no_frame_holds_is_refused() {
    let cluster = Cluster::new("service-invalid", 1);
    let (_, replica) = cluster.leading();
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
        cluster.append("more");
        assert!(follower.join().unwrap() > end);
    });
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
