//! Nodes that leave: a leader that is removed commits just that before it is cut off, and a dead node is replaced
//! as docs/operations.md says.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::net::Refusal;
use duochain::node::replica::Replica;
use duochain::raft::Change;
use replicas::{Applied, Cluster, Keep, PATIENCE, n, own_places, unless_it_went, until, while_one_leads};
use std::sync::Arc;

#[test]
fn a_leader_that_is_removed_commits_that_itself_and_the_others_go_on() {
    while_one_leads(|| {
        let mut cluster = Cluster::new("removal-leader", 3);
        let leader = cluster.leader();
        let replica = cluster.replica(leader);
        let term = replica.status().term;
        let change = Change { remove: [n(leader)].into(), ..Change::default() };
        unless_it_went(replica.change(change, PATIENCE))?;
        // The end of the change is a second entry, in which it does not count; it needs the others' answers to that.
        let has_left = || {
            let status = replica.status();
            !replica.members().addresses.contains_key(&n(leader)) && status.commit == status.last.index
        };
        until("end of the change", || has_left() || replica.status().term > term);
        let is_its_own = has_left() && replica.status().term == term;
        cluster.close(leader);
        let last = cluster.append("without it").index;
        for number in (1..=3).filter(|number| *number != leader) {
            cluster.applied(number, last);
        }
        is_its_own.then_some(())
    });
}

#[test]
fn a_dead_node_is_replaced_by_one_with_a_new_number_and_stays_out() {
    let mut cluster = Cluster::new("removal-dead", 3);
    let leader = cluster.leader();
    let dead = leader % 3 + 1;
    cluster.close(dead);
    cluster.append("without it");
    let address = own_places(1)[0];
    let mut config = cluster.config(1);
    (config.dir, config.listen) = (cluster.scratch.path().join("n4"), address);
    (config.raft.id, config.raft.seed) = (n(4), 4);
    let applied = Applied::default();
    let fourth = Replica::open(config, Box::new(Keep(Arc::clone(&applied)))).unwrap();
    cluster.replicas.push(Some((fourth, applied)));
    let change = |change: Change| cluster.ask(|replica| replica.change(change.clone(), PATIENCE));
    let id = change(Change { add: [(n(4), address.to_string())].into(), ..Change::default() });
    until("learner with the log", || cluster.replica(4).applied() >= id.index);
    change(Change { promote: [n(4)].into(), ..Change::default() });
    change(Change { remove: [n(dead)].into(), ..Change::default() });
    let last = cluster.append("three again").index;
    cluster.applied(4, last);
    // It comes back with its old directory: a stranger.
    cluster.open(dead);
    let refused = || cluster.replica(leader).net_stats().refused[Refusal::Stranger.index()];
    until("refusal", || refused() > 0);
    assert!(cluster.replica(dead).applied() < last);
}
