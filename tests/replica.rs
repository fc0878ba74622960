//! Three replicas with real sockets and real files: what is acknowledged stays, whoever leads.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::frame::{Entry, FrameBuilder, FrameLimits};
use duochain::node::replica::{Replica, ReplicaConfig, ReplicaError};
use duochain::raft::{Change, Membership, Refusal, Role};
use duochain::types::{ClusterId, Index, LaneId};
use replicas::{Applied, Cluster, Keep, PATIENCE, batch, n, numbered, own_places, texts, until};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn what_is_appended_is_applied_by_all_in_one_order() {
    let cluster = Cluster::new("replica-order", 3);
    let last = (0..200).map(|number| cluster.append(&format!("a{number} b{number}"))).max().unwrap();
    let first = cluster.applied(1, last.index);
    assert_eq!(cluster.applied(2, last.index), first);
    assert_eq!(cluster.applied(3, last.index), first);
    let expected: Vec<String> =
        (0..200).flat_map(|number| [format!("a{number}"), format!("b{number}")]).collect();
    assert_eq!(texts(&first), expected);
    assert!(first.is_sorted());
}

#[test]
fn a_batch_that_is_appended_again_is_acknowledged_and_applied_once_by_whoever_leads() {
    let mut cluster = Cluster::new("replica-again", 3);
    let batch = numbered("a b c", 77, 1);
    let first = cluster.append_batch(&batch);
    assert_eq!((first.repeated, first.stale), (0, 0));
    let again = cluster.append_batch(&batch);
    assert_eq!(again.repeated, 3);
    // A new leader begins with an entry of its own.
    assert!(again.id.index.back(3) == Some(first.id.index) || again.id.term > first.id.term);
    // Another leader knows it, and so does one that has read its log again from disk.
    let leader = cluster.leader();
    cluster.close(leader);
    assert_eq!(cluster.append_batch(&numbered("c d", 77, 3)).repeated, 1);
    let last = cluster.append("end").index;
    (1..=3).filter(|number| *number != leader).for_each(|number| cluster.close(number));
    (1..=3).for_each(|number| cluster.open(number));
    assert_eq!(cluster.append_batch(&numbered("b c d e", 77, 2)).repeated, 3);
    let mut id = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    id.push(Entry { bytes: b"opaque", id: Some(&[4; 32]), ..Entry::default() }).unwrap();
    let opaque = id.finish().unwrap();
    assert_eq!(cluster.append_batch(&opaque).repeated, 0);
    let last = last.max(cluster.append_batch(&opaque).id.index);
    for number in 1..=3 {
        let mut found = texts(&cluster.applied(number, last));
        found.retain(|text| !["who", "leads?"].contains(&text.as_str()));
        assert_eq!(found, ["a", "b", "c", "d", "end", "e", "opaque"], "node {number}");
    }
}

#[test]
fn a_host_that_kept_its_state_gets_what_is_behind_it_and_repetitions_are_known_still() {
    let mut cluster = Cluster::new("replica-kept", 1);
    let kept = cluster.append_batch(&numbered("a b c d", 5, 1)).id.index.back(2).unwrap();
    cluster.close(1);
    // In the middle of a frame: the host had written down two of its entries.
    let config = ReplicaConfig { applied: kept, ..cluster.config(1) };
    let applied = Applied::default();
    let replica = Replica::open(config, Box::new(Keep(Arc::clone(&applied)))).unwrap();
    cluster.replicas[0] = Some((replica, applied));
    let again = cluster.append_batch(&numbered("b c d e", 5, 2));
    assert_eq!(again.repeated, 3);
    assert_eq!(texts(&cluster.applied(1, again.id.index)), ["c", "d", "e"]);
}

#[test]
fn deduplication_that_cannot_be_is_refused() {
    let cluster = Cluster::new("replica-dedup", 1);
    let mut config = cluster.config(1);
    config.dir = cluster.scratch.path().join("other");
    config.dedup.ids_max = 0;
    let opened = Replica::open(config, Box::new(Keep(Applied::default())));
    assert!(matches!(&opened, Err(ReplicaError::Config(text)) if text == "ids_max is 0"), "{opened:?}");
}

#[test]
fn members_that_cannot_be_are_refused() {
    let cluster = Cluster::new("replica-members", 1);
    let many = Membership::of((1..=33).map(|number| (n(number), format!("127.0.0.1:{number}"))));
    let long = Membership::of([(n(1), "a".repeat(257))]);
    let mut idle = Membership::of([(n(1), "127.0.0.1:1".to_owned())]);
    std::mem::swap(&mut idle.voters, &mut idle.learners);
    for members in [many, long, idle] {
        let mut config = cluster.config(1);
        config.dir = cluster.scratch.path().join("other");
        config.members = members;
        let opened = Replica::open(config, Box::new(Keep(Applied::default())));
        assert!(
            matches!(&opened, Err(ReplicaError::Config(why)) if why.contains("cannot be members together")),
            "{opened:?}"
        );
        assert!(!cluster.scratch.path().join("other").exists());
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_leader_goes_and_comes_back() {
    let mut cluster = Cluster::new("replica-return", 3);
    let mut expected = Vec::new();
    for round in 0..3 {
        for number in 0..20 {
            let text = format!("r{round}n{number}");
            cluster.append(&text);
            expected.push(text);
        }
        let leader = cluster.leader();
        cluster.close(leader);
        let text = format!("r{round}without");
        cluster.append(&text);
        expected.push(text);
        cluster.open(leader);
    }
    let last = cluster.append("end").index;
    expected.push("end".to_owned());
    for number in 1..=3 {
        let mut found = texts(&cluster.applied(number, last));
        found.retain(|text| !["who", "leads?"].contains(&text.as_str()));
        assert_eq!(found, expected, "node {number}");
    }
}

#[test]
fn a_follower_that_missed_thousands_of_small_batches_catches_up() {
    let mut cluster = Cluster::new("replica-small", 3);
    let follower = cluster.leader() % 3 + 1;
    cluster.close(follower);
    let last = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..50)
            .map(|client| {
                let cluster = &cluster;
                scope
                    .spawn(move || (0..100).map(|number| cluster.append(&format!("{client}.{number}"))).max())
            })
            .collect();
        clients.into_iter().filter_map(|client| client.join().unwrap()).max().unwrap()
    });
    cluster.open(follower);
    assert!(cluster.applied(follower, last.index).len() >= 5_000);
}

#[test]
fn a_vote_that_was_lost_is_missed() {
    let mut cluster = Cluster::new("replica-vote", 1);
    cluster.append("x");
    cluster.close(1);
    std::fs::remove_file(cluster.config(1).dir.join("VOTE")).unwrap();
    let opened = Replica::open(cluster.config(1), Box::new(Keep(Applied::default())));
    assert!(matches!(opened, Err(ReplicaError::Config(_))), "{opened:?}");
}

#[test]
fn a_transport_too_small_for_the_largest_message_is_refused() {
    let cluster = Cluster::new("replica-outbox", 1);
    let mut config = cluster.config(1);
    config.dir = cluster.scratch.path().join("other");
    config.net.outbox_bytes_max = 1 << 20;
    let opened = Replica::open(config, Box::new(Keep(Applied::default())));
    assert!(matches!(opened, Err(ReplicaError::Config(_))), "{opened:?}");
    // A piece of a snapshot may be the largest one.
    let mut config = cluster.config(1);
    config.dir = cluster.scratch.path().join("third");
    (config.raft.append_bytes_max, config.raft.frame_bytes_max) = (64 << 10, 64 << 10);
    (config.snapshots.chunk_bytes, config.net.outbox_bytes_max) = (1 << 20, 1 << 20);
    let opened = Replica::open(config, Box::new(Keep(Applied::default())));
    assert!(
        matches!(&opened, Err(ReplicaError::Config(why)) if why.contains("outbox_bytes_max")),
        "{opened:?}"
    );
}

#[test]
fn a_follower_reads_what_was_acknowledged_elsewhere_before() {
    let cluster = Cluster::new("replica-read", 3);
    let leader = cluster.leader();
    let follower = leader % 3 + 1;
    for number in 0..20 {
        let id = cluster.append(&format!("x{number}"));
        let mut index = Index::ORIGIN;
        // The question gets lost where a connection is in the making.
        until("read", || {
            let read = cluster.replica(follower).read_index(Duration::from_secs(1));
            read.is_ok_and(|read| {
                index = read;
                true
            })
        });
        assert!(index >= id.index);
        assert!(cluster.replica(follower).applied() >= id.index);
    }
}

#[test]
fn leadership_is_handed_over_on_request() {
    let cluster = Cluster::new("replica-transfer", 3);
    let leader = cluster.leader();
    cluster.hand_over(leader % 3 + 1);
}

#[test]
fn without_a_majority_nothing_is_acknowledged() {
    let mut cluster = Cluster::new("replica-minority", 3);
    let leader = cluster.leader();
    (1..=3).filter(|number| *number != leader).for_each(|number| cluster.close(number));
    let outcome = cluster.replica(leader).append(batch("alone"), Duration::from_millis(300));
    assert!(matches!(outcome, Err(ReplicaError::Timeout | ReplicaError::NotLeader(_))), "{outcome:?}");
    let read = cluster.replica(leader).read_index(Duration::from_millis(300));
    assert!(read.is_err(), "{read:?}");
    cluster.close(leader);
    (1..=3).for_each(|number| cluster.open(number));
    cluster.append("together");
}

#[test]
fn a_directory_of_another_cluster_and_a_second_user_are_refused() {
    let mut cluster = Cluster::new("replica-refused", 1);
    cluster.append("mine");
    let again = Replica::open(cluster.config(1), Box::new(Keep(Applied::default())));
    assert!(matches!(again, Err(ReplicaError::Storage(_))), "{again:?}");
    cluster.close(1);
    let mut other = cluster.config(1);
    other.cluster = ClusterId([8; 16]);
    let opened = Replica::open(other, Box::new(Keep(Applied::default())));
    assert!(matches!(opened, Err(ReplicaError::Config(_))), "{opened:?}");
    assert!(Path::new(&cluster.config(1).dir).join("log").exists());
    let mut ahead = cluster.config(1);
    ahead.applied = Index::new(1_000);
    let opened = Replica::open(ahead, Box::new(Keep(Applied::default())));
    assert!(matches!(opened, Err(ReplicaError::Config(_))), "{opened:?}");
}

#[test]
fn callers_that_wait_are_told_when_the_replica_is_closed() {
    let mut cluster = Cluster::new("replica-close", 3);
    let leader = cluster.leader();
    (1..=3).filter(|number| *number != leader).for_each(|number| cluster.close(number));
    let replica = cluster.replica(leader);
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| replica.append(batch("never"), PATIENCE));
        until("the entry is taken, or it steps down", || {
            let status = replica.status();
            status.uncommitted_bytes > 0 || status.role != Role::Leader || caller.is_finished()
        });
        replica.close();
        let outcome = caller.join().unwrap();
        assert!(matches!(outcome, Err(ReplicaError::Closed | ReplicaError::NotLeader(_))), "{outcome:?}");
    });
}

/// Opens a fourth node, which knows whom to listen to and learns the rest, has it added, and promoted once it has the
/// log.
fn add_a_fourth(cluster: &mut Cluster) -> SocketAddr {
    let address = own_places(1)[0];
    let mut config = cluster.config(1);
    (config.dir, config.listen) = (cluster.scratch.path().join("n4"), address);
    (config.raft.id, config.raft.seed) = (n(4), 4);
    let applied = Applied::default();
    let fourth = Replica::open(config, Box::new(Keep(Arc::clone(&applied)))).unwrap();
    cluster.replicas.push(Some((fourth, applied)));
    let add = Change { add: [(n(4), address.to_string())].into(), ..Change::default() };
    let id = cluster.ask(|replica| replica.change(add.clone(), PATIENCE));
    until("the learner has the log", || cluster.replica(4).applied() >= id.index);
    let promote = Change { promote: [n(4)].into(), ..Change::default() };
    cluster.ask(|replica| replica.change(promote.clone(), PATIENCE));
    address
}

#[test]
fn a_node_is_added_promoted_and_another_one_removed() {
    let mut cluster = Cluster::new("service-members", 3);
    cluster.append("before");
    add_a_fourth(&mut cluster);
    let unknown = Change { remove: [n(9)].into(), ..Change::default() };
    cluster.ask(|replica| match replica.change(unknown.clone(), PATIENCE) {
        Err(ReplicaError::Refused(Refusal::Invalid)) => Ok(()),
        other => other.map(|id| panic!("{id:?}")),
    });
    let leader = cluster.leader();
    let gone = (1..=3).find(|number| *number != leader).unwrap();
    let remove = Change { remove: [n(gone)].into(), ..Change::default() };
    cluster.ask(|replica| replica.change(remove.clone(), PATIENCE));
    cluster.close(gone);
    // Three voters are left; with the new one and another there is a majority of them.
    let third = (1..=3).find(|other| ![leader, gone].contains(other)).unwrap();
    cluster.close(third);
    let last = cluster.append("after").index;
    let texts = texts(&cluster.applied(4, last));
    assert_eq!((texts.first().unwrap().as_str(), texts.last().unwrap().as_str()), ("before", "after"));
    let members = cluster.replica(4).members();
    assert_eq!(members.voters.len(), 3, "{members:?}");
}

#[test]
fn a_node_that_was_away_while_members_changed_is_told_whom_to_know() {
    let mut cluster = Cluster::new("service-away", 3);
    let away = cluster.leader() % 3 + 1;
    cluster.close(away);
    let address = add_a_fourth(&mut cluster);
    cluster.hand_over(4);
    let last = cluster.append("news").index;
    // Its log names three nodes, of which none leads.
    let mut config = cluster.config(away);
    config.contacts = [(n(4), address.to_string())].into();
    let applied = Applied::default();
    let replica = Replica::open(config, Box::new(Keep(Arc::clone(&applied)))).unwrap();
    cluster.replicas[away - 1] = Some((replica, applied));
    assert_eq!(texts(&cluster.applied(away, last)).last().unwrap(), "news");
}
