//! Nodes in networks of their own, whose packets vanish without a word. `cargo test` counts these as ignored;
//! `-- --ignored namespaces::` runs them where namespaces may be made, and says where they may not.

use super::between::Wires;
use super::cluster::Cluster;
use super::one_way::a_leader_that_is_not_heard;
use super::partitions::without_the_leader;
use super::proxy::Gate;
use super::support::eventually;
use super::ways::Ways;

/// Three of them; none where that cannot be.
#[expect(clippy::print_stdout, reason = "a test that leaves something out says so")]
fn cluster(name: &'static str, ways: Ways) -> Option<Cluster> {
    match Wires::new(3) {
        Ok(wires) => Some(Cluster::on_wires(name, ways, wires)),
        Err(why) => {
            println!("{name} is left out: no network namespaces here: {why}");
            None
        }
    }
}

#[test]
#[ignore = "makes network namespaces, which needs the right to"]
fn a_leader_whose_packets_vanish_refuses_writes_and_follows_when_it_is_back() {
    let Some(cluster) = cluster("vanished", Ways::drawn("vanished")) else { return };
    without_the_leader(cluster, Gate::Held);
}

#[test]
#[ignore = "makes network namespaces, which needs the right to"]
fn a_leader_of_whom_no_packet_arrives_is_replaced() {
    let Some(cluster) = cluster("vanished-one-way", Ways::ALL) else { return };
    a_leader_that_is_not_heard(cluster);
}

/// The system itself would go on for a quarter of an hour where something is under way, and for ever where nothing is.
#[test]
#[ignore = "makes network namespaces, which needs the right to"]
fn a_peer_whose_packets_vanish_is_noticed_within_seconds_whether_or_not_anything_is_under_way() {
    let Some(cluster) = cluster("noticed", Ways::drawn("noticed")) else { return };
    let leader = cluster.leader();
    // Between the followers nothing is said.
    let (silent, other) = (leader % 3 + 1, (leader + 1) % 3 + 1);
    let is_connected = |from: usize, to: usize| cluster.links(from).get(&to).copied();
    let ways = [(leader, silent), (other, silent), (silent, leader), (silent, other)];
    let until = |what: &str, wanted: bool| {
        eventually(what, || {
            ways.iter().all(|(from, to)| is_connected(*from, *to) == Some(wanted)).then_some(())
        });
    };
    until("connections", true);
    cluster.around(silent, Gate::Held);
    until("connections that are over", false);
    assert_eq!(is_connected(leader, other), Some(true));
    cluster.heal();
    until("connections again", true);
    cluster.finish();
}
