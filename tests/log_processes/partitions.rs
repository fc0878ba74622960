//! Nodes that run and are not heard.

use super::clients::under_load;
use super::cluster::Cluster;
use super::history::Outcome;
use super::kills::progress;
use super::proxy::Gate;
use super::support::eventually;

/// A leader is cut off: it acknowledges nothing any more, the others go on, and it follows when it is back.
pub(crate) fn without_the_leader(cluster: Cluster, gate: Gate) {
    let old = cluster.leader();
    under_load(&cluster, 6, || progress(&cluster, 100));
    cluster.around(old, gate);
    let old_place = cluster.history.append_at(&cluster, old);
    assert!(!old_place.is_ok(), "{old_place:?}");
    let new = eventually("a new leader", || cluster.find_leader().filter(|leader| *leader != old));
    under_load(&cluster, 6, || progress(&cluster, 100));
    for _ in 0..5 {
        // A machine under load may not answer in time; then nobody knows, and it is asked again.
        eventually("a refusal", || {
            let record = cluster.history.append_at(&cluster, old);
            assert!(!record.is_ok(), "the old leader refuses: {record:?}");
            matches!(record.outcome, Outcome::Failed(_)).then_some(())
        });
    }
    assert_ne!(cluster.status_of(old).role, "leader");
    cluster.heal();
    eventually("the old leader following", || {
        cluster.status(old).filter(|status| status.role == "follower" && status.leader != 0)
    });
    cluster.status_of(new);
    cluster.finish();
}

#[test]
fn a_leader_that_is_cut_off_refuses_writes_and_follows_when_it_is_back() {
    without_the_leader(Cluster::new("cut", 3), Gate::Cut);
}

#[test]
fn a_leader_whose_packets_are_lost_refuses_writes_and_follows_when_it_is_back() {
    without_the_leader(Cluster::new("held", 3), Gate::Held);
}

#[test]
fn a_minority_of_five_with_the_leader_decides_nothing() {
    let cluster = Cluster::new("minority", 5);
    let old = cluster.leader();
    let friend = old % 5 + 1;
    under_load(&cluster, 6, || {
        progress(&cluster, 100);
        // Each of the two is cut off from the three, and not from the other.
        cluster.cut_between(&[old, friend]);
        eventually("a leader of the three", || {
            cluster.find_leader().filter(|leader| ![old, friend].contains(leader))
        });
        progress(&cluster, 100);
    });
    cluster.finish();
}

#[test]
fn links_that_break_again_and_again_cost_no_acknowledged_entry() {
    let cluster = Cluster::new("links", 3);
    cluster.leader();
    under_load(&cluster, 6, || {
        for round in 0..12 {
            let gate = if round % 2 == 0 { Gate::Cut } else { Gate::Held };
            cluster.around(round % 3 + 1, gate);
            progress(&cluster, 30);
            cluster.heal();
        }
        progress(&cluster, 30);
    });
    cluster.finish();
}

#[test]
fn a_leader_that_is_stopped_for_a_while_acknowledges_nothing_stale_when_it_goes_on() {
    let cluster = Cluster::new("stopped-leader", 3);
    under_load(&cluster, 6, || {
        for _ in 0..3 {
            let old = cluster.leader();
            progress(&cluster, 50);
            let process = cluster.process(old).expect("it runs");
            process.signal(libc::SIGSTOP);
            eventually("another leader", || cluster.find_leader().filter(|leader| *leader != old));
            progress(&cluster, 50);
            process.signal(libc::SIGCONT);
            progress(&cluster, 50);
        }
    });
    cluster.finish();
}

#[test]
fn a_follower_that_is_stopped_for_a_while_holds_nobody_up_and_catches_up() {
    let cluster = Cluster::new("stopped-follower", 3);
    under_load(&cluster, 6, || {
        let follower = cluster.leader() % 3 + 1;
        let process = cluster.process(follower).expect("it runs");
        progress(&cluster, 50);
        process.signal(libc::SIGSTOP);
        progress(&cluster, 300);
        process.signal(libc::SIGCONT);
        let goal = cluster.status_of(cluster.leader()).commit;
        eventually("a follower that has caught up", || {
            cluster.status(follower).filter(|status| status.applied >= goal)
        });
    });
    cluster.finish();
}
