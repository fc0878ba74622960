//! Hosts that wait for another leader, or for other members.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::node::replica::{Replica, ReplicaError, Situation};
use duochain::raft::{Change, Role};
use replicas::{Cluster, PATIENCE, n, until};
use std::time::Duration;

/// Where it stands once nothing changes that counts: a leader that has committed something, without anybody else.
fn settled(cluster: &Cluster) -> Situation {
    cluster.append("first");
    cluster.replica(1).situation()
}

/// Waits on, from one change to the next, until it is so.
fn watch(replica: &Replica, mut seen: u64, is_so: impl Fn(&Situation) -> bool) -> Situation {
    loop {
        let now = replica.wait_status(seen, PATIENCE).expect("a change");
        assert_ne!(now.changes, seen);
        if is_so(&now) {
            return now;
        }
        seen = now.changes;
    }
}

#[test]
fn positions_in_the_log_are_no_change() {
    let cluster = Cluster::new("watching-positions", 1);
    let before = settled(&cluster);
    assert_eq!((before.status.role, before.status.leader), (Role::Leader, Some(n(1))));
    assert_eq!(before.leader_address(), Some(cluster.members.addresses[&n(1)].as_str()));
    let last = cluster.append("one two three").index;
    let replica = cluster.replica(1);
    let waited = replica.wait_status(before.changes, Duration::from_millis(20));
    assert!(matches!(waited, Err(ReplicaError::Timeout)), "{waited:?}");
    // Whoever has seen nothing, or another opening, is told at once.
    for seen in [0, before.changes - 1, before.changes + 1, u64::MAX] {
        let now = replica.wait_status(seen, Duration::ZERO).unwrap();
        assert_eq!((now.changes, &now.members), (before.changes, &before.members));
        assert!(now.status.commit >= last);
    }
}

#[test]
fn whoever_waits_is_told_of_members_that_come_and_go() {
    let cluster = Cluster::new("watching-members", 1);
    let before = settled(&cluster);
    let replica = cluster.replica(1);
    let change = |change| replica.change(change, PATIENCE).unwrap();
    std::thread::scope(|scope| {
        let watchers: Vec<_> = (0..3)
            .map(|_| {
                let has_come = |now: &Situation| now.members.addresses.contains_key(&n(2));
                scope.spawn(move || watch(replica, before.changes, has_come))
            })
            .collect();
        let add = [(n(2), "127.0.0.1:1".to_owned())].into();
        change(Change { add, ..Change::default() });
        for watcher in watchers {
            let come = watcher.join().unwrap();
            assert!(come.changes > before.changes && !come.members.is_voter(n(2)));
            assert_eq!((come.status.role, come.status.term), (before.status.role, before.status.term));
        }
        let come = replica.situation();
        let add = [(n(2), "127.0.0.1:2".to_owned())].into();
        change(Change { add, ..Change::default() });
        let moved = watch(replica, come.changes, |now| now.members.addresses[&n(2)] == "127.0.0.1:2");
        change(Change { remove: [n(2)].into(), ..Change::default() });
        let gone = watch(replica, moved.changes, |now| now.members == before.members);
        assert_eq!(gone.changes, replica.situation().changes);
    });
}

#[test]
fn a_leader_that_loses_the_others_is_told_that_it_leads_no_longer() {
    let mut cluster = Cluster::new("watching-alone", 3);
    let leader = cluster.leader();
    let leading = cluster.replica(leader).situation();
    // Nothing is committed or applied from here on that would wake anybody.
    (1..=3).filter(|number| *number != leader).for_each(|number| cluster.close(number));
    let replica = cluster.replica(leader);
    let alone = watch(replica, leading.changes, |now| {
        now.status.role != Role::Leader && now.status.leader.is_none() && now.leader_address().is_none()
    });
    assert!(alone.changes > leading.changes);
}

#[test]
fn followers_are_told_who_leads_now() {
    let cluster = Cluster::new("watching-hand-over", 3);
    let next = cluster.leader() % 3 + 1;
    std::thread::scope(|scope| {
        let watchers = cluster.alive().map(|(_, replica)| {
            scope.spawn(move || watch(replica, 0, |now| now.status.leader == Some(n(next))))
        });
        let watchers: Vec<_> = watchers.collect();
        cluster.hand_over(next);
        until("everybody knows", || {
            // An election may come in between, and somebody else lead who hands over again.
            if watchers.iter().any(|watcher| !watcher.is_finished()) {
                cluster.hand_over(next);
            }
            watchers.iter().all(std::thread::ScopedJoinHandle::is_finished)
        });
        for watcher in watchers {
            let address = watcher.join().unwrap().leader_address().map(str::to_owned);
            assert_eq!(address.as_deref(), Some(cluster.members.addresses[&n(next)].as_str()));
        }
    });
}

#[test]
fn the_end_ends_the_wait() {
    let cluster = Cluster::new("watching-end", 1);
    let before = settled(&cluster);
    let replica = cluster.replica(1);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || replica.wait_status(before.changes, PATIENCE));
        replica.close();
        let told = waiting.join().unwrap();
        assert!(matches!(told, Err(ReplicaError::Closed)), "{told:?}");
    });
    let told = replica.wait_status(0, Duration::ZERO);
    assert!(matches!(told, Err(ReplicaError::Closed)), "{told:?}");
    assert_eq!(replica.situation().members, before.members);
}
