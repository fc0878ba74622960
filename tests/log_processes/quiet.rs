//! Nothing breaks.

use super::clients::under_load;
use super::cluster::Cluster;
use super::kills::progress;
use std::collections::HashSet;

#[test]
fn five_thousand_entries_are_the_same_on_all_and_none_is_there_twice() {
    let cluster = Cluster::new("quiet", 3);
    cluster.leader();
    // In steps: what is not allowed is to stand still.
    under_load(&cluster, 16, || (0..10).for_each(|_| progress(&cluster, 500)));
    let list = cluster.finish();
    assert!(list.len() >= 5_000);
    assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len());
}

#[test]
fn five_processes_do_the_same() {
    let cluster = Cluster::new("quiet-five", 5);
    cluster.leader();
    under_load(&cluster, 8, || progress(&cluster, 500));
    assert!(cluster.finish().len() >= 500);
}
