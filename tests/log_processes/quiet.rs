//! Nothing breaks.

use super::clients::under_load;
use super::cluster::Cluster;
use super::support::eventually;
use std::collections::HashSet;

#[test]
fn five_thousand_entries_are_the_same_on_all_and_none_is_there_twice() {
    let cluster = Cluster::new("quiet", 3);
    cluster.leader();
    under_load(&cluster, 16, || {
        eventually("5,000 entries", || (cluster.history.acknowledged() >= 5_000).then_some(()));
    });
    let list = cluster.finish();
    assert!(list.len() >= 5_000);
    assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len());
}

#[test]
fn five_processes_do_the_same() {
    let cluster = Cluster::new("quiet-five", 5);
    cluster.leader();
    under_load(&cluster, 8, || {
        eventually("500 entries", || (cluster.history.acknowledged() >= 500).then_some(()));
    });
    assert!(cluster.finish().len() >= 500);
}
