//! The end of a replica in order: what its callers are told, and who leads then.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::node::replica::{Pending, Receipt, ReplicaError, WaitFor};
use replicas::{Cluster, PATIENCE, batch, submit, texts, unless_it_went, while_one_leads};
use std::time::Duration;

#[test]
fn entries_that_are_under_way_are_answered_when_the_replica_is_closed() {
    while_one_leads(|| {
        let mut cluster = Cluster::new("service-close", 3);
        let number = cluster.leader();
        (1..=3).filter(|other| *other != number).for_each(|other| cluster.close(other));
        let replica = cluster.replica(number);
        let pending = unless_it_went(submit(replica, "x", WaitFor::Quorum))?;
        replica.close();
        unless_closed(pending.wait(PATIENCE))?;
        assert!(matches!(submit(replica, "y", WaitFor::Quorum), Err(ReplicaError::Closed)));
        Some(())
    });
}

/// `None` where it had stepped down before it was closed.
fn unless_closed(told: Result<Receipt, ReplicaError>) -> Option<()> {
    match told {
        Err(ReplicaError::Closed) => Some(()),
        Err(ReplicaError::NotLeader(_)) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_leader_that_is_shut_down_commits_what_it_took_and_hands_over() {
    while_one_leads(|| {
        let mut cluster = Cluster::new("service-shutdown", 3);
        let (number, replica) = cluster.leading();
        let others = (1..=3).filter(|other| *other != number);
        let counts = |number: usize| cluster.replica(number).stats().counts;
        let before: Vec<_> = others.map(|other| (other, counts(other))).collect();
        let taken = (0..500).map(|at| unless_it_went(submit(replica, &format!("x{at}"), WaitFor::Quorum)));
        let taken = taken.collect::<Option<Vec<_>>>()?;
        replica.shutdown(PATIENCE).unwrap();
        let ids = taken.iter().map(|pending| Some(unless_it_went(pending.try_wait().unwrap())?.id));
        let last = ids.collect::<Option<Vec<_>>>()?.into_iter().max().unwrap();
        assert!(matches!(submit(replica, "late", WaitFor::Quorum), Err(ReplicaError::Closed)));
        assert!(matches!(
            replica.append(batch("late"), PATIENCE),
            Err(ReplicaError::Closed | ReplicaError::Refused(_))
        ));
        cluster.close(number);
        let heir = cluster.leader();
        assert_ne!(heir, number);
        assert!(cluster.applied(heir, last.index).len() >= 500);
        // Who is handed leadership asks nobody first whether it would be elected.
        let counts = cluster.replica(heir).stats().counts;
        let (_, before) = before.iter().find(|(other, _)| *other == heir).unwrap();
        let was_handed_over =
            counts.elections > before.elections && counts.pre_elections == before.pre_elections;
        cluster.open(number);
        let expected = cluster.applied(heir, last.index).len();
        assert!(cluster.applied(number, last.index).len() >= expected.min(500));
        was_handed_over.then_some(())
    });
}

#[test]
fn a_shutdown_that_cannot_finish_says_so_and_closes() {
    while_one_leads(|| {
        let mut cluster = Cluster::new("service-stuck", 3);
        let number = cluster.leader();
        (1..=3).filter(|other| *other != number).for_each(|other| cluster.close(other));
        let replica = cluster.replica(number);
        let pending = unless_it_went(submit(replica, "x", WaitFor::Quorum))?;
        match replica.shutdown(Duration::from_millis(100)) {
            Err(ReplicaError::Timeout) => {}
            // It had stepped down, so that nothing was left.
            Ok(()) => return None,
            Err(error) => panic!("{error}"),
        }
        assert!(pending.wait(PATIENCE).is_err());
        assert!(matches!(replica.shutdown(PATIENCE), Err(ReplicaError::Closed)));
        Some(())
    });
}

#[test]
fn a_cluster_of_one_ends_in_order_and_has_everything_when_it_comes_back() {
    let mut cluster = Cluster::new("service-one", 1);
    let (_, replica) = cluster.leading();
    let taken: Vec<Pending> =
        (0..100).map(|at| submit(replica, &format!("x{at}"), WaitFor::Local).unwrap()).collect();
    replica.shutdown(PATIENCE).unwrap();
    let last = taken.iter().map(|pending| pending.try_wait().unwrap().unwrap().id.index).max().unwrap();
    cluster.close(1);
    cluster.open(1);
    cluster.append("again");
    assert_eq!(texts(&cluster.applied(1, last)).iter().filter(|text| text.starts_with('x')).count(), 100);
}
