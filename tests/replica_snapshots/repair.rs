//! A damaged log whose entries the peers have in snapshots only.

use crate::cluster::Cluster;
use crate::damaged::lose;
use duochain::node::replica::ReplicaError;
use duochain::types::{Index, Status};

#[test]
fn damage_that_peers_have_in_a_snapshot_only_is_refused_at_once_and_says_so() {
    let mut cluster = Cluster::closed("snapshot-repair", 3);
    (1..=3).for_each(|number| cluster.open(number));
    let last = cluster.fill(100);
    let damaged = cluster.leader() % 3 + 1;
    cluster.state(damaged, last);
    cluster.close(damaged);
    cluster.fill(3_000);
    cluster.wait_for_a_cut();
    let (path, _) = lose(&cluster.dir(damaged), Index::new(30));
    let why = match cluster.try_open(damaged) {
        Err(ReplicaError::Storage(error)) if error.status() == Status::Corruption => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(why.contains(&path.display().to_string()), "{why}");
    assert_eq!(why.matches("has it in a snapshot only").count(), 2, "{why}");
    // The others go on.
    cluster.fill(10);
}
