//! A leader that is removed commits just that before it is cut off.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::raft::Change;
use replicas::{Cluster, PATIENCE, n};
use std::time::Duration;

#[test]
fn a_leader_that_is_removed_commits_that_itself_and_the_others_go_on() {
    let mut cluster = Cluster::new("removal-leader", 3);
    let leader = cluster.leader();
    let replica = cluster.replica(leader);
    let term = replica.status().term;
    let change = Change { remove: [n(leader)].into(), ..Change::default() };
    replica.change(change, PATIENCE).unwrap();
    // The end of the change is a second entry, in which it does not count; it needs the others' answers to that.
    for _ in 0..PATIENCE.as_millis() {
        if !replica.members().addresses.contains_key(&n(leader))
            && replica.status().commit == replica.status().last.index
        {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let status = replica.status();
    assert_eq!(
        (status.term, status.commit),
        (term, status.last.index),
        "by the leader of that term: {status:?}"
    );
    cluster.close(leader);
    let last = cluster.append("without it").index;
    for number in (1..=3).filter(|number| *number != leader) {
        cluster.applied(number, last);
    }
}
