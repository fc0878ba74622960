//! Nodes that leave: a leader that is removed commits just that before it is cut off, and a dead node is replaced
//! as docs/operations.md says.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::net::Refusal;
use duochain::node::replica::Replica;
use duochain::raft::Change;
use replicas::{Applied, Cluster, Keep, PATIENCE, free_ports, n, until};

#[test]
fn a_leader_that_is_removed_commits_that_itself_and_the_others_go_on() {
    let mut cluster = Cluster::new("removal-leader", 3);
    let leader = cluster.leader();
    let replica = cluster.replica(leader);
    let term = replica.status().term;
    let change = Change { remove: [n(leader)].into(), ..Change::default() };
    replica.change(change, PATIENCE).unwrap();
    // The end of the change is a second entry, in which it does not count; it needs the others' answers to that.
    until("end of the change", || {
        !replica.members().addresses.contains_key(&n(leader))
            && replica.status().commit == replica.status().last.index
    });
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

#[test]
fn a_dead_node_is_replaced_by_one_with_a_new_number_and_stays_out() {
    let mut cluster = Cluster::new("removal-dead", 3);
    let leader = cluster.leader();
    let dead = leader % 3 + 1;
    cluster.close(dead);
    cluster.append("without it");
    let address = free_ports(1)[0];
    let mut config = cluster.config(1);
    (config.dir, config.listen) = (cluster.scratch.path().join("n4"), address);
    (config.raft.id, config.raft.seed) = (n(4), 4);
    let fourth = Replica::open(config, Box::new(Keep(Applied::default()))).unwrap();
    let replica = cluster.replica(leader);
    let add = Change { add: [(n(4), address.to_string())].into(), ..Change::default() };
    let id = replica.change(add, PATIENCE).unwrap();
    until("learner with the log", || fourth.applied() >= id.index);
    replica.change(Change { promote: [n(4)].into(), ..Change::default() }, PATIENCE).unwrap();
    replica.change(Change { remove: [n(dead)].into(), ..Change::default() }, PATIENCE).unwrap();
    let last = cluster.append("three again").index;
    until("entry there", || fourth.applied() >= last);
    // It comes back with its old directory: a stranger.
    cluster.open(dead);
    let refused = || cluster.replica(leader).net_stats().refused[Refusal::Stranger.index()];
    until("refusal", || refused() > 0);
    assert!(cluster.replica(dead).applied() < last);
}
